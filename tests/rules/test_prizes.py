"""bundle.md, "From ranks to prizes", "Team points", "From prizes to recommendations", "What `leitai score` prints"."""

from __future__ import annotations

from typing import Any

import pytest

from competition.awards.rules import PrizeAllotment, prize_places
from competition.bundle.rules import outcome, read_bundle
from competition.contests.rules import Prize, Requirement, Scheme
from competition.recommendation.rules import meets, nominate
from competition.scoring.rules import parse_amount
from tests.rules.bundles import Tree, bundle, encoded, entry, leaf, marks, printed, rows, stage


def prize(code: str, **keys: Any) -> Tree:
    return {"code": code, "title": code, **keys}


def ranked(totals: dict[str, Any], prizes: list[Tree] | None = None, **keys: Any) -> Tree:
    """Entries with these totals."""
    given = marks({who: {"J1": total} for who, total in totals.items() if total is not None})
    return bundle(None, keys.pop("entries", list(totals)), given, prizes=prizes, **keys)


def allotted(tree: Tree) -> PrizeAllotment:
    return outcome(read_bundle(encoded(tree))).prizes["t"]


def won(tree: Tree) -> str:
    """The prizes in the order of the entries' codes, "-" for none."""
    found = rows(tree)
    return " ".join(found[who]["prize"] or "-" for who in sorted(found))


FIVE = {"E1": 90, "E2": 80, "E3": 80, "E4": 70, "E5": 60}


@pytest.mark.parametrize(
    ("share", "rounding", "ranked_entries", "places"),
    [
        ("0.1", "up", 10, 1),
        ("0.1", "up", 11, 2),
        ("0.1", "down", 19, 1),
        ("0.1", "half_up", 14, 1),
        ("0.1", "half_up", 15, 2),
        ("0.3333", "up", 3, 1),
        ("0", "up", 9, 0),
        ("0.1", "up", 0, 0),
        ("2", "up", 3, 6),
    ],
)
def test_places_of_a_share(share: str, rounding: Any, ranked_entries: int, places: int) -> None:
    assert prize_places(Prize("p", share=parse_amount(share), round=rounding), ranked_entries) == places


def test_a_share_counts_all_ranked_those_cut_earlier_included_and_nobody_else() -> None:
    given = marks({f"E{n}": {"J1": n} for n in range(1, 6)}, "s") + marks({"E5": {"J1": 1}}, "f")
    entries = ["E1", "E2", "E3", "E4", "E5", entry("E6", status="absent")]
    tree = bundle(
        [stage("s", advance={"top": 1}), stage("f")], entries, given, prizes=[prize("p", share="0.4", round="down")]
    )
    assert won(tree) == "- - - p p -"


@pytest.mark.parametrize(
    ("prizes", "want"),
    [
        ([prize("a", count=1), prize("b", count=2), prize("c", count=1)], "a b b c -"),
        # extend: the group of two takes the one place left, and the next prize has one fewer.
        ([prize("a", count=2), prize("b", count=2)], "a a a b -"),
        ([prize("a", count=2), prize("b", count=1), prize("c", count=1)], "a a a c -"),
        # What is still over is forgotten: b has 0 places, c all of its own.
        ([prize("a", count=2), prize("b", count=0), prize("c", count=1)], "a a a c -"),
        # pass: the group waits for the next prize, the place stays empty.
        ([prize("a", count=2, ties="pass"), prize("b", count=2)], "a b b - -"),
        ([prize("a", count=2, ties="pass"), prize("b", count=1, ties="pass"), prize("c", count=3)], "a c c c -"),
        ([prize("a", count=0), prize("b", count=1)], "b - - - -"),
        ([prize("a", count=9)], "a a a a a"),
        # min_score: passed over, places used up, and waiting for the next prize.
        ([prize("a", count=2, min_score=85), prize("b", count=3)], "a b b b -"),
        ([prize("a", count=3, min_score=95), prize("b", count=2)], "b b b - -"),
        ([prize("a", count=4, min_score=80), prize("b", count=1)], "a a a b -"),
        ([prize("a", count=4, min_score="80.01")], "a - - - -"),
    ],
)
def test_prize_by_prize(prizes: list[Tree], want: str) -> None:
    assert won(ranked(FIVE, prizes)) == want


def test_a_group_below_the_minimum_is_passed_over_even_where_it_is_larger_than_what_is_left() -> None:
    tree = ranked(
        {"E1": 50, "E2": 50, "E3": 50}, [prize("a", count=2, min_score=60, ties="extend"), prize("b", count=1)]
    )
    # a: both places used up. b: nothing was over, so the group of three takes its one place.
    assert won(tree) == "b b b"
    first, second = allotted(tree).awards
    assert [(one.places, one.reason) for one in first.vacancies] == [(2, "min_score")]
    assert (second.places, second.forfeited, second.over) == (1, 0, 2)


def test_vacancies_have_their_reasons() -> None:
    tree = ranked(
        FIVE,
        [prize("a", count=2, ties="pass"), prize("b", count=4, min_score=75), prize("c", count=4)],
    )
    found = {one.prize.code: one for one in allotted(tree).awards}
    assert [(one.places, one.reason, one.entries) for one in found["a"].vacancies] == [(1, "pass", ("E2", "E3"))]
    assert [(one.places, one.reason, one.entries) for one in found["b"].vacancies] == [
        (1, "min_score", ("E4",)),
        (1, "min_score", ("E5",)),
    ]
    assert [(one.places, one.reason) for one in found["c"].vacancies] == [(2, "no_entry")]


def test_nobody_takes_a_prize_while_the_track_is_not_complete() -> None:
    tree = ranked({**FIVE, "E6": None}, [prize("a", count=1)], team_points={"points": [5]})
    tree["schemes"] = [{"code": "x", "title": "X"}]
    tree["organisations"] = [{"code": "o", "name": "O", "kind": "school"}]
    tree["entries"][0]["organisation"] = "o"
    found = printed(tree)
    assert won(tree) == "- - - - - -"
    assert (found["teams"], found["recommendations"]) == (
        [],
        [{"scheme": "x", "recommended": [], "reserve": [], "excluded": []}],
    )


# Team points


def teams(
    units: str, totals: list[int], points: list[Any], ties: str = "shared", others: Any = None
) -> list[tuple[int, str, str]]:
    """The team ranking where the entries, with these totals, are of these units ("-": none)."""
    entries = [entry(f"E{n}", organisation=None if unit == "-" else unit) for n, unit in enumerate(units.split())]
    tree = ranked(
        {f"E{n}": total for n, total in enumerate(totals)},
        entries=entries,
        ranking={"ties": ties},
        team_points={"points": points, "others": others},
        organisations=[{"code": code, "name": code, "kind": "district"} for code in ("A", "B", "C", "D")],
    )
    return [(row["rank"], row["organisation"], row["points"]) for row in printed(tree)["teams"]]


def test_the_nth_points_for_rank_n_and_others_past_the_end() -> None:
    assert teams("A B A C", [9, 8, 7, 6], [10, "7.50"], others="0.5") == [
        (1, "A", "10.5"),
        (2, "B", "7.5"),
        (3, "C", "0.5"),
    ]
    assert teams("A B A C", [9, 8, 7, 6], [10, "7.50"]) == [(1, "A", "10"), (2, "B", "7.5"), (3, "C", "0")]


def test_all_who_share_a_rank_bring_its_points() -> None:
    assert teams("A B C", [9, 9, 8], [10, 7, 5]) == [(1, "A", "10"), (1, "B", "10"), (3, "C", "5")]
    assert teams("A B C", [9, 9, 8], [10, 7, 5], "dense") == [(1, "A", "10"), (1, "B", "10"), (3, "C", "7")]


def test_ties_go_by_more_first_places_then_more_second_places() -> None:
    # A: ranks 1 and 4, 10 + 2; B: 2 and 3, 7 + 5.
    assert teams("A B B A", [9, 8, 7, 6], [10, 7, 5, 2]) == [(1, "A", "12"), (2, "B", "12")]
    # Both have a first place, B a second, A none; then one more rank that brings nothing still counts.
    assert teams("A B B A A", [9, 9, 8, 7, 6], [5, 0, 0], others=0)[0] == (1, "B", "5")
    assert teams("A B B", [9, 9, 5], [5]) == [(1, "B", "5"), (2, "A", "5")]


def test_only_organisations_with_a_ranked_entry() -> None:
    assert teams("A - -", [9, 8, 7], [3, 2, 1]) == [(1, "A", "3")]


# Recommendations


@pytest.mark.parametrize(
    ("requirement", "value", "met"),
    [
        (Requirement("a", min=parse_amount(24)), 24, True),
        (Requirement("a", min=parse_amount(24)), "24.0", True),
        (Requirement("a", min=parse_amount(24)), "23.99", False),
        (Requirement("a", min=parse_amount(24)), "24 months", False),
        (Requirement("a", min=parse_amount(24)), "2e9", False),
        (Requirement("a", min=parse_amount(0)), True, False),
        (Requirement("a", min=parse_amount(24)), None, False),
        (Requirement("a", max=parse_amount(5)), parse_amount("5.01"), False),
        (Requirement("a", min=parse_amount(1), max=parse_amount(5)), 3, True),
        (Requirement("a", equals=True), True, True),
        (Requirement("a", equals=True), 1, False),
        (Requirement("a", equals=1), True, False),
        (Requirement("a", equals=1), parse_amount("1.0"), True),
        (Requirement("a", equals=1), "1", False),
        (Requirement("a", equals="x"), "x", True),
        (Requirement("a", equals="x"), "X", False),
        (Requirement("a", equals=False), False, True),
        (Requirement("a", min=parse_amount(3), equals=5), 5, True),
        (Requirement("a", min=parse_amount(3), equals=5), 4, False),
        (Requirement("a"), "anything", True),
        (Requirement("a"), None, False),
    ],
)
def test_requirements(requirement: Requirement, value: Any, met: bool) -> None:
    assert meets(requirement, {} if value is None else {"a": value}) is met


UNITS = [{"code": code, "name": code, "kind": "district"} for code in ("A", "B")]


def scheme(**keys: Any) -> Tree:
    return {"code": "x", "title": "X", **keys}


def listed(one: Tree, **keys: Any) -> tuple[str, str, str]:
    """Recommended, reserve and excluded with their reasons, of two tracks of three prize winners each."""
    tree = ranked(
        {"E1": 90, "E2": 80, "E3": 70, "E4": 60},
        [prize("first", count=1), prize("second", count=2)],
        entries=[
            entry("E1", organisation="A", attributes={"m": 30}),
            entry("E2", organisation="A", attributes={"m": 20}),
            entry("E3", organisation="B", attributes={"m": "26"}),
            entry("E4", organisation="B"),
        ],
        organisations=UNITS,
        schemes=[one],
        **keys,
    )
    other = {**tree["tracks"][0], "code": "u", "prizes": [prize("gold", count=1), prize("second", count=1)]}
    tree["tracks"].append(other)
    tree["panels"].append({"track": "u", "stage": "s", "judges": ["J1"]})
    for code, total in (("U1", 95), ("U2", 70)):
        tree["entries"].append(entry(code, track="u", attributes={"m": 99}))
        tree["marks"] += marks({code: {"J1": total}}, track="u")
    found = printed(tree)["recommendations"][0]
    excluded = " ".join(f"{line['entry']}:{line['reason']}" for line in found["excluded"])
    return " ".join(found["recommended"]), " ".join(found["reserve"]), excluded


# Candidate order: first prizes by rank ÷ N (E1 1/4, U1 1/2), then second prizes (E2 2/4, E3 3/4, U2 2/2).
@pytest.mark.parametrize(
    ("keys", "want"),
    [
        ({}, ("E1 U1 E2 E3 U2", "", "")),
        ({"quota": 2}, ("E1 U1", "E2 E3 U2", "")),
        ({"quota": 0}, ("", "E1 U1 E2 E3 U2", "")),
        ({"kinds": ["skill", "digital"]}, ("E1 U1 E2 E3 U2", "", "")),
        ({"kinds": ["digital"]}, ("", "", "E1:kind U1:kind E2:kind E3:kind U2:kind")),
        ({"kinds": []}, ("", "", "E1:kind U1:kind E2:kind E3:kind U2:kind")),
        ({"prizes": ["first", "gold"]}, ("E1 U1", "", "E2:prize E3:prize U2:prize")),
        ({"prizes": []}, ("", "", "E1:prize U1:prize E2:prize E3:prize U2:prize")),
        ({"per_track": 1}, ("E1 U1", "", "E2:track_cap E3:track_cap U2:track_cap")),
        ({"per_organisation": 1}, ("E1 U1 E3 U2", "", "E2:organisation_cap")),
        ({"per_organisation": 0}, ("U1 U2", "", "E1:organisation_cap E2:organisation_cap E3:organisation_cap")),
        ({"requires": [{"attribute": "m", "min": 24}]}, ("E1 U1 E3 U2", "", "E2:eligibility")),
        # The caps count the recommended alone: E1 is not, so E2 takes the organisation's place.
        ({"prizes": ["second"], "per_organisation": 1}, ("E2 E3 U2", "", "E1:prize U1:prize")),
        # Checked in order: eligibility before prize, the track's cap before the organisation's, caps before the quota.
        (
            {"requires": [{"attribute": "m", "min": 24}], "prizes": ["first", "gold"]},
            ("E1 U1", "", "E2:eligibility E3:prize U2:prize"),
        ),
        (
            {"per_track": 1, "per_organisation": 1, "quota": 1},
            ("E1", "U1 U2", "E2:track_cap E3:track_cap"),
        ),
    ],
)
def test_schemes(keys: Tree, want: tuple[str, str, str]) -> None:
    assert listed(scheme(**keys)) == want


def test_the_printed_rank_and_the_total_order_candidates() -> None:
    # In one track two share rank 2; in the other one with the same rank ÷ N and a higher total.
    tree = ranked({"E1": 90, "E2": 80, "E3": 80, "E4": 10}, [prize("p", count=3)], schemes=[scheme()])
    tree["tracks"].append({**tree["tracks"][0], "code": "u"})
    tree["panels"].append({"track": "u", "stage": "s", "judges": ["J1"]})
    for code, total in (("A1", 85), ("A2", 81)):
        tree["entries"].append(entry(code, track="u"))
        tree["marks"] += marks({code: {"J1": total}}, track="u")
    # E1 1/4; A1 1/2 with 85, E2 and E3 2/4 with 80; A2 2/2.
    assert printed(tree)["recommendations"][0]["recommended"] == ["E1", "A1", "E2", "E3", "A2"]


def test_a_list_over_several_contests() -> None:
    def contest(code: str, kind: str, totals: dict[str, int]) -> Any:
        tree = ranked(
            totals,
            [prize("p", count=2)],
            entries=[entry(who, organisation="A") for who in totals],
            organisations=UNITS,
            contest={"code": code, "kind": kind},
        )
        return outcome(read_bundle(encoded(tree)))

    both = [contest("b", "skill", {"E1": 90, "E2": 80}), contest("a", "skill", {"E1": 90, "E2": 85})]

    def lines(**keys: Any) -> list[tuple[str, str, str]]:
        return [
            (line.candidate.contest.code, line.candidate.entry.code, line.reason or "in")
            for line in nominate(Scheme("x", **keys), both).lines
        ]

    assert lines() == [("a", "E1", "in"), ("b", "E1", "in"), ("a", "E2", "in"), ("b", "E2", "in")]
    assert lines(per_track=1) == [
        ("a", "E1", "in"),
        ("b", "E1", "in"),
        ("a", "E2", "track_cap"),
        ("b", "E2", "track_cap"),
    ]
    assert [why for _, _, why in lines(per_organisation=3)] == ["in", "in", "in", "organisation_cap"]
    assert [why for _, _, why in lines(quota=1)] == ["in", "quota", "quota", "quota"]


# What is printed


def test_the_form_of_the_results() -> None:
    tree = bundle(
        [stage("theory", [leaf("m", kind="measurement")]), stage("practical")],
        ["E2", "E1"],
        marks({"E1": {"": {"m": 88}}, "E2": {"": {"m": 70}}}, "theory") + marks({"E1": {"J1": 5}}, "practical"),
        prizes=[prize("first", count=1)],
    )
    assert printed(tree) == {
        "format": "leitai.results/1",
        "contest": "made",
        "tracks": [
            {
                "code": "t",
                "complete": False,
                "ranking": [
                    {
                        "rank": 1,
                        "entry": "E1",
                        "status": "ranked",
                        "total": "93.00",
                        "stages": {"theory": "88.00", "practical": "5.00"},
                        "prize": None,
                    },
                    {
                        "rank": None,
                        "entry": "E2",
                        "status": "pending",
                        "total": None,
                        "stages": {"theory": "70.00", "practical": None},
                        "prize": None,
                    },
                ],
            }
        ],
    }


def test_teams_and_recommendations_stand_only_where_they_are_asked_for() -> None:
    assert set(printed(bundle(schemes=[]))) == {"format", "contest", "tracks"}
    assert printed(bundle(team_points={"points": []}))["teams"] == []
    assert printed(bundle(schemes=[scheme()]))["recommendations"] == [
        {"scheme": "x", "recommended": [], "reserve": [], "excluded": []}
    ]


def test_a_track_without_entries_is_complete() -> None:
    assert printed(bundle(entries=[], prizes=[prize("p", share=1)]))["tracks"] == [
        {"code": "t", "complete": True, "ranking": []}
    ]
