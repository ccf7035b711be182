"""Durable marks a second, sixteen at once, beside what the bare driver reaches in the same run.

`python -m tests.bench.bench_marks [--seconds N]`. The budget is 0.6 of the raw rate (design: Durable marks). Raw is the
writing alone (op, change and mark, durable) with nothing asked or checked: on SQLite one connection that commits each,
on PostgreSQL one statement on each of sixteen connections.
"""

from __future__ import annotations

import gevent.monkey

gevent.monkey.patch_all()

import argparse  # noqa: E402
import sqlite3  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import uuid  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
import psycopg  # noqa: E402
from psycopg import sql  # noqa: E402

from competition.accounts.policy import Actor, GrantInfo  # noqa: E402
from competition.shared import clock, schema  # noqa: E402
from competition.shared.db import Database, make_engine  # noqa: E402
from judges.ballots.commands import MarkCell  # noqa: E402
from judges.ballots.models import Sheet  # noqa: E402
from judges.ballots.writer import PRAGMAS  # noqa: E402
from tests.conftest import _admin, _drop, _postgres_url  # noqa: E402
from tests.services.judging import Desk, contest  # noqa: E402

WRITERS = 16
CHANGE = "INSERT INTO change (track_id, kind, entry_id, at) VALUES (?, 'mark', ?, ?) RETURNING id"
OP = "INSERT INTO op (person_id, op, content_hash, contest_id, seq, answer) VALUES (?, ?, ?, ?, ?, ?)"
MARK = """
    INSERT INTO mark (seq, sheet_id, criterion_id, revision, value, person_id, source, at)
    VALUES (?, ?, ?, ?, '5', ?, 'tablet', ?)"""
AT = "2026-01-01 00:00:00.000000"
DIGEST = "0" * 64
ANSWER = '{"op": "00000000-0000-0000-0000-000000000000", "revision": 1, "at": "2026-01-01T00:00:00.000Z"}'
ONE_STATEMENT = """
    WITH number AS (INSERT INTO change (track_id, kind, entry_id, at) VALUES (%s, 'mark', %s, now()) RETURNING id),
    told AS (INSERT INTO op (person_id, op, content_hash, contest_id, seq, answer)
             SELECT %s, %s, %s, %s, number.id, %s::json FROM number RETURNING 1)
    INSERT INTO mark (seq, sheet_id, criterion_id, revision, value, person_id, source, at)
    SELECT number.id, %s, %s, %s, '5', %s, 'tablet', now() FROM number"""


def many_judges() -> dict[str, Any]:
    judges = [f"J{number}" for number in range(1, WRITERS + 1)]
    leaf = {"code": "k", "title": "K", "max": 10}
    return contest(
        judges=[{"code": code, "name": code} for code in judges],
        tracks=[{"code": "t", "title": "T", "stages": [{"code": "one", "title": "O", "criteria": [leaf]}]}],
        entries=[{"code": f"E{n}", "track": "t", "title": "E", "draw": n} for n in range(1, 101)],
        panels=[{"track": "t", "stage": "one", "judges": judges}],
    )


def at_once(work: Callable[[int, int], None], seconds: float) -> tuple[float, float, float]:
    """Marks a second of all writers together, and p50 and p99 of one in ms."""
    until = time.perf_counter() + seconds
    spent: list[float] = []

    def one(writer: int) -> None:
        turn = 0
        while (begun := time.perf_counter()) < until:
            work(writer, turn)
            spent.append(time.perf_counter() - begun)
            turn += 1

    begun = time.perf_counter()
    gevent.joinall([gevent.spawn(one, writer) for writer in range(WRITERS)], raise_error=True)
    spent.sort()
    rate = len(spent) / (time.perf_counter() - begun)
    return rate, spent[len(spent) // 2] * 1000, spent[len(spent) * 99 // 100] * 1000


class Bench:
    """One contest with sixteen judges and a sheet of each for the raw writing."""

    def __init__(self, url: str) -> None:
        self.db = Database(make_engine(url, **({} if url.startswith("sqlite") else {"pool_size": WRITERS})))
        schema.upgrade(self.db)
        self.desk = Desk(self.db, bundle=many_judges())
        found = self.desk.ballots.contest("cup")
        person = self.desk.people["J1"].person_id
        self.actors = [
            Actor(person, code, (GrantInfo("judge", found.id, judge_id=key),)) for code, key in found.judges.items()
        ]
        stage = found.tracks["t"].stages["one"]
        self.track, self.contest, self.person = found.tracks["t"].id, found.id, person
        self.entry, self.criterion = found.tracks["t"].entries["100"][0], stage.leaves["k"].id
        with self.db.transaction() as session:
            sheets = [
                Sheet(seat_id=stage.seats[actor.grants[0].judge_id], entry_id=self.entry, attempt=99)
                for actor in self.actors
            ]
            session.add_all(sheets)
            session.flush()
            self.sheets = [sheet.id for sheet in sheets]

    def ours(self, writer: int, turn: int) -> None:
        """The whole way of a mark behind the protocol: definition, roles, value, ledger, commit."""
        asked = MarkCell(
            op=str(uuid.uuid4()),
            digest=DIGEST,
            contest="cup",
            track="t",
            stage="one",
            entry=str(turn % 99 + 1),
            criterion="k",
            attempt=1,
            value=turn % 10,
            base=turn // 99,
        )
        self.desk.ballots.mark(asked, actor=self.actors[writer], now=clock.now())

    def insert(self, run: Callable[[str, Any], Any], writer: int, revision: int) -> None:
        [number] = run(CHANGE, (self.track, self.entry, AT)).fetchone()
        run(OP, (self.person, str(uuid.uuid4()), DIGEST, self.contest, number, ANSWER))
        run(MARK, (number, self.sheets[writer], self.criterion, revision, self.person, AT))

    def raw_sqlite(self, seconds: float) -> float:
        connection = sqlite3.connect(str(self.db.engine.url.database), isolation_level=None)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        begun, done = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            connection.execute("BEGIN IMMEDIATE")
            self.insert(connection.execute, done % WRITERS, 1 + done // WRITERS)
            connection.execute("COMMIT")
            done += 1
        connection.execute("DELETE FROM mark WHERE sheet_id IN (SELECT id FROM sheet WHERE attempt = 99)")
        connection.close()
        return done / seconds

    def raw_postgres(self, seconds: float) -> tuple[float, float, float]:
        url = self.db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connections = [psycopg.connect(url, autocommit=True) for _ in range(WRITERS)]

        def work(writer: int, turn: int) -> None:
            connections[writer].execute(
                ONE_STATEMENT,
                (
                    self.track,
                    self.entry,
                    self.person,
                    str(uuid.uuid4()),
                    DIGEST,
                    self.contest,
                    ANSWER,
                    self.sheets[writer],
                    self.criterion,
                    turn + 1,
                    self.person,
                ),
            )

        figures = at_once(work, seconds)
        for connection in connections:
            connection.execute("DELETE FROM mark WHERE sheet_id = ANY(%s)", (self.sheets,))
            connection.close()
        return figures

    def close(self) -> None:
        self.desk.ballots.close()
        self.db.engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        bench = Bench(f"sqlite:///{folder}/leitai.db")
        raw = bench.raw_sqlite(seconds)
        rate, p50, p99 = at_once(bench.ours, seconds)
        bench.close()
        report("SQLite", rate, p50, p99, raw)
    name = f"leitai_bench_{uuid.uuid4().hex[:12]}"
    _admin(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        bench = Bench(_postgres_url(name))
        raw, _, _ = bench.raw_postgres(seconds)
        rate, p50, p99 = at_once(bench.ours, seconds)
        bench.close()
        report("PostgreSQL", rate, p50, p99, raw)
    finally:
        _drop(name)


def report(engine: str, rate: float, p50: float, p99: float, raw: float) -> None:
    print(
        f"{engine}: {rate:,.0f} marks/s (p50 {p50:.1f} ms, p99 {p99:.1f} ms); raw {raw:,.0f}/s; "
        f"ratio {rate / raw:.2f} (budget 0.6)"
    )


if __name__ == "__main__":
    main()
