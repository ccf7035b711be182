"""What happened to a board."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BoardChanged:
    """A new version of what one audience sees of a track."""

    contest_id: int
    track_id: int
    audience: str
    version: int
