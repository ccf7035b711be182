"""The sections of the editor about a contest's frame: what it is called, who holds it, when, where, what it asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.bundle.editing import is_draft
from competition.contests import about, describing
from competition.contests.models import Contest, ContestHost, Track
from competition.contests.rules import CONTEST_KINDS, LEVELS
from competition.pages import wording
from competition.pages.editor_fields import Field, Part, Rows, State, apply, lines
from competition.shared.localtime import put_local


@dataclass(frozen=True)
class By:
    """Who saves, when, and why where a reason is asked for."""

    actor: Actor
    now: datetime
    reason: str = ""


Read = Callable[[Session, Contest, Track | None], State]
Save = Callable[[Session, Contest, Track | None, State, By], str]


@dataclass(frozen=True)
class Section:
    """One page of the editor. `rules`: a part of the rule pack, which two people change once it is published."""

    key: str
    title: Any
    lead: Any
    parts: tuple[Part, ...]
    read: Read
    save: Save
    missing: Callable[[State], list[str]] = lambda _state: []
    rules: bool = False
    per_track: bool = False
    template: str = "editor/section.html"
    apply: Callable[[State, Sequence[Part], str], bool] = apply
    lines: Callable[[Sequence[Part], State], list[str]] = lines


YES_NO: Final = (("1", _l("是")), ("", _l("否")))


def choices(session: Session, contest: Contest) -> dict[str, list[tuple[str, Any]]]:
    """The lists that fields choose from and that differ between contests."""
    units = session.execute(select(Unit.code, Unit.name).where(Unit.archived_at.is_(None)).order_by(Unit.name))
    return {
        "units": [("", _("不在名录中")), *((code, name) for code, name in units)],
        "tracks": [("", _("所有赛项")), *((track.code, track.title) for track in contest.tracks)],
        "groups": [(group["code"], group["title"]) for group in contest.groups],
        "prizes": list({prize["code"]: prize["title"] for track in contest.tracks for prize in track.prizes}.items()),
    }


def _basics(_session: Session, contest: Contest, _track: Track | None) -> State:
    texts = {key: contest.about.get(key, "") for key in about.TEXTS}
    return {
        "title": contest.title,
        "kind": contest.kind,
        "level": contest.level,
        "year": str(contest.year),
        "label": contest.label or "",
        "tags": "、".join(contest.about.get("tags", ())),
        "pilot": "1" if contest.about.get("pilot") else "",
        **texts,
    }


def _save_basics(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    describing.describe(session, contest, state, actor=by.actor, now=by.now)
    return "saved"


def _hosts(session: Session, contest: Contest, _track: Track | None) -> State:
    rows = session.execute(
        select(ContestHost.part, ContestHost.name, Unit.code)
        .outerjoin(Unit, Unit.id == ContestHost.unit_id)
        .where(ContestHost.contest_id == contest.id)
        .order_by(ContestHost.position)
    )
    return {"hosts": [{"part": part, "unit": code or "", "name": name} for part, name, code in rows]}


def _save_hosts(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    describing.set_hosts(session, contest, state["hosts"], actor=by.actor, now=by.now)
    return "saved"


def _groups(_session: Session, contest: Contest, _track: Track | None) -> State:
    return {"groups": [{"code": group["code"], "title": group["title"]} for group in contest.groups]}


def _save_groups(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    describing.set_groups(session, contest, state["groups"], actor=by.actor, now=by.now)
    return "saved"


DATES: Final = ("registration_opens_at", "registration_closes_at", "starts_at", "ends_at")


def _dates(_session: Session, contest: Contest, _track: Track | None) -> State:
    until = contest.retention_until
    return {
        **{name: put_local(getattr(contest, name)) for name in DATES},
        "retention_until": until.isoformat() if until else "",
    }


def _save_dates(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    describing.set_dates(session, contest, state, actor=by.actor, now=by.now)
    return "saved"


def _board(_session: Session, contest: Contest, _track: Track | None) -> State:
    return {"identity": contest.identity, "public": "1" if contest.public else "", "counts": contest.counts}


def _save_board(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    describing.set_board(session, contest, state, rules_open=is_draft(contest), actor=by.actor, now=by.now)
    return "saved"


def _needs(*names: str) -> Callable[[State], list[str]]:
    """A check that these are not empty."""
    titles = {
        "hosts": _l("还没有主办单位"),
        "groups": _l("还没有组别"),
        "summary": _l("还没有一句话介绍"),
        "contact": _l("还没有联系方式"),
        "registration_opens_at": _l("还没有报名开始时间"),
        "registration_closes_at": _l("还没有报名截止时间"),
        "starts_at": _l("还没有比赛时间"),
        "retention_until": _l("还没有个人信息保存期限"),
    }
    return lambda state: [str(titles[name]) for name in names if not state[name]]


CODE: Final = Field("code", _l("代码"), "hidden")
FRAME: Final = (
    Section(
        "basics",
        _l("基本信息"),
        _l("赛事叫什么、属于哪一类、用大白话写给参赛者看的话。"),
        (
            Field("title", _l("名称"), required=True, most=100),
            Field("kind", _l("类别"), "choice", tuple((kind, wording.KINDS[kind]) for kind in CONTEST_KINDS), size=4),
            Field("level", _l("级别"), "choice", tuple((level, wording.LEVELS[level]) for level in LEVELS), size=4),
            Field("year", _l("年度"), "number", required=True, size=4),
            Field("label", _l("年度计划标识"), "choice", (("", _l("无")), *about.LABELS.items()), size=4),
            Field("pilot", _l("先行先试"), "choice", (("", _l("否")), ("1", _l("是"))), size=4),
            Field("tags", _l("标签"), help=_l("用顿号或空格分开，如：十强产业、新就业形态"), size=12),
            Field("theme", about.TEXTS["theme"][0], most=60),
            Field("summary", about.TEXTS["summary"][0], "area", most=200, help=_l("公开页标题下的第一句话")),
            Field("who", about.TEXTS["who"][0], "area", most=2000),
            Field("rules", about.TEXTS["rules"][0], "area", most=8000),
            Field("awards", about.TEXTS["awards"][0], "area", most=4000),
            Field("contact", about.TEXTS["contact"][0], "area", most=500, help=_l("办公电话或邮箱，公开显示")),
        ),
        _basics,
        _save_basics,
        _needs("summary", "contact"),
    ),
    Section(
        "hosts",
        _l("主办与承办"),
        _l("单位可从名录选，也可直接写名称；显示名称留空则用名录中的名称。"),
        (
            Rows(
                "hosts",
                _l("单位"),
                _l("单位"),
                (
                    Field("part", _l("担任"), "choice", tuple(about.PARTS.items()), size=3, blank="host"),
                    Field("unit", _l("名录中的单位"), "choice", "units", size=4),
                    Field("name", _l("显示名称"), size=5, most=100),
                ),
            ),
        ),
        _hosts,
        _save_hosts,
        lambda state: [] if any(row["part"] == "host" for row in state["hosts"]) else [_("还没有主办单位")],
    ),
    Section(
        "groups",
        _l("组别"),
        _l("职工、学生、新就业形态，或自定义的组别；赛项可以只收其中几组。"),
        (Rows("groups", _l("组别"), _l("组别"), (CODE, Field("title", _l("名称"), size=6, most=30))),),
        _groups,
        _save_groups,
        _needs("groups"),
    ),
    Section(
        "dates",
        _l("日期"),
        _l("一律按北京时间填写和显示。到个人信息保存期限后，报名者的个人信息会被删除。"),
        (
            Field("registration_opens_at", _l("报名开始"), "datetime", size=6),
            Field("registration_closes_at", _l("报名截止"), "datetime", size=6),
            Field("starts_at", _l("比赛开始"), "datetime", size=6),
            Field("ends_at", _l("比赛结束"), "datetime", size=6),
            Field(
                "retention_until",
                _l("个人信息保存至"),
                "date",
                size=6,
                help=_l("建议为公示和申诉结束后 12 个月"),
            ),
        ),
        _dates,
        _save_dates,
        _needs("registration_opens_at", "registration_closes_at", "starts_at", "retention_until"),
    ),
    Section(
        "board",
        _l("榜单"),
        _l("观众在公示之前能看到什么。"),
        (
            Field(
                "identity",
                _l("公示前显示"),
                "choice",
                (("number", _l("只显示抽签号")), ("entry", _l("显示姓名与单位"))),
                size=6,
            ),
            Field("public", _l("公开榜单"), "choice", YES_NO, size=6),
            Field(
                "counts",
                _l("哪些评分计入榜单"),
                "choice",
                (("submitted", _l("评分表提交后")), ("saved", _l("每一项保存后"))),
                size=6,
            ),
        ),
        _board,
        _save_board,
    ),
)
