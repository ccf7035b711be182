"""What happened to a contest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhaseMoved:
    contest_id: int
    track_id: int
    phase: str
