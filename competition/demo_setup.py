"""The database of a demonstration: made, filled with the contests, with everybody's sign-in links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.policy import CONSOLE
from competition.accounts.service import make_link, person_for
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.config import Config
from competition.contests.models import Contest
from competition.scoring.evidence import BundleSection
from competition.shared import clock, schema
from competition.shared.db import Database, make_engine

FindJudge = Callable[[Session, int, str], Any]
"""The judge (with its `id`) of a contest, by code."""


@dataclass(frozen=True)
class Seat:
    """Somebody who can sign in: `judge` is a judge's code, else None."""

    contest: str
    contest_title: str
    role: str
    name: str
    judge: str | None = None
    track: str | None = None


def fill_database(
    environment: Mapping[str, str],
    bundles: Sequence[bytes],
    seats: Sequence[Seat],
    links: int,
    *,
    sections: Sequence[BundleSection],
    find_judge: FindJudge,
) -> dict[Seat, list[str]]:
    """Brings the database of that environment to the newest revision, imports, and gives `links` tokens a seat."""
    database = Database(make_engine(Config.from_env(environment).database_url))
    try:
        schema.upgrade(database)
        with database.transaction() as session:
            for bundle in bundles:
                import_bundle(session, read_bundle(bundle), sections=sections, actor=CONSOLE, now=clock.now())
        with database.transaction() as session:
            return {seat: tokens(session, seat, links, find_judge) for seat in seats}
    finally:
        database.engine.dispose()


def tokens(session: Session, seat: Seat, count: int, find_judge: FindJudge) -> list[str]:
    contest_id = session.scalars(select(Contest.id).where(Contest.code == seat.contest)).one()
    now = clock.now()
    person_id = person_for(
        session,
        role=seat.role,
        contest_id=contest_id,
        judge_id=None if seat.judge is None else find_judge(session, contest_id, seat.judge).id,
        login=f"{seat.contest}/{seat.judge or seat.role}",
        name=seat.name,
        now=now,
        actor=CONSOLE,
    )
    return [
        make_link(session, contest_id=contest_id, role=seat.role, person_id=person_id, now=now) for _ in range(count)
    ]
