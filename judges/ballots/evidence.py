"""The stored evidence of a track as records: what each cell held when, and what the rulings say now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.models import Criterion, Stage
from competition.registration.models import Entry
from competition.scoring.evidence import Absence, Adjustment, Recusal, Timing
from competition.scoring.evidence import Mark as MarkRecord
from judges.ballots.models import Mark, Ruling, Sheet, Submission
from judges.panels.models import Seat
from judges.roster.models import Judge

Key = TypeVar("Key")
Record = TypeVar("Record")
Standing = tuple[str, str | None]
"""A status, and the code of the stage from which it holds (None: the first)."""


@dataclass(slots=True)
class Cell:
    """One cell: its value now and as last submitted; None: empty."""

    criterion: str
    value: str | None = None
    judge: str | None = None
    revision: int = 0
    submitted: str | None = None
    submitted_judge: str | None = None


@dataclass(slots=True)
class SheetState:
    """One sheet as it stood at the sequence asked for; `judge` None: the recorder's."""

    stage: str
    entry: str
    judge: str | None
    attempt: int
    state: str = "open"
    submitted_seq: int | None = None
    cells: dict[str, Cell] = field(default_factory=dict)


@dataclass(slots=True)
class Cells:
    """All sheets of a track, or those of some entries."""

    track: str
    sheets: list[SheetState]

    def latest(self) -> list[MarkRecord]:
        """Every cell's value as it is now."""
        return [
            self._mark(sheet, cell, cell.value, cell.judge) for sheet, cell in self._cells() if cell.value is not None
        ]

    def submitted(self) -> list[MarkRecord]:
        """Every cell's value as its sheet was last submitted."""
        return [
            self._mark(sheet, cell, cell.submitted, cell.submitted_judge)
            for sheet, cell in self._cells()
            if cell.submitted is not None
        ]

    def never_submitted(self) -> list[MarkRecord]:
        """The values of cells that no submission has covered."""
        return [
            self._mark(sheet, cell, cell.value, cell.judge)
            for sheet, cell in self._cells()
            if cell.submitted is None and cell.value is not None
        ]

    def _cells(self) -> Iterator[tuple[SheetState, Cell]]:
        return ((sheet, cell) for sheet in self.sheets for cell in sheet.cells.values())

    def _mark(self, sheet: SheetState, cell: Cell, value: str | None, credited: str | None) -> MarkRecord:
        judge = credited if sheet.judge is None else sheet.judge
        return MarkRecord(
            self.track, sheet.stage, sheet.entry, judge, cell.criterion, sheet.attempt, Decimal(value or 0)
        )


def load_cells(
    session: Session, track_id: int, track: str, *, upto: int | None = None, entries: Collection[int] | None = None
) -> Cells:
    """The sheets of a track (of `entries`, by id) with marks, as of sequence `upto` (None: now)."""
    of_track = Entry.track_id == track_id if entries is None else Sheet.entry_id.in_(list(entries))
    sheets = {
        key: SheetState(stage, entry, judge, attempt)
        for key, stage, entry, judge, attempt in session.execute(
            select(Sheet.id, Stage.code, Entry.code, Judge.code, Sheet.attempt)
            .join(Seat, Seat.id == Sheet.seat_id)
            .join(Stage, Stage.id == Seat.stage_id)
            .join(Entry, Entry.id == Sheet.entry_id)
            .outerjoin(Judge, Judge.id == Seat.judge_id)
            .where(of_track)
            .order_by(Sheet.id)
        )
    }
    turns = (
        select(Submission.sheet_id, Submission.seq, Submission.kind)
        .join(Sheet, Sheet.id == Submission.sheet_id)
        .join(Entry, Entry.id == Sheet.entry_id)
        .where(of_track)
        .order_by(Submission.seq)
    )
    marks = (
        select(Mark.sheet_id, Criterion.code, Mark.seq, Mark.value, Mark.revision, Judge.code)
        .join(Sheet, Sheet.id == Mark.sheet_id)
        .join(Entry, Entry.id == Sheet.entry_id)
        .join(Criterion, Criterion.id == Mark.criterion_id)
        .outerjoin(Judge, Judge.id == Mark.judge_id)
        .where(of_track)
        .order_by(Mark.seq)
    )
    if upto is not None:
        turns, marks = turns.where(Submission.seq <= upto), marks.where(Mark.seq <= upto)
    for key, seq, kind in session.execute(turns):
        sheet = sheets[key]
        sheet.state = "submitted" if kind == "submit" else "reopened"
        sheet.submitted_seq = seq if kind == "submit" else sheet.submitted_seq
    for key, criterion, seq, value, revision, judge in session.execute(marks):
        sheet = sheets[key]
        cell = sheet.cells.get(criterion)
        if cell is None:
            cell = sheet.cells[criterion] = Cell(criterion)
        cell.value, cell.judge, cell.revision = value, judge, revision
        if sheet.submitted_seq is not None and seq <= sheet.submitted_seq:
            cell.submitted, cell.submitted_judge = value, judge
    return Cells(track, list(sheets.values()))


@dataclass(slots=True)
class Rulings:
    """What the rulings of a track say now: the last of each matter, and every adjustment."""

    recusals: list[Recusal] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    statuses: dict[str, Standing] = field(default_factory=dict)


EVIDENT = ("adjust", "absent", "recuse", "status", "time")
"""The kinds of ruling that a fold reads; windows, freezes and reopenings are read elsewhere."""


def load_rulings(session: Session, track_id: int, track: str, *, upto: int | None = None) -> Rulings:
    """The rulings of a track that hold as of sequence `upto` (None: now)."""
    query = (
        select(Ruling, Stage.code, Entry.code, Judge.code)
        .outerjoin(Stage, Stage.id == Ruling.stage_id)
        .outerjoin(Entry, Entry.id == Ruling.entry_id)
        .outerjoin(Judge, Judge.id == Ruling.judge_id)
        .where(Ruling.track_id == track_id, Ruling.kind.in_(EVIDENT))
        .order_by(Ruling.seq)
    )
    if upto is not None:
        query = query.where(Ruling.seq <= upto)
    rulings = Rulings()
    recusals: dict[tuple[str, str], Recusal] = {}
    absences: dict[tuple[str, str, str | None], Absence] = {}
    timings: dict[tuple[str, str], Timing] = {}
    for ruling, stage, entry, judge in session.execute(query):
        said = ruling.reason or ruling.payload.get("reason")
        if ruling.kind == "adjust":
            rulings.adjustments.append(Adjustment(track, stage, entry, Decimal(ruling.payload["amount"]), said))
        elif ruling.kind == "recuse":
            _turn(recusals, (judge, entry), ruling, Recusal(judge, entry, said))
        elif ruling.kind == "absent":
            _turn(absences, (judge, stage, entry), ruling, Absence(judge, track, stage, entry, said))
        elif ruling.kind == "status":
            rulings.statuses[entry] = ruling.payload["status"], ruling.payload.get("status_from")
        elif ruling.payload["seconds"] is None:
            timings.pop((stage, entry), None)
        else:
            timings[stage, entry] = Timing(track, stage, entry, Decimal(ruling.payload["seconds"]))
    rulings.recusals = list(recusals.values())
    rulings.absences = list(absences.values())
    rulings.timings = list(timings.values())
    return rulings


def _turn(held: dict[Key, Record], key: Key, ruling: Ruling, record: Record) -> None:
    if ruling.payload["on"]:
        held[key] = record
    else:
        held.pop(key, None)


@dataclass(slots=True)
class Reasons:
    """Why a window stands as it does, by stage, and why a sheet was reopened, by stage, entry, judge and attempt."""

    windows: dict[str, str] = field(default_factory=dict)
    reopenings: dict[tuple[str, str, str | None, int], str] = field(default_factory=dict)

    def of_sheet(self, sheet: SheetState) -> str | None:
        """Why the sheet is open again; None where it is not."""
        if sheet.state != "reopened":
            return None
        return self.reopenings.get((sheet.stage, sheet.entry, sheet.judge, sheet.attempt))


def load_reasons(session: Session, track_id: int, entry: str | None = None) -> Reasons:
    """The last reasons given in a track; with `entry` only those of its reopenings."""
    query = (
        select(Ruling.kind, Ruling.reason, Ruling.payload, Stage.code, Entry.code, Judge.code)
        .join(Stage, Stage.id == Ruling.stage_id)
        .outerjoin(Entry, Entry.id == Ruling.entry_id)
        .outerjoin(Judge, Judge.id == Ruling.judge_id)
        .where(Ruling.track_id == track_id, Ruling.kind.in_(("window", "reopen")))
        .order_by(Ruling.seq)
    )
    if entry is not None:
        query = query.where(Entry.code == entry)
    reasons = Reasons()
    for kind, reason, payload, stage, named, judge in session.execute(query):
        if kind == "window":
            reasons.windows[stage] = reason
        else:
            reasons.reopenings[stage, named, judge, payload["attempt"]] = reason
    return reasons
