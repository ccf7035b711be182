"""The review chain (单位 → 区市、系统 → 市; domain.md 2.12), purely: whose turn it is, and which steps are passed over.

A unit is given with the units above it. The city, the topmost district of a tree of districts, is no county: what it
has to say is said by the contest's organisers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from flask_babel import lazy_gettext as _l

By = Literal["unit", "county", "contest"]
BYS: Final[tuple[By, ...]] = ("unit", "county", "contest")
COUNTY_KINDS: Final = frozenset(("district", "system", "union"))


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `code` for the record, `title` for people, `by` whom it is done."""

    code: str
    title: Any
    by: By


DEFAULT: Final = (
    Step("unit", _l("单位推荐"), "unit"),
    Step("county", _l("区市（系统）审核"), "county"),
    Step("contest", _l("市级确认"), "contest"),
)


@dataclass(frozen=True, slots=True)
class UnitAt:
    """A unit in its line: `city` for the topmost district of a tree with districts, systems or unions below it."""

    id: int
    kind: str
    city: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a registration waits: the step's place in the chain, and the units whose officers do it (none: organisers).

    `passed` are the steps before it that nobody does for this registration, with the reason.
    """

    index: int
    step: Step
    units: tuple[int, ...]
    passed: tuple[tuple[Step, Any], ...] = ()


def chain_of(stored: Sequence[Mapping[str, Any]] | None) -> tuple[Step, ...]:
    """The contest's chain as it is stored; the default where it names none. What is unknown is organisers'."""
    steps = tuple(
        Step(
            str(each.get("code") or each.get("by") or "contest"),
            str(each.get("title") or each.get("code") or ""),
            each["by"] if each.get("by") in BYS else "contest",
        )
        for each in stored or ()
    )
    return steps or DEFAULT


def handlers(step: Step, line: Sequence[UnitAt]) -> tuple[int, ...]:
    """The units whose officers do the step for the first unit in `line` (nearest first); may be none."""
    if step.by == "contest" or not line:
        return ()
    county = next((place for place, unit in enumerate(line) if _is_county(unit)), None)
    if step.by == "county":
        return () if county is None else (line[county].id,)
    below = line[: len(line) if county is None else county]
    return tuple(unit.id for unit in below if not unit.city)


def turn_at(steps: Sequence[Step], line: Sequence[UnitAt], start: int) -> Turn | None:
    """The first step from `start` on that somebody does; None: the chain is at its end."""
    passed: list[tuple[Step, Any]] = []
    for index in range(max(0, start), len(steps)):
        step = steps[index]
        units = handlers(step, line)
        if step.by == "contest" or units:
            return Turn(index, step, units, tuple(passed))
        passed.append((step, _why(step, line)))
    return None


def _is_county(unit: UnitAt) -> bool:
    return unit.kind in COUNTY_KINDS and not unit.city


def _why(step: Step, line: Sequence[UnitAt]) -> Any:
    if not line:
        return _l("没有推荐单位")
    if step.by == "unit":
        return _l("由工会或系统直接推荐，没有下级单位")
    return _l("单位直属本级，没有区市或系统一级")


def may_do(turn: Turn, own_units: Collection[int]) -> bool:
    """Whether an officer of `own_units` does this step."""
    return any(unit in own_units for unit in turn.units)
