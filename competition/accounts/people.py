"""A unit's people, as their officers find them and hand them their first way in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from competition.accounts import service
from competition.accounts.models import Person, SignIn
from competition.accounts.numbers import normalise
from competition.accounts.policy import Actor
from competition.accounts.queries import grants_of
from competition.accounts.unit_queries import may_speak_for
from competition.shared.errors import DomainError
from competition.shared.vault import Vault

PAGE: Final = 50
SHEET: Final = 200
"""Links on one printed sheet."""


def find_people(
    session: Session, unit_ids: Collection[int], vault: Vault, *, words: str = "", new: bool = False, page: int = 1
) -> tuple[Sequence[Person], int]:
    """One page of people and how many there are: by words in name or sign-in name, or by a whole phone or ID number.

    `new`: those alone who have no password and have never signed in.
    """
    query = select(Person).where(Person.unit_id.in_(unit_ids), Person.erased_at.is_(None))
    for word in words.split()[:5]:
        like = f"%{word.casefold().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        found = [func.lower(Person.name).like(like, escape="!"), Person.login_key.like(like, escape="!")]
        number = normalise(word)
        if len(number) >= 11:
            indexes = vault.indexes(number)
            found += [Person.phone_index.in_(indexes), Person.id_index.in_(indexes)]
        query = query.where(or_(*found))
    if new:
        query = query.where(
            Person.password_hash.is_(None), Person.active, Person.id.not_in(select(SignIn.person_id).distinct())
        )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(Person.name, Person.id).offset((page - 1) * PAGE).limit(PAGE)).all()
    return rows, total


def may_hand_link(session: Session, actor: Actor, person: Person) -> bool:
    """Whether the actor may give the person a way in: theirs by unit, and with no office that the actor has not.

    Whoever hands a link could use it, so an officer never makes one for a judge, an organiser or an admin.
    """
    if not person.active or person.unit_id is None or not may_speak_for(session, actor, person.unit_id):
        return False
    return actor.has("admin") or all(
        one.role == "contestant"
        or (one.role == "unit" and one.unit_id is not None and may_speak_for(session, actor, one.unit_id))
        for one in grants_of(session, person.id)
    )


@dataclass(frozen=True, slots=True)
class Handed:
    """A link for one person, known only now."""

    name: str
    login: str
    token: str


def hand_links(session: Session, person_ids: Sequence[int], *, actor: Actor, now: datetime) -> list[Handed]:
    """A sign-in link for each (at most 200), or a refusal for all."""
    if not 1 <= len(person_ids) <= SHEET:
        raise DomainError("bad_request", _("请选择 1 至 %(n)s 个人。", n=SHEET), "people")
    people = {one.id: one for one in session.scalars(select(Person).where(Person.id.in_(person_ids)))}
    made: list[Handed] = []
    for key in dict.fromkeys(person_ids):
        person = people.get(key)
        if person is None or not may_hand_link(session, actor, person):
            raise DomainError("forbidden", _("其中有人不归你管理，或担任竞赛职务，不能由你发链接。"), "people")
        token = service.make_link(session, contest_id=None, role="contestant", person_id=key, now=now, actor=actor)
        made.append(Handed(person.name, person.login, token))
    return made
