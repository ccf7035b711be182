"""The judges of a bundle."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.models import Organisation
from judges.roster.models import Judge
from judges.roster.queries import judges_of


class RosterSection:
    """Implements `competition.scoring.evidence.BundleSection` for `judges`."""

    def write(self, session: Session, contest_id: int, bundle: Any, *, now: datetime) -> None:
        """A judge who is known by code keeps their row, and with it whoever signs in on it."""
        known = {
            judge.code.casefold(): judge
            for judge in session.scalars(select(Judge).where(Judge.contest_id == contest_id))
        }
        organisations = dict(
            session.execute(
                select(Organisation.code, Organisation.id).where(Organisation.contest_id == contest_id)
            ).all()
        )
        for record in bundle.judges:
            judge = known.pop(record.code.casefold(), None)
            if judge is None:
                judge = Judge(contest_id=contest_id)
                session.add(judge)
            judge.code, judge.name = record.code, record.name
            judge.organisation_id = None if record.organisation is None else organisations[record.organisation]
        for gone in known.values():
            session.delete(gone)
        session.flush()

    def read(self, session: Session, contest_id: int) -> dict[str, tuple[Any, ...]]:
        return {"judges": judges_of(session, contest_id)}
