"""Rules tried out on made-up marks: the same arithmetic as a contest's, over entries and judges that do not exist.

Each figure is the part of the maximum, in whole percents, that a judge gives an entry in a stage; every criterion gets
that part of its range, brought down to its step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from competition.awards.rules import PrizeAward, allot_prizes
from competition.contests.rules import Criterion, Stage, Track
from competition.leaderboard.records import TrackResult
from competition.leaderboard.rules import fold
from competition.registration.rules import Entry
from competition.scoring.evidence import Mark, Panel, Timing, TrackEvidence

ENTRIES: Final = 8
JUDGES: Final = 5
HUNDRED: Final = Decimal(100)
Figures = tuple[tuple[tuple[int, ...], ...], ...]
"""By stage, entry and judge: 0 to 100."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules make of the figures: the track ranked, and its prizes."""

    result: TrackResult
    awards: tuple[PrizeAward, ...]
    by_entry: dict[str, str]


def sample_figures(stages: int, entries: int = ENTRIES, judges: int = JUDGES) -> Figures:
    """Always the same figures: a field that spreads, one severe and one mild judge, and two entries that tie."""
    spread = (93, 88, 88, 84, 79, 75, 70, 62, 58, 55, 51, 47)
    temper = (0, 3, -4, 1, -1, 2, -2)
    return tuple(
        tuple(
            tuple(
                max(0, min(100, spread[entry % len(spread)] + temper[judge % len(temper)] + _wave(stage, entry, judge)))
                for judge in range(judges)
            )
            for entry in range(entries)
        )
        for stage in range(stages)
    )


def _wave(stage: int, entry: int, judge: int) -> int:
    # The second and the third entry are given the same, so that the tie-break has something to do.
    other = 1 if entry == 2 else entry
    return (other * 5 + judge * 3 + stage * 7) % 5 - 2


def names(count: int) -> list[str]:
    return [f"S{number:02d}" for number in range(1, count + 1)]


def value_for(leaf: Criterion, percent: int) -> Decimal:
    """The value of a criterion that is this part of its range, in whole steps from its minimum; a grade: 0 to 3."""
    if leaf.kind == "grade":
        return Decimal(min(3, percent * 4 // 100))
    value = (leaf.top - leaf.min) * percent / HUNDRED
    step = leaf.step or Decimal("0.01")
    return leaf.min + (value / step).to_integral_value(ROUND_FLOOR) * step


def try_out(track: Track, figures: Figures) -> Trial:
    """The ranking and the prizes that a track's rules make of the figures."""
    entries = names(len(figures[0]) if figures else 0)
    judges = tuple(f"J{number}" for number in range(1, (len(figures[0][0]) if entries else 0) + 1))
    marks: list[Mark] = []
    timings: list[Timing] = []
    for stage, given in zip(track.stages, figures, strict=True):
        for place, (entry, row) in enumerate(zip(entries, given, strict=True)):
            marks += _marks(track.code, stage, entry, judges, row)
            timings.append(Timing(track.code, stage.code, entry, Decimal(3000 + place * 37 % 400)))
    evidence = TrackEvidence(
        tuple(Entry(code, track.code, code, draw=number) for number, code in enumerate(entries, start=1)),
        tuple(Panel(track.code, stage.code, judges) for stage in track.stages),
        marks=tuple(marks),
        timings=tuple(timings),
    )
    result = fold(track, evidence)
    allotment = allot_prizes(track, result)
    return Trial(result, tuple(allotment.awards), dict(allotment.by_entry))


def _marks(track: str, stage: Stage, entry: str, judges: Sequence[str], row: Sequence[int]) -> list[Mark]:
    found = []
    for leaf in stage.leaves:
        if leaf.kind == "measurement":
            percent = sum(row) // len(row)
            found.append(Mark(track, stage.code, entry, None, leaf.code, 1, value_for(leaf, percent)))
            continue
        found += [
            Mark(track, stage.code, entry, judge, leaf.code, 1, value_for(leaf, percent))
            for judge, percent in zip(judges, row, strict=True)
        ]
    return found
