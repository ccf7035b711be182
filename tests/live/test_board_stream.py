"""Boards as audiences get them from a running server: streams that go on, come back and end."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import socketio

from competition.accounts.policy import CONSOLE
from competition.contests.queries import get_contest
from competition.shared import clock
from competition.shared.db import Database, make_engine
from judges.roster.service import link_for_judge
from tests.program import Program
from tests.services.judging import contest

SOON = 10.0
"""Seconds after which a test no longer waits."""
CONTESTS = ("cup", "vase", "bowl")
DELTA = {"contest", "track", "base", "version", "state", "as_of", "rows", "gone"}


def prepared(folder: Path) -> Program:
    program = Program(folder)
    for code in CONTESTS:
        bundle = contest()
        bundle["contest"]["code"] = code
        path = folder / f"{code}.json"
        path.write_text(json.dumps(bundle), encoding="utf-8")
        program.run("import", str(path))
    program.start()
    until = time.monotonic() + SOON
    boards = [f"{program.address}/api/v1/boards/{code}/t" for code in CONTESTS]
    while any(requests.get(address, timeout=5).status_code != 200 for address in boards):
        assert time.monotonic() < until, "the boards were not folded"
        time.sleep(0.02)
    return program


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    program = prepared(tmp_path_factory.mktemp("boards"))
    yield program
    program.end()


class Stream:
    """An event stream read as a browser does, on a thread of its own."""

    def __init__(self, program: Program, path: str, last: str | None = None) -> None:
        headers = {} if last is None else {"Last-Event-ID": last}
        self.answer = requests.get(program.address + path, headers=headers, stream=True, timeout=(5, 60))
        assert self.answer.status_code == 200
        self.head: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.ended = self.broken = False
        self.news = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                with self.news:
                    if "event" in fields:
                        self.events.append({**fields, "data": json.loads(fields["data"])})
                    else:
                        self.head.append(fields["retry"])
                    self.news.notify_all()
                fields = {}
        except (requests.RequestException, AttributeError, ValueError, OSError):
            self.broken = True
        with self.news:
            self.ended = True
            self.news.notify_all()

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = SOON) -> list[dict[str, Any]]:
        """Everything heard up to the first event that is wanted."""

        def found() -> int | None:
            return next((place for place, event in enumerate(self.events) if wanted(event)), None)

        with self.news:
            self.news.wait_for(lambda: found() is not None or self.ended, seconds)
            place = found()
            assert place is not None, (self.ended, self.events)
            return self.events[: place + 1]

    def close(self) -> None:
        self.answer.raw._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.answer.close()


@pytest.fixture
def stream(program: Program) -> Iterator[Callable[..., Stream]]:
    made: list[Stream] = []

    def open_(path: str = "/api/v1/boards/cup/t/events", last: str | None = None) -> Stream:
        made.append(Stream(program, path, last))
        return made[-1]

    yield open_
    for each in made:
        each.close()


class Judge:
    """Marks by plain requests."""

    def __init__(self, program: Program, code: str = "J1", contest: str = "cup") -> None:
        self.program, self.contest = program, contest
        self.revisions: dict[tuple[str, str], int] = {}
        self.browser = requests.Session()
        database = Database(make_engine(f"sqlite:///{program.environment['LEITAI_DATA_DIR']}/leitai.db"))
        with database.transaction() as session:
            token = link_for_judge(session, get_contest(session, contest), code, now=clock.now(), actor=CONSOLE)
        database.engine.dispose()
        self.browser.get(f"{program.address}/in/{token}", timeout=20).raise_for_status()

    def mark(self, *cells: tuple[str, str], value: int | None = 5) -> None:
        messages = []
        for entry, criterion in cells:
            messages.append({
                "event": "mark", "contest": self.contest, "track": "t", "op": str(uuid.uuid4()), "stage": "one",
                "entry": entry, "criterion": criterion, "attempt": 1, "value": value,
                "base": self.revisions.get((entry, criterion), 0)})  # fmt: skip
        answer = self.browser.post(
            f"{self.program.address}/api/v1/marks", json=messages, timeout=10,
            headers={"Origin": self.program.address})  # fmt: skip
        for (entry, criterion), said in zip(cells, answer.json(), strict=True):
            assert said["ok"], said
            self.revisions[entry, criterion] = said["revision"]


@pytest.fixture(scope="module")
def judge(program: Program) -> Iterator[Judge]:
    judge = Judge(program)
    yield judge
    judge.browser.close()


def board(program: Program, contest: str = "cup") -> dict[str, Any]:
    return dict(program.get(f"/api/v1/boards/{contest}/t"))


def marked(number: int, entry: str) -> Callable[[dict[str, Any]], bool]:
    """An event that says so many cells of an entry hold a value."""

    def says(event: dict[str, Any]) -> bool:
        rows = event["data"].get("rows", ())
        return any(row["key"] == entry and row["progress"]["marked"] == number for row in rows)

    return says


def apply(held: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    data = event["data"]
    assert event["event"] == "delta" and set(data) >= DELTA
    assert (data["base"], data["version"], event["id"]) == (held["version"], int(event["id"]), str(data["version"]))
    rows = {row["key"]: row for row in held["rows"]} | {row["key"]: row for row in data["rows"]}
    for key in data["gone"]:
        del rows[key]
    rows_in_order = sorted(rows.values(), key=lambda row: (row["order"], row["key"]))
    return {**held, "version": data["version"], "state": data["state"], "as_of": data["as_of"], "rows": rows_in_order}


def test_a_snapshot_first_and_deltas_that_lead_to_the_next_one(
    program: Program, judge: Judge, stream: Callable[..., Stream]
) -> None:
    first = stream()
    events = first.until(lambda event: True)
    assert [event["event"] for event in events] == ["snapshot"]
    assert first.head and 1000 <= int(first.head[0]) <= 4000
    assert events[0]["id"] == str(events[0]["data"]["version"])
    held = events[0]["data"]
    assert held["format"] == "leitai.board/1"
    judge.mark(("1", "j"))
    first.until(marked(1, "1"))
    judge.mark(("1", "g"), value=2)
    heard = first.until(marked(2, "1"))
    for event in heard[1:]:
        held = apply(held, event)
    now = board(program)
    assert held == now

    # Who comes back gets what was missed, by the header or by the address.
    for last, path in ((heard[0]["id"], ""), (None, f"?since={heard[0]['id']}")):
        again = stream(f"/api/v1/boards/cup/t/events{path}", last)
        assert again.until(marked(2, "1")) == heard[1:]
    # A version ahead of the server's, none at all, or one before its memory: the whole.
    for last in (str(now["version"] + 1), "x", "0"):
        other = stream(last=last)
        assert other.until(lambda event: True) == [{"event": "snapshot", "id": str(now["version"]), "data": now}]
    # Up to date: nothing but what comes next.
    current = stream(last=str(now["version"]))
    judge.mark(("2", "j"))
    assert current.until(marked(1, "2"))[0]["data"]["base"] == now["version"]
    first.until(marked(1, "2"))


def test_marks_that_come_fast_come_as_few_deltas(program: Program, judge: Judge, stream: Callable[..., Stream]) -> None:
    one = stream()
    one.until(lambda event: True)
    begun = time.monotonic()
    for value in range(1, 25):
        judge.mark(("3", "j"), value=value % 10 + 1)
        judge.mark(("3", "j"), value=None)
    judge.mark(("3", "j"), value=1)
    judge.mark(("3", "g"), value=1)
    heard = one.until(marked(2, "3"))[1:]
    passed = time.monotonic() - begun
    assert len(heard) <= 5 * passed + 2
    versions = [event["data"]["version"] for event in heard]
    assert [event["data"]["base"] for event in heard] == [int(one.events[0]["id"]), *versions[:-1]]


def test_several_boards_on_one_stream(program: Program, judge: Judge, stream: Callable[..., Stream]) -> None:
    both = stream("/api/v1/stream?boards=cup/t,VASE/T")
    heard = both.until(lambda event: event["data"].get("contest") == "vase")
    cup, vase = board(program)["version"], board(program, "vase")["version"]
    assert [event["event"] for event in heard] == ["snapshot", "snapshot"]
    assert heard[-1]["id"] == f"cup/t={cup},vase/t={vase}"
    judge.mark(("2", "g"), value=1)
    delta = both.until(marked(2, "2"))[-1]
    assert (delta["event"], delta["id"]) == ("delta", f"cup/t={cup + 1},vase/t={vase}")
    again = stream("/api/v1/stream?boards=cup/t,vase/t", heard[-1]["id"])
    assert again.until(lambda event: True) == [delta]
    # The one that is not known comes whole, the other as a delta.
    some = stream(f"/api/v1/stream?boards=cup/t,vase/t&since=cup/t={cup},vase/t=99")
    assert [event["event"] for event in some.until(lambda event: event["event"] == "snapshot")] == ["delta", "snapshot"]


def test_a_command_beside_the_server_arrives_on_an_open_stream(program: Program, stream: Callable[..., Stream]) -> None:
    one = stream("/api/v1/boards/vase/t/events")
    one.until(lambda event: event["event"] == "snapshot")
    try:
        program.run("phase", "vase", "notice", "--force", "--reason", "test")
        heard = one.until(lambda event: event["data"].get("state") == "final", 2)
        assert heard[-1]["event"] == "delta"
        assert {row["title"] for row in heard[-1]["data"]["rows"]} == {"E1", "E2", "E3"}
        assert all("title" not in row for row in heard[0]["data"]["rows"])
    finally:
        program.run("phase", "vase", "scoring", "--force", "--reason", "test")
    one.until(lambda event: event["event"] == "delta" and event["data"]["state"] == "live", 2)
    assert "title" not in one.events[-1]["data"]["rows"][0]


class Listener:
    """A Socket.IO client of `/board`."""

    def __init__(self, program: Program) -> None:
        self.socket = socketio.Client(reconnection=False, handle_sigint=False)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.news = threading.Condition()
        self.socket.on("*", self._hear, namespace="/board")
        self.socket.connect(program.address, namespaces=["/board"], transports=["websocket"], wait_timeout=5)

    def _hear(self, event: str, body: Any = None, *_more: Any) -> None:
        with self.news:
            self.heard.append((event, body))
            self.news.notify_all()

    def ask(self, event: str, **message: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.socket.call(
            event, {"contest": "cup", "track": "t", **message}, namespace="/board", timeout=10)  # fmt: skip
        return answer

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        with self.news:
            assert self.news.wait_for(lambda: any(wanted({"data": body}) for _, body in self.heard), SOON), self.heard
            return [{"event": event, "data": body} for event, body in self.heard]


def test_socket_io_hears_the_same(program: Program, judge: Judge, stream: Callable[..., Stream]) -> None:
    one, first, second = stream(), Listener(program), Listener(program)
    try:
        one.until(lambda event: True)
        start = first.ask("watch")["snapshot"]
        assert start == board(program)
        assert second.ask("watch", version=start["version"]) == {"ok": True, "deltas": []}
        assert second.ask("unwatch") == {"ok": True}
        judge.mark(("1", "j"), value=None)
        told = first.until(marked(1, "1"))
        delta = one.until(lambda event: event["event"] == "delta")[-1]
        assert told == [{"event": "delta", "data": delta["data"]}]
        # The next answer comes after whatever had been sent before it.
        assert second.ask("watch", version=start["version"]) == {"ok": True, "deltas": [delta["data"]]}
        assert second.heard == []
        assert first.ask("watch", contest="nowhere")["error"]["code"] == "unknown"
    finally:
        first.socket.disconnect()
        second.socket.disconnect()


def viewers(program: Program) -> int:
    text = requests.get(f"{program.address}/metrics", timeout=5).text
    return int(float(next(line for line in text.splitlines() if line.startswith("leitai_viewers ")).split()[1]))


def test_streams_that_break_off_are_forgotten(program: Program, stream: Callable[..., Stream]) -> None:
    judge = Judge(program, contest="bowl")
    stays = stream("/api/v1/boards/bowl/t/events")
    many = [Stream(program, "/api/v1/boards/bowl/t/events") for _ in range(5)]
    for each in (stays, *many):
        each.until(lambda event: True)
    before = viewers(program)
    for each in many:
        each.close()
    until, value = time.monotonic() + SOON, 0
    while viewers(program) > before - 5:
        assert time.monotonic() < until, "they are still served"
        # Written to, they are found gone; the one that stays is told of each change.
        value += 1
        judge.mark(("1", "j"), value=None if value % 2 == 0 else 5)
        stays.until(lambda event: event["event"] == "delta")
    judge.browser.close()
    assert viewers(program) >= 1


def test_a_server_with_open_streams_ends_at_once(tmp_path: Path) -> None:
    program = prepared(tmp_path)
    assert program.process is not None
    streams: list[Stream] = []
    try:
        paths = ("/api/v1/boards/cup/t/events", "/api/v1/stream?boards=cup/t,vase/t")
        streams = [Stream(program, paths[number % 2]) for number in range(20)]
        for each in streams:
            each.until(lambda event: True)
        os.kill(program.process.pid, signal.SIGTERM)
        assert program.process.wait(SOON) == 0
        for each in streams:
            with each.news:
                assert each.news.wait_for(lambda stream=each: stream.ended, SOON)  # type: ignore[misc]
        # At once: each was ended by its last chunk, and none by the worker being killed when its time was over.
        assert not any(each.broken for each in streams)
    finally:
        program.end()
        for each in streams:
            each.thread.join(5)
            each.answer.close()
    assert "Traceback" not in program.log.read_text()
