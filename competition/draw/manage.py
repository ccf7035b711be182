"""The coder's desk (and, for decoding, the supervisor's), and the organiser's page of code layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts.approval import open_for
from competition.accounts.models import Approval, Person
from competition.accounts.policy import Actor
from competition.contests.doors import own_contest
from competition.contests.models import Contest, Track
from competition.contests.queries import contest_by_code, get_track
from competition.draw import service
from competition.draw.decoding import KIND as DECODE
from competition.draw.decoding import SUBMITTED, ask_decoding
from competition.draw.forms import read_conditions, read_layers
from competition.draw.layers import TITLES, coders_of, layers_of, live_draw, set_layers
from competition.draw.models import CodeLayer, Decoding, Draw
from competition.draw.policy import can_code, can_watch, holds_layer
from competition.draw.queries import Line, decoding_of, get_layer, mapping, may_read
from competition.draw.voiding import ask_void
from competition.extensions import services
from competition.registration.checkin import present_in
from competition.registration.models import Entry
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("draw", __name__)
STATUS = {"forbidden": 403, "unknown": 404, "bad_request": 400}


@dataclass(frozen=True)
class LayerDesk:
    """A layer as its coder has it before them; `lines` None: not theirs to read."""

    row: CodeLayer
    draw: Draw | None
    decoding: Decoding | None
    mine: bool
    coder: str
    lines: list[Line] | None
    asked: Approval | None
    may_ask_decoding: bool


@dataclass(frozen=True)
class TrackDesk:
    row: Track
    entries: int
    present: int
    layers: list[LayerDesk]


@blueprint.get("/code/<code>")
@allow("coder", "supervisor")
def desk(code: str) -> Any:
    return _desk(code)


@blueprint.post("/code/<code>/<track>/commit")
@allow("coder")
def commit(code: str, track: str) -> Any:
    def do(session: Session, row: Track, layer: CodeLayer) -> str:
        groups = tuple(str(group["code"]) for group in row.contest.groups)
        conditions = read_conditions(request.form, groups)
        service.commit(session, row, layer, conditions, vault=services().vault, actor=actor(), now=clock.now())
        return _("“%(layer)s”的承诺已公布；现在起种子和条件都不能再改。", layer=layer.title)

    return _act(code, track, do)


@blueprint.post("/code/<code>/<track>/draw")
@allow("coder")
def make(code: str, track: str) -> Any:
    def do(session: Session, row: Track, layer: CodeLayer) -> str:
        service.make_draw(session, row, layer, vault=services().vault, actor=actor(), now=clock.now())
        return _("“%(layer)s”已抽签。", layer=layer.title)

    return _act(code, track, do)


@blueprint.post("/code/<code>/<track>/reveal")
@allow("coder")
def reveal(code: str, track: str) -> Any:
    def do(session: Session, row: Track, layer: CodeLayer) -> str:
        service.reveal(session, row, layer, vault=services().vault, actor=actor(), now=clock.now())
        return _("“%(layer)s”的种子已公布。", layer=layer.title)

    return _act(code, track, do)


@blueprint.post("/code/<code>/<track>/void")
@allow("coder")
def void(code: str, track: str) -> Any:
    def do(session: Session, row: Track, layer: CodeLayer) -> str:
        ask_void(session, row, layer, reason=request.form.get("reason", ""), actor=actor(), now=clock.now())
        return _("已申请作废，等监督员或主办方同意。")

    return _act(code, track, do)


@blueprint.post("/code/<code>/<track>/decode")
@allow("coder", "supervisor")
def decode(code: str, track: str) -> Any:
    def do(session: Session, row: Track, layer: CodeLayer) -> str:
        ask_decoding(session, row, layer, reason=request.form.get("reason", ""), actor=actor(), now=clock.now())
        return _("已申请解密“%(layer)s”，等另一方（加密员或监督员）同意。", layer=layer.title)

    return _act(code, track, do)


def _act(code: str, track: str, do: Callable[[Session, Track, CodeLayer], str]) -> Any:
    try:
        with services().db.transaction() as session:
            contest = _contest(session, code)
            row = get_track(session, contest.id, track)
            said = do(session, row, get_layer(session, row, request.form.get("layer", "")))
    except DomainError as error:
        return _desk(code, error=error, track=track)
    flash(said)
    return redirect(url_for("draw.desk", code=code) + f"#{track}", 303)


def _desk(code: str, *, error: DomainError | None = None, track: str = "") -> Any:
    who: Actor = actor()
    with services().db.reading() as session:
        contest = _contest(session, code)
        waiting = {one.subject: one for one in open_for(session, contest_id=contest.id)}
        page = render_template(
            "draw/desk.html",
            contest=contest,
            tracks=[_track(session, row, who, waiting) for row in contest.tracks],
            coder=can_code(who, contest.id),
            error=error,
            failed=(track, request.form.get("layer", "")) if error else None,
            typed=request.form if error else {},
            decode_kind=DECODE,
            rehearsal=contest.rehearsal,
        )
    return page, STATUS.get(error.code, 409) if error else 200


def _track(session: Session, row: Track, who: Actor, waiting: dict[str, Approval]) -> TrackDesk:
    return TrackDesk(
        row,
        session.scalar(select(func.count()).select_from(Entry).where(Entry.track_id == row.id)) or 0,
        len(present_in(session, row.id)),
        [_layer(session, row, layer, who, waiting) for layer in layers_of(session, row.id)],
    )


def _layer(session: Session, row: Track, layer: CodeLayer, who: Actor, waiting: dict[str, Approval]) -> LayerDesk:
    draw, decoding = live_draw(session, layer.id), decoding_of(session, layer.id)
    person = session.get(Person, layer.coder_id) if layer.coder_id else None
    readable = may_read(session, who, row.contest_id, layer)
    above = [each for each in layers_of(session, row.id) if each.position > layer.position]
    return LayerDesk(
        layer,
        draw,
        decoding,
        holds_layer(who, row.contest_id, layer),
        person.name if person else "",
        mapping(session, who, row, layer) if readable else None,
        waiting.get(service.name_of(row, layer)),
        decoding is None
        and draw is not None
        and draw.state != "committed"
        and row.phase in SUBMITTED
        and all(decoding_of(session, each.id) is not None for each in above)
        and (holds_layer(who, row.contest_id, layer) or can_watch(who, row.contest_id)),
    )


def _contest(session: Session, code: str) -> Contest:
    """The contest, for its coders and supervisors; an administrator is neither."""
    who: Actor = actor()
    contest = contest_by_code(session, code)
    if contest is None or not (can_code(who, contest.id) or can_watch(who, contest.id)):
        abort(403)
    return contest


@blueprint.get("/manage/<code>/draw")
@allow("organiser")
def layers(code: str) -> Any:
    return _layers(code)


@blueprint.post("/manage/<code>/draw/<track>")
@allow("organiser")
def say_layers(code: str, track: str) -> Any:
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            row = get_track(session, contest.id, track)
            set_layers(session, row, read_layers(request.form), actor=actor(), now=clock.now())
            flash(_("“%(track)s”的编码层已保存。", track=row.title))
    except DomainError as error:
        return _layers(code, error=error, track=track)
    return redirect(url_for("draw.layers", code=code), 303)


def _layers(code: str, *, error: DomainError | None = None, track: str = "") -> Any:
    with services().db.reading() as session:
        contest = own_contest(session, code)
        people = coders_of(session, contest.id)
        page = render_template(
            "draw/layers.html",
            contest=contest,
            titles=TITLES,
            coders=list(session.scalars(select(Person).where(Person.id.in_(people)).order_by(Person.name))),
            tracks=[
                (
                    row,
                    {layer.code: layer for layer in layers_of(session, row.id)},
                    {layer.code: live_draw(session, layer.id) for layer in layers_of(session, row.id)},
                )
                for row in contest.tracks
            ],
            error=error,
            failed=track,
            typed=request.form if error else None,
            rehearsal=contest.rehearsal,
        )
    return page, STATUS.get(error.code, 409) if error else 200


@blueprint.get("/code/<code>/<track>/file")
@allow("coder", "supervisor")
def mapping_file(code: str, track: str) -> Any:
    """One layer's numbers as a file, for whom the layer is readable; its name says nothing."""
    who: Actor = actor()
    with services().db.reading() as session:
        contest = _contest(session, code)
        row = get_track(session, contest.id, track)
        layer = get_layer(session, row, request.args.get("layer", ""))
        lines = mapping(session, who, row, layer)
    rows = [(_("编号"), _("此前"), _("工位")), *((line.code, line.before, line.station) for line in lines)]
    text = "\ufeff" + "".join(",".join(str(cell) for cell in cells) + "\r\n" for cells in rows)
    response = Response(text, mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=codes-{layer.code}.csv"
    return response
