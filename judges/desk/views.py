"""The desk's pages, and the door of the judging protocol for a tablet that has no socket."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from flask import Blueprint, abort, jsonify, render_template, request
from flask_babel import gettext as _

from competition.accounts.policy import Actor
from competition.contests.models import Contest
from competition.extensions import csrf, services
from competition.pages.language import chosen_language
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow, same_origin
from competition.shared.resources import resource_dir
from judges.ballots.definition import ContestInfo
from judges.ballots.queries import desk_of
from judges.desk.protocol import answer

blueprint = Blueprint("desk", __name__)
MOST: Final = 200
"""Messages in one request."""


@blueprint.get("/judge/<contest>")
@allow("judge")
def judge(contest: str) -> Any:
    found, who = _contest(contest), _who()
    seats = sorted(found.judge_codes[key] for key in who.judge_ids(found.id) if key in found.judge_codes)
    if not seats:
        abort(403)
    return _page("judge", found, _("裁判 %(codes)s", codes="、".join(seats)))


@blueprint.get("/recorder/<contest>")
@allow("recorder")
def recorder(contest: str) -> Any:
    found, who = _contest(contest), _who()
    if not any(desk_of(who, found, track).stages_recorded for track in found.tracks.values()):
        abort(403)
    return _page("recorder", found, _("记录员"))


@blueprint.get("/chief/<contest>/<track>")
@allow("chief")
def chief(contest: str, track: str) -> Any:
    found, who = _contest(contest), _who()
    if track not in found.tracks:
        abort(404)
    info = found.tracks[track]
    if not who.has("chief", contest_id=found.id, track_id=info.id):
        abort(403)
    return _page("chief", found, _("裁判长 · %(track)s", track=info.title), track=track)


@blueprint.post("/api/v1/marks")
@csrf.exempt  # the Origin is checked instead: a tablet that was offline for hours holds an old token
@allow("signed_in")
def marks() -> Any:
    """A list of the socket's messages, each with its `event`; the answers stand in the same order."""
    if not same_origin():
        return _refuse(403, "forbidden", _("请求不是从本站的页面发出的"))
    try:
        messages = request.get_json(silent=True) if request.is_json else None
    except RecursionError:  # nested without end
        messages = None
    if not isinstance(messages, list) or len(messages) > MOST:
        return _refuse(400, "bad_request", _("需要一个 JSON 列表,最多 %(most)s 条", most=MOST))
    who = _who()
    return jsonify([answer(services(), who, message, now=clock.now()) for message in messages])


def _refuse(status: int, code: str, message: str) -> Any:
    said = jsonify(ok=False, error=DomainError(code, message).as_dict())
    said.status_code = status
    return said


def _who() -> Actor:
    who: Actor = actor()
    return who


def _contest(code: str) -> ContestInfo:
    found: ContestInfo | None = services().ballots.definitions.find(code)
    if found is None:
        abort(404)
    return found


def _page(role: str, contest: ContestInfo, seat: str, **more: Any) -> Any:
    with services().db.reading() as session:
        row = session.get_one(Contest, contest.id)
        title, rehearsal = row.title, row.rehearsal
    return render_template(
        f"desk/{role}.html",
        contest_code=contest.code,
        contest_title=title,
        seat_label=seat,
        role=role,
        rehearsal=rehearsal,
        strings=_strings(chosen_language()),
        **more,
    )


@lru_cache
def _strings(language: str) -> dict[str, str]:
    """The words of the desk's scripts in a language other than their own."""
    path = resource_dir("static") / "js" / "desk" / f"strings.{language}.json"
    words: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return words
