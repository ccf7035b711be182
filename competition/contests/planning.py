"""The year's plan: what units propose, what is approved (立项) with its label, and what came of it.

A proposal says what speaks for its trade: where it is used (应用范围), how many work in it (从业人员数) and how much
skill it takes (技术含量), as the guideline's item 11 asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Unit
from competition.accounts.notices import notify
from competition.accounts.policy import Actor
from competition.accounts.unit_queries import may_speak_for, spoken_for
from competition.contests.about import LABELS
from competition.contests.models import Contest, PlanItem, Season
from competition.contests.occupations import PATTERN
from competition.contests.rules import CONTEST_KINDS, LEVELS
from competition.shared.errors import DomainError

EDITABLE: Final = ("draft", "returned")
WANTED: Final = ("occupation", "scope", "workers", "technology", "months")
"""What of a proposal must be filled in before it is handed in."""
VERDICTS: Final = {"approve": "approved", "return": "returned", "refuse": "refused"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a unit proposes. `workers` is how many work in the trade, `budget` an amount in yuan."""

    title: str
    kind: str
    level: str
    unit_id: int | None
    occupation: str = ""
    occupation_code: str = ""
    scope: str = ""
    workers: int | None = None
    technology: str = ""
    months: str = ""
    budget: Decimal | None = None
    funding: str = ""
    note: str = ""

    def details(self) -> dict[str, Any]:
        """As the row keeps it."""
        return {
            "occupation": self.occupation,
            "occupation_code": self.occupation_code,
            "scope": self.scope,
            "workers": self.workers,
            "technology": self.technology,
            "months": self.months,
            "budget": None if self.budget is None else f"{self.budget:f}",
            "funding": self.funding,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Tally:
    """One line of the statistics: proposals handed in, approved, workers in the trades approved."""

    name: str
    proposed: int = 0
    approved: int = 0
    made: int = 0
    workers: int = 0


def may_propose(actor: Actor) -> bool:
    """Officers of a unit, organisers and admins."""
    return actor.has("admin") or actor.has("organiser") or actor.has("unit")


def may_decide(actor: Actor) -> bool:
    """Approval is the platform owner's (市总工会)."""
    return actor.has("admin")


def may_edit(session: Session, actor: Actor, item: PlanItem) -> bool:
    """Who proposed it, whoever speaks for its unit, and admins."""
    if actor.person_id is not None and actor.person_id == item.proposed_by:
        return True
    return actor.has("admin") or (item.unit_id is not None and may_speak_for(session, actor, item.unit_id))


def seasons(session: Session) -> Sequence[Season]:
    """Every season, newest year first."""
    return session.scalars(select(Season).order_by(Season.year.desc(), Season.code)).all()


def get_season(session: Session, code: str) -> Season:
    season = session.scalar(select(Season).where(Season.code_key == code.casefold()))
    if season is None:
        raise DomainError("unknown", _("没有代码为“%(code)s”的年度计划。", code=code), "season")
    return season


def get_item(session: Session, item_id: int, *, lock: bool = False) -> PlanItem:
    query = select(PlanItem).where(PlanItem.id == item_id)
    item = session.scalar(query.with_for_update() if lock else query)
    if item is None:
        raise DomainError("unknown", _("没有这个竞赛项目。"))
    return item


def seen_by(session: Session, actor: Actor, season: Season) -> list[PlanItem]:
    """The items an actor may see before approval: all for an admin, else their own and those of their units."""
    units = spoken_for(session, actor)
    return [
        item
        for item in season.items
        if units is None or item.unit_id in units or (actor.signed_in and item.proposed_by == actor.person_id)
    ]


def create_season(
    session: Session, *, code: str, title: str, year: int, theme: str = "", actor: Actor, now: datetime
) -> Season:
    """A new year's plan, open for proposals."""
    if not may_decide(actor):
        raise DomainError("forbidden", _("只有系统管理员可以建立年度计划。"))
    if session.scalar(select(Season.id).where(Season.code_key == code.casefold())) is not None:
        raise DomainError("conflict", _("代码“%(code)s”已有计划使用，请换一个。", code=code), "code")
    season = Season(code=code, code_key=code.casefold(), title=title, year=year, theme=theme, created_at=now)
    session.add(season)
    session.flush()
    audit.note(session, actor, "season.create", code, now=now, details={"year": year})
    return season


def set_open(session: Session, season: Season, on: bool, *, actor: Actor, now: datetime) -> None:
    """Whether proposals are taken."""
    if not may_decide(actor):
        raise DomainError("forbidden", _("只有系统管理员可以开放或停止申报。"))
    if season.open != on:
        season.open = on
        session.flush()
        audit.note(session, actor, "season.open" if on else "season.close", season.code, now=now)


def save(
    session: Session, season: Season, item_id: int | None, proposal: Proposal, *, actor: Actor, now: datetime
) -> PlanItem:
    """Keeps a proposal as a draft; only a draft or one that was returned may be changed."""
    if item_id is None:
        if not season.open:
            raise DomainError("not_open", _("这一年度的申报已经停止。"))
        item = PlanItem(season_id=season.id, proposed_by=actor.person_id, state="draft")
    else:
        item = get_item(session, item_id, lock=True)
        if not may_edit(session, actor, item):
            raise DomainError("forbidden", _("只能修改本单位申报的项目。"))
        if item.state not in EDITABLE:
            raise DomainError("locked", _("已提交的项目不能修改，请等审批退回。"))
    _check(session, actor, proposal)
    item.title, item.kind, item.level = proposal.title, proposal.kind, proposal.level
    item.unit_id, item.proposal = proposal.unit_id, proposal.details()
    session.add(item)
    session.flush()
    audit.note(session, actor, "plan.save", _subject(season, item), now=now)
    return item


def _check(session: Session, actor: Actor, proposal: Proposal) -> None:
    if not may_propose(actor):
        raise DomainError("forbidden", _("只有推荐单位和主办方可以申报竞赛项目。"))
    if proposal.kind not in CONTEST_KINDS or proposal.level not in LEVELS:
        raise DomainError("bad_request", _("请选择竞赛的类别和级别。"), "kind")
    if proposal.unit_id is None:
        raise DomainError("bad_request", _("请选择申报单位。"), "unit")
    if session.get(Unit, proposal.unit_id) is None:
        raise DomainError("unknown", _("没有这个单位，请重新选择。"), "unit")
    if not actor.has("organiser") and not may_speak_for(session, actor, proposal.unit_id):
        raise DomainError("forbidden", _("只能以本单位或下级单位的名义申报。"), "unit")
    if proposal.occupation_code and PATTERN.fullmatch(proposal.occupation_code) is None:
        raise DomainError("bad_request", _("职业编码形如 6-18-02-04，没有可不填。"), "occupation_code")


def lacks(item: PlanItem) -> list[str]:
    """The fields that must be filled in before a proposal is handed in."""
    return [name for name in WANTED if item.proposal.get(name) in (None, "")]


def submit(session: Session, item_id: int, *, actor: Actor, now: datetime) -> PlanItem:
    """Hands a proposal in for approval."""
    item = get_item(session, item_id, lock=True)
    if not may_edit(session, actor, item):
        raise DomainError("forbidden", _("只能提交本单位申报的项目。"))
    if item.state not in EDITABLE:
        raise DomainError("conflict", _("这个项目已经提交。"))
    if not item.season.open and item.state == "draft":
        raise DomainError("not_open", _("这一年度的申报已经停止。"))
    if missing := lacks(item):
        raise DomainError("incomplete", _("还有必填的内容没有填写。"), missing[0], fields=missing)
    item.state, item.reason = "submitted", ""
    session.flush()
    audit.note(session, actor, "plan.submit", _subject(item.season, item), now=now)
    return item


def decide(
    session: Session,
    item_id: int,
    verdict: str,
    *,
    label: str | None = None,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> PlanItem:
    """Approves a proposal (立项), perhaps as 示范性 `model` or 引领性 `leading`, returns it or refuses it, once."""
    if not may_decide(actor):
        raise DomainError("forbidden", _("只有系统管理员可以审批立项。"))
    if verdict not in VERDICTS:
        raise DomainError("bad_request", _("请选择立项、退回或不予立项。"), "verdict")
    if label is not None and label not in LABELS:
        raise DomainError("bad_request", _("标签只能是示范性或引领性。"), "label")
    item = get_item(session, item_id, lock=True)
    if item.state != "submitted":
        raise DomainError("conflict", _("这个项目不在待审批状态，请刷新页面。"))
    if verdict != "approve" and not reason.strip():
        raise DomainError("bad_request", _("退回或不予立项须说明理由。"), "reason")
    item.state, item.label = VERDICTS[verdict], label if verdict == "approve" else None
    item.reason, item.decided_by, item.decided_at = reason.strip(), actor.person_id, now
    session.flush()
    said = {"verdict": verdict, "label": item.label}
    audit.note(session, actor, f"plan.{verdict}", _subject(item.season, item), now=now, reason=reason, details=said)
    if item.proposed_by is not None and item.proposed_by != actor.person_id:
        words = {
            "approved": _("已立项"),
            "returned": _("已退回，请修改后再提交"),
            "refused": _("不予立项"),
        }[item.state]
        body = f"{item.title}:{words}" + (f"\n{item.reason}" if item.reason else "")
        title = _("竞赛立项：%(title)s", title=item.title)
        link = f"/plan/items/{item.id}"
        notify(session, item.proposed_by, kind="plan.decided", title=title, body=body, link=link, now=now)
    return item


def contests_made(session: Session, season: Season) -> dict[int, str]:
    """The codes of the contests that were made of a season's items, by item."""
    rows = session.execute(
        select(Contest.plan_item_id, Contest.code)
        .join(PlanItem, PlanItem.id == Contest.plan_item_id)
        .where(PlanItem.season_id == season.id, Contest.rehearsal.is_(False))
    )
    return {key: code for key, code in rows if key is not None}


def statistics(session: Session, season: Season) -> tuple[list[Tally], list[Tally]]:
    """The season by trade and by unit, most approved first; drafts are nobody's business and not counted."""
    made = contests_made(session, season)
    names = dict(session.execute(select(Unit.id, Unit.name)).all())
    trades: dict[str, list[PlanItem]] = {}
    units: dict[str, list[PlanItem]] = {}
    for item in season.items:
        if item.state == "draft":
            continue
        trades.setdefault(item.proposal.get("occupation") or _("未填工种"), []).append(item)
        units.setdefault(names.get(item.unit_id or 0, _("未填单位")), []).append(item)
    return _tallies(trades, made), _tallies(units, made)


def _tallies(groups: dict[str, list[PlanItem]], made: dict[int, str]) -> list[Tally]:
    lines = []
    for name, items in groups.items():
        approved = [item for item in items if item.state == "approved"]
        workers = sum(int(item.proposal.get("workers") or 0) for item in approved)
        lines.append(Tally(name, len(items), len(approved), sum(item.id in made for item in approved), workers))
    return sorted(lines, key=lambda line: (-line.approved, -line.proposed, line.name))


def _subject(season: Season, item: PlanItem) -> str:
    return f"{season.code}/{item.id}"
