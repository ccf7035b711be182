"""The sections of the editor about what decides: tracks, stages, ranking and prizes, team points."""

from __future__ import annotations

from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from competition.contests import entrants
from competition.contests.rules import ATTEMPTS, METHODS, NORMALISES
from competition.pages import editor_rules as rules
from competition.pages.editor_fields import Field, Rows
from competition.pages.editor_sections import CODE, YES_NO, Section

ROUNDINGS: Final = (("half_up", _l("四舍五入")), ("half_even", _l("四舍六入五成双")))
OVERS: Final = (("judge", _l("先算每位裁判总分")), ("criterion", _l("逐项先合各裁判")))
CUT_BY: Final = (("total", _l("累计总分")), ("stage", _l("本环节成绩")))
SHARE_ROUNDS: Final = (("up", _l("进一")), ("down", _l("舍去")), ("half_up", _l("四舍五入")))
LAST_TIES: Final = (("extend", _l("都给")), ("pass", _l("都不给")))
METHOD_TITLES: Final = {"mean": _l("平均分"), "trimmed_mean": _l("去掉最高最低分后平均"), "median": _l("中位数")}
ATTEMPT_TITLES: Final = {
    "best": _l("取最高一轮"),
    "last": _l("取最后一轮"),
    "mean": _l("各轮平均"),
    "sum": _l("各轮相加"),
}
NORMALISE_TITLES: Final = {
    "none": _l("不换算"),
    "panel_ratio": _l("按组平均分换算（二次平均法）"),
    "panel_zscore": _l("按组标准分换算"),
    "judge_zscore": _l("按裁判标准分换算"),
}
METHOD_CHOICES: Final = tuple((one, METHOD_TITLES[one]) for one in METHODS)
ATTEMPT_CHOICES: Final = tuple((one, ATTEMPT_TITLES[one]) for one in ATTEMPTS)
NORMALISE_CHOICES: Final = tuple((one, NORMALISE_TITLES[one]) for one in NORMALISES)
RULES: Final = (
    Section(
        "tracks",
        _l("赛项与参赛者"),
        _l("一个工种或一个方向是一个赛项，各有自己的评分、名次和奖次。"),
        (
            Rows(
                "tracks",
                _l("赛项"),
                _l("赛项"),
                (
                    CODE,
                    Field("title", _l("名称"), size=6, most=60, required=True),
                    Field("occupation", _l("职业（工种）"), "occupation", size=4, most=60),
                    Field("occupation_code", _l("职业编码"), size=2, most=12, help=_l("如 6-18-02-04")),
                    Field("kind", _l("参赛形式"), "choice", tuple(entrants.KINDS.items()), size=3, blank="individual"),
                    Field("min", _l("团队最少"), "number", size=2, when=("team", "either")),
                    Field("max", _l("团队最多"), "number", size=2, when=("team", "either")),
                    Field("advisers", _l("指导教师最多"), "number", size=2, blank="0"),
                    Field("blind", _l("匿名评审"), "choice", YES_NO, size=3, blank="1"),
                    Field("groups", _l("收哪些组别"), "several", "groups", help=_l("都不选则都收")),
                ),
            ),
        ),
        rules.read_tracks,
        rules.save_tracks,
        lambda state: [] if state["tracks"] else [_("还没有赛项")],
        rules=True,
    ),
    Section(
        "stages",
        _l("环节"),
        _l("理论、实操、初赛、决赛……按先后排列；权重之和一般为 1。"),
        (
            Rows(
                "stages",
                _l("环节"),
                _l("环节"),
                (
                    CODE,
                    Field("title", _l("名称"), size=5, most=60, required=True),
                    Field("weight", _l("权重"), "number", size=2, blank="1", help=_l("如 0.7")),
                    Field("places", _l("小数位"), "number", size=2, blank="2"),
                    Field("rounding", _l("舍入"), "choice", ROUNDINGS, size=3),
                    Field(
                        "over",
                        _l("先怎么合"),
                        "choice",
                        OVERS,
                        size=4,
                    ),
                    Field(
                        "method",
                        _l("裁判分怎么合"),
                        "choice",
                        METHOD_CHOICES,
                        size=4,
                    ),
                    Field(
                        "normalise",
                        _l("宽严换算"),
                        "choice",
                        NORMALISE_CHOICES,
                        size=4,
                    ),
                    Field("drop_high", _l("去最高分几个"), "number", size=4),
                    Field("drop_low", _l("去最低分几个"), "number", size=4),
                    Field("trim_from", _l("裁判满几位才去"), "number", size=4),
                    Field("attempt_count", _l("轮数"), "number", size=3, blank="1"),
                    Field(
                        "attempts",
                        _l("多轮怎么取"),
                        "choice",
                        ATTEMPT_CHOICES,
                        size=3,
                    ),
                    Field("top", _l("前几名晋级"), "number", size=2, help=_l("空：都晋级")),
                    Field("min", _l("最低晋级分"), "number", size=2),
                    Field("by", _l("晋级看"), "choice", CUT_BY, size=2),
                ),
            ),
        ),
        rules.read_stages,
        rules.save_stages,
        rules=True,
        per_track=True,
    ),
    Section(
        "ranking",
        _l("名次与奖次"),
        _l("总分相同怎么分先后，奖次怎么给。下面可以用示例评分试算。"),
        (
            Field("places", _l("总分小数位"), "number", size=4),
            Field("rounding", _l("舍入"), "choice", ROUNDINGS, size=4),
            Field("ties", _l("并列名次"), "choice", (("shared", "1, 2, 2, 4"), ("dense", "1, 2, 2, 3")), size=4),
            Rows("keys", _l("总分相同时依次比"), _l("依据"), (Field("key", _l("依据"), "choice", "tie_keys"),)),
            Rows(
                "prizes",
                _l("奖次（从高到低）"),
                _l("奖次"),
                (
                    CODE,
                    Field("title", _l("名称"), size=4, most=40, required=True),
                    Field("count", _l("名额"), "number", size=2),
                    Field("share", _l("或比例"), "number", size=2, help=_l("如 0.1")),
                    Field("min_score", _l("不低于"), "number", size=2),
                    Field(
                        "round",
                        _l("比例取整"),
                        "choice",
                        SHARE_ROUNDS,
                        size=2,
                    ),
                    Field("ties", _l("末位并列"), "choice", LAST_TIES, size=3),
                ),
            ),
        ),
        rules.read_ranking,
        rules.save_ranking,
        lambda state: [] if state["prizes"] else [_("还没有奖次")],
        rules=True,
        per_track=True,
        template="editor/ranking.html",
    ),
    Section(
        "teams",
        _l("团体总分"),
        _l("按名次给选手所在单位加分，排出团体名次。"),
        (
            Field("on", _l("计团体总分"), "choice", (("", _l("否")), ("1", _l("是"))), size=4),
            Field("points", _l("第 1、2、3……名各得几分"), size=8, help=_l("如 10 9 8 7 6 5 4 4 4 4")),
            Field("others", _l("其余名次得分"), "number", size=4),
        ),
        rules.read_points,
        rules.save_points,
        rules=True,
    ),
)
