"""Skate Canada 2016 marked again over real sockets, by nine judges and a recorder at once, the server killed twice.

Everything that was not acknowledged is sent again with the same op. In the end every board equals the official result,
and each mark is stored once.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import socketio
from socketio.exceptions import SocketIOError
from sqlalchemy import func, select

from competition.shared.db import Database, make_engine
from judges.ballots.models import Mark, Op, Sheet, Submission
from tests.conftest import DATA
from tests.program import Program

NAME = "isu-gp-2016-skate-canada-international"
KILLED_AFTER = (900, 2500)
"""Acknowledged marks at which the server is killed."""
PATIENCE = 4.0


class Tally:
    """Acknowledged marks, over all seats; whoever waits for a number is woken when it is reached."""

    def __init__(self) -> None:
        self.marks = 0
        self.resent = 0
        self.problems: list[str] = []
        self.changed = threading.Condition()

    def add(self, marks: int = 0, resent: int = 0, problem: str | None = None) -> None:
        with self.changed:
            self.marks += marks
            self.resent += resent
            if problem is not None:
                self.problems.append(problem)
            self.changed.notify_all()

    def wait_for(self, marks: int) -> None:
        with self.changed:
            reached = self.changed.wait_for(lambda: self.marks >= marks or bool(self.problems), 90)
            assert reached and not self.problems, self.problems or f"only {self.marks} marks were taken"


class Seat(threading.Thread):
    """One tablet: signed in by its link, one message after the other, each with its op until there is an answer."""

    def __init__(self, address: str, link: str, messages: list[tuple[str, dict[str, Any]]], tally: Tally) -> None:
        super().__init__(daemon=True)
        self.address, self.messages, self.tally = address, messages, tally
        self.browser = requests.Session()
        self.browser.get(link, timeout=20).raise_for_status()
        self.tablet = socketio.Client(http_session=self.browser, reconnection=False, handle_sigint=False)

    def run(self) -> None:
        try:
            for event, message in self.messages:
                self.send(event, {"contest": NAME, "op": str(uuid.uuid4()), **message})
        except Exception as error:
            self.tally.add(problem=repr(error))
        finally:
            self.hang_up()
            self.browser.close()

    def hang_up(self) -> None:
        """Ends the connection and its socket, which the client leaves to the collector where the server has died."""
        self.tablet.disconnect()
        if self.tablet.eio.ws is not None:
            self.tablet.eio.ws.shutdown()

    def send(self, event: str, message: dict[str, Any]) -> None:
        until = time.monotonic() + 60
        tries = 0
        while time.monotonic() < until:
            answer = self.once(event, message)
            if answer is not None and answer.get("ok"):
                assert answer["op"] == message["op"]
                if event == "mark":
                    assert answer["revision"] == 1
                self.tally.add(marks=event == "mark", resent=tries)
                return
            if answer is not None and answer["error"]["code"] != "too_many":
                raise AssertionError(f"{event} {message}: {answer}")
            tries += 1
            time.sleep(0.1)
        raise TimeoutError(f"no answer to {event}")

    def once(self, event: str, message: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, or None where nothing is known of the outcome."""
        try:
            if not self.tablet.connected:
                self.tablet.connect(
                    self.address, namespaces=["/judge"], transports=["websocket"], wait_timeout=PATIENCE
                )
            answer: dict[str, Any] | None = self.tablet.call(event, message, namespace="/judge", timeout=PATIENCE)
            return answer
        except (SocketIOError, requests.RequestException, OSError):
            self.hang_up()
            return None


def plan(bundle: dict[str, Any]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """What each seat sends: sheet by sheet, its marks and then the submission."""
    draws = {entry["code"]: str(entry["draw"]) for entry in bundle["entries"]}
    sheets: dict[str, dict[tuple[str, str, str], list[dict[str, Any]]]] = {}
    for mark in bundle["marks"]:
        of_seat = sheets.setdefault(mark.get("judge") or "recorder", {})
        of_seat.setdefault((mark["track"], mark["stage"], draws[mark["entry"]]), []).append(mark)
    return {
        seat: [
            message
            for (track, stage, entry), marks in own.items()
            for where in [{"track": track, "stage": stage, "entry": entry, "attempt": 1}]
            for message in [
                *(
                    ("mark", {**where, "criterion": mark["criterion"], "value": mark["value"], "base": 0})
                    for mark in marks
                ),
                ("submit", where),
            ]
        ]
        for seat, own in sheets.items()
    }


def board_of(program: Program, track: str) -> dict[str, tuple[Any, ...]]:
    try:
        board = program.get(f"/api/v1/boards/{NAME}/{track}")
    except OSError:
        return {}
    return {row["key"]: (row.get("rank"), row["total"], row["stages"].get("components")) for row in board["rows"]}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_killed_twice_every_board_equals_the_official_result(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bundle = json.loads((DATA / "official" / f"{NAME}.json").read_text(encoding="utf-8"))
    official = json.loads((DATA / "official" / f"{NAME}.official.json").read_text(encoding="utf-8"))
    unmarked = tmp_path / "unmarked.json"
    unmarked.write_text(json.dumps({**bundle, "marks": []}, ensure_ascii=False), encoding="utf-8")
    program = Program(tmp_path)
    url = f"sqlite:///{tmp_path}/leitai.db" if engine == "sqlite" else request.getfixturevalue("postgresql_url")
    program.environment["LEITAI_DATABASE_URL"] = url
    program.run("import", str(unmarked))
    links = {judge["code"]: program.link(NAME, "--judge", judge["code"]) for judge in bundle["judges"]}
    links["recorder"] = program.link(NAME, "--role", "recorder")
    chief = program.link(NAME, "--role", "chief")
    tally = Tally()
    program.start()
    try:
        windows = [
            ("window", {"track": track["code"], "stage": "elements", "state": "open"}) for track in bundle["tracks"]
        ]
        Seat(program.address, chief, windows, tally).run()
        assert not tally.problems, tally.problems
        seats = [Seat(program.address, links[seat], messages, tally) for seat, messages in plan(bundle).items()]
        assert len(seats) == 10
        for seat in seats:
            seat.start()
        for marks in KILLED_AFTER:
            tally.wait_for(marks)
            assert program.process is not None
            os.killpg(program.process.pid, signal.SIGKILL)
            program.process.wait(10)
            program.start()
        for seat in seats:
            seat.join(90)
        assert not tally.problems and tally.marks == len(bundle["marks"])
        assert tally.resent > 0, "nothing was on its way when the server was killed"
        stored_once(
            url,
            marks=len(bundle["marks"]),
            sheets=sum(
                seat.messages.count(message) for seat in seats for message in seat.messages if message[0] == "submit"
            ),
        )
        assert marks_of(json.loads(program.run("export", NAME))) == marks_of(bundle)
        boards_equal(program, bundle, official)
        assert "No difference" in program.run("check", NAME)
    finally:
        program.end()


def stored_once(url: str, *, marks: int, sheets: int) -> None:
    database = Database(make_engine(url))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Mark)) == marks
        assert session.scalar(select(func.max(Mark.revision))) == 1
        assert session.scalar(select(func.count()).select_from(Sheet).where(Sheet.state == "submitted")) == sheets
        assert session.scalar(select(func.count()).select_from(Sheet)) == sheets
        assert session.scalar(select(func.count()).select_from(Submission)) == sheets
        assert session.scalar(select(func.count()).select_from(Op)) == marks + sheets + 8
    database.engine.dispose()


def marks_of(bundle: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {
        (mark["track"], mark["stage"], mark["entry"], mark.get("judge"), mark["criterion"], Decimal(mark["value"]))
        for mark in bundle["marks"]
    }


def boards_equal(program: Program, bundle: dict[str, Any], official: list[dict[str, Any]]) -> None:
    draws = {entry["code"]: str(entry["draw"]) for entry in bundle["entries"]}
    wanted: dict[str, dict[str, tuple[Any, ...]]] = {}
    for row in official:
        wanted.setdefault(row["track"], {})[draws[row["entry"]]] = (row["rank"], row["total"], row["components"])
    until = time.monotonic() + 15
    found: dict[str, dict[str, tuple[Any, ...]]] = {}
    while time.monotonic() < until and found != wanted:
        found = {track: board_of(program, track) for track in wanted}
        time.sleep(0.2)
    assert found == wanted
