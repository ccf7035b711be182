"""Differences of two rule packs, and what they would change, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from competition.contests import rules
from competition.contests.pack_changes import Difference
from competition.pages import wording
from competition.registration.eligibility import Names, describe, parse_rules

Tree = dict[str, Any]

RECORDS: Final = {
    "track": _l("赛项"),
    "stage": _l("环节"),
    "criterion": _l("评分项"),
    "prize": _l("奖次"),
    "scheme": _l("推荐方案"),
    "rule": _l("参赛条件"),
}
SORTS: Final = {"added": _l("新增"), "removed": _l("删除"), "moved": _l("顺序")}
FIELDS: Final = {
    "title": _l("名称"),
    "note": _l("说明"),
    "weight": _l("权重"),
    "aggregate": _l("合分办法"),
    "places": _l("小数位数"),
    "rounding": _l("取舍"),
    "attempts": _l("多轮取法"),
    "attempt_count": _l("轮数"),
    "normalise": _l("换算"),
    "advance": _l("晋级"),
    "kind": _l("评分方式"),
    "min": _l("下限"),
    "max": _l("满分"),
    "step": _l("步长"),
    "factor": _l("系数"),
    "descriptors": _l("等级描述"),
    "parent": _l("所属分组"),
    "tie_break": _l("同分比较"),
    "ties": _l("并列"),
    "count": _l("名额"),
    "share": _l("比例"),
    "round": _l("名额取整"),
    "min_score": _l("最低分"),
    "counts": _l("计入的评分"),
    "team_points": _l("团体分"),
    "quota": _l("推荐名额"),
    "requires": _l("推荐条件"),
    "kinds": _l("竞赛类别"),
    "prizes": _l("奖次范围"),
    "per_track": _l("每个赛项至多"),
    "per_organisation": _l("每个单位至多"),
}
WORDS: Final[dict[str, dict[str, Any]]] = {
    "rounding": {"half_up": _l("四舍五入"), "half_even": _l("四舍六入五成双")},
    "round": {"up": _l("进一取整"), "down": _l("舍去小数"), "half_up": _l("四舍五入")},
    "attempts": {"best": _l("取最高一轮"), "last": _l("取最后一轮"), "mean": _l("取平均"), "sum": _l("相加")},
    "normalise": {
        "none": _l("不换算"),
        "panel_ratio": _l("按组平均分换算"),
        "panel_zscore": _l("按组标准分换算"),
        "judge_zscore": _l("按裁判标准分换算"),
    },
    "kind": {
        "judgement": _l("裁判打分"),
        "measurement": _l("测量"),
        "grade": _l("0–3 级评定"),
        "heading": _l("分组标题"),
    },
    "ties": {
        "shared": _l("并列占名次（1、2、2、4）"),
        "dense": _l("并列不占名次（1、2、2、3）"),
        "extend": _l("末位并列都给"),
        "pass": _l("末位并列都不给"),
    },
    "counts": {"submitted": _l("已提交的评分"), "saved": _l("已保存的评分")},
}
METHODS: Final = {"mean": _l("平均"), "median": _l("中位数"), "trimmed_mean": _l("去掉极端分后平均")}


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the table of differences: where, what, and the two values in words ("": there is none)."""

    where: str
    what: str
    old: str
    new: str


def change(one: Difference, contest: rules.Contest, names: Names | None = None) -> Change:
    """A difference in words; `contest` is the newer definition, for the titles that codes stand for."""
    place = one.place
    where = " › ".join(part for part in (place.track, place.stage, place.record) if part) or _("整个赛事")
    if one.sort == "changed":
        what = str(FIELDS.get(one.key, one.key))
        say = _sayer(one, contest)
        return Change(where, what, say(one.old), say(one.new))
    what = f"{SORTS[one.sort]}·{RECORDS.get(one.what, one.what)}"
    if one.sort == "moved":
        return Change(where, what, _("、").join(one.old), _("、").join(one.new))
    return Change(where, what, _record(one.what, one.old, names), _record(one.what, one.new, names))


def _sayer(one: Difference, contest: rules.Contest) -> Callable[[Any], str]:
    """How the values of a field are said."""
    key = one.key
    if key in WORDS:
        return lambda value: str(WORDS[key].get(value or "heading", value or ""))
    if key == "share":
        return lambda value: _none() if value is None else wording.share(Decimal(value))
    if key == "aggregate":
        return lambda value: _none() if value is None else _aggregate(value)
    if key == "advance":
        return _advance
    if key == "tie_break":
        track = next((track for track in contest.tracks if track.title == one.place.track), None)
        return lambda value: (
            _("、").join(wording.tie_key(track, name) if track else name for name in value or ()) or _none()
        )
    if key == "team_points":
        return lambda value: (
            _none()
            if value is None
            else _("%(points)s；其余 %(others)s", points=" ".join(value["points"]), others=value["others"])
        )
    if key == "requires":
        return lambda value: _("；").join(_requirement(each) for each in value or ()) or _none()
    if key == "kinds":
        return lambda value: _none() if value is None else _("、").join(str(wording.KINDS[each]) for each in value)
    if isinstance(one.old or one.new, list):
        return lambda value: _("、").join(str(each) for each in value or ()) or _none()
    return lambda value: _none() if value in (None, "") else str(value)


def _none() -> str:
    return _("无")


def _aggregate(value: Mapping[str, Any]) -> str:
    said = _("逐项%(method)s", method=METHODS[value["method"]])
    if value["over"] == "judge":
        said = _("裁判总分%(method)s", method=METHODS[value["method"]])
    if value["method"] == "trimmed_mean":
        said += _("（去掉 %(high)s 高 %(low)s 低，满 %(least)s 位起）", high=value["drop_high"], low=value["drop_low"],
                  least=value["trim_from"])  # fmt: skip
    return said


def _advance(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return _("全部进入下一环节")
    by = _("本环节") if value["by"] == "stage" else _("累计")
    parts = []
    if value.get("top") is not None:
        parts.append(_("前 %(n)s 名", n=value["top"]))
    if value.get("min") is not None:
        parts.append(_("不低于 %(n)s 分", n=value["min"]))
    return by + _("、").join(parts)


def _requirement(one: Mapping[str, Any]) -> str:
    parts = []
    if one.get("min") is not None:
        parts.append("≥ " + str(one["min"]))
    if one.get("max") is not None:
        parts.append("≤ " + str(one["max"]))
    if "equals" in one:
        value = one["equals"]
        parts.append("= " + (value["decimal"] if isinstance(value, dict) else wording.yes_no(value)))
    return f"{wording.attribute(one['attribute'])} {' '.join(parts)}".strip()


def _record(what: str, record: Any, names: Names | None) -> str:
    """A record that came or went, short."""
    if record is None:
        return ""
    if what == "rule":
        found, _problems = parse_rules([record])
        return str(describe(found[0], names)) if found else str(record)
    if what == "criterion" and record.get("max") is not None:
        return _("满分 %(max)s，%(kind)s", max=record["max"], kind=WORDS["kind"][record["kind"]])
    if what == "prize":
        return _("名额 %(n)s", n=record["count"]) if "count" in record else wording.share(Decimal(record["share"]))
    return str(record["title"])


def eligibility_words(listed: list[Any], names: Names | None = None) -> list[str]:
    """The eligibility rules of a track in sentences."""
    found, _problems = parse_rules(listed)
    return [str(describe(rule, names)) for rule in found]


def label(row: Tree) -> str:
    """Who a row of the effects is about: a number while names are hidden."""
    if row["number"] is not None:
        return _("%(number)s 号", number=row["number"])
    return f"{row['title']}（{row['entry']}）"


def direction(row: Tree) -> str:
    """Whether a rank goes up or down, "" where it does neither."""
    old, new = row["rank"]
    if old is None or new is None or old == new:
        return ""
    return "up" if new < old else "down"
