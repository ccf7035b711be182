"""A confirmed registration becomes an entry: from here on draws, marks and boards know it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.contests.models import Contest, Organisation
from competition.registration.models import Entry, Registration

CODE: Final = re.compile(r"E(\d+)")
LONGEST: Final = 64


def admit(session: Session, contest: Contest, registration: Registration, *, now: datetime) -> Entry:
    """Makes the entry, or gives the one there is. The caller holds the contest's lock, so no code comes twice."""
    if registration.entry_id is not None:
        return session.get_one(Entry, registration.entry_id)
    members = [person for person in registration.people if person.part == "member"]
    organisation = organisation_for(session, contest, registration.unit_id)
    entry = Entry(
        contest_id=contest.id,
        track_id=registration.track_id,
        code=next_code(session, contest.id),
        title=registration.title or "、".join(person.name for person in members),
        organisation_id=organisation.id if organisation else None,
        members=[{"name": person.name} for person in members],
        attributes={**registration.attributes, **({"group": registration.group} if registration.group else {})},
    )
    session.add(entry)
    session.flush()
    registration.entry_id = entry.id
    registration.updated_at = now
    session.flush()
    return entry


def next_code(session: Session, contest_id: int) -> str:
    """E001, E002, … after the highest that was given."""
    codes = session.scalars(select(Entry.code).where(Entry.contest_id == contest_id, Entry.code.like("E%")))
    numbers = [int(found[1]) for code in codes if (found := CODE.fullmatch(code))]
    return f"E{max(numbers, default=0) + 1:03d}"


def organisation_for(session: Session, contest: Contest, unit_id: int | None) -> Organisation | None:
    """The unit as the contest knows it, written down with those above it where it is new."""
    unit = session.get(Unit, unit_id) if unit_id is not None else None
    if unit is None:
        return None
    known = session.scalar(
        select(Organisation).where(
            Organisation.contest_id == contest.id,
            (Organisation.unit_id == unit.id) | (Organisation.code == unit.code),
        )
    )
    if known is not None:
        known.unit_id = known.unit_id or unit.id
        return known
    above = organisation_for(session, contest, unit.parent_id) if unit.parent_id != unit.id else None
    made = Organisation(
        contest_id=contest.id,
        unit_id=unit.id,
        code=unit.code[:LONGEST],
        name=unit.name,
        kind=unit.kind,
        parent=above.code if above else None,
    )
    session.add(made)
    session.flush()
    return made
