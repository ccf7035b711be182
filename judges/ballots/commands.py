"""What a tablet or a console asks of the ballots, in codes, checked for shape and for nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """What every operation carries: `op` is the client's own, `digest` stands for everything else that it said."""

    op: str
    digest: str
    contest: str
    track: str


@dataclass(frozen=True, slots=True)
class MarkCell(Asked):
    """A value for one cell, or None to clear it.

    The cell must stand at revision `base` or, where `after` is given, at what the person's own operation `after` made
    of it. `judge` is whose seat, where `seat_said`; else the person's own.
    """

    stage: str
    entry: str
    criterion: str
    attempt: int
    value: str | int | None
    base: int = 0
    after: str | None = None
    judge: str | None = None
    seat_said: bool = False


@dataclass(frozen=True, slots=True)
class SubmitSheet(Asked):
    stage: str
    entry: str
    attempt: int
    judge: str | None = None
    seat_said: bool = False


@dataclass(frozen=True, slots=True)
class Rule(Asked):
    """A ruling of one `kind`; `fields` are that kind's own words (contract.md, Judging)."""

    kind: str
    stage: str | None = None
    entry: str | None = None
    judge: str | None = None
    judge_said: bool = False
    reason: str = ""
    fields: dict[str, Any] = field(default_factory=dict, hash=False)
