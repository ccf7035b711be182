"""bundle.md, "Normalising"."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from competition.scoring.numbers import mean_and_variance, root_of_ratio
from tests.rules.bundles import bundle, entry, leaf, marks, printed, rows, stage

PANELS = [["E1", "E2"], ["E3", "E4"]]
GIVEN = {"E1": 80, "E2": 90, "E3": 60, "E4": 70}


def scores(
    normalise: str, given: dict[str, Any] = GIVEN, panels: list[Any] = PANELS, **keys: Any
) -> dict[str, str | None]:
    """The scores of entries marked by one judge, in panels of one stage."""
    tree = bundle(
        [stage(normalise=normalise, **keys)], list(given), marks({who: {"J1": value} for who, value in given.items()})
    )
    tree["panels"] = [{"track": "t", "stage": "s", "judges": ["J1"], "entries": members} for members in panels]
    return {who: row["stages"]["s"] for who, row in rows(tree).items()}


def test_panel_ratio() -> None:
    # Mean of all 75, of the panels 85 and 65: 80 × 75/85, 90 × 75/85, 60 × 75/65, 70 × 75/65.
    assert scores("panel_ratio") == {"E1": "70.59", "E2": "79.41", "E3": "69.23", "E4": "80.77"}


def test_panel_ratio_leaves_a_panel_of_zeros_as_it_is() -> None:
    given = {"E1": 0, "E2": 0, "E3": 60, "E4": 70}
    # Mean of all 32.5, of the second panel 65.
    assert scores("panel_ratio", given) == {"E1": "0.00", "E2": "0.00", "E3": "30.00", "E4": "35.00"}


def test_panel_zscore() -> None:
    # M = 75, S² = 125, s² = 25 in both: 75 ± 5 × √5.
    assert scores("panel_zscore") == {"E1": "63.82", "E2": "86.18", "E3": "63.82", "E4": "86.18"}


def test_where_a_panel_has_no_spread_the_value_is_the_mean_of_all() -> None:
    given = {"E1": 80, "E2": 80, "E3": 60, "E4": 70}
    # M = 72.5, S² = (56.25 + 56.25 + 156.25 + 6.25) / 4 = 68.75, s² = 25: 72.5 ± 5 × √2.75.
    assert scores("panel_zscore", given) == {"E1": "72.50", "E2": "72.50", "E3": "64.21", "E4": "80.79"}


def test_an_entry_in_no_panel_stays_and_counts_in_the_mean_of_all() -> None:
    tree = bundle(
        [stage(normalise="panel_ratio", criteria=[leaf("m", kind="measurement")])],
        ["E1", "E2", "E3"],
        marks({"E1": {"": {"m": 60}}, "E2": {"": {"m": 60}}, "E3": {"": {"m": 90}}}),
    )
    tree["panels"] = [{"track": "t", "stage": "s", "judges": ["J1"], "entries": ["E1", "E2"]}]
    # Mean of all 70, of the panel 60.
    assert {who: row["stages"]["s"] for who, row in rows(tree).items()} == {"E1": "70.00", "E2": "70.00", "E3": "90.00"}


def test_a_panel_of_all_leaves_the_ratio_at_one() -> None:
    assert scores("panel_ratio", panels=[None]) == {who: f"{value}.00" for who, value in GIVEN.items()}


def test_below_zero_becomes_zero() -> None:
    given = {"E1": 0, "E2": 9, "E3": 10, "E4": 10, "E5": 100, "E6": 0}
    # First panel 0, 9, 10, 10 has a small spread, all a great one: E1 falls below 0.
    found = scores("panel_zscore", given, [["E1", "E2", "E3", "E4"], ["E5", "E6"]])
    assert found["E1"] == "0.00"
    # M = 21.5, S² = (462.25 + 156.25 + 132.25 + 132.25 + 6162.25 + 462.25) / 6 = 1251.25; m = 50, s² = 2500:
    # 21.5 ± 50 × √0.5005
    assert (found["E5"], found["E6"]) == ("56.87", "0.00")


def test_step_six_comes_before() -> None:
    tree = bundle([stage(normalise="panel_ratio")], list(GIVEN), marks({w: {"J1": v} for w, v in GIVEN.items()}))
    tree["panels"] = [{"track": "t", "stage": "s", "judges": ["J1"], "entries": members} for members in PANELS]
    tree["adjustments"] = [{"track": "t", "stage": "s", "entry": "E1", "amount": "-20"}]
    # Scores 60, 90, 60, 70: mean of all 70, of the first panel 75; 60 × 70/75, 90 × 70/75.
    assert [rows(tree)[who]["stages"]["s"] for who in ("E1", "E2")] == ["56.00", "84.00"]


def judged(given: dict[str, dict[str, Any]], judges: str = "J1 J2", **keys: Any) -> dict[str, str | None]:
    """Scores under judge_zscore."""
    aggregate = keys.pop("aggregate", {"method": "mean"})
    tree = bundle(
        [stage(normalise="judge_zscore", aggregate=aggregate)], list(given), marks(given), judges=judges, **keys
    )
    return {who: row["stages"]["s"] for who, row in rows(tree).items()}


def test_judge_zscore() -> None:
    # J1 gives 80 and 90, J2 60 and 70: both 75 ± 5 × √5.
    assert judged({"E1": {"J1": 80, "J2": 60}, "E2": {"J1": 90, "J2": 70}}) == {"E1": "63.82", "E2": "86.18"}


def test_a_judge_without_spread_gives_the_mean_of_all() -> None:
    # M = 77.5, S² = 68.75, s² = 25: J1 77.5 ± 5 × √2.75, J2 77.5.
    assert judged({"E1": {"J1": 80, "J2": 70}, "E2": {"J1": 90, "J2": 70}}) == {"E1": "73.35", "E2": "81.65"}


def test_judge_zscore_goes_on_with_the_method() -> None:
    given = {"E1": {"J1": 10, "J2": 20, "J3": 30}, "E2": {"J1": 30, "J2": 40, "J3": 50}}
    # Every judge ± 10 about an own mean: S² = 166.66…, s² = 100; all three become 30 ± 10 × √(5/3).
    found = judged(given, "J1 J2 J3", aggregate={"method": "trimmed_mean"})
    assert found == {"E1": "17.09", "E2": "42.91"}


def test_judge_zscore_then_measures_and_adjusts() -> None:
    tree = bundle(
        [stage(normalise="judge_zscore", criteria=[leaf("c"), leaf("m", kind="measurement")])],
        ["E1", "E2"],
        marks({"E1": {"J1": {"c": 80}, "": {"m": 1}}, "E2": {"J1": {"c": 90}, "": {"m": 2}}}),
        adjustments=[{"track": "t", "stage": "s", "entry": "E2", "amount": "-0.5"}],
    )
    # One judge: M = m and S = s, so totals stay as they are.
    assert {who: row["stages"]["s"] for who, row in rows(tree).items()} == {"E1": "81.00", "E2": "91.50"}


@pytest.mark.parametrize("normalise", ["panel_ratio", "panel_zscore", "judge_zscore"])
def test_it_waits_until_nobody_is_pending(normalise: str) -> None:
    tree = bundle([stage(normalise=normalise)], list(GIVEN), marks({w: {"J1": GIVEN[w]} for w in ("E1", "E2", "E3")}))
    tree["panels"] = [{"track": "t", "stage": "s", "judges": ["J1"], "entries": members} for members in PANELS]
    found = {who: row["stages"]["s"] for who, row in rows(tree).items()}
    assert found == {"E1": "80.00", "E2": "90.00", "E3": "60.00", "E4": None}
    # Once the fourth does not stand in the stage, it counts in no mean and is not waited for.
    tree["entries"][3]["status"] = "withdrawn"
    assert rows(tree)["E1"]["stages"]["s"] != "80.00" or normalise == "judge_zscore"
    assert printed(tree)["tracks"][0]["complete"]


def test_marks_that_do_not_count_are_in_no_mean() -> None:
    given = {"E1": {"J1": 80, "J2": 60, "J3": 1}, "E2": {"J1": 90, "J2": 70, "J3": 1}}
    tree = bundle(
        [stage(normalise="judge_zscore")], ["E1", "E2", entry("E3", status="absent")], marks(given), judges="J1 J2 J3"
    )
    tree["panels"][0]["judges"] = ["J1", "J2"]
    tree["marks"] += marks({"E3": {"J1": 5, "J2": 99}})
    assert {who: row["stages"].get("s") for who, row in rows(tree).items()} == {
        "E1": "63.82",
        "E2": "86.18",
        "E3": None,
    }


@pytest.mark.parametrize(
    ("upper", "lower", "root"),
    [
        (5, 1, "2.236067977499789696409173669"),
        (2, 1, "1.414213562373095048801688724"),
        (1, 3, "0.5773502691896257645091487805"),
        (4, 9, "0.6666666666666666666666666667"),
        (0, 7, "0"),
        (9, 4, "1.5"),
        (10**60, 1, str(10**30)),
        (1, 10**61, "3.162277660168379331998893544E-31"),
    ],
)
def test_the_root_has_28_significant_digits(upper: int, lower: int, root: str) -> None:
    assert root_of_ratio(Fraction(upper), Fraction(lower)) == Fraction(root)


def test_mean_and_population_variance() -> None:
    assert mean_and_variance([Fraction(1, 3), Fraction(2, 3), Fraction(1)]) == (Fraction(2, 3), Fraction(2, 27))
