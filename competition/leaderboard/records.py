"""What ranking hands on: the rows of a track, ranked, with what put each where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from competition.contests.rules import ZERO
from competition.scoring.records import EntryStage

RowStatus = Literal["ranked", "pending", "absent", "withdrawn", "disqualified"]


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a ranked track (bundle.md, What `leitai score` prints; contract.md, `leitai.board/1`).

    `rank` and `total` are None unless the status is ranked. `stages` has the stages the entry stands in, in order,
    None where pending; `reached` is the place of the last of them in the track (-1: none) and `pending_at` that of
    the last one pending (-1: none). `so_far` is the total of the complete stages, rounded as a total is. `tie_break`
    has the values of the ranking's keys, None where there is none. `order` is the row's order key. `decided_by` says
    what put a ranked row below the one above it: "stage", "total" or a tie-break key; None for the first row and
    where both share the rank.
    """

    entry: str
    status: RowStatus
    rank: int | None
    total: Decimal | None
    stages: Mapping[str, Decimal | None] = field(hash=False)
    so_far: Decimal = ZERO
    marked: int = 0
    expected: int = 0
    reached: int = -1
    pending_at: int = -1
    tie_break: tuple[Fraction | None, ...] = ()
    draw: int | None = None
    order: str = ""
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class TrackResult:
    """A track ranked. `complete` False: the ranks are provisional and nobody takes a prize.

    `rows` stand ranked first, then the others by code. `scored` has, by (stage, entry), what each entry that stands
    in a stage has reached there, evened out where the stage is.
    """

    track: str
    complete: bool
    rows: tuple[Row, ...]
    scored: Mapping[tuple[str, str], EntryStage] = field(hash=False, repr=False)

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The rows that have a rank, in order."""
        return tuple(row for row in self.rows if row.rank is not None)

    def row(self, entry: str) -> Row | None:
        """The row of an entry, or None."""
        return next((row for row in self.rows if row.entry == entry), None)
