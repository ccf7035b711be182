"""The rules of eligibility as JSON: read with every problem named, and written back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from flask_babel import lazy_gettext as _l

from competition.registration.eligibility_rules import (
    LEVELS,
    MAX_AGE,
    SEXES,
    Age,
    EarlierHonour,
    Group,
    Level,
    Listed,
    OneEntry,
    Quota,
    Rule,
    Unit,
    Words,
    WorkMonths,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a list of rules: where (`0.min`: the first rule's `min`), and what to write instead."""

    where: str
    sentence: Words


def parse_rules(value: Any) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules of a JSON list, and every problem in it. A rule with a problem is not among the rules."""
    if not isinstance(value, list):
        return (), (Problem("", _l("参赛条件须是一个列表。")),)
    rules: list[Rule] = []
    problems: list[Problem] = []
    for place, one in enumerate(value):
        reader = _Reader(str(place), one if isinstance(one, Mapping) else {})
        if not isinstance(one, Mapping):
            reader.problem("", _l("每条参赛条件须是一个对象。"))
        elif one.get("kind") not in KINDS:
            reader.problem("kind", _l("没有这一种参赛条件，可用：%(kinds)s。", kinds=Listed(tuple(KINDS))))
        else:
            rule = _READERS[str(one["kind"])](reader)
            reader.nothing_else()
            if rule is not None and not reader.problems:
                rules.append(rule)
        problems += reader.problems
    return tuple(rules), tuple(problems)


def put_rules(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """The JSON of rules, with what says nothing left out; `parse_rules` gives the same rules back."""
    return [_put(rule) for rule in rules]


def _put(rule: Rule) -> dict[str, Any]:
    put: dict[str, Any] = {"kind": rule.kind}
    if isinstance(rule, Age):
        most = dict(rule.most) if isinstance(rule.most, Mapping) else rule.most
        put |= {"min": rule.least, "max": most, "on": rule.on and rule.on.isoformat()}
    elif isinstance(rule, WorkMonths):
        put |= {"min": rule.least, "on": rule.on and rule.on.isoformat()}
    elif isinstance(rule, Unit):
        put |= {"kinds": list(rule.kinds), "flags": list(rule.flags), "within": rule.within}
    elif isinstance(rule, Group):
        put |= {"allowed": list(rule.allowed)}
    elif isinstance(rule, Level):
        put |= {"min": rule.least, "max": rule.most}
    elif isinstance(rule, EarlierHonour):
        put |= {"holders": rule.holders, "honours": list(rule.honours)}
    elif isinstance(rule, OneEntry):
        put |= {"scope": rule.scope}
    put["groups"] = list(rule.groups)
    return {key: value for key, value in put.items() if value is not None and value != []}


class _Reader:
    """One rule's object: takes its keys by kind of value, and notes what is wrong with each."""

    def __init__(self, place: str, value: Mapping[str, Any]) -> None:
        self.place, self.value = place, value
        self.seen = {"kind"}
        self.problems: list[Problem] = []

    def problem(self, key: str, sentence: Words) -> None:
        self.problems.append(Problem(f"{self.place}.{key}" if key else self.place, sentence))

    def raw(self, key: str) -> Any:
        self.seen.add(key)
        return self.value.get(key)

    def whole(self, key: str, value: Any, most: int) -> int | None:
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            return value
        self.problem(key, _l("须是 0 到 %(most)s 之间的整数。", most=most))
        return None

    def day(self) -> date | None:
        value = self.raw("on")
        if value is None:
            return None
        try:
            # Other forms of ISO 8601 (weeks, no dashes) are read by date.fromisoformat and by nobody else.
            if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.problem("on", _l("须是日期，如 2026-05-01。"))
        return None

    def words(self, key: str, known: Sequence[str] = ()) -> tuple[str, ...]:
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            self.problem(key, _l("须是文字的列表。"))
            return ()
        if unknown := [word for word in value if known and word not in known]:
            self.problem(key, _l("不认识：%(words)s。", words=Listed(tuple(unknown))))
        return tuple(dict.fromkeys(value))

    def word(self, key: str, known: Sequence[str] = ()) -> str | None:
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, str) and value.strip() and (not known or value in known):
            return value
        if known:
            self.problem(key, _l("须是其中之一：%(words)s。", words=Listed(tuple(known))))
        else:
            self.problem(key, _l("须是文字。"))
        return None

    def nothing_else(self) -> None:
        for key in self.value:
            if key not in self.seen:
                self.problem(str(key), _l("不认识这一项。"))

    def groups(self) -> tuple[str, ...]:
        return self.words("groups")


def _read_age(reader: _Reader) -> Rule | None:
    least, value = reader.whole("min", reader.raw("min"), MAX_AGE), reader.raw("max")
    most: int | Mapping[str, int] | None
    if isinstance(value, Mapping):
        by_sex = {sex: reader.whole("max", value.get(sex), MAX_AGE) for sex in SEXES}
        if set(value) != set(SEXES) or None in by_sex.values():
            reader.problem("max", _l("按性别规定时，须写明 male 和 female 两个年龄。"))
        most = MappingProxyType({sex: years or 0 for sex, years in by_sex.items()})
        highest = max(most.values())
    else:
        most = highest = reader.whole("max", value, MAX_AGE)  # type: ignore[assignment]
    if least is None and value is None:
        reader.problem("min", _l("须写明最低或最高年龄。"))
    if least is not None and most is not None and highest < least:
        reader.problem("max", _l("最高年龄低于最低年龄。"))
    return Age(least, most, reader.day(), reader.groups())


def _read_work(reader: _Reader) -> Rule | None:
    least = reader.whole("min", reader.raw("min"), MAX_AGE * 12)
    if least is None and reader.value.get("min") is None:
        reader.problem("min", _l("须写明至少多少个月。"))
    return WorkMonths(least or 0, reader.day(), reader.groups())


def _read_unit(reader: _Reader) -> Rule | None:
    rule = Unit(reader.words("kinds"), reader.words("flags"), reader.word("within"), reader.groups())
    if not (rule.kinds or rule.flags or rule.within):
        reader.problem("kinds", _l("须写明单位类型、标记或所在单位之一。"))
    return rule


def _read_group(reader: _Reader) -> Rule | None:
    allowed = reader.words("allowed")
    if not allowed:
        reader.problem("allowed", _l("须写明至少一个组别。"))
    return Group(allowed)


def _read_level(reader: _Reader) -> Rule | None:
    levels = list(LEVELS)
    least, most = reader.word("min", levels), reader.word("max", levels)
    if least is None and most is None:
        reader.problem("min", _l("须写明最低或最高等级。"))
    if least is not None and most is not None and levels.index(most) < levels.index(least):
        reader.problem("max", _l("最高等级低于最低等级。"))
    return Level(least, most, reader.groups())


def _read_honour(reader: _Reader) -> Rule | None:
    holders, honours = reader.word("holders", ("not", "only")), reader.words("honours")
    if reader.value.get("holders") is None:
        reader.problem("holders", _l("须写明 not（已获得的不收）或 only（只收已获得的）。"))
    if not honours:
        reader.problem("honours", _l("须写明至少一个称号。"))
    return EarlierHonour("only" if holders == "only" else "not", honours, reader.groups())


def _read_one_entry(reader: _Reader) -> Rule | None:
    scope = reader.word("scope", ("contest", "track"))
    if reader.value.get("scope") is None:
        reader.problem("scope", _l("须写明 contest（整项赛事）或 track（这个赛项）。"))
    return OneEntry("contest" if scope == "contest" else "track", reader.groups())


def _read_quota(reader: _Reader) -> Rule | None:
    return Quota(reader.groups())


_READERS: Final[Mapping[str, Callable[[_Reader], Rule | None]]] = MappingProxyType(
    {
        "age": _read_age,
        "work_months": _read_work,
        "unit": _read_unit,
        "group": _read_group,
        "level": _read_level,
        "earlier_honour": _read_honour,
        "one_entry": _read_one_entry,
        "quota": _read_quota,
    }
)
KINDS: Final = tuple(_READERS)
