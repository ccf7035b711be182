"""bundle.md, "From marks to a stage score", 1 to 6: expected judges, kinds, methods, attempts, adjustments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from competition.contests.rules import Aggregate, Criterion, Stage
from competition.scoring.evidence import Absence, Mark, Panel, Recusal, TrackEvidence
from competition.scoring.rules import check_mark, expected_judges, score_entry, score_stage
from tests.rules.bundles import bundle, entry, leaf, marks, rows, score, stage

SEVEN = "J1 J2 J3 J4 J5 J6 J7"


def judged(values: list[Any], aggregate: dict[str, Any], **keys: Any) -> str | None:
    """The score of one entry whose judges gave `values` for one leaf."""
    judges = [f"J{n}" for n in range(1, len(values) + 1)]
    given = marks({"E1": dict(zip(judges, values, strict=True))})
    return score(bundle([stage(aggregate=aggregate, **keys)], given=given, judges=" ".join(judges)))


# 1 Expected judges


def test_expected_are_the_panels_less_recusals_and_absences() -> None:
    panels = (Panel("t", "s", ("J1", "J2"), None), Panel("t", "s", ("J2", "J3"), ("E1",)), Panel("t", "f", ("J9",)))
    assert expected_judges("s", "E1", panels) == ("J1", "J2", "J3")
    assert expected_judges("s", "E2", panels) == ("J1", "J2")
    assert expected_judges("s", "E1", panels, (Recusal("J1", "E1"), Recusal("J3", "E2"))) == ("J2", "J3")
    assert expected_judges("f", "E1", panels, (Recusal("J9", "E1"),)) == ()
    away = (Absence("J1", "t", "s"), Absence("J2", "t", "s", "E1"), Absence("J3", "t", "f"))
    assert expected_judges("s", "E1", panels, (), away) == ("J3",)
    assert expected_judges("s", "E2", panels, (), away) == ("J2",)


def test_an_empty_list_of_entries_is_none_of_them() -> None:
    assert expected_judges("s", "E1", (Panel("t", "s", ("J1",), ()),)) == ()


def test_a_judge_in_two_panels_counts_once() -> None:
    tree = bundle(given=marks({"E1": {"J1": 80, "J2": 90}}), judges="J1 J2")
    tree["panels"].append({"track": "t", "stage": "s", "judges": ["J2"], "entries": ["E1"]})
    assert score(tree) == "85.00"


def test_a_mark_by_anyone_else_does_not_count() -> None:
    tree = bundle(given=marks({"E1": {"J1": 80, "J2": 90, "J3": 100}}), judges="J1 J2 J3")
    tree["panels"][0]["judges"] = ["J1", "J2"]
    assert score(tree) == "85.00"
    tree["recusals"] = [{"judge": "J2", "entry": "E1"}]
    assert score(tree) == "80.00"
    tree["absences"] = [{"judge": "J1", "track": "t", "stage": "s"}]
    assert score(tree) is None


def test_measurements_always_count() -> None:
    tree = bundle([stage(criteria=[leaf("time", kind="measurement")])], given=marks({"E1": {"": {"time": 7}}}))
    tree["panels"] = []
    assert score(tree) == "7.00"
    tree["marks"][0]["judge"] = "J1"
    tree["recusals"] = [{"judge": "J1", "entry": "E1"}]
    assert score(tree) == "7.00"


# 2 What is expected


@pytest.mark.parametrize(
    ("value", "criterion", "problem"),
    [
        ("0", Criterion("c", max=Decimal(10)), None),
        ("10.0", Criterion("c", max=Decimal(10)), None),
        ("10.01", Criterion("c", max=Decimal(10)), "above_max"),
        ("-0.01", Criterion("c", max=Decimal(10)), "below_min"),
        ("-3", Criterion("c", min=Decimal(-3), max=Decimal(10)), None),
        ("9.3", Criterion("c", max=Decimal(10), step=Decimal("0.1")), None),
        ("9.35", Criterion("c", max=Decimal(10), step=Decimal("0.1")), "off_step"),
        ("1.5", Criterion("c", min=Decimal("0.5"), max=Decimal(10), step=Decimal(1)), None),
        ("1", Criterion("c", min=Decimal("0.5"), max=Decimal(10), step=Decimal(1)), "off_step"),
        ("3", Criterion("c", kind="grade", max=Decimal(10)), None),
        ("2.0", Criterion("c", kind="grade", max=Decimal(10)), None),
        ("1.5", Criterion("c", kind="grade", max=Decimal(10)), "off_step"),
        ("4", Criterion("c", kind="grade", max=Decimal(10)), "above_max"),
        ("-1", Criterion("c", kind="grade", max=Decimal(10)), "below_min"),
        ("NaN", Criterion("c", max=Decimal(10)), "bad_number"),
        ("1", Criterion("c", criteria=(Criterion("d", max=Decimal(10)),)), "bad_number"),
    ],
)
def test_check_mark(value: str, criterion: Criterion, problem: str | None) -> None:
    assert check_mark(Decimal(value), criterion) == problem


@pytest.mark.parametrize(("grades", "want"), [([0], "0.00"), ([1], "3.33"), ([2], "6.67"), ([3], "10.00")])
def test_a_grade_is_worth_its_third_exactly(grades: list[int], want: str) -> None:
    tree = bundle([stage(criteria=[leaf("c", max=10, kind="grade")])], given=marks({"E1": {"J1": grades[0]}}))
    assert score(tree) == want


def test_thirds_are_not_rounded_before_they_are_added() -> None:
    # 1/3 + 1/3 + 1/3 of 10 is 10, while 3 × 3.33 would be 9.99.
    criteria = [leaf(code, max=10, kind="grade") for code in "abc"]
    assert score(bundle([stage(criteria=criteria)], given=marks({"E1": {"J1": {"a": 1, "b": 1, "c": 1}}}))) == "10.00"


# 3 Over criterion, over judge


def test_over_criterion_rounds_twice_and_adds_up() -> None:
    criteria = [leaf("a", factor="1.5"), leaf("b"), leaf("m", kind="measurement", factor="0.333")]
    given = marks({"E1": {"J1": {"a": 1, "b": 2}, "J2": {"a": 2, "b": 2}, "J3": {"a": 2, "b": 3}, "": {"m": "9.555"}}})
    tree = bundle(
        [stage(criteria=criteria, aggregate={"over": "criterion", "method": "mean"})], given=given, judges="J1 J2 J3"
    )
    # a: 5/3 → 1.67 × 1.5 = 2.505 → 2.51; b: 7/3 → 2.33; m: 9.555 → 9.56 × 0.333 = 3.18348 → 3.18
    assert score(tree) == "8.02"


def test_over_judge_rounds_once() -> None:
    criteria = [leaf("a", factor="1.5"), leaf("b"), leaf("m", kind="measurement", factor="0.333")]
    given = marks({"E1": {"J1": {"a": 1, "b": 2}, "J2": {"a": 2, "b": 2}, "J3": {"a": 2, "b": 3}, "": {"m": "9.555"}}})
    tree = bundle([stage(criteria=criteria)], given=given, judges="J1 J2 J3")
    # totals 3.5, 5, 6 → 14.5/3 = 4.8333…; measured 3.181815; together 8.0151483…
    assert score(tree) == "8.02"
    tree["tracks"][0]["stages"][0]["places"] = 6
    assert score(tree) == "8.015148"


def test_over_judge_without_judged_leaves_is_what_was_measured() -> None:
    tree = bundle([stage(criteria=[leaf("m", kind="measurement", factor=2)])], given=marks({"E1": {"": {"m": 4}}}))
    assert score(tree) == "8.00"


def test_headings_do_not_matter_to_the_score() -> None:
    criteria = [
        {"code": "h", "title": "H", "criteria": [leaf("a"), {"code": "i", "title": "I", "criteria": [leaf("b")]}]}
    ]
    assert score(bundle([stage(criteria=criteria)], given=marks({"E1": {"J1": {"a": 1, "b": 2}}}))) == "3.00"


# 4 Methods


@pytest.mark.parametrize(
    ("values", "aggregate", "want"),
    [
        ([80, 90, 95], {"method": "mean"}, "88.33"),
        ([80, 95, 90], {"method": "median"}, "90.00"),
        ([80, 95, 90, 91], {"method": "median"}, "90.50"),
        ([77], {"method": "median"}, "77.00"),
        ([60, 90, 80, 100, 85], {"method": "trimmed_mean"}, "85.00"),
        # With fewer than trim_from none are left out; the default is drop_low + drop_high + 1.
        ([60, 90], {"method": "trimmed_mean"}, "75.00"),
        ([60, 90, 100], {"method": "trimmed_mean"}, "90.00"),
        ([60, 90, 99], {"method": "trimmed_mean", "trim_from": 4}, "83.00"),
        ([60, 90, 99, 81], {"method": "trimmed_mean", "trim_from": 4}, "85.50"),
        ([60, 70, 80, 90], {"method": "trimmed_mean", "drop_low": 0, "drop_high": 1}, "70.00"),
        ([60, 70, 80, 90], {"method": "trimmed_mean", "drop_low": 2, "drop_high": 0}, "85.00"),
        ([60, 70, 80, 90], {"method": "trimmed_mean", "drop_low": 0, "drop_high": 0}, "75.00"),
        ([60, 60, 60, 90], {"method": "trimmed_mean"}, "60.00"),
    ],
)
@pytest.mark.parametrize("over", ["judge", "criterion"])
def test_methods(values: list[int], aggregate: dict[str, Any], want: str, over: str) -> None:
    assert judged(values, {"over": over, **aggregate}) == want


def test_the_breakdown_says_who_was_left_out() -> None:
    given = tuple(Mark("t", "s", "E1", f"J{n}", "c", 1, Decimal(value)) for n, value in enumerate((5, 3, 9, 3), 1))
    for over in ("judge", "criterion"):
        one = Stage(
            "s",
            criteria=(Criterion("c", max=Decimal(10)),),
            aggregate=Aggregate("judge" if over == "judge" else "criterion", "trimmed_mean", 1, 1, 3),
        )
        found = score_entry(one, ("J1", "J2", "J3", "J4"), given).attempts[0]
        if over == "judge":
            assert {seat.judge: seat.part for seat in found.judges} == {
                "J1": "kept",
                "J2": "low",
                "J3": "high",
                "J4": "kept",
            }
        else:
            assert (found.leaves[0].low, found.leaves[0].high) == (("J2",), ("J3",))
        assert found.score == Decimal("4.00")


# 5 Attempts


@pytest.mark.parametrize(("attempts", "want"), [("best", "8.00"), ("last", "7.00"), ("mean", "7.00"), ("sum", "21.00")])
def test_attempts(attempts: str, want: str) -> None:
    given = marks({"E1": {"J1": {"c#1": 6, "c#2": 8, "c#3": 7}}})
    assert score(bundle([stage(attempts=attempts, attempt_count=3)], given=given)) == want


def test_attempts_may_leave_numbers_out_and_the_mean_is_of_those_there_are() -> None:
    given = marks({"E1": {"J1": {"c#1": 6, "c#3": "7.01"}}})
    assert score(bundle([stage(attempts="mean", attempt_count=5)], given=given)) == "6.51"


def test_best_takes_the_earliest_of_equals() -> None:
    one = Stage("s", criteria=(Criterion("c", max=Decimal(10)),), attempt_count=3)
    given = [Mark("t", "s", "E1", "J1", "c", n, Decimal(v)) for n, v in ((3, 8), (1, 7), (2, 8))]
    assert score_entry(one, ("J1",), given).counted == 2


def test_an_attempt_is_one_with_a_mark_that_counts() -> None:
    given = marks({"E1": {"J1": {"c#1": 6}, "J2": {"c#2": 9}}})
    tree = bundle([stage(attempt_count=2)], given=given, judges="J1 J2")
    tree["panels"][0]["judges"] = ["J1"]
    assert score(tree) == "6.00"


# 6 Adjustments


@pytest.mark.parametrize(
    ("amounts", "want"), [(["-5"], "75.00"), (["-5", "2.005"], "77.01"), (["-100"], "0.00"), (["30"], "110.00")]
)
def test_adjustments_are_added_once(amounts: list[str], want: str) -> None:
    adjustments = [{"track": "t", "stage": "s", "entry": "E1", "amount": amount} for amount in amounts]
    given = marks({"E1": {"J1": {"c#1": 80, "c#2": 70}}})
    assert score(bundle([stage(attempt_count=2)], given=given, adjustments=adjustments)) == want


def test_below_zero_becomes_zero_without_adjustments_too() -> None:
    tree = bundle([stage(criteria=[leaf("c", min=-10)])], given=marks({"E1": {"J1": -4}}))
    assert score(tree) == "0.00"


# Pending


def test_pending_while_a_mark_is_missing() -> None:
    criteria = [leaf("a"), leaf("m", kind="measurement")]

    def state(given: dict[str, Any], **keys: Any) -> str | None:
        return score(
            bundle([stage(criteria=criteria, attempt_count=2)], given=marks({"E1": given}), judges="J1 J2", **keys)
        )

    assert state({}) is None
    assert state({"J1": {"a": 1}, "J2": {"a": 1}}) is None
    assert state({"J1": {"a": 1}, "": {"m": 1}}) is None
    assert state({"J1": {"a": 1}, "J2": {"a": 1}, "": {"m": 1}}) == "2.00"
    assert state({"J1": {"a": 1, "a#2": 5}, "J2": {"a": 1}, "": {"m": 1}}) is None
    assert state({"J1": {"a": 1}, "": {"m": 1}}, absences=[{"judge": "J2", "track": "t", "stage": "s"}]) == "2.00"


def test_pending_while_nobody_is_expected_and_there_is_something_to_judge() -> None:
    criteria = [leaf("a"), leaf("m", kind="measurement")]
    tree = bundle([stage(criteria=criteria)], given=marks({"E1": {"": {"m": 1}}}))
    tree["panels"] = []
    assert score(tree) is None
    assert rows(tree)["E1"]["status"] == "pending"


def test_progress_counts_marks_against_those_expected() -> None:
    one = Stage("s", criteria=(Criterion("a", max=Decimal(9)), Criterion("m", kind="measurement", max=Decimal(9))))
    assert score_entry(one, ("J1", "J2"), ()).expected == 3
    found = score_entry(one, ("J1", "J2"), [Mark("t", "s", "E1", "J1", "a", 1, Decimal(1))])
    assert (found.state, found.marked, found.expected) == ("pending", 1, 3)


def test_score_stage_is_for_those_who_stand_in_it() -> None:
    one = Stage("s", criteria=(Criterion("c", max=Decimal(9)),))
    tree = bundle(entries=["E1", entry("E2")], given=marks({"E1": {"J1": 1}, "E2": {"J1": 2}}))
    assert score(tree, "E2") == "2.00"
    evidence = TrackEvidence(panels=(Panel("t", "s", ("J1",)),))
    assert score_stage(one, ["E1"], evidence) == {}
