"""What eligibility asks about a registration, read from profiles, units, places and other registrations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from competition.accounts.models import Person, Unit
from competition.accounts.unit_queries import units_above
from competition.accounts.units import FLAGS, KINDS
from competition.contests.models import Contest, Track
from competition.registration.answers import read_day
from competition.registration.eligibility import (
    ApplicantFacts,
    EntryFacts,
    Failure,
    Names,
    OtherEntry,
    Rule,
    UnitFacts,
    check,
    parse_rules,
)
from competition.registration.models import OPEN_STATES, Quota, Registration, RegistrationPerson
from competition.shared.clock import local_day

ASKED: Mapping[str, tuple[str, ...]] = {
    "age": ("birth_date", "sex"),
    "work_months": ("work_since",),
    "level": ("skill_level",),
    "earlier_honour": ("honours",),
}
"""The profile fields that a kind of rule asks about."""


def rules_of(track: Track) -> tuple[Rule, ...]:
    """The track's rules; what cannot be read was refused when the track was edited."""
    return parse_rules(track.eligibility or [])[0]


def names_of(session: Session, contest: Contest, rules: Sequence[Rule]) -> Names:
    """Titles for the codes in the rules' sentences."""
    groups = {str(group["code"]): str(group["title"]) for group in contest.groups or ()}
    keys = {rule.within.casefold() for rule in rules if rule.kind == "unit" and rule.within}
    units = {}
    if keys:
        rows = session.execute(select(Unit.code, Unit.name).where(Unit.code_key.in_(keys)))
        units = {row.code: row.name for row in rows}
    return Names(groups=groups, units=units, kinds=KINDS, flags=FLAGS)


def reference_day(contest: Contest, now: datetime) -> date:
    """The day of rules without a date of their own: the last one of registration, alike for early and late comers."""
    return local_day(contest.registration_closes_at or now)


def profile_facts(name: str, profile: Mapping[str, Any], others: tuple[OtherEntry, ...] | None) -> ApplicantFacts:
    """What a profile says of a person."""
    return ApplicantFacts(
        name=name,
        birth_date=_day(profile.get("birth_date")),
        sex=profile.get("sex"),
        work_since=_day(profile.get("work_since")),
        level=profile.get("skill_level"),
        honours=read_honours(profile.get("honours")),
        others=others,
    )


NONE: Final = frozenset(("无", "没有", "none", "no"))
"""How people say that they have no honours."""


def read_honours(value: Any) -> frozenset[str] | None:
    """Honours as a profile holds them: a list, or one text with a title between commas; None: not filled in."""
    if isinstance(value, str):
        value = re.split(r"[、，,；;\n]+", value) if value.strip() else None
    if value is None:
        return None
    words = (str(word).strip().strip("。") for word in value)
    return frozenset(word for word in words if word and word.casefold() not in NONE)


def _day(value: Any) -> date | None:
    return read_day(value) if isinstance(value, str) else None


def members_of(registration: Registration) -> list[RegistrationPerson]:
    return [person for person in registration.people if person.part == "member"]


def applicant_facts(
    session: Session,
    registration: Registration,
    typed: Mapping[int, Mapping[str, Any]] | None = None,
) -> list[ApplicantFacts]:
    """The members in their order. `typed`: profile values by person id that are not saved yet."""
    members = members_of(registration)
    ids = {member.person_id for member in members if member.person_id is not None}
    rows = session.execute(select(Person.id, Person.profile).where(Person.id.in_(ids)))
    profiles = {row.id: row.profile for row in rows}
    others = other_entries(session, registration, ids)
    facts = []
    for member in members:
        if member.person_id is None:
            facts.append(ApplicantFacts(member.name))
            continue
        profile = {**(profiles.get(member.person_id) or {}), **(typed or {}).get(member.person_id, {})}
        facts.append(profile_facts(member.name, profile, others.get(member.person_id, ())))
    return facts


def other_entries(
    session: Session, registration: Registration, person_ids: set[int]
) -> dict[int, tuple[OtherEntry, ...]]:
    """What else the people are members of in the contest; a small improvement takes nobody's place."""
    if not person_ids:
        return {}
    same = _same_people(session, person_ids)
    rows = session.execute(
        select(RegistrationPerson.person_id, Registration.number, Registration.track_id)
        .join(Registration, Registration.id == RegistrationPerson.registration_id)
        .where(
            RegistrationPerson.person_id.in_(same),
            RegistrationPerson.holds,
            RegistrationPerson.part == "member",
            Registration.contest_id == registration.contest_id,
            Registration.id != registration.id,
            Registration.state.in_(OPEN_STATES),
        )
        .order_by(Registration.id)
    )
    found: dict[int, tuple[OtherEntry, ...]] = {}
    for person_id, number, track_id in rows:
        assert person_id is not None
        other = OtherEntry(number, track_id == registration.track_id)
        for own in same[person_id]:
            found[own] = (*found.get(own, ()), other)
    return found


def _same_people(session: Session, person_ids: set[int]) -> dict[int, set[int]]:
    """Account → those of `person_ids` who are the same person: themselves, and whoever gave the same ID number."""
    same = {person_id: {person_id} for person_id in person_ids}
    one, two = aliased(Person), aliased(Person)
    pairs = session.execute(
        select(one.id, two.id).join(two, two.id_index == one.id_index).where(one.id.in_(person_ids), two.id != one.id)
    )
    for own, other in pairs:
        same.setdefault(other, set()).add(own)
    return same


def unit_facts(session: Session, unit_id: int | None) -> UnitFacts | None:
    unit = session.get(Unit, unit_id) if unit_id is not None else None
    if unit is None:
        return None
    above = units_above(session, unit.id)
    line = (unit.code, *(one.code for one in above))
    return UnitFacts(unit.code, unit.name, unit.kind, frozenset(unit.flags or ()), line)


def entry_facts(session: Session, registration: Registration, rules: Sequence[Rule]) -> EntryFacts:
    granted, taken = None, 0
    if registration.unit_id is not None and any(rule.kind == "quota" for rule in rules):
        granted, taken = places(session, registration)
    return EntryFacts(registration.group, unit_facts(session, registration.unit_id), granted, taken)


def places(session: Session, registration: Registration) -> tuple[int | None, int]:
    """The places granted to the registration's unit in the track, and how many others of it are recommended."""
    granted = session.scalar(
        select(Quota.granted).where(Quota.track_id == registration.track_id, Quota.unit_id == registration.unit_id)
    )
    taken = session.scalar(
        select(func.count())
        .select_from(Registration)
        .where(
            Registration.unit_id == registration.unit_id,
            Registration.contest_id == registration.contest_id,
            Registration.track_id == registration.track_id,
            Registration.id != registration.id,
            or_(
                Registration.state == "confirmed",
                (Registration.state == "submitted") & (Registration.step > 0),
            ),
        )
    )
    return granted, taken or 0


def eligibility_of(
    session: Session,
    registration: Registration,
    contest: Contest,
    track: Track,
    *,
    now: datetime,
    typed: Mapping[int, Mapping[str, Any]] | None = None,
) -> list[Failure]:
    """What of the track's rules the registration does not meet; while typing, at submission and at each review."""
    rules = rules_of(track)
    if not rules:
        return []
    names = names_of(session, contest, rules)
    people = applicant_facts(session, registration, typed)
    return check(rules, people, entry_facts(session, registration, rules), reference_day(contest, now), names)
