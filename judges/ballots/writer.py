"""SQLite's one writer: a native thread that commits together what arrived during the commit before.

A commit waits for the disk; under gevent that would hold up every greenlet, so it happens on a thread of its own, made
of primitives that gevent has not replaced. The thread holds a raw connection, logs nothing, and answers through the
loop's `async_()`, the one thing of a loop that another thread may touch. Without gevent an ordinary event does the
same.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import gevent
from gevent.event import Event as GreenEvent
from gevent.monkey import get_original, is_module_patched

from judges.ballots.ledger import Run

BATCH: Final = 256
PRAGMAS: Final = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000")

_start = get_original("_thread", "start_new_thread")
_Queue = get_original("queue", "SimpleQueue")
_lock = get_original("_thread", "allocate_lock")
_thread_id = get_original("_thread", "get_ident")

Work = Callable[[Run], Any]


class _Job:
    """One piece of work and its outcome. `tell` wakes whoever waits, from the writer's thread."""

    __slots__ = ("error", "result", "tell", "work")

    def __init__(self, work: Work, tell: Callable[[_Job], None]) -> None:
        self.work, self.tell = work, tell
        self.result: Any = None
        self.error: BaseException | None = None


class _GreenDesk:
    """Where one hub's greenlets wait: finished jobs come in from the writer's thread, the loop wakes them."""

    def __init__(self) -> None:
        self._done: deque[_Job] = deque()
        self._waiting: dict[_Job, GreenEvent] = {}
        self._bell = gevent.get_hub().loop.async_()
        self._bell.start(self._hand_out)

    def wait(self, put: Callable[[_Job], None], work: Work) -> _Job:
        job = _Job(work, self._finished)
        event = self._waiting[job] = GreenEvent()
        put(job)
        event.wait()
        return job

    def _finished(self, job: _Job) -> None:
        self._done.append(job)
        self._bell.send()

    def _hand_out(self) -> None:
        while self._done:
            job = self._done.popleft()
            event = self._waiting.pop(job, None)
            if event is not None:
                event.set()


class SqliteWriter:
    """Runs callables, each in a savepoint; a batch is committed together, and one that fails fails alone."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._queue = _Queue()
        self._desks: dict[int, _GreenDesk] = {}
        self._starting = _lock()
        self._running = False
        self.batches = 0

    def do(self, work: Work) -> Any:
        """What `work` returns, once it is on disk; or raises what it raised, with nothing of it stored."""
        self._start()
        if is_module_patched("threading"):
            me = _thread_id()
            desk = self._desks.get(me)
            if desk is None:
                desk = self._desks[me] = _GreenDesk()
            job = desk.wait(self._queue.put, work)
        else:
            event = threading.Event()
            job = _Job(work, lambda _: event.set())
            self._queue.put(job)
            event.wait()
        if job.error is not None:
            raise job.error
        return job.result

    def close(self) -> None:
        """Lets the thread end after what it was given."""
        if self._running:
            self._running = False
            self._queue.put(None)

    def _start(self) -> None:
        if self._running:
            return
        with self._starting:
            if not self._running:
                self._running = True
                _start(self._serve, (self._queue,))

    def _serve(self, queue: Any) -> None:
        connection: sqlite3.Connection | None = None
        try:
            while True:
                jobs, ended = _next_batch(queue)
                if jobs:
                    try:
                        connection = connection or _connect(self._path)
                        self._commit(connection, jobs)
                    except BaseException as error:  # whoever waits must hear of it, whatever it is
                        for job in jobs:
                            job.error = error
                        if connection is not None:
                            connection.close()
                            connection = None
                    for job in jobs:
                        job.tell(job)
                if ended:
                    return
        finally:
            if connection is not None:
                connection.close()

    def _commit(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        run = _runner(connection)
        for job in jobs:
            connection.execute("SAVEPOINT job")
            try:
                job.result = job.work(run)
            except Exception as error:
                job.error = error
                connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
        connection.execute("COMMIT")
        self.batches += 1


def _next_batch(queue: Any) -> tuple[list[_Job], bool]:
    """All that waits, at most a batch, after waiting for the first; and whether the end was among it."""
    first = queue.get()
    if first is None:
        return [], True
    jobs = [first]
    while len(jobs) < BATCH and not queue.empty():
        job = queue.get()
        if job is None:
            return jobs, True
        jobs.append(job)
    return jobs, False


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _runner(connection: sqlite3.Connection) -> Run:
    execute = connection.execute

    def run(sql: str, parameters: dict[str, Any]) -> Sequence[Any]:
        at = parameters.get("at")
        if isinstance(at, datetime):
            # As competition.shared.db.UtcDateTime stores an instant.
            parameters = {**parameters, "at": at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")}
        return execute(sql, parameters).fetchall()

    return run
