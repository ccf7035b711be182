"""What a draw is made of: who is drawn, the places, the conditions, and what can stand in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

NOBODY: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Item:
    """One entry in the drum. `key` is its tag (never a name); `unit` a tag that may not stand beside itself.

    Who is not `present` is drawn too, after all who are: then everybody has a number by which to be ruled absent.
    """

    key: str
    unit: str | None = None
    group: str = ""
    present: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order or a station; those one row or one column apart in one `area` are beside each other."""

    area: str
    row: int
    column: int

    def beside(self, other: Place) -> bool:
        return self.area == other.area and abs(self.row - other.row) + abs(self.column - other.column) == 1


@dataclass(frozen=True, slots=True)
class Constraints:
    """`apart`: no two of a unit beside each other. `groups`: who comes first, each in places of its own, one after
    the other; groups that are not named come last, together. `fixed`: key → place, counted from 1.
    """

    apart: bool = False
    groups: tuple[str, ...] = ()
    fixed: Mapping[str, int] = field(default_factory=lambda: NOBODY)


Kind = Literal["places", "fixed_unknown", "fixed_place", "fixed_twice", "fixed_group", "fixed_neighbours", "apart",
               "together"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way and by how much: `have` where at most `most` (for `together`: `have` pairs too many).

    `subject` is a key, a unit's tag, or for `together` the condition without which it could be done ("" for none).
    """

    kind: Kind
    subject: str = ""
    have: int = 0
    most: int = 0


class Infeasible(Exception):
    """No arrangement meets the conditions (or none was found within the search's bound: `bounded`)."""

    def __init__(self, obstacles: tuple[Obstacle, ...], *, bounded: bool = False) -> None:
        super().__init__(", ".join(f"{each.kind} {each.subject} {each.have}/{each.most}" for each in obstacles))
        self.obstacles = obstacles
        self.bounded = bounded


@dataclass(frozen=True, slots=True)
class Drawing:
    """Keys by place, first place first; how they were found: after how many shuffles, or by the search."""

    order: tuple[str, ...]
    method: Literal["shuffle", "search"]
    shuffles: int
