"""PostgreSQL's way of the ledger: a mark is one statement, and what it does not take goes the ledger's slow way.

The statement takes the track's lock (shared) before anything else, then the sheet's row, and writes op, change and mark
only where everything that the ledger would check holds. It says nothing about why it did not: the ledger does, in a
transaction of its own, and may find that by then it can be done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import IntegrityError

from competition.contests.locks import TRACK_LOCK
from judges.ballots.ledger import CellWrite, Done, Ledger, Operation, Run, stamp

TRIES: Final = 5
"""How often a unique violation, which another's writing at the same moment makes, sends an operation round again."""

MARKING: Final = 16
"""Connections kept for marks; more marks at once wait for one."""

Work = Callable[[Run], Any]

_statement = lru_cache(maxsize=256)(text)


def runner(connection: Connection) -> Run:
    """The ledger's `run` over SQLAlchemy; on SQLite instants are stored as `UtcDateTime` stores them."""
    sqlite = connection.dialect.name == "sqlite"

    def run(sql: str, parameters: dict[str, Any]) -> Sequence[Any]:
        if sqlite and isinstance(parameters.get("at"), datetime):
            parameters = {**parameters, "at": parameters["at"].strftime("%Y-%m-%d %H:%M:%S.%f")}
        result = connection.execute(_statement(sql), parameters)
        return result.all() if result.returns_rows else ()

    return run


def _one_statement(ledger: Ledger) -> str:
    """In the driver's own words, so that nothing is compiled or bound anew for each mark."""
    statement = f"""
        WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(:space, :track) AS held),
        ready AS MATERIALIZED (
            SELECT track.phase, stage.state AS gate
            FROM turn CROSS JOIN stage JOIN track ON track.id = stage.track_id
            WHERE stage.id = :stage AND {ledger.stands()} AND (CAST(:judge AS INTEGER) IS NULL OR {ledger.seated()})
        ),
        old AS MATERIALIZED (
            SELECT sheet.id, sheet.state FROM sheet, ready
            WHERE sheet.seat_id = :seat AND sheet.entry_id = :entry AND sheet.attempt = :attempt
            FOR NO KEY UPDATE OF sheet
        ),
        new AS (
            INSERT INTO sheet (seat_id, entry_id, attempt, state)
            SELECT :seat, :entry, :attempt, 'open' FROM ready
            WHERE ready.phase = 'scoring' AND ready.gate = 'open' AND :base = 0 AND CAST(:after AS TEXT) IS NULL
              AND NOT EXISTS (SELECT 1 FROM old)
            RETURNING id
        ),
        page AS (
            SELECT old.id FROM old CROSS JOIN ready
            WHERE old.state <> 'submitted' AND ((ready.phase = 'scoring' AND ready.gate = 'open')
               OR (ready.phase = 'review' AND old.state = 'reopened'))
            UNION ALL SELECT id FROM new
        ),
        cell AS (
            SELECT page.id AS sheet, COALESCE(last.revision, 0) AS revision
            FROM page LEFT JOIN LATERAL (
                SELECT mark.revision, mark.seq FROM mark
                WHERE mark.sheet_id = page.id AND mark.criterion_id = :criterion ORDER BY mark.revision DESC LIMIT 1
            ) AS last ON TRUE
            WHERE CASE WHEN CAST(:after AS TEXT) IS NULL THEN COALESCE(last.revision, 0) = :base
                  ELSE last.seq = (SELECT own.seq FROM op AS own WHERE own.person_id = :person AND own.op = :after) END
        ),
        number AS (
            INSERT INTO change (track_id, kind, entry_id, at)
            SELECT :track, 'mark', :entry, :at FROM cell RETURNING id
        ),
        told AS (
            INSERT INTO op (person_id, op, content_hash, contest_id, seq, answer)
            SELECT :person, CAST(:op AS TEXT), :digest, :contest, number.id,
                   json_build_object('op', CAST(:op AS TEXT), 'revision', cell.revision + 1, 'at', CAST(:stamp AS TEXT))
            FROM number CROSS JOIN cell RETURNING 1
        )
        INSERT INTO mark (seq, sheet_id, criterion_id, revision, value, judge_id, person_id, source, at)
        SELECT number.id, cell.sheet, :criterion, cell.revision + 1, :value, NULL, :person, 'tablet', :at
        FROM number CROSS JOIN cell
        RETURNING revision, sheet_id"""
    # The driver takes only statements of up to 4,096 characters into its cache.
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", " ".join(statement.split()))


class PostgresLedger:
    """Runs operations, each in a transaction of its own."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine = engine
        # One statement is one transaction without the driver's BEGIN, COMMIT and ROLLBACK around it, and is planned
        # once a connection: these settings are for marks alone, so their connections are of their own.
        self._single = create_engine(
            engine.url,
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            pool_size=MARKING,
            max_overflow=0,
            connect_args={"options": "-c plan_cache_mode=force_generic_plan", "prepare_threshold": 0},
        )
        self._ledger = ledger
        self._fast = _one_statement(ledger)

    def close(self) -> None:
        self._single.dispose()

    def save(self, operation: Operation, cell: CellWrite) -> Done:
        key = cell.sheet
        parameters = {
            "space": TRACK_LOCK,
            "track": key.track,
            "stage": key.stage,
            "seat": key.seat,
            "judge": key.judge,
            "entry": key.entry,
            "attempt": key.attempt,
            "criterion": cell.criterion,
            "value": cell.value,
            "base": cell.base,
            "after": cell.after,
            "person": operation.person,
            "op": operation.op,
            "digest": operation.digest,
            "contest": operation.contest,
            "at": operation.at,
            "stamp": stamp(operation.at),
        }
        try:
            with self._single.connect() as connection:
                row = connection.exec_driver_sql(self._fast, parameters).one_or_none()
        except IntegrityError:
            row = None
        if row is not None:
            return Done(operation.answer(revision=row.revision), row.sheet_id)
        done: Done = self.do(key.track, lambda run: self._ledger.save(run, operation, cell))
        return done

    def do(self, track: int, work: Work) -> Any:
        """`work` in one transaction under the track's shared lock; again where another's writing came in between."""
        for attempt in range(TRIES):
            try:
                with self._engine.begin() as connection:
                    connection.execute(
                        _statement("SELECT pg_advisory_xact_lock_shared(:space, :track)"),
                        {"space": TRACK_LOCK, "track": track},
                    )
                    return work(runner(connection))
            except IntegrityError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")
