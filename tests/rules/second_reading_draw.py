"""The draw a second time, written from docs/draw.md alone and sharing no code with the program."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any


class Stream:
    def __init__(self, seed: str) -> None:
        self.key, self.block, self.left = bytes.fromhex(seed), 0, b""

    def word(self) -> int:
        if not self.left:
            message = b"leitai.draw/1" + self.block.to_bytes(8, "big")
            self.left, self.block = hmac.digest(self.key, message, hashlib.sha256), self.block + 1
        word, self.left = self.left[:8], self.left[8:]
        return int.from_bytes(word, "big")

    def below(self, n: int) -> int:
        limit = 2**64 - (2**64 % n)
        while True:
            word = self.word()
            if word < limit:
                return word % n

    def shuffle(self, things: list[Any]) -> list[Any]:
        last = len(things) - 1
        while last >= 1:
            chosen = self.below(last + 1)
            things[last], things[chosen] = things[chosen], things[last]
            last -= 1
        return things


def draw(inputs: dict[str, Any], seed: str) -> list[str] | None:
    """The tags by place; None where there is no arrangement."""
    rules, places = inputs["rules"], inputs["places"]
    units = {item[0]: item[1] for item in inputs["items"]}
    present = sum(1 for item in inputs["items"] if item[3])
    named = list(rules["groups"])
    kinds: list[list[str]] = [[] for _ in range(len(named) + 2)]
    for key, _unit, group, here in inputs["items"]:
        kinds[-1 if not here else named.index(group) if group in named else -2].append(key)
    fixed = dict(rules["fixed"])
    blocks, start = [], 0
    for keys in kinds:
        numbers = range(start + 1, start + len(keys) + 1)
        start += len(keys)
        blocks.append(
            ([n for n in numbers if n not in fixed.values()], sorted(key for key in keys if key not in fixed))
        )

    def beside(one: int, other: int) -> bool:
        if max(one, other) > present:
            return False
        a, b = places[one - 1], places[other - 1]
        return a[0] == b[0] and abs(a[1] - b[1]) + abs(a[2] - b[2]) == 1

    def clash(at: dict[int, str], place: int, key: str) -> bool:
        return (
            rules["apart"]
            and units[key] is not None
            and any(units[own] == units[key] and beside(place, other) for other, own in at.items())
        )

    stream, pinned = Stream(seed), {place: key for key, place in fixed.items()}
    for _ in range(1000):
        at = dict(pinned)
        for free, keys in blocks:
            at.update(zip(free, stream.shuffle(list(keys)), strict=True))
        if not any(clash({other: at[other] for other in at if other != place}, place, at[place]) for place in at):
            return [at[place] for place in sorted(at)]
    lists = [(free, stream.shuffle(list(keys))) for free, keys in blocks]
    todo = [(place, keys) for free, keys in lists for place in free]

    def fill(at: dict[int, str], depth: int) -> dict[int, str] | None:
        if depth == len(todo):
            return at
        place, keys = todo[depth]
        tried = set()
        for key in keys:
            # Two of a unit are alike for what follows: the second of them need not be tried.
            if key in at.values() or (units[key] is not None and units[key] in tried):
                continue
            tried.add(units[key])
            if not clash(at, place, key) and (found := fill({**at, place: key}, depth + 1)):
                return found
        return None

    found = fill(dict(pinned), 0)
    return None if found is None else [found[place] for place in sorted(found)]
