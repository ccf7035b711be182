"""Accounts at a sign-in service outside, and whom they sign in; what the service said has been verified before.

Such an account brings no role and makes no person. It belongs to whoever linked it while signed in, or to the one
person who has confirmed the address that the service has verified, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit, notices
from competition.accounts.contacts import only_one_at_a_time
from competition.accounts.entering import SECOND_STEP, SecondStep, one_time, signed_in
from competition.accounts.models import ExternalIdentity, Person, SignIn
from competition.accounts.policy import Actor
from competition.accounts.service import SignInResult
from competition.shared.errors import DomainError


@dataclass(frozen=True, slots=True)
class Identity:
    """An account as its service vouches for it; `email` only where the service says that it has verified it."""

    issuer: str
    subject: str
    label: str = ""
    email: str | None = None


def sign_in(
    session: Session, identity: Identity, *, now: datetime, agent: str = "", address: str = ""
) -> SignInResult | SecondStep | None:
    """Signs in whom the account belongs to; None where that is nobody, or nobody who may sign in.

    Who has one-time codes gives one here, too, and a role that needs them stays withheld without.
    """
    only_one_at_a_time(session, f"external:{identity.issuer}:{identity.subject}")
    row = session.scalar(
        select(ExternalIdentity).where(
            ExternalIdentity.issuer == identity.issuer, ExternalIdentity.subject == identity.subject
        )
    )
    person = session.get(Person, row.person_id) if row is not None else _by_address(session, identity)
    if person is None or not person.active or person.erased_at is not None:
        return None
    if row is None:
        link(session, person.id, identity, actor=Actor(person.id, person.name), now=now, how="email")
    if person.totp_sealed is not None:
        return SecondStep(one_time(session, "second_step", person.id, now=now, life=SECOND_STEP))
    return signed_in(session, person, now=now, agent=agent, address=address, how="sign_in.external")


def link(
    session: Session, person_id: int, identity: Identity, *, actor: Actor, now: datetime, how: str = "own"
) -> None:
    """The account signs the person in from now on; DomainError where it is another's or the person has one there."""
    only_one_at_a_time(session, f"external:{identity.issuer}:{identity.subject}")
    person = session.scalars(select(Person).where(Person.id == person_id).with_for_update()).one()
    taken = session.scalar(
        select(ExternalIdentity.id).where(
            ExternalIdentity.issuer == identity.issuer,
            (ExternalIdentity.subject == identity.subject) | (ExternalIdentity.person_id == person_id),
        )
    )
    if taken is not None:
        raise DomainError(
            "conflict", _("没有关联：这个外部账号已经关联，或者你已关联了同一服务的另一个账号。请先解除原来的关联。")
        )
    session.add(
        ExternalIdentity(
            issuer=identity.issuer,
            subject=identity.subject,
            person_id=person_id,
            label=identity.label[:254],
            created_at=now,
        )
    )
    session.flush()
    audit.note(session, actor, "external.link", person.login, now=now, details={"issuer": identity.issuer, "how": how})
    notices.tell_of_change(session, person_id, _l("您的账号关联了一个外部账号，可以用它登录"), now=now)


def unlink(session: Session, person_id: int, key: int, *, actor: Actor, now: datetime) -> None:
    """Ends what `link` began; the sign-ins that are there go on."""
    row = session.scalar(
        select(ExternalIdentity).where(ExternalIdentity.id == key, ExternalIdentity.person_id == person_id)
    )
    if row is None:
        raise DomainError("unknown", _("没有这个关联，可能已经解除。"))
    session.delete(row)
    audit.note(
        session, actor, "external.unlink", session.get_one(Person, person_id).login, now=now,
        details={"issuer": row.issuer},
    )  # fmt: skip
    notices.tell_of_change(session, person_id, _l("您的账号解除了一个外部账号的关联"), now=now)


def linked(session: Session, person_id: int) -> Sequence[ExternalIdentity]:
    return session.scalars(
        select(ExternalIdentity).where(ExternalIdentity.person_id == person_id).order_by(ExternalIdentity.id)
    ).all()


def may_link(session: Session, secret_hash: str) -> bool:
    """Whether this sign-in is a person's own: a tablet that a link opened passes through many hands."""
    row = session.execute(select(SignIn.link_id).where(SignIn.secret_hash == secret_hash)).one_or_none()
    return row is not None and row.link_id is None


def _by_address(session: Session, identity: Identity) -> Person | None:
    """The one person who has confirmed the address, unless another account of the service is theirs already.

    An address may be given to somebody else at the service some day; its account never is.
    """
    if identity.email is None:
        return None
    held = session.scalars(
        select(Person)
        .where(
            Person.email_key == identity.email.casefold(),
            Person.email_confirmed_at.is_not(None),
            Person.erased_at.is_(None),
        )
        .limit(2)
    ).all()
    if len(held) != 1 or any(one.issuer == identity.issuer for one in linked(session, held[0].id)):
        return None
    return held[0]
