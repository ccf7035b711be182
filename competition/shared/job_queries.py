"""Rows of jobs: who has one in hand. Every statement here is short and says what it expects to find.

A job in hand is held by whoever began it, told apart by the moment it began (`Hold`): what was taken from them, called
off or given back in the meantime they can neither move on nor finish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from competition.shared.models import Job

STALE: Final = timedelta(minutes=2)
"""Without a sign of life for so long, a running job is taken up again."""
TRIES: Final = 3
"""How often a job is begun whose process died in the middle, before it is given up."""
HELD_BY: Final = "_held_by"
TRIED: Final = "_tries"


@dataclass(frozen=True, slots=True)
class Hold:
    """One process's hold on one job."""

    job_id: int
    since: datetime


def job_by_key(session: Session, key: str) -> Job | None:
    return session.scalar(select(Job).where(Job.key == key))


def waiting_keys(session: Session, now: datetime, *, limit: int = 100) -> Sequence[str]:
    """The keys of what waits, and of what nobody has been heard of any more, oldest first."""
    return session.scalars(
        select(Job.key)
        .where(
            or_(Job.state == "waiting", and_(Job.state == "running", Job.beat_at < now - STALE)),
        )
        .order_by(Job.id)
        .limit(limit)
    ).all()


def take(session: Session, key: str, *, place: str, now: datetime) -> tuple[Job, Hold] | None:
    """Takes a job in hand; None where it is not to be had. `place` names the process, for `give_back_of`."""
    job = session.scalar(select(Job).where(Job.key == key).with_for_update())
    if job is None:
        return None
    orphan = job.state == "running" and job.beat_at is not None and job.beat_at < now - STALE
    if job.state != "waiting" and not orphan:
        return None
    # Two that began in the same moment would not be told apart.
    since = now if job.started_at is None or now > job.started_at else job.started_at + timedelta(microseconds=1)
    tries = int(job.result.get(TRIED, 0)) + 1
    job.state, job.started_at, job.beat_at = "running", since, now
    job.result = {HELD_BY: place, TRIED: tries}
    session.flush()
    return job, Hold(job.id, since)


def tries_of(job: Job) -> int:
    return int(job.result.get(TRIED, 0))


def change(session: Session, hold: Hold, **values: Any) -> bool:
    """Changes a job in hand; False where it no longer is."""
    done = session.execute(
        update(Job)
        .where(Job.id == hold.job_id, Job.state == "running", Job.started_at == hold.since)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return isinstance(done, CursorResult) and done.rowcount == 1


def give_back(session: Session, hold: Hold, *, tried: int = 0) -> bool:
    """Lays a job back among those that wait, as if it had been begun `tried` times."""
    return change(session, hold, state="waiting", beat_at=None, done=0, result={TRIED: tried})


def give_back_of(session: Session, place: str) -> int:
    """Gives back what a dead process of this place had in hand; its tries stay counted."""
    rows = [
        row
        for row in session.scalars(select(Job).where(Job.state == "running").with_for_update())
        if row.result.get(HELD_BY) == place
    ]
    for row in rows:
        row.state, row.beat_at, row.done = "waiting", None, 0
        row.result = {TRIED: row.result.get(TRIED, 0)}
    session.flush()
    return len(rows)


def call_off(session: Session, key: str, *, now: datetime) -> bool:
    """Calls a job off that has not ended; one that runs stops at its next sign of progress."""
    done = session.execute(
        update(Job)
        .where(Job.key == key, Job.state.in_(("waiting", "running")))
        .values(state="cancelled", ended_at=now)
        .execution_options(synchronize_session=False)
    )
    return isinstance(done, CursorResult) and done.rowcount == 1


def last_begun(session: Session, kind: str) -> datetime | None:
    """When the newest job of that kind was written, whoever wrote it."""
    return session.scalar(select(Job.created_at).where(Job.kind == kind).order_by(Job.id.desc()).limit(1))
