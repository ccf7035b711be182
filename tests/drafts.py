"""A contestant with an open draft in a contest that asks for files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from competition.accounts import service
from competition.accounts.models import Unit
from competition.accounts.policy import CONSOLE
from competition.contests.models import AttachmentRule
from competition.contests.queries import get_contest
from competition.registration.models import Registration, RegistrationPerson

NAME, UNIT, NUMBER = "王磊", "威海船厂", "R2345678"
ASKED = (("report", ["pdf", "document"], 1, 50), ("photos", ["image"], 2, 5), ("any", [], 1, 200))
"""Code, kinds, how many and how large in MB."""


def make_draft(session: Session, code: str, now: datetime) -> str:
    """Opens the contest for registration, with one draft; gives the contestant's sign-in token."""
    contest = get_contest(session, code)
    track = contest.tracks[0]
    track.phase = "registration"
    for position, (rule_code, types, most, max_mb) in enumerate(ASKED):
        rule = AttachmentRule(contest_id=contest.id, position=position, code=rule_code, title=rule_code)
        rule.types, rule.most, rule.max_mb = types, most, max_mb
        session.add(rule)
    unit = Unit(code="shipyard-x", code_key="shipyard-x", name=UNIT, kind="enterprise")
    session.add(unit)
    person = service.create_person(session, login="lei", name=NAME, password=None, now=now)
    service.grant(session, person, "contestant", now=now, actor=CONSOLE)
    session.flush()
    registration = Registration(
        contest_id=contest.id, track_id=track.id, number=NUMBER, kind="individual", title="夹具",
        unit_id=unit.id, created_by=person, created_at=now, updated_at=now,
    )  # fmt: skip
    registration.people = [
        RegistrationPerson(track_id=track.id, person_id=person, position=0, name=NAME, accepted_at=now)
    ]
    session.add(registration)
    return service.make_link(session, contest_id=contest.id, role="contestant", person_id=person, now=now)
