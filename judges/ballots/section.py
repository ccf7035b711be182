"""Marks and rulings of a bundle, into the evidence and out of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from competition.contests.locks import lock_track
from competition.contests.models import Contest, Criterion, Stage, Track
from competition.registration.models import Entry
from competition.scoring.evidence import Mark as MarkRecord
from competition.scoring.numbers import format_amount
from judges.ballots.evidence import Cells, Rulings, load_cells, load_rulings
from judges.ballots.models import Change, Mark, Ruling, Sheet, Submission
from judges.ballots.numbering import take_numbers
from judges.panels.models import Seat
from judges.roster.models import Judge

SOURCE = "import"


class BallotsSection:
    """Implements `competition.scoring.evidence.BundleSection` for marks, drafts and what rulings a bundle can say."""

    def write(self, session: Session, contest_id: int, bundle: Any, *, now: datetime) -> None:
        """Marks become submitted sheets; a draft on a sheet that also has marks leaves it reopened."""
        _Import(session, contest_id, now).write(bundle)

    def read(self, session: Session, contest_id: int) -> dict[str, tuple[Any, ...]]:
        parts: dict[str, list[Any]] = {
            name: [] for name in ("marks", "drafts", "recusals", "absences", "adjustments", "timings", "statuses")
        }
        saved = session.execute(select(Contest.counts).where(Contest.id == contest_id)).scalar_one() == "saved"
        for track_id, code in session.execute(select(Track.id, Track.code).where(Track.contest_id == contest_id)):
            rulings: Rulings = load_rulings(session, track_id, code)
            parts["recusals"] += rulings.recusals
            parts["absences"] += rulings.absences
            parts["adjustments"] += rulings.adjustments
            parts["timings"] += rulings.timings
            parts["statuses"] += [
                (entry, *standing) for entry, standing in rulings.statuses.items() if standing[0] != "ok"
            ]
            cells: Cells = load_cells(session, track_id, code)
            parts["marks"] += cells.latest() if saved else cells.submitted()
            parts["drafts"] += [] if saved else cells.never_submitted()
        return {name: tuple(records) for name, records in parts.items()}


class _Import:
    """The ids of one contest's codes, and the rows made for its evidence."""

    def __init__(self, session: Session, contest_id: int, now: datetime) -> None:
        self.session, self.now = session, now
        pairs = session.execute(select(Track.code, Track.id).where(Track.contest_id == contest_id))
        self.tracks: dict[str, int] = dict(pairs.all())
        self.stages: dict[tuple[str, str], int] = {}
        self.criteria: dict[tuple[int, str], tuple[int, bool]] = {}
        for track, stage, stage_id in session.execute(
            select(Track.code, Stage.code, Stage.id).join(Stage).where(Track.contest_id == contest_id)
        ):
            self.stages[track, stage] = stage_id
        for stage_id, code, key, kind in session.execute(
            select(Criterion.stage_id, Criterion.code, Criterion.id, Criterion.kind).where(
                Criterion.stage_id.in_(self.stages.values())
            )
        ):
            self.criteria[stage_id, code] = key, kind == "measurement"
        self.entries: dict[str, tuple[int, int]] = {
            code: (key, track_id)
            for code, key, track_id in session.execute(
                select(Entry.code, Entry.id, Entry.track_id).where(Entry.contest_id == contest_id)
            )
        }
        self.judges: dict[str, int] = dict(
            session.execute(select(Judge.code, Judge.id).where(Judge.contest_id == contest_id)).all()
        )
        self.changes: list[dict[str, Any]] = []
        self.rulings: list[dict[str, Any]] = []
        self.marks: list[dict[str, Any]] = []
        self.sheets: dict[tuple[int, int, int], dict[str, Any]] = {}
        self.submissions: list[dict[str, Any]] = []

    def write(self, bundle: Any) -> None:
        for track_id in self.tracks.values():
            lock_track(self.session, track_id)
        self._rule(bundle)
        self._mark(bundle)
        self._flush()

    def _change(self, track_id: int, kind: str, entry_id: int | None) -> dict[str, Any]:
        change = {"track_id": track_id, "kind": kind, "entry_id": entry_id, "at": self.now}
        self.changes.append(change)
        return change

    def _ruling(
        self,
        kind: str,
        track_id: int,
        payload: dict[str, Any],
        reason: str | None,
        *,
        stage: int | None = None,
        entry: int | None = None,
        judge: int | None = None,
    ) -> None:
        if reason == "":
            payload = {**payload, "reason": ""}  # said, and empty: an export says it again
        self.rulings.append(
            {
                "change": self._change(track_id, "ruling", entry),
                "track_id": track_id,
                "kind": kind,
                "stage_id": stage,
                "entry_id": entry,
                "judge_id": judge,
                "payload": payload,
                "reason": reason or "",
                "source": SOURCE,
                "at": self.now,
            }
        )

    def _rule(self, bundle: Any) -> None:
        for entry in bundle.entries:
            if entry.status != "ok":
                key, track_id = self.entries[entry.code]
                self._ruling(
                    "status", track_id, {"status": entry.status, "status_from": entry.status_from}, None, entry=key
                )
        for recusal in bundle.recusals:
            key, track_id = self.entries[recusal.entry]
            self._ruling("recuse", track_id, {"on": True}, recusal.reason, entry=key, judge=self.judges[recusal.judge])
        for absence in bundle.absences:
            self._ruling(
                "absent",
                self.tracks[absence.track],
                {"on": True},
                absence.reason,
                stage=self.stages[absence.track, absence.stage],
                entry=None if absence.entry is None else self.entries[absence.entry][0],
                judge=self.judges[absence.judge],
            )
        for adjustment in bundle.adjustments:
            self._ruling(
                "adjust",
                self.tracks[adjustment.track],
                {"amount": format_amount(adjustment.amount)},
                adjustment.reason,
                stage=self.stages[adjustment.track, adjustment.stage],
                entry=self.entries[adjustment.entry][0],
            )
        for timing in bundle.timings:
            self._ruling(
                "time",
                self.tracks[timing.track],
                {"seconds": format_amount(timing.seconds)},
                None,
                stage=self.stages[timing.track, timing.stage],
                entry=self.entries[timing.entry][0],
            )

    def _mark(self, bundle: Any) -> None:
        drafts = tuple(getattr(bundle, "drafts", ()))
        self._seat([*bundle.marks, *drafts])
        submitted: dict[tuple[int, int, int], tuple[int, int]] = {}
        for mark in bundle.marks:
            sheet = self._append(mark)
            submitted[sheet] = self.tracks[mark.track], self.entries[mark.entry][0]
        for sheet, (track_id, entry_id) in submitted.items():
            change = self._change(track_id, "submit", entry_id)
            self.sheets[sheet].update(state="submitted", submitted=change)
            self.submissions.append({"change": change, "sheet": sheet, "kind": "submit", "at": self.now})
        for mark in drafts:
            sheet = self._key(mark)
            if self.sheets.get(sheet, {}).get("state") == "submitted":
                change = self._change(*submitted[sheet][:1], "reopen", submitted[sheet][1])
                self.sheets[sheet]["state"] = "reopened"
                self.submissions.append({"change": change, "sheet": sheet, "kind": "reopen", "at": self.now})
            self._append(mark)

    def _seat(self, marks: Iterable[MarkRecord]) -> None:
        """Finds the seat of every marking judge and of the recorders, and makes those that nobody has made."""
        wanted = {self._sitting(mark) for mark in marks}
        rows = self.session.execute(
            select(Seat.stage_id, Seat.judge_id, Seat.id).where(Seat.stage_id.in_(self.stages.values()))
        )
        self.seats = {(stage_id, judge_id): key for stage_id, judge_id, key in rows}
        missing = sorted(wanted - self.seats.keys(), key=lambda seat: (seat[0], seat[1] or 0))
        for (stage_id, judge_id), key in zip(
            missing, take_numbers(self.session, _table(Seat), len(missing)), strict=True
        ):
            self.seats[stage_id, judge_id] = key
        if missing:
            self.session.execute(
                insert(_table(Seat)),
                [
                    {"id": self.seats[stage_id, judge_id], "stage_id": stage_id, "judge_id": judge_id}
                    for stage_id, judge_id in missing
                ],
            )

    def _sitting(self, mark: MarkRecord) -> tuple[int, int | None]:
        stage_id = self.stages[mark.track, mark.stage]
        measured = self.criteria[stage_id, mark.criterion][1]
        return stage_id, None if measured or mark.judge is None else self.judges[mark.judge]

    def _key(self, mark: MarkRecord) -> tuple[int, int, int]:
        return self.seats[self._sitting(mark)], self.entries[mark.entry][0], mark.attempt

    def _append(self, mark: MarkRecord) -> tuple[int, int, int]:
        key = self._key(mark)
        sheet = self.sheets.setdefault(key, {"state": "open", "submitted": None, "cells": {}})
        criterion_id, measured = self.criteria[self.stages[mark.track, mark.stage], mark.criterion]
        revision = sheet["cells"][criterion_id] = sheet["cells"].get(criterion_id, 0) + 1
        value: Decimal = mark.value
        self.marks.append(
            {
                "change": self._change(self.tracks[mark.track], "mark", key[1]),
                "sheet": key,
                "criterion_id": criterion_id,
                "revision": revision,
                "value": format_amount(value),
                "source": SOURCE,
                "at": self.now,
                "judge_id": self.judges[mark.judge] if measured and mark.judge is not None else None,
            }
        )
        return key

    def _flush(self) -> None:
        """Numbers everything in the order in which it was noted and writes it, table by table."""
        numbers = take_numbers(self.session, _table(Change), len(self.changes))
        for change, number in zip(self.changes, numbers, strict=True):
            change["id"] = number
        for sheet, number in zip(
            self.sheets.values(), take_numbers(self.session, _table(Sheet), len(self.sheets)), strict=True
        ):
            sheet["id"] = number
        self._insert(Change, self.changes)
        self._insert(Ruling, [self._numbered(row) for row in self.rulings])
        self._insert(
            Sheet,
            [
                {
                    "id": sheet["id"],
                    "seat_id": seat_id,
                    "entry_id": entry_id,
                    "attempt": attempt,
                    "state": sheet["state"],
                    "submitted_seq": sheet["submitted"] and sheet["submitted"]["id"],
                }
                for (seat_id, entry_id, attempt), sheet in self.sheets.items()
            ],
        )
        self._insert(Mark, [self._numbered(row) for row in self.marks])
        self._insert(Submission, [self._numbered(row) for row in self.submissions])

    def _numbered(self, row: dict[str, Any]) -> dict[str, Any]:
        row = dict(row, seq=row["change"]["id"])
        del row["change"]
        if "sheet" in row:
            row["sheet_id"] = self.sheets[row.pop("sheet")]["id"]
        return row

    def _insert(self, model: Any, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        if self.session.get_bind().dialect.name == "postgresql" and model is not Ruling:
            self._copy(_table(model).name, rows)
        else:
            self.session.execute(insert(_table(model)), rows)

    def _copy(self, table: str, rows: list[dict[str, Any]]) -> None:
        """PostgreSQL's own way for many rows, several times as fast as inserting them."""
        columns = list(rows[0])
        driver: Any = self.session.connection().connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([row[column] for column in columns])


def _table(model: Any) -> Any:
    return model.__table__
