"""The rule pack: equal rules have one hash, other rules another, and what differs is told."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from competition.bundle.rules import read_bundle
from competition.contests import rules as c
from competition.contests.pack import Tree, canonical_bytes, document_of, get_scalar, pack_hash, put_scalar
from competition.contests.pack_changes import differences

DATA = Path(__file__).resolve().parents[1] / "data" / "weihai"
EXAMPLES = settings(max_examples=150, deadline=None)


def sample(name: str = "welder") -> c.Contest:
    return read_bundle((DATA / f"{name}.json").read_bytes()).contest


amounts = st.sampled_from(["0", "1", "0.5", "30", "2.25"]).map(Decimal)
above = st.sampled_from(["1", "0.5", "30", "100"]).map(Decimal)
words = st.sampled_from(["一", "二", "x"])


@st.composite
def leaves(draw: st.DrawFn, code: str) -> c.Criterion:
    kind = draw(st.sampled_from(c.CRITERION_KINDS))
    graded = kind == "grade"
    return c.Criterion(
        code,
        draw(words),
        draw(st.sampled_from([None, "注"])),
        kind,
        Decimal(0),
        draw(above),
        None if graded else draw(st.sampled_from([None, Decimal("0.5")])),
        draw(above),
        ("差", "好") if graded and draw(st.booleans()) else (),
    )


@st.composite
def stages(draw: st.DrawFn, code: str) -> c.Stage:
    first, second = draw(leaves("a")), draw(leaves("b"))
    criteria: tuple[c.Criterion, ...] = (first, second)
    if draw(st.booleans()):
        criteria = (c.Criterion("h", draw(words), criteria=(first,)), second)
    return c.Stage(
        code,
        draw(words),
        draw(amounts),
        criteria,
        draw(st.sampled_from([c.Aggregate(), c.Aggregate("criterion", "median")])),
        draw(st.integers(0, 2)),
        draw(st.sampled_from(c.ROUNDINGS)),
        advance=draw(st.sampled_from([None, c.Advance("total", 3), c.Advance("stage", None, Decimal("60"))])),
    )


@st.composite
def packs(draw: st.DrawFn) -> tuple[c.Contest, dict[str, list[Any]]]:
    """A definition and the eligibility of its tracks."""
    tracks = tuple(
        c.Track(
            code,
            draw(words),
            tuple(draw(stages(name)) for name in ("s", "f")[: draw(st.integers(1, 2))]),
            c.Ranking(2, tie_break=draw(st.sampled_from([(), ("draw",), ("stage:s", "draw"), ("draw", "stage:s")]))),
            tuple(draw(st.sampled_from([(), (c.Prize("p", "奖", 1),), (c.Prize("p", "奖", share=Decimal("0.1")),)]))),
        )
        for code in ("t", "u")[: draw(st.integers(1, 2))]
    )
    conditions = st.sampled_from(
        [c.Requirement("m", Decimal(24)), c.Requirement("r", equals=True), c.Requirement("r", equals="1"),
         c.Requirement("n", equals=Decimal("1.5")), c.Requirement("n", equals="1.5")]
    )  # fmt: skip
    schemes = (
        c.Scheme(
            "s",
            "推荐",
            draw(st.sampled_from([None, 0, 3])),
            tuple(draw(st.lists(conditions, max_size=2, unique_by=repr))),
            draw(st.sampled_from([None, (), ("skill",), ("skill", "digital")])),
        ),
    )
    rules = st.sampled_from(
        [{"kind": "age", "min": 16}, {"kind": "age", "min": 18}, {"kind": "unit", "kinds": ["union", "platform"]}]
    )
    points = draw(
        st.sampled_from([None, c.TeamPoints((Decimal(3), Decimal(1))), c.TeamPoints((Decimal(1), Decimal(3)))])
    )
    contest = c.Contest(
        "c", "题", "skill", "city", 2026, tracks=tracks, team_points=points,
        schemes=schemes if draw(st.booleans()) else (), counts=draw(st.sampled_from(c.COUNTS)),
    )  # fmt: skip
    return contest, {track.code: draw(st.lists(rules, max_size=2, unique_by=json.dumps)) for track in tracks}


def meaning(contest: c.Contest, eligibility: dict[str, list[Any]]) -> object:
    """What the pack says, in another form than its own: what may stand in any order as sets."""
    schemes = (
        tuple(replace(one, requires=(), kinds=None) for one in contest.schemes),
        tuple(frozenset(map(repr, one.requires)) for one in contest.schemes),
        tuple(None if one.kinds is None else frozenset(one.kinds) for one in contest.schemes),
    )
    allowed = tuple(
        frozenset(
            frozenset((key, frozenset(value) if isinstance(value, list) else value) for key, value in rule.items())
            for rule in eligibility[track.code]
        )
        for track in contest.tracks
    )
    return contest.counts, contest.tracks, contest.team_points, schemes, allowed


@EXAMPLES
@given(packs(), packs())
def test_equal_rules_and_no_others_have_one_hash(
    one: tuple[c.Contest, dict[str, list[Any]]], other: tuple[c.Contest, dict[str, list[Any]]]
) -> None:
    same = meaning(*one) == meaning(*other)
    assert (pack_hash(document_of(*one)) == pack_hash(document_of(*other))) == same
    assert (differences(document_of(*one), document_of(*other)) == []) == same


def _shuffled(value: Any, rng: random.Random) -> Any:
    """The same JSON with its keys in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {key: _shuffled(one, rng) for key, one in items}
    return [_shuffled(one, rng) for one in value] if isinstance(value, list) else value


@EXAMPLES
@given(packs(), st.integers(0, 10**6))
def test_what_has_no_order_may_stand_in_any(pack: tuple[c.Contest, dict[str, list[Any]]], seed: int) -> None:
    contest, eligibility = pack
    rng = random.Random(seed)
    turned = {
        code: [
            {key: rng.sample(value, len(value)) if isinstance(value, list) else value for key, value in rule.items()}
            for rule in rng.sample(listed, len(listed))
        ]
        for code, listed in eligibility.items()
    }
    schemes = tuple(
        replace(one, requires=tuple(rng.sample(one.requires, len(one.requires))),
                kinds=one.kinds and tuple(rng.sample(one.kinds, len(one.kinds))))
        for one in contest.schemes
    )  # fmt: skip
    first = document_of(contest, eligibility)
    then = _shuffled(document_of(replace(contest, schemes=schemes), turned), rng)
    # A bundle's zeros at the end of a number say nothing either, nor does a trip through any JSON library.
    assert pack_hash(json.loads(json.dumps(then))) == pack_hash(first)


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree["tracks"][0]["stages"].reverse(),
        lambda tree: tree["tracks"][0]["ranking"]["tie_break"].reverse(),
        lambda tree: tree["tracks"][0]["prizes"].reverse(),
        lambda tree: tree["team_points"]["points"].reverse(),
        lambda tree: tree["tracks"][0]["stages"][1]["criteria"].reverse(),
        lambda tree: tree["tracks"][0]["stages"][0].update(weight="0.31"),
        lambda tree: tree["tracks"][0]["stages"][0]["criteria"][0].update(note="注"),
        lambda tree: tree["tracks"][0].update(eligibility=[{"kind": "age", "min": 16}]),
        lambda tree: tree.update(counts="saved"),
        lambda tree: tree["schemes"][0].update(quota=None),
    ],
)
def test_what_has_an_order_or_a_meaning_is_another_pack(change: Callable[[Tree], Any]) -> None:
    first = document_of(sample())
    other = copy.deepcopy(first)
    change(other)
    assert pack_hash(other) != pack_hash(first)
    assert differences(first, other) and differences(other, first)


def test_what_is_no_rule_is_not_in_it() -> None:
    contest = sample()
    tracks = tuple(replace(track, phase="final") for track in contest.tracks)
    other = replace(
        contest, code="x", title="y", year=1999, level="province", phase="final", identity="entry", public=False,
        rehearsal=True, tracks=tracks,
    )  # fmt: skip
    assert pack_hash(document_of(other)) == pack_hash(document_of(contest))


def test_a_number_is_its_value_and_a_text_is_none() -> None:
    assert put_scalar(Decimal("24.0")) == 24 and put_scalar(True) is True
    assert get_scalar(put_scalar(Decimal("1.50"))) == Decimal("1.5") and get_scalar("1.5") == "1.5"
    contest = sample()
    stage = replace(contest.tracks[0].stages[0], weight=Decimal("0.300"))
    track = replace(contest.tracks[0], stages=(stage, *contest.tracks[0].stages[1:]))
    assert document_of(replace(contest, tracks=(track,))) == document_of(contest)


def test_the_hash_is_that_of_the_bytes_on_any_machine() -> None:
    document = document_of(sample())
    assert pack_hash(document) == hashlib.sha256(canonical_bytes(document)).hexdigest()
    code = (
        "import sys; from pathlib import Path; from competition.bundle.rules import read_bundle;"
        "from competition.contests.pack import document_of, pack_hash;"
        "print(pack_hash(document_of(read_bundle(Path(sys.argv[1]).read_bytes()).contest)))"
    )
    for seed in ("0", "7"):
        told = subprocess.run(
            [sys.executable, "-c", code, str(DATA / "welder.json")],
            capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed, "LC_ALL": "C"}, timeout=60,
            cwd=DATA.parents[2],
        )  # fmt: skip
        assert told.stdout.strip() == pack_hash(document)


def test_each_difference_has_its_place() -> None:
    old = document_of(sample())
    new = copy.deepcopy(old)
    track = new["tracks"][0]
    track["stages"][0]["weight"] = "0.4"
    track["stages"][1]["criteria"].append({"code": "new", "title": "新项", "kind": "grade", "max": "5", "factor": "1"})
    gone = track["prizes"].pop()
    track["prizes"][0]["count"] = 2
    found = differences(old, new)
    said = [(one.sort, one.what, one.key, one.old, one.new) for one in found]
    assert said[0] == ("changed", "stage", "weight", "0.3", "0.4")
    assert ("added", "criterion", "", None, track["stages"][1]["criteria"][-1]) in said
    assert ("changed", "prize", "count", 1, 2) in said and ("removed", "prize", "", gone, None) in said
    assert len(found) == 4 and found[0].place.stage == "理论(机考)"
