"""Reads of draws and code numbers. Who asks for a mapping says who they are; all but its coder are refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests.models import Contest, Station, Track
from competition.draw.layers import layers_of, live_draw
from competition.draw.models import CodeLayer, CodeNumber, Decoding, Draw
from competition.draw.policy import can_code, can_watch, holds_layer
from competition.registration.models import Entry
from competition.shared.errors import DomainError

NAMED = ("notice", "final", "archived")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a layer's mapping: what was before (an entry's code in the first layer), what it became, where."""

    before: str
    code: int
    station: str
    present: bool
    """False for who was absent when the lots were drawn."""


def get_layer(session: Session, track: Track, code: str) -> CodeLayer:
    layer = next((layer for layer in layers_of(session, track.id) if layer.code == code), None)
    if layer is None:
        raise DomainError("unknown", _("这个赛项没有“%(code)s”这一编码层。", code=code), "layer")
    return layer


def decoding_of(session: Session, layer_id: int) -> Decoding | None:
    return session.scalar(select(Decoding).where(Decoding.layer_id == layer_id))


def may_read(session: Session, actor: Actor, contest_id: int, layer: CodeLayer) -> bool:
    """The layer's coder; once it is decoded the supervisor and every coder too."""
    if holds_layer(actor, contest_id, layer):
        return True
    return (can_watch(actor, contest_id) or can_code(actor, contest_id)) and decoding_of(session, layer.id) is not None


def mapping(session: Session, actor: Actor, track: Track, layer: CodeLayer) -> list[Line]:
    """The layer's numbers in order; refused to everybody else, organisers and administrators among them."""
    if not may_read(session, actor, track.contest_id, layer):
        raise DomainError("forbidden", _("编码对应关系只有本层加密员可以查看。"))
    draw = live_draw(session, layer.id)
    absent = absent_codes(session, draw, layer) if draw is not None else frozenset()
    rows = session.execute(
        select(CodeNumber.code, CodeNumber.before, Entry.code, Station.code)
        .join(Entry, Entry.id == CodeNumber.entry_id)
        .outerjoin(Station, Station.id == CodeNumber.station_id)
        .where(CodeNumber.layer_id == layer.id)
        .order_by(CodeNumber.code)
    )
    return [
        Line(entry if before is None else str(before), code, station or "", code not in absent)
        for code, before, entry, station in rows
    ]


def absent_codes(session: Session, draw: Draw, layer: CodeLayer) -> frozenset[int]:
    """The layer's numbers of those who were absent when it was drawn: the last ones."""
    document = draw.inputs.get("document")
    if not document:
        return frozenset()
    present = sum(1 for item in document["items"] if item[3])
    return frozenset(range(layer.first + present, layer.first + len(document["items"])))


def is_decoded(session: Session, track_id: int) -> bool:
    """Whether every layer of the track has been decoded; True of one without layers."""
    return not sealed_layers(session, [track_id])


def sealed_layers(session: Session, track_ids: Collection[int]) -> list[CodeLayer]:
    """The layers of these tracks that have numbers and are not decoded."""
    return list(
        session.scalars(
            select(CodeLayer)
            .where(
                CodeLayer.track_id.in_(track_ids),
                CodeLayer.id.in_(select(CodeNumber.layer_id)),
                CodeLayer.id.not_in(select(Decoding.layer_id)),
            )
            .order_by(CodeLayer.track_id, CodeLayer.position)
        )
    )


def sealed_tracks(session: Session, contest_id: int) -> frozenset[str]:
    """The codes of the contest's tracks whose numbers may not stand beside names."""
    rows = session.execute(select(Track.id, Track.code).where(Track.contest_id == contest_id)).all()
    sealed = {layer.track_id for layer in sealed_layers(session, [key for key, _code in rows])}
    return frozenset(code for key, code in rows if key in sealed)


def open_to_all(session: Session, contest: Contest, track: Track) -> bool:
    """Whether the public may know whose number is whose: never before it sees names, nor before decoding."""
    if not is_decoded(session, track.id):
        return False
    return track.phase in NAMED or (contest.identity == "entry" and not track.blind)


def numbers_complete(session: Session, layer: CodeLayer) -> bool:
    """Whether every entry of the track has a number of the layer."""
    entries = session.scalar(select(func.count()).select_from(Entry).where(Entry.track_id == layer.track_id)) or 0
    numbers = session.scalar(select(func.count()).select_from(CodeNumber).where(CodeNumber.layer_id == layer.id)) or 0
    return numbers == entries


def draws_of(session: Session, track_id: int) -> list[Draw]:
    """Every draw of the track, void ones too, in the order of its layers and of time."""
    return list(
        session.scalars(
            select(Draw)
            .join(CodeLayer, CodeLayer.id == Draw.layer_id)
            .where(Draw.track_id == track_id)
            .order_by(CodeLayer.position, Draw.id)
        )
    )
