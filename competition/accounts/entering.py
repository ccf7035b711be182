"""Signing in by password: read who it could be, verify outside of any transaction, then decide in a short one.

Whoever asks learns nothing: an unknown name, one without a password and one that may not sign in by it cost the same
searches, one verification and one write, and get the same sentence. A locked name is locked whether it exists or not.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit, service
from competition.accounts.contacts import find, key_of
from competition.accounts.hashing import Hasher, outdated
from competition.accounts.models import Failure, OneTimeToken, Person
from competition.accounts.passwords import Hashed
from competition.accounts.queries import actor_for
from competition.accounts.service import SignInResult, hash_secret
from competition.shared.db import Database
from competition.shared.errors import DomainError
from competition.shared.vault import Vault

SECOND_STEP: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who may be meant, with the hash to verify; `key` counts failures and says nothing of what was typed."""

    key: str
    person_id: int | None
    stored: str | None


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The password was right, a one-time code is asked for; `token` stands for that in the browser's session."""

    token: str


def failure_key(vault: Vault, text: str) -> str:
    return vault.index("sign-in:" + key_of(text))


def candidate(session: Session, login: str, vault: Vault) -> Candidate:
    """Reads; nothing is decided yet."""
    person = find(session, login, vault)
    usable = person is not None and person.active
    return Candidate(
        failure_key(vault, login),
        person.id if person is not None and usable else None,
        person.password_hash if person is not None and usable else None,
    )


def sign_in(
    db: Database, hasher: Hasher, vault: Vault, *, login: str, password: str, now: datetime, agent: str = "",
    address: str = "",
) -> SignInResult | SecondStep | DomainError:  # fmt: skip
    """All three steps; the one door of the sign-in page."""
    with db.reading() as session:
        meant = candidate(session, login, vault)
    right = hasher.verify(meant.stored, password[:1000])
    anew = Hashed(hasher.hash(password)) if right and meant.stored and outdated(meant.stored) else None
    with db.transaction() as session:
        return enter(session, meant, right, now=now, agent=agent, address=address, anew=anew)


def enter(
    session: Session,
    meant: Candidate,
    right: bool,
    *,
    now: datetime,
    agent: str = "",
    address: str = "",
    anew: Hashed | None = None,
) -> SignInResult | SecondStep | DomainError:
    """Signs in, or gives (does not raise) the refusal, because the count of failures has to be committed with it."""
    failure = session.get(Failure, meant.key)
    if failure is not None and failure.locked_until is not None and now < failure.locked_until:
        return DomainError("too_many", _("登录失败次数过多,请 15 分钟后再试。"), "password")
    person = session.get(Person, meant.person_id) if meant.person_id is not None else None
    # A password that was changed while this one was verified does not count any more.
    if not right or person is None or not person.active or person.password_hash != meant.stored:
        service.count_failure(session, meant.key, now)
        return DomainError("forbidden", _("账号或密码不正确。"), "password")
    if failure is not None:
        session.delete(failure)
    if anew is not None:
        person.password_hash = anew
    if person.totp_sealed is not None:
        return SecondStep(one_time(session, "second_step", person.id, now=now, life=SECOND_STEP))
    return signed_in(session, person, now=now, agent=agent, address=address, how="sign_in.password")


def signed_in(
    session: Session, person: Person, *, now: datetime, agent: str, address: str, how: str, strong: bool = False
) -> SignInResult:
    """The last step of every door but links."""
    actor = actor_for(session, person.id)
    if actor is None:
        raise DomainError("forbidden", _("这个账号已停用。"))
    secret = service.begin(session, person.id, now=now, agent=agent, address=address, strong=strong)
    audit.note(session, actor, how, actor.name, now=now)
    return SignInResult(secret, actor)


def one_time(
    session: Session,
    purpose: str,
    person_id: int | None,
    *,
    now: datetime,
    life: timedelta,
    made_by: int | None = None,
    details: dict[str, str] | None = None,
) -> str:
    """A secret that does one thing once; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        OneTimeToken(
            purpose=purpose,
            token_hash=hash_secret(token),
            person_id=person_id,
            made_by=made_by,
            details=details or {},
            created_at=now,
            expires_at=now + life,
        )
    )
    session.flush()
    return token


def token_in_force(session: Session, purpose: str, token: str, now: datetime) -> OneTimeToken | None:
    """The unused, unexpired secret; locked, so that it works once."""
    return session.scalar(
        select(OneTimeToken)
        .where(
            OneTimeToken.token_hash == hash_secret(token),
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
        )
        .with_for_update()
    )
