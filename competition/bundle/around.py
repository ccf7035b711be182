"""What stands around a contest's rules, as data: read out to be cloned, written into a new one."""

from __future__ import annotations

import copy
from datetime import date, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.contests.models import AttachmentRule, Contest, ContestHost, FormField, Station, Track, Venue

Around = dict[str, Any]
Day = TypeVar("Day", date, datetime)
DATES: Final = ("registration_opens_at", "registration_closes_at", "starts_at", "ends_at", "retention_until")
OF_A_FIELD: Final = ("code", "label", "kind", "required", "options", "limits", "help", "purpose", "blind")
OF_A_FILE: Final = ("code", "title", "required", "most", "max_mb", "types", "help", "blind")
OF_A_STATION: Final = ("position", "code", "row", "column", "usable")
OF_A_TRACK: Final = ("occupation", "occupation_code", "entrants", "eligibility", "blind")


def read_around(session: Session, contest: Contest) -> Around:
    """Texts, groups, the review's steps, dates, hosts, fields, files, venues, and what each track says of entrants."""
    tracks = {track.id: track.code for track in contest.tracks}

    def rows(model: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
        found = session.scalars(select(model).where(model.contest_id == contest.id).order_by(model.position))
        return [
            {**{name: getattr(row, name) for name in names}, "track": tracks.get(row.track_id)} for row in found
        ]  # fmt: skip

    hosts = session.scalars(
        select(ContestHost).where(ContestHost.contest_id == contest.id).order_by(ContestHost.position)
    )
    venues = session.scalars(select(Venue).where(Venue.contest_id == contest.id).order_by(Venue.id))
    found = {
        "label": contest.label,
        "about": contest.about,
        "groups": contest.groups,
        "chain": contest.review_chain,
        "dates": {name: getattr(contest, name) for name in DATES},
        "hosts": [{"part": one.part, "unit_id": one.unit_id, "name": one.name} for one in hosts],
        "fields": rows(FormField, OF_A_FIELD),
        "files": rows(AttachmentRule, OF_A_FILE),
        "venues": [
            {
                "code": venue.code,
                "name": venue.name,
                "address": venue.address,
                "stations": [
                    {**{name: getattr(one, name) for name in OF_A_STATION}, "track": tracks.get(one.track_id or 0)}
                    for one in venue.stations
                ],
            }
            for venue in venues
        ],
        "tracks": {track.code: {name: getattr(track, name) for name in OF_A_TRACK} for track in contest.tracks},
    }
    return copy.deepcopy(found)


def write_around(session: Session, contest: Contest, held: Around) -> None:
    """All that into a contest that has none of it yet. What a template leaves out has the tables' defaults."""
    tracks = {track.code: track for track in contest.tracks}
    contest.label = held.get("label")
    contest.about, contest.groups = held.get("about", {}), held.get("groups", [])
    contest.review_chain = held.get("chain", [])
    for name, at in held.get("dates", {}).items():
        setattr(contest, name, at)
    for code, said in held.get("tracks", {}).items():
        for name, value in said.items():
            setattr(tracks[code], name, value)
    for position, one in enumerate(held.get("hosts", ())):
        session.add(ContestHost(contest_id=contest.id, position=position, **one))
    for position, one in enumerate(held.get("fields", ())):
        session.add(FormField(position=position, **_of(contest, tracks, _limited(one))))
    for position, one in enumerate(held.get("files", ())):
        session.add(AttachmentRule(position=position, **_of(contest, tracks, one)))
    for one in held.get("venues", ()):
        stations = one.pop("stations", [])
        venue = Venue(contest_id=contest.id, **one)
        for each in stations:
            track = tracks.get(each.pop("track", None) or "")
            venue.stations.append(Station(track_id=track.id if track else None, **each))
        session.add(venue)
    session.flush()


def _of(contest: Contest, tracks: dict[str, Track], one: dict[str, Any]) -> dict[str, Any]:
    track = tracks.get(one.pop("track", None) or "")
    return {**one, "contest_id": contest.id, "track_id": track.id if track else None}


def _limited(one: dict[str, Any]) -> dict[str, Any]:
    """A template writes a field's bounds as `min` and `max`; of a text the latter is its length."""
    bounds: dict[str, Any] = {key: one.pop(key) for key in ("min", "max") if key in one}
    if "max" in bounds and one["kind"] in ("text", "long_text"):
        bounds["max_length"] = bounds.pop("max")
    return {**one, "limits": bounds} if bounds else one


def host(session: Session, contest: Contest, unit: Unit) -> None:
    """The unit as the first host, unless it is one already."""
    rows = list(session.scalars(select(ContestHost).where(ContestHost.contest_id == contest.id)))
    if any(row.unit_id == unit.id and row.part == "host" for row in rows):
        return
    for row in rows:
        row.position += 1
    session.add(ContestHost(contest_id=contest.id, position=0, part="host", unit_id=unit.id, name=unit.name))
    session.flush()


def later(held: Around, years: int) -> Around:
    """Every date that many years later, those of the eligibility rules too."""
    moved = copy.deepcopy(held)
    moved["dates"] = {name: None if at is None else same_day(at, years) for name, at in moved["dates"].items()}
    for track in moved["tracks"].values():
        for rule in track["eligibility"]:
            if rule.get("on"):
                rule["on"] = same_day(date.fromisoformat(rule["on"]), years).isoformat()
    return moved


def same_day(day: Day, years: int) -> Day:
    """The same day so many years later; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
