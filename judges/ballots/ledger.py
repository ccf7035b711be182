"""The marks' transaction, step by step, in SQL that both databases understand.

Each function runs inside one transaction of the caller's, through `run(sql, parameters)`: the raw connection of
SQLite's writer, or SQLAlchemy's on PostgreSQL. It checks everything that another writer could have changed, raises
`Refused` before it has written anything, and leaves op, change and evidence together. Nothing here logs or knows a
language.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from judges.ballots.sentences import Refused

Run = Callable[[str, dict[str, Any]], Sequence[Any]]


class GoneError(Exception):
    """The ids are of a definition that has been replaced."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Who asks what: `person` with the own `op`, the digest of its content, the contest, and when."""

    person: int
    op: str
    digest: str
    contest: int
    at: datetime

    def answer(self, **more: Any) -> dict[str, Any]:
        return {"op": self.op, **more, "at": stamp(self.at)}


@dataclass(frozen=True, slots=True)
class SheetKey:
    """A sheet in ids; `judge` None: the recorder's."""

    track: int
    stage: int
    position: int
    seat: int
    judge: int | None
    entry: int
    attempt: int


@dataclass(frozen=True, slots=True)
class CellWrite:
    """A checked value for a cell; `base` or `after` say what the writer last saw there."""

    sheet: SheetKey
    criterion: int
    value: str | None
    base: int
    after: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """An answer; `sheet` is None for a replay, of which nobody need be told."""

    answer: dict[str, Any]
    sheet: int | None = None


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The few words in which the two databases differ."""

    name: str

    def field(self, name: str) -> str:
        if self.name == "sqlite":
            return f"json_extract(ruling.payload, '$.{name}')"
        return f"ruling.payload->>'{name}'"

    def truth(self, name: str) -> str:
        return self.field(name) if self.name == "sqlite" else f"({self.field(name)})::boolean"

    def json(self, parameter: str) -> str:
        return f":{parameter}" if self.name == "sqlite" else f"CAST(:{parameter} AS JSON)"

    @property
    def for_update(self) -> str:
        return "" if self.name == "sqlite" else " FOR UPDATE"


class Ledger:
    """The operations of the marks in one database's words."""

    def __init__(self, dialect: str) -> None:
        words = self.words = Dialect(dialect)
        self.find_op = "SELECT content_hash, answer FROM op WHERE person_id = :person AND op = :op"
        self.lock_sheet = (
            "SELECT id, state FROM sheet WHERE seat_id = :seat AND entry_id = :entry AND attempt = :attempt"
            + words.for_update
        )
        self.situation = f"""
            SELECT track.phase, stage.state, {self.stands()} AS stands, {self.seated()} AS seated
            FROM stage JOIN track ON track.id = stage.track_id WHERE stage.id = :stage"""
        self.find_cell = """
            SELECT revision, value, seq FROM mark WHERE sheet_id = :sheet AND criterion_id = :criterion
            ORDER BY revision DESC LIMIT 1"""
        self.find_own = "SELECT seq FROM op WHERE person_id = :person AND op = :after"
        self.add_sheet = """
            INSERT INTO sheet (seat_id, entry_id, attempt, state) VALUES (:seat, :entry, :attempt, 'open')
            RETURNING id"""
        self.add_change = """
            INSERT INTO change (track_id, kind, entry_id, at) VALUES (:track, :kind, :entry, :at) RETURNING id"""
        self.add_mark = """
            INSERT INTO mark (seq, sheet_id, criterion_id, revision, value, judge_id, person_id, source, at)
            VALUES (:seq, :sheet, :criterion, :revision, :value, NULL, :person, 'tablet', :at)"""
        self.add_op = f"""
            INSERT INTO op (person_id, op, content_hash, contest_id, seq, answer)
            VALUES (:person, :op, :digest, :contest, :seq, {words.json("answer")})"""
        self.filled = """
            SELECT criterion_id FROM mark AS last WHERE sheet_id = :sheet AND value IS NOT NULL AND revision =
            (SELECT max(revision) FROM mark WHERE sheet_id = last.sheet_id AND criterion_id = last.criterion_id)"""
        self.add_submission = """
            INSERT INTO submission (seq, sheet_id, kind, person_id, at) VALUES (:seq, :sheet, :kind, :person, :at)"""
        self.set_submitted = "UPDATE sheet SET state = 'submitted', submitted_seq = :seq WHERE id = :sheet"
        self.set_reopened = "UPDATE sheet SET state = 'reopened' WHERE id = :sheet"

    def stands(self) -> str:
        """Whether the entry's last status lets it stand in the stage."""
        return f"""COALESCE((
            SELECT {self.words.field("status")} = 'ok' OR stage.position < COALESCE((
                SELECT first.position FROM stage AS first
                WHERE first.track_id = :track AND first.code = {self.words.field("status_from")}), -1)
            FROM ruling WHERE ruling.track_id = :track AND ruling.kind = 'status' AND ruling.entry_id = :entry
            ORDER BY ruling.seq DESC LIMIT 1), TRUE)"""

    def seated(self) -> str:
        """Whether the judge is on a panel of the entry and neither recused nor absent; not read for a recorder."""
        same = "IS" if self.words.name == "sqlite" else "IS NOT DISTINCT FROM"
        return f"""(EXISTS (
                SELECT 1 FROM panel JOIN panel_judge ON panel_judge.panel_id = panel.id
                WHERE panel.stage_id = :stage AND panel_judge.judge_id = :judge AND (panel.all_entries OR EXISTS (
                    SELECT 1 FROM panel_entry
                    WHERE panel_entry.panel_id = panel.id AND panel_entry.entry_id = :entry)))
            AND NOT EXISTS (
                SELECT 1 FROM ruling
                WHERE ruling.track_id = :track AND ruling.kind IN ('recuse', 'absent') AND ruling.judge_id = :judge
                  AND CASE ruling.kind WHEN 'recuse' THEN ruling.entry_id = :entry
                      ELSE ruling.stage_id = :stage AND (ruling.entry_id = :entry OR ruling.entry_id IS NULL) END
                  AND {self.words.truth("on")} AND NOT EXISTS (
                    SELECT 1 FROM ruling AS later
                    WHERE later.track_id = :track AND later.kind = ruling.kind AND later.judge_id = :judge
                      AND later.entry_id {same} ruling.entry_id AND later.stage_id {same} ruling.stage_id
                      AND later.seq > ruling.seq)))"""

    # The two operations of a seat

    def save(self, run: Run, operation: Operation, cell: CellWrite) -> Done:
        """Appends a revision to a cell; refuses by the rules of contract.md, Judging."""
        replayed = self.replay(run, operation)
        if replayed is not None:
            return Done(replayed)
        sheet, _ = self._writable(run, cell.sheet)
        revision, value, seq = 0, None, None
        if sheet is not None:
            rows = run(self.find_cell, {"sheet": sheet, "criterion": cell.criterion})
            if rows:
                revision, value, seq = rows[0]
        if cell.after is not None:
            own = run(self.find_own, {"person": operation.person, "after": cell.after})
            fits = bool(own) and seq is not None and own[0][0] == seq
        else:
            fits = cell.base == revision
        if not fits:
            raise Refused("conflict", "base", value=value, revision=revision)
        if sheet is None:
            sheet = self._new_sheet(run, cell.sheet)
        number = self.append(run, cell.sheet.track, "mark", cell.sheet.entry, operation.at)
        answer = operation.answer(revision=revision + 1)
        run(
            self.add_mark,
            {
                "seq": number,
                "sheet": sheet,
                "criterion": cell.criterion,
                "revision": revision + 1,
                "value": cell.value,
                "person": operation.person,
                "at": operation.at,
            },
        )
        self.note(run, operation, number, answer)
        return Done(answer, sheet)

    def submit(self, run: Run, operation: Operation, key: SheetKey, wanted: Sequence[tuple[int, str]]) -> Done:
        """Locks a sheet that has a value in each of the `wanted` cells (id, code)."""
        replayed = self.replay(run, operation)
        if replayed is not None:
            return Done(replayed)
        sheet, _ = self._writable(run, key)
        filled = {row[0] for row in run(self.filled, {"sheet": sheet})} if sheet is not None else set()
        missing = [code for criterion, code in wanted if criterion not in filled]
        if missing or sheet is None:
            raise Refused("incomplete", None, missing=missing)
        number = self.append(run, key.track, "submit", key.entry, operation.at)
        run(
            self.add_submission,
            {"seq": number, "sheet": sheet, "kind": "submit", "person": operation.person, "at": operation.at},
        )
        run(self.set_submitted, {"seq": number, "sheet": sheet})
        answer = operation.answer(state="submitted", seq=number)
        self.note(run, operation, number, answer)
        return Done(answer, sheet)

    # Their parts, some of which the rulings share

    def replay(self, run: Run, operation: Operation) -> dict[str, Any] | None:
        """The answer of the same operation before, or None; the same op with other content is refused."""
        rows = run(self.find_op, {"person": operation.person, "op": operation.op})
        if not rows:
            return None
        digest, answer = rows[0]
        if digest != operation.digest:
            raise Refused("op_reused", "op")
        return dict(json.loads(answer) if isinstance(answer, str) else answer)

    def append(self, run: Run, track: int, kind: str, entry: int | None, at: datetime) -> int:
        return int(run(self.add_change, {"track": track, "kind": kind, "entry": entry, "at": at})[0][0])

    def note(self, run: Run, operation: Operation, number: int | None, answer: dict[str, Any]) -> None:
        run(
            self.add_op,
            {
                "person": operation.person,
                "op": operation.op,
                "digest": operation.digest,
                "contest": operation.contest,
                "seq": number,
                "answer": json.dumps(answer, ensure_ascii=False),
            },
        )

    def _new_sheet(self, run: Run, key: SheetKey) -> int:
        return int(run(self.add_sheet, {"seat": key.seat, "entry": key.entry, "attempt": key.attempt})[0][0])

    def _writable(self, run: Run, key: SheetKey) -> tuple[int | None, str]:
        """The sheet's id (None: not made yet) and state, where it may be written now."""
        rows = run(self.lock_sheet, {"seat": key.seat, "entry": key.entry, "attempt": key.attempt})
        sheet, state = rows[0] if rows else (None, "open")
        situation = run(
            self.situation, {"track": key.track, "stage": key.stage, "entry": key.entry, "judge": key.judge}
        )
        if not situation:
            raise GoneError
        phase, window, stands, seated = situation[0]
        if not stands:
            raise Refused("not_expected", "entry", why="status")
        if key.judge is not None and not seated:
            raise Refused("not_expected", "entry", why="panel")
        if state == "submitted":
            raise Refused("locked", "entry")
        if not (phase == "scoring" and window == "open") and not (phase == "review" and state == "reopened"):
            raise Refused("not_open", "stage", phase=phase, window=window)
        return sheet, state
