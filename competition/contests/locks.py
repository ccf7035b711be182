"""The order of a track's evidence: the lock under which a change takes its number, and how far numbers are settled.

On PostgreSQL sequence numbers are taken before the commit, so a lower one may become visible after a higher one.
Whoever writes evidence holds the track's advisory lock until its commit (shared for marks, which do not disturb each
other; exclusive for rulings, windows and phases), and whoever reads the highest number takes it exclusively for that
moment: then no number at or below the one it saw can still be on its way. SQLite has one writer and needs none of this.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import column, func, select, table, text
from sqlalchemy.orm import Session

TRACK_LOCK: Final = 0x1E17
"""The first half of the two-part advisory lock key; the second is the track's id."""

_change = table("change", column("id"), column("track_id"))


def lock_track(session: Session, track_id: int, shared: bool = False) -> None:
    """Waits for the track's lock and holds it until the transaction ends."""
    if session.get_bind().dialect.name != "postgresql":
        return
    kind = "_shared" if shared else ""
    statement = text(f"SELECT pg_advisory_xact_lock{kind}(:space, :track)")
    session.execute(statement, {"space": TRACK_LOCK, "track": track_id})


def highest_change(session: Session, track_id: int) -> int:
    """The track's highest change number, with none at or below it still on its way; 0 where there is none."""
    connection = session.connection()
    highest = select(func.coalesce(func.max(_change.c.id), 0)).where(_change.c.track_id == track_id)
    if connection.dialect.name != "postgresql":
        return int(connection.execute(highest).scalar_one())
    # A lock taken after a savepoint is given back with it, so writers wait for two statements and not for our fold.
    savepoint = connection.begin_nested()
    try:
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:space, :track)"), {"space": TRACK_LOCK, "track": track_id}
        )
        return int(connection.execute(highest).scalar_one())
    finally:
        savepoint.rollback()
