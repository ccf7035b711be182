"""One-time codes (RFC 6238) beside a password: each good once, with recovery codes for a lost phone."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

import pyotp
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from competition.accounts import audit, notices, service
from competition.accounts.entering import signed_in, token_in_force
from competition.accounts.models import Failure, OneTimeToken, Person, SignIn
from competition.accounts.policy import Actor
from competition.accounts.service import SignInResult, hash_secret
from competition.shared.errors import DomainError
from competition.shared.vault import Vault

ISSUER: Final = "Leitai 擂台"
STEP: Final = 30
"""Seconds for which a code is shown; the one before and the one after count, too, because clocks differ."""
RECOVERY: Final = 10


def address(secret: str, login: str) -> str:
    """What the QR code says to an authenticator."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step that the code belongs to; None for a wrong one."""
    plain = "".join(code.split())
    if not (plain.isascii() and plain.isdigit() and len(plain) == 6):
        return None
    totp, current = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    fitting = [
        step for step in (current - 1, current, current + 1) if secrets.compare_digest(totp.at(step * STEP), plain)
    ]
    return fitting[-1] if fitting else None


def set_up(
    session: Session, person_id: int, secret: str, code: str, *, sign_in: str, vault: Vault, actor: Actor, now: datetime
) -> list[str]:
    """Turns codes on and gives the recovery codes, known only now. `sign_in`: the hash of the one that did it."""
    person = _held(session, person_id)
    if person.totp_sealed is not None:
        raise DomainError("conflict", _("动态验证码已经启用。"), "code")
    step = step_of(secret, code, now)
    if step is None:
        raise DomainError("forbidden", _("验证码不对。请看手机上的最新一组,并核对手机的时间。"), "code")
    person.totp_sealed, person.totp_since, person.totp_step = vault.seal(secret), now, step
    codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _each in range(RECOVERY)]
    person.totp_recovery = [hash_secret(one) for one in codes]
    session.execute(update(SignIn).where(SignIn.secret_hash == sign_in).values(strong=True))
    audit.note(session, actor, "totp.on", person.login, now=now)
    return codes


def turn_off(
    session: Session, person_id: int, code: str, *, vault: Vault, actor: Actor, now: datetime
) -> DomainError | None:
    """Off, for a code; what stood on codes needs one again. Gives the refusal, so that the failure is counted."""
    person = _held(session, person_id)
    if refused := check(session, person, code, vault=vault, now=now):
        return refused
    _empty(session, person)
    audit.note(session, actor, "totp.off", person.login, now=now)
    return None


def take_off(session: Session, person_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Off without a code, for somebody who has lost phone and recovery codes: by an admin other than the person.

    Their sign-ins by password end, so that the next one sets codes up anew; links from the desk stay good.
    """
    reason = " ".join(reason.split())
    if not actor.has("admin") or actor.person_id == person_id:
        raise DomainError("forbidden", _("只有另一位系统管理员能停用别人的动态验证码。"))
    if not 2 <= len(reason) <= 500:
        raise DomainError("bad_request", _("请写明原因，2 至 500 个字。"), "reason")
    person = _held(session, person_id)
    if person.totp_sealed is None:
        raise DomainError("conflict", _("这个账号没有启用动态验证码。"), "reason")
    _empty(session, person)
    session.execute(
        update(SignIn)
        .where(SignIn.person_id == person_id, SignIn.link_id.is_(None), SignIn.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if failure := session.get(Failure, f"totp:{person_id}"):
        session.delete(failure)
    audit.note(session, actor, "totp.take_off", person.login, now=now, reason=reason)
    notices.tell_of_change(session, person_id, _l("系统管理员停用了您的动态验证码"), now=now)


def _empty(session: Session, person: Person) -> None:
    """A sign-in that is half done ends, too: it was to end with one of these codes."""
    person.totp_sealed = person.totp_since = person.totp_step = None
    person.totp_recovery = []
    session.execute(update(SignIn).where(SignIn.person_id == person.id).values(strong=False))
    session.execute(
        update(OneTimeToken)
        .where(
            OneTimeToken.person_id == person.id,
            OneTimeToken.purpose == "second_step",
            OneTimeToken.used_at.is_(None),
        )
        .values(used_at=OneTimeToken.created_at)
    )


def check(session: Session, person: Person, code: str, *, vault: Vault, now: datetime) -> DomainError | None:
    """None for a code that is right and was not used yet, or a recovery code that is left; it is used up.

    The caller holds the person's row. Five failures lock codes for 15 minutes, and the count has to be committed.
    """
    key = f"totp:{person.id}"
    failure = session.get(Failure, key)
    if failure is not None and failure.locked_until is not None and now < failure.locked_until:
        return DomainError("too_many", _("验证码错误次数过多,请 15 分钟后再试。"), "code")
    step = step_of(vault.open(person.totp_sealed), code, now) if person.totp_sealed else None
    if step is not None and (person.totp_step is None or step > person.totp_step):
        person.totp_step = step
    elif (spent := hash_secret(code.strip().lower())) in person.totp_recovery:
        person.totp_recovery = [one for one in person.totp_recovery if one != spent]
    else:
        service.count_failure(session, key, now)
        if step is not None:
            return DomainError("forbidden", _("这组验证码已经用过。请等下一组。"), "code")
        return DomainError("forbidden", _("验证码不对。请看手机上的最新一组,并核对手机的时间。"), "code")
    if failure is not None:
        session.delete(failure)
    return None


def second_step(
    session: Session, token: str, code: str, *, vault: Vault, now: datetime, agent: str = "", address: str = ""
) -> SignInResult | DomainError | None:
    """Ends a sign-in whose password was right; None where that was too long ago."""
    row = token_in_force(session, "second_step", token, now)
    if row is None or row.person_id is None:
        return None
    person = _held(session, row.person_id)
    if not person.active:
        return None
    if refused := check(session, person, code, vault=vault, now=now):
        return refused
    row.used_at = now
    return signed_in(session, person, now=now, agent=agent, address=address, how="sign_in.code", strong=True)


def waits(session: Session, token: str, now: datetime) -> bool:
    """Whether a code is still asked for."""
    query = select(OneTimeToken.id).where(
        OneTimeToken.token_hash == hash_secret(token),
        OneTimeToken.purpose == "second_step",
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now,
    )
    return session.scalar(query) is not None


def _held(session: Session, person_id: int) -> Person:
    """The person's row, for one at a time: no code counts twice."""
    return session.scalars(select(Person).where(Person.id == person_id).with_for_update()).one()
