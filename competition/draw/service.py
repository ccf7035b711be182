"""Drawing lots: commit before check-in, draw after it, reveal the seed; what was drawn becomes code numbers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.policy import Actor
from competition.contests.changes import note_reset
from competition.contests.locks import lock_track
from competition.contests.models import Organisation, Track
from competition.draw import document
from competition.draw.drawing import entries_by_tag, infeasible, items_of, station_places, stations_of
from competition.draw.layers import layers_of, live_draw
from competition.draw.models import CodeLayer, CodeNumber, Draw
from competition.draw.policy import holds_layer
from competition.draw.records import Infeasible
from competition.registration.checkin import any_checked_in, present_in
from competition.registration.models import Entry
from competition.shared.errors import DomainError
from competition.shared.vault import Vault


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a draw keeps to. `fixed`: entry code → place, counted from 1; `groups`: codes, first come first."""

    apart: bool = True
    groups: tuple[str, ...] = ()
    fixed: Mapping[str, int] = field(default_factory=dict)
    stations: bool = False
    present_only: bool = True


def name_of(track: Track, layer: CodeLayer) -> str:
    return f"{track.contest.code}/{track.code}/{layer.code}"


def commit(
    session: Session,
    track: Track,
    layer: CodeLayer,
    conditions: Conditions,
    *,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> Draw:
    """Binds the layer to a seed and to conditions that nobody can change any more; the seed stays sealed."""
    _check(actor, track, layer, ("registration", "draw"))
    lock_track(session, track.id)
    if live_draw(session, layer.id) is not None:
        raise DomainError("conflict", _("这一层已经公布过承诺。要重来，先由两人作废。"))
    again = session.scalar(select(Draw.id).where(Draw.layer_id == layer.id).limit(1)) is not None
    if not again and any_checked_in(session, track.id):
        raise DomainError("not_open", _("承诺须在检录开始之前公布；检录已经开始。"))
    known = set(session.scalars(select(Entry.code).where(Entry.track_id == track.id)))
    for code, place in conditions.fixed.items():
        if code not in known or place < 1:
            raise DomainError("unknown", _("固定位置：没有参赛项目 %(code)s，或位次不对。", code=code), "fixed")
    seed, salt = secrets.token_hex(32), secrets.token_hex(32)
    rules = document.rules_document(
        apart=conditions.apart,
        groups=conditions.groups,
        fixed={document.tag(salt, "entry", code): place for code, place in conditions.fixed.items()},
        stations=conditions.stations,
        present_only=conditions.present_only,
    )
    salted, ruled = document.salt_hash(salt), document.digest(document.canonical(rules))
    draw = Draw(
        track_id=track.id,
        layer_id=layer.id,
        state="committed",
        commitment=document.commitment(name_of(track, layer), salted, ruled, seed),
        seed_sealed=vault.seal(json.dumps({"seed": seed, "salt": salt})),
        constraints=rules,
        inputs={"salt_hash": salted, "rules_hash": ruled},
        committed_by=actor.person_id,
        committed_at=now,
    )
    layer.coder_id = layer.coder_id or actor.person_id
    session.add(draw)
    session.flush()
    _note(session, track, layer, "draw.commit", actor, now, commitment=draw.commitment)
    return draw


def make_draw(session: Session, track: Track, layer: CodeLayer, *, vault: Vault, actor: Actor, now: datetime) -> Draw:
    """Draws the layer's lots. Needs the layer below drawn and, where only who is there is drawn, a check-in."""
    _check(actor, track, layer, ("draw",))
    lock_track(session, track.id)
    draw = live_draw(session, layer.id)
    if draw is None:
        raise DomainError("not_open", _("先公布承诺，再抽签。"))
    if draw.state != "committed":
        raise DomainError("conflict", _("这一层已经抽过。要重抽，先由两人作废。"))
    rules = draw.constraints
    if rules["who"] == "present" and not present_in(session, track.id):
        raise DomainError("not_open", _("还没有人检录；按约定只在到场者中抽签。"))
    below = _below(session, layer)
    before = _numbers(session, below) if below is not None else {}
    secret = secrets_of(draw, vault)
    by_tag = entries_by_tag(session, track.id, secret["salt"])
    if below is not None and any(entry.id not in before for entry in by_tag.values()):
        raise DomainError("not_open", _("先抽“%(layer)s”，再抽这一层。", layer=below.title))
    if not by_tag:
        raise DomainError("not_open", _("这个赛项还没有参赛项目。"))
    items = items_of(session, track, secret["salt"], present_only=rules["who"] == "present")
    stations = stations_of(session, track) if rules["places"] == "stations" else []
    places = station_places(stations, len(items)) if rules["places"] == "stations" else None
    inputs = document.inputs_document(rules, items, places)
    try:
        order = document.draw_from(inputs, secret["seed"]).order
    except Infeasible as error:
        raise infeasible(error, _names(session, track, secret["salt"], by_tag)) from None
    for place, key in enumerate(order):
        session.add(
            CodeNumber(
                layer_id=layer.id,
                draw_id=draw.id,
                entry_id=by_tag[key].id,
                code=layer.first + place,
                before=before.get(by_tag[key].id),
                station_id=stations[place % len(stations)].id if stations else None,
            )
        )
    draw.state, draw.drawn_by, draw.drawn_at = "drawn", actor.person_id, now
    draw.inputs = {**draw.inputs, "document": inputs}
    draw.result_hash = document.result_hash(order)
    session.flush()
    if layer.position == layers_of(session, track.id)[-1].position:
        _show(session, track, {by_tag[key].id: layer.first + place for place, key in enumerate(order)}, now)
    _note(session, track, layer, "draw.make", actor, now, count=len(order), result_hash=draw.result_hash)
    return draw


def reveal(session: Session, track: Track, layer: CodeLayer, *, vault: Vault, actor: Actor, now: datetime) -> Draw:
    """Publishes the seed. Whose number is whose stays hidden by the salt, which is kept until decoding."""
    _check(actor, track, layer, None)
    draw = live_draw(session, layer.id)
    if draw is None or draw.state != "drawn":
        raise DomainError("not_open", _("抽签之后才能公布种子，而且只公布一次。"))
    draw.seed = secrets_of(draw, vault)["seed"]
    draw.state, draw.revealed_at = "revealed", now
    session.flush()
    _note(session, track, layer, "draw.reveal", actor, now)
    return draw


def void(
    session: Session, track: Track, layer: CodeLayer, *, reason: str, vault: Vault, actor: Actor, now: datetime
) -> None:
    """Takes the layer's draw back, and those of the layers above it; two people have decided so (`draw.voiding`)."""
    if track.phase not in ("registration", "draw"):
        raise DomainError("not_open", _("评分开始之后抽签不能作废。"))
    lock_track(session, track.id)
    voided = []
    for each in layers_of(session, track.id):
        draw = live_draw(session, each.id) if each.position >= layer.position else None
        if draw is None or (each.position > layer.position and draw.state == "committed"):
            continue
        session.execute(delete(CodeNumber).where(CodeNumber.layer_id == each.id))
        if draw.state != "committed":
            # What it was is no secret any more, so that everybody sees that it was not taken back for its outcome.
            draw.seed = secrets_of(draw, vault)["seed"]
        draw.state, draw.reason = "void", reason
        voided.append(each.code)
    if not voided:
        raise DomainError("not_open", _("这一层没有可以作废的抽签。"))
    session.flush()
    _show(session, track, {}, now)
    _note(session, track, layer, "draw.void", actor, now, reason=reason, layers=voided)


def secrets_of(draw: Draw, vault: Vault) -> dict[str, str]:
    """Seed and salt of a draw, for those who draw, reveal and publish."""
    assert draw.seed_sealed is not None
    opened: dict[str, str] = json.loads(vault.open(draw.seed_sealed))
    return opened


def _check(actor: Actor, track: Track, layer: CodeLayer, phases: tuple[str, ...] | None) -> None:
    if not holds_layer(actor, track.contest_id, layer):
        raise DomainError("forbidden", _("抽签和编码由本层加密员来做。"))
    if phases is not None and track.phase not in phases:
        raise DomainError("not_open", _("抽签在“抽签”阶段进行；承诺最早在报名阶段公布。"))


def _below(session: Session, layer: CodeLayer) -> CodeLayer | None:
    layers = [each for each in layers_of(session, layer.track_id) if each.position < layer.position]
    return layers[-1] if layers else None


def _numbers(session: Session, layer: CodeLayer) -> dict[int, int]:
    rows: Any = session.execute(select(CodeNumber.entry_id, CodeNumber.code).where(CodeNumber.layer_id == layer.id))
    return dict(rows.all())


def _show(session: Session, track: Track, numbers: Mapping[int, int], now: datetime) -> None:
    """The last layer's numbers are those that judges and the public see; without any there are none to see."""
    session.execute(update(Entry).where(Entry.track_id == track.id).values(draw=None))
    for entry, code in numbers.items():
        session.execute(update(Entry).where(Entry.id == entry).values(draw=code))
    session.expire_all()
    note_reset(session, track.id, now)


def _names(session: Session, track: Track, salt: str, by_tag: Mapping[str, Entry]) -> dict[str, str]:
    units = session.scalars(select(Organisation.code).where(Organisation.contest_id == track.contest_id))
    return {key: entry.code for key, entry in by_tag.items()} | {
        document.tag(salt, "unit", code): code for code in units
    }


def _note(
    session: Session,
    track: Track,
    layer: CodeLayer,
    action: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    **details: Any,
) -> None:
    audit.note(
        session,
        actor,
        action,
        name_of(track, layer),
        now=now,
        contest_id=track.contest_id,
        reason=reason,
        details=details,
    )
