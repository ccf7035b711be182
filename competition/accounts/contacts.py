"""Telephone numbers and mail addresses as people give them: one form each, and one person who holds each."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Person
from competition.accounts.numbers import MOBILE, normalise
from competition.accounts.policy import Actor
from competition.shared.errors import DomainError
from competition.shared.vault import Vault

ADDRESS: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+")
What = Literal["phone", "email"]


@dataclass(frozen=True, slots=True)
class Contact:
    """`text` is the number (11 digits) or the address as typed, `key` the form in which equal ones are equal."""

    what: What
    text: str

    @property
    def key(self) -> str:
        return self.text.casefold()


def read_contact(text: str, field: str = "contact") -> Contact:
    """A mobile number or a mail address; refuses anything else."""
    plain = text.strip()
    if "@" in plain:
        if len(plain) <= 254 and plain.isprintable() and ADDRESS.fullmatch(plain):
            return Contact("email", plain)
    elif MOBILE.fullmatch(number := normalise(plain)):
        return Contact("phone", number)
    raise DomainError("bad_request", _("请填 11 位手机号或邮箱地址。"), field)


def key_of(text: str) -> str:
    """What somebody typed to sign in, in the one form in which failures are counted and people are sought."""
    number = normalise(text)
    return number if MOBILE.fullmatch(number) else text.strip().casefold()[:254]


def find(session: Session, text: str, vault: Vault) -> Person | None:
    """Who signs in by that login, confirmed address or confirmed number; the same three searches whatever it is."""
    key = key_of(text)
    by_login = session.scalar(select(Person).where(Person.login_key == key[:80]))
    by_email = holder(session, "email", key, vault)
    by_phone = holder(session, "phone", key, vault)
    return by_login or by_email or by_phone


def holder(session: Session, what: What, key: str, vault: Vault) -> Person | None:
    """Who has confirmed the address or number; one person at most."""
    if what == "email":
        condition = Person.email_key == key, Person.email_confirmed_at.is_not(None)
    else:
        condition = Person.phone_index.in_(vault.indexes(key)), Person.phone_confirmed_at.is_not(None)
    return session.scalar(select(Person).where(*condition, Person.erased_at.is_(None)).order_by(Person.id).limit(1))


def claim(person: Person, contact: Contact, vault: Vault) -> None:
    """Writes the contact to the person, not confirmed; several may claim one."""
    if contact.what == "email":
        person.email, person.email_key, person.email_confirmed_at = contact.text, contact.key, None
    else:
        person.phone_sealed, person.phone_index = vault.seal(contact.text), vault.index(contact.text)
        person.phone_confirmed_at = None


def confirm(session: Session, person: Person, what: What, *, actor: Actor, now: datetime) -> None:
    """The person holds the contact from now on; DomainError where another does. The caller checks who may."""
    key = person.email_key if what == "email" else person.phone_index
    if key is None:
        raise DomainError("not_open", _("这个账号没有填写要确认的手机号或邮箱。"))
    only_one_at_a_time(session, f"{what}:{key}")
    column = Person.email_key if what == "email" else Person.phone_index
    confirmed = Person.email_confirmed_at if what == "email" else Person.phone_confirmed_at
    if session.scalar(select(Person.id).where(column == key, confirmed.is_not(None), Person.id != person.id).limit(1)):
        raise DomainError("conflict", _("这个手机号或邮箱已由另一个账号确认。请用那个账号登录,或联系工作人员。"))
    if what == "email":
        person.email_confirmed_at = now
    else:
        person.phone_confirmed_at = now
    session.flush()
    audit.note(session, actor, "contact.confirm", person.login, now=now, details={"what": what})


def only_one_at_a_time(session: Session, key: str) -> None:
    """Whoever decides about the same key waits for the end of this transaction (SQLite has one writer anyway)."""
    if session.get_bind().dialect.name == "postgresql":
        number: Any = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))
