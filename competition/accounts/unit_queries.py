"""Reads of the tree of units: what lies above and below one, and who speaks for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Grant, Person, Unit
from competition.accounts.policy import Actor


def units_below(session: Session, unit_id: int) -> set[int]:
    """The unit itself and all that lie under it, the archived too."""
    return units_below_all(session, (unit_id,))


def units_below_all(session: Session, unit_ids: Collection[int]) -> set[int]:
    """The units themselves and all that lie under any of them, the archived too."""
    if not unit_ids:
        return set()
    tree = select(Unit.id).where(Unit.id.in_(unit_ids)).cte("below", recursive=True)
    tree = tree.union(select(Unit.id).join(tree, Unit.parent_id == tree.c.id))
    return set(session.scalars(select(tree.c.id)))


def units_above(session: Session, unit_id: int) -> list[Unit]:
    """The units over it, nearest first, without itself."""
    found: list[Unit] = []
    seen = {unit_id}
    at = session.get(Unit, unit_id)
    while at is not None and at.parent_id is not None and at.parent_id not in seen:
        seen.add(at.parent_id)
        at = session.get(Unit, at.parent_id)
        if at is not None:
            found.append(at)
    return found


def officers_of(session: Session, unit_id: int) -> list[int]:
    """The active people who hold the role `unit` of exactly this unit, in the order in which they came to it."""
    query = (
        select(Grant.person_id)
        .join(Person, Person.id == Grant.person_id)
        .where(Grant.role == "unit", Grant.unit_id == unit_id, Person.active)
        .order_by(Grant.id)
    )
    return list(dict.fromkeys(session.scalars(query)))


def own_units(actor: Actor) -> set[int]:
    """The units whose officer the actor is. A grant that names none is nobody's: it speaks for no unit."""
    return {grant.unit_id for grant in actor.grants if grant.role == "unit" and grant.unit_id is not None}


def may_speak_for(session: Session, actor: Actor, unit_id: int) -> bool:
    """Whether the actor is an officer of the unit or of one above it, or an admin."""
    if actor.has("admin"):
        return True
    own = own_units(actor)
    return bool(own) and (unit_id in own or any(unit.id in own for unit in units_above(session, unit_id)))


def spoken_for(session: Session, actor: Actor) -> set[int] | None:
    """Every unit that the actor speaks for; None: all of them (an admin)."""
    return None if actor.has("admin") else units_below_all(session, own_units(actor))


def names_of(session: Session, unit_ids: Iterable[int]) -> dict[int, str]:
    """The units' names by their ids."""
    wanted = set(unit_ids)
    if not wanted:
        return {}
    return {row.id: row.name for row in session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(wanted)))}
