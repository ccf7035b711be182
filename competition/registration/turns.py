"""Whose turn it is for many registrations at once: the tree of units is read in one go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Grant, Person, Unit
from competition.accounts.policy import Actor
from competition.accounts.unit_queries import own_units, units_above
from competition.contests.models import Contest
from competition.contests.policy import can_run
from competition.registration.chain import COUNTY_KINDS, Turn, UnitAt, chain_of, may_do, turn_at
from competition.registration.models import Registration


@dataclass(frozen=True, slots=True)
class Tree:
    """Every unit with its line, and those that have an officer."""

    parents: dict[int, int | None]
    kinds: dict[int, str]
    cities: frozenset[int]
    officered: frozenset[int]

    def line(self, unit_id: int | None) -> tuple[UnitAt, ...]:
        """The unit and those above it, nearest first."""
        found: list[UnitAt] = []
        seen: set[int] = set()
        while unit_id is not None and unit_id in self.kinds and unit_id not in seen:
            seen.add(unit_id)
            found.append(UnitAt(unit_id, self.kinds[unit_id], unit_id in self.cities))
            unit_id = self.parents[unit_id]
        return tuple(found)


def read_tree(session: Session) -> Tree:
    rows = session.execute(select(Unit.id, Unit.parent_id, Unit.kind)).all()
    kinds = {row.id: row.kind for row in rows}
    parents = {row.id: row.parent_id for row in rows}
    above_counties = {row.parent_id for row in rows if row.kind in COUNTY_KINDS and row.parent_id is not None}
    cities = {row.id for row in rows if row.kind == "district" and row.parent_id is None and row.id in above_counties}
    return Tree(parents, kinds, frozenset(cities), frozenset(_officered(session)))


def read_line(session: Session, unit_id: int | None) -> Tree:
    """The tree as far as one unit's line, for a single registration: no more is read than stands in it."""
    unit = session.get(Unit, unit_id) if unit_id is not None else None
    line = [] if unit is None else [unit, *units_above(session, unit.id)]
    top = line[-1] if line else None
    cities = frozenset[int]()
    if top is not None and top.kind == "district" and top.parent_id is None:
        below = select(Unit.id).where(Unit.parent_id == top.id, Unit.kind.in_(COUNTY_KINDS)).limit(1)
        cities = frozenset({top.id}) if session.scalar(below) is not None else cities
    ids = [each.id for each in line]
    return Tree(
        {each.id: each.parent_id for each in line},
        {each.id: each.kind for each in line},
        cities,
        frozenset(_officered(session, ids)) if ids else frozenset(),
    )


def _officered(session: Session, unit_ids: Iterable[int] | None = None) -> set[int]:
    query = (
        select(Grant.unit_id)
        .join(Person, Person.id == Grant.person_id)
        .where(Grant.role == "unit", Grant.unit_id.is_not(None), Person.active)
    )
    if unit_ids is not None:
        query = query.where(Grant.unit_id.in_(list(unit_ids)))
    return {unit for unit in session.scalars(query) if unit is not None}


def turn_of(tree: Tree, contest: Contest, registration: Registration) -> Turn | None:
    """Where a submitted registration waits; None: nowhere (it is no submitted one, or its chain has ended)."""
    if registration.state != "submitted":
        return None
    return turn_at(chain_of(contest.review_chain), tree.line(registration.unit_id), registration.step)


def may_review(tree: Tree, actor: Actor, contest: Contest, turn: Turn) -> bool:
    """Whether the actor does this step: officers of its units; organisers theirs, and any that has no officer."""
    if can_run(actor, contest.id) and (not turn.units or not any(unit in tree.officered for unit in turn.units)):
        return True
    return may_do(turn, own_units(actor))


def officers(session: Session, units: Iterable[int]) -> list[int]:
    """The active people who are officers of these units."""
    return list(
        session.scalars(
            select(Grant.person_id)
            .join(Person, Person.id == Grant.person_id)
            .where(Grant.role == "unit", Grant.unit_id.in_(list(units)), Person.active)
            .distinct()
        )
    )


def organisers(session: Session, contest_id: int) -> list[int]:
    return list(
        session.scalars(
            select(Grant.person_id)
            .join(Person, Person.id == Grant.person_id)
            .where(Grant.role == "organiser", Grant.contest_id == contest_id, Person.active)
            .distinct()
        )
    )
