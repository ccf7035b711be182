"""A rubric as an outline: rows with a depth, which keys, buttons and dragging move about; and the tree it stands for.

Rows are what a form holds, all texts; nothing is checked here but that the outline is one: no row stands deeper than
just under the heading before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from competition.shared.amounts import format_amount

Row = dict[str, Any]
LEAF_KEYS: Final = ("min", "max", "step", "factor")
KEYS: Final = ("depth", "code", "title", "kind", "note", *LEAF_KEYS, "d0", "d1", "d2", "d3")
GRADES: Final = ("d0", "d1", "d2", "d3")
DEEPEST: Final = 8
"""How deep the page lets headings stand; a file may go further."""


def blank(kind: str = "judgement", depth: int = 0) -> Row:
    """A row that holds nothing yet."""
    return dict.fromkeys(KEYS, "") | {"kind": kind, "depth": depth}


def is_heading(row: Row) -> bool:
    return bool(row["kind"] == "heading")


def rows_of(criteria: Iterable[Mapping[str, Any]], depth: int = 0) -> list[Row]:
    """The outline of a definition document's criteria."""
    rows: list[Row] = []
    for one in criteria:
        row = blank(depth=depth) | {"code": one["code"], "title": one.get("title", ""), "note": one.get("note") or ""}
        rows.append(row)
        if "criteria" in one:
            row["kind"] = "heading"
            rows += rows_of(one["criteria"], depth + 1)
            continue
        row["kind"] = one.get("kind", "judgement")
        for key in LEAF_KEYS:
            row[key] = str(one.get(key) or "")
        # What a bundle takes for granted need not be read.
        if row["factor"] == "1":
            row["factor"] = ""
        if row["min"] == "0":
            row["min"] = ""
        row |= dict(zip(GRADES, one.get("descriptors") or (), strict=False))
    return rows


def criteria_of(rows: list[Row]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The document's criteria, and the row of each place (`[0].criteria[2]`) in them.

    A row without a code gets one that is free. A heading keeps `criteria` even where nothing stands under it, so that
    the reader refuses it.
    """
    taken = {row["code"].casefold() for row in rows}
    places: dict[str, int] = {}
    top: list[dict[str, Any]] = []
    lists, paths = [top], [""]
    for at, row in enumerate(settled(rows)):
        del lists[row["depth"] + 1 :], paths[row["depth"] + 1 :]
        if not row["code"]:
            row["code"] = rows[at]["code"] = _free("h" if is_heading(row) else "c", taken)
            taken.add(row["code"])
        one = {key: row[key] for key in ("code", "title", "note") if row[key]}
        held = lists[-1]
        path = f"{paths[-1]}[{len(held)}]"
        places[path] = at
        held.append(one)
        if is_heading(row):
            one["criteria"] = []
            lists.append(one["criteria"])
            paths.append(f"{path}.criteria")
        else:
            _put_leaf(one, row)
    return top, places


def _put_leaf(one: dict[str, Any], row: Row) -> None:
    one["kind"] = row["kind"]
    graded = row["kind"] == "grade"
    for key in LEAF_KEYS:
        if row[key] and not (graded and key in ("min", "step")):
            one[key] = row[key]
    descriptors = [row[key] for key in GRADES]
    while descriptors and not descriptors[-1]:
        descriptors.pop()
    if descriptors and graded:
        one["descriptors"] = descriptors


def _free(prefix: str, taken: set[str]) -> str:
    number = 1
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"


def settled(rows: list[Row]) -> list[Row]:
    """The rows with depths that make an outline: each at most one deeper than the heading it would stand under."""
    found: list[Row] = []
    deepest = 0
    for row in rows:
        depth = max(0, min(int(row["depth"]), deepest, DEEPEST))
        found.append({**row, "depth": depth})
        deepest = depth + 1 if is_heading(row) else depth
    return found


def end_of(rows: list[Row], at: int) -> int:
    """Where the block of a row ends: itself and all that stands under it."""
    end = at + 1
    while end < len(rows) and rows[end]["depth"] > rows[at]["depth"]:
        end += 1
    return end


def may(rows: list[Row], at: int, verb: str) -> bool:
    """Whether a row can be moved that way."""
    return verb in ("add", "remove") or moved(rows, at, verb) != rows


def moved(rows: list[Row], at: int, verb: str) -> list[Row]:
    """The outline after a row with all under it went `up`, `down`, `in` or `out`; as it was where it cannot.

    Up and down among its own siblings. In: to the end of the heading before it. Out: to just after its heading.
    """
    depth, end = rows[at]["depth"], end_of(rows, at)
    block = rows[at:end]
    if verb == "up":
        before = _sibling_before(rows, at)
        return rows if before is None else [*rows[:before], *block, *rows[before:at], *rows[end:]]
    if verb == "down":
        if end >= len(rows) or rows[end]["depth"] != depth:
            return rows
        after = end_of(rows, end)
        return [*rows[:at], *rows[end:after], *block, *rows[after:]]
    if verb == "in":
        before = _sibling_before(rows, at)
        if before is None or not is_heading(rows[before]) or depth >= DEEPEST:
            return rows
        return [*rows[:at], *_shifted(block, 1), *rows[end:]]
    if verb == "out" and depth > 0:
        parent_end = end
        while parent_end < len(rows) and rows[parent_end]["depth"] >= depth:
            parent_end += 1
        return [*rows[:at], *rows[end:parent_end], *_shifted(block, -1), *rows[parent_end:]]
    return rows


def _sibling_before(rows: list[Row], at: int) -> int | None:
    for place in range(at - 1, -1, -1):
        if rows[place]["depth"] < rows[at]["depth"]:
            return None
        if rows[place]["depth"] == rows[at]["depth"]:
            return place
    return None


def _shifted(block: list[Row], by: int) -> list[Row]:
    return [{**row, "depth": row["depth"] + by} for row in block]


def worth(row: Row) -> Decimal | None:
    """The most that a leaf can bring, maximum × factor; None where one of them is no number."""
    try:
        return Decimal(row["max"]) * Decimal(row["factor"] or "1")
    except ArithmeticError:
        return None


def sums(rows: list[Row]) -> tuple[list[str], str]:
    """For each row the most that it, or all under it, can bring, and that of the stage; "" for what is no number."""
    total = Decimal(0)
    held: list[Decimal] = []
    for at, row in enumerate(rows):
        under = rows[at : end_of(rows, at)] if is_heading(row) else [row]
        held.append(sum((worth(one) or Decimal(0) for one in under if not is_heading(one)), Decimal(0)))
        if not is_heading(row):
            total += held[-1]
    return [format_amount(one) for one in held], format_amount(total)


def numbers(rows: list[Row]) -> list[str]:
    """The outline's numbers: 1, 1.1, 1.2, 2, …"""
    counted: list[int] = []
    found = []
    for row in rows:
        del counted[row["depth"] + 1 :]
        while len(counted) <= row["depth"]:
            counted.append(0)
        counted[row["depth"]] += 1
        found.append(".".join(str(one) for one in counted))
    return found
