"""A contest that takes registrations, and people who register, for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from competition.accounts.models import Person, Unit
from competition.accounts.policy import Actor
from competition.contests.models import Contest, FormField, Track
from competition.registration import drafting
from competition.registration.models import Registration
from competition.shared.db import Database

NOW = datetime(2026, 4, 8, 2, 0, tzinfo=UTC)
CLOSES = datetime(2026, 4, 17, 9, 0, tzinfo=UTC)
PROFILE: Mapping[str, Any] = {
    "sex": "male", "birth_date": "1990-01-01", "work_since": "2020-01-01", "skill_level": "senior", "honours": [],
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """The ids of what `lay_out` made."""

    contest: int
    track: int
    unit: int


def lay_out(
    session: Session,
    *,
    code: str = "reg-2026",
    kind: str = "skill",
    entrants: Mapping[str, Any] | None = None,
    eligibility: list[dict[str, Any]] | None = None,
    fields: list[dict[str, Any]] | None = None,
    groups: list[dict[str, str]] | None = None,
    tracks: int = 1,
    phase: str = "registration",
) -> Place:
    """A contest whose first track (`welder`) is in registration until CLOSES; the unit `ws` stands under `huancui`."""
    county = Unit(code="huancui", code_key="huancui", name="环翠区总工会", kind="union")
    session.add(county)
    session.flush()
    unit = Unit(code="ws", code_key="ws", name="威海造船厂", kind="enterprise", parent_id=county.id)
    contest = Contest(
        code=code, code_key=code.casefold(), title="2026 年焊接竞赛", kind=kind, level="city", year=2026,
        identity="number", created_at=NOW, groups=groups or [], about={},
        registration_opens_at=NOW - timedelta(days=7), registration_closes_at=CLOSES,
    )  # fmt: skip
    contest.tracks = [
        Track(
            position=place, code="welder" if place == 0 else f"track-{place}", title="焊工" if place == 0 else "电工",
            phase=phase, ranking={"places": 2, "rounding": "half_up", "tie_break": [], "ties": "shared"}, prizes=[],
            entrants=dict(entrants or {}), eligibility=list(eligibility or []),
        )
        for place in range(tracks)
    ]  # fmt: skip
    session.add_all((unit, contest))
    session.flush()
    for place, one in enumerate(fields or []):
        session.add(FormField(contest_id=contest.id, position=place, **one))
    session.flush()
    return Place(contest.id, contest.tracks[0].id, unit.id)


def add_person(session: Session, name: str, *, unit_id: int | None = None, **profile: Any) -> Actor:
    person = Person(
        login=f"{name}-{unit_id}", login_key=f"{name}-{unit_id}".casefold(), name=name, created_at=NOW,
        unit_id=unit_id, profile={**PROFILE, **profile},
    )  # fmt: skip
    session.add(person)
    session.flush()
    return Actor(person.id, name)


def begin(session: Session, place: Place, actor: Actor, kind: str = "individual", **more: Any) -> Registration:
    contest, track = session.get_one(Contest, place.contest), session.get_one(Track, place.track)
    return drafting.start(session, contest, track, kind, actor=actor, now=more.pop("now", NOW), **more)


@contextmanager
def side_by_side(database: Database) -> Iterator[tuple[Session, Session]]:
    """Two sessions at once; the second is told after a short wait that a row is taken, instead of waiting for ever."""
    with Session(database.engine) as one, Session(database.engine) as two:
        yield one, two
        one.rollback()
        two.rollback()
