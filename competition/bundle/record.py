"""One object of the file, read key by key: what is missing, of the wrong type or unknown is noted with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from competition.bundle.reading import BadValue, at, quoted
from competition.contests.rules import Scalar
from competition.scoring.numbers import BadNumber, parse_amount

CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_WHOLE: Final = 2**31 - 1
Word = TypeVar("Word", bound=str)


class Problems:
    """All problems of a file, each once, in the order in which they were found."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], None] = {}

    def add(self, path: str, message: str) -> None:
        """Notes a problem at a place."""
        self._found[path, message] = None

    @property
    def found(self) -> list[tuple[str, str]]:
        """The problems as (place, message)."""
        return list(self._found)


def amount_of(value: object) -> Decimal | str:
    """The amount that a value of the tree is, or what is wrong with it."""
    if isinstance(value, BadValue):
        return value.message
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        try:
            return parse_amount(value)
        except BadNumber as bad:
            return str(bad)
    return "must be a number"


def whole_of(value: object) -> int | str:
    """The whole number that a JSON number of the tree is (2.0 is one, "2" is none), or what is wrong with it."""
    if isinstance(value, BadValue):
        return value.message
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return "must be a whole number"
    if value != int(value):
        return "must be a whole number"
    return int(value)


class Record:
    """An object of the file at a place. Each key is asked for once; `close` names those nobody asked for."""

    __slots__ = ("_asked", "data", "path", "problems")

    def __init__(self, value: object, path: str, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._asked: set[str] = set()
        self.data: dict[str, object] = {}
        if isinstance(value, dict):
            self.data = value
        else:
            problems.add(path, "must be an object")
            # Nothing more is to be said about what is no object.
            self._asked.add("")

    @property
    def sound(self) -> bool:
        """Whether there is an object at all."""
        return "" not in self._asked

    def at(self, key: str) -> str:
        """The place of one of the record's keys."""
        return at(self.path, key)

    def wrong(self, key: str, message: str) -> None:
        """Notes a problem at one of the record's keys."""
        self.problems.add(self.at(key), message)

    def raw(self, key: str, *, required: bool = False) -> object | None:
        """The value of a key, None where it is absent or null."""
        self._asked.add(key)
        value = self.data.get(key)
        if value is None and required and self.sound:
            self.wrong(key, "is missing")
        return value

    def has(self, key: str) -> bool:
        """Whether a key is there and not null."""
        self._asked.add(key)
        return self.data.get(key) is not None

    def text(self, key: str, *, required: bool = False) -> str | None:
        """A text, None where it is absent or none."""
        value = self.raw(key, required=required)
        if value is None or isinstance(value, str):
            return value
        self.wrong(key, "must be a text")
        return None

    def title(self, key: str = "title") -> str:
        """A required text; "" where it is missing, which was noted."""
        return self.text(key, required=True) or ""

    def code(self, key: str = "code") -> str:
        """A required code; "" where there is none that could be referred to."""
        value = self.text(key, required=True)
        if value is not None and CODE.fullmatch(value) is None:
            self.wrong(key, f"{quoted(value)} is no code: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit")
        return value or ""

    def word(self, key: str, words: Sequence[Word], default: Word) -> Word:
        """One of `words`."""
        return self.chosen(key, words) or default

    def chosen(self, key: str, words: Sequence[Word], *, required: bool = False) -> Word | None:
        """One of `words`, None where it is absent or none of them."""
        value = self.text(key, required=required)
        for word in words:
            if word == value:
                return word
        if value is not None:
            self.wrong(key, f"{quoted(value)} is none of {', '.join(words)}")
        return None

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.wrong(key, "must be true or false")
        return default

    def amount(
        self, key: str, *, above: int | None = None, least: int | None = None, required: bool = False
    ) -> Decimal | None:
        """An exact amount, above `above` or at least `least` where they are given."""
        value = self.raw(key, required=required)
        if value is None:
            return None
        amount = amount_of(value)
        if isinstance(amount, str):
            self.wrong(key, amount)
            return None
        if above is not None and amount <= above:
            self.wrong(key, f"must be above {above}")
            return None
        if least is not None and amount < least:
            self.wrong(key, f"must be {least} or more")
            return None
        return amount

    def whole(self, key: str, *, least: int = 0, most: int = MAX_WHOLE, required: bool = False) -> int | None:
        """A whole number from `least` to `most`."""
        value = self.raw(key, required=required)
        if value is None:
            return None
        number = whole_of(value)
        if isinstance(number, str):
            self.wrong(key, number)
            return None
        if not least <= number <= most:
            limit = f"must be {least} or more" if most == MAX_WHOLE and number < least else f"must be {least} to {most}"
            self.wrong(key, limit)
            return None
        return number

    def items(self, key: str, *, required: bool = False) -> list[object] | None:
        """A list, None where it is absent or none."""
        value = self.raw(key, required=required)
        if value is None or isinstance(value, list):
            return value
        self.wrong(key, "must be a list")
        return None

    def records(self, key: str, *, required: bool = False) -> Iterator[Record]:
        """The objects of a list; what is no object is noted and left out."""
        for place, value in enumerate(self.items(key, required=required) or ()):
            record = Record(value, f"{self.at(key)}[{place}]", self.problems)
            if record.sound:
                yield record

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...] | None:
        """A list of texts, None where it is absent; what is no text is noted and left out."""
        values = self.items(key, required=required)
        if values is None:
            return None
        found = []
        for place, value in enumerate(values):
            if isinstance(value, str):
                found.append(value)
            else:
                self.problems.add(f"{self.at(key)}[{place}]", "must be a text")
        return tuple(found)

    def scalar(self, key: str) -> Scalar | None:
        """A text, a number, true or false; None where it is absent or none of them."""
        value = self.raw(key)
        if value is None or isinstance(value, (str, bool, int, Decimal)):
            return value
        self.wrong(key, value.message if isinstance(value, BadValue) else "must be a text, a number, true or false")
        return None

    def close(self) -> None:
        """Notes every key that nobody asked for."""
        if self.sound and not self.data.keys() <= self._asked:
            for key in self.data:
                if key not in self._asked:
                    self.wrong(key, "is not known here")


class Codes:
    """The codes of one list: notes the second of two that are equal when case is ignored."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def add(self, record: Record, code: str, key: str = "code") -> None:
        """Takes a code of `record`; "" stands for one that is missing."""
        if not code:
            return
        first = self._seen.setdefault(code.lower(), record.at(key))
        if first != record.at(key):
            record.wrong(key, f"{quoted(code)} stands twice, first at {first}")
