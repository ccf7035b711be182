"""The forms of the editor as data: fields, lists of rows, what a browser sent, and that against what is stored.

A state is what a form holds: texts by name, lists of texts where several may be chosen, lists of rows. It is compared
with what is stored by its digest: whoever saves over something that they have not seen is told so.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask_babel import gettext as _

State = dict[str, Any]
Choices = Sequence[tuple[str, Any]]
MOST_ROWS: Final = 200


@dataclass(frozen=True)
class Field:
    """One field. `choices` may be a key of the page's own lists; `size`: of the twelfths of a line."""

    name: str
    label: Any
    kind: str = "text"
    choices: Choices | str = ()
    help: Any = ""
    required: bool = False
    size: int = 12
    most: int = 0
    blank: str = ""
    when: tuple[str, ...] = ()
    """The values of the row's `kind` for which it is asked; empty: always."""

    @property
    def several(self) -> bool:
        return self.kind == "several"


@dataclass(frozen=True)
class Rows:
    """A list of rows that may be added, moved and taken away."""

    name: str
    title: Any
    one: Any
    """What a single row is called."""
    fields: tuple[Field, ...]
    help: Any = ""
    ordered: bool = True

    def blank(self) -> State:
        """A row that holds nothing yet."""
        return {one.name: [] if one.several else one.blank for one in self.fields}


Part = Field | Rows


@dataclass
class Form:
    """A state with the fields that show it and what is wrong with it, by place."""

    parts: tuple[Part, ...]
    state: State
    errors: dict[str, list[str]] = field(default_factory=dict)

    def said(self, place: str) -> str:
        return " ".join(self.errors.get(place, ()))

    def elsewhere(self) -> list[str]:
        """What is wrong with no field that the page shows."""
        shown = {one.name for one in self.parts}
        for one in self.parts:
            if isinstance(one, Rows):
                rows = self.state[one.name]
                shown |= {f"{one.name}.{at}.{each.name}" for at in range(len(rows)) for each in one.fields}
        return [said for place, said_ in self.errors.items() if place not in shown for said in said_]


def read_state(parts: Sequence[Part], sent: Any) -> State:
    """The state that a browser's form holds (`sent`: a MultiDict). A row's fields are named `list-key-field`."""
    state: State = {}
    for part in parts:
        if isinstance(part, Rows):
            keys = list(dict.fromkeys(sent.getlist(part.name)))[:MOST_ROWS]
            state[part.name] = [
                {one.name: _read(one, sent, f"{part.name}-{key}-{one.name}") for one in part.fields} for key in keys
            ]
        else:
            state[part.name] = _read(part, sent, part.name)
    return state


def _read(one: Field, sent: Any, name: str) -> Any:
    if one.several:
        return sent.getlist(name)
    text: str = sent.get(name, "").replace("\r\n", "\n")
    return text if one.kind == "area" else text.strip()


def apply(state: State, parts: Sequence[Part], do: str) -> bool:
    """What a row's button asks (`list:up:2`): done in the state; False where it asks for nothing there is."""
    name, _colon, rest = do.partition(":")
    verb, _colon, at = rest.partition(":")
    rows = next((part for part in parts if isinstance(part, Rows) and part.name == name), None)
    if rows is None:
        return False
    held = state[name]
    if verb == "show":
        # Without a script: the fields that a row's kind asks for are shown once the page comes back.
        return True
    if verb == "add":
        held.append(rows.blank())
        return True
    place = int(at) if at.isascii() and at.isdigit() and len(at) < 4 else len(held)
    if place >= len(held):
        return False
    if verb == "remove":
        del held[place]
    elif verb in ("up", "down"):
        other = place + (1 if verb == "down" else -1)
        if not 0 <= other < len(held):
            return True
        held[place], held[other] = held[other], held[place]
    else:
        return False
    return True


def digest(state: Any) -> str:
    """The same for equal states."""
    return hashlib.sha256(json.dumps(state, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def lines(parts: Sequence[Part], state: State) -> list[str]:
    """A state as lines that can be read and compared."""
    said: list[str] = []
    for part in parts:
        if not isinstance(part, Rows):
            said += _line(part, state[part.name])
            continue
        for at, row in enumerate(state[part.name], start=1):
            said.append(f"{part.one} {at}")
            for one in part.fields:
                said += ["  " + line for line in _line(one, row[one.name])]
    return said


def _line(one: Field, value: Any) -> list[str]:
    if not value:
        return []
    if isinstance(one.choices, str):
        titles: Mapping[str, str] = {}
    else:
        titles = {key: str(title) for key, title in one.choices}
    values = value if isinstance(value, list) else [value]
    return [_("%(label)s：%(value)s", label=one.label, value=_("、").join(titles.get(each, each) for each in values))]


def difference(theirs: Sequence[str], mine: Sequence[str]) -> list[tuple[str, str]]:
    """Two lists of lines as (mark, line): "-" stands only in theirs, "+" only in mine, " " for lines beside them."""
    found = []
    for line in difflib.unified_diff(theirs, mine, lineterm="", n=1):
        if not line.startswith(("---", "+++", "@@")):
            found.append((line[0], line[1:]))
    return found
