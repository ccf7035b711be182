"""bundle.md, "Numbers"."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from competition.bundle.rules import read_bundle
from competition.scoring.rules import BadNumber, format_amount, parse_amount, round_to
from tests.rules.bundles import bundle, encoded, leaf, marks, refused, rows, score, stage


@pytest.mark.parametrize(
    ("raw", "amount"),
    [("0", "0"), ("-0", "0"), ("007.50", "7.5"), ("-12.3400", "-12.34"), (5, "5"), (-5, "-5"), ("1" * 30, "1" * 30)],
)
def test_amounts_are_read_as_written(raw: object, amount: str) -> None:
    assert format_amount(parse_amount(raw)) == amount


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " 1",
        "1 ",
        "+1",
        ".5",
        "5.",
        "1e3",
        "1_000",
        "１",
        "NaN",
        "1\n",
        1.5,
        True,
        None,
        "1" * 31,
        10**30,
        "9" * 5000,
    ],
)
def test_all_else_is_no_amount(raw: object) -> None:
    with pytest.raises(BadNumber):
        parse_amount(raw)


def test_thirty_digits_may_stand_on_both_sides_of_the_point() -> None:
    assert parse_amount("1." + "0" * 28 + "1") == Decimal("1." + "0" * 28 + "1")
    assert parse_amount("-1." + "0" * 28 + "1").is_signed()


@pytest.mark.parametrize(
    ("value", "places", "up", "even"),
    [
        ("0.125", 2, "0.13", "0.12"),
        ("0.135", 2, "0.14", "0.14"),
        ("-0.125", 2, "-0.13", "-0.12"),
        ("2.5", 0, "3", "2"),
        ("-2.5", 0, "-3", "-2"),
        ("93.4", 2, "93.40", "93.40"),
        ("-0.001", 2, "0.00", "0.00"),
        ("1234567890123456789012345678.905", 2, "1234567890123456789012345678.91", "1234567890123456789012345678.90"),
    ],
)
def test_half_away_from_zero_or_half_to_even(value: str, places: int, up: str, even: str) -> None:
    assert format(round_to(Fraction(value), places, "half_up"), "f") == up
    assert format(round_to(Decimal(value), places, "half_even"), "f") == even


def test_a_json_number_is_the_decimal_that_is_written() -> None:
    # As binary floats, 0.145 lies below and 1.005 below their halves.
    for text, want in (("0.145", "0.15"), ("1.005", "1.01"), ("1.0050000000000000000000000001", "1.01")):
        data = encoded(bundle(given=marks({"E1": {"J1": 7777}}), stages=[stage(criteria=[leaf("c", max=9999)])]))
        tree = read_bundle(data.replace(b"7777", text.encode()))
        assert tree.marks[0].value == Decimal(text)
        found = bundle(given=marks({"E1": {"J1": text}}))
        assert score(found) == want


@pytest.mark.parametrize(("text", "value"), [("1e1", "10"), ("1.5E+1", "15"), ("25e-1", "2.5"), ("0.1e2", "10")])
def test_a_json_exponent_stands_for_its_plain_decimal(text: str, value: str) -> None:
    data = encoded(bundle(given=marks({"E1": {"J1": 77}}))).replace(b": 77}", f": {text}}}".encode())
    assert read_bundle(data.replace(b'"value": 77', f'"value": {text}'.encode())).marks[0].value == Decimal(value)


def test_scores_have_just_the_places_of_their_stage_and_totals_those_of_the_ranking() -> None:
    for places, want in ((0, "93"), (1, "93.4"), (6, "93.400000")):
        tree = bundle([stage(places=places)], given=marks({"E1": {"J1": "93.4"}}), ranking={"places": places})
        assert rows(tree)["E1"]["stages"]["s"] == rows(tree)["E1"]["total"] == want


def test_rounding_of_stage_and_of_ranking_are_apart() -> None:
    tree = bundle(
        [stage(places=1, rounding="half_even", weight="0.5")],
        given=marks({"E1": {"J1": "90.25"}}),
        ranking={"places": 1, "rounding": "half_up"},
    )
    # 90.25 → 90.2 (even); × 0.5 = 45.1
    assert (rows(tree)["E1"]["stages"]["s"], rows(tree)["E1"]["total"]) == ("90.2", "45.1")


def test_no_exponent_string_is_an_amount_in_a_file() -> None:
    assert refused(bundle(given=marks({"E1": {"J1": "1e1"}}))) == [
        "marks[0].value: must be a decimal of at most 30 digits"
    ]
