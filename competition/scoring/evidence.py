"""Evidence: what was ruled, marked, measured and timed, and the protocols by which it is read and written.

The scoring rules need evidence and do not know who keeps it: `judges` implements the protocols, the start-up wires
them. All codes are those of the contest, as in bundle.md, "Shape".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Protocol

from competition.registration.rules import Entry

NO_PROGRESS: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Panel:
    """Judges who are to mark entries in one stage; `entries` None: all of the track, (): none."""

    track: str
    stage: str
    judges: tuple[str, ...]
    entries: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Recusal:
    """A judge who is not to mark an entry, in any stage."""

    judge: str
    entry: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """A judge who is absent from a stage for one entry, or, where `entry` is None, for the whole stage."""

    judge: str
    track: str
    stage: str
    entry: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """One value in one cell. `judge` may be None for a measurement; `attempt` counts from 1."""

    track: str
    stage: str
    entry: str
    judge: str | None
    criterion: str
    attempt: int
    value: Decimal


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An amount added to an entry's score of a stage, once; below 0 for a deduction."""

    track: str
    stage: str
    entry: str
    amount: Decimal
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """The seconds (0 or more) an entry took in a stage."""

    track: str
    stage: str
    entry: str
    seconds: Decimal


@dataclass(frozen=True, slots=True)
class TrackEvidence:
    """All evidence of one track that counts, with its entries.

    `marks` are those that count for the purpose at hand: whoever folds a board of submitted sheets leaves the others
    out of `marks` and may keep them in `uncounted`, which no rule reads.
    """

    entries: tuple[Entry, ...] = ()
    panels: tuple[Panel, ...] = ()
    recusals: tuple[Recusal, ...] = ()
    absences: tuple[Absence, ...] = ()
    marks: tuple[Mark, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    timings: tuple[Timing, ...] = ()
    uncounted: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackReading(TrackEvidence):
    """Evidence with what a board says beside the scores.

    `reopened`: entries with a reopened sheet. `progress`: entry → stage → (cells that hold a value, cells expected),
    with drafts, over the attempts begun (the first counts as begun).
    """

    reopened: frozenset[str] = frozenset()
    progress: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=lambda: NO_PROGRESS, hash=False)
    upto: int = 0


@dataclass(frozen=True, slots=True)
class ContestEvidence:
    """The evidence of a whole contest as a bundle carries it; `drafts` are the marks of sheets never submitted."""

    panels: tuple[Panel, ...] = ()
    recusals: tuple[Recusal, ...] = ()
    absences: tuple[Absence, ...] = ()
    marks: tuple[Mark, ...] = ()
    drafts: tuple[Mark, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    timings: tuple[Timing, ...] = ()


class EvidenceReader(Protocol):
    """Reads the evidence of one track. `session` is the database session of the caller's transaction."""

    def horizon(self, session: Any, track_id: int) -> int:
        """The sequence up to which the track's evidence is settled."""
        ...

    def changed_since(self, session: Any, track_id: int, after: int, upto: int) -> set[str] | None:
        """The entries that what came above `after`, up to `upto`, touches; None: any may be touched."""
        ...

    def read(
        self, session: Any, track_id: int, upto: int | None = None, entries: Collection[str] | None = None
    ) -> TrackReading:
        """The evidence of a track as it stood at sequence `upto` (None: now).

        With `entries` only those entries are given, and of marks, adjustments and timings only theirs; panels,
        recusals and absences are always given whole.
        """
        ...


class BundleSection(Protocol):
    """A part of a bundle that a later stage keeps (judges, panels, ballots), for the doors of import and export.

    `session` is the database session of the caller's transaction, `bundle` the checked bundle whole.
    """

    def write(self, session: Any, contest_id: int, bundle: Any, *, now: datetime) -> None:
        """Stores its part of a checked bundle in a contest whose definition and entries stand, without evidence."""
        ...

    def read(self, session: Any, contest_id: int) -> dict[str, tuple[Any, ...]]:
        """Its part for an export, by name: `judges`, a field of ContestEvidence, or `statuses`.

        `statuses` holds `(entry code, status, status_from)` for each entry that is not ok.
        """
        ...
