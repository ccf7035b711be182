"""Check-in at the door, on a phone, with or without a network."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import segno
from flask import Blueprint, abort, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests.models import Contest
from competition.contests.queries import contest_by_code
from competition.extensions import csrf, services
from competition.registration.checkin import Arrival, arrivals, can_check_in, check_in
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow, same_origin
from competition.shared.resources import resource_dir

blueprint = Blueprint("checkin", __name__)
MOST: Final = 200
"""Operations in one request."""


@blueprint.app_template_filter("qr_svg")
def qr_svg(text: str) -> Markup:
    """A QR code of `text` for a page or a sheet; black on white whatever the theme."""
    return Markup(segno.make(text, error="m").svg_inline(scale=6, border=2, omitsize=True, light="#fff"))


@blueprint.get("/checkin/<code>")
@allow("organiser")
def desk(code: str) -> Any:
    return _page(code)


@blueprint.post("/checkin/<code>")
@allow("organiser")
def by_form(code: str) -> Any:
    """The same without script: one entry at a time."""
    form = request.form
    present = form.get("present", "1") == "1"
    try:
        with services().db.transaction() as session:
            contest = _contest(session, code)
            check_in(
                session,
                contest,
                entry=form.get("entry", ""),
                op=form.get("op") or str(uuid.uuid4()),
                present=present,
                actor=actor(),
                now=clock.now(),
            )
    except DomainError as error:
        return _page(code, error=error)
    flash(_("%(code)s 已检录。", code=form["entry"]) if present else _("%(code)s 的检录已撤销。", code=form["entry"]))
    return redirect(url_for("checkin.desk", code=code, track=request.args.get("track")), 303)


@blueprint.get("/checkin/<code>/list.json")
@allow("organiser")
def listed(code: str) -> Any:
    with services().db.reading() as session:
        return jsonify([_row(one) for one in arrivals(session, _contest(session, code))])


@blueprint.post("/checkin/<code>/ops")
@csrf.exempt  # the Origin is checked instead: a phone that was offline may hold an old token
@allow("organiser")
def operations(code: str) -> Any:
    """A list of `{op, entry, present, at}` that a phone kept; the answers stand in the same order."""
    if not same_origin():
        return _refuse(403, "forbidden", _("请求不是从本站的页面发出的"))
    sent = request.get_json(silent=True) if request.is_json else None
    with services().db.reading() as session:
        _contest(session, code)
    if not isinstance(sent, list) or len(sent) > MOST or not all(isinstance(one, dict) for one in sent):
        return _refuse(400, "bad_request", _("需要一个 JSON 列表,最多 %(most)s 条", most=MOST))
    with services().db.transaction() as session:
        contest = _contest(session, code)
        return jsonify([_operate(session, contest, one) for one in sent])


def _operate(session: Session, contest: Contest, one: dict[str, Any]) -> dict[str, Any]:
    op, entry = str(one.get("op", "")), str(one.get("entry", ""))
    try:
        written = check_in(
            session,
            contest,
            entry=entry,
            op=op,
            present=one.get("present") is not False,
            device_at=_instant(one.get("at")),
            actor=actor(),
            now=clock.now(),
        )
    except DomainError as error:
        return {"ok": False, "op": op, "error": error.as_dict()}
    return {"ok": True, "op": op, "entry": entry, "written": written}


def _instant(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


@blueprint.get("/checkin/<code>/absent")
@allow("organiser")
def absent(code: str) -> Any:
    """Who has not come, to print and to hand on; ruling them absent is the chief's, by number."""
    with services().db.reading() as session:
        contest = _contest(session, code)
        missing = [one for one in arrivals(session, contest) if not one.present]
        tracks = [(track, [one for one in missing if one.track == track.code]) for track in contest.tracks]
        return render_template(
            "registration/absent.html", contest=contest, tracks=tracks, now=clock.now(), rehearsal=contest.rehearsal
        )


def _page(code: str, *, error: DomainError | None = None) -> Any:
    who: Actor = actor()
    with services().db.reading() as session:
        contest = _contest(session, code)
        rows = arrivals(session, contest)
        chosen = request.args.get("track", "")
        g.policy_besides = ("worker-src 'self' blob:", "media-src 'self' blob:")
        page = render_template(
            "registration/checkin.html",
            contest=contest,
            tracks=list(contest.tracks),
            rows=rows,
            chosen=chosen,
            data={
                "contest": contest.code,
                "person": who.person_id,
                "rows": [_row(one) for one in rows],
                "list": url_for("checkin.listed", code=contest.code),
                "ops": url_for("checkin.operations", code=contest.code),
                "scanner": url_for("static", filename="vendor/qr-scanner.min.js"),
            },
            strings=_strings(str(get_locale())),
            error=error,
            fresh=lambda: str(uuid.uuid4()),
            rehearsal=contest.rehearsal,
        )
    return page, {"forbidden": 403, "unknown": 404}.get(error.code, 409) if error else 200


def _row(one: Arrival) -> dict[str, Any]:
    return {**asdict(one), "at": one.at.isoformat() if one.at else None}


def _refuse(status: int, code: str, message: str) -> Any:
    said = jsonify(ok=False, error=DomainError(code, message).as_dict())
    said.status_code = status
    return said


def _contest(session: Session, code: str) -> Contest:
    who: Actor = actor()
    contest = contest_by_code(session, code)
    if contest is None:
        abort(404 if who.has("admin") else 403)
    if not can_check_in(who, contest.id):
        abort(403)
    return contest


@lru_cache
def _strings(language: str) -> dict[str, str]:
    """The words of the page's script in a language other than its own."""
    path = resource_dir("static") / "js" / "checkin" / f"strings.{language}.json"
    words: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return words
