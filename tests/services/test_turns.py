"""A few at a time go in; who sends slowly, too much or too late keeps nobody waiting."""

from __future__ import annotations

import io
from typing import Any

import gevent
import pytest
from gevent.event import Event

from competition.shared import turns
from competition.shared.turns import AT_ONCE, LARGEST, TakeTurns


class App:
    """Counts who is inside; `leave` lets them go."""

    def __init__(self) -> None:
        self.inside, self.most, self.bodies = 0, 0, [b""][:0]
        self.leave = Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.bodies.append(environ["wsgi.input"].read())
        self.leave.wait()
        self.inside -= 1
        start_response("200 OK", [])
        return [b"in"]


def send(door: TakeTurns, body: Any = b"x", *, path: str = "/sign-in", method: str = "POST", **more: str) -> str:
    said: list[str] = []
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": "1"}
    environ |= {"wsgi.input": io.BytesIO(body) if isinstance(body, bytes) else body, **more}
    list(door(environ, lambda status, _headers: said.append(status)))
    return said[0]


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def door(app: App) -> TakeTurns:
    return TakeTurns(app, frozenset({"/sign-in"}))


def test_a_few_at_a_time_and_everybody_in_the_end(app: App, door: TakeTurns) -> None:
    sent = [gevent.spawn(send, door) for _ in range(50)]
    gevent.sleep(0)
    gevent.sleep(0)
    assert app.inside == AT_ONCE
    # Whoever wants something else is not kept waiting.
    others = [gevent.spawn(send, door, path="/"), gevent.spawn(send, door, method="GET")]
    gevent.sleep(0)
    assert app.inside == AT_ONCE + 2
    app.leave.set()
    gevent.joinall([*sent, *others], timeout=10)
    assert {each.value for each in (*sent, *others)} == {"200 OK"}
    assert app.most == AT_ONCE + 2
    assert app.inside == 0
    assert app.bodies == [b"x"] * 52


def test_who_sends_slowly_holds_no_turn(app: App, door: TakeTurns) -> None:
    class Slow:
        def read(self, _length: int) -> bytes:
            gevent.sleep(60)
            return b""

    slow = [gevent.spawn(send, door, Slow()) for _ in range(AT_ONCE * 3)]
    gevent.sleep(0)
    app.leave.set()
    quick = gevent.spawn(send, door)
    quick.join(5)
    assert quick.value == "200 OK"
    gevent.killall(slow)


def test_one_that_fails_gives_its_turn_back(door: TakeTurns) -> None:
    def fails(_environ: Any, _start: Any) -> list[bytes]:
        raise ZeroDivisionError

    door.app = fails
    for _ in range(AT_ONCE * 2):
        with pytest.raises(ZeroDivisionError):
            send(door)


def test_who_waits_too_long_or_comes_when_too_many_wait_is_told(
    app: App, door: TakeTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    inside = [gevent.spawn(send, door) for _ in range(AT_ONCE)]
    gevent.sleep(0)
    assert send(door).startswith("503")
    monkeypatch.setattr(turns, "MOST", 0)
    assert send(door).startswith("503")
    app.leave.set()
    gevent.joinall(inside, timeout=5)


@pytest.mark.parametrize("length", [str(LARGEST + 1), "-1", "many", "²"])
def test_what_is_no_such_form_takes_no_turn(app: App, door: TakeTurns, length: str) -> None:
    app.leave.set()
    assert send(door, CONTENT_LENGTH=length) == "200 OK"
    assert app.bodies == [b"x"]
