"""The door of the ballots: marks, submissions and rulings, durable and told to nobody before their commit.

One interface over both databases. SQLite's operations go to its one writer, PostgreSQL's are statements of their own;
the ledger decides in both. What can be decided without a lock (codes, roles, the value) is decided before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from competition.accounts.policy import Actor
from competition.contests.rules import Criterion
from competition.scoring.rules import BEST_GRADE, BadNumber, check_mark, format_amount, parse_amount
from competition.shared import bus
from competition.shared.db import Database
from judges.ballots.commands import Asked, MarkCell, Rule, SubmitSheet
from judges.ballots.definition import ContestInfo, Definitions, LeafInfo, StageInfo, TrackInfo
from judges.ballots.events import SheetSaved
from judges.ballots.ledger import CellWrite, Done, GoneError, Ledger, Operation, SheetKey
from judges.ballots.policy import can_record
from judges.ballots.postgres import PostgresLedger
from judges.ballots.reader import Reader
from judges.ballots.rulings import rule
from judges.ballots.sentences import Refused, refusal
from judges.ballots.standing import Standings
from judges.ballots.writer import SqliteWriter

TRIES = 3
_STALE = (GoneError, IntegrityError, sqlite3.IntegrityError)


class Ballots:
    """Takes operations by codes from an actor and gives the answers of contract.md, Judging, without `ok`."""

    def __init__(self, db: Database, reader: Reader | None = None) -> None:
        self.db = db
        self.definitions = Definitions(db)
        self.standings = Standings(db, reader or Reader())
        self.ledger = Ledger(db.engine.dialect.name)
        self._writer = SqliteWriter(str(db.engine.url.database)) if db.is_sqlite else None
        self._postgres = None if db.is_sqlite else PostgresLedger(db.engine, self.ledger)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._postgres is not None:
            self._postgres.close()

    def mark(self, asked: MarkCell, *, actor: Actor, now: datetime) -> dict[str, Any]:
        """Stores a revision of one cell and answers once it is on disk."""
        return self._seated(asked, actor, now)

    def submit(self, asked: SubmitSheet, *, actor: Actor, now: datetime) -> dict[str, Any]:
        """Locks a complete sheet."""
        return self._seated(asked, actor, now)

    def rule(self, asked: Rule, *, actor: Actor, now: datetime) -> dict[str, Any]:
        """Appends a ruling, with its line in the log."""
        try:
            return self._again(lambda: rule(self.db, self.ledger, self.find(asked), asked, actor=actor, now=now), asked)
        except Refused as refused:
            raise refusal(refused) from None

    def find(self, asked: Asked) -> ContestInfo:
        contest = self.definitions.find(asked.contest)
        if contest is None:
            raise Refused("unknown", "contest")
        return contest

    def contest(self, code: str) -> ContestInfo:
        """The definition that the desk shows; an error for people where there is none."""
        contest = self.definitions.find(code)
        if contest is None:
            raise refusal(Refused("unknown", "contest"))
        return contest

    def _seated(self, asked: MarkCell | SubmitSheet, actor: Actor, now: datetime) -> dict[str, Any]:
        try:
            return self._again(lambda: self._write(asked, actor, now), asked)
        except Refused as refused:
            raise refusal(refused) from None

    def _again(self, work: Any, asked: Asked) -> dict[str, Any]:
        """`work`, and once more with a fresh definition where rows it relied on have gone (a contest replaced)."""
        for attempt in range(TRIES):
            try:
                answer: dict[str, Any] = work()
                return answer
            except _STALE:
                self.definitions.forget(asked.contest)
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _write(self, asked: MarkCell | SubmitSheet, actor: Actor, now: datetime) -> dict[str, Any]:
        if actor.person_id is None:
            raise Refused("signed_out")
        contest = self.find(asked)
        track = contest.tracks.get(asked.track)
        if track is None:
            raise Refused("unknown", "track")
        operation = Operation(actor.person_id, asked.op, asked.digest, contest.id, now)
        try:
            key, stage, entry = self._sheet(asked, actor, contest, track)
            if isinstance(asked, MarkCell):
                leaf = stage.leaves[asked.criterion]
                cell = CellWrite(key, leaf.id, check_value(asked.value, leaf.record), asked.base, asked.after)
            if stage.after_cut and not self.standings.stands(track.id, stage.code, entry):
                raise Refused("not_expected", "entry", why="standing")
        except Refused:
            # What was accepted once is answered the same way, whatever has changed since.
            replayed = self._do(track.id, lambda run: self.ledger.replay(run, operation))
            if replayed is None:
                raise
            return dict(replayed)
        if isinstance(asked, MarkCell):
            done = self._save(operation, cell)
        else:
            wanted = [
                (leaf.id, leaf.record.code) for leaf in (stage.judged if key.judge is not None else stage.measured)
            ]
            done = self._do(track.id, lambda run: self.ledger.submit(run, operation, key, wanted))
        if done.sheet is not None:
            kind = "mark" if isinstance(asked, MarkCell) else "submit"
            bus.dispatch([SheetSaved(contest.id, track.id, done.sheet, kind)])
        return done.answer

    def _sheet(
        self, asked: MarkCell | SubmitSheet, actor: Actor, contest: ContestInfo, track: TrackInfo
    ) -> tuple[SheetKey, StageInfo, str]:
        stage = track.stages.get(asked.stage)
        if stage is None:
            raise Refused("unknown", "stage")
        if asked.entry not in track.entries:
            raise Refused("unknown", "entry")
        entry_id, entry = track.entries[asked.entry]
        leaf: LeafInfo | None = None
        if isinstance(asked, MarkCell):
            leaf = stage.leaves.get(asked.criterion)
            if leaf is None:
                raise Refused("unknown", "criterion")
        if asked.attempt > stage.attempts:
            raise Refused("unknown", "attempt")
        judge = own_seat(asked, leaf, actor, contest, track, stage)
        seat = stage.seats.get(judge)
        if seat is None:
            raise Refused("not_expected", "stage", why="panel")
        key = SheetKey(track.id, stage.id, stage.position, seat, judge, entry_id, asked.attempt)
        return key, stage, entry

    def _save(self, operation: Operation, cell: CellWrite) -> Done:
        if self._postgres is not None:
            return self._postgres.save(operation, cell)
        return self._do(cell.sheet.track, lambda run: self.ledger.save(run, operation, cell))  # type: ignore[no-any-return]

    def _do(self, track_id: int, work: Any) -> Any:
        if self._writer is not None:
            return self._writer.do(work)
        assert self._postgres is not None
        return self._postgres.do(track_id, work)


def own_seat(
    asked: MarkCell | SubmitSheet,
    leaf: LeafInfo | None,
    actor: Actor,
    contest: ContestInfo,
    track: TrackInfo,
    stage: StageInfo,
) -> int | None:
    """The judge whose sheet the actor writes, or None for the recorder's; another's seat is refused."""
    mine = actor.judge_ids(contest.id)
    if asked.seat_said and asked.judge is not None:
        judge = contest.judges.get(asked.judge)
        if judge is None:
            raise Refused("unknown", "judge")
        if judge not in mine or (leaf is not None and leaf.measured):
            raise Refused("forbidden", "judge")
        return judge
    recording = leaf.measured if leaf is not None else (asked.seat_said or not mine or not stage.judged)
    if recording:
        if not can_record(actor, contest, track, stage) or (leaf is not None and asked.seat_said and not leaf.measured):
            raise Refused("forbidden", "judge" if asked.seat_said else None)
        return None
    if not mine or asked.seat_said:
        raise Refused("forbidden", "judge" if asked.seat_said else None)
    seated: Sequence[int] = sorted(mine & {judge for judge in stage.seats if judge is not None}) or sorted(mine)
    if len(seated) > 1:
        raise Refused("bad_request", "judge")
    return seated[0]


def check_value(raw: str | int | None, criterion: Criterion) -> str | None:
    """The canonical text of a value that the leaf may hold; None clears it."""
    if raw is None:
        return None
    try:
        value = parse_amount(raw)
    except BadNumber:
        raise Refused("bad_number", "value") from None
    problem = check_mark(value, criterion)
    if problem is not None:
        grade = criterion.kind == "grade"
        raise Refused(
            problem,
            "value",
            min="0" if grade else format_amount(criterion.min),
            max=str(BEST_GRADE) if grade else format_amount(criterion.top),
            step=None if criterion.step is None else format_amount(criterion.step),
        )
    return format_amount(value)
