"""The search for an arrangement where shuffles found none: depth first, in the order of a shuffle.

Its result is that of the plain search: places in order, for each the remaining keys in the shuffle's order, the first
whole arrangement. What is skipped (branches that cannot succeed, states that failed before, a second key of one unit
at one place) changes the time and never the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from competition.draw.records import Place


class Bounded(Exception):
    """The search tried as much as it may and does not know."""


def neighbours(places: Sequence[Place], count: int) -> list[tuple[int, ...]]:
    """For each place those beside it, among the first `count`: who is absent is beside nobody."""
    at = {(place.area, place.row, place.column): index for index, place in enumerate(places[:count])}
    near = []
    for index, place in enumerate(places):
        found = []
        for rows, columns in ((-1, 0), (0, -1), (0, 1), (1, 0)):
            other = at.get((place.area, place.row + rows, place.column + columns))
            if other is not None and index < count:
                found.append(other)
        near.append(tuple(sorted(found)))
    return near


def conflicts(order: Sequence[str], units: Mapping[str, str | None], beside: Sequence[Sequence[int]]) -> int:
    """How many pairs of one unit stand beside each other."""
    return sum(
        unit is not None and near > place and units[order[near]] == unit
        for place, key in enumerate(order)
        if (unit := units[key]) is not None
        for near in beside[place]
    )


@dataclass(slots=True)
class _Step:
    """A place to fill: the units to try in order, and what was placed there."""

    place: int
    block: int
    tries: list[str | None]
    next: int = 0
    placed: str | None = None
    key: str = ""
    pairs: int = 0
    state: object = None


@dataclass
class Search:
    """`free`: blocks of places and of keys in the order of their shuffle. `pairs`: as many may stand side by side."""

    free: Sequence[tuple[Sequence[int], Sequence[str]]]
    fixed: Mapping[str, int]
    units: Mapping[str, str | None]
    beside: Sequence[Sequence[int]]
    nodes: int
    pairs: int = 0
    _unit_at: dict[int, str | None] = field(default_factory=dict)
    _failed: set[object] = field(default_factory=set)

    def run(self) -> list[str] | None:
        """Keys by place, or None where there is no arrangement. Raises Bounded."""
        count = len(self.beside)
        order = [""] * count
        for key, number in self.fixed.items():
            order[number - 1] = key
            self._unit_at[number - 1] = self.units[key]
        self._left = [self._by_unit(keys) for _places, keys in self.free]
        self._places = [(place, block) for block, (places, _keys) in enumerate(self.free) for place in places]
        # In a row the number that fit is exactly known; in a grid the search goes without.
        self._row = all(near in (place - 1, place + 1) for place in range(count) for near in self.beside[place])
        stack: list[_Step] = []
        used, tried = self._standing(), 0
        if used > self.pairs:
            return None
        while len(stack) < len(self._places):
            place, block = self._places[len(stack)]
            state = self._state(len(stack), block, used)
            step = _Step(place, block, [] if state in self._failed else self._order(block), pairs=used, state=state)
            stack.append(step)
            while not self._advance(step):
                # Nothing fits here: what stood before was wrong.
                self._failed.add(step.state)
                stack.pop()
                if not stack:
                    return None
                step = stack[-1]
                self._take_back(step)
            tried += 1
            if tried > self.nodes:
                raise Bounded
            used = step.pairs + self._near(step.place, step.placed)
        for step in stack:
            order[step.place] = step.key
        return order

    def _by_unit(self, keys: Sequence[str]) -> dict[str | None, list[tuple[int, str]]]:
        found: dict[str | None, list[tuple[int, str]]] = {}
        for position in range(len(keys) - 1, -1, -1):
            found.setdefault(self.units[keys[position]], []).append((position, keys[position]))
        return found

    def _order(self, block: int) -> list[str | None]:
        """The units of the block that have keys left, as their next keys stand in the shuffle."""
        left = self._left[block]
        return sorted((unit for unit in left if left[unit]), key=lambda unit: left[unit][-1][0])

    def _advance(self, step: _Step) -> bool:
        while step.next < len(step.tries):
            unit = step.tries[step.next]
            step.next += 1
            if step.pairs + self._near(step.place, unit) > self.pairs:
                continue
            _position, step.key = self._left[step.block][unit].pop()
            step.placed = unit
            self._unit_at[step.place] = unit
            if self.pairs or not self._row or self._fits(step.place, step.block):
                return True
            self._take_back(step)
        return False

    def _take_back(self, step: _Step) -> None:
        del self._unit_at[step.place]
        keys = self.free[step.block][1]
        self._left[step.block][step.placed].append((keys.index(step.key), step.key))

    def _near(self, place: int, unit: str | None) -> int:
        if unit is None:
            return 0
        return sum(self._unit_at.get(near) == unit for near in self.beside[place])

    def _standing(self) -> int:
        return sum(
            unit is not None and near > place and self._unit_at.get(near) == unit
            for place, unit in self._unit_at.items()
            for near in self.beside[place]
        )

    def _fits(self, place: int, block: int) -> bool:
        """Whether each unit's keys still find places apart in the rest of the block, taken for itself."""
        rest = [other for other in self.free[block][0] if other > place]
        for unit, keys in self._left[block].items():
            if unit is None or not keys:
                continue
            room, last = 0, -2
            for other in rest:
                if last in self.beside[other]:
                    continue
                if any(self._unit_at.get(near) == unit for near in self.beside[other]):
                    continue
                room, last = room + 1, other
                if room >= len(keys):
                    break
            if room < len(keys):
                return False
        return True

    def _state(self, depth: int, block: int, used: int) -> object:
        """What decides whether the rest can be filled: what is left of the block, and who stands at its edge."""
        here = {place for place, _block in self._places[depth:]}
        edge = tuple(
            (place, unit)
            for place, unit in sorted(self._unit_at.items())
            if unit is not None and any(near in here for near in self.beside[place])
        )
        left = tuple(len(keys) for keys in self._left[block].values())
        return depth, used, left, edge
