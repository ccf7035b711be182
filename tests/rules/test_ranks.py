"""bundle.md, "Who stands in a stage" and "From stage scores to ranks"."""

from __future__ import annotations

from typing import Any

import pytest

from competition.bundle.rules import outcome, read_bundle
from competition.leaderboard.rules import TrackResult, board_rows, ranks_from_order
from tests.rules.bundles import Tree, bundle, encoded, entry, leaf, marks, printed, ranks, rows, stage


def one_stage(values: dict[str, Any], **keys: Any) -> Tree:
    """Entries with one mark each in the stage `s`."""
    given = marks({who: {"J1": value} for who, value in values.items() if value is not None})
    return bundle(keys.pop("stages", None), keys.pop("entries", list(values)), given, **keys)


def two_stages(first: dict[str, Any], second: dict[str, Any], advance: Any, **keys: Any) -> Tree:
    """Entries marked in `s`, then in `f`, with a cut between."""
    given = marks({who: {"J1": value} for who, value in first.items() if value is not None}, "s")
    given += marks({who: {"J1": value} for who, value in second.items() if value is not None}, "f")
    stages = [stage("s", advance=advance, **keys.pop("s", {})), stage("f", **keys.pop("f", {}))]
    return bundle(stages, keys.pop("entries", list(first)), given, **keys)


def track(tree: Tree) -> TrackResult:
    return outcome(read_bundle(encoded(tree))).results["t"]


def standing(tree: Tree) -> dict[str, list[str]]:
    return {who: list(row["stages"]) for who, row in rows(tree).items()}


# Who stands in a stage


def test_without_a_cut_all_stand_in_the_next_stage_pending_or_not() -> None:
    tree = two_stages({"E1": 5, "E2": None}, {}, None)
    assert standing(tree) == {"E1": ["s", "f"], "E2": ["s", "f"]}


def test_never_in_the_stage_that_status_from_names_nor_after_it() -> None:
    entries = [
        "E1",
        entry("E2", status="absent", status_from="f"),
        entry("E3", status="disqualified"),
        entry("E4", status="withdrawn", status_from="s"),
    ]
    tree = two_stages({"E1": 5, "E2": 6, "E3": 7, "E4": 8}, {"E1": 1}, None, entries=entries)
    assert standing(tree) == {"E1": ["s", "f"], "E2": ["s"], "E3": [], "E4": []}
    assert [rows(tree)[who]["status"] for who in ("E1", "E2", "E3", "E4")] == [
        "ranked",
        "absent",
        "disqualified",
        "withdrawn",
    ]


def test_one_disqualified_from_the_start_takes_no_place_in_the_cut_and_one_absent_later_keeps_it() -> None:
    first = {"E1": 90, "E2": 80, "E3": 70}
    gone = two_stages(first, {}, {"top": 1}, entries=[entry("E1", status="disqualified"), "E2", "E3"])
    assert standing(gone) == {"E1": [], "E2": ["s", "f"], "E3": ["s"]}
    absent = two_stages(first, {}, {"top": 1}, entries=[entry("E1", status="absent", status_from="f"), "E2", "E3"])
    assert standing(absent) == {"E1": ["s"], "E2": ["s"], "E3": ["s"]}


# 1 Cuts


@pytest.mark.parametrize(
    ("advance", "through"),
    [
        ({"top": 2}, "E1 E2"),
        ({"top": 3}, "E1 E2 E3 E4"),
        ({"top": 9}, "E1 E2 E3 E4 E5"),
        ({"min": 70}, "E1 E2 E3 E4"),
        ({"min": "70.01"}, "E1 E2"),
        ({"min": 100}, ""),
        ({"top": 2, "min": 85}, "E1"),
        ({"top": 1, "min": 10}, "E1"),
    ],
)
def test_cuts(advance: Tree, through: str) -> None:
    first = {"E1": 90, "E2": 80, "E3": 70, "E4": 70, "E5": 60}
    tree = two_stages(first, dict.fromkeys(through.split(), 1), advance)
    assert [who for who, row in rows(tree).items() if "f" in row["stages"]] == through.split()
    assert printed(tree)["tracks"][0]["complete"]


def test_by_stage_compares_that_stage_and_by_total_the_rounded_total_so_far() -> None:
    given = marks({"E1": {"J1": 90}, "E2": {"J1": 10}}, "a") + marks({"E1": {"J1": 10}, "E2": {"J1": 50}}, "s")
    for by, want in (("stage", "E2"), ("total", "E1"), (None, "E1")):
        stages = [stage("a"), stage("s", advance={"by": by, "top": 1}), stage("f")]
        found = rows(bundle(stages, ["E1", "E2"], given))
        assert [who for who, row in found.items() if "f" in row["stages"]] == [want]


def test_a_tie_after_rounding_is_a_tie_in_the_cut_whatever_the_tie_break() -> None:
    tree = two_stages(
        {"E1": "80.4", "E2": "79.6", "E3": 70},
        {"E1": 1, "E2": 2},
        {"top": 1},
        ranking={"places": 0, "tie_break": ["stage:s"]},
    )
    assert [who for who, row in rows(tree).items() if "f" in row["stages"]] == ["E2", "E1"]


def test_nobody_goes_on_while_anyone_is_pending_whatever_their_status() -> None:
    tree = two_stages({"E1": 90, "E2": None}, {"E1": 1}, {"top": 1})
    assert standing(tree) == {"E1": ["s"], "E2": ["s"]}
    tree["entries"][1].update(status="disqualified", status_from="f")
    assert standing(tree) == {"E1": ["s"], "E2": ["s"]}
    assert not printed(tree)["tracks"][0]["complete"]
    tree["entries"][1].update(status="disqualified", status_from="s")
    assert standing(tree) == {"E1": ["s", "f"], "E2": []}
    assert printed(tree)["tracks"][0]["complete"]


def test_a_stage_pending_earlier_holds_a_later_cut_up() -> None:
    given = marks({"E1": {"J1": 9}}, "a") + marks({"E1": {"J1": 9}, "E2": {"J1": 9}}, "s")
    tree = bundle([stage("a"), stage("s", advance={"by": "stage", "top": 1}), stage("f")], ["E1", "E2"], given)
    assert standing(tree) == {"E1": ["a", "s"], "E2": ["a", "s"]}


def test_on_the_last_stage_a_cut_has_no_effect() -> None:
    tree = one_stage({"E1": 5, "E2": 6}, stages=[stage(advance={"top": 1})])
    assert ranks(tree) == [(1, "E2"), (2, "E1")]


# 2 Pending


def test_pending_rows() -> None:
    tree = two_stages(
        {"E1": 5, "E2": 6, "E3": None, "E9": 9},
        {"E1": 5, "E9": 9},
        None,
        entries=["E3", "E2", "E1", entry("E9", status="withdrawn", status_from="f")],
    )
    found = printed(tree)["tracks"][0]
    assert not found["complete"]
    assert [
        (row["rank"], row["entry"], row["status"], row["total"], row["stages"], row["prize"])
        for row in found["ranking"]
    ] == [
        (1, "E1", "ranked", "10.00", {"s": "5.00", "f": "5.00"}, None),
        (None, "E2", "pending", None, {"s": "6.00", "f": None}, None),
        (None, "E3", "pending", None, {"s": None, "f": None}, None),
        (None, "E9", "withdrawn", None, {"s": "9.00"}, None),
    ]


def test_a_pending_stage_of_one_who_is_out_keeps_the_track_open() -> None:
    tree = two_stages(
        {"E1": 5, "E2": None}, {"E1": 5}, None, entries=["E1", entry("E2", status="absent", status_from="f")]
    )
    assert printed(tree)["tracks"][0]["complete"] is False
    assert ranks(tree) == [(1, "E1"), (None, "E2")]


# 3 Totals


def test_totals_are_weighted_and_rounded_once() -> None:
    given = marks({"E1": {"J1": "33.33"}}, "s") + marks({"E1": {"J1": "66.65"}}, "f")
    tree = bundle([stage("s", weight="0.35"), stage("f", weight="0.65")], ["E1"], given)
    # 11.6655 + 43.3225 = 54.988; rounded apart they would make 54.99 too, at one place 55.0.
    assert rows(tree)["E1"]["total"] == "54.99"
    tree["tracks"][0]["ranking"] = {"places": 1}
    assert rows(tree)["E1"]["total"] == "55.0"
    tree["tracks"][0]["stages"][0]["weight"] = 0
    assert rows(tree)["E1"]["total"] == "43.3"


# 4 Order


def test_who_stands_in_a_later_stage_comes_first() -> None:
    tree = two_stages({"E1": 90, "E2": 80, "E3": 70}, {"E1": 1, "E2": 0}, {"top": 2}, s={"weight": 1})
    tree["adjustments"] = [{"track": "t", "stage": "f", "entry": "E1", "amount": "-1"}]
    assert ranks(tree) == [(1, "E1"), (2, "E2"), (3, "E3")]
    weighted = two_stages({"E1": 90, "E2": 80}, {"E1": 0}, {"top": 1, "by": "stage"}, s={"weight": 0})
    # Equal totals of 0: the later stage decides.
    assert ranks(weighted) == [(1, "E1"), (2, "E2")]


@pytest.mark.parametrize(
    ("keys", "want"),
    [
        ([], [(1, "E1"), (1, "E2"), (1, "E3")]),
        (["stage:f"], [(1, "E2"), (2, "E1"), (2, "E3")]),
        (["stage:f", "elapsed:s"], [(1, "E2"), (2, "E3"), (3, "E1")]),
        (["elapsed:s"], [(1, "E3"), (2, "E2"), (3, "E1")]),
        (["draw"], [(1, "E3"), (2, "E1"), (3, "E2")]),
        (["criterion:s/a", "draw"], [(1, "E3"), (2, "E1"), (3, "E2")]),
    ],
)
def test_tie_breaks(keys: list[str], want: list[tuple[int, str]]) -> None:
    pair = {"criteria": [leaf("a"), leaf("b")]}
    given = marks(
        {"E1": {"J1": {"a": 5, "b": 5}}, "E2": {"J1": {"a": 4, "b": 4}}, "E3": {"J1": {"a": 6, "b": 4}}}, "s"
    ) + marks({"E1": {"J1": 10}, "E2": {"J1": 12}, "E3": {"J1": 10}}, "f")
    tree = bundle(
        [stage("s", **pair), stage("f")],
        [entry("E1", draw=2), entry("E2"), entry("E3", draw=1)],
        given,
        ranking={"tie_break": keys},
        timings=[
            {"track": "t", "stage": "s", "entry": "E2", "seconds": "61.5"},
            {"track": "t", "stage": "s", "entry": "E3", "seconds": "61.25"},
        ],
    )
    assert ranks(tree) == want


def test_a_criterion_with_over_judge_is_the_plain_mean_not_rounded_and_not_trimmed() -> None:
    given = marks(
        {
            "E1": {"J1": {"a": 1, "b": 3}, "J2": {"a": 1, "b": 3}, "J3": {"a": 3, "b": 1}},
            "E2": {"J1": {"a": 2, "b": 2}, "J2": {"a": 2, "b": 2}, "J3": {"a": 2, "b": 2}},
        }
    )
    one = stage(criteria=[leaf("a"), leaf("b")], aggregate={"method": "median"})
    tree = bundle([one], ["E1", "E2"], given, judges="J1 J2 J3", ranking={"tie_break": ["criterion:s/a"]})
    # Medians of the totals are 4 and 4; the means of a are 5/3 and 2.
    assert ranks(tree) == [(1, "E2"), (2, "E1")]
    tree["tracks"][0]["ranking"]["tie_break"] = ["criterion:s/b"]
    assert ranks(tree) == [(1, "E1"), (2, "E2")]


def test_a_criterion_with_over_criterion_is_the_twice_rounded_result() -> None:
    given = marks(
        {"E1": {"J1": {"a": "2.004", "b": "1"}}, "E2": {"J1": {"a": "2.001", "b": "1"}}},
    )
    one = stage(criteria=[leaf("a"), leaf("b")], aggregate={"over": "criterion", "method": "mean"})
    tree = bundle([one], ["E1", "E2"], given, ranking={"tie_break": ["criterion:s/a"]})
    assert ranks(tree) == [(1, "E1"), (1, "E2")]


@pytest.mark.parametrize(
    ("attempts", "first"),
    [("best", {"a#1": 1, "b#1": 9, "a#2": 8, "b#2": 1}), ("last", {"a#1": 9, "b#1": 9, "a#2": 1, "b#2": 9})],
)
def test_a_criterion_of_several_attempts_is_that_of_the_one_that_counted(attempts: str, first: dict[str, int]) -> None:
    given = marks({"E1": {"J1": first}, "E2": {"J1": {"a": 2, "b": 8}}})
    one = stage(criteria=[leaf("a"), leaf("b")], attempts=attempts, attempt_count=2)
    tree = bundle([one], ["E1", "E2"], given, ranking={"tie_break": ["criterion:s/a"]})
    assert ranks(tree) == [(1, "E2"), (2, "E1")]


@pytest.mark.parametrize("attempts", ["mean", "sum"])
def test_a_criterion_of_mean_and_sum_is_the_sum_over_the_attempts(attempts: str) -> None:
    given = marks(
        {"E1": {"J1": {"a#1": 2, "b#1": 3, "a#2": 2, "b#2": 3}}, "E2": {"J1": {"a#1": 3, "b#1": 2, "a#2": 2, "b#2": 3}}}
    )
    one = stage(criteria=[leaf("a"), leaf("b")], attempts=attempts, attempt_count=2)
    tree = bundle([one], ["E1", "E2"], given, ranking={"tie_break": ["criterion:s/a"]})
    assert ranks(tree) == [(1, "E2"), (2, "E1")]


def test_a_time_in_a_stage_in_which_an_entry_does_not_stand_does_not_count() -> None:
    tree = two_stages(
        {"E1": 9, "E2": 5, "E3": 5},
        {"E1": 1},
        {"top": 1},
        ranking={"tie_break": ["elapsed:f", "stage:f"]},
        timings=[{"track": "t", "stage": "f", "entry": "E3", "seconds": 1}],
    )
    tree["marks"] += marks({"E3": {"J1": 50}}, "f")
    assert ranks(tree) == [(1, "E1"), (2, "E2"), (2, "E3")]


# 5 Ranks


@pytest.mark.parametrize(("ties", "want"), [("shared", [1, 2, 2, 4]), ("dense", [1, 2, 2, 3])])
def test_shared_and_dense(ties: str, want: list[int]) -> None:
    tree = one_stage({"E4": 6, "E3": 7, "E2": 7, "E1": 9}, ranking={"ties": ties})
    assert ranks(tree) == list(zip(want, ["E1", "E2", "E3", "E4"], strict=True))


@pytest.mark.parametrize(("ties", "want"), [("shared", [3, 4, 4, 6]), ("dense", [3, 4, 4, 5])])
def test_an_entry_pending_in_a_later_stage_counts_before(ties: str, want: list[int]) -> None:
    first = {"E1": 90, "E2": 80, "E3": 70, "E4": 60, "E5": 60, "E6": 50}
    tree = two_stages(first, {}, {"top": 2}, ranking={"ties": ties})
    assert ranks(tree)[:4] == list(zip(want, ["E3", "E4", "E5", "E6"], strict=True))
    tree["marks"] += marks({"E2": {"J1": 1}}, "f")
    # One finalist is marked and first for now; the other still counts before those who were cut.
    assert ranks(tree)[:2] == [(1, "E2"), (3, "E3")]


def test_a_finalist_who_is_out_counts_before_nobody() -> None:
    entries = [entry("E1", status="absent", status_from="f"), "E2", "E3"]
    tree = two_stages({"E1": 90, "E2": 80, "E3": 70}, {"E2": 1}, {"top": 2}, entries=entries)
    assert ranks(tree) == [(1, "E2"), (2, "E3"), (None, "E1")]


def test_what_decided() -> None:
    tree = two_stages(
        {"E1": 50, "E2": 50, "E3": 50, "E4": 10, "E5": 10},
        {"E1": 9, "E2": 8, "E3": 8},
        {"top": 3},
        ranking={"tie_break": ["draw"]},
        entries=["E1", entry("E2", draw=5), entry("E3", draw=6), "E4", "E5"],
    )
    assert [row.decided_by for row in track(tree).ranked] == [None, "total", "draw", "stage", None]


# Order keys (contract.md, Board stream)


def test_a_board_stands_by_stage_reached_then_ranked_before_pending_then_the_others() -> None:
    tree = two_stages(
        {"E1": 90, "E2": 85, "E3": 80, "E4": 60, "E5": 70, "E0": 99},
        {"E3": 1},
        {"top": 4},
        entries=["E1", "E2", "E3", "E4", "E5", entry("E0", status="withdrawn", status_from="f")],
    )
    listed = board_rows(track(tree))
    assert [row.entry for row in listed] == ["E3", "E1", "E2", "E5", "E4", "E0"]
    assert [row.rank for row in listed] == [1, None, None, 4, 5, None]
    assert [str(row.so_far) for row in listed] == ["81.00", "90.00", "85.00", "70.00", "60.00", "99.00"]


@pytest.mark.parametrize("keys", [[], ["stage:s"], ["draw"], ["stage:s", "draw"], ["draw", "stage:s"]])
@pytest.mark.parametrize("ties", ["shared", "dense"])
def test_a_browser_counts_the_same_ranks_from_the_order_keys(keys: list[str], ties: Any) -> None:
    first = {"E1": 70, "E2": 70, "E3": 70, "E4": 60, "E5": 60, "E6": 100}
    entries = [
        entry(who, draw=draw) if draw else who for who, draw in zip(first, (3, 1, 2, None, None, 4), strict=True)
    ]
    tree = two_stages(first, {"E1": 2, "E2": 2}, {"top": 4}, entries=entries, ranking={"tie_break": keys, "ties": ties})
    found = {row.entry: row for row in track(tree).rows}
    counted = ranks_from_order(
        {who: row.order for who, row in found.items()},
        lambda who: found[who].status,
        lambda who: len(found[who].stages),
        ties,
    )
    assert counted == {who: row.rank for who, row in found.items() if row.rank is not None}
    assert all(row.order.isascii() and row.order for row in found.values())


def test_an_order_key_shows_no_value_the_row_does_not() -> None:
    keys = ["criterion:s/c", "elapsed:s", "draw"]
    entries = [entry("E1", draw=4711), entry("E2", draw=815)]
    timings = [{"track": "t", "stage": "s", "entry": who, "seconds": s} for who, s in (("E1", 1234), ("E2", 777))]
    one = one_stage({"E1": 5, "E2": 5}, entries=entries, ranking={"tie_break": keys}, timings=timings)
    other = one_stage(
        {"E1": 5, "E2": 5}, entries=[entry("E1", draw=2), entry("E2", draw=1)], ranking={"tie_break": keys}
    )
    other["timings"] = [{**timing, "seconds": n} for n, timing in zip((9, 8), timings, strict=True)]
    assert {r.entry: r.order for r in track(one).rows} == {r.entry: r.order for r in track(other).rows}


@pytest.mark.parametrize("keys", [["stage:s", "criterion:s/c"], ["criterion:s/c", "draw"], []])
def test_an_order_key_stays_when_others_change_who_do_not_tie(keys: list[str]) -> None:
    def orders(values: dict[str, Any]) -> dict[str, str]:
        return {row.entry: row.order for row in track(one_stage(values, ranking={"tie_break": keys})).rows}

    before = orders({"E1": "90.5", "E2": 80, "E3": 70})
    after = orders({"E1": "90.5", "E2": 80, "E3": "99.37", "E4": 3})
    assert [before[who] == after[who] for who in ("E1", "E2", "E3")] == [True, True, False]
