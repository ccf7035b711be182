"""How many of a set of places can be taken with none beside another."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def most_apart(places: Collection[int], beside: Sequence[Sequence[int]]) -> int:
    """The size of the largest choice of `places` of which no two are beside each other.

    Places stand in a grid, so their graph has two colours, and by König's theorem the number is all of them less a
    largest matching.
    """
    inside = set(places)
    colour = _colours(inside, beside)
    partner: dict[int, int] = {}
    matched = 0
    for start in sorted(inside):
        if colour[start] == 0 and _augment(start, inside, beside, partner):
            matched += 1
    return len(inside) - matched


def _colours(inside: set[int], beside: Sequence[Sequence[int]]) -> dict[int, int]:
    colour: dict[int, int] = {}
    for start in sorted(inside):
        if start in colour:
            continue
        colour[start] = 0
        waiting = [start]
        while waiting:
            place = waiting.pop()
            for near in beside[place]:
                if near in inside and near not in colour:
                    colour[near] = 1 - colour[place]
                    waiting.append(near)
    return colour


def _augment(start: int, inside: set[int], beside: Sequence[Sequence[int]], partner: dict[int, int]) -> bool:
    """One more pair by an alternating path (breadth first), kept in `partner` from the second colour to the first."""
    came: dict[int, int] = {}
    waiting = [start]
    for place in waiting:
        for near in beside[place]:
            if near not in inside or near in came:
                continue
            came[near] = place
            if near in partner:
                waiting.append(partner[near])
                continue
            step: int | None = near
            while step is not None:
                here = came[step]
                partner_before = next((far for far, own in partner.items() if own == here), None)
                partner[step] = here
                step = partner_before
            return True
    return False
