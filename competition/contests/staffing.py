"""Who runs a contest: roles given to people who have an account, and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit, service
from competition.accounts.models import Grant, Person
from competition.accounts.policy import ROLE_TABLE, Actor
from competition.accounts.queries import person_by_login
from competition.contests.models import Contest
from competition.contests.policy import can_run
from competition.shared.errors import DomainError

ROLES: Final = ("organiser", "coder", "supervisor", "recorder", "chief")
"""Roles that a contest's organiser gives; judges have seats, units and contestants come by registering."""


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody with a role in the contest; `track` is its title where the role is for one alone."""

    grant_id: int
    role: str
    title: str
    name: str
    login: str
    track: str


def posts(session: Session, contest: Contest) -> list[Post]:
    """Everybody who has such a role in this contest, by role and name."""
    titles = {track.id: track.title for track in contest.tracks}
    rows = session.execute(
        select(Grant.id, Grant.role, Person.name, Person.login, Grant.track_id)
        .join(Person, Person.id == Grant.person_id)
        .where(Grant.contest_id == contest.id, Grant.role.in_(ROLES))
    )
    found = [
        Post(key, role, str(ROLE_TABLE[role].title), name, login, titles.get(track_id or 0, ""))
        for key, role, name, login, track_id in rows
    ]
    return sorted(found, key=lambda post: (ROLES.index(post.role), post.name, post.grant_id))


def appoint(
    session: Session, contest: Contest, login: str, role: str, track_code: str, *, actor: Actor, now: datetime
) -> str:
    """Gives the person of that login a role in the contest (a chief: of one track); gives their name.

    Roles that never meet in one contest are refused by `accounts.policy.check_grant`.
    """
    _check(contest, actor)
    if role not in ROLES:
        raise DomainError("bad_request", _("请从列表中选择。"), "role")
    person = person_by_login(session, login)
    if person is None or not person.active:
        raise DomainError("unknown", _("没有这个账号，请核对登录名。"), "login")
    track = next((track for track in contest.tracks if track.code == track_code), None)
    if track is None and role == "chief":
        raise DomainError("bad_request", _("裁判长须指定赛项。"), "track")
    try:
        service.grant(
            session,
            person.id,
            role,
            contest_id=contest.id,
            track_id=track.id if track is not None and role == "chief" else None,
            now=now,
            actor=actor,
        )
    except DomainError as error:
        raise DomainError(error.code, error.message, "role") from None
    return person.name


def dismiss(session: Session, contest: Contest, grant_id: int, *, actor: Actor, now: datetime) -> str:
    """Takes a role back; the last organiser stays. Gives the person's name."""
    _check(contest, actor)
    grant = session.scalar(
        select(Grant).where(Grant.id == grant_id, Grant.contest_id == contest.id, Grant.role.in_(ROLES))
    )
    if grant is None:
        raise DomainError("unknown", _("这个任命已经不在了。"))
    organisers = session.scalars(
        select(Grant.person_id).where(Grant.contest_id == contest.id, Grant.role == "organiser")
    ).all()
    if grant.role == "organiser" and len(organisers) == 1:
        raise DomainError("conflict", _("至少要留一位主办方。"))
    person = session.get_one(Person, grant.person_id)
    session.delete(grant)
    session.flush()
    audit.note(
        session, actor, "role.revoke", person.login, now=now, contest_id=contest.id, details={"role": grant.role}
    )
    return person.name


def _check(contest: Contest, actor: Actor) -> None:
    if not can_run(actor, contest.id):
        raise DomainError("forbidden", _("只有本赛事的主办方可以修改它。"))


def missing(found: list[Post]) -> list[str]:
    """Roles without which the contest cannot be published, or its numbers drawn."""
    roles = [post.role for post in found]
    lacking = []
    if roles.count("organiser") < 2:
        lacking.append(_("发布须两位主办方，还差一位"))
    if "coder" not in roles:
        lacking.append(_("还没有加密员"))
    if "supervisor" not in roles:
        lacking.append(_("还没有监督员"))
    return lacking
