"""Reads of people, roles and the log."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import Integer, String, column, select, table
from sqlalchemy.orm import Session

from competition.accounts.models import Audit, Grant, Person, Unit
from competition.accounts.policy import Actor, GrantInfo
from competition.shared.errors import DomainError

# Contests stand above people; for the address of a start page their codes are enough.
_contest = table("contest", column("id", Integer()), column("code", String()))
_track = table(
    "track",
    column("id", Integer()),
    column("contest_id", Integer()),
    column("position", Integer()),
    column("code", String()),
)


def person_by_login(session: Session, login: str) -> Person | None:
    """The person of that login, ignoring case."""
    return session.scalar(select(Person).where(Person.login_key == login.strip().casefold()))


def grants_of(session: Session, person_id: int) -> tuple[GrantInfo, ...]:
    rows = session.execute(
        select(Grant.role, Grant.contest_id, Grant.track_id, Grant.stage_id, Grant.unit_id, Grant.judge_id)
        .where(Grant.person_id == person_id)
        .order_by(Grant.id)
    )
    return tuple(GrantInfo(*row) for row in rows)


def actor_for(session: Session, person_id: int) -> Actor | None:
    """The person as an actor; None where they are no longer active."""
    name = session.scalar(select(Person.name).where(Person.id == person_id, Person.active))
    return None if name is None else Actor(person_id, name, grants_of(session, person_id))


def audit_of(session: Session, contest_id: int, *, limit: int = 200) -> Sequence[Audit]:
    """The contest's log, newest first."""
    return session.scalars(
        select(Audit).where(Audit.contest_id == contest_id).order_by(Audit.id.desc()).limit(limit)
    ).all()


START_PAGES = {
    "judge": "/judge/{contest}",
    "recorder": "/recorder/{contest}",
    "chief": "/chief/{contest}/{track}",
    "organiser": "/manage/{contest}",
    "coder": "/code/{contest}",
    "supervisor": "/code/{contest}",
}
OWN_PAGES = {"unit": "/tasks", "contestant": "/registrations"}
"""Start pages that belong to no one contest."""


def start_address(session: Session, actor: Actor, role: str | None = None) -> str | None:
    """The path of the start page of `role` (None: of the actor's newest role that has one); None: there is none."""
    for grant in reversed(actor.grants):
        if grant.role in OWN_PAGES and role in (None, grant.role):
            return OWN_PAGES[grant.role]
        page = START_PAGES.get(grant.role)
        if page is None or role not in (None, grant.role) or grant.contest_id is None:
            continue
        contest = session.scalar(select(_contest.c.code).where(_contest.c.id == grant.contest_id))
        track = session.scalar(
            select(_track.c.code)
            .where(
                _track.c.contest_id == grant.contest_id,
                _track.c.id == grant.track_id if grant.track_id is not None else _track.c.id.is_not(None),
            )
            .order_by(_track.c.position)
            .limit(1)
        )
        if contest is not None and (track is not None or "{track}" not in page):
            return page.format(contest=contest, track=track)
    return None


def get_unit(session: Session, code: str) -> Unit:
    """The platform's unit of that code, ignoring case."""
    unit = session.scalar(select(Unit).where(Unit.code_key == code.casefold()))
    if unit is None:
        raise DomainError("unknown", _("没有代码为“%(code)s”的单位。", code=code), "unit")
    return unit
