"""Who may make up an entry of a track, as its `entrants` say: one person or a team, how many, how many advisers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MOST: Final = 50
"""No team is larger, whatever a definition says."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`least` and `most` members of a team, at most `advisers` beside them; `groups`: codes, empty for all."""

    kind: str = "individual"
    least: int = 1
    most: int = 1
    advisers: int = 0
    groups: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of registration there may be."""
        return ("individual", "team") if self.kind == "either" else (self.kind,)


def bounds_of(entrants: Mapping[str, Any]) -> Bounds:
    """What a track's JSON says; one without any is for single people."""
    kind = entrants.get("kind", "individual")
    if kind not in ("individual", "team", "either"):
        kind = "individual"
    if kind == "individual":
        least = most = 1
    else:
        least = max(1, int(entrants.get("min") or (2 if kind == "team" else 1)))
        most = min(MOST, max(least, int(entrants.get("max") or MOST)))
    advisers = min(MOST, max(0, int(entrants.get("advisers") or 0)))
    return Bounds(kind, least, most, advisers, tuple(str(code) for code in entrants.get("groups") or ()))
