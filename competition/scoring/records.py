"""What scoring hands on: an entry's score in a stage, with all that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal

from competition.contests.rules import ZERO

State = Literal["pending", "complete"]
Part = Literal["kept", "low", "high"]
NO_RESULTS: Final[Mapping[str, Fraction]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class JudgeTotal:
    """One expected judge's total in one attempt; None while the judge lacks a mark.

    `part` says whether the method kept it or left it out as one of the lowest or highest. `normalised` is the total
    after `judge_zscore`, where that was asked for and has taken place.
    """

    judge: str
    total: Fraction | None
    part: Part = "kept"
    normalised: Fraction | None = None


@dataclass(frozen=True, slots=True)
class LeafResult:
    """A leaf's result in one attempt, as the tie-break `criterion:S/C` compares it; None while a mark is missing.

    With `over: criterion` the twice rounded result, and `low` and `high` name the judges whose values were left out.
    """

    criterion: str
    result: Fraction | None
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttemptScore:
    """One attempt: `score` is that of step 4, rounded, and None while one of its `expected` marks is missing."""

    number: int
    marked: int
    expected: int
    score: Decimal | None
    judges: tuple[JudgeTotal, ...]
    leaves: tuple[LeafResult, ...]
    measured: Fraction = Fraction(0)

    @property
    def complete(self) -> bool:
        """Whether the attempt has all its expected marks."""
        return self.score is not None


@dataclass(frozen=True, slots=True)
class EntryStage:
    """What one entry has reached in one stage, with all that explains it.

    `raw` is the score of step 6, `score` that of step 7 (the same where nothing is normalised); both None while
    pending. `counted` is the number of the attempt that counted (None for `mean`, `sum` and while pending).
    `criteria` has the leaf results by which ties are broken.
    """

    state: State = "pending"
    score: Decimal | None = None
    raw: Decimal | None = None
    attempts: tuple[AttemptScore, ...] = ()
    counted: int | None = None
    adjustment: Decimal = ZERO
    marked: int = 0
    expected: int = 0
    criteria: Mapping[str, Fraction] = field(default_factory=lambda: NO_RESULTS, hash=False)


UNMARKED: Final = EntryStage()
