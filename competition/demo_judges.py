"""Simulated people of a demonstration: judges, a recorder and a chief for each contest, over real sockets.

Each is a thread with a browser's cookies, signed in by a link as a tablet is, and does by and by what the sample says
was marked. Whoever sits down at the same seat meanwhile is right: what is marked or locked already stays as it is.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Final

import requests
import socketio
from socketio.exceptions import SocketIOError

log = logging.getLogger(__name__)

NAMESPACE: Final = "/judge"
RECORDER: Final = "recorder"
CHIEF: Final = "chief"
SECONDS_AT_SPEED_1: Final = 260.0
"""How long the stages of one contest take together, at a human pace."""
ANSWER_SECONDS: Final = 10.0
HELD_BY_ANOTHER: Final = frozenset({"conflict", "locked", "not_expected"})
"""Refusals that mean: somebody at this seat has been here before."""


@dataclass(frozen=True)
class SheetPlan:
    """One entry before one seat; `entry` is how the desk names it."""

    entry: str
    attempt: int
    marks: tuple[tuple[str, Any], ...]
    seconds: Any = None

    @property
    def steps(self) -> int:
        return len(self.marks) + 1 + (self.seconds is not None)


def steps_of(sheets: list[SheetPlan]) -> int:
    return sum(sheet.steps for sheet in sheets)


@dataclass
class StagePlan:
    """What happens in one stage; `waiting` counts the seats that are not through with it."""

    code: str
    sheets: dict[str, list[SheetPlan]]
    adjustments: list[dict[str, Any]]
    seconds: float = 0.0
    opened: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def seat_done(self) -> None:
        with self.lock:
            self.waiting -= 1
            if self.waiting <= 0:
                self.finished.set()


@dataclass
class TrackPlan:
    contest: str
    track: str
    stages: list[StagePlan]
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def seats(self) -> list[str]:
        return list(dict.fromkeys(seat for stage in self.stages for seat in stage.sheets))


def plan_tracks(sample: dict[str, Any], speed: float) -> list[TrackPlan]:
    """What the people of a sample contest do, stage by stage; entries without marks in a stage are cut before it."""
    entries = {entry["code"]: entry for entry in sample["entries"]}
    by_number = all(entry.get("draw") is not None for entry in sample["entries"])
    identity = sample["contest"].get("board", {}).get("identity") or ("number" if by_number else "entry")
    named = {code: str(entry["draw"]) if identity == "number" else code for code, entry in entries.items()}
    # Everybody goes by the order of the draw, so that entries are complete, and appear, one after another.
    turn = {code: place for place, code in enumerate(sorted(entries, key=lambda code: entries[code].get("draw") or 0))}
    tracks = []
    for track in sample["tracks"]:
        stages = [plan_stage(sample, track["code"], stage["code"], named, turn) for stage in track["stages"]]
        # The busier a stage, the longer it takes, but not in proportion: people hurry.
        busy = [max(map(steps_of, stage.sheets.values())) ** 0.5 for stage in stages]
        for stage, share in zip(stages, busy, strict=True):
            stage.seconds = SECONDS_AT_SPEED_1 * share / sum(busy) / speed
        tracks.append(TrackPlan(sample["contest"]["code"], track["code"], stages))
    return tracks


def plan_stage(
    sample: dict[str, Any], track: str, stage: str, named: dict[str, str], turn: dict[str, int]
) -> StagePlan:
    def here(key: str) -> list[dict[str, Any]]:
        return [row for row in sample.get(key, []) if row["track"] == track and row["stage"] == stage]

    timings = {row["entry"]: row["seconds"] for row in here("timings")}
    cells: dict[str, dict[tuple[str, int], list[tuple[str, Any]]]] = {}
    for mark in here("marks"):
        sheets = cells.setdefault(mark.get("judge") or RECORDER, {})
        sheets.setdefault((mark["entry"], mark.get("attempt", 1)), []).append((mark["criterion"], mark["value"]))
    plans = {
        seat: [
            SheetPlan(named[entry], attempt, tuple(marks), timings.get(entry) if seat == RECORDER else None)
            for (entry, attempt), marks in sorted(sheets.items(), key=lambda item: (turn[item[0][0]], item[0][1]))
        ]
        for seat, sheets in cells.items()
    }
    adjustments = [
        {"entry": named[row["entry"]], "amount": row["amount"], "reason": row.get("reason") or "—"}
        for row in here("adjustments")
    ]
    return StagePlan(stage, plans, adjustments, waiting=len(plans))


class Person(threading.Thread, ABC):
    """Somebody at a desk: signs in by a link, connects, and sends until the answer is there."""

    def __init__(self, address: str, link: str, contest: str, name: str, stop: threading.Event) -> None:
        super().__init__(name=f"{contest} {name}", daemon=True)
        self.address, self.link, self.contest = address, link, contest
        self.stop = stop
        self.dice = random.Random(f"{contest} {name}")
        self.problem: str | None = None

    def run(self) -> None:
        try:
            self.work()
        except Stopped:
            pass
        except Exception as error:
            self.problem = f"{self.name}: {error}"
            log.exception("%s gave up", self.name)

    def work(self) -> None:
        browser = requests.Session()
        answer = browser.get(self.link, timeout=30)
        answer.raise_for_status()
        self.socket = socketio.Client(http_session=browser, handle_sigint=False, reconnection=False)
        try:
            self.act()
        finally:
            self.socket.disconnect()

    @abstractmethod
    def act(self) -> None:
        """What this person does between connecting and leaving."""

    def pause(self, seconds: float) -> None:
        if self.stop.wait(seconds * self.dice.uniform(0.3, 1.7)):
            raise Stopped

    def await_event(self, event: threading.Event) -> None:
        while not event.wait(0.2):
            if self.stop.is_set():
                raise Stopped

    def connected(self) -> None:
        """Connects where there is no connection, as often as it takes while the server comes back."""
        for wait in (0.1, 0.2, 0.5, *[1.0] * 60):
            if self.socket.connected:
                return
            try:
                self.socket.connect(
                    self.address, namespaces=[NAMESPACE], transports=["websocket"], wait_timeout=ANSWER_SECONDS
                )
                return
            except (SocketIOError, requests.RequestException):
                if self.stop.wait(wait):
                    raise Stopped from None
        raise ConnectionError(f"no connection to {self.address}")

    def send(self, event: str, **content: Any) -> dict[str, Any]:
        """Sends with an op of its own until the server has answered; the same op again changes nothing."""
        message = {"contest": self.contest, "op": str(uuid.uuid4()), **content}
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if self.stop.is_set():
                raise Stopped
            self.connected()
            try:
                answer = self.socket.call(event, message, namespace=NAMESPACE, timeout=ANSWER_SECONDS)
            except (SocketIOError, OSError):
                self.socket.disconnect()
                continue
            if isinstance(answer, dict) and answer.get("error", {}).get("code") != "too_many":
                return answer
            self.pause(0.2)
        raise TimeoutError(f"no answer to {event}")

    def must(self, event: str, **content: Any) -> dict[str, Any]:
        """Sends what has to succeed."""
        answer = self.send(event, **content)
        if not answer.get("ok"):
            error = answer.get("error", {})
            raise ValueError(f"{event} {content}: {error.get('code')} {error.get('message')}")
        return answer


class Stopped(Exception):
    """The demonstration is being ended."""


class Marker(Person):
    """A judge, or the recorder: marks one entry after the other, cell by cell, and submits each sheet."""

    def __init__(self, address: str, link: str, plan: TrackPlan, seat: str, stop: threading.Event) -> None:
        super().__init__(address, link, plan.contest, f"{plan.track} {seat}", stop)
        self.plan, self.seat = plan, seat

    def act(self) -> None:
        for stage in self.plan.stages:
            sheets = stage.sheets.get(self.seat)
            if not sheets:
                continue
            self.await_event(stage.opened)
            self.must("open")
            pace = stage.seconds / steps_of(sheets)
            for sheet in sheets:
                self.mark_sheet(stage, sheet, pace)
            stage.seat_done()

    def mark_sheet(self, stage: StagePlan, sheet: SheetPlan, pace: float) -> None:
        where = {"track": self.plan.track, "stage": stage.code, "entry": sheet.entry}
        for criterion, value in sheet.marks:
            self.pause(pace)
            self.tell("mark", **where, attempt=sheet.attempt, criterion=criterion, value=value, base=0)
        if sheet.seconds is not None:
            self.pause(pace)
            self.tell("time", **where, seconds=sheet.seconds)
        self.pause(pace)
        self.tell("submit", **where, attempt=sheet.attempt)

    def tell(self, event: str, **content: Any) -> None:
        answer = self.send(event, **content)
        if answer.get("ok"):
            return
        error = answer.get("error", {})
        if error.get("code") not in HELD_BY_ANOTHER:
            raise ValueError(f"{event} {content}: {error.get('code')} {error.get('message')}")
        log.info("%s: %s left as it is (%s)", self.name, event, error.get("code"))


class Chief(Person):
    """Opens each stage when the one before is complete, rules, and closes the last."""

    def __init__(self, address: str, link: str, plan: TrackPlan, stop: threading.Event) -> None:
        super().__init__(address, link, plan.contest, f"{plan.track} {CHIEF}", stop)
        self.plan = plan

    def act(self) -> None:
        track = self.plan.track
        windows = {row["stage"]: row["window"] for row in self.must("open")["stages"] if row["track"] == track}
        for stage in self.plan.stages:
            if windows.get(stage.code) != "open":
                self.must("window", track=track, stage=stage.code, state="open")
            stage.opened.set()
            self.await_event(stage.finished)
            for ruling in stage.adjustments:
                self.must("adjust", track=track, stage=stage.code, **ruling)
            self.must("window", track=track, stage=stage.code, state="closed")
        self.plan.finished.set()
