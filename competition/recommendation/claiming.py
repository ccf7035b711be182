"""A draft that came up by name alone, taken over by the person it names, through a link that is handed to them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import OneTimeToken
from competition.accounts.policy import Actor
from competition.accounts.service import hash_secret
from competition.registration.models import Registration
from competition.shared.errors import DomainError

CLAIM: Final = "claim_draft"
CLAIM_LIFE: Final = timedelta(days=14)


def claim_link(session: Session, registration: Registration, *, actor: Actor, now: datetime) -> str:
    """A token by which the first person of a draft that came by name alone takes it over; the caller says who may."""
    if not any(person.person_id is None and person.part == "member" for person in registration.people):
        raise DomainError("conflict", _("这份报名已有人认领。"))
    token = secrets.token_urlsafe(24)
    session.add(
        OneTimeToken(
            purpose=CLAIM, token_hash=hash_secret(token), made_by=actor.person_id,
            details={"registration": registration.id}, created_at=now, expires_at=now + CLAIM_LIFE,
        )
    )  # fmt: skip
    audit.note(session, actor, "layer.claim_link", registration.number, now=now, contest_id=registration.contest_id)
    return token


def claimable(session: Session, token: str, now: datetime, *, lock: bool = False) -> tuple[OneTimeToken, Registration]:
    """The draft behind a claim link that is still good."""
    query = select(OneTimeToken).where(OneTimeToken.token_hash == hash_secret(token), OneTimeToken.purpose == CLAIM)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise DomainError("unknown", _("这个链接无效、已用过或已过期。请向推荐单位索取新的链接。"))
    registration = session.get(Registration, row.details["registration"])
    if registration is None or registration.state not in ("draft", "returned"):
        raise DomainError("locked", _("这份报名已经提交或撤回，不能再认领。"))
    return row, registration


def claim(session: Session, token: str, *, actor: Actor, now: datetime) -> Registration:
    """The signed-in person takes over the draft: their own name fills the first member's place and leads it."""
    if actor.person_id is None:
        raise DomainError("signed_out", _("请先登录。"))
    row, registration = claimable(session, token, now, lock=True)
    wanted = next((each for each in registration.people if each.person_id is None and each.part == "member"), None)
    if wanted is None:
        raise DomainError("conflict", _("这份报名已有人认领。"))
    try:
        with session.begin_nested():
            wanted.person_id, wanted.accepted_at = actor.person_id, now
            if not any(each.lead for each in registration.people):
                wanted.lead = True
            session.flush()
    except IntegrityError:
        raise DomainError("conflict", _("您已在这个赛项报名，不能再认领另一份。")) from None
    row.used_at = now
    registration.created_by = registration.created_by or actor.person_id
    audit.note(session, actor, "layer.claim", registration.number, now=now, contest_id=registration.contest_id)
    return registration
