"""A note in the order of the evidence that boards must be folded anew: for a phase, a freeze, an import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Integer, String, column, delete, insert, table
from sqlalchemy.orm import Session

from competition.contests.locks import lock_track
from competition.shared.db import UtcDateTime

# These tables belong to judges.ballots, which stands above; only their names are known here.
change_table = table(
    "change",
    column("id", BigInteger()),
    column("track_id", Integer()),
    column("kind", String()),
    column("entry_id", Integer()),
    column("at", UtcDateTime()),
)
_op = table("op", column("contest_id", Integer()))


def note_reset(session: Session, track_id: int, now: datetime) -> int:
    """Appends a `reset` change that touches every entry of the track; returns its number.

    Takes the track's lock exclusively until the commit.
    """
    lock_track(session, track_id)
    statement = (
        insert(change_table).values(track_id=track_id, kind="reset", entry_id=None, at=now).returning(change_table.c.id)
    )
    return int(session.execute(statement).scalar_one())


def forget_evidence(session: Session, contest_id: int, track_ids: Sequence[int]) -> None:
    """Deletes every change of the tracks (marks, submissions and rulings go with them) and the contest's operations.

    Only for an import that overwrites a contest; evidence is never deleted otherwise.
    """
    for track_id in track_ids:
        lock_track(session, track_id)
    session.execute(delete(_op).where(_op.c.contest_id == contest_id))
    session.execute(delete(change_table).where(change_table.c.track_id.in_(track_ids)))
