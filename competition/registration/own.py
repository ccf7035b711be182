"""Reads for those who register: their own registrations, who leads one, and whether the window is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from competition.accounts.policy import Actor
from competition.contests.models import Contest, FormField, Track
from competition.registration.answers import Field, field_of
from competition.registration.chain import chain_of
from competition.registration.models import Registration, RegistrationPerson
from competition.shared.errors import DomainError


def own_registration(session: Session, number: str, actor: Actor, *, lock: bool = False) -> Registration:
    """The registration of that number, if the actor is one of its people; `lock` keeps others from writing it."""
    query = select(Registration).where(Registration.number == number.strip().upper())
    registration = session.scalar(query.with_for_update() if lock else query)
    if registration is None or not takes_part(registration, actor):
        # Whether there is one of that number is nobody else's business.
        raise DomainError("unknown", _("没有这份报名，或不是您的报名。请从“我的报名”进入。"))
    return registration


def takes_part(registration: Registration, actor: Actor) -> bool:
    if actor.person_id is None:
        return False
    own = any(person.person_id == actor.person_id for person in registration.people)
    return own or (registration.created_by == actor.person_id and not registration.people)


def lead_of(registration: Registration) -> RegistrationPerson | None:
    return next((person for person in registration.people if person.lead), None)


def leads(registration: Registration, actor: Actor) -> bool:
    """Whether the actor fills in, hands in and withdraws this registration."""
    lead = lead_of(registration)
    if actor.person_id is None:
        return False
    return lead.person_id == actor.person_id if lead else registration.created_by == actor.person_id


def part_of(registration: Registration, actor: Actor) -> RegistrationPerson | None:
    return next((person for person in registration.people if person.person_id == actor.person_id), None)


def fields_of(session: Session, contest_id: int, track_id: int) -> list[Field]:
    """The contest's own fields for the track, in their order."""
    rows = session.scalars(
        select(FormField)
        .where(FormField.contest_id == contest_id, or_(FormField.track_id.is_(None), FormField.track_id == track_id))
        .order_by(FormField.position, FormField.id)
    )
    return [field_of(row) for row in rows]


def groups_of(contest: Contest, track: Track) -> list[tuple[str, str]]:
    """The groups that may enter the track, as (code, title)."""
    allowed = (track.entrants or {}).get("groups") or ()
    groups = [(str(group["code"]), str(group["title"])) for group in contest.groups or ()]
    return [(code, title) for code, title in groups if not allowed or code in allowed]


def my_registrations(session: Session, person_id: int) -> Sequence[Registration]:
    """All in which the person has a part, newest first."""
    return session.scalars(
        select(Registration)
        .join(RegistrationPerson, RegistrationPerson.registration_id == Registration.id)
        .where(RegistrationPerson.person_id == person_id)
        .options(selectinload(Registration.people))
        .order_by(Registration.id.desc())
        .distinct()
    ).all()


def shut(contest: Contest, track: Track, now: datetime) -> str | None:
    """Why nobody may register now, as a sentence; None: they may. The closing instant itself still counts."""
    if track.phase == "draft":
        return _("报名还没有开始，请留意赛事公告。")
    if track.phase != "registration":
        return _("这个赛项的报名已经结束。")
    if contest.registration_opens_at is not None and now < contest.registration_opens_at:
        return _("报名还没有开始，请在开始后再来。")
    if contest.registration_closes_at is not None and now > contest.registration_closes_at:
        return _("报名已截止。如有特殊情况，请联系主办方。")
    return None


def check_window(contest: Contest, track: Track, now: datetime, *, returned: bool = False) -> None:
    """Refuses outside the window. What was handed in time and returned may be corrected while the phase lasts."""
    sentence = shut(contest, track, now)
    if sentence is None or (returned and track.phase == "registration"):
        return
    raise DomainError("not_open", sentence)


def chain_titles(contest: Contest) -> list[str]:
    """The steps of the review chain in words."""
    return [str(step.title) for step in chain_of(contest.review_chain)]


def when_shut(contest: Contest, track: Track, registration: Registration, now: datetime) -> str | None:
    """Why this registration cannot be changed by its people now; None: it can."""
    if registration.state not in ("draft", "returned"):
        return _("报名已提交，内容已锁定。")
    if registration.state == "returned" and track.phase == "registration":
        return None
    return shut(contest, track, now)
