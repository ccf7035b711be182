"""From bytes to a tree of plain values, with every number exact and every problem of the text itself found.

Ints and decimals stand for JSON numbers; a number that no amount can be becomes a `BadValue`, so that its place can
be told when the tree is checked. Nothing is ever expanded: an exponent is looked at before a number is made of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from competition.scoring.numbers import MAX_DIGITS

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# What can only be a half of a surrogate pair, or U+0000: the slow walk through all texts is taken only where one may
# be.
_SUSPECT: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BAD_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_EXPONENT: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?[eE]([+-]?[0-9]+)")
# An exponent of more digits than this is out of any range, and is not worth reading.
_MAX_EXPONENT_DIGITS: Final = 4
_TOO_MANY_DIGITS: Final = f"has more than {MAX_DIGITS} digits"


@dataclass(frozen=True, slots=True)
class BadValue:
    """A number of the file that is none here; `message` says why."""

    message: str


class RepeatedKeys(dict[str, object]):
    """An object of the file in which keys stand twice; the last value of each is kept."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        twice: dict[str, None] = {}
        for key, _ in pairs:
            if key in seen:
                twice[key] = None
            seen.add(key)
        self.repeated = tuple(twice)


class BundleProblems(Exception):
    """A bundle that is not valid: `problems` are all of them, as (place, message)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(f"{len(problems)} problem(s)")
        self.problems = problems

    def lines(self) -> list[str]:
        """Each problem as one line: `tracks[0].stages[1].places: must be …`."""
        return [f"{path}: {message}" if path else message for path, message in self.problems]


def at(path: str, key: str) -> str:
    """The place of a key under `path`; one that is no plain name is quoted, so that any text may stand in a message."""
    if _PLAIN_NAME.fullmatch(key) and len(key) <= 100:
        return f"{path}.{key}" if path else key
    return f"{path}[{quoted(key)}]"


def quoted(text: str) -> str:
    """A text of the file as a message may show it: short, and plain in every terminal."""
    shown = text if len(text) <= 60 else text[:57] + "…"
    return json.dumps("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown), ensure_ascii=False)


def _whole(text: str) -> int | BadValue:
    if len(text) > MAX_DIGITS and len(text.lstrip("-")) > MAX_DIGITS:
        return BadValue(_TOO_MANY_DIGITS)
    return int(text)


def _decimal(text: str) -> Decimal | BadValue:
    exponent = _EXPONENT.fullmatch(text)
    if exponent is None:
        return Decimal(text) if len(text) <= MAX_DIGITS + 1 + text.startswith("-") else BadValue(_TOO_MANY_DIGITS)
    sign, whole, part, power = exponent.groups(default="")
    if len(whole) + len(part) > MAX_DIGITS or len(power.lstrip("+-0")) > _MAX_EXPONENT_DIGITS:
        return BadValue(_TOO_MANY_DIGITS)
    digits, places = (whole + part).lstrip("0") or "0", len(part) - int(power)
    # The digits of the plain decimal that 1.5e3 or 1.5e-3 stands for: 1500, 0.0015.
    if (len(digits) - places if places < 0 else max(len(digits), places + 1)) > MAX_DIGITS:
        return BadValue(_TOO_MANY_DIGITS)
    return Decimal(f"{sign}{digits}{'0' * -places}") if places < 0 else Decimal(f"{sign}{digits}E-{places}")


def _constant(text: str) -> BadValue:
    return BadValue(f"must be a number, not {text}")


def read_tree(data: bytes, *, max_bytes: int) -> tuple[object, list[tuple[str, str]]]:
    """The tree of a JSON file in UTF-8 (a byte order mark at its start is passed over), and problems of its text.

    Those are keys that stand twice and texts with half a surrogate pair or U+0000; the tree can be checked all the
    same. Raises `BundleProblems` for a file of more than `max_bytes`, an empty one, and one that is not valid UTF-8
    or JSON or is nested too deep.
    """
    if len(data) > max_bytes:
        raise BundleProblems([("", f"the file is larger than {max_bytes} bytes")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BundleProblems([("", f"the file is not valid UTF-8: byte {error.start}")]) from None
    if not text.strip(" \t\r\n"):
        raise BundleProblems([("", "the file is empty")])
    repeats: list[RepeatedKeys] = []

    def record(pairs: list[tuple[str, object]]) -> dict[str, object]:
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        repeats.append(RepeatedKeys(pairs))
        return repeats[-1]

    try:
        tree: object = json.loads(
            text, object_pairs_hook=record, parse_int=_whole, parse_float=_decimal, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise BundleProblems([("", f"the file is not valid JSON: {error.msg}: {place}")]) from None
    except RecursionError:
        raise BundleProblems([("", "the file is nested too deep")]) from None
    return tree, list(_walk(tree)) if repeats or _SUSPECT.search(text) else []


# The place of a value as the place of what holds it, and its key there; written out only where there is a problem.
_Link = tuple["_Link | None", str | int]


def _place(link: _Link | None) -> str:
    """A place written out, its middle left out where it is very long."""
    steps: list[str | int] = []
    while link is not None:
        link, step = link
        steps.append(step)
    path = ""
    for step in reversed(steps if len(steps) <= 80 else [*steps[:40], "…", *steps[-40:]]):
        path = f"{path}[{step}]" if isinstance(step, int) else at(path, step)
    return path


def _walk(tree: object) -> Iterator[tuple[str, str]]:
    """Keys that stand twice and texts that are not valid, with their places."""
    # Its own stack, so that no depth of the file can exhaust that of the interpreter.
    stack: list[tuple[_Link | None, object]] = [(None, tree)]
    while stack:
        link, value = stack.pop()
        if isinstance(value, str):
            if _BAD_TEXT.search(value):
                yield _place(link), "holds half a surrogate pair or U+0000"
        elif isinstance(value, dict):
            if isinstance(value, RepeatedKeys):
                for key in value.repeated:
                    yield _place((link, key)), "stands twice"
            for key, below in reversed(value.items()):
                if _BAD_TEXT.search(key):
                    yield _place((link, key)), "is a key with half a surrogate pair or U+0000"
                if isinstance(below, (str, dict, list)):
                    stack.append(((link, key), below))
        elif isinstance(value, list):
            for place in range(len(value) - 1, -1, -1):
                if isinstance(value[place], (str, dict, list)):
                    stack.append(((link, place), value[place]))
