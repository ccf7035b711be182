"""Who may take part: each kind of rule on both sides of its limit, unknown facts, and the arithmetic of days."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.registration.eligibility import (
    LEVELS,
    ApplicantFacts,
    EntryFacts,
    Failure,
    Names,
    OtherEntry,
    UnitFacts,
    add_months,
    check,
    describe,
    parse_rules,
    put_rules,
    whole_months,
    whole_years,
)
from competition.registration.eligibility_rules import Age, Rule

DAY = date(2026, 5, 1)
UNIT = UnitFacts("ws", "威海造船厂", "enterprise", frozenset({"all_staff"}), ("ws", "huancui", "weihai"))
FACTS = ApplicantFacts(
    "王建国", date(1990, 1, 1), "male", date(2020, 1, 1), "senior", frozenset({"威海市技术能手"}), ()
)
ENTRY = EntryFacts("worker", UNIT, granted=3, taken=1)


def rules_of(*objects: Mapping[str, Any]) -> tuple[Rule, ...]:
    rules, problems = parse_rules([dict(one) for one in objects])
    assert problems == ()
    return rules


def failures(rule: Mapping[str, Any], person: ApplicantFacts = FACTS, entry: EntryFacts = ENTRY) -> list[Failure]:
    return check(rules_of(rule), [person], entry, DAY)


def person(**facts: Any) -> ApplicantFacts:
    known = {name: getattr(FACTS, name) for name in FACTS.__slots__}
    return ApplicantFacts(**{**known, **facts})


def entry(**facts: Any) -> EntryFacts:
    known = {name: getattr(ENTRY, name) for name in ENTRY.__slots__}
    return EntryFacts(**{**known, **facts})


AGE = {"kind": "age", "min": 16, "max": {"male": 60, "female": 55}, "on": "2026-05-01"}
WORK = {"kind": "work_months", "min": 12, "on": "2026-05-01"}


@pytest.mark.parametrize(
    ("born", "sex", "met"),
    [
        (date(2010, 5, 1), "male", True),  # sixteen on the day itself
        (date(2010, 5, 2), "male", False),
        (date(1965, 5, 2), "male", True),  # sixty, and sixty-one tomorrow
        (date(1965, 5, 1), "male", False),
        (date(1970, 5, 2), "female", True),
        (date(1970, 5, 1), "female", False),
        (date(1970, 5, 1), "male", True),
    ],
)
def test_age_on_a_date(born: date, sex: str, met: bool) -> None:
    found = failures(AGE, person(birth_date=born, sex=sex))
    assert (found == []) is met
    assert all(failure.field == "birth_date" and not failure.unknown for failure in found)


def test_an_age_says_what_is_missing_and_from_when() -> None:
    (failure,) = failures(AGE, person(birth_date=date(2010, 5, 2)))
    assert "满 15 周岁" in str(failure.sentence) and "须年满 16 周岁（2026 年 5 月 2 日起）" in str(failure.sentence)
    (failure,) = failures(AGE, person(birth_date=date(1960, 1, 1)))
    assert "已满 66 周岁，不能超过 60 周岁" in str(failure.sentence)
    (failure,) = failures({"kind": "age", "max": 60}, person(birth_date=DAY + timedelta(1)))
    assert "晚于2026 年 5 月 1 日" in str(failure.sentence)


@pytest.mark.parametrize(
    ("since", "months"),
    [
        (date(2025, 5, 1), 12),
        (date(2025, 5, 2), 11),
        (date(2025, 4, 30), 12),
        (date(2026, 5, 1), 0),
        (date(2026, 5, 2), -1),
    ],
)
def test_months_of_work(since: date, months: int) -> None:
    assert whole_months(since, DAY) == months
    assert (failures(WORK, person(work_since=since)) == []) is (months >= 12)


def test_work_says_how_many_months_are_missing() -> None:
    (failure,) = failures(WORK, person(work_since=date(2025, 9, 15)))
    assert "满 7 个月，须满 12 个月，还差 5 个月" in str(failure.sentence)
    (failure,) = failures(WORK, person(work_since=date(2027, 1, 1)))
    assert "晚于" in str(failure.sentence)


@pytest.mark.parametrize(
    ("since", "on", "months"),
    [
        (date(2024, 1, 31), date(2024, 2, 28), 0),
        (date(2024, 1, 31), date(2024, 2, 29), 1),  # February lacks a 31st, so the month ends with its last day
        (date(2025, 1, 31), date(2025, 2, 28), 1),
        (date(2024, 2, 29), date(2025, 2, 27), 11),
        (date(2024, 2, 29), date(2025, 2, 28), 12),
        (date(2024, 2, 29), date(2028, 2, 28), 47),
        (date(2024, 2, 29), date(2028, 2, 29), 48),
        (date(2024, 2, 28), date(2024, 3, 27), 0),
        (date(2025, 12, 31), date(2026, 4, 30), 4),
    ],
)
def test_months_that_lack_the_day(since: date, on: date, months: int) -> None:
    assert whole_months(since, on) == months


@pytest.mark.parametrize(
    ("rule", "unit", "met"),
    [
        ({"kinds": ["enterprise", "school"]}, UNIT, True),
        ({"kinds": ["school"]}, UNIT, False),
        ({"flags": ["sme", "all_staff"]}, UNIT, True),
        ({"flags": ["sme"]}, UNIT, False),
        ({"within": "Huancui"}, UNIT, True),
        ({"within": "ws"}, UNIT, True),
        ({"within": "rongcheng"}, UNIT, False),
        ({"within": "huancui"}, None, False),
    ],
)
def test_the_unit(rule: dict[str, Any], unit: UnitFacts | None, met: bool) -> None:
    found = failures({"kind": "unit", **rule}, entry=entry(unit=unit))
    assert (found == []) is met
    assert all(failure.field == "unit" and failure.unknown is (unit is None) for failure in found)


def test_a_unit_that_fails_in_each_respect_is_told_each() -> None:
    rule = {"kind": "unit", "kinds": ["school"], "flags": ["sme"], "within": "rongcheng"}
    names = Names(units={"rongcheng": "荣成市"}, kinds={"school": "院校"}, flags={"sme": "专精特新"})
    said = " ".join(str(one.sentence) for one in check(rules_of(rule), [], ENTRY, DAY, names))
    assert "院校" in said and "专精特新" in said and "荣成市" in said


def test_the_group() -> None:
    rule = {"kind": "group", "allowed": ["worker", "student"]}
    assert failures(rule) == []
    (failure,) = failures(rule, entry=entry(group="teacher"))
    assert failure.field == "group" and not failure.unknown
    (failure,) = failures(rule, entry=entry(group=""))
    assert failure.unknown


@pytest.mark.parametrize("level", LEVELS)
def test_levels_stand_in_their_order(level: str) -> None:
    order = list(LEVELS)
    assert order[0] == "apprentice" and order[-1] == "chief_technician"
    found = failures({"kind": "level", "min": "senior", "max": "technician"}, person(level=level))
    assert (found == []) is (order.index("senior") <= order.index(level) <= order.index("technician"))


def test_earlier_honours() -> None:
    barred = {"kind": "earlier_honour", "holders": "not", "honours": ["威海市技术能手", "齐鲁首席技师"]}
    wanted = {**barred, "holders": "only"}
    assert "威海市技术能手" in str(failures(barred)[0].sentence) and failures(wanted) == []
    none = person(honours=frozenset())
    assert failures(barred, none) == [] and len(failures(wanted, none)) == 1
    assert failures(barred, person(honours=frozenset({"别的"}))) == []


def test_one_entry_a_person() -> None:
    whole, track = {"kind": "one_entry", "scope": "contest"}, {"kind": "one_entry", "scope": "track"}
    elsewhere = person(others=(OtherEntry("R2345678", same_track=False),))
    assert "R2345678" in str(failures(whole, elsewhere)[0].sentence) and failures(track, elsewhere) == []
    assert len(failures(track, person(others=(OtherEntry("R2345678", same_track=True),)))) == 1


@pytest.mark.parametrize(("granted", "taken", "met"), [(3, 2, True), (3, 3, False), (0, 0, False), (None, 0, False)])
def test_places_of_a_unit_stop_its_confirmation_and_not_the_submission(
    granted: int | None, taken: int, met: bool
) -> None:
    found = failures({"kind": "quota"}, entry=entry(granted=granted, taken=taken))
    assert (found == []) is met
    assert all(failure.stops == "confirm" for failure in found)
    (failure,) = failures({"kind": "quota"}, entry=entry(unit=None))
    assert failure.unknown


ALL: list[dict[str, Any]] = [
    AGE,
    WORK,
    {"kind": "unit", "kinds": ["enterprise"], "flags": ["all_staff"], "within": "huancui"},
    {"kind": "group", "allowed": ["worker"]},
    {"kind": "level", "min": "junior"},
    {"kind": "earlier_honour", "holders": "not", "honours": ["齐鲁首席技师"]},
    {"kind": "one_entry", "scope": "contest"},
    {"kind": "quota"},
]


def test_who_meets_everything_meets_everything() -> None:
    assert check(rules_of(*ALL), [FACTS], ENTRY, DAY) == []


def test_what_is_not_known_fails_and_says_what_to_fill_in() -> None:
    found = check(rules_of(*ALL), [ApplicantFacts("王建国")], EntryFacts(), DAY)
    assert [failure.rule for failure in found] == [rule["kind"] for rule in ALL]
    assert all(failure.unknown for failure in found)
    (failure,) = failures(AGE, person(sex=None))
    assert failure.field == "sex" and failure.unknown


def test_members_are_told_apart_and_none_is_a_failure() -> None:
    young = person(name="李小明", birth_date=date(2012, 1, 1))
    (failure,) = check(rules_of(AGE), [FACTS, young], ENTRY, DAY)
    assert (failure.person, failure.name) == (1, "李小明")
    (failure,) = check(rules_of(WORK), [], ENTRY, DAY)
    assert failure.field == "people"


def test_a_rule_of_other_groups_is_not_asked_but_a_missing_group_is() -> None:
    rule = {**WORK, "groups": ["worker"]}
    newcomer = person(work_since=date(2026, 4, 1))
    assert len(failures(rule, newcomer)) == 1
    assert failures(rule, newcomer, entry(group="student")) == []
    (failure,) = failures(rule, newcomer, entry(group=""))
    assert (failure.rule, failure.field, failure.unknown) == ("group", "group", True)


def test_without_a_date_of_its_own_a_rule_is_asked_on_the_day_that_is_given() -> None:
    rules = rules_of({"kind": "age", "min": 16})
    sixteen = [person(birth_date=date(2010, 5, 2))]
    assert len(check(rules, sixteen, ENTRY, date(2026, 5, 1))) == 1
    assert check(rules, sixteen, ENTRY, date(2026, 5, 2)) == []


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule["kind"])
def test_every_kind_has_a_sentence_for_people_and_comes_back_as_it_was(rule: dict[str, Any]) -> None:
    (read,) = rules_of(rule)
    assert str(describe(read)).endswith("。")
    assert put_rules([read]) == [rule]
    limited = {**rule, "groups": ["student"]}
    if rule["kind"] != "group":
        (read,) = rules_of(limited)
        assert str(describe(read, Names(groups={"student": "学生组"}))).startswith("学生组：")
        assert put_rules([read]) == [limited]


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({}, ""),
        (["age"], "0"),
        ([{"kind": "height"}], "0.kind"),
        ([{"kind": "age"}], "0.min"),
        ([{"kind": "age", "min": "16"}], "0.min"),
        ([{"kind": "age", "min": True}], "0.min"),
        ([{"kind": "age", "min": -1}], "0.min"),
        ([{"kind": "age", "min": 16, "max": 15}], "0.max"),
        ([{"kind": "age", "max": {"male": 60}}], "0.max"),
        ([{"kind": "age", "min": 16, "on": "2026-02-30"}], "0.on"),
        ([{"kind": "age", "min": 16, "on": "2026-W01-1"}], "0.on"),
        ([{"kind": "age", "min": 16, "height": 180}], "0.height"),
        ([{"kind": "quota"}, {"kind": "work_months"}], "1.min"),
        ([{"kind": "unit"}], "0.kinds"),
        ([{"kind": "unit", "kinds": "school"}], "0.kinds"),
        ([{"kind": "group", "allowed": []}], "0.allowed"),
        ([{"kind": "level"}], "0.min"),
        ([{"kind": "level", "min": "master"}], "0.min"),
        ([{"kind": "level", "min": "technician", "max": "junior"}], "0.max"),
        ([{"kind": "earlier_honour", "holders": "not"}], "0.honours"),
        ([{"kind": "earlier_honour", "honours": ["x"]}], "0.holders"),
        ([{"kind": "one_entry"}], "0.scope"),
        ([{"kind": "one_entry", "scope": "year"}], "0.scope"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where(value: Any, where: str) -> None:
    _, problems = parse_rules(value)
    assert where in [problem.where for problem in problems]
    assert all(str(problem.sentence) for problem in problems)


days = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@given(days, days)
def test_months_are_those_that_are_over(since: date, on: date) -> None:
    months = whole_months(since, on)
    assert add_months(since, months) <= on < add_months(since, months + 1)


@given(days, days, st.integers(0, 400))
def test_months_never_shrink_as_days_go_by_nor_grow_with_a_later_start(since: date, on: date, later: int) -> None:
    assert whole_months(since, on) <= whole_months(since, on + timedelta(later))
    assert whole_months(since, on) >= whole_months(since + timedelta(later), on)


@given(days, st.integers(0, 100))
def test_a_year_is_full_on_the_birthday_and_not_the_day_before(born: date, years: int) -> None:
    year = born.year + years
    leap_child = (born.month, born.day) == (2, 29) and not calendar.isleap(year)
    birthday = date(year, 2, 28) if leap_child else born.replace(year=year)
    assert whole_years(born, birthday) == years
    assert whole_years(born, birthday - timedelta(1)) == years - 1


@given(days, st.integers(0, 80), st.integers(0, 80), st.lists(days, min_size=3, max_size=3).map(sorted))
def test_an_age_rule_admits_one_unbroken_span_of_birthdays(on: date, least: int, span: int, born: list[date]) -> None:
    rule = Age(least, least + span, on)
    met = [check([rule], [ApplicantFacts(birth_date=day)], EntryFacts(), on) == [] for day in born]
    assert met != [True, False, True]
    assert [day <= on and least <= whole_years(day, on) <= least + span for day in born] == met


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


people = st.builds(
    ApplicantFacts,
    name=st.just("甲"),
    birth_date=optional(days),
    sex=optional(st.sampled_from(["male", "female", "?"])),
    work_since=optional(days),
    level=optional(st.sampled_from([*LEVELS, "?"])),
    honours=optional(st.frozensets(st.sampled_from(["齐鲁首席技师", "别的"]))),
    others=optional(st.lists(st.builds(OtherEntry, st.just("R"), st.booleans())).map(tuple)),
)
entries = st.builds(
    EntryFacts,
    group=st.sampled_from(["", "worker", "student"]),
    unit=optional(st.just(UNIT)),
    granted=optional(st.integers(0, 3)),
    taken=st.integers(0, 3),
)


@given(st.lists(people, max_size=3), entries, days)
def test_no_facts_break_a_check_and_every_failure_has_a_sentence(
    members: list[ApplicantFacts], given_entry: EntryFacts, on: date
) -> None:
    for failure in check(rules_of(*ALL), members, given_entry, on):
        assert str(failure.sentence).endswith("。") and failure.field
        assert failure.as_dict()["rule"] in {rule["kind"] for rule in ALL}


@given(people, entries, days)
def test_to_forget_a_fact_never_makes_anybody_eligible(who: ApplicantFacts, given_entry: EntryFacts, on: date) -> None:
    rules = rules_of(*ALL)
    before = {failure.rule for failure in check(rules, [who], given_entry, on)}
    for name in ("birth_date", "sex", "work_since", "level", "honours", "others"):
        known = {slot: getattr(who, slot) for slot in who.__slots__}
        after = {failure.rule for failure in check(rules, [ApplicantFacts(**{**known, name: None})], given_entry, on)}
        assert before <= after


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["age", "unit", "level"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "min", "max", "on", "groups", "kinds", "honours"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(json)
def test_reading_refuses_or_gives_back_what_it_read(value: Any) -> None:
    rules, problems = parse_rules(value)
    assert problems or len(rules) == len(value)
    assert parse_rules(put_rules(rules)) == (rules, ())
