"""What people of a registration are told, in the words of `accounts.notices`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Notice
from competition.accounts.notices import tell
from competition.contests.models import Contest
from competition.registration.chain import Turn
from competition.registration.models import Registration, RegistrationPerson
from competition.registration.turns import officers, organisers, read_line, turn_of
from competition.shared.clock import LOCAL

QUIET: Final = timedelta(hours=1)
"""Between two messages to a reviewer about what waits in one contest."""


def link_of(registration: Registration) -> str:
    return f"/registrations/{registration.number}"


def submitted(session: Session, registration: Registration, contest: Contest, *, now: datetime) -> None:
    """To everyone of it: that it has arrived, and who looks at it first; to those, that it waits."""
    turn = turn_of(read_line(session, registration.unit_id), contest, registration)
    step = str(turn.step.title) if turn else ""
    values = {"title": registration.title, "number": registration.number, "contest": contest.title, "step": step}
    _all(session, registration, contest, "registration.submitted", values, now)
    if turn is not None:
        waiting(session, registration, contest, turn, now=now)


def withdrawn(session: Session, registration: Registration, contest: Contest, *, now: datetime) -> None:
    values = {"title": registration.title or registration.number, "number": registration.number}
    _all(session, registration, contest, "registration.withdrawn", {**values, "contest": contest.title}, now)


def confirmed(
    session: Session, registration: Registration, contest: Contest, step: str, following: str, *, now: datetime
) -> None:
    values = {"title": registration.title, "number": registration.number, "step": step, "next": following}
    _all(session, registration, contest, "registration.confirmed", values, now)


def returned(
    session: Session, registration: Registration, contest: Contest, step: str, reason: str, *, now: datetime
) -> None:
    closes = contest.registration_closes_at
    values = {"title": registration.title, "number": registration.number, "step": step, "reason": reason}
    deadline = f"{closes.astimezone(LOCAL):%Y-%m-%d %H:%M}" if closes else _("报名截止")
    _all(session, registration, contest, "registration.returned", {**values, "deadline": deadline}, now)


def refused(
    session: Session, registration: Registration, contest: Contest, step: str, reason: str, *, now: datetime
) -> None:
    values = {"title": registration.title, "number": registration.number, "step": step, "reason": reason}
    _all(session, registration, contest, "registration.refused", values, now)


def admitted(session: Session, registration: Registration, contest: Contest, entry: str, *, now: datetime) -> None:
    values = {"title": registration.title, "number": registration.number, "contest": contest.title, "entry": entry}
    _all(session, registration, contest, "registration.admitted", values, now)


def waiting(session: Session, registration: Registration, contest: Contest, turn: Turn, *, now: datetime) -> None:
    """To those whose turn it is: once an hour at most, however many come."""
    people = officers(session, turn.units) or organisers(session, contest.id)
    told = set(
        session.scalars(
            select(Notice.person_id).where(
                Notice.person_id.in_(people),
                Notice.contest_id == contest.id,
                Notice.kind == "registration.waiting",
                Notice.created_at > now - QUIET,
            )
        )
    )
    values = {"title": registration.title, "number": registration.number, "contest": contest.title}
    for person_id in people:
        if person_id not in told:
            tell(
                session, person_id, "registration.waiting", {**values, "step": str(turn.step.title)},
                link="/tasks", contest_id=contest.id, now=now, mail=not contest.rehearsal,
            )  # fmt: skip


def joined(session: Session, registration: Registration, contest: Contest, name: str, *, now: datetime) -> None:
    """To the lead."""
    _lead(session, registration, contest, "team.joined", name, now)


def left(session: Session, registration: Registration, contest: Contest, name: str, *, now: datetime) -> None:
    _lead(session, registration, contest, "team.left", name, now)


def _lead(session: Session, registration: Registration, contest: Contest, kind: str, name: str, now: datetime) -> None:
    values = {"name": name, "title": registration.title or registration.number}
    for person in registration.people:
        if person.lead and person.person_id is not None:
            _tell(session, person, contest, kind, values, link_of(registration), now)


def _all(
    session: Session, registration: Registration, contest: Contest, kind: str, values: dict[str, str], now: datetime
) -> None:
    for person in registration.people:
        if person.person_id is not None:
            _tell(session, person, contest, kind, values, link_of(registration), now)


def _tell(
    session: Session,
    person: RegistrationPerson,
    contest: Contest,
    kind: str,
    values: dict[str, str],
    link: str,
    now: datetime,
) -> None:
    assert person.person_id is not None
    tell(
        session, person.person_id, kind, values,
        link=link, contest_id=contest.id, now=now, mail=not contest.rehearsal,
    )  # fmt: skip
