"""Coming in by oneself: an account made by sign-up, a confirmed contact, a forgotten password.

Nobody finds out whether an account exists: sign-up always makes one, with a sign-in name of its own, and only claims
the contact; what differs for a known one (a mail to its owner) is decided by a job, after the answer has gone out.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import Integer, column, select, table, update
from sqlalchemy.orm import Session

from competition.accounts import audit, consents, service
from competition.accounts.contacts import Contact, claim, confirm, holder
from competition.accounts.entering import failure_key, one_time, signed_in, token_in_force
from competition.accounts.models import Failure, OneTimeToken, Person
from competition.accounts.passwords import Hashed
from competition.accounts.policy import VISITOR, Actor
from competition.accounts.queries import grants_of, person_by_login
from competition.accounts.service import SignInResult
from competition.accounts.sms import sender
from competition.accounts.unit_queries import may_speak_for
from competition.shared.errors import DomainError
from competition.shared.jobs import JobContext, enqueue, handler
from competition.shared.mail import send_later
from competition.shared.vault import Vault

RESET_LIFE: Final = timedelta(hours=1)
CONFIRM_LIFE: Final = timedelta(days=3)
CODE_LIFE: Final = timedelta(minutes=15)
LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""No 0 and o, 1, l and i, which are taken for each other."""

# Registrations stand above people; who is in which contest is all that is asked of them.
_registration = table("registration", column("id", Integer()), column("contest_id", Integer()))
_members = table("registration_person", column("registration_id", Integer()), column("person_id", Integer()))


def free_login(session: Session) -> str:
    """A sign-in name nobody has: easy to read out and to copy."""
    while True:
        login = "w-" + "".join(secrets.choice(LETTERS) for _each in range(6))
        if person_by_login(session, login) is None:
            return login


def sign_up(
    session: Session,
    contact: Contact,
    *,
    name: str,
    password: Hashed,
    vault: Vault,
    now: datetime,
    agent: str = "",
    address: str = "",
) -> tuple[str, SignInResult]:
    """Makes the account and signs it in: its sign-in name and the sign-in. The same whoever has confirmed `contact`."""
    name = " ".join(name.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise DomainError("bad_request", _("请填写姓名。"), "name")
    login = free_login(session)
    key = service.create_person(session, login=login, name=name, password=password, now=now, actor=VISITOR)
    person = session.get_one(Person, key)
    person.origin = "sign_up"
    claim(person, contact, vault)
    session.flush()
    consents.give(session, key, "account", contest_id=None, now=now)
    ask_to_confirm(session, person, contact.what, now=now)
    return login, signed_in(session, person, now=now, agent=agent, address=address, how="sign_in.sign_up")


def ask_to_confirm(session: Session, person: Person, what: str, *, now: datetime) -> None:
    """Has a link or a code sent to what the person claims."""
    enqueue(
        session,
        "accounts.confirm",
        title=_("确认联系方式"),
        arguments={"person": person.id, "what": what},
        actor=VISITOR,
        now=now,
    )


@handler("accounts.confirm")
def send_confirmation(context: JobContext) -> dict[str, Any] | None:
    """A link to an address, a code to a number; to one that somebody holds already, word of the try."""
    what, now = context.arguments["what"], context.now()
    text: tuple[str, str] | None = None
    with context.db.transaction() as session:
        person = session.get(Person, context.arguments["person"])
        if person is None:
            return None
        if what == "email" and person.email and person.email_key:
            held = holder(session, "email", person.email_key, context.vault)
            if held is not None and held.id != person.id:
                _tell_owner(session, held, now)
            elif held is None:
                token = one_time(
                    session, "confirm_email", person.id, now=now, life=CONFIRM_LIFE,
                    details={"key": service.hash_secret(person.email_key)},
                )  # fmt: skip
                send_later(
                    session,
                    person.email,
                    kind="account.confirm",
                    subject=_("确认您的邮箱"),
                    body=_(
                        "您好，%(name)s：\n\n请在 3 天内打开下面的地址，确认这是您的邮箱。"
                        "确认后可以用它登录、找回密码。\n\n%(path)s\n\n"
                        "如果不是您注册的，请忽略这封邮件。",
                        name=person.name,
                        path=f"/confirm/{token}",
                    ),
                    now=now,
                    person_id=person.id,
                )
        elif what == "phone" and person.phone_sealed and context.config.sms_url:
            number = context.vault.open(person.phone_sealed)
            held = holder(session, "phone", number, context.vault)
            if held is None:
                text = number, _("擂台：验证码 %(code)s，15 分钟内有效。", code=phone_code(session, person, now))
            elif held.id != person.id:
                text = number, _("擂台：有人用您的手机号注册。若是您本人，请直接登录；若不是，请忽略。")
    if text is not None:
        sender(context.config).send(*text)
    return None


def phone_code(session: Session, person: Person, now: datetime) -> str:
    """Six figures for one person; an earlier code ends."""
    _end_tokens(session, person.id, "confirm_phone", now)
    code = f"{secrets.randbelow(1_000_000):06d}"
    session.add(
        OneTimeToken(
            purpose="confirm_phone",
            token_hash=_code_hash(person, code),
            person_id=person.id,
            details={"tries": 0},
            created_at=now,
            expires_at=now + CODE_LIFE,
        )
    )
    session.flush()
    return code


def confirm_phone(session: Session, person_id: int, code: str, *, actor: Actor, now: datetime) -> bool:
    """Whether the code was right; after five wrong ones it is worth nothing (the caller commits that, too)."""
    person = session.get_one(Person, person_id)
    row = session.scalar(
        select(OneTimeToken)
        .where(
            OneTimeToken.person_id == person_id,
            OneTimeToken.purpose == "confirm_phone",
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
        )
        .with_for_update()
    )
    if row is None:
        return False
    if not secrets.compare_digest(row.token_hash, _code_hash(person, code)):
        tries = row.details.get("tries", 0) + 1
        row.details = {"tries": tries}
        row.used_at = now if tries >= service.FAILURES else None
        return False
    row.used_at = now
    confirm(session, person, "phone", actor=actor, now=now)
    return True


def confirm_email(session: Session, token: str, *, now: datetime) -> None:
    """Uses a mailed link; DomainError where it is not, or no longer, good."""
    row = token_in_force(session, "confirm_email", token, now)
    person = session.get(Person, row.person_id) if row is not None and row.person_id is not None else None
    if row is None or person is None or row.details.get("key") != service.hash_secret(person.email_key or ""):
        raise DomainError("unknown", _("这个链接已失效。请登录后在“登录与安全”里重新发送确认邮件。"))
    row.used_at = now
    confirm(session, person, "email", actor=Actor(person.id, person.name), now=now)


def confirm_contact(session: Session, person_id: int, what: str, *, actor: Actor, now: datetime) -> None:
    """The unit's officer or an organiser who knows the person says that the phone or e-mail is theirs."""
    person = session.get(Person, person_id)
    if person is None or what not in ("phone", "email"):
        raise DomainError("unknown", _("没有这个人。"))
    if not may_help(session, actor, person):
        raise DomainError("forbidden", _("只能为本单位、或报名了自己赛事的普通参赛者办理。"))
    confirm(session, person, "phone" if what == "phone" else "email", actor=actor, now=now)


def may_help(session: Session, actor: Actor, person: Person) -> bool:
    """Whether the actor may give the person a new way in: they could use it, so never for anyone with an office."""
    if actor.person_id == person.id or not person.active or person.erased_at is not None:
        return False
    if actor.has("admin"):
        return True
    if any(grant.role != "contestant" for grant in grants_of(session, person.id)):
        return False
    if person.unit_id is not None and may_speak_for(session, actor, person.unit_id):
        return True
    contests = [grant.contest_id for grant in actor.grants if grant.role == "organiser"]
    if not contests:
        return False
    query = (
        select(_registration.c.id)
        .join(_members, _members.c.registration_id == _registration.c.id)
        .where(_members.c.person_id == person.id)
    )
    if None not in contests:
        query = query.where(_registration.c.contest_id.in_(contests))
    return session.scalar(query.limit(1)) is not None


def make_reset_link(session: Session, person_id: int, *, actor: Actor, now: datetime) -> str:
    """A token for `/reset/TOKEN`, handed over by whoever knows the person; one hour, once, logged."""
    person = session.get(Person, person_id)
    if person is None:
        raise DomainError("unknown", _("没有这个人。"))
    if not may_help(session, actor, person):
        raise DomainError("forbidden", _("只能为本单位、或报名了自己赛事的普通参赛者办理。"))
    _end_tokens(session, person.id, "reset", now)
    token = one_time(session, "reset", person.id, now=now, life=RESET_LIFE, made_by=actor.person_id)
    audit.note(session, actor, "password.reset_link", person.login, now=now)
    return token


def forgot(session: Session, contact: Contact, vault: Vault, *, now: datetime) -> None:
    """The same one row whether or not anybody has the contact: who it is, a job looks up."""
    enqueue(
        session,
        "accounts.forgotten",
        title=_("找回密码"),
        arguments={"what": contact.what, "sealed": vault.seal(contact.text)},
        actor=VISITOR,
        now=now,
    )


@handler("accounts.forgotten")
def send_reset(context: JobContext) -> dict[str, Any] | None:
    """A link by mail to whoever has confirmed the address, or confirmed the number and an address too."""
    now = context.now()
    contact = Contact(context.arguments["what"], context.vault.open(context.arguments["sealed"]))
    with context.db.transaction() as session:
        person = holder(session, contact.what, contact.key, context.vault)
        if person is None or not person.active or not person.email or person.email_confirmed_at is None:
            return None
        _end_tokens(session, person.id, "reset", now)
        token = one_time(session, "reset", person.id, now=now, life=RESET_LIFE)
        send_later(
            session,
            person.email,
            kind="account.reset",
            subject=_("重设密码"),
            body=_(
                "您好，%(name)s：\n\n请在 1 小时内打开下面的地址，设置新密码。这个地址只能用一次。\n\n%(path)s\n\n"
                "如果不是您要求的，请忽略这封邮件，密码不变。",
                name=person.name,
                path=f"/reset/{token}",
            ),
            now=now,
            person_id=person.id,
        )
        audit.note(session, VISITOR, "password.forgotten", person.login, now=now)
    return None


def about(session: Session, token: str, now: datetime, vault: Vault) -> list[str] | None:
    """What a new password must not hold, for a token that is good; None for one that is not."""
    row = token_in_force(session, "reset", token, now)
    person = session.get(Person, row.person_id) if row is not None and row.person_id is not None else None
    return None if person is None else known_of(person, vault)


def known_of(person: Person, vault: Vault) -> list[str]:
    """What others know of the person."""
    phone = vault.open(person.phone_sealed) if person.phone_sealed else ""
    return [part for part in (person.login, person.name, person.email or "", phone) if part]


def reset(session: Session, token: str, password: Hashed, *, vault: Vault, now: datetime) -> None:
    """Gives the new password, ends every sign-in and lock of the person; DomainError where the link is not good."""
    row = token_in_force(session, "reset", token, now)
    person = session.get(Person, row.person_id) if row is not None and row.person_id is not None else None
    if row is None or person is None or not person.active:
        raise DomainError("unknown", _("这个链接已失效。请重新申请。"))
    row.used_at = now
    service.set_password(session, person.id, password, now=now, actor=Actor(person.id, person.name))
    for text in known_of(person, vault):
        if failure := session.get(Failure, failure_key(vault, text)):
            session.delete(failure)


def _end_tokens(session: Session, person_id: int, purpose: str, now: datetime) -> None:
    session.execute(
        update(OneTimeToken)
        .where(OneTimeToken.person_id == person_id, OneTimeToken.purpose == purpose, OneTimeToken.used_at.is_(None))
        .values(used_at=now)
    )


def _tell_owner(session: Session, owner: Person, now: datetime) -> None:
    if owner.email:
        send_later(
            session,
            owner.email,
            kind="account.tried",
            subject=_("有人用您的邮箱注册"),
            body=_(
                "您好，%(name)s：\n\n刚才有人想用这个邮箱注册新账号。您的账号没有变化。\n如果是您本人，请直接登录；忘记密码可以在下面找回。\n\n%(path)s",
                name=owner.name,
                path="/forgotten",
            ),
            now=now,
            person_id=owner.id,
        )


def _code_hash(person: Person, code: str) -> str:
    return service.hash_secret(f"{person.id}:{person.phone_index}:{code.strip()}")
