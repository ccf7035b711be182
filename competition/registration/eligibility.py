"""Who may take part: the rules of `eligibility_rules` checked purely, with a sentence for each one that is not met.

A fact that is not known is a failure that says what to fill in, never a silent pass. Ages and months are whole ones
that are completed on the day itself; a period that began on a day which its last month lacks ends with that month
(民法典 202). No clock, no database: the day is an argument.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from flask_babel import lazy_gettext as _l

from competition.registration.eligibility_reading import Problem, parse_rules, put_rules
from competition.registration.eligibility_rules import (
    LEVELS,
    OF_A_PERSON,
    SEXES,
    Age,
    EarlierHonour,
    Group,
    Level,
    Names,
    OneEntry,
    Quota,
    Rule,
    Unit,
    Words,
    WorkMonths,
    day_words,
    describe,
)

__all__ = [
    "LEVELS", "ApplicantFacts", "EntryFacts", "Failure", "Names", "OtherEntry", "Problem", "Rule", "UnitFacts",
    "add_months", "check", "describe", "parse_rules", "put_rules", "whole_months", "whole_years",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """`line` holds the codes of the unit and of all above it."""

    code: str
    name: str
    kind: str
    flags: frozenset[str] = frozenset()
    line: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherEntry:
    """Another registration in the same contest that takes the person's place."""

    number: str
    same_track: bool


@dataclass(frozen=True, slots=True)
class ApplicantFacts:
    """What is known of one member; None: not known. `honours` empty: said to have none."""

    name: str = ""
    birth_date: date | None = None
    sex: str | None = None
    work_since: date | None = None
    level: str | None = None
    honours: frozenset[str] | None = None
    others: tuple[OtherEntry, ...] | None = None


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What is known of the entry: `granted` places of its unit in the track, `taken` by others of it."""

    group: str = ""
    unit: UnitFacts | None = None
    granted: int | None = None
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that is not met: what is missing and what to do, beside which field, of which member (by place).

    `unknown`: the fact is not there yet. `stops`: submitting already, or only the unit's confirmation (a unit may
    choose among more applicants than it has places).
    """

    rule: str
    sentence: Words
    field: str
    person: int | None = None
    name: str = ""
    unknown: bool = False
    stops: Literal["submit", "confirm"] = "submit"

    def as_dict(self) -> dict[str, Any]:
        """As it is stored with a review step and sent to the page."""
        return {
            "rule": self.rule,
            "sentence": str(self.sentence),
            "field": self.field,
            "person": self.person,
            "name": self.name,
            "unknown": self.unknown,
            "stops": self.stops,
        }


def add_months(day: date, months: int) -> date:
    """The same day so many months later (or before); the month's last day where it lacks that day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def whole_months(since: date, on: date) -> int:
    """The completed months from `since` to `on`; negative where `on` comes first."""
    months = (on.year - since.year) * 12 + on.month - since.month
    return months if add_months(since, months) <= on else months - 1


def whole_years(since: date, on: date) -> int:
    """The completed years, which is an age: full on the birthday itself, on 28 February for those born on the 29th."""
    return whole_months(since, on) // 12


def check(
    rules: Sequence[Rule], people: Sequence[ApplicantFacts], entry: EntryFacts, today: date, names: Names | None = None
) -> list[Failure]:
    """What is not met, in the order of the rules and, within one, of the members. `today` is for rules without a date.

    Without members every rule about a person fails for want of one. `names` gives codes their titles in sentences.
    """
    titles = names or Names()
    failures: list[Failure] = []
    for rule in rules:
        if rule.groups and not entry.group:
            # Whether it is asked depends on the group, so the group comes first; once is enough.
            if not any(failure.rule == "group" for failure in failures):
                failures.append(Failure("group", _l("请先选择组别，各组的参赛条件不同。"), "group", unknown=True))
            continue
        if rule.groups and entry.group not in rule.groups:
            continue
        if not isinstance(rule, OF_A_PERSON):
            failures += _check_entry(rule, entry, titles)
        elif not people:
            failures.append(Failure(rule.kind, _l("还没有参赛成员：请先填写参赛成员。"), "people", unknown=True))
        else:
            for place, person in enumerate(people):
                failures += [
                    Failure(rule.kind, sentence, where, place, person.name, unknown)
                    for sentence, where, unknown in _check_person(rule, person, rule_day(rule, today))
                ]
    return failures


def rule_day(rule: Rule, today: date) -> date:
    """The day on which the rule is asked."""
    return (rule.on if isinstance(rule, Age | WorkMonths) else None) or today


Finding = tuple[Words, str, bool]
"""Sentence, field, whether the fact is unknown."""


def _check_person(rule: Rule, person: ApplicantFacts, day: date) -> list[Finding]:
    if isinstance(rule, Age):
        return _check_age(rule, person, day)
    if isinstance(rule, WorkMonths):
        return _check_work(rule, person, day)
    if isinstance(rule, Level):
        return _check_level(rule, person)
    if isinstance(rule, EarlierHonour):
        return _check_honour(rule, person)
    assert isinstance(rule, OneEntry)
    return _check_one_entry(rule, person)


def _check_age(rule: Age, person: ApplicantFacts, day: date) -> list[Finding]:
    if person.birth_date is None:
        return [(_l("请填写出生日期，参赛年龄按它核对。"), "birth_date", True)]
    age, on = whole_years(person.birth_date, day), day_words(day)
    if person.birth_date > day:
        return [(_l("出生日期晚于%(on)s，请改正。", on=on), "birth_date", False)]
    if rule.least is not None and age < rule.least:
        words = _l(
            "到%(on)s满 %(age)s 周岁，须年满 %(least)s 周岁（%(start)s起）。出生日期有误请改正。",
            on=on, age=age, least=rule.least, start=day_words(add_months(person.birth_date, rule.least * 12)),
        )  # fmt: skip
        return [(words, "birth_date", False)]
    most = rule.most
    if isinstance(most, Mapping):
        if person.sex not in SEXES:
            return [(_l("请填写性别，这项参赛年龄上限按性别规定。"), "sex", True)]
        most = most.get(str(person.sex))
    if most is not None and age > most:
        words = _l("到%(on)s已满 %(age)s 周岁，不能超过 %(most)s 周岁。出生日期有误请改正。", on=on, age=age, most=most)
        return [(words, "birth_date", False)]
    return []


def _check_work(rule: WorkMonths, person: ApplicantFacts, day: date) -> list[Finding]:
    if person.work_since is None:
        return [(_l("请填写从哪天起在本地工作（学习），须满 %(least)s 个月。", least=rule.least), "work_since", True)]
    months = whole_months(person.work_since, day)
    if months >= rule.least:
        return []
    if person.work_since > day:
        return [(_l("在本地工作（学习）的开始日期晚于%(on)s，请改正。", on=day_words(day)), "work_since", False)]
    words = _l(
        "到%(on)s在本地工作（学习）满 %(months)s 个月，须满 %(least)s 个月，还差 %(more)s 个月。开始日期有误请改正。",
        on=day_words(day), months=months, least=rule.least, more=rule.least - months,
    )  # fmt: skip
    return [(words, "work_since", False)]


def _check_level(rule: Level, person: ApplicantFacts) -> list[Finding]:
    if person.level is None or person.level not in LEVELS:
        return [(_l("请选择现有的职业技能等级，没有证书的选“学徒工”。"), "skill_level", True)]
    order = list(LEVELS)
    at, has = order.index(person.level), LEVELS[person.level]
    if rule.least is not None and at < order.index(rule.least):
        words = _l(
            "现有等级是%(has)s，须达到%(least)s或以上。已取得更高证书的，请改填等级。",
            has=has,
            least=LEVELS[rule.least],
        )
        return [(words, "skill_level", False)]
    if rule.most is not None and at > order.index(rule.most):
        words = _l("现有等级是%(has)s，这个赛项只收%(most)s及以下，请改报别的赛项。", has=has, most=LEVELS[rule.most])
        return [(words, "skill_level", False)]
    return []


def _check_honour(rule: EarlierHonour, person: ApplicantFacts) -> list[Finding]:
    named = Names().listed({}, rule.honours)
    if person.honours is None:
        return [(_l("请填写是否获得过以下称号：%(honours)s；没有的填“无”。", honours=named), "honours", True)]
    held = [honour for honour in rule.honours if honour in person.honours]
    if rule.holders == "not" and held:
        words = _l("已获得%(held)s的不再参加这个赛项，请改报别的赛项。", held=Names().listed({}, held))
        return [(words, "honours", False)]
    if rule.holders == "only" and not held:
        return [(_l("须获得过以下称号之一：%(honours)s。漏填的请补上。", honours=named), "honours", False)]
    return []


def _check_one_entry(rule: OneEntry, person: ApplicantFacts) -> list[Finding]:
    if person.others is None:
        return [(_l("还不能核对这位成员是否已报别的项目：请本人登录并加入报名。"), "people", True)]
    near = [other for other in person.others if rule.scope == "contest" or other.same_track]
    if not near:
        return []
    numbers = Names().listed({}, [other.number for other in near])
    if rule.scope == "contest":
        words = _l("每人在这项赛事只能报一项，已有报名 %(numbers)s：请先撤回其中一项。", numbers=numbers)
    else:
        words = _l("每人在这个赛项只能报一次，已有报名 %(numbers)s：请先撤回其中一项。", numbers=numbers)
    return [(words, "people", False)]


def _check_entry(rule: Rule, entry: EntryFacts, names: Names) -> list[Failure]:
    if isinstance(rule, Group):
        return _check_group(rule, entry, names)
    if isinstance(rule, Unit):
        return _check_unit(rule, entry, names)
    assert isinstance(rule, Quota)
    if entry.unit is None:
        return [Failure("quota", _l("请选择推荐单位，名额按单位核对。"), "unit", unknown=True, stops="confirm")]
    if entry.granted is None:
        words = _l("%(unit)s在这个赛项还没有名额：请单位先申请，批准后才能推荐。", unit=entry.unit.name)
        return [Failure("quota", words, "unit", unknown=True, stops="confirm")]
    if entry.taken >= entry.granted:
        words = _l(
            "%(unit)s在这个赛项的 %(granted)s 个名额已推荐满，是否推荐由单位决定；单位可以再申请名额。",
            unit=entry.unit.name, granted=entry.granted,
        )  # fmt: skip
        return [Failure("quota", words, "unit", stops="confirm")]
    return []


def _check_group(rule: Group, entry: EntryFacts, names: Names) -> list[Failure]:
    allowed = names.listed(names.groups, rule.allowed)
    if not entry.group:
        return [Failure("group", _l("请选择组别：%(groups)s。", groups=allowed), "group", unknown=True)]
    if entry.group in rule.allowed:
        return []
    chosen = names.groups.get(entry.group, entry.group)
    words = _l("这个赛项不收%(group)s，请改选：%(groups)s。", group=chosen, groups=allowed)
    return [Failure("group", words, "group")]


def _check_unit(rule: Unit, entry: EntryFacts, names: Names) -> list[Failure]:
    unit = entry.unit
    if unit is None:
        return [Failure("unit", _l("请选择推荐单位。"), "unit", unknown=True)]
    failures = []
    if rule.kinds and unit.kind not in rule.kinds:
        kinds = names.listed(names.kinds, rule.kinds)
        words = _l("%(unit)s不属于这个赛项接收的单位类型（%(kinds)s），请改选。", unit=unit.name, kinds=kinds)
        failures.append(Failure("unit", words, "unit"))
    if rule.flags and not unit.flags.intersection(rule.flags):
        flags = names.listed(names.flags, rule.flags)
        words = _l("%(unit)s没有登记为%(flags)s，请改选，或请单位补登记。", unit=unit.name, flags=flags)
        failures.append(Failure("unit", words, "unit"))
    if rule.within is not None and rule.within.casefold() not in {code.casefold() for code in unit.line}:
        top = names.units.get(rule.within, rule.within)
        words = _l("%(unit)s不在%(top)s之内，请改选那里的单位。", unit=unit.name, top=top)
        failures.append(Failure("unit", words, "unit"))
    return failures
