"""Who may take part in a track, as rows of a form: the kinds of `registration.eligibility_rules`."""

from __future__ import annotations

import re
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from competition.bundle import editing
from competition.contests import describing
from competition.contests.models import Contest, Track
from competition.contests.rules import ORGANISATION_KINDS
from competition.pages.editor_fields import Field, Rows, State
from competition.pages.editor_rules import track_place, whole
from competition.pages.editor_sections import By, Section
from competition.registration.eligibility_rules import LEVELS
from competition.shared.errors import DomainError

KINDS: Final[dict[str, Any]] = {
    "age": _l("年龄"),
    "work_months": _l("在本地工作的月数"),
    "unit": _l("推荐单位"),
    "group": _l("组别"),
    "level": _l("技能等级"),
    "earlier_honour": _l("以往荣誉"),
    "one_entry": _l("一人一项"),
    "quota": _l("单位名额"),
}
UNIT_KINDS: Final[dict[str, Any]] = {
    "enterprise": _l("企业"),
    "district": _l("区市"),
    "system": _l("系统"),
    "union": _l("工会"),
    "school": _l("学校"),
    "platform": _l("平台企业"),
    "studio": _l("创新工作室"),
    "department": _l("部门"),
}
LEVEL_CHOICES: Final = (("", _l("不限")), *LEVELS.items())
ROW: Final = (
    Field("kind", _l("条件"), "choice", tuple(KINDS.items()), size=4, blank="age"),
    Field("min", _l("不小于"), "number", size=2, when=("age", "work_months")),
    Field("max", _l("不大于"), "number", size=2, when=("age",)),
    Field("female", _l("女性不大于"), "number", size=2, when=("age",), help=_l("与男性不同时填")),
    Field("on", _l("算到哪天"), "date", size=4, when=("age", "work_months"), help=_l("不填：报名截止时")),
    Field("least", _l("最低等级"), "choice", LEVEL_CHOICES, size=4, when=("level",)),
    Field("most", _l("最高等级"), "choice", LEVEL_CHOICES, size=4, when=("level",)),
    Field(
        "kinds",
        _l("单位类型"),
        "several",
        tuple((kind, UNIT_KINDS[kind]) for kind in ORGANISATION_KINDS),
        when=("unit",),
    ),
    Field("within", _l("在哪个单位之内"), "choice", "units", size=6, when=("unit",)),
    Field("allowed", _l("可参加的组别"), "several", "groups", when=("group",)),
    Field(
        "holders",
        _l("已获得者"),
        "choice",
        (("not", _l("不能再参加")), ("only", _l("才能参加"))),
        size=4,
        when=("earlier_honour",),
    ),
    Field("honours", _l("哪些荣誉"), "area", size=8, help=_l("每行一个"), when=("earlier_honour",)),
    Field(
        "scope",
        _l("范围"),
        "choice",
        (("contest", _l("整项赛事")), ("track", _l("本赛项"))),
        size=4,
        when=("one_entry",),
    ),
    Field(
        "groups",
        _l("只对这些组别"),
        "several",
        "groups",
        help=_l("都不选则对所有组别"),
        when=("age", "work_months", "unit", "level", "earlier_honour", "one_entry", "quota"),
    ),
)


def row_of(rule: dict[str, Any]) -> State:
    """A stored rule as a row; what is the form's to say nothing of is kept in `rest`."""
    row: State = {one.name: [] if one.several else "" for one in ROW}
    row["kind"] = rule["kind"]
    row["groups"] = list(rule.get("groups", ()))
    if rule["kind"] == "level":
        row |= {"least": rule.get("min", ""), "most": rule.get("max", "")}
        return row
    most = rule.get("max", "")
    if isinstance(most, dict):
        row |= {"max": str(most["male"]), "female": str(most["female"])}
    else:
        row["max"] = str(most)
    row |= {"min": str(rule.get("min", "")), "on": rule.get("on", ""), "within": rule.get("within", "")}
    row |= {"kinds": list(rule.get("kinds", ())), "allowed": list(rule.get("allowed", ()))}
    row |= {"holders": rule.get("holders", "not"), "honours": "\n".join(rule.get("honours", ()))}
    row |= {"scope": rule.get("scope", "contest")}
    return row


def rule_of(row: State, flags: list[str]) -> dict[str, Any]:
    """The rule that a row says; `flags` of units, which the form does not show, stay as they were."""
    kind = row["kind"]
    said: dict[str, Any] = {}
    if kind in ("age", "work_months"):
        said = {"min": whole(row["min"]), "on": row["on"]}
    if kind == "age":
        male = whole(row["max"])
        said["max"] = {"male": male, "female": whole(row["female"])} if row["female"] else male
    elif kind == "unit":
        said = {"kinds": row["kinds"], "within": row["within"], "flags": flags}
    elif kind == "group":
        said = {"allowed": row["allowed"]}
    elif kind == "level":
        said = {"min": row["least"], "max": row["most"]}
    elif kind == "earlier_honour":
        honours = [line.strip() for line in row["honours"].splitlines() if line.strip()]
        said = {"holders": row["holders"], "honours": honours}
    elif kind == "one_entry":
        said = {"scope": row["scope"]}
    if kind != "group":
        said["groups"] = row["groups"]
    return {"kind": kind, **{key: value for key, value in said.items() if value not in ("", [])}}


def _read(_session: Session, _contest: Contest, track: Track | None) -> State:
    assert track is not None
    return {"rules": [row_of(rule) for rule in track.eligibility]}


def _save(session: Session, contest: Contest, track: Track | None, state: State, by: By) -> str:
    assert track is not None
    describing.authorised(session, contest, by.actor)
    flags: list[str] = next(
        (rule["flags"] for rule in track.eligibility if rule["kind"] == "unit" and rule.get("flags")), []
    )
    rules = [rule_of(row, flags) for row in state["rules"]]
    document = editing.document_of(session, contest)
    try:
        return editing.save_rules(
            session, contest, document, {track.code: rules}, reason=by.reason, actor=by.actor, now=by.now
        )
    except DomainError as error:
        raise _in_form(error, state, track_place(document, track.code)) from None


def _in_form(error: DomainError, state: State, place: int) -> DomainError:
    problems: Any = error.details.get("problems")
    if not problems:
        return error
    told = []
    for problem in problems:
        where = problem["place"]
        found = re.fullmatch(rf"tracks\[{place}\]\.eligibility\.(\d+)(?:\.(\w+))?", where)
        if found:
            at, key = int(found[1]), found[2] or "kind"
            if state["rules"][at]["kind"] == "level":
                key = {"min": "least", "max": "most"}.get(key, key)
            where = f"rules.{at}.{key}"
        told.append({"place": where, "sentence": problem["sentence"]})
    return DomainError(error.code, error.message, told[0]["place"], problems=told)


ELIGIBILITY: Final = Section(
    "eligibility",
    _l("参赛条件"),
    _l("填表时当场核对，审核时再核一遍；不符合的会告诉本人差什么。"),
    (Rows("rules", _l("条件"), _l("条件"), ROW),),
    _read,
    _save,
    lambda state: [] if state["rules"] else [_("还没有参赛条件")],
    rules=True,
    per_track=True,
)
