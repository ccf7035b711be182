"""What holds for every contest, whatever its marks."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from competition.bundle.rules import canonical, outcome, read_bundle, results, write_bundle
from competition.contests.rules import ZERO
from competition.leaderboard.rules import fold, rank_track, ranks_from_order
from competition.scoring.evidence import Mark
from competition.scoring.rules import EntryStage, expected_by_entry, score_entries, score_entry, sum_adjustments
from tests.rules.bundles import Tree, bundle, encoded, entry, leaf, stage

JUDGES = ("J1", "J2", "J3", "J4")
EXAMPLES = settings(max_examples=120, deadline=None)


@st.composite
def contests(
    draw: st.DrawFn, *, methods: tuple[str, ...] = ("mean", "median", "trimmed_mean"), full: bool = False
) -> Tree:
    """A contest of one or two stages with ties, gaps, rulings, prizes and a scheme."""
    stages = []
    normalises = ["none", "none", "panel_ratio", "panel_zscore", "judge_zscore"]
    for code in ("s", "f")[: draw(st.integers(1, 2))]:
        normalise = "none" if full else draw(st.sampled_from(normalises))
        over = "judge" if normalise == "judge_zscore" else draw(st.sampled_from(["judge", "criterion"]))
        criteria = [
            leaf("a", max=5, factor=draw(st.sampled_from(["1", "0.7", "1.5"]))),
            leaf("g", max=10, kind="grade"),
            leaf("m", max=5, kind="measurement"),
        ][: draw(st.integers(1, 3))]
        aggregate: Tree = {"over": over, "method": draw(st.sampled_from(methods))}
        advance = None
        if code == "s":
            advance = draw(st.sampled_from([None, {"top": 2}, {"min": 3}, {"top": 3, "min": 2, "by": "stage"}]))
        attempts = 1 if normalise == "judge_zscore" else 2
        keys: Tree = {"weight": draw(st.sampled_from(["0.3", "1", "0"])), "places": draw(st.integers(0, 3))}
        kind = draw(st.sampled_from(["best", "last", "mean", "sum"]))
        stages.append(
            stage(
                code,
                criteria,
                aggregate=aggregate,
                normalise=normalise,
                advance=advance,
                attempt_count=attempts,
                attempts=kind,
                **keys,
            )
        )
    entries = []
    for n in range(draw(st.integers(1, 6))):
        keys = {"draw": n + 1} if draw(st.booleans()) else {}
        if draw(st.integers(0, 7)) == 0:
            keys.update(status=draw(st.sampled_from(["absent", "disqualified"])), status_from=stages[-1]["code"])
        entries.append(entry(f"E{n}", organisation=draw(st.sampled_from([None, "A", "B"])), **keys))
    missing = 0 if full else draw(st.sampled_from([0, 0, 0, 5]))
    marks: list[Tree] = []
    for one in stages:
        for who in entries:
            for attempt in range(1, draw(st.integers(1, one["attempt_count"])) + 1):
                for criterion in one["criteria"]:
                    kind = criterion.get("kind")
                    for judge in (None,) if kind == "measurement" else JUDGES:
                        if missing and draw(st.integers(0, 30)) == 0:
                            continue
                        value = draw(st.integers(0, 3)) if kind == "grade" else f"{draw(st.integers(0, 10)) / 2}"
                        marks.append(
                            {
                                "track": "t",
                                "stage": one["code"],
                                "entry": who["code"],
                                "judge": judge,
                                "criterion": criterion["code"],
                                "attempt": attempt,
                                "value": value,
                            }
                        )
    keys = draw(st.sampled_from([[], ["stage:s"], ["draw"], ["stage:s", "criterion:s/a", "draw"], ["criterion:s/a"]]))
    tree = bundle(
        stages,
        entries,
        marks,
        judges=" ".join(JUDGES),
        ranking={
            "places": draw(st.integers(0, 2)),
            "tie_break": keys,
            "ties": draw(st.sampled_from(["shared", "dense"])),
        },
        prizes=[
            {
                "code": f"p{n}",
                "title": "P",
                "count": draw(st.integers(0, 3)),
                "ties": draw(st.sampled_from(["extend", "pass"])),
                "min_score": draw(st.sampled_from([None, 3, 8])),
            }
            for n in range(draw(st.integers(0, 3)))
        ],
        organisations=[{"code": code, "name": code, "kind": "district"} for code in "AB"],
        team_points={"points": [3, "1.5"]},
        schemes=[{"code": "x", "title": "X", "quota": 2, "per_organisation": 1}],
    )
    if draw(st.booleans()):
        tree["recusals"] = [{"judge": "J1", "entry": "E0"}]
    if draw(st.booleans()):
        tree["adjustments"] = [{"track": "t", "stage": "s", "entry": "E0", "amount": "-0.55"}]
    return tree


@EXAMPLES
@given(contests(), st.randoms(use_true_random=False))
def test_order_in_the_file_changes_nothing(tree: Tree, rng: random.Random) -> None:
    before = read_bundle(encoded(tree))
    for key in ("marks", "entries", "judges", "organisations", "panels"):
        rng.shuffle(tree[key])
    after = read_bundle(encoded(tree))
    assert results(after) == results(before)
    assert write_bundle(after) == write_bundle(before)


@EXAMPLES
@given(contests())
def test_what_was_written_reads_back_and_writes_the_same(tree: Tree) -> None:
    first = read_bundle(encoded(tree))
    text = write_bundle(first)
    again = read_bundle(text.encode())
    assert write_bundle(again) == text
    assert canonical(again) == canonical(first)
    assert results(again) == results(first)


@EXAMPLES
@given(contests(methods=("mean", "median"), full=True), st.data())
def test_raising_a_mark_never_lowers_the_entrys_total(tree: Tree, data: st.DataObject) -> None:
    for one in tree["tracks"][0]["stages"]:
        one.pop("advance")
        # The last attempt stays the last, and no attempt is added.
    place = data.draw(st.integers(0, len(tree["marks"]) - 1))
    mark = tree["marks"][place]

    def total() -> Decimal | None:
        (track,) = results(read_bundle(encoded(tree)))["tracks"]
        row = next(row for row in track["ranking"] if row["entry"] == mark["entry"])
        return None if row["total"] is None else Decimal(row["total"])

    before = total()
    mark["value"] = 3 if mark["criterion"] == "g" else "5"
    after = total()
    assert (before is None) == (after is None)
    assert before is None or after is None or after >= before


@EXAMPLES
@given(contests())
def test_every_place_of_every_prize_is_accounted_for(tree: Tree) -> None:
    found = outcome(read_bundle(encoded(tree)))
    result, allotment = found.results["t"], found.prizes["t"]
    holders = [who for award in allotment.awards for who in award.entries]
    assert len(holders) == len(set(holders)) and set(holders) == set(allotment.by_entry)
    for award in allotment.awards:
        empty = sum(vacancy.places for vacancy in award.vacancies)
        assert award.places == award.forfeited + len(award.entries) - award.over + empty
        assert all(vacancy.places > 0 for vacancy in award.vacancies)
        assert min(award.places, award.forfeited, award.over) >= 0
    if result.complete:
        assert [award.prize for award in allotment.awards] == list(found.contest.tracks[0].prizes)
    else:
        assert not allotment.awards and not allotment.by_entry


@EXAMPLES
@given(contests(), st.randoms(use_true_random=False))
def test_a_board_folded_mark_by_mark_is_the_one_folded_at_once(tree: Tree, rng: random.Random) -> None:
    read = read_bundle(encoded(tree))
    (track,) = read.contest.tracks
    evidence = read.by_track()["t"]
    expected = expected_by_entry(track.stages, evidence)
    sums = sum_adjustments(evidence.adjustments)
    kept: dict[tuple[str, str], EntryStage] = score_entries(track.stages, replace(evidence, marks=()))
    own: dict[tuple[str, str], list[Mark]] = {}
    arriving = list(evidence.marks)
    rng.shuffle(arriving)
    stages = {one.code: one for one in track.stages}
    checked = rng.sample(range(len(arriving) + 1), min(3, len(arriving) + 1))
    for count, mark in enumerate(arriving, start=1):
        key = (mark.stage, mark.entry)
        own.setdefault(key, []).append(mark)
        # Only the entry and stage that the mark is of are scored again.
        kept[key] = score_entry(stages[mark.stage], expected[key], own[key], sums.get(key, ZERO))
        if count in checked or count == len(arriving):
            once = fold(track, replace(evidence, marks=tuple(arriving[:count])))
            assert rank_track(track, evidence.entries, kept, panels=evidence.panels, timings=evidence.timings) == once


@EXAMPLES
@given(contests())
def test_order_keys_give_the_ranks(tree: Tree) -> None:
    read = read_bundle(encoded(tree))
    (track,) = read.contest.tracks
    rows: dict[str, Any] = {row.entry: row for row in fold(track, read.by_track()["t"]).rows}
    counted = ranks_from_order(
        {who: row.order for who, row in rows.items()},
        lambda who: str(rows[who].status),
        lambda who: len(rows[who].stages),
        track.ranking.ties,
    )
    assert counted == {who: row.rank for who, row in rows.items() if row.rank is not None}
