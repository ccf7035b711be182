"""Decoding (解密): layer by layer in reverse, by a coder and a supervisor together, after the results were submitted.

What the results by number came to is hashed when it is asked for and again when it is done: nothing may have moved
between, and anybody can see later that no name was known before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from competition.accounts import approval, audit
from competition.accounts.approval_kinds import ApprovalKind
from competition.accounts.approval_kinds import register as register_kind
from competition.accounts.models import Approval
from competition.accounts.policy import Actor
from competition.contests.locks import lock_track
from competition.contests.models import Contest, Track
from competition.draw.layers import layers_of
from competition.draw.models import CodeLayer, Decoding
from competition.draw.policy import can_watch, holds_layer
from competition.draw.queries import decoding_of, numbers_complete
from competition.draw.service import name_of
from competition.shared.errors import DomainError

KIND: Final = "draw.decode"
SUBMITTED: Final = ("review", "notice", "final", "archived")

Results = Callable[[Session, int], str]
"""The hash of a track's results by number."""

_results: Final[list[Results]] = []


def use_results(results: Results) -> None:
    """Who knows the results stands above this stage and says how they are hashed."""
    _results[:] = [results]


def results_hash(session: Session, track: Track) -> str:
    return _results[0](session, track.id)


def ask_decoding(session: Session, track: Track, layer: CodeLayer, *, reason: str, actor: Actor, now: datetime) -> int:
    """One half, the coder's or the supervisor's; the other's is asked for."""
    _ready(session, track, layer)
    if holds_layer(actor, track.contest_id, layer):
        part = "coder"
    elif can_watch(actor, track.contest_id):
        part = "supervisor"
    else:
        raise DomainError("forbidden", _("解密由加密员和监督员共同进行。"))
    return approval.ask(
        session,
        kind=KIND,
        subject=name_of(track, layer),
        payload={"layer": layer.id, "part": part, "results_hash": results_hash(session, track)},
        reason=reason,
        contest_id=track.contest_id,
        actor=actor,
        now=now,
    )


def _ready(session: Session, track: Track, layer: CodeLayer) -> None:
    """Refuses what comes too early: before the results stand, or before the layer above is open."""
    if decoding_of(session, layer.id) is not None:
        raise DomainError("conflict", _("这一层已经解密。"))
    if not numbers_complete(session, layer):
        raise DomainError("not_open", _("这一层还没有编码，无从解密。"))
    if track.phase not in SUBMITTED or any(stage.state != "closed" for stage in track.stages):
        raise DomainError("not_open", _("按编号的成绩提交、评分窗口全部关闭并进入复核之后，才能解密。"))
    for above in layers_of(session, track.id):
        if above.position > layer.position and decoding_of(session, above.id) is None:
            raise DomainError("not_open", _("解密从最后一层开始：先解密“%(layer)s”。", layer=above.title))


def _may_decide(session: Session, actor: Actor, asked: Approval) -> bool:
    layer = session.get(CodeLayer, asked.payload["layer"])
    if layer is None or asked.contest_id is None:
        return False
    if asked.payload["part"] == "coder":
        return can_watch(actor, asked.contest_id)
    return holds_layer(actor, asked.contest_id, layer)


def _describe(session: Session, asked: Approval) -> list[str]:
    layer = session.get(CodeLayer, asked.payload["layer"])
    return [
        _("解密“%(name)s”的%(layer)s。", name=asked.subject, layer=layer.title if layer else ""),
        _("按编号提交的成绩：%(hash)s", hash=asked.payload["results_hash"]),
        _("解密后，本竞赛的加密员和监督员可以看到这一层编码对应的是谁；这一步记入日志，不能撤回。"),
    ]


def _apply(session: Session, asked: Approval, actor: Actor, now: datetime) -> None:
    layer = session.get(CodeLayer, asked.payload["layer"])
    if layer is None:
        raise DomainError("conflict", _("这一编码层已经没有了。"))
    track = session.get_one(Track, layer.track_id)
    lock_track(session, track.id)
    _ready(session, track, layer)
    standing = results_hash(session, track)
    if standing != asked.payload["results_hash"]:
        raise DomainError("conflict", _("申请之后成绩有变动，请重新申请解密。"))
    first = asked.payload["part"] == "coder"
    session.add(
        Decoding(
            layer_id=layer.id,
            approval_id=asked.id,
            coder_id=asked.asked_by if first else actor.person_id,
            supervisor_id=actor.person_id if first else asked.asked_by,
            results_hash=standing,
            at=now,
        )
    )
    session.flush()
    audit.note(
        session,
        actor,
        "code.decode",
        name_of(track, layer),
        now=now,
        contest_id=track.contest_id,
        reason=asked.reason,
        details={"approval": asked.id, "results_hash": standing},
    )


def _link(session: Session, asked: Approval) -> str:
    return f"/code/{session.get_one(Contest, asked.contest_id).code}"


def register(results: Results) -> None:
    """Called when the program is put together, with who hashes results."""
    use_results(results)
    register_kind(ApprovalKind(KIND, _l("解密"), _may_decide, _describe, _apply, link=_link))
