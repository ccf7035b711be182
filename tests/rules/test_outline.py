"""The rubric as an outline: what is moved stays whole, and the tree is the one that was read."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from competition.contests import outline
from tests.rules import made_contests

KINDS = st.sampled_from(["judgement", "grade", "measurement", "heading"])
LEAF = st.fixed_dictionaries({"kind": KINDS, "depth": st.integers(0, 5)})


def made(parts: list[dict[str, Any]]) -> list[outline.Row]:
    rows = [outline.blank() | part | {"code": f"c{at}", "title": f"t{at}"} for at, part in enumerate(parts)]
    return outline.settled(rows)


def sound(rows: list[outline.Row]) -> bool:
    return rows == outline.settled(rows)


@given(st.lists(LEAF, min_size=1, max_size=12), st.data())
def test_a_move_loses_nothing_and_leaves_an_outline(parts: list[dict[str, Any]], data: st.DataObject) -> None:
    rows = made(parts)
    at = data.draw(st.integers(0, len(rows) - 1))
    verb = data.draw(st.sampled_from(["up", "down", "in", "out"]))
    block = [row["code"] for row in rows[at : outline.end_of(rows, at)]]
    found = outline.moved(rows, at, verb)
    assert sound(found)
    assert sorted(row["code"] for row in found) == sorted(row["code"] for row in rows)
    place = next(place for place, row in enumerate(found) if row["code"] == block[0])
    assert [row["code"] for row in found[place : place + len(block)]] == block
    back = {"up": "down", "down": "up"}.get(verb)
    if back and found != rows:
        assert outline.moved(found, place, back) == rows
    if verb == "in" and found != rows:
        assert found[place]["depth"] == rows[at]["depth"] + 1


@given(st.integers(0, 5000))
def test_a_tree_read_as_rows_is_the_same_tree(seed: int) -> None:
    for track in made_contests.bundle(random.Random(seed))["tracks"]:
        for stage in track["stages"]:
            rows = outline.rows_of(stage["criteria"])
            criteria, places = outline.criteria_of(rows)
            assert outline.rows_of(criteria) == rows
            assert sorted(places.values()) == list(range(len(rows)))


def test_sums_are_exact_and_by_heading() -> None:
    rows = [
        outline.blank("heading") | {"title": "a"},
        outline.blank(depth=1) | {"max": "0.1"},
        outline.blank(depth=1) | {"max": "0.2"},
        outline.blank() | {"max": "10", "factor": "0.333"},
        outline.blank() | {"max": "x"},
    ]
    assert outline.sums(rows) == (["0.3", "0.1", "0.2", "3.33", "0"], "3.63")
    assert outline.numbers(rows) == ["1", "1.1", "1.2", "2", "3"]


def test_a_row_without_a_code_gets_a_free_one_and_an_empty_heading_stays_one() -> None:
    rows = [outline.blank("heading"), outline.blank() | {"code": "C1"}, outline.blank()]
    criteria, places = outline.criteria_of(rows)
    assert [one["code"] for one in criteria] == ["h1", "C1", "c2"]
    assert criteria[0]["criteria"] == []
    assert places == {"[0]": 0, "[1]": 1, "[2]": 2}


def test_what_cannot_move_stays() -> None:
    rows = [outline.blank() | {"code": "a"}, outline.blank() | {"code": "b"}]
    assert not outline.may(rows, 0, "up")
    assert not outline.may(rows, 1, "in"), "a leaf takes nothing under it"
    assert not outline.may(rows, 0, "out")
    assert outline.may(rows, 0, "down")
