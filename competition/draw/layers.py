"""Code layers (参赛编号 → 工位号 → 成果号): which a track has, in order, and whose each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Grant
from competition.accounts.policy import Actor
from competition.contests.locks import lock_track
from competition.contests.models import Track
from competition.contests.policy import can_run
from competition.draw.models import CodeLayer, Draw
from competition.draw.policy import can_code
from competition.shared.errors import DomainError

TITLES: Final = {"number": _l("参赛编号"), "station": _l("工位号"), "work": _l("成果号")}
"""The layers there are; a track has the first, the first two, or all three, or others in this order."""
LIVE: Final = ("committed", "drawn", "revealed")


@dataclass(frozen=True, slots=True)
class LayerCommand:
    """A layer as asked for: `code` of TITLES, `first` its lowest number (1 to 9000), `coder` a person's id or None."""

    code: str
    first: int = 1
    coder: int | None = None


def layers_of(session: Session, track_id: int) -> list[CodeLayer]:
    return list(session.scalars(select(CodeLayer).where(CodeLayer.track_id == track_id).order_by(CodeLayer.position)))


def live_draw(session: Session, layer_id: int) -> Draw | None:
    """The layer's draw that holds: committed, drawn or revealed."""
    return session.scalar(
        select(Draw).where(Draw.layer_id == layer_id, Draw.state.in_(LIVE)).order_by(Draw.id.desc()).limit(1)
    )


def coders_of(session: Session, contest_id: int) -> list[int]:
    """The people who are coders of the contest."""
    return list(
        session.scalars(
            select(Grant.person_id)
            .where(Grant.role == "coder", (Grant.contest_id == contest_id) | Grant.contest_id.is_(None))
            .distinct()
            .order_by(Grant.person_id)
        )
    )


def set_layers(
    session: Session, track: Track, commands: Sequence[LayerCommand], *, actor: Actor, now: datetime
) -> None:
    """Says which code layers a track has; only until the first of them has been committed to.

    A contest whose board showed entries shows numbers from now on: a code that the board tells would be none.
    """
    contest = track.contest
    if not (can_run(actor, contest.id) or can_code(actor, contest.id)):
        raise DomainError("forbidden", _("只有主办方或加密员可以设置编码层。"))
    lock_track(session, track.id)
    if track.phase not in ("draft", "registration", "draw"):
        raise DomainError("not_open", _("评分开始之后不能再改编码层。"))
    codes = [command.code for command in commands]
    order = list(TITLES)
    if not codes or any(code not in TITLES for code in codes) or codes != sorted(set(codes), key=order.index):
        raise DomainError("bad_request", _("编码层为一至三层，依次是参赛编号、工位号、成果号。"), "layers")
    if any(not 1 <= command.first <= 9000 for command in commands):
        raise DomainError("bad_request", _("起始号须在 1 至 9000 之间。"), "first")
    known = coders_of(session, contest.id)
    if any(command.coder is not None and command.coder not in known for command in commands):
        raise DomainError("unknown", _("各层的加密员须是本竞赛的加密员。"), "coder")
    old = layers_of(session, track.id)
    if any(session.scalar(select(Draw.id).where(Draw.layer_id == layer.id).limit(1)) for layer in old):
        raise DomainError("locked", _("已经公布过抽签承诺，编码层不能再改。"), "layers")
    session.execute(delete(CodeLayer).where(CodeLayer.track_id == track.id))
    session.add_all(
        CodeLayer(
            track_id=track.id,
            position=position,
            code=command.code,
            title=str(TITLES[command.code]),
            first=command.first,
            coder_id=command.coder,
        )
        for position, command in enumerate(commands)
    )
    turned = contest.identity != "number"
    contest.identity = "number"
    session.flush()
    audit.note(
        session,
        actor,
        "code.layers",
        f"{contest.code}/{track.code}",
        now=now,
        contest_id=contest.id,
        details={"layers": codes, "identity_turned": turned},
    )
