"""The score of one entry in one stage from its own marks alone (bundle.md, "From marks to a stage score", 1 to 6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

from competition.contests.rules import ZERO, Aggregate, Stage
from competition.scoring.evidence import Mark
from competition.scoring.numbers import EXACT, round_to
from competition.scoring.records import AttemptScore, EntryStage, JudgeTotal, LeafResult, Part

BEST_GRADE: Final = 3


def _kept(values: list[tuple[Decimal, str]], aggregate: Aggregate) -> tuple[int, int]:
    """The slice of the ascending `values` that `trimmed_mean` keeps (bundle.md, From marks to a stage score, 4)."""
    if aggregate.method != "trimmed_mean" or len(values) < aggregate.trim_from:
        return 0, len(values)
    return aggregate.drop_low, len(values) - aggregate.drop_high


def _combine(values: list[tuple[Decimal, str]], aggregate: Aggregate, divisor: int) -> tuple[Fraction, int, int]:
    """`method` over values ÷ `divisor`, and the slice that was kept of the values, which it sorts in place."""
    values.sort()
    start, stop = _kept(values, aggregate)
    if aggregate.method == "median":
        middle = len(values) // 2
        kept = [values[middle][0]] if len(values) % 2 else [values[middle - 1][0], values[middle][0]]
    else:
        kept = [value for value, _ in values[start:stop]]
    upper, lower = sum(kept, ZERO).as_integer_ratio()
    return Fraction(upper, lower * len(kept) * divisor), start, stop


def combine(values: Sequence[Fraction], aggregate: Aggregate) -> Fraction:
    """`method` over any exact values, at least one (bundle.md, From marks to a stage score, 4)."""
    ordered = sorted(values)
    if aggregate.method == "median":
        middle = len(ordered) // 2
        kept = [ordered[middle]] if len(ordered) % 2 else ordered[middle - 1 : middle + 1]
    elif aggregate.method == "trimmed_mean" and len(ordered) >= aggregate.trim_from:
        kept = ordered[aggregate.drop_low : len(ordered) - aggregate.drop_high]
    else:
        kept = ordered
    return sum(kept, Fraction(0)) / len(kept)


def _exact(amount: Decimal, divisor: int = 1) -> Fraction:
    upper, lower = amount.as_integer_ratio()
    return Fraction(upper, lower * divisor)


Cells = dict[str, dict[str, Decimal]]


def _score_over_criteria(stage: Stage, cells: Cells) -> tuple[Decimal, tuple[LeafResult, ...]]:
    """Step 3, `over: criterion`, of an attempt that has all its marks."""
    score, results = ZERO, []
    for leaf in stage.leaves:
        given = cells[leaf.code]
        low: tuple[str, ...] = ()
        high: tuple[str, ...] = ()
        if leaf.kind == "measurement":
            plain = round_to(given[""], stage.places, stage.rounding)
        else:
            graded = leaf.kind == "grade"
            values = [(value * leaf.top if graded else value, judge) for judge, value in given.items()]
            middle, start, stop = _combine(values, stage.aggregate, BEST_GRADE if graded else 1)
            plain = round_to(middle, stage.places, stage.rounding)
            low = tuple(judge for _, judge in values[:start])
            high = tuple(judge for _, judge in values[stop:])
        result = round_to(plain * leaf.factor, stage.places, stage.rounding)
        score += result
        results.append(LeafResult(leaf.code, _exact(result), low, high))
    return score, tuple(results)


def _leaf_means(stage: Stage, cells: Cells, complete: frozenset[str]) -> tuple[LeafResult, ...]:
    """The plain means by which `criterion:S/C` compares with `over: judge`; None for leaves that lack a mark."""
    results = []
    for leaf in stage.leaves:
        if leaf.code not in complete:
            results.append(LeafResult(leaf.code, None))
            continue
        given = cells[leaf.code]
        amount = sum(given.values(), ZERO) * leaf.factor
        if leaf.kind == "grade":
            results.append(LeafResult(leaf.code, _exact(amount * leaf.top, BEST_GRADE * len(given))))
        else:
            results.append(LeafResult(leaf.code, _exact(amount, len(given))))
    return tuple(results)


def _judge_totals(stage: Stage, expected: Sequence[str], cells: Cells) -> dict[str, Decimal]:
    """Three times each judge's total, for the judges who have given every mark: so grades' thirds stay decimals."""
    totals = dict.fromkeys(expected, ZERO)
    for leaf in stage.leaves:
        if leaf.kind == "measurement":
            continue
        times = leaf.factor * leaf.top if leaf.kind == "grade" else leaf.factor * BEST_GRADE
        given = cells.get(leaf.code, {})
        for judge in list(totals):
            value = given.get(judge)
            if value is None:
                del totals[judge]
            else:
                totals[judge] += value * times
    return totals


def _score_attempt(stage: Stage, expected: Sequence[str], number: int, cells: Cells) -> AttemptScore:
    """Steps 2 to 4 for one attempt. `cells` has the marks that count, by leaf and judge ("" for a measurement)."""
    marked = wanted = 0
    judged = False
    finished = []
    for leaf in stage.leaves:
        seats = 1 if leaf.kind == "measurement" else len(expected)
        judged = judged or leaf.kind != "measurement"
        given = len(cells.get(leaf.code, ()))
        marked += given
        wanted += seats
        if given == seats and given:
            finished.append(leaf.code)
    ready = marked == wanted and (bool(expected) or not judged)
    if stage.aggregate.over == "criterion":
        score: Decimal | None = None
        if ready:
            score, results = _score_over_criteria(stage, cells)
        else:
            results = tuple(LeafResult(leaf.code, None) for leaf in stage.leaves)
        triples = _judge_totals(stage, expected, cells)
        judges = tuple(
            JudgeTotal(judge, _exact(triples[judge], BEST_GRADE) if judge in triples else None) for judge in expected
        )
        return AttemptScore(number, marked, wanted, score, judges, results)
    results = _leaf_means(stage, cells, frozenset(finished))
    measured = Fraction(0)
    for leaf in stage.leaves:
        if leaf.kind == "measurement" and leaf.code in cells:
            measured += _exact(cells[leaf.code][""] * leaf.factor)
    triples = _judge_totals(stage, expected, cells)
    parts: dict[str, Part] = {}
    score = None
    if ready:
        middle = Fraction(0)
        if judged:
            values = [(total, judge) for judge, total in triples.items()]
            middle, start, stop = _combine(values, stage.aggregate, BEST_GRADE)
            parts.update((judge, "low") for _, judge in values[:start])
            parts.update((judge, "high") for _, judge in values[stop:])
        score = round_to(middle + measured, stage.places, stage.rounding)
    judges = tuple(
        JudgeTotal(judge, _exact(triples[judge], BEST_GRADE) if judge in triples else None, parts.get(judge, "kept"))
        for judge in expected
    )
    return AttemptScore(number, marked, wanted, score, judges, results, measured)


def _choose(stage: Stage, attempts: Sequence[AttemptScore]) -> tuple[Decimal, AttemptScore | None]:
    """Step 5: the score of all attempts and, for `best` and `last`, the attempt that counted."""
    scores = [attempt.score for attempt in attempts if attempt.score is not None]
    if stage.attempts == "best":
        # max() gives the first of equals, and the attempts stand in their order.
        best = max(attempts, key=lambda attempt: attempt.score if attempt.score is not None else ZERO)
        return max(scores), best
    if stage.attempts == "last":
        return scores[-1], attempts[-1]
    total = _exact(sum(scores, ZERO), len(scores) if stage.attempts == "mean" else 1)
    return round_to(total, stage.places, stage.rounding), None


def settle(stage: Stage, score: Decimal | Fraction, adjustment: Decimal = ZERO) -> Decimal:
    """Step 6 (and the end of step 7): the adjustments added, nothing below 0, rounded."""
    value = Fraction(score) + Fraction(adjustment)
    return round_to(max(value, Fraction(0)), stage.places, stage.rounding)


def score_entry(
    stage: Stage, expected: Collection[str], marks: Iterable[Mark], adjustment: Decimal = ZERO
) -> EntryStage:
    """Steps 1 to 6 for one entry that stands in a stage, from its own evidence alone.

    `expected` are its expected judges, `marks` its marks in this stage (those by others than the expected, and on
    unknown criteria, are left out here), `adjustment` the sum of its adjustments. The order of `marks` changes
    nothing.
    """
    leaves = {leaf.code: leaf for leaf in stage.leaves}
    seats = tuple(sorted(set(expected)))
    wanted = frozenset(seats)
    found: dict[int, Cells] = {}
    for mark in marks:
        leaf = leaves.get(mark.criterion)
        if leaf is None:
            continue
        judge = mark.judge if leaf.kind != "measurement" else ""
        if judge is None or (judge not in wanted and leaf.kind != "measurement"):
            continue
        found.setdefault(mark.attempt, {}).setdefault(mark.criterion, {})[judge] = mark.value
    with localcontext(EXACT):
        attempts = tuple(_score_attempt(stage, seats, number, found[number]) for number in sorted(found))
        marked = sum(attempt.marked for attempt in attempts)
        if not attempts:
            alone = sum(1 if leaf.kind == "measurement" else len(seats) for leaf in stage.leaves)
            return EntryStage(adjustment=adjustment, expected=alone)
        due = sum(attempt.expected for attempt in attempts)
        if not all(attempt.complete for attempt in attempts):
            return EntryStage(attempts=attempts, adjustment=adjustment, marked=marked, expected=due)
        score, counted = _choose(stage, attempts)
        results: dict[str, Fraction] = {}
        for attempt in attempts if counted is None else (counted,):
            for leaf_result in attempt.leaves:
                if leaf_result.result is not None:
                    sofar = results.get(leaf_result.criterion)
                    results[leaf_result.criterion] = leaf_result.result if sofar is None else sofar + leaf_result.result
    final = settle(stage, score, adjustment)
    number = None if counted is None else counted.number
    return EntryStage("complete", final, final, attempts, number, adjustment, marked, due, results)
