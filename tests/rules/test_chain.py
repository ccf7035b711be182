"""The review chain: whose turn it is, for whom a step is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.registration.chain import BYS, DEFAULT, Step, UnitAt, chain_of, handlers, turn_at

CITY = UnitAt(1, "district", city=True)
COUNTY = UnitAt(2, "district")
GROUP = UnitAt(3, "enterprise")
YARD = UnitAt(4, "enterprise")
UNION = UnitAt(5, "union")

LINES = {
    "a yard of a group in a county": ((YARD, GROUP, COUNTY, CITY), (4, 3), (2,)),
    "a unit of the county": ((GROUP, COUNTY, CITY), (3,), (2,)),
    "a county itself": ((COUNTY, CITY), (), (2,)),
    "an industry's union (platform workers)": ((UNION, CITY), (), (5,)),
    "a unit straight under the city": ((GROUP, CITY), (3,), ()),
    "a unit above which there is nobody": ((GROUP,), (3,), ()),
    "the city itself": ((CITY,), (), ()),
    "no unit": ((), (), ()),
}


@pytest.mark.parametrize("case", LINES)
def test_who_does_which_step(case: str) -> None:
    line, unit, county = LINES[case]
    assert handlers(DEFAULT[0], line) == unit
    assert handlers(DEFAULT[1], line) == county
    assert handlers(DEFAULT[2], line) == ()


@pytest.mark.parametrize("case", LINES)
def test_steps_that_nobody_does_are_passed_over_with_a_reason(case: str) -> None:
    line, unit, county = LINES[case]
    turn = turn_at(DEFAULT, line, 0)
    assert turn is not None
    expected = 0 if unit else 1 if county else 2
    assert turn.index == expected
    assert [step.code for step, _why in turn.passed] == ["unit", "county"][:expected]
    assert all(str(why) for _step, why in turn.passed)


def test_the_chain_ends() -> None:
    assert turn_at(DEFAULT, LINES["a unit of the county"][0], 3) is None
    assert turn_at((Step("county", "x", "county"),), (GROUP, CITY), 0) is None


def test_a_chain_is_what_the_contest_says() -> None:
    assert chain_of(None) == chain_of([]) == DEFAULT
    assert chain_of([{"code": "only", "title": "组委会", "by": "contest"}]) == (Step("only", "组委会", "contest"),)
    assert chain_of([{"title": "x", "by": "nobody"}])[0].by == "contest"


units = st.builds(
    UnitAt, st.integers(1, 99), st.sampled_from(("enterprise", "district", "system", "union", "school")), st.booleans()
)
steps = st.lists(st.builds(Step, st.just("s"), st.just("t"), st.sampled_from(BYS)), min_size=1, max_size=4)


@given(steps, st.lists(units, max_size=5), st.integers(0, 4))
def test_whatever_the_chain_the_next_turn_is_later_and_somebodys(
    chain: list[Step], line: list[UnitAt], start: int
) -> None:
    turn = turn_at(chain, line, start)
    if turn is None:
        assert all(step.by != "contest" for step in chain[start:])
        return
    assert turn.index >= start
    assert turn.units or turn.step.by == "contest"
    assert len(turn.passed) == turn.index - start
    assert set(turn.units) <= {unit.id for unit in line}
    assert not {unit.id for unit in line if unit.city} & set(turn.units) - {u.id for u in line if not u.city}
