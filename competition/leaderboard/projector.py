"""The projector: folds what is new in the evidence after each commit, at most five times a second a track.

A mark's transaction writes evidence alone; the board follows here. Wakes come from facts; once a second it also looks
by itself, so that a lost fact, another process or a command heals within that second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from competition.contests.changes import change_table
from competition.contests.models import Track
from competition.leaderboard.models import Board
from competition.leaderboard.service import Memory, Prizes, prepare, store
from competition.leaderboard.visible import SHOWN
from competition.scoring.evidence import EvidenceReader
from competition.shared import clock
from competition.shared.db import Database

log = logging.getLogger(__name__)

GAP: Final = 0.2
"""Seconds between two folds of a track: five a second."""
LOOK: Final = 1.0
"""Seconds between two looks at all tracks."""


class Projector:
    """Folds the tracks of one database. `start` begins its thread (a greenlet in the server), `stop` ends it."""

    def __init__(
        self,
        db: Database,
        reader: EvidenceReader,
        prizes: Prizes | None = None,
        *,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.folds = 0
        self._db, self._reader, self._prizes, self._now = db, reader, prizes, now
        self._memory: dict[int, Memory] = {}
        self._due: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._bell = threading.Condition()
        self._running = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._running = True
            self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        with self._bell:
            self._running = False
            self._bell.notify_all()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def wake(self, track_id: int) -> None:
        """Evidence of the track was committed. A quiet track is folded at once, a busy one when it is due."""
        with self._bell:
            self._due.setdefault(track_id, self._last.get(track_id, 0.0) + GAP)
            self._bell.notify_all()

    def fold(self, track_id: int) -> None:
        """Folds and stores now. What fails is left for the next look, from scratch.

        What was folded is kept also where another had stored it already: it is the evidence up to `covers` either way.
        """
        memory = self._memory.pop(track_id, None)
        with self._db.reading() as session:
            folded = prepare(session, track_id, reader=self._reader, prizes=self._prizes, memory=memory)
        with self._db.transaction() as session:
            stored = store(session, folded, now=self._now())
        self._memory[track_id] = folded.memory
        if stored is not None:
            self.folds += 1

    def look(self) -> None:
        """Wakes every track whose evidence has grown past its board."""
        with self._db.reading() as session:
            newest = (
                select(func.coalesce(func.max(change_table.c.id), 0))
                .where(change_table.c.track_id == Track.id)
                .scalar_subquery()
            )
            behind = session.scalars(
                select(Track.id)
                .outerjoin(Board, Board.track_id == Track.id)
                .where(Track.phase.in_(SHOWN) | Board.id.is_not(None))
                .where((Board.id.is_(None)) | (Board.covers < newest))
            ).all()
            known = set(session.scalars(select(Track.id))) if self._memory else set()
        for track_id in behind:
            self.wake(track_id)
        # A contest that was overwritten has new tracks; the old ones' memory would stay for ever.
        for gone in self._memory.keys() - known:
            self._memory.pop(gone, None)

    def _run(self) -> None:
        looked = 0.0
        while self._running:
            try:
                now = time.monotonic()
                if now - looked >= LOOK:
                    looked = now
                    self.look()
                for track_id in self._take():
                    self._last[track_id] = time.monotonic()
                    self._fold_safely(track_id)
            except Exception:
                log.exception("the projector could not look; it tries again")
                self._pause(LOOK)
            self._pause(max(0.0, min(LOOK - (time.monotonic() - looked), self._until_due())))

    def _take(self) -> list[int]:
        now = time.monotonic()
        with self._bell:
            ready = [track_id for track_id, due in self._due.items() if due <= now]
            for track_id in ready:
                del self._due[track_id]
        return ready

    def _until_due(self) -> float:
        now = time.monotonic()
        with self._bell:
            return min((due - now for due in self._due.values()), default=LOOK)

    def _pause(self, seconds: float) -> None:
        with self._bell:
            if self._running and self._until_due() > 0:
                self._bell.wait(seconds)

    def _fold_safely(self, track_id: int) -> None:
        try:
            self.fold(track_id)
        except Exception:
            log.exception("track %s could not be folded; the next look tries again from scratch", track_id)
            self._memory.pop(track_id, None)
