"""The public's doors to a board: page, hall screen, JSON and event stream, all fed by the publisher."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, json, render_template, request, stream_with_context, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from competition.extensions import services
from competition.leaderboard.visible import listed_by
from competition.live.boards import find_board
from competition.live.publisher import Topic
from competition.live.stream import Hub, read_ids
from competition.shared.errors import DomainError
from competition.shared.guards import allow
from competition.shared.resources import resource_dir

blueprint = Blueprint("live", __name__)

MOST: Final = 12
"""Boards on one stream."""
PAGE: Final = 100
"""Rows of a page."""
TEN: Final = 10


@blueprint.get("/api/v1/boards/<contest>/<track>")
@allow("everyone")
def snapshot(contest: str, track: str) -> Any:
    """`leitai.board/1`, or 304 where the client's ETag is still the version."""
    _, _, topic = find_board(contest, track)
    response = Response(topic.snapshot().data, mimetype="application/json")
    response.set_etag(topic.etag)
    response.headers["Cache-Control"] = _cache(topic)
    return response.make_conditional(request)


@blueprint.get("/api/v1/boards/<contest>/<track>/events")
@allow("everyone")
def events(contest: str, track: str) -> Any:
    """The board stream."""
    _, row, topic = find_board(contest, track)
    return _stream([(topic.payload["contest"], row.code)], topic.key[2])


@blueprint.get("/api/v1/stream")
@allow("everyone")
def several() -> Any:
    """The streams of several boards on one connection: `?boards=CONTEST/TRACK,CONTEST/TRACK`."""
    asked = [name for name in request.args.get("boards", "").split(",") if name]
    if not asked or len(asked) > MOST:
        raise DomainError("bad_request", _("boards 要写 1 到 %(most)d 个“赛事/赛项”。", most=MOST), "boards")
    names: dict[tuple[str, str], None] = {}
    audiences = set()
    for name in asked:
        contest, _slash, track = name.partition("/")
        _contest, row, topic = find_board(contest, track)
        names[topic.payload["contest"], row.code] = None
        audiences.add(topic.key[2])
    return _stream(list(names), "staff" if audiences == {"staff"} else "public", named=True)


@blueprint.get("/contests/<contest>/<track>/board")
@allow("everyone")
def board(contest: str, track: str) -> Any:
    """The live board, readable without script."""
    return _page("board/board.html", contest, track, PAGE)


@blueprint.get("/screen/<contest>/<track>")
@allow("everyone")
def screen(contest: str, track: str) -> Any:
    """The hall's screen: ten rows a page."""
    return _page("board/screen.html", contest, track, TEN)


def _cache(topic: Topic) -> str:
    return "private, no-cache" if topic.key[2] == "staff" else "no-cache"


def _stream(names: list[tuple[str, str]], audience: str, *, named: bool = False) -> Response:
    text = request.headers.get("Last-Event-ID") or request.args.get("since") or ""
    frames = Hub(services().publisher).frames(names, audience, read_ids(names, text), named=named)
    response = Response(stream_with_context(frames), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "private, no-store" if audience == "staff" else "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _page(template: str, contest: str, track: str, rows: int) -> Any:
    found, row, topic = find_board(contest, track)
    payload = {**topic.payload, "rows": sorted(topic.payload["rows"], key=listed_by)}
    page = max(1, request.args.get("page", 1, type=int) or 1)
    pages = max(1, -(-len(payload["rows"]) // rows))
    page = min(page, pages)
    response = Response(
        render_template(
            template,
            payload=payload,
            contest={
                "code": found.code,
                "title": found.title,
                "kind": found.kind,
                "rehearsal": found.rehearsal,
                "url": url_for("pages.contest", code=found.code),
            },
            track={"code": row.code, "title": row.title},
            rehearsal=found.rehearsal,
            page_rows=payload["rows"][(page - 1) * rows : page * rows],
            page=page,
            pages=pages,
            first=(page - 1) * rows,
            stage_titles={stage["code"]: stage["title"] for stage in payload["stages"]},
            strings=_strings(),
            events_url=url_for("live.events", contest=found.code, track=row.code),
            snapshot_url=url_for("live.snapshot", contest=found.code, track=row.code),
        )
    )
    response.headers["Cache-Control"] = _cache(topic)
    return response


def _strings() -> dict[str, str]:
    """The script's sentences in English; the Chinese ones stand in the script."""
    if str(get_locale()) != "en":
        return {}
    return dict(json.loads((resource_dir("static") / "js" / "board" / "strings.en.json").read_text(encoding="utf-8")))
