"""Rules tried on sample marks: every sample is a mark the rubric takes, and the arithmetic is the contest's own."""

from __future__ import annotations

import json
import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from competition.bundle import trial
from competition.bundle.rules import read_bundle, results
from competition.contests.rules import Criterion
from competition.scoring.rules import check_mark
from tests.conftest import DATA
from tests.rules import made_contests

AMOUNTS = st.decimals(min_value="0.5", max_value=200, places=2)


@given(
    st.sampled_from(["judgement", "measurement", "grade"]),
    st.integers(-5, 5),
    AMOUNTS,
    st.sampled_from([None, "1", "0.5", "0.25", "0.03"]),
    st.integers(0, 100),
)
def test_a_sample_is_a_mark_that_the_criterion_takes(
    kind: str, least: int, room: Decimal, step: str | None, percent: int
) -> None:
    graded = kind == "grade"
    low = Decimal(0) if graded else Decimal(least)
    leaf = Criterion(
        "c", kind=kind, min=low, max=low + room, step=None if graded or step is None else Decimal(step)  # type: ignore[arg-type]
    )  # fmt: skip
    assert check_mark(trial.value_for(leaf, percent), leaf) is None


@given(st.integers(0, 3000))
def test_every_contest_can_be_tried(seed: int) -> None:
    for track in read_bundle(json.dumps(made_contests.bundle(random.Random(seed))).encode()).contest.tracks:
        figures = trial.sample_figures(len(track.stages))
        tried = trial.try_out(track, figures)
        assert len(tried.result.rows) == trial.ENTRIES
        assert tried == trial.try_out(track, figures), "the same figures, the same answer"


def seconds(place: int) -> int:
    return 3000 + place * 37 % 400


def test_the_arithmetic_is_that_of_a_bundle() -> None:
    """The same marks written into a bundle and scored by `leitai score` give the same ranks, totals and prizes."""
    bundle = json.loads((DATA / "weihai" / "welder.json").read_text(encoding="utf-8"))
    contest = read_bundle(json.dumps(bundle).encode()).contest
    track = contest.tracks[0]
    figures = trial.sample_figures(len(track.stages))
    tried = trial.try_out(track, figures)
    names, judges = trial.names(trial.ENTRIES), [f"J{number}" for number in range(1, trial.JUDGES + 1)]
    kept = {key: bundle[key] for key in ("format", "contest", "tracks")}
    marks = [
        {
            "track": track.code, "stage": stage.code, "entry": entry, "criterion": leaf.code,
            "value": str(trial.value_for(leaf, sum(row) // len(row) if measured else row[judge])),
            **({} if measured else {"judge": judges[judge]}),
        }
        for stage, given in zip(track.stages, figures, strict=True)
        for entry, row in zip(names, given, strict=True)
        for leaf in stage.leaves
        for measured in [leaf.kind == "measurement"]
        for judge in range(1 if measured else len(judges))
    ]  # fmt: skip
    printed = results(
        read_bundle(
            json.dumps(
                {
                    **kept,
                    "judges": [{"code": code, "name": code} for code in judges],
                    "entries": [{"code": code, "track": track.code, "title": code, "draw": place}
                                for place, code in enumerate(names, start=1)],
                    "panels": [{"track": track.code, "stage": stage.code, "judges": judges} for stage in track.stages],
                    "marks": marks,
                    "timings": [{"track": track.code, "stage": stage.code, "entry": code, "seconds": seconds(place)}
                                for stage in track.stages for place, code in enumerate(names)],
                }
            ).encode()
        )
    )  # fmt: skip
    expected = [(row["rank"], row["entry"], row["total"], row["prize"]) for row in printed["tracks"][0]["ranking"]]
    assert expected == [
        (row.rank, row.entry, format(row.total or 0, "f"), tried.by_entry.get(row.entry)) for row in tried.result.rows
    ]
