"""Draws lots under conditions (docs/draw.md): shuffles until one meets them, then searches.

The first shuffle that meets the conditions is uniform among all arrangements that do. Where a thousand do not, a search
in the order of one more shuffle finds an arrangement if there is one; each of them can come out of it, though not each
as likely. Pure: the same entries, conditions and seed give the same order on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from competition.draw.lots import Lots
from competition.draw.matching import most_apart
from competition.draw.records import Constraints, Drawing, Infeasible, Item, Obstacle, Place
from competition.draw.search import Bounded, Search, conflicts, neighbours

SHUFFLES: Final = 1000
NODES: Final = 100_000
"""Placements that a search tries before it gives up."""


def row_of(count: int) -> tuple[Place, ...]:
    """The places of a running order: one row."""
    return tuple(Place("", 1, column) for column in range(1, count + 1))


def draw_order(
    entries: Sequence[Item], constraints: Constraints, seed: bytes, places: Sequence[Place] | None = None
) -> Drawing:
    """Gives every entry a place. `places`: as many as entries, in order; None: a running order.

    The order in which `entries` stand means nothing. Raises Infeasible with what stands in the way.
    """
    items = sorted(entries, key=lambda item: item.key)
    seats = tuple(places) if places is not None else row_of(len(items))
    if len({item.key for item in items}) < len(items):
        raise ValueError("two entries have one key")
    if len(seats) != len(items):
        raise Infeasible((Obstacle("places", have=len(items), most=len(seats)),))
    blocks = blocks_of(items, constraints)
    beside = neighbours(seats, sum(item.present for item in items)) if constraints.apart else [()] * len(seats)
    if found := obstacles(items, constraints, blocks, beside):
        raise Infeasible(tuple(found))
    lots = Lots(seed)
    units = {item.key: item.unit for item in items}
    for tried in range(1, SHUFFLES + 1):
        order = _shuffled(blocks, constraints.fixed, lots, len(items))
        if not conflicts(order, units, beside):
            return Drawing(tuple(order), "shuffle", tried)
    free = _free(blocks, constraints.fixed)
    for _places, keys in free:
        lots.shuffle(keys)
    search = Search(free, constraints.fixed, units, beside, NODES)
    try:
        order_found = search.run()
    except Bounded:
        raise Infeasible((_together(blocks, constraints, units, beside),), bounded=True) from None
    if order_found is None:
        raise Infeasible((_together(blocks, constraints, units, beside),))
    return Drawing(tuple(order_found), "search", SHUFFLES)


Block = tuple[range, tuple[str, ...]]
"""Places (from 0) with the keys that share them out among themselves."""


def blocks_of(items: Sequence[Item], constraints: Constraints) -> list[Block]:
    """Who shares which places: named groups in their order, all others, then who is absent."""
    rank = {group: position for position, group in enumerate(constraints.groups)}
    rest, absent = len(rank), len(rank) + 1
    shares: dict[int, list[str]] = {}
    for item in items:
        shares.setdefault(rank.get(item.group, rest) if item.present else absent, []).append(item.key)
    blocks, start = [], 0
    for position in sorted(shares):
        keys = tuple(sorted(shares[position]))
        blocks.append((range(start, start + len(keys)), keys))
        start += len(keys)
    return blocks


def obstacles(
    items: Sequence[Item], constraints: Constraints, blocks: Sequence[Block], beside: Sequence[Sequence[int]]
) -> list[Obstacle]:
    """What can be seen to be in the way before anything is drawn."""
    found: list[Obstacle] = []
    block_of = {key: places for places, keys in blocks for key in keys}
    taken: dict[int, str] = {}
    for key, number in sorted(constraints.fixed.items()):
        place = number - 1
        if key not in block_of:
            found.append(Obstacle("fixed_unknown", key, number))
        elif not 0 <= place < len(items):
            found.append(Obstacle("fixed_place", key, number, len(items)))
        elif place in taken:
            found.append(Obstacle("fixed_twice", key, number))
        elif place not in block_of[key]:
            found.append(Obstacle("fixed_group", key, number, block_of[key].stop))
        else:
            taken[place] = key
    if found:
        return found
    units = {item.key: item.unit for item in items}
    for place, key in sorted(taken.items()):
        for near in beside[place]:
            if near > place and near in taken and units[key] is not None and units[taken[near]] == units[key]:
                found.append(Obstacle("fixed_neighbours", key, place + 1, near + 1))
    if found or not any(beside):
        return found
    return _crowded(units, blocks, taken, beside)


def _crowded(
    units: Mapping[str, str | None], blocks: Sequence[Block], taken: Mapping[int, str], beside: Sequence[Sequence[int]]
) -> list[Obstacle]:
    """Units with more entries than can be kept apart in the places that are left to them."""
    found = []
    for unit in sorted({unit for unit in units.values() if unit is not None}):
        held = {place for place, key in taken.items() if units[key] == unit}
        shut = set(taken) | {near for place in held for near in beside[place]}
        everywhere: set[int] = set()
        have_all = 0
        for places, keys in blocks:
            have = sum(units[key] == unit for key in keys) - sum(place in held for place in places)
            if have <= 0:
                continue
            left = {place for place in places if place not in shut}
            have_all, everywhere = have_all + have, everywhere | left
            most = most_apart(left, beside)
            if have > most:
                found.append(Obstacle("apart", unit, have + len(held), most + len(held)))
                break
        else:
            most = most_apart(everywhere, beside)
            if have_all > most:
                found.append(Obstacle("apart", unit, have_all + len(held), most + len(held)))
    return found


def _free(blocks: Sequence[Block], fixed: Mapping[str, int]) -> list[tuple[list[int], list[str]]]:
    """Each block's places and keys that are not fixed, in order."""
    taken = {number - 1 for number in fixed.values()}
    return [
        ([place for place in places if place not in taken], [key for key in keys if key not in fixed])
        for places, keys in blocks
    ]


def _shuffled(blocks: Sequence[Block], fixed: Mapping[str, int], lots: Lots, count: int) -> list[str]:
    order = [""] * count
    for key, number in fixed.items():
        order[number - 1] = key
    for places, keys in _free(blocks, fixed):
        lots.shuffle(keys)
        for place, key in zip(places, keys, strict=True):
            order[place] = key
    return order


def _together(
    blocks: Sequence[Block],
    constraints: Constraints,
    units: Mapping[str, str | None],
    beside: Sequence[Sequence[int]],
) -> Obstacle:
    """Which one condition has to go, or else how many pairs too many would stand side by side."""
    everyone = [(range(len(units)), tuple(sorted(units)))]
    for subject, relaxed, fixed in (
        ("fixed", blocks, {}),
        ("groups", everyone, constraints.fixed),
    ):
        if (subject == "fixed" and not constraints.fixed) or (subject == "groups" and len(blocks) < 2):
            continue
        if _possible(relaxed, fixed, units, beside, 0):
            return Obstacle("together", subject, _pairs(blocks, constraints.fixed, units, beside))
    return Obstacle("together", "apart", _pairs(blocks, constraints.fixed, units, beside))


def _pairs(
    blocks: Sequence[Block],
    fixed: Mapping[str, int],
    units: Mapping[str, str | None],
    beside: Sequence[Sequence[int]],
) -> int:
    """The fewest pairs of a unit side by side, as far as a short search can tell; 0: it cannot."""
    return next((pairs for pairs in range(1, 6) if _possible(blocks, fixed, units, beside, pairs)), 0)


def _possible(
    blocks: Sequence[Block],
    fixed: Mapping[str, int],
    units: Mapping[str, str | None],
    beside: Sequence[Sequence[int]],
    pairs: int,
) -> bool:
    try:
        return Search(_free(blocks, fixed), fixed, units, beside, NODES // 10, pairs).run() is not None
    except Bounded:
        return False
