"""The rules of eligibility: what each asks, and how it is said in a sentence (`eligibility_reading`: their JSON).

A rule is a JSON object with its `kind`; `groups` limits it to entries of these groups (absent: all). The kinds:

    {"kind": "age", "min": 16, "max": 60 | {"male": 62, "female": 57}, "on": "2026-05-01"}
    {"kind": "work_months", "min": 12, "on": "2026-05-01"}
    {"kind": "unit", "kinds": ["enterprise"], "flags": ["all_staff"], "within": "huancui"}
    {"kind": "group", "allowed": ["worker", "student"]}
    {"kind": "level", "min": "senior", "max": "chief"}
    {"kind": "earlier_honour", "holders": "not" | "only", "honours": ["威海市技术能手"]}
    {"kind": "one_entry", "scope": "contest" | "track"}
    {"kind": "quota"}

Kept in `Track.eligibility`, part of the rule pack. `kinds` of units, their `flags`, groups and honours are words of
others; what they may be is checked where they are known (`groups` of the contest by its editor).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Final, Literal

from flask_babel import lazy_gettext as _l

Words = Any
"""A sentence that is put into the reader's language when it is shown (`str()` of it)."""

LEVELS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "apprentice": _l("学徒工"),
        "junior": _l("初级工"),
        "intermediate": _l("中级工"),
        "senior": _l("高级工"),
        "technician": _l("技师"),
        "senior_technician": _l("高级技师"),
        "special_technician": _l("特级技师"),
        "chief_technician": _l("首席技师"),
    }
)
"""The eight levels of a skilled worker (新八级工), lowest first."""
SEXES: Final = ("male", "female")
SEX_TITLES: Final[Mapping[str, Words]] = MappingProxyType({"male": _l("男"), "female": _l("女")})
MAX_AGE: Final = 150


@dataclass(frozen=True, slots=True)
class Age:
    """Completed years on a day; `most` by sex where the limit is the legal age of retirement."""

    least: int | None = None
    most: int | Mapping[str, int] | None = field(default=None, hash=False)
    on: date | None = None
    groups: tuple[str, ...] = ()
    kind: Literal["age"] = "age"


@dataclass(frozen=True, slots=True)
class WorkMonths:
    """Whole months of local work or study since a day the person names."""

    least: int
    on: date | None = None
    groups: tuple[str, ...] = ()
    kind: Literal["work_months"] = "work_months"


@dataclass(frozen=True, slots=True)
class Unit:
    """The recommending unit: of one of these kinds, with one of these flags, in a given unit's subtree."""

    kinds: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    within: str | None = None
    groups: tuple[str, ...] = ()
    kind: Literal["unit"] = "unit"


@dataclass(frozen=True, slots=True)
class Group:
    """The entry's group is one of these. (Its own `groups` stays empty.)"""

    allowed: tuple[str, ...]
    groups: tuple[str, ...] = ()
    kind: Literal["group"] = "group"


@dataclass(frozen=True, slots=True)
class Level:
    """A certificate of a skill level, between these two, both counted in."""

    least: str | None = None
    most: str | None = None
    groups: tuple[str, ...] = ()
    kind: Literal["level"] = "level"


@dataclass(frozen=True, slots=True)
class EarlierHonour:
    """`holders` not: nobody who has one of these honours; only: nobody who has none of them."""

    holders: Literal["not", "only"]
    honours: tuple[str, ...]
    groups: tuple[str, ...] = ()
    kind: Literal["earlier_honour"] = "earlier_honour"


@dataclass(frozen=True, slots=True)
class OneEntry:
    """One person, one entry: of the track, or of the whole contest."""

    scope: Literal["contest", "track"]
    groups: tuple[str, ...] = ()
    kind: Literal["one_entry"] = "one_entry"


@dataclass(frozen=True, slots=True)
class Quota:
    """No more entries of a unit in the track than it was granted places."""

    groups: tuple[str, ...] = ()
    kind: Literal["quota"] = "quota"


Rule = Age | WorkMonths | Unit | Group | Level | EarlierHonour | OneEntry | Quota

OF_A_PERSON: Final = (Age, WorkMonths, Level, EarlierHonour, OneEntry)
"""Kinds that are asked of each member; the others are asked of the entry once."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list inside a sentence, put together when it is shown."""

    words: tuple[Words, ...]

    def __str__(self) -> str:
        return str(_l("、")).join(str(word) for word in self.words)


@dataclass(frozen=True, slots=True)
class Names:
    """Titles of codes, where the caller knows them; a code without one stands for itself."""

    groups: Mapping[str, Words] = field(default_factory=dict)
    units: Mapping[str, Words] = field(default_factory=dict)
    kinds: Mapping[str, Words] = field(default_factory=dict)
    flags: Mapping[str, Words] = field(default_factory=dict)

    def listed(self, titles: Mapping[str, Words], codes: Sequence[str]) -> Words:
        """Codes by their titles, one after another."""
        words = [titles.get(code, code) for code in codes]
        return Listed(tuple(words))


def day_words(day: date) -> Words:
    """A day in a sentence."""
    return _l("%(year)s 年 %(month)s 月 %(day)s 日", year=day.year, month=day.month, day=day.day)


def describe(rule: Rule, names: Names | None = None) -> Words:
    """The rule in one sentence, for public pages and the editor."""
    titles = names or Names()
    sentence = _describe(rule, titles)
    if not rule.groups:
        return sentence
    return _l("%(groups)s：%(rule)s", groups=titles.listed(titles.groups, rule.groups), rule=sentence)


def _describe(rule: Rule, names: Names) -> Words:
    if isinstance(rule, Age):
        return _describe_age(rule)
    if isinstance(rule, WorkMonths):
        if rule.on is None:
            return _l("在本地工作（学习）满 %(least)s 个月。", least=rule.least)
        return _l("到%(on)s在本地工作（学习）满 %(least)s 个月。", on=day_words(rule.on), least=rule.least)
    if isinstance(rule, Unit):
        return _describe_unit(rule, names)
    if isinstance(rule, Group):
        return _l("参赛组别：%(groups)s。", groups=names.listed(names.groups, rule.allowed))
    if isinstance(rule, Level):
        if rule.least is not None and rule.most is not None:
            return _l("职业技能等级从%(least)s到%(most)s。", least=LEVELS[rule.least], most=LEVELS[rule.most])
        if rule.least is not None:
            return _l("职业技能等级须达到%(least)s或以上。", least=LEVELS[rule.least])
        return _l("职业技能等级不高于%(most)s。", most=LEVELS[rule.most or ""])
    if isinstance(rule, EarlierHonour):
        honours = Listed(rule.honours)
        if rule.holders == "not":
            return _l("已获得%(honours)s的不再参加。", honours=honours)
        return _l("须获得过以下称号之一：%(honours)s。", honours=honours)
    if isinstance(rule, OneEntry):
        return _l("每人在这项赛事只能报一项。") if rule.scope == "contest" else _l("每人在这个赛项只能报一次。")
    return _l("每个单位按批准的名额推荐。")


def _describe_age(rule: Age) -> Words:
    on = _l("报名截止时") if rule.on is None else _l("到%(on)s", on=day_words(rule.on))
    if isinstance(rule.most, Mapping):
        male, female = rule.most["male"], rule.most["female"]
        if rule.least is None:
            return _l("%(on)s男不超过 %(male)s 周岁、女不超过 %(female)s 周岁。", on=on, male=male, female=female)
        return _l(
            "%(on)s年满 %(least)s 周岁，男不超过 %(male)s 周岁、女不超过 %(female)s 周岁。",
            on=on, least=rule.least, male=male, female=female,
        )  # fmt: skip
    if rule.least is not None and rule.most is not None:
        return _l("%(on)s年满 %(least)s 周岁、不超过 %(most)s 周岁。", on=on, least=rule.least, most=rule.most)
    if rule.least is not None:
        return _l("%(on)s年满 %(least)s 周岁。", on=on, least=rule.least)
    return _l("%(on)s不超过 %(most)s 周岁。", on=on, most=rule.most)


def _describe_unit(rule: Unit, names: Names) -> Words:
    parts: list[Words] = []
    if rule.within is not None:
        parts.append(_l("在%(top)s之内", top=names.units.get(rule.within, rule.within)))
    if rule.kinds:
        parts.append(_l("属于%(kinds)s", kinds=names.listed(names.kinds, rule.kinds)))
    if rule.flags:
        parts.append(_l("登记为%(flags)s", flags=names.listed(names.flags, rule.flags)))
    return _l("推荐单位须%(parts)s。", parts=Listed(tuple(parts)))
