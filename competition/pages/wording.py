"""Rules, phases and reasons in plain words."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from competition.contests.about import KINDS as KINDS
from competition.contests.about import LEVELS as LEVELS
from competition.contests.rules import Criterion, Prize, Stage, Track, leaves_of
from competition.recommendation.rules import Line, Nomination

PHASES = {
    "draft": _l("筹备"),
    "registration": _l("报名"),
    "draw": _l("抽签"),
    "scoring": _l("评分"),
    "review": _l("复核"),
    "notice": _l("公示"),
    "final": _l("公布"),
    "archived": _l("归档"),
}
NOW = {
    "draft": _l("筹备中"),
    "registration": _l("报名中"),
    "draw": _l("抽签"),
    "scoring": _l("评分中"),
    "review": _l("成绩复核中"),
    "notice": _l("公示中"),
    "final": _l("结果已公布"),
    "archived": _l("已归档"),
}
STEPS = ("registration", "draw", "scoring", "review", "notice", "final")
STANDINGS = {"provisional": _l("暂定成绩"), "reviewed": _l("已复核"), "notice": _l("公示中"), "final": _l("最终结果")}
STATUSES = {
    "ranked": _l("有名次"),
    "pending": _l("未评完"),
    "absent": _l("缺席"),
    "withdrawn": _l("退赛"),
    "disqualified": _l("取消资格"),
}
ROLES = {
    "organiser": _l("主办方"),
    "chief": _l("裁判长"),
    "recorder": _l("记录员"),
    "judge": _l("裁判员"),
    "admin": _l("系统管理员"),
}
WINDOWS = {"open": _l("开放评分"), "paused": _l("暂停"), "closed": _l("已关闭")}
REASONS = {
    "kind": _l("本项推荐不收这一类竞赛"),
    "prize": _l("奖次不在推荐范围"),
    "track_cap": _l("本赛项名额已用完"),
    "organisation_cap": _l("本单位名额已用完"),
    "quota": _l("符合条件，名额已满"),
}
VACANCIES = {
    "min_score": _l("未达到最低分"),
    "pass": _l("并列人数超过余下名额"),
    "no_entry": _l("没有更多有名次的参赛者"),
}


def plain(number: Decimal) -> str:
    """A decimal without trailing zeros or an exponent."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(part: Decimal) -> str:
    return plain(part * 100) + "%"


def weight_of(stage: Stage, track: Track) -> str:
    """What the stage counts for: a part of the whole where the weights are parts of 1."""
    if len(track.stages) == 1:
        return ""
    if sum(each.weight for each in track.stages) == 1:
        return _("占 %(share)s", share=share(stage.weight))
    return _("权重 %(weight)s", weight=plain(stage.weight))


def how_scored(stage: Stage) -> list[str]:
    """The arithmetic of a stage, a sentence for each rule that is not the plainest."""
    said = []
    if any(leaf.kind != "measurement" for leaf in stage.leaves):
        said.append(_method(stage))
    if stage.has_measurements:
        said.append(_("测量项由记录员录入一个值，直接计入。"))
    if stage.normalise == "judge_zscore":
        said.append(_("各裁判宽严不同：全部评完后，每位裁判的分数按同一平均水平和离散程度换算。"))
    elif stage.normalise != "none":
        said.append(_("分组评审：全部评完后，各组分数换算到同一水平。"))
    if stage.attempt_count > 1:
        said.append(
            {
                "best": _("共 %(n)s 轮，取最高一轮。", n=stage.attempt_count),
                "last": _("共 %(n)s 轮，取最后一轮。", n=stage.attempt_count),
                "mean": _("共 %(n)s 轮，取各轮平均。", n=stage.attempt_count),
                "sum": _("共 %(n)s 轮，各轮相加。", n=stage.attempt_count),
            }[stage.attempts]
        )
    if stage.advance:
        said.append(_advance(stage))
    return said


def _method(stage: Stage) -> str:
    rule = stage.aggregate
    each = rule.over == "criterion"
    if rule.method == "median":
        return _("逐项取各裁判的中位数，再相加。") if each else _("取各裁判总分的中位数。")
    if rule.method == "trimmed_mean":
        numbers = {"high": rule.drop_high, "low": rule.drop_low, "least": rule.trim_from}
        if each:
            return _(
                "逐项去掉 %(high)s 个最高分和 %(low)s 个最低分取平均，再相加（裁判不足 %(least)s 位时不去）。",
                **numbers,
            )
        return _(
            "各裁判总分去掉 %(high)s 个最高分和 %(low)s 个最低分，取平均（裁判不足 %(least)s 位时不去）。", **numbers
        )
    return _("逐项取各裁判的平均，再相加。") if each else _("取各裁判总分的平均。")


def _advance(stage: Stage) -> str:
    cut = stage.advance
    assert cut is not None
    by = _("本阶段成绩") if cut.by == "stage" else _("累计总分")
    if cut.top and cut.min is not None:
        return _("%(by)s前 %(top)s 名且不低于 %(min)s 分的进入下一阶段。", by=by, top=cut.top, min=plain(cut.min))
    if cut.top:
        return _("%(by)s前 %(top)s 名进入下一阶段，与末位同分的都进。", by=by, top=cut.top)
    return _("%(by)s不低于 %(min)s 分的进入下一阶段。", by=by, min=plain(cut.min or Decimal(0)))


def tie_break(track: Track) -> str:
    """How equal totals are told apart."""
    keys = [tie_key(track, key) for key in track.ranking.tie_break]
    if not keys:
        return _("总分相同的并列。")
    return _("总分相同的，依次比：%(keys)s；仍相同的并列。", keys=_("、").join(keys))


def tie_key(track: Track, key: str) -> str:
    """A tie-break key in words."""
    kind, _colon, rest = key.partition(":")
    code, _slash, leaf = rest.partition("/")
    stage = track.stage(code)
    title = stage.title if stage else code
    if kind == "stage":
        return _("%(stage)s成绩", stage=title)
    if kind == "criterion":
        found = stage.leaf(leaf) if stage else None
        return _("%(stage)s中的“%(criterion)s”", stage=title, criterion=found.title if found else leaf)
    if kind == "elapsed":
        return _("%(stage)s用时（短的在前）", stage=title)
    return _("抽签号（小的在前）")


def prize_words(prize: Prize) -> str:
    """A prize and how many it takes."""
    if prize.count is not None:
        said = ngettext("%(title)s %(num)s 名", "%(title)s %(num)s 名", prize.count, title=prize.title)
    else:
        rounding = {"up": _("进一取整"), "down": _("舍去小数"), "half_up": _("四舍五入")}[prize.round]
        said = _(
            "%(title)s %(share)s（%(rounding)s）",
            title=prize.title,
            share=share(prize.share or Decimal(0)),
            rounding=rounding,
        )
    if prize.min_score is not None:
        said += _("，不低于 %(min)s 分", min=plain(prize.min_score))
    return said


def worth(criterion: Criterion) -> Decimal:
    """The most that a criterion, or all under a heading, can bring."""
    if criterion.heading:
        return sum((worth(child) for child in criterion.criteria), Decimal(0))
    return criterion.top * criterion.factor


def most(stage: Stage) -> Decimal:
    """What the weightiest criterion of a stage can bring: the bar that is full."""
    return max((worth(criterion) for criterion in stage.criteria), default=Decimal(1))


def part(criterion: Criterion, most: Decimal) -> str:
    """The length of a criterion's bar, of 100."""
    return str(round(worth(criterion) / most * 100, 1)) if most else "0"


def leaves(criterion: Criterion) -> list[Criterion]:
    return list(leaves_of((criterion,)))


def step_of(phase: str) -> int:
    """How many steps of the step bar are done."""
    if phase == "draft":
        return -1
    if phase == "archived":
        return len(STEPS)
    return STEPS.index(phase)


def scheme_words(nomination: Nomination) -> str:
    """What the list takes, and how full it is."""
    scheme = nomination.scheme
    taken = len(nomination.of("recommended"))
    said = [
        _("名额 %(taken)s / %(quota)s", taken=taken, quota=scheme.quota)
        if scheme.quota is not None
        else _("推荐 %(taken)s 项，名额不限", taken=taken)
    ]
    if scheme.quota is not None and taken < scheme.quota:
        said.append(_("空缺 %(n)s", n=scheme.quota - taken))
    if scheme.per_track is not None:
        said.append(_("每个赛项至多 %(n)s", n=scheme.per_track))
    if scheme.per_organisation is not None:
        said.append(_("每个单位至多 %(n)s", n=scheme.per_organisation))
    return "·".join(said)


def line_reason(line: Line, prize_title: str) -> str:
    """Why a candidate is on a list, waits or is not on it."""
    if line.decision == "recommended":
        return _("%(prize)s，在名额内", prize=prize_title)
    failed = line.failed
    if line.reason != "eligibility" or failed is None:
        return str(REASONS.get(line.reason or "", ""))
    given = line.candidate.entry.attributes.get(failed.attribute)
    said = _("未填") if given is None else yes_no(given)
    if failed.equals is not None:
        return _(
            "“%(name)s”须为%(wanted)s，现为%(given)s",
            name=attribute(failed.attribute),
            wanted=yes_no(failed.equals),
            given=said,
        )
    if failed.min is not None and failed.max is not None:
        wanted = _("%(min)s 到 %(max)s", min=plain(failed.min), max=plain(failed.max))
    elif failed.min is not None:
        wanted = _("不少于 %(min)s", min=plain(failed.min))
    else:
        wanted = _("不多于 %(max)s", max=plain(failed.max or Decimal(0)))
    return _("“%(name)s”须%(wanted)s，现为%(given)s", name=attribute(failed.attribute), wanted=wanted, given=said)


ATTRIBUTES = {
    "months_in_use": _l("应用月数"),
    "registered": _l("成果登记"),
    "annual_benefit_wan": _l("年效益（万元）"),
    "field": _l("方向"),
}


def attribute(name: str) -> str:
    return str(ATTRIBUTES.get(name, name))


def yes_no(value: object) -> str:
    if value is True:
        return _("是")
    if value is False:
        return _("否")
    return plain(value) if isinstance(value, Decimal) else str(value)
