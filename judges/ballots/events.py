"""What was committed in the ballots; told after the commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheetSaved:
    """A mark, a submission or a reopening of one sheet."""

    contest_id: int
    track_id: int
    sheet_id: int
    kind: str = "mark"


@dataclass(frozen=True, slots=True)
class RulingMade:
    contest_id: int
    track_id: int
    kind: str
    seq: int


@dataclass(frozen=True, slots=True)
class WindowChanged:
    contest_id: int
    track_id: int
    stage_id: int
    state: str
    reason: str = ""
