"""What the registration page shows: put together in one reading, for the form and for what stands after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.consents import InForce, text_in_force
from competition.accounts.models import Person
from competition.accounts.policy import Actor
from competition.accounts.profile import FIELDS, ProfileField, values_of
from competition.contests.models import Contest, Track
from competition.registration import attachment_queries, complete, teams
from competition.registration import forms as registration_forms
from competition.registration.answers import Field, shown
from competition.registration.drafting import contest_and_track
from competition.registration.eligibility import describe
from competition.registration.entrants import Bounds, bounds_of
from competition.registration.facts import names_of, rules_of
from competition.registration.models import Invitation, Registration, RegistrationPerson, ReviewStep
from competition.registration.own import (
    chain_titles,
    fields_of,
    groups_of,
    leads,
    own_registration,
    part_of,
    when_shut,
)
from competition.registration.unit_search import UnitShown, unit_shown
from competition.shared.vault import Vault

STATES = {
    "draft": (_l("草稿"), "", "dot-open"),
    "submitted": (_l("审核中"), "chip-steel", "dot-half"),
    "returned": (_l("退回，待更正"), "chip-warn", ""),
    "refused": (_l("未通过"), "chip-red", ""),
    "confirmed": (_l("已确认参赛"), "chip-ok", ""),
    "withdrawn": (_l("已撤回"), "", "dot-open"),
}
"""Word, chip and dot of each state."""
ACTIONS = {
    "submit": _l("提交"),
    "confirm": _l("通过"),
    "return": _l("退回"),
    "refuse": _l("不予通过"),
    "withdraw": _l("撤回"),
    "reopen": _l("重新打开"),
}


@dataclass(frozen=True, slots=True)
class PersonInput:
    """A profile field with its value; `known`: a sealed number on record, masked."""

    field: ProfileField
    value: str
    known: str

    @property
    def name(self) -> str:
        return registration_forms.PROFILE + self.field.code


@dataclass
class Page:
    """Everything of one registration for one of its people."""

    registration: Registration
    contest: Contest
    track: Track
    bounds: Bounds
    leads: bool
    mine: RegistrationPerson | None
    shut: str | None
    fields: list[Field]
    answers: dict[str, Any]
    person: list[PersonInput]
    groups: list[tuple[str, str]]
    unit: UnitShown | None
    rules: list[Any]
    look: complete.Look
    steps: list[str]
    at: int
    history: Sequence[ReviewStep]
    attachment_rules: list[Any]
    invitations: list[Invitation]
    consents: list[InForce]
    consented: bool
    needs_title: bool
    works: bool
    people_ok: set[int]
    errors: dict[str, Any] = field(default_factory=dict)

    @property
    def editable(self) -> bool:
        return self.leads and self.shut is None

    @property
    def said(self) -> dict[str, list[str]]:
        """Sentences of what is missing by the name of the input that they stand beside, for the person who looks."""
        place = self._place()
        found: dict[str, list[str]] = {}
        for one in self.look.missing:
            if one.field in FIELDS:
                if one.person in (None, place):
                    found.setdefault(registration_forms.PROFILE + one.field, []).append(one.sentence)
                else:
                    found.setdefault("people", []).append(one.sentence)
            else:
                found.setdefault(one.field, []).append(one.sentence)
        return found

    @property
    def notes(self) -> dict[str, list[str]]:
        """Likewise of what does not stop a submission."""
        found: dict[str, list[str]] = {}
        for one in self.look.notes:
            found.setdefault(one.field, []).append(str(one.sentence))
        return found

    def _place(self) -> int | None:
        members = [person for person in self.registration.people if person.part == "member"]
        return next((place for place, one in enumerate(members) if one is self.mine), None)

    def shown(self, one: Field) -> Any:
        value = self.answers.get(one.code)
        return None if value in (None, "", []) else shown(one, value)

    def typed(self, one: Field) -> Any:
        """The answer as an input holds it."""
        value = self.answers.get(one.code)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return "" if value is None else value


def read_page(
    session: Session,
    number: str,
    *,
    actor: Actor,
    now: datetime,
    vault: Vault,
    typed: Mapping[str, str] | None = None,
) -> Page:
    """The page of a registration; `typed`: profile values of the actor that could not be saved."""
    registration = own_registration(session, number, actor)
    contest, track = contest_and_track(session, registration)
    rules = rules_of(track)
    person = session.get_one(Person, actor.person_id)
    look = complete.look(session, registration, contest, track, now=now, consents=False)
    consented = complete.consented(session, registration)
    history = session.scalars(
        select(ReviewStep).where(ReviewStep.registration_id == registration.id).order_by(ReviewStep.id.desc())
    ).all()
    steps = chain_titles(contest)
    return Page(
        registration=registration,
        contest=contest,
        track=track,
        bounds=bounds_of(track.entrants or {}),
        leads=leads(registration, actor),
        mine=part_of(registration, actor),
        shut=when_shut(contest, track, registration, now),
        fields=fields_of(session, contest.id, track.id),
        answers=dict(registration.answers or {}),
        person=person_inputs(person, registration_forms.profile_fields(rules), vault, typed or {}),
        groups=groups_of(contest, track),
        unit=unit_shown(session, registration.unit_id),
        rules=[describe(rule, names_of(session, contest, rules)) for rule in rules],
        look=look,
        steps=steps,
        at=len(steps) if registration.state == "confirmed" else registration.step,
        history=history,
        attachment_rules=attachment_queries.shown(session, registration),
        invitations=teams.invitations(session, registration, now)
        if registration.state in ("draft", "returned")
        else [],
        consents=[text_in_force(session, kind, contest.id) for kind in registration_forms.CONSENTS],
        consented=actor.person_id in consented,
        needs_title=complete.needs_title(contest, registration),
        works=contest.kind in complete.WORKS,
        people_ok={one.id for one in registration.people if one.accepted_at and one.person_id in consented},
    )


def person_inputs(
    person: Person, fields: Sequence[ProfileField], vault: Vault, typed: Mapping[str, str]
) -> list[PersonInput]:
    values = values_of(person, vault)
    return [
        PersonInput(
            one,
            typed.get(one.code, "" if one.sealed else values.get(one.code, "")),
            values.get(one.code, "") if one.sealed else "",
        )
        for one in fields
    ]
