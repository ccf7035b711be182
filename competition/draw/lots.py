"""Lots from a seed, byte for byte as docs/draw.md says, so that anybody can draw them again in any language."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Final, TypeVar

ALGORITHM: Final = "leitai.draw/1"
WORD: Final = 8
"""Bytes of one number."""
SPAN: Final = 1 << (8 * WORD)

Thing = TypeVar("Thing")


class Lots:
    """Numbers from a seed: HMAC-SHA256 in counter mode, eight bytes a number, the biased ones thrown away."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise ValueError("a seed has 32 bytes")
        self._words = _words(seed)

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1 (`bound` 1 to 2^64), each as likely as the other."""
        if not 1 <= bound <= SPAN:
            raise ValueError("a bound is 1 to 2^64")
        # Above the highest multiple of the bound the low remainders would be drawn too often.
        limit = SPAN - SPAN % bound
        word = next(self._words)
        while word >= limit:
            word = next(self._words)
        return word % bound

    def shuffle(self, things: list[Thing]) -> None:
        """Fisher–Yates in place, from the last place down to the second."""
        for last in range(len(things) - 1, 0, -1):
            chosen = self.below(last + 1)
            things[last], things[chosen] = things[chosen], things[last]


def _words(seed: bytes) -> Iterator[int]:
    counter = 0
    while True:
        block = hmac.new(seed, ALGORITHM.encode() + counter.to_bytes(8, "big"), hashlib.sha256).digest()
        for start in range(0, len(block), WORD):
            yield int.from_bytes(block[start : start + WORD], "big")
        counter += 1
