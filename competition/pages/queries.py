"""What the home page and a contest's page say of each contest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.contests.models import PHASES, Contest
from competition.contests.queries import contest_phase, contests
from competition.pages.facts import at_local, registering
from competition.pages.results import PUBLISHED
from competition.registration.models import Entry

LAST = datetime.max.replace(tzinfo=UTC)
ON_BOARD = PHASES[PHASES.index("scoring") :]


@dataclass(frozen=True)
class TrackCard:
    code: str
    title: str
    phase: str
    entries: int
    board: bool
    """Whether the public may see its board."""
    frozen: bool


@dataclass(frozen=True)
class ContestCard:
    code: str
    title: str
    kind: str
    level: str
    year: int
    phase: str
    rehearsal: bool
    tracks: tuple[TrackCard, ...]
    deadline: str = ""
    """Until when one may register, in words; "" where one may not."""

    @property
    def results(self) -> bool:
        """Whether a results page has something to show."""
        return any(track.phase in PUBLISHED for track in self.tracks)

    @property
    def live(self) -> bool:
        return any(track.board and track.phase in ("scoring", "review") for track in self.tracks)


@dataclass(frozen=True)
class BoardBeside:
    """A board beside another page: its first rows of `leitai.board/1`, and how many have a rank."""

    contest: ContestCard
    track: TrackCard
    state: str
    rows: list[dict[str, Any]]
    ranked: int
    all: int


def cards(session: Session, *, drafts: bool = False) -> list[ContestCard]:
    """Every contest but rehearsals, those that move first; drafts for staff alone."""
    counts = entry_counts(session)
    found = [card(contest, counts) for contest in contests(session)]
    order = ("scoring", "review", "notice", "draw", "registration", "final", "archived", "draft")
    return sorted((each for each in found if drafts or each.phase != "draft"), key=lambda each: order.index(each.phase))


def open_first(found: list[ContestCard], session: Session, now: datetime) -> list[ContestCard]:
    """The same, those that one may register for now before all others, the nearest deadline first."""
    rows = {row.code: row for row in contests(session)}
    opened = {
        each.code: row.registration_closes_at or LAST
        for each in found
        if (row := rows.get(each.code)) is not None and registering(row, now) == "open"
    }
    told = [
        replace(each, deadline=at_local(opened[each.code]) if opened[each.code] != LAST else _("报名中"))
        if each.code in opened
        else each
        for each in found
    ]
    return sorted(told, key=lambda each: (each.code not in opened, opened.get(each.code, LAST)))


def card(contest: Contest, counts: dict[int, int]) -> ContestCard:
    return ContestCard(
        contest.code,
        contest.title,
        contest.kind,
        contest.level,
        contest.year,
        contest_phase(contest),
        contest.rehearsal,
        tuple(
            TrackCard(
                track.code,
                track.title,
                track.phase,
                counts.get(track.id, 0),
                contest.public and track.phase in ON_BOARD,
                track.frozen_at is not None,
            )
            for track in contest.tracks
        ),
    )


def entry_counts(session: Session) -> dict[int, int]:
    rows: Any = session.execute(select(Entry.track_id, func.count()).group_by(Entry.track_id)).all()
    return dict(rows)
