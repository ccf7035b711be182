"""Reads of entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.contests.models import Contest, Organisation, Track
from competition.contests.records import get_attributes
from competition.registration import models, rules

Standing = tuple[str, str | None]


def entries_of_contest(
    session: Session, contest_id: int, statuses: Mapping[str, Standing] | None = None
) -> tuple[rules.Entry, ...]:
    """The contest's entries by code, with the standing that `statuses` (entry code → status, status_from) gives them.

    Standing is evidence and is kept with the rulings; an entry that is not named is ok.
    """
    return _entries(session, statuses or {}, models.Entry.contest_id == contest_id)


def entries_of_track(
    session: Session, track_id: int, statuses: Mapping[str, Standing] | None = None
) -> tuple[rules.Entry, ...]:
    """The track's entries by code, likewise."""
    return _entries(session, statuses or {}, models.Entry.track_id == track_id)


def _entries(session: Session, statuses: Mapping[str, Standing], where: object) -> tuple[rules.Entry, ...]:
    rows = session.execute(
        select(models.Entry, Track.code, Organisation.code)
        .join(Track, Track.id == models.Entry.track_id)
        .outerjoin(Organisation, Organisation.id == models.Entry.organisation_id)
        .where(where)  # type: ignore[arg-type]
    )
    found = []
    for row, track, organisation in rows:
        status, status_from = statuses.get(row.code, ("ok", None))
        found.append(
            rules.Entry(
                row.code,
                track,
                row.title,
                organisation,
                row.draw,
                tuple(rules.Member(**member) for member in row.members),
                get_attributes(row.attributes),
                cast(rules.EntryStatus, status),
                status_from,
            )
        )
    return tuple(sorted(found, key=lambda entry: entry.code))


def missing_draws(session: Session, track: Track) -> list[models.Entry]:
    """The track's entries that have no number though the contest shows them by number."""
    if session.execute(select(Contest.identity).where(Contest.id == track.contest_id)).scalar_one() != "number":
        return []
    return list(
        session.scalars(
            select(models.Entry)
            .where(models.Entry.track_id == track.id, models.Entry.draw.is_(None))
            .order_by(models.Entry.code)
        )
    )


def count_entries(session: Session, track_id: int) -> int:
    return session.execute(
        select(func.count()).select_from(models.Entry).where(models.Entry.track_id == track_id)
    ).scalar_one()
