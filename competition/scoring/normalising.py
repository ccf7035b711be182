"""Step 7: evening out panels or judges over all who stand in a stage (bundle.md, "Normalising")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from competition.contests.rules import Stage
from competition.scoring.entry import combine, settle
from competition.scoring.evidence import Panel
from competition.scoring.numbers import mean_and_variance, root_of_ratio, round_to
from competition.scoring.records import AttemptScore, EntryStage, JudgeTotal

Results = Mapping[str, EntryStage]


def normalise_stage(stage: Stage, results: Results, panels: Sequence[Panel]) -> dict[str, EntryStage]:
    """The results of all who stand in a stage, with the score of step 7 in `score` and that of step 6 left in `raw`.

    `results` are those of every entry that stands in the stage and of no other, by entry code. They come back
    unchanged where nothing is asked for, where one of them is pending, or where nobody stands in the stage. `panels`
    are the track's.
    """
    if stage.normalise == "none" or not results or any(result.state == "pending" for result in results.values()):
        return dict(results)
    if stage.normalise == "judge_zscore":
        return _by_judge(stage, results)
    return _by_panel(stage, results, [panel for panel in panels if panel.stage == stage.code])


def _score(result: EntryStage) -> Fraction:
    return Fraction(0) if result.raw is None else Fraction(result.raw)


def _by_panel(stage: Stage, results: Results, panels: Sequence[Panel]) -> dict[str, EntryStage]:
    """`panel_ratio` and `panel_zscore`. An entry in no panel counts in the mean of all and stays as it is."""
    scores = {code: _score(result) for code, result in results.items()}
    mean_all, variance_all = mean_and_variance(list(scores.values()))
    evened = dict(results)
    for panel in panels:
        members = list(scores) if panel.entries is None else [code for code in panel.entries if code in scores]
        if not members:
            continue
        mean, variance = mean_and_variance([scores[code] for code in members])
        if stage.normalise == "panel_ratio":
            if mean == 0:
                continue
            ratio = mean_all / mean
            values = {code: scores[code] * ratio for code in members}
        else:
            spread = root_of_ratio(variance_all, variance) if variance else Fraction(0)
            values = {code: mean_all + (scores[code] - mean) * spread for code in members}
        for code, value in values.items():
            evened[code] = replace(results[code], score=settle(stage, value))
    return evened


def _by_judge(stage: Stage, results: Results) -> dict[str, EntryStage]:
    """`judge_zscore`: each judge's totals are brought to the mean and spread of all, then steps 3 to 6 run again."""
    totals: dict[str, list[Fraction]] = {}
    for result in results.values():
        for seat in result.attempts[0].judges:
            if seat.total is not None:
                totals.setdefault(seat.judge, []).append(seat.total)
    if not totals:
        return dict(results)
    mean_all, variance_all = mean_and_variance([total for one in totals.values() for total in one])
    scales: dict[str, tuple[Fraction, Fraction]] = {}
    for judge, own in totals.items():
        mean, variance = mean_and_variance(own)
        scales[judge] = (mean, root_of_ratio(variance_all, variance) if variance else Fraction(0))
    return {code: _rescored(stage, result, mean_all, scales) for code, result in results.items()}


def _rescored(
    stage: Stage, result: EntryStage, mean_all: Fraction, scales: Mapping[str, tuple[Fraction, Fraction]]
) -> EntryStage:
    """One entry's result after its judges' totals were evened out."""
    attempt = result.attempts[0]
    judged = any(leaf.kind != "measurement" for leaf in stage.leaves)
    if not judged:
        return result
    values: dict[str, Fraction] = {}
    for seat in attempt.judges:
        if seat.total is not None:
            mean, spread = scales[seat.judge]
            values[seat.judge] = mean_all + (seat.total - mean) * spread
    ordered = sorted(values, key=lambda judge: (values[judge], judge))
    trimmed = stage.aggregate.method == "trimmed_mean" and len(ordered) >= stage.aggregate.trim_from
    low = frozenset(ordered[: stage.aggregate.drop_low] if trimmed else ())
    high = frozenset(ordered[len(ordered) - stage.aggregate.drop_high :] if trimmed else ())
    score = round_to(combine(list(values.values()), stage.aggregate) + attempt.measured, stage.places, stage.rounding)
    seats = tuple(
        JudgeTotal(
            seat.judge,
            seat.total,
            "low" if seat.judge in low else "high" if seat.judge in high else "kept",
            values.get(seat.judge),
        )
        for seat in attempt.judges
    )
    evened = AttemptScore(
        attempt.number, attempt.marked, attempt.expected, score, seats, attempt.leaves, attempt.measured
    )
    return replace(result, score=settle(stage, score, result.adjustment), attempts=(evened,))
