"""People, their roles, and how they sign in: by password or by a link that a person of the desk hands them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Failure, Grant, Person, SignIn, SignInLink
from competition.accounts.passwords import Hashed
from competition.accounts.policy import CONSOLE, Actor, check_grant
from competition.accounts.queries import actor_for, grants_of, person_by_login
from competition.shared.errors import DomainError

LINK_LIFE: Final = timedelta(hours=12)
SIGN_IN_LIFE: Final = timedelta(hours=16)
"""Longer than a day of judging, so that a link used at its last hour lasts until the evening."""
FAILURES: Final = 5
LOCKED: Final = timedelta(minutes=15)
MAX_LOGIN: Final = 80
IDLE: Final = timedelta(minutes=15)
IDLE_ROLES: Final = frozenset({"admin", "organiser"})
CODE_ROLES: Final = frozenset({"admin", "organiser", "chief", "coder", "supervisor"})
"""Who needs a one-time code beside a password."""
SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignInResult:
    """`secret` goes into the cookie and nowhere else; `start_url_role` is the role whose start page comes next."""

    secret: str
    actor: Actor
    start_url_role: str | None = None
    contest_id: int | None = None


def hash_secret(secret: str) -> str:
    """What the database holds of a token or a cookie's secret (they are random, so a plain hash will do)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_person(
    session: Session, *, login: str, name: str, password: Hashed | None, now: datetime, actor: Actor = CONSOLE
) -> int:
    """A new person; without the hash of a password (`passwords.hashed`) they sign in by link alone."""
    login = login.strip()
    if not login or len(login) > MAX_LOGIN or not login.isprintable():
        raise DomainError("bad_request", _("用户名须为 1 至 80 个可见字符。"), "login")
    if person_by_login(session, login) is not None:
        raise DomainError("conflict", _("用户名“%(login)s”已有人使用。", login=login), "login")
    person = Person(
        login=login,
        login_key=login.casefold(),
        name=(name.strip() or login)[:200],
        password_hash=_only_a_hash(password),
        created_at=now,
    )
    session.add(person)
    session.flush()
    audit.note(session, actor, "person.create", login, now=now)
    return person.id


def set_password(session: Session, person_id: int, password: Hashed, *, now: datetime, actor: Actor) -> None:
    """Gives a new password and ends every sign-in that stood on the old one."""
    person = session.get_one(Person, person_id)
    person.password_hash = _only_a_hash(password)
    revoke_all(session, person_id, now=now)
    audit.note(session, actor, "person.password", person.login, now=now)


def grant(
    session: Session,
    person_id: int,
    role: str,
    *,
    contest_id: int | None = None,
    track_id: int | None = None,
    stage_id: int | None = None,
    unit_id: int | None = None,
    judge_id: int | None = None,
    now: datetime,
    actor: Actor,
) -> None:
    """Gives a role with its scope, unless it never meets one that the person holds there; a second time is no error."""
    held = grants_of(session, person_id)
    scope = {
        "contest_id": contest_id,
        "track_id": track_id,
        "stage_id": stage_id,
        "unit_id": unit_id,
        "judge_id": judge_id,
    }
    if any(info.role == role and all(getattr(info, name) == value for name, value in scope.items()) for info in held):
        return
    check_grant(role, contest_id, held)
    session.add(Grant(person_id=person_id, role=role, granted_at=now, **scope))
    session.flush()
    audit.note(
        session,
        actor,
        "role.grant",
        session.get_one(Person, person_id).login,
        now=now,
        contest_id=contest_id,
        details={"role": role, **{name: value for name, value in scope.items() if value is not None}},
    )


def login_for(seat: str, contest: str) -> str:
    """The login of whoever signs in by link alone: readable, and another one for every seat, however long the codes."""
    login = f"{seat}@{contest}"
    return login if len(login) <= MAX_LOGIN else f"{login[: MAX_LOGIN - 17]}~{hash_secret(login)[:16]}"


def person_for(
    session: Session,
    *,
    role: str,
    contest_id: int | None,
    judge_id: int | None = None,
    login: str,
    name: str,
    now: datetime,
    actor: Actor,
) -> int:
    """The person `login` with that role, made and granted where needed; for a judge whoever holds the seat already."""
    if judge_id is not None:
        holder = session.scalar(
            select(Grant.person_id).where(Grant.role == role, Grant.judge_id == judge_id).order_by(Grant.id).limit(1)
        )
        if holder is not None:
            return holder
    known = person_by_login(session, login)
    person_id = (
        known.id if known else create_person(session, login=login, name=name, password=None, now=now, actor=actor)
    )
    if not any(
        info.role == role and info.contest_id in (None, contest_id) and info.judge_id == judge_id
        for info in grants_of(session, person_id)
    ):
        grant(session, person_id, role, contest_id=contest_id, judge_id=judge_id, now=now, actor=actor)
    return person_id


def make_link(
    session: Session, *, contest_id: int | None, role: str, person_id: int, now: datetime, actor: Actor = CONSOLE
) -> str:
    """A token for `/in/TOKEN`, good for 12 hours and for the browser that uses it first."""
    token = secrets.token_urlsafe(24)
    session.add(
        SignInLink(
            token_hash=hash_secret(token),
            person_id=person_id,
            contest_id=contest_id,
            role=role,
            created_at=now,
            expires_at=now + LINK_LIFE,
        )
    )
    audit.note(
        session,
        actor,
        "link.make",
        session.get_one(Person, person_id).login,
        now=now,
        contest_id=contest_id,
        details={"role": role},
    )
    return token


def use_link(
    session: Session, token: str, *, browser_secret: str, now: datetime, agent: str = "", address: str = ""
) -> SignInResult:
    """Signs the link's person in; the first browser binds the link to itself and may come back while it is good."""
    link = session.scalar(select(SignInLink).where(SignInLink.token_hash == hash_secret(token)).with_for_update())
    if link is None:
        raise DomainError("unknown", _("这个登录链接无效。请向工作人员索取新的链接。"))
    if now >= link.expires_at:
        raise DomainError("forbidden", _("这个登录链接已过期(有效期 12 小时)。请向工作人员索取新的链接。"))
    browser = hash_secret(browser_secret)
    if link.browser_hash is not None and not secrets.compare_digest(link.browser_hash, browser):
        raise DomainError("forbidden", _("这个登录链接已在另一台设备上使用。请向工作人员索取新的链接。"))
    actor = actor_for(session, link.person_id)
    if actor is None:
        raise DomainError("forbidden", _("这个账号已停用。"))
    if link.browser_hash is None:
        link.browser_hash, link.used_at = browser, now
    secret = begin(session, link.person_id, now=now, agent=agent, address=address, link_id=link.id)
    audit.note(
        session, actor, "sign_in.link", actor.name, now=now, contest_id=link.contest_id, details={"role": link.role}
    )
    return SignInResult(secret, actor, link.role, link.contest_id)


def who_asks(
    session: Session, secret_hash: str, now: datetime, *, require_code: bool = False
) -> tuple[Actor | None, bool]:
    """Who the cookie's secret stands for, and whether the time when they were last seen is to be written anew.

    None once the sign-in has ended, was revoked, or its person is no longer active. After a password, an admin or
    organiser is signed out by 15 idle minutes; with `require_code` roles that need a one-time code are withheld until
    one was given. A link from the desk is good on its own: it is handed to a person, bound to one browser, ends.
    """
    row = session.execute(
        select(SignIn.person_id, SignIn.link_id, SignIn.strong, SignIn.seen_at, SignIn.created_at).where(
            SignIn.secret_hash == secret_hash, SignIn.revoked_at.is_(None), SignIn.expires_at > now
        )
    ).one_or_none()
    actor = None if row is None else actor_for(session, row.person_id)
    if row is None or actor is None:
        return None, False
    seen = row.seen_at or row.created_at
    roles = {grant.role for grant in actor.grants}
    if row.link_id is None and roles & IDLE_ROLES and now - seen > IDLE:
        return None, False
    if require_code and row.link_id is None and not row.strong and roles & CODE_ROLES:
        kept = tuple(grant for grant in actor.grants if grant.role not in CODE_ROLES)
        actor = Actor(actor.person_id, actor.name, kept, frozenset(roles & CODE_ROLES))
    return actor, now - seen >= SEEN_EVERY


def actor_of(session: Session, secret_hash: str, now: datetime) -> Actor | None:
    """Who the cookie's secret stands for, with every role."""
    return who_asks(session, secret_hash, now)[0]


def seen(session: Session, secret_hash: str, *, now: datetime) -> None:
    """Writes that the sign-in was used; of several at the same moment the first one writes."""
    session.execute(
        update(SignIn)
        .where(SignIn.secret_hash == secret_hash, SignIn.seen_at.is_(None) | (SignIn.seen_at <= now - SEEN_EVERY))
        .values(seen_at=now)
    )


def revoke(session: Session, secret_hash: str, *, now: datetime) -> None:
    """Ends one sign-in; its cookie is worth nothing from the next request on."""
    session.execute(
        update(SignIn).where(SignIn.secret_hash == secret_hash, SignIn.revoked_at.is_(None)).values(revoked_at=now)
    )


def revoke_all(session: Session, person_id: int, *, now: datetime) -> None:
    """Ends every sign-in of a person, and what is left of their links."""
    session.execute(
        update(SignIn).where(SignIn.person_id == person_id, SignIn.revoked_at.is_(None)).values(revoked_at=now)
    )
    session.execute(
        update(SignInLink).where(SignInLink.person_id == person_id, SignInLink.expires_at > now).values(expires_at=now)
    )


def begin(
    session: Session,
    person_id: int,
    *,
    now: datetime,
    agent: str,
    address: str = "",
    link_id: int | None = None,
    strong: bool = False,
) -> str:
    """A sign-in of a browser, and the secret for its cookie; the caller has made sure who it is."""
    secret = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            secret_hash=hash_secret(secret),
            person_id=person_id,
            link_id=link_id,
            created_at=now,
            expires_at=now + SIGN_IN_LIFE,
            agent=agent[:200],
            address=address[:60],
            seen_at=now,
            strong=strong,
        )
    )
    return secret


def _only_a_hash(password: Hashed | None) -> str | None:
    if password is not None and not password.startswith("$argon2"):
        raise ValueError("a password reaches the database as its hash alone")
    return password


def count_failure(session: Session, key: str, now: datetime) -> None:
    """One statement, so that failures at the same moment each count."""
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(Failure).values(login_key=key, count=1)
    count = session.scalar(
        insert.on_conflict_do_update(index_elements=[Failure.login_key], set_={"count": Failure.count + 1}).returning(
            Failure.count
        )
    )
    if count is not None and count >= FAILURES:
        session.execute(update(Failure).where(Failure.login_key == key).values(count=0, locked_until=now + LOCKED))
