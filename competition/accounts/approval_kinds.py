"""The kinds of two-person decisions: what each is called, who may give the second yes, and what a yes does.

A stage registers its kinds when the program is put together; the page of approvals knows no more of them than this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import approval as approvals
from competition.accounts import audit
from competition.accounts.models import Approval
from competition.accounts.policy import Actor
from competition.shared.errors import DomainError


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """One kind of decision. `apply` does what was approved, in the transaction of the second yes.

    The approval has been used up when `apply` is called (`approval.apply_once`), so it does the deed and nothing else;
    what it raises undoes the yes, too. `drop` hears of a refusal and of a withdrawal. `link` gives the path of a page
    that shows more; the page of the approval itself shows the lines of `describe`. `shown` is a stamp of all that a
    decider is shown, for kinds of which that may move: a yes given to another stamp is refused.
    """

    kind: str
    title: Any
    """A text, perhaps a lazy one."""
    may_decide: Callable[[Session, Actor, Approval], bool]
    """Whether the actor's role lets them answer; that they are not who asked is looked at beside it."""
    describe: Callable[[Session, Approval], list[str]]
    """What exactly is asked for, one line each."""
    apply: Callable[[Session, Approval, Actor, datetime], None]
    link: Callable[[Session, Approval], str] | None = None
    drop: Callable[[Session, Approval, Actor, datetime], None] | None = None
    shown: Callable[[Session, Approval], str] | None = None


_kinds: Final[dict[str, ApprovalKind]] = {}


def register(kind: ApprovalKind) -> None:
    """Makes a kind known; the same name again replaces it (each application that is put together registers anew)."""
    _kinds[kind.kind] = kind


def kind_of(name: str) -> ApprovalKind | None:
    """The kind of that name, or None where no part of the program knows it any more."""
    return _kinds.get(name)


def may_answer(session: Session, actor: Actor, approval: Approval) -> bool:
    """Whether the actor may say yes or no: their role allows it and they are not who asked."""
    kind = _kinds.get(approval.kind)
    return (
        actor.person_id is not None
        and approval.asked_by != actor.person_id
        and kind is not None
        and kind.may_decide(session, actor, approval)
    )


def waiting_for(session: Session, actor: Actor) -> list[Approval]:
    """The open decisions that the actor may answer, oldest first."""
    return [one for one in approvals.open_for(session) if may_answer(session, actor, one)]


def asked_by(session: Session, actor: Actor, *, limit: int = 20) -> list[Approval]:
    """What the actor has asked for, newest first."""
    if actor.person_id is None:
        return []
    query = select(Approval).where(Approval.asked_by == actor.person_id).order_by(Approval.id.desc()).limit(limit)
    return list(session.scalars(query))


def may_see(session: Session, actor: Actor, approval: Approval) -> bool:
    """Whether the actor may read a decision: who asked, who answered, and whoever may answer."""
    if actor.person_id is None:
        return False
    return actor.person_id in (approval.asked_by, approval.decided_by) or may_answer(session, actor, approval)


def stamp(session: Session, approval: Approval) -> str:
    """What a page sends back with the answer, so that nobody says yes to what they were not shown."""
    kind = _kinds.get(approval.kind)
    return kind.shown(session, approval) if kind is not None and kind.shown and approval.state == "asked" else ""


def answer(
    session: Session,
    approval_id: int,
    approve: bool,
    *,
    actor: Actor,
    now: datetime,
    note: str = "",
    shown: str | None = None,
) -> Approval:
    """The second person's yes or no; a yes is carried out at once and once.

    Refused to who asked, to whom the kind does not allow it, where there is an answer already, where what is stored is
    not what was asked for, and where what they were `shown` (a `stamp`; None: not asked) has moved since. A no takes a
    note that says why.
    """
    approval = session.scalar(select(Approval).where(Approval.id == approval_id).with_for_update())
    if approval is None:
        raise DomainError("unknown", _("没有这项申请。"))
    kind = _kinds.get(approval.kind)
    if kind is None:
        raise DomainError("unknown", _("没有这一类申请，请联系系统管理员。"))
    if approval.asked_by != actor.person_id and not kind.may_decide(session, actor, approval):
        raise DomainError("forbidden", _("您无权对这项申请作出决定。"))
    if not approve and not note.strip():
        raise DomainError("bad_request", _("不同意须说明理由。"), "note")
    waits = approval.state == "asked" and approval.asked_by != actor.person_id
    if approve and waits and shown is not None and shown != stamp(session, approval):
        raise DomainError("conflict", _("打开页面之后影响有了变化，请看过新的影响再决定。"))
    approvals.decide(session, approval_id, approve, actor=actor, now=now, note=note.strip())
    if approve:
        approvals.apply_once(
            session,
            approval_id,
            kind=approval.kind,
            subject=approval.subject,
            payload=approval.payload,
            actor=actor,
            now=now,
        )
        kind.apply(session, approval, actor, now)
    elif kind.drop is not None:
        kind.drop(session, approval, actor, now)
    session.flush()
    return approval


def withdraw(session: Session, approval_id: int, *, actor: Actor, now: datetime) -> Approval:
    """Takes back what the actor has asked for and nobody has answered."""
    approval = session.scalar(select(Approval).where(Approval.id == approval_id).with_for_update())
    if approval is None:
        raise DomainError("unknown", _("没有这项申请。"))
    if actor.person_id is None or approval.asked_by != actor.person_id:
        raise DomainError("forbidden", _("只有提出申请的人可以撤回。"))
    if approval.state != "asked":
        raise DomainError("conflict", _("这项申请已有结论。"))
    approval.state = "dropped"
    session.flush()
    audit.note(
        session,
        actor,
        "approval.withdraw",
        approval.subject,
        now=now,
        contest_id=approval.contest_id,
        details={"approval": approval.id, "kind": approval.kind, "payload_hash": approval.payload_hash},
    )
    kind = _kinds.get(approval.kind)
    if kind is not None and kind.drop is not None:
        kind.drop(session, approval, actor, now)
    return approval
