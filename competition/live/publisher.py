"""The publisher: what each audience of each board sees now, its last deltas, and who is to be told of the next.

It reads the stored views (`leaderboard.models.BoardView`), so that what a process tells is what any process has stored:
facts make it look at once, and once a second it looks by itself, which heals a lost fact and shows what another
process did.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.models import Contest, Track
from competition.leaderboard.models import BoardView
from competition.live.producers import LARGEST, Payload, encode, make_delta
from competition.shared.db import Database

log = logging.getLogger(__name__)

KEPT: Final = 64
"""Deltas kept for those who come back."""
LOOK: Final = 1.0
"""Seconds between two looks by itself."""
GAP: Final = 0.2
"""Seconds between two turns of a topic: five a second, however many processes fold its board."""

Key = tuple[str, str, str]
"""Contest and track (casefolded codes), audience."""


@dataclass(frozen=True, slots=True)
class Message:
    """`event`: snapshot, delta or reset; `data` is its JSON."""

    event: str
    base: int
    version: int
    body: Payload
    data: bytes


@dataclass(slots=True)
class Topic:
    """One board for one audience. `payload` empty: there is a track and no board to see."""

    key: Key
    track_id: int
    version: int
    payload: Payload
    turned: float | None = None
    waiting: bool = False
    deltas: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT))
    _snapshot: Message | None = None

    @property
    def etag(self) -> str:
        return f"{self.track_id}-{self.key[2]}-{self.version}"

    def snapshot(self) -> Message:
        """The whole board, encoded once a version."""
        if self._snapshot is None:
            self._snapshot = Message("snapshot", 0, self.version, self.payload, encode(self.payload))
        return self._snapshot

    def since(self, version: int | None) -> list[Message] | None:
        """The messages that lead from `version` to now; None where they are not held any more, or never were."""
        if version == self.version:
            return []
        for place, message in enumerate(self.deltas):
            if message.base == version:
                return list(self.deltas)[place:]
        return None

    def turn(self, version: int, payload: Payload) -> Message | None:
        """Takes a later version; gives the message that tells it, None where only a snapshot can."""
        old, self.version, self.payload, self._snapshot = self.payload, version, payload, None
        if not old or not payload:
            self.deltas.clear()
            return None
        body = make_delta(old, payload)
        data = encode(body)
        if len(data) > LARGEST:
            body = {"contest": payload["contest"], "track": payload["track"], "version": version}
            message = Message("reset", int(old["version"]), version, body, encode(body))
        else:
            message = Message("delta", int(old["version"]), version, body, data)
        self.deltas.append(message)
        return message


class Publisher:
    """Holds the topics that somebody asked for. Listeners hear `(topic, message or None)` after each turn."""

    def __init__(self, db: Database, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self.viewers = 0
        self.running = False
        self.changed = threading.Condition()
        self._db, self._seconds = db, seconds
        self._topics: dict[Key, Topic] = {}
        self._turn = threading.RLock()
        self._listeners: list[Callable[[Topic, Message | None], None]] = []
        self._bell = threading.Condition()
        self._rung = False
        self._thread: threading.Thread | None = None

    def listen(self, listener: Callable[[Topic, Message | None], None]) -> None:
        self._listeners.append(listener)

    def start(self) -> None:
        if self._thread is None:
            self.running = True
            self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread and every stream."""
        with self._bell:
            self.running = False
            self._bell.notify_all()
        with self.changed:
            self.changed.notify_all()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def wake(self) -> None:
        """A view was stored."""
        with self._bell:
            self._rung = True
            self._bell.notify_all()

    def get(self, contest: str, track: str, audience: str) -> Topic | None:
        """The topic as it stands; None where there is no such track. Without the thread it looks each time."""
        key = (contest.casefold(), track.casefold(), audience)
        topic = self._topics.get(key)
        if topic is not None and self.running:
            return topic
        with self._db.reading() as session:
            return self._load(session, key)

    def peek(self, contest: str, track: str, audience: str) -> Topic | None:
        """The topic as it was last seen, without asking the database."""
        return self._topics.get((contest.casefold(), track.casefold(), audience))

    def rest(self) -> float:
        """Seconds until the next look is due, if nothing is stored before."""
        now = self._seconds()
        with self._turn:
            due = [topic.turned + GAP - now for topic in self._topics.values() if topic.waiting and topic.turned]
        return max(0.0, min([LOOK, *due]))

    def look(self) -> None:
        """Takes every version that was stored since the last look, of a busy topic only when it is due."""
        with self._turn:
            topics = dict(self._topics)
            if not topics:
                return
            with self._db.reading() as session:
                stored = {
                    (contest, track.casefold(), audience): (track_id, version)
                    for contest, track, track_id, audience, version in session.execute(
                        select(Contest.code_key, Track.code, Track.id, BoardView.audience, BoardView.version)
                        .join(Track, Track.contest_id == Contest.id)
                        .join(BoardView, BoardView.track_id == Track.id)
                    )
                }
                for key, topic in topics.items():
                    topic.waiting = False
                    if stored.get(key, (None, 0)) == (topic.track_id, topic.version):
                        continue
                    if topic.turned is not None and self._seconds() - topic.turned < GAP:
                        topic.waiting = True
                    else:
                        self._load(session, key)

    def _load(self, session: Session, key: Key) -> Topic | None:
        contest, track, audience = key
        with self._turn:
            rows = session.execute(
                select(Track.id, Track.code)
                .join(Contest, Contest.id == Track.contest_id)
                .where(Contest.code_key == contest)
            )
            track_id = next((found for found, code in rows if code.casefold() == track), None)
            topic = self._topics.get(key)
            if track_id is None:
                if topic is not None and topic.track_id:
                    # Who listens is told as soon as there is such a track again, so the topic stays, empty.
                    self._topics[key] = Topic(key, 0, 0, {})
                return None
            view = session.scalar(
                select(BoardView).where(BoardView.track_id == track_id, BoardView.audience == audience)
            )
            version, payload = (0, {}) if view is None else (view.version, view.payload)
            if topic is None or topic.track_id != track_id:
                known = topic is not None
                topic = self._topics[key] = Topic(key, track_id, version, payload)
                if known:
                    self._tell(topic, None)
            elif topic.version != version:
                topic.turned = self._seconds()
                self._tell(topic, topic.turn(version, payload))
            return topic

    def _tell(self, topic: Topic, message: Message | None) -> None:
        for listener in self._listeners:
            try:
                listener(topic, message)
            except Exception:
                log.exception("a listener failed on %s", topic.key)
        with self.changed:
            self.changed.notify_all()

    def _run(self) -> None:
        while self.running:
            try:
                self.look()
            except Exception:
                log.exception("the publisher could not look; it tries again")
            rest = self.rest()
            with self._bell:
                if self.running and not self._rung:
                    self._bell.wait(rest)
                self._rung = False
