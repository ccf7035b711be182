"""A note in the order of the evidence that boards must be folded anew: for a phase, a freeze, an import."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String, column, insert, table
from sqlalchemy.orm import Session

from competition.contests.locks import lock_track
from competition.shared.db import UtcDateTime

# The table belongs to judges.ballots, which stands above; only its name is known here.
_change = table(
    "change", column("id", BigInteger()), column("track_id", Integer()), column("kind", String()),
    column("entry_id", Integer()), column("at", UtcDateTime()))


def note_reset(session: Session, track_id: int, now: datetime) -> int:
    """Appends a `reset` change that touches every entry of the track; returns its number.

    Takes the track's lock exclusively until the commit.
    """
    lock_track(session, track_id)
    statement = insert(_change).values(track_id=track_id, kind="reset", entry_id=None, at=now).returning(_change.c.id)
    return int(session.execute(statement).scalar_one())
