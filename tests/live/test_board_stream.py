"""The board stream (contract.md, "Board stream"): what a client is sent, by a clock of the test's own."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from competition.app import create_app
from competition.config import Config
from competition.contests.changes import note_reset
from competition.extensions import socketio
from competition.leaderboard.projector import Projector
from competition.live import publisher as publishing
from competition.live.publisher import Publisher
from competition.live.stream import PING, RETRY, Hub, read_ids
from competition.shared.db import Database, make_engine
from judges.ballots.reader import Reader
from tests.services.judging import Desk

NAME = ("cup", "t")
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Turns:
    """In the place of the condition that a stream waits on: runs the test's next step, or lets the time pass."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.steps: deque[Callable[[], None]] = deque()

    def __enter__(self) -> None: ...

    def __exit__(self, *_error: object) -> None: ...

    def notify_all(self) -> None: ...

    def wait(self, seconds: float) -> None:
        if self.steps:
            self.steps.popleft()()
        else:
            self.now += seconds


class Stage:
    """A contest, its projector and its publisher, without threads."""

    def __init__(self, db: Database) -> None:
        self.desk = Desk(db)
        self.turns = Turns()
        self.projector = Projector(db, Reader())
        self.publisher = Publisher(db, seconds=lambda: self.turns.now)
        self.publisher.changed = self.turns  # type: ignore[assignment]
        self.fold()
        self.publisher.get(*NAME, "public")
        self.publisher.running = True

    def fold(self) -> None:
        self.projector.fold(self.desk.track_id)

    def judge(self, entry: str, points: str) -> None:
        """An entry is judged, and everybody looks a second later."""
        self.desk.fill(entry, points=points)
        self.fold()
        self.turns.now += 1
        self.publisher.look()

    def stream(self, since: int | None = None, names: Any = (NAME,), **more: Any) -> Iterator[dict[str, Any]]:
        hub = Hub(self.publisher, now=lambda: AT, seconds=lambda: self.turns.now, rng=random.Random(1))
        known = {f"{contest}/{track}": since for contest, track in names}
        for frame in hub.frames(names, "public", known, **more):
            yield parsed(frame)

    def now(self, since: int | None = None, **more: Any) -> list[dict[str, Any]]:
        """What a client is sent at once."""
        frames = self.stream(since, **more)
        found = []
        for frame in frames:
            if frame["event"] == "ping":
                break
            found.append(frame)
        frames.close()  # type: ignore[attr-defined]
        return found[1:]


def parsed(frame: bytes) -> dict[str, Any]:
    text = frame.decode()
    assert text.endswith("\n\n")
    found: dict[str, Any] = {"event": None, "id": None}
    for line in text.strip().split("\n"):
        name, _, value = line.partition(": ")
        found[name] = json.loads(value) if name == "data" else value
    return found


@pytest.fixture
def stage(sqlite_url: str) -> Iterator[Stage]:
    database = Database(make_engine(sqlite_url))
    yield Stage(database)
    database.engine.dispose()


def test_who_connects_anew_is_told_when_to_come_back_and_gets_the_whole(stage: Stage) -> None:
    frames = stage.stream()
    first = next(frames)
    assert RETRY[0] <= int(first["retry"]) <= RETRY[1]
    whole = next(frames)
    assert (whole["event"], whole["id"]) == ("snapshot", "1")
    assert whole["data"]["format"] == "leitai.board/1"
    assert stage.publisher.viewers == 1
    frames.close()  # type: ignore[attr-defined]
    assert stage.publisher.viewers == 0


def test_who_comes_back_gets_the_deltas_since(stage: Stage) -> None:
    stage.judge("1", "5")
    stage.judge("2", "6")
    assert [(one["event"], one["id"], one["data"]["base"]) for one in stage.now(1)] == [
        ("delta", "2", 1), ("delta", "3", 2)]  # fmt: skip
    assert [one["id"] for one in stage.now(2)] == ["3"]
    assert stage.now(3) == []


@pytest.mark.parametrize("since", [None, 0, 99])
def test_who_knows_a_version_that_is_not_held_gets_the_whole(stage: Stage, since: int | None) -> None:
    stage.judge("1", "5")
    assert [(one["event"], one["id"]) for one in stage.now(since)] == [("snapshot", "2")]


def test_after_more_deltas_than_are_held_comes_the_whole(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = stage.publisher.get(*NAME, "public")
    assert topic
    topic.deltas = deque(maxlen=1)
    stage.judge("1", "5")
    stage.judge("2", "6")
    assert [one["event"] for one in stage.now(1)] == ["snapshot"]
    assert [one["event"] for one in stage.now(2)] == ["delta"]


def test_a_delta_names_only_the_row_that_was_judged(stage: Stage) -> None:
    frames = stage.stream(1)
    next(frames)
    stage.turns.steps.append(lambda: stage.judge("2", "9"))
    told = next(frames)
    assert (told["event"], told["id"]) == ("delta", "2")
    assert [row["key"] for row in told["data"]["rows"]] == ["2"]
    assert told["data"]["gone"] == []
    assert {"contest", "track", "base", "version", "state", "as_of"} <= told["data"].keys()


def test_every_ten_quiet_seconds_comes_a_ping_without_id(stage: Stage) -> None:
    frames = stage.stream(1)
    next(frames)
    began = stage.turns.now
    for count in (1, 2, 3):
        ping = next(frames)
        assert ping == {"event": "ping", "id": None, "data": {"version": 1, "at": AT.isoformat()}}
        assert stage.turns.now == began + count * PING


def test_five_times_a_second_at_most_and_the_latest_wins(stage: Stage) -> None:
    topic = stage.publisher.get(*NAME, "public")
    assert topic
    for entry, points in (("1", "5"), ("2", "6"), ("3", "7")):
        stage.desk.fill(entry, points=points)
        stage.fold()
        stage.publisher.look()
    assert topic.version == 2
    assert 0 < stage.publisher.rest() < 0.21
    stage.turns.now += 0.25
    stage.publisher.look()
    assert [(message.base, message.version) for message in topic.deltas] == [(1, 2), (2, 4)]
    assert {row["key"] for row in topic.deltas[-1].body["rows"]} == {"2", "3"}


def test_too_large_a_delta_is_a_reset_for_who_listens_and_the_whole_for_who_comes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "LARGEST", 10)
    frames = stage.stream(1)
    next(frames)
    stage.turns.steps.append(lambda: stage.judge("1", "5"))
    told = next(frames)
    assert (told["event"], told["id"], told["data"]["version"]) == ("reset", "2", 2)
    assert [one["event"] for one in stage.now(1)] == ["snapshot"]


def test_a_freeze_is_told_without_rows_and_nothing_after_it(stage: Stage) -> None:
    stage.judge("1", "5")
    assert stage.desk.ask("chief", "freeze", on=True, reason="留待揭晓")["ok"]
    stage.judge("2", "9")
    told = stage.now(2)
    assert [one["data"]["state"] for one in told] == ["frozen"]
    assert told[0]["data"]["rows"] == []
    assert told[0]["data"]["freeze"]["reason"] == "留待揭晓"
    stage.judge("3", "7")
    assert stage.now(3) == []
    assert stage.desk.ask("chief", "freeze", on=False)["ok"]
    stage.fold()
    stage.turns.now += 1
    stage.publisher.look()
    thawed = stage.now(3)
    assert [one["data"]["state"] for one in thawed] == ["live"]
    assert {row["key"] for row in thawed[0]["data"]["rows"]} == {"2", "3"}
    assert thawed[0]["data"]["freeze"] is None


def test_the_ids_of_several_boards_name_all_of_them(stage: Stage) -> None:
    stage.judge("1", "5")
    told = stage.now(None, named=True)
    assert [one["id"] for one in told] == ["cup/t=2"]
    assert read_ids([NAME, ("c", "u")], "cup/t=2,c/u=7") == {"cup/t": 2, "c/u": 7}
    assert read_ids([NAME], "2") == {"cup/t": 2}
    assert read_ids([NAME], "two") == {"cup/t": None}
    assert read_ids([NAME, ("c", "u")], "12") == {}


def test_a_board_that_is_taken_back_says_nothing_and_comes_back_whole(stage: Stage) -> None:
    frames = stage.stream(1)
    next(frames)

    def hide() -> None:
        stage.desk.set_phase("draw")
        move(stage)

    def show() -> None:
        stage.desk.set_phase("scoring")
        move(stage)

    stage.turns.steps.extend([hide, show])
    back = next(frames)
    assert (back["event"], back["id"]) == ("snapshot", "3")


def move(stage: Stage) -> None:
    with stage.desk.db.transaction() as session:
        note_reset(session, stage.desk.track_id, AT)
    stage.fold()
    stage.turns.now += 1
    stage.publisher.look()


class Listener:
    """A client of the namespace /board."""

    def __init__(self, app: Any) -> None:
        self.client = socketio.test_client(app, namespace="/board")

    def ask(self, event: str, *message: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.emit(event, *message, namespace="/board", callback=True)
        return answer

    def heard(self) -> list[tuple[str, Any]]:
        return [(one["name"], one["args"][0]) for one in self.client.get_received("/board")]


@pytest.fixture
def hall(sqlite_url: str, tmp_path: Path) -> Iterator[Any]:
    """The application around the small contest: (app, its stage)."""
    settings = {"DATA_DIR": str(tmp_path), "SECRET_KEY": "a key for tests", "DATABASE_URL": sqlite_url}
    app = create_app(Config.from_env({f"LEITAI_{name}": value for name, value in settings.items()}))
    wired = app.extensions["leitai"]
    stage = Stage(wired.db)
    stage.publisher.running = False
    stage.publisher = wired.publisher
    wired.publisher._seconds = lambda: stage.turns.now
    wired.publisher.get(*NAME, "public")
    wired.publisher.running = True
    yield app, stage
    wired.stop()


def test_a_socket_gets_the_whole_or_the_deltas_and_then_the_same_messages(hall: Any) -> None:
    app, stage = hall
    listener = Listener(app)
    whole = listener.ask("watch", {"contest": "cup", "track": "t"})
    assert whole["ok"]
    assert whole["snapshot"]["version"] == 1
    stage.judge("1", "5")
    ((name, delta),) = listener.heard()
    assert (name, delta["base"], delta["version"]) == ("delta", 1, 2)
    late = Listener(app)
    missed = late.ask("watch", {"contest": "cup", "track": "t", "version": 1})["deltas"]
    assert [one["version"] for one in missed] == [2]
    assert late.ask("watch", {"contest": "CUP", "track": "T", "version": 2}) == {"ok": True, "deltas": []}
    assert late.ask("watch", {"contest": "cup", "track": "t", "version": 77})["snapshot"]["version"] == 2
    assert listener.ask("unwatch", {"contest": "cup", "track": "t"}) == {"ok": True}
    stage.judge("2", "6")
    assert listener.heard() == []
    assert [name for name, _ in late.heard()] == ["delta"]


def test_a_socket_without_a_seat_hears_what_the_public_may(hall: Any) -> None:
    app, stage = hall
    listener = Listener(app)
    whole = listener.ask("watch", {"contest": "cup", "track": "t"})["snapshot"]
    assert not [row for row in whole["rows"] if "title" in row or row["key"].startswith("E")]
    assert stage.desk.ask("chief", "freeze", on=True, reason="why")["ok"]
    stage.judge("1", "5")
    assert [(name, delta["state"], delta["rows"]) for name, delta in listener.heard()] == [("delta", "frozen", [])]
    stage.judge("2", "5")
    assert listener.heard() == []


@pytest.mark.parametrize(
    "message", [None, [], "cup", {}, {"contest": "cup"}, {"contest": 1, "track": "t"}, {"contest": "x", "track": "t"},
                {"contest": "cup", "track": "x"}])  # fmt: skip
def test_a_socket_that_asks_for_nothing_is_told_so(hall: Any, message: Any) -> None:
    app, _stage = hall
    answer = Listener(app).ask("watch", message)
    assert answer["ok"] is False
    assert answer["error"]["code"] in ("bad_request", "unknown")
    assert answer["error"]["message"]
