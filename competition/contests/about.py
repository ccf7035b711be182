"""The words a contest is told in: its texts, its label, the parts of its hosts (`Contest.about` and beside it)."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext as _l

TEXTS: Final[dict[str, tuple[Any, int]]] = {
    "theme": (_l("主题"), 60),
    "summary": (_l("一句话介绍"), 200),
    "who": (_l("谁可以参加"), 2000),
    "rules": (_l("竞赛规则"), 8000),
    "awards": (_l("奖励办法"), 4000),
    "contact": (_l("联系方式"), 500),
}
"""Texts of a contest by their key: what they are called, and how many characters they may have."""
KINDS: Final[dict[str, Any]] = {
    "skill": _l("职业技能竞赛"),
    "digital": _l("数字变革创新大赛"),
    "achievement": _l("创新创效成果竞赛"),
    "challenge": _l("揭榜攻关"),
    "suggestion": _l("合理化建议"),
    "practice": _l("岗位练兵"),
}
LEVELS: Final[dict[str, Any]] = {
    "enterprise": _l("企业级"),
    "county": _l("区市级"),
    "city": _l("市级"),
    "province": _l("省级"),
}
LABELS: Final[dict[str, Any]] = {"model": _l("示范性竞赛"), "leading": _l("引领性竞赛")}
PARTS: Final[dict[str, Any]] = {
    "host": _l("主办"),
    "organiser": _l("承办"),
    "co_organiser": _l("协办"),
    "guiding": _l("指导"),
}
"""The parts a unit may have in a contest, in the order in which a notice names them."""
MAX_TAGS: Final = 12
USUAL_GROUPS: Final[tuple[tuple[str, str], ...]] = (
    ("worker", "职工组"),
    ("student", "学生组"),
    ("platform", "新就业形态组"),
)
"""Groups that a new contest starts with; they are names that the organiser may change."""


def tags_of(text: str) -> list[str]:
    """Tags written one after another, separated by commas, 、 or spaces; each once."""
    for mark in "，、,;；\n\t ":
        text = text.replace(mark, "\n")
    return list(dict.fromkeys(tag for tag in text.split("\n") if tag))
