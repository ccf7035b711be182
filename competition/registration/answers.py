"""Answers to a contest's own fields: read from what was typed, with a sentence beside each field that is not right.

Pure: a field is given as a `Field`, which `field_of` makes of a FormField's columns. Numbers stay decimal strings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from flask_babel import lazy_gettext as _l

Kind = Literal["text", "long_text", "number", "date", "choice", "choices", "yes_no"]
TEXT: Final = 500
LONG_TEXT: Final = 20_000
MANY: Final = 6
"""More options than these stand in a list that opens."""
PREFIX: Final = "f-"
"""Before a field's code in the names of a page's inputs."""


@dataclass(frozen=True, slots=True)
class Field:
    code: str
    label: str
    kind: Kind
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    """(code, title)."""
    least: str | None = None
    most: str | None = None
    """Numbers as decimal strings, dates as ISO."""
    max_length: int | None = None
    help: str = ""
    purpose: str = ""

    @property
    def name(self) -> str:
        return PREFIX + self.code

    @property
    def picks(self) -> bool:
        """Whether it is answered by touching one of what is there, and not by a list that opens."""
        return self.kind in ("choices", "yes_no") or (self.kind == "choice" and len(self.options) <= MANY)

    @property
    def longest(self) -> int:
        return min(self.max_length or LONG_TEXT, TEXT if self.kind == "text" else LONG_TEXT)


def field_of(row: Any) -> Field:
    """A FormField row as a Field; an option may be a word or {code, title}."""
    options = tuple(
        (str(option.get("code", option.get("title", ""))), str(option.get("title", option.get("code", ""))))
        if isinstance(option, Mapping)
        else (str(option), str(option))
        for option in row.options or ()
    )
    limits = row.limits or {}
    least, most, longest = limits.get("min"), limits.get("max"), limits.get("max_length")
    return Field(
        code=row.code,
        label=row.label,
        kind=row.kind,
        required=row.required,
        options=options,
        least=None if least in (None, "") else str(least),
        most=None if most in (None, "") else str(most),
        max_length=int(longest) if longest else None,
        help=row.help,
        purpose=row.purpose,
    )


class Refused(Exception):
    """What was typed is no answer; the sentence says what is."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence


Typed = Callable[[str], list[str]]
"""All that was typed into the input of that name; a form's `getlist`."""


def read_answers(fields: Sequence[Field], typed: Typed) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers by field code, and a sentence by input name for each that cannot be read.

    What is empty is left out of the answers. What cannot be read is kept as it was typed, so that it is shown again
    and never lost; it is refused when the registration is submitted.
    """
    answers: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for field in fields:
        words = [word.strip() for word in typed(field.name) if word.strip()]
        if not words:
            continue
        raw: Any = words if field.kind == "choices" else words[0]
        try:
            answers[field.code] = _READERS[field.kind](field, words)
        except Refused as refused:
            answers[field.code] = raw[: field.longest] if isinstance(raw, str) else raw[: len(field.options)]
            errors[field.name] = refused.sentence
    return answers, errors


def check_answers(fields: Sequence[Field], answers: Mapping[str, Any]) -> dict[str, Any]:
    """What stands against handing in these stored answers, by input name."""

    def typed(name: str) -> list[str]:
        value = answers.get(name.removeprefix(PREFIX))
        if isinstance(value, bool):
            return ["yes" if value else "no"]
        if isinstance(value, list):
            return [str(one) for one in value]
        return [] if value is None else [str(value)]

    read, errors = read_answers(fields, typed)
    for field in fields:
        if field.required and field.code not in read:
            errors[field.name] = _l("请填写“%(label)s”。", label=field.label)
    return errors


def shown(field: Field, value: Any) -> Any:
    """An answer as people read it."""
    titles = dict(field.options)
    if isinstance(value, bool):
        return _l("是") if value else _l("否")
    if isinstance(value, list):
        return "、".join(titles.get(str(one), str(one)) for one in value)
    return titles.get(str(value), str(value)) if field.kind == "choice" else value


def _text(field: Field, words: list[str]) -> str:
    text = words[0].replace("\r\n", "\n")
    if len(text) > field.longest:
        raise Refused(_l("最多 %(most)s 字，现在 %(now)s 字。", most=field.longest, now=len(text)))
    return text


def _number(field: Field, words: list[str]) -> str:
    text = words[0].translate(str.maketrans("０１２３４５６７８９．，－", "0123456789.,-")).replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Refused(_l("请填数字，如 12.5。")) from None
    if not number.is_finite() or len(text) > 30 or "e" in text.casefold():
        raise Refused(_l("请填数字，如 12.5。"))
    if field.least is not None and number < Decimal(field.least):
        raise Refused(_l("不能小于 %(least)s。", least=field.least))
    if field.most is not None and number > Decimal(field.most):
        raise Refused(_l("不能大于 %(most)s。", most=field.most))
    return format(number, "f")


def read_day(text: str) -> date | None:
    """A date as a page's input gives it (2026-05-01), or as people write it (2026/5/1, 2026 年 5 月 1 日, 20260501)."""
    plain = "".join(text.split())
    for mark in "年月./":
        plain = plain.replace(mark, "-")
    parts = plain.replace("日", "").split("-")
    if len(parts) == 1 and len(parts[0]) == 8:
        parts = [parts[0][:4], parts[0][4:6], parts[0][6:]]
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts) or len(parts[0]) != 4:
        return None
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        return None


def _date(field: Field, words: list[str]) -> str:
    day = read_day(words[0])
    if day is None:
        raise Refused(_l("请填日期，如 2026-05-01。"))
    if field.least is not None and day < date.fromisoformat(field.least):
        raise Refused(_l("不能早于 %(least)s。", least=field.least))
    if field.most is not None and day > date.fromisoformat(field.most):
        raise Refused(_l("不能晚于 %(most)s。", most=field.most))
    return day.isoformat()


def _choice(field: Field, words: list[str]) -> str:
    if words[0] not in dict(field.options):
        raise Refused(_l("请从选项中选择。"))
    return words[0]


def _choices(field: Field, words: list[str]) -> list[str]:
    if not set(words) <= set(dict(field.options)):
        raise Refused(_l("请从选项中选择。"))
    return [code for code, _title in field.options if code in words]


def _yes_no(_field: Field, words: list[str]) -> bool:
    if words[0] not in ("yes", "no"):
        raise Refused(_l("请选“是”或“否”。"))
    return words[0] == "yes"


_READERS: Final[Mapping[str, Callable[[Field, list[str]], Any]]] = {
    "text": _text,
    "long_text": _text,
    "number": _number,
    "date": _date,
    "choice": _choice,
    "choices": _choices,
    "yes_no": _yes_no,
}
