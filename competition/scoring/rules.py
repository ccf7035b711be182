"""Marks become the score of one entry in one stage (bundle.md, "From marks to a stage score").

`score_entry` does steps 1 to 6 from that entry's own marks alone, so its answer may be kept until one of them
changes; `normalise_stage` does step 7 over all who stand in the stage; `score_stage` does both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Literal

from competition.contests.rules import ZERO, Criterion, Stage
from competition.scoring.entry import BEST_GRADE, score_entry
from competition.scoring.evidence import Absence, Adjustment, Mark, Panel, Recusal, TrackEvidence
from competition.scoring.normalising import normalise_stage
from competition.scoring.numbers import EXACT, BadNumber, format_amount, parse_amount, round_to
from competition.scoring.records import UNMARKED, AttemptScore, EntryStage, JudgeTotal, LeafResult

__all__ = [
    "BEST_GRADE",
    "EXACT",
    "UNMARKED",
    "AttemptScore",
    "BadNumber",
    "EntryStage",
    "JudgeTotal",
    "LeafResult",
    "MarkProblem",
    "check_mark",
    "expected_by_entry",
    "expected_judges",
    "format_amount",
    "normalise_stage",
    "parse_amount",
    "round_to",
    "score_entries",
    "score_entry",
    "score_stage",
    "sum_adjustments",
]

MarkProblem = Literal["above_max", "below_min", "off_step", "bad_number"]


def check_mark(value: Decimal, criterion: Criterion) -> MarkProblem | None:
    """What is wrong with a value for a leaf, or None (bundle.md, What is refused; a grade: a whole number 0 to 3)."""
    if not value.is_finite() or criterion.heading:
        return "bad_number"
    if criterion.kind == "grade":
        if value > BEST_GRADE:
            return "above_max"
        if value < 0:
            return "below_min"
        return None if value == value.to_integral_value() else "off_step"
    if value > criterion.top:
        return "above_max"
    if value < criterion.min:
        return "below_min"
    if criterion.step is not None and EXACT.remainder(EXACT.subtract(value, criterion.min), criterion.step) != 0:
        return "off_step"
    return None


def expected_judges(
    stage: str, entry: str, panels: Iterable[Panel], recusals: Iterable[Recusal] = (), absences: Iterable[Absence] = ()
) -> tuple[str, ...]:
    """The judges expected to mark an entry in a stage, by code (bundle.md, From marks to a stage score, 1).

    All records are of one track. A judge in two panels of the entry counts once.
    """
    seated = {
        judge
        for panel in panels
        if panel.stage == stage and (panel.entries is None or entry in panel.entries)
        for judge in panel.judges
    }
    seated.difference_update(recusal.judge for recusal in recusals if recusal.entry == entry)
    seated.difference_update(
        absence.judge for absence in absences if absence.stage == stage and absence.entry in (None, entry)
    )
    return tuple(sorted(seated))


def expected_by_entry(stages: Sequence[Stage], evidence: TrackEvidence) -> dict[tuple[str, str], tuple[str, ...]]:
    """`expected_judges` for every stage and every entry of `evidence`, found in one pass; keys are (stage, entry)."""
    everywhere: dict[str, set[str]] = {stage.code: set() for stage in stages}
    seats: dict[tuple[str, str], set[str]] = {}
    gone: dict[str, set[str]] = {}
    for panel in evidence.panels:
        if panel.stage not in everywhere:
            continue
        if panel.entries is None:
            everywhere[panel.stage].update(panel.judges)
        else:
            for code in panel.entries:
                seats.setdefault((panel.stage, code), set()).update(panel.judges)
    away: dict[tuple[str, str | None], set[str]] = {}
    for absence in evidence.absences:
        away.setdefault((absence.stage, absence.entry), set()).add(absence.judge)
    for recusal in evidence.recusals:
        gone.setdefault(recusal.entry, set()).add(recusal.judge)
    nobody: set[str] = set()
    expected: dict[tuple[str, str], tuple[str, ...]] = {}
    for stage in stages:
        common = everywhere[stage.code] - away.get((stage.code, None), nobody)
        usual = tuple(sorted(common))
        for entry in evidence.entries:
            key = (stage.code, entry.code)
            if key in seats or key in away or entry.code in gone:
                judges = everywhere[stage.code] | seats.get(key, nobody)
                judges -= away.get((stage.code, None), nobody)
                judges -= away.get(key, nobody)
                judges -= gone.get(entry.code, nobody)
                expected[key] = tuple(sorted(judges))
            else:
                expected[key] = usual
    return expected


def sum_adjustments(adjustments: Iterable[Adjustment]) -> dict[tuple[str, str], Decimal]:
    """The sum of the adjustments of each (stage, entry)."""
    sums: dict[tuple[str, str], Decimal] = {}
    for adjustment in adjustments:
        key = (adjustment.stage, adjustment.entry)
        sums[key] = EXACT.add(sums.get(key, ZERO), adjustment.amount)
    return sums


def score_entries(
    stages: Sequence[Stage], evidence: TrackEvidence, entries: Collection[str] | None = None
) -> dict[tuple[str, str], EntryStage]:
    """`score_entry` for every stage and each of `entries` (None: all of `evidence`); keys are (stage, entry).

    It does not ask whether an entry stands in a stage: the ranking does, and leaves aside what does not count.
    """
    marks: dict[tuple[str, str], list[Mark]] = {}
    for mark in evidence.marks:
        marks.setdefault((mark.stage, mark.entry), []).append(mark)
    expected = expected_by_entry(stages, evidence)
    adjustments = sum_adjustments(evidence.adjustments)
    return {
        (stage.code, entry.code): score_entry(
            stage,
            expected[stage.code, entry.code],
            marks.get((stage.code, entry.code), ()),
            adjustments.get((stage.code, entry.code), ZERO),
        )
        for stage in stages
        for entry in evidence.entries
        if entries is None or entry.code in entries
    }


def score_stage(stage: Stage, standing: Collection[str], evidence: TrackEvidence) -> dict[str, EntryStage]:
    """Steps 1 to 7 for the entries that stand in one stage, by entry code."""
    scored = score_entries((stage,), evidence, standing)
    results = {entry: result for (_, entry), result in scored.items()}
    return normalise_stage(stage, results, evidence.panels)
