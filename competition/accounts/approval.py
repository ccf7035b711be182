"""Two-person decisions: one asks for exactly this, another approves or refuses, and what was approved is done once."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Approval
from competition.accounts.policy import Actor
from competition.shared.errors import DomainError


def payload_hash(payload: dict[str, Any]) -> str:
    """The same for equal payloads, however their keys stand."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def ask(
    session: Session,
    *,
    kind: str,
    subject: str,
    payload: dict[str, Any],
    reason: str,
    contest_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> int:
    """Puts a decision before a second person. An open one of the same kind and subject is dropped: the newest holds."""
    if actor.person_id is None:
        raise DomainError("signed_out", _("须由登录的人员提出申请。"))
    if not reason.strip():
        raise DomainError("bad_request", _("请填写理由。"), "reason")
    session.execute(
        update(Approval)
        .where(Approval.kind == kind, Approval.subject == subject, Approval.state.in_(("asked", "approved")))
        .values(state="dropped")
    )
    approval = Approval(
        kind=kind,
        subject=subject,
        contest_id=contest_id,
        payload=payload,
        payload_hash=payload_hash(payload),
        reason=reason.strip(),
        state="asked",
        asked_by=actor.person_id,
        asked_at=now,
    )
    session.add(approval)
    session.flush()
    _note(session, approval, actor, "ask", reason, now)
    return approval.id


def decide(session: Session, approval_id: int, approve: bool, *, actor: Actor, now: datetime, note: str = "") -> None:
    """The second person's answer; the caller has checked that their role may give it."""
    approval = _locked(session, approval_id)
    if actor.person_id is None:
        raise DomainError("signed_out", _("须由登录的人员作出决定。"))
    if approval.asked_by == actor.person_id:
        raise DomainError("forbidden", _("提出申请的人不能自己批准,须由另一人决定。"))
    if approval.state != "asked":
        raise DomainError("conflict", _("这项申请已有结论。"))
    approval.state = "approved" if approve else "refused"
    approval.decided_by, approval.decided_at, approval.decision_note = actor.person_id, now, note
    session.flush()
    _note(session, approval, actor, approval.state, note, now)


def apply_once(
    session: Session, approval_id: int, *, kind: str, subject: str, payload: dict[str, Any], actor: Actor, now: datetime
) -> None:
    """Uses an approval up, in the transaction that does what was approved.

    Refused unless it was approved, for this kind and subject and exactly this payload, and was not used before.
    """
    approval = _locked(session, approval_id)
    if approval.state == "applied":
        raise DomainError("conflict", _("这项批准已经执行过。"))
    if approval.state != "approved":
        raise DomainError("forbidden", _("这项申请尚未获得批准。"))
    stored = payload_hash(approval.payload)
    if (
        (approval.kind, approval.subject) != (kind, subject)
        or stored != approval.payload_hash
        or payload_hash(payload) != stored
    ):
        raise DomainError("forbidden", _("要执行的内容与批准的内容不一致。"))
    approval.state = "applied"
    session.flush()
    _note(session, approval, actor, "apply", "", now)


def open_for(session: Session, *, contest_id: int | None = None, subject: str | None = None) -> list[Approval]:
    """What waits for a second person, oldest first."""
    query = select(Approval).where(Approval.state == "asked").order_by(Approval.id)
    if contest_id is not None:
        query = query.where(Approval.contest_id == contest_id)
    if subject is not None:
        query = query.where(Approval.subject == subject)
    return list(session.scalars(query))


def _locked(session: Session, approval_id: int) -> Approval:
    approval = session.scalar(select(Approval).where(Approval.id == approval_id).with_for_update())
    if approval is None:
        raise DomainError("unknown", _("没有这项申请。"))
    return approval


def _note(session: Session, approval: Approval, actor: Actor, verb: str, reason: str, now: datetime) -> None:
    audit.note(
        session,
        actor,
        f"approval.{verb}",
        approval.subject,
        now=now,
        contest_id=approval.contest_id,
        reason=reason,
        details={"approval": approval.id, "kind": approval.kind, "payload_hash": approval.payload_hash},
    )
