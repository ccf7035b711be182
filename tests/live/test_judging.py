"""The judging protocol over real sockets and over plain requests, against a running server."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import socketio
import websocket
from socketio.exceptions import ConnectionError as NoConnection

from competition.accounts.policy import CONSOLE
from competition.accounts.service import make_link, person_for
from competition.contests.queries import get_contest
from competition.shared import clock
from competition.shared.db import Database, make_engine
from competition.shared.frames import PATIENCE
from judges.roster.service import link_for_judge
from tests.program import Program
from tests.services.judging import contest

WIDE = [{"code": f"E{number}", "track": "t", "title": "E", "draw": number} for number in range(1, 301)]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("judging")
    program = Program(folder)
    for code, more in (("cup", {}), ("wide", {"entries": WIDE})):
        bundle = contest(**more)
        bundle["contest"]["code"] = code
        path = folder / f"{code}.json"
        path.write_text(json.dumps(bundle), encoding="utf-8")
        program.run("import", str(path))
    program.start()
    yield program
    program.end()


def link(program: Program, contest: str, role: str, judge: str = "") -> str:
    """As `leitai link` prints it, without a process of its own each time."""
    database = Database(make_engine(f"sqlite:///{program.environment['LEITAI_DATA_DIR']}/leitai.db"))
    now = clock.now()
    with database.transaction() as session:
        row = get_contest(session, contest)
        if role == "judge":
            token = link_for_judge(session, row, judge, now=now, actor=CONSOLE)
        else:
            person = person_for(
                session, role=role, contest_id=row.id, login=f"{role}@{row.code}", name=role, now=now, actor=CONSOLE
            )
            token = make_link(session, contest_id=row.id, role=role, person_id=person, now=now)
    database.engine.dispose()
    return f"{program.address}/in/{token}"


class Tablet:
    """A signed-in browser with a socket, and what the server has told it."""

    def __init__(self, program: Program, *who: str, contest: str = "cup") -> None:
        self.program, self.contest = program, contest
        self.browser = requests.Session()
        if who:
            self.browser.get(link(program, contest, *who), timeout=20).raise_for_status()
        self.socket = socketio.Client(http_session=self.browser, reconnection=False, handle_sigint=False)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.news = threading.Condition()
        self.socket.on("*", self._hear, namespace="/judge")

    def _hear(self, event: str, body: Any = None, *_more: Any) -> None:
        with self.news:
            self.told.append((event, body))
            self.news.notify_all()

    def connect(self) -> Tablet:
        self.socket.connect(self.program.address, namespaces=["/judge"], transports=["websocket"], wait_timeout=5)
        return self

    def ask(self, event: str, **message: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.socket.call(event, self.message(message), namespace="/judge", timeout=10)
        return answer

    def message(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"contest": self.contest, "track": "t", "op": str(uuid.uuid4()), **message}

    def mark(self, **message: Any) -> dict[str, Any]:
        return self.ask(
            "mark", **{"stage": "one", "entry": "1", "criterion": "j", "attempt": 1, "value": 5, "base": 0, **message}
        )

    def post(self, messages: Any, **headers: str) -> requests.Response:
        return self.browser.post(
            f"{self.program.address}/api/v1/marks",
            json=messages,
            timeout=10,
            headers={"Origin": self.program.address, **headers},
        )

    def hears(self, wanted: Callable[[str, dict[str, Any]], bool]) -> dict[str, Any]:
        with self.news:
            assert self.news.wait_for(lambda: any(wanted(*each) for each in self.told), 5), self.told
            return next(body for event, body in self.told if wanted(event, body))

    def close(self) -> None:
        self.socket.disconnect()
        self.browser.close()


@pytest.fixture
def tablet(program: Program) -> Iterator[Callable[..., Tablet]]:
    made: list[Tablet] = []

    def make(*who: str, contest: str = "cup") -> Tablet:
        made.append(Tablet(program, *who, contest=contest))
        return made[-1]

    yield make
    for each in made:
        each.close()


def code(answer: dict[str, Any]) -> str:
    return "ok" if answer["ok"] else str(answer["error"]["code"])


def test_who_is_not_signed_in_gets_no_socket_and_no_door(tablet: Callable[..., Tablet]) -> None:
    visitor = tablet()
    with pytest.raises(NoConnection):
        visitor.connect()
    refused = visitor.post([{"event": "mark"}])
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "signed_out")


def test_marks_are_taken_and_told_to_the_chief_alone(tablet: Callable[..., Tablet]) -> None:
    first, second = tablet("judge", "J1").connect(), tablet("judge", "J2").connect()
    chief = tablet("chief").connect()
    for each in (first, second, chief):
        assert each.ask("open")["ok"]
    assert first.mark(entry="2")["revision"] == 1
    body = chief.hears(lambda event, body: event == "sheet" and body["judge"] == "J1" and body["entry"] == "2")
    assert body["marks"] == [{"criterion": "j", "value": "5", "revision": 1}] and body["state"] == "open"
    assert first.mark(entry="2", criterion="g", value=3)["ok"]
    assert first.ask("submit", stage="one", entry="2", attempt=1)["ok"]
    assert code(first.mark(entry="2", base=1)) == "locked"
    assert chief.ask("reopen", stage="one", entry="2", attempt=1, judge="J1", reason="笔误")["ok"]
    assert first.hears(lambda event, body: event == "sheet" and body["state"] == "reopened")["reason"] == "笔误"
    assert chief.ask("window", stage="one", state="paused", reason="停电")["ok"]
    for each in (first, second):
        each.hears(lambda event, body: event == "window" and (body["state"], body["reason"]) == ("paused", "停电"))
    assert code(second.mark()) == "not_open"
    assert chief.ask("window", stage="one", state="open")["ok"]
    assert not any(event in ("sheet", "ruling") for event, _ in second.told)
    assert chief.ask("recuse", judge="J1", entry="2", on=True, reason="回避")["ok"]
    assert second.hears(lambda event, body: event == "ruling") == {"contest": "cup", "track": "t", "kind": "recuse"}
    assert chief.ask("recuse", judge="J1", entry="2", on=False, reason="撤回")["ok"]


def test_a_role_may_do_what_is_its_own(tablet: Callable[..., Tablet]) -> None:
    judge, recorder = tablet("judge", "J1").connect(), tablet("recorder").connect()
    organiser = tablet("organiser").connect()
    assert code(judge.ask("adjust", stage="one", entry="1", amount=1, reason="x")) == "forbidden"
    assert code(judge.mark(judge="J2")) == "forbidden"
    assert code(recorder.mark()) == "forbidden"
    assert code(organiser.mark()) == "forbidden"
    assert code(organiser.ask("open")) == "forbidden"
    assert recorder.mark(criterion="m", entry="3")["ok"]
    assert recorder.ask("time", stage="one", entry="3", seconds="12.5")["ok"]
    assert organiser.ask("freeze", on=True, reason="x")["ok"] and organiser.ask("freeze", on=False)["ok"]
    assert code(judge.ask("open", contest="nowhere")) == "unknown"
    assert code(judge.mark(value=5.5)) == "bad_number"


def test_the_door_without_a_socket_gives_the_same_answers(tablet: Callable[..., Tablet]) -> None:
    judge = tablet("judge", "J2")
    mark = judge.message(
        {"event": "mark", "stage": "one", "entry": "3", "criterion": "j", "attempt": 1, "value": "7.5", "base": 0}
    )
    answers = judge.post([mark, mark, {**mark, "op": str(uuid.uuid4())}, {"event": "open", "contest": "cup"}, 5]).json()
    assert [code(answer) for answer in answers] == ["ok", "ok", "conflict", "ok", "bad_request"]
    assert answers[0] == answers[1]
    again = {key: value for key, value in mark.items() if key != "event"}
    assert judge.connect().ask("mark", **again) == answers[0], "the same op through the other door"
    assert judge.post([mark], Origin="https://elsewhere.example").status_code == 403
    assert judge.post({"event": "mark"}).status_code == 400
    assert judge.post([mark] * 201).status_code == 400
    deep = judge.browser.post(
        f"{judge.program.address}/api/v1/marks",
        data="[" * 100_000,
        timeout=10,
        headers={"Origin": judge.program.address, "Content-Type": "application/json"},
    )
    assert deep.status_code == 400
    plain = judge.browser.post(
        f"{judge.program.address}/api/v1/marks", data="[]", timeout=10, headers={"Origin": judge.program.address}
    )
    assert plain.status_code == 400


def test_a_flood_is_too_many_and_ends_when_it_ends(tablet: Callable[..., Tablet]) -> None:
    judge = tablet("judge", "J2").connect()
    got: list[str] = []
    done = threading.Event()

    def take(answer: dict[str, Any]) -> None:
        got.append(code(answer))
        if len(got) == 200:
            done.set()

    for _ in range(200):
        judge.socket.emit("open", {"contest": "nowhere"}, namespace="/judge", callback=take)
    assert done.wait(20) and {"unknown", "too_many"} == set(got)
    until = time.monotonic() + 5
    while (last := code(judge.ask("open"))) == "too_many" and time.monotonic() < until:
        time.sleep(0.05)
    assert last == "ok"


def test_signing_out_ends_the_socket_within_seconds(tablet: Callable[..., Tablet]) -> None:
    judge = tablet("judge", "J3").connect()
    assert judge.ask("open")["ok"]
    stolen = dict(judge.browser.cookies)
    token = judge.browser.get(f"{judge.program.address}/judge/cup", timeout=10).text
    token = token.split('name="csrf-token" content="')[1].split('"')[0]
    left = judge.browser.post(
        f"{judge.program.address}/sign-out",
        data={"csrf_token": token},
        timeout=10,
        headers={"Referer": judge.program.address},
    )
    assert left.ok
    until = time.monotonic() + 5
    last = "ok"
    while judge.socket.connected and last != "signed_out" and time.monotonic() < until:
        try:
            last = code(judge.ask("open"))
        except socketio.exceptions.SocketIOError:
            break
    assert last == "signed_out" or not judge.socket.connected
    refused = requests.post(
        f"{judge.program.address}/api/v1/marks",
        json=[],
        cookies=stolen,
        timeout=10,
        headers={"Origin": judge.program.address},
    )
    assert refused.status_code == 401


def test_a_phase_moved_by_a_command_is_told_to_the_desks(program: Program, tablet: Callable[..., Tablet]) -> None:
    judge = tablet("judge", "J1", contest="wide").connect()
    assert judge.ask("open")["ok"]
    program.run("phase", "wide", "review", "--force", "--reason", "x")
    assert judge.hears(lambda event, body: event == "phase" and body["phase"] == "review")["track"] == "t"
    program.run("phase", "wide", "scoring", "--force", "--reason", "x")


class StalledTablet:
    """A bare WebSocket with a small buffer that asks for large answers and does not read them."""

    def __init__(self, tablet: Tablet) -> None:
        self.wire = websocket.create_connection(
            f"ws://127.0.0.1:{tablet.program.port}/socket.io/?EIO=4&transport=websocket",
            timeout=10,
            sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),),
            header=["Cookie: " + "; ".join(f"{cookie.name}={cookie.value}" for cookie in tablet.browser.cookies)],
        )
        assert self.wire.recv().startswith("0")
        self.wire.send("40/judge,")
        assert self.wire.recv().startswith("40/judge,")

    def ask(self, times: int) -> None:
        for number in range(times):
            self.wire.send(f'42/judge,{number}["open",{{"contest":"wide"}}]')

    def answers(self) -> Iterator[dict[str, Any]]:
        """What comes, until nothing more does; a frame that is torn fails to be read or parsed."""
        while True:
            try:
                packet = self.wire.recv()
            except (websocket.WebSocketException, OSError):
                return
            if packet == "":
                return
            if packet == "2":
                self.wire.send("3")
            elif packet.startswith("43/judge,"):
                yield json.loads(packet[packet.index("[") :])[0]


ASKED = 40


def test_a_tablet_that_stalls_and_resumes_reads_whole_frames(tablet: Callable[..., Tablet]) -> None:
    stalled = StalledTablet(tablet("chief", contest="wide"))
    stalled.ask(ASKED)
    time.sleep(1.5)  # the stall itself
    answers = list(itertools.islice(stalled.answers(), ASKED))
    assert [len(answer["sheets"]) for answer in answers] == [len(answers[0]["sheets"])] * ASKED
    stalled.wire.close()


def test_a_tablet_that_stalls_too_long_is_dropped_and_holds_up_nobody(tablet: Callable[..., Tablet]) -> None:
    stalled = StalledTablet(tablet("chief", contest="wide"))
    judge = tablet("judge", "J1").connect()
    stalled.ask(ASKED)
    until = time.monotonic() + PATIENCE + 2
    slowest = 0.0
    while time.monotonic() < until:
        begun = time.monotonic()
        assert "ok" in judge.ask("open", contest="cup")
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.1)
    answers = list(stalled.answers())
    assert len(answers) < ASKED, "it was to be dropped"
    assert all(answer["ok"] for answer in answers)
    assert slowest < PATIENCE
    stalled.wire.close()
