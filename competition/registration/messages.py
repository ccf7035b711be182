"""What people of a registration are told, in the words of `accounts.notices`."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.accounts.notices import tell
from competition.contests.models import Contest
from competition.registration.models import Registration, RegistrationPerson


def link_of(registration: Registration) -> str:
    return f"/registrations/{registration.number}"


def submitted(session: Session, registration: Registration, contest: Contest, *, now: datetime) -> None:
    """To everyone of it: that it has arrived, and who looks at it first."""
    chain = contest.review_chain or []
    step = str(chain[0].get("title", "")) if chain else _("推荐单位")
    values = {"title": registration.title, "number": registration.number, "contest": contest.title, "step": step}
    _all(session, registration, contest, "registration.submitted", values, now)


def withdrawn(session: Session, registration: Registration, contest: Contest, *, now: datetime) -> None:
    values = {"title": registration.title or registration.number, "number": registration.number}
    _all(session, registration, contest, "registration.withdrawn", {**values, "contest": contest.title}, now)


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
