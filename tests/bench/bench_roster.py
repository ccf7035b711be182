"""A roster of 2,000 rows with 40 faults: how long until all are told, beside openpyxl reading the same file alone.

.venv/bin/python -m tests.bench.bench_roster
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from flask_babel import Babel
from openpyxl import load_workbook

from competition.accounts import roster
from competition.accounts.models import Unit
from competition.accounts.policy import CONSOLE
from competition.accounts.units import UnitCommand, create_unit
from competition.shared import clock, schema
from competition.shared.db import Database, make_engine
from competition.shared.vault import Vault
from tests.services.test_roster import FAULTS, ROWS, faulty, line, sheet

ROUNDS = 3


def best(work: Callable[[], Any]) -> float:
    """Seconds of the fastest of some rounds: what the machine can do, without its neighbours."""
    took = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def main() -> None:
    app = Flask("bench")
    Babel(app, default_locale="zh")
    vault = Vault(["key"])
    data, _expected = faulty()
    good = sheet([line(place) for place in range(ROWS)])
    with tempfile.TemporaryDirectory() as folder, app.test_request_context():
        database = Database(make_engine(f"sqlite:///{Path(folder) / 'bench.db'}"))
        schema.upgrade(database)
        command = UnitCommand(code="u", name="u", kind="enterprise")
        with database.transaction() as session:
            unit: Unit = create_unit(session, command, vault=vault, actor=CONSOLE, now=clock.now())

        def check(given: bytes = data) -> roster.Plan:
            with database.reading() as session:
                return roster.plan(session, unit, roster.read(given), vault=vault, now=clock.now())

        assert len(check().faults) == FAULTS
        plain = best(lambda: [list(row) for row in load_workbook(io.BytesIO(data), read_only=True).worksheets[0].rows])
        checked = best(check)
        made = check(good)
        began = time.perf_counter()
        with database.transaction() as session:
            roster.apply(session, unit, made, vault=vault, actor=CONSOLE, now=clock.now())
        applied = time.perf_counter() - began
        again = best(lambda: check(good))
    print(f"{ROWS} rows, {FAULTS} faults told: {checked:.2f} s; openpyxl reads the file alone: {plain:.2f} s", end="")
    print(f"; ratio {checked / plain:.2f}")
    print(f"{ROWS} people written: {applied:.2f} s; compared with {ROWS} who are there: {again:.2f} s")


if __name__ == "__main__":
    main()
