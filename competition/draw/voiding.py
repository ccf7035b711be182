"""A draw taken back: the coder asks with a reason, a supervisor or organiser agrees; then it is committed to anew."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from competition.accounts import approval
from competition.accounts.approval_kinds import ApprovalKind
from competition.accounts.approval_kinds import register as register_kind
from competition.accounts.models import Approval
from competition.accounts.policy import Actor
from competition.contests.models import Contest, Track
from competition.contests.policy import can_run
from competition.draw.layers import live_draw
from competition.draw.models import CodeLayer
from competition.draw.policy import can_watch, holds_layer
from competition.draw.service import name_of, void
from competition.shared.errors import DomainError
from competition.shared.vault import Vault

KIND: Final = "draw.void"


def ask_void(session: Session, track: Track, layer: CodeLayer, *, reason: str, actor: Actor, now: datetime) -> int:
    """The coder's half."""
    if not holds_layer(actor, track.contest_id, layer):
        raise DomainError("forbidden", _("抽签和编码由本层加密员来做。"))
    draw = live_draw(session, layer.id)
    if draw is None:
        raise DomainError("not_open", _("这一层没有可以作废的抽签。"))
    if track.phase not in ("registration", "draw"):
        raise DomainError("not_open", _("评分开始之后抽签不能作废。"))
    return approval.ask(
        session,
        kind=KIND,
        subject=name_of(track, layer),
        payload={"layer": layer.id, "draw": draw.id, "commitment": draw.commitment},
        reason=reason,
        contest_id=track.contest_id,
        actor=actor,
        now=now,
    )


def _may_decide(_session: Session, actor: Actor, asked: Approval) -> bool:
    return asked.contest_id is not None and (can_watch(actor, asked.contest_id) or can_run(actor, asked.contest_id))


def _describe(session: Session, asked: Approval) -> list[str]:
    layer = session.get(CodeLayer, asked.payload["layer"])
    title = layer.title if layer else ""
    return [
        _("作废“%(name)s”的抽签（%(layer)s），它上面各层已抽的签一并作废。", name=asked.subject, layer=title),
        _("承诺：%(hash)s", hash=asked.payload["commitment"]),
        _("作废后这一层要重新公布承诺、重新抽签；作废的种子会公开。"),
    ]


def register(vault: Vault) -> None:
    """Called when the program is put together."""

    def apply(session: Session, asked: Approval, actor: Actor, now: datetime) -> None:
        layer = session.get(CodeLayer, asked.payload["layer"])
        draw = live_draw(session, layer.id) if layer is not None else None
        if layer is None or draw is None or draw.id != asked.payload["draw"]:
            raise DomainError("conflict", _("这次抽签已经不是申请时的那一次。"))
        track = session.get_one(Track, layer.track_id)
        void(session, track, layer, reason=asked.reason, vault=vault, actor=actor, now=now)

    register_kind(
        ApprovalKind(
            KIND,
            _l("作废抽签"),
            _may_decide,
            _describe,
            apply,
            link=lambda session, asked: f"/contests/{session.get_one(Contest, asked.contest_id).code}/draw",
        )
    )
