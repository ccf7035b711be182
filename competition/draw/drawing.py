"""What goes into a draw and what comes out of it: items without names, stations as places, numbers as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.models import Organisation, Station, Track, Venue
from competition.draw.document import tag
from competition.draw.records import Infeasible, Item, Obstacle, Place
from competition.registration.checkin import present_in
from competition.registration.models import Entry, Registration
from competition.shared.errors import DomainError


def entries_by_tag(session: Session, track_id: int, salt: str) -> dict[str, Entry]:
    entries = session.scalars(select(Entry).where(Entry.track_id == track_id))
    return {tag(salt, "entry", entry.code): entry for entry in entries}


def items_of(session: Session, track: Track, salt: str, *, present_only: bool) -> list[Item]:
    """The track's entries as the draw sees them: tags for entries and units, groups, who is there."""
    there = present_in(session, track.id) if present_only else None
    rows = session.execute(
        select(Entry.id, Entry.code, Organisation.code, Registration.group)
        .outerjoin(Organisation, Organisation.id == Entry.organisation_id)
        .outerjoin(Registration, Registration.entry_id == Entry.id)
        .where(Entry.track_id == track.id)
        .order_by(Entry.code)
    )
    return [
        Item(
            tag(salt, "entry", code),
            None if unit is None else tag(salt, "unit", unit),
            group or "",
            there is None or key in there,
        )
        for key, code, unit, group in rows
    ]


def stations_of(session: Session, track: Track) -> list[Station]:
    """The usable stations of the track, venue by venue, in their order."""
    return list(
        session.scalars(
            select(Station)
            .join(Venue, Venue.id == Station.venue_id)
            .where(
                Venue.contest_id == track.contest_id,
                Station.usable,
                (Station.track_id == track.id) | Station.track_id.is_(None),
            )
            .order_by(Venue.code, Station.position, Station.id)
        )
    )


def station_places(stations: Sequence[Station], count: int) -> list[Place]:
    """`count` places at the stations, in rounds; one venue's in one round are an area."""
    if not stations:
        raise DomainError("incomplete", _("这个赛项还没有可用的工位，请先在竞赛设置里加上。"), "places")
    # Where rows and columns were never said, stations are beside each other as they are counted.
    said: dict[int, set[tuple[int, int]]] = {}
    many: dict[int, int] = {}
    for station in stations:
        said.setdefault(station.venue_id, set()).add((station.row, station.column))
        many[station.venue_id] = many.get(station.venue_id, 0) + 1
    places = []
    for number in range(count):
        turn, index = divmod(number, len(stations))
        station = stations[index]
        area = f"{turn + 1}/{station.venue_id}"
        if len(said[station.venue_id]) == many[station.venue_id]:
            places.append(Place(area, station.row, station.column))
        else:
            places.append(Place(area, 1, index + 1))
    return places


def obstacle_sentence(obstacle: Obstacle, names: Mapping[str, str]) -> str:
    """What stands in the way, for the coder; `names` are entries' and units' codes by tag."""
    subject = names.get(obstacle.subject, obstacle.subject)
    values: dict[str, Any] = {"subject": subject, "have": obstacle.have, "most": obstacle.most}
    sentences = {
        "places": _("有 %(have)s 个参赛项目，只有 %(most)s 个位置。", **values),
        "fixed_unknown": _("固定位置里的 %(subject)s 不在这个赛项里。", **values),
        "fixed_place": _("%(subject)s 固定在第 %(have)s 位，但一共只有 %(most)s 位。", **values),
        "fixed_twice": _("第 %(have)s 位固定给了不止一个参赛项目（%(subject)s）。", **values),
        "fixed_group": _("%(subject)s 固定在第 %(have)s 位，不在它所在组别的范围内（到第 %(most)s 位）。", **values),
        "fixed_neighbours": _("固定的第 %(have)s 位和第 %(most)s 位相邻，却是同一单位（%(subject)s）。", **values),
        "apart": _(
            "单位 %(subject)s 有 %(have)s 个参赛项目，最多只能隔开 %(most)s 个，多出 %(over)s 个。",
            over=obstacle.have - obstacle.most,
            **values,
        ),
    }
    if obstacle.kind != "together":
        return sentences[obstacle.kind]
    pairs = _("（照现在的条件至少有 %(have)s 对同单位相邻）", **values) if obstacle.have else ""
    without = {
        "fixed": _("各项条件合在一起无法满足：去掉固定位置就可以。"),
        "groups": _("各项条件合在一起无法满足：不分组别先后就可以。"),
    }
    return without.get(obstacle.subject, _("各项条件合在一起无法满足：不要求同单位隔开就可以。")) + pairs


def infeasible(error: Infeasible, names: Mapping[str, str]) -> DomainError:
    sentences = [obstacle_sentence(obstacle, names) for obstacle in error.obstacles]
    if error.bounded:
        sentences.insert(0, _("在规定的步数内没有找到合条件的排法。"))
    return DomainError("conflict", _("抽不出合条件的结果：") + " ".join(sentences), "conditions", obstacles=sentences)
