"""Work that takes longer than a request: a row that the job process works off, with one handler for each kind.

The row is the truth and is written in the transaction of whoever asks (`enqueue`); after its commit a fact tells the
queue. A job whose process dies is begun again, so a handler must be safe to run twice: it writes what it finds undone,
or writes its one effect together with its end (`JobContext.complete`).
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from competition.shared import bus, clock
from competition.shared import job_queries as rows
from competition.shared.db import Database
from competition.shared.errors import DomainError
from competition.shared.job_queries import Hold
from competition.shared.models import Job

log = logging.getLogger(__name__)

BEAT: Final = 10.0
"""Seconds between the signs of life of a running job."""
TOLD: Final = 0.5
"""Seconds between two writings of a job's progress."""
LANGUAGE: Final = "_language"


class Who(Protocol):
    """An actor, as this module needs it."""

    @property
    def person_id(self) -> int | None: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class JobWaiting:
    """The fact that a job was written and waits."""

    key: str


class JobStopped(BaseException):
    """The job is no longer this process's: called off, taken over, or the process has to end. No handler catches it."""


Handler = Callable[["JobContext"], "dict[str, Any] | None"]
HANDLERS: Final[dict[str, Handler]] = {}
"""What works off each kind of job."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a kind of job comes by itself: every so often, or once a day at an hour (UTC)."""

    kind: str
    title: str
    every: timedelta | None = None
    hour: int | None = None

    def due(self, last: datetime | None, now: datetime) -> bool:
        """Whether it is time for the next one, the last having been written at `last`."""
        if self.every is not None:
            return last is None or now - last >= self.every
        today = now.replace(hour=self.hour or 0, minute=0, second=0, microsecond=0)
        mark = today if now >= today else today - timedelta(days=1)
        return last is None or last < mark


PLANS: Final[dict[str, Plan]] = {}


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Registers what works off jobs of that kind. Its answer is shown on the job's page: `lines` (sentences), `file`
    (the id of a StoredFile) and whatever else its askers read from `Job.result`.

    A DomainError ends the job with its sentence; any other error with an apology and a line in the log.
    """

    def register(function: Handler) -> Handler:
        if kind in HANDLERS:
            raise ValueError(f"two handlers for jobs of the kind {kind}")
        HANDLERS[kind] = function
        return function

    return register


def every(kind: str, *, minutes: int, title: str = "") -> Callable[[Handler], Handler]:
    """A handler whose job comes by itself every `minutes`."""
    PLANS[kind] = Plan(kind, title or kind, every=timedelta(minutes=minutes))
    return handler(kind)


def daily(kind: str, *, hour: int = 19, title: str = "") -> Callable[[Handler], Handler]:
    """A handler whose job comes by itself once a day from `hour` UTC on (19: three in the morning in China)."""
    PLANS[kind] = Plan(kind, title or kind, hour=hour)
    return handler(kind)


def enqueue(
    session: Session,
    kind: str,
    *,
    title: str,
    arguments: dict[str, Any],
    actor: Who,
    now: datetime,
    contest_id: int | None = None,
) -> str:
    """Writes a job in the caller's transaction and gives its key (its page is `/jobs/<key>`).

    `arguments` are JSON and hold no secrets and no personal numbers; the result is told in the language of the request.
    """
    if kind not in HANDLERS:
        raise ValueError(f"nothing works off jobs of the kind {kind}")
    locale = get_locale()
    key = secrets.token_urlsafe(18)
    session.add(
        Job(
            key=key,
            kind=kind,
            title=title,
            person_id=actor.person_id,
            contest_id=contest_id,
            arguments={**arguments, **({LANGUAGE: locale.language} if locale else {})},
            result={},
            created_at=now,
        )
    )
    session.flush()
    bus.record(JobWaiting(key))
    return key


@dataclass
class JobContext:
    """What a handler works with. It opens transactions of its own, each short."""

    jobs: Jobs
    job_id: int
    key: str
    contest_id: int | None
    arguments: dict[str, Any]
    actor: Any
    """An `accounts.policy.Actor`: who asked, or the console for what comes by itself."""
    hold: Hold
    _told: float = field(default=float("-inf"))

    @property
    def db(self) -> Database:
        return self.jobs.db

    @property
    def config(self) -> Any:
        return self.jobs.config

    @property
    def files(self) -> Any:
        return self.jobs.files

    @property
    def vault(self) -> Any:
        return self.jobs.vault

    def now(self) -> datetime:
        return clock.now()

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Tells how far it is, and ends the handler (JobStopped) where the job is no longer to be done.

        Cheap enough for every row: written twice a second at most.
        """
        if self.jobs.ending:
            raise JobStopped
        at = time.monotonic()
        if at - self._told < TOLD and done != total:
            return
        self._told = at
        with self.db.transaction() as session:
            if not rows.change(session, self.hold, done=done, total=total, message=message, beat_at=clock.now()):
                raise JobStopped

    def complete(self, session: Session, result: dict[str, Any] | None = None) -> None:
        """Ends the job inside the caller's transaction: what is written there and the end come together or not at
        all, so that a job which is begun twice has its effect once. Raises JobStopped where the job was taken away.
        """
        if not rows.change(session, self.hold, **_ended("done", result, clock.now())):
            raise JobStopped


def _ended(state: str, result: dict[str, Any] | None, now: datetime, message: str = "") -> dict[str, Any]:
    kept = dict(result or {})
    file = kept.pop("file", None)
    return {
        "state": state,
        "result": kept,
        "file_id": getattr(file, "id", file),
        "message": message,
        "ended_at": now,
        "beat_at": now,
    }


def _anybody(_session: Session, _person_id: int | None) -> Any:
    return None


def _as_is(_language: str) -> AbstractContextManager[Any]:
    return nullcontext()


@dataclass
class Jobs:
    """The door to jobs, for whoever asks for one (`enqueue`) and for the process that works them off (`run`)."""

    db: Database
    config: Any = None
    files: Any = None
    vault: Any = None
    actor_of: Callable[[Session, int | None], Any] = _anybody
    """Who a person is now; None for one who may no longer act."""
    speaking: Callable[[str], AbstractContextManager[Any]] = _as_is
    """Sets the language of a handler's sentences."""
    place: str = "here"
    """Names the process that takes jobs in hand; no two that live at the same time share it."""
    ending: bool = False
    """Set where the process has to end: handlers stop at their next sign of progress, their jobs wait again."""
    in_hand: dict[str, Hold] = field(default_factory=dict)

    enqueue = staticmethod(enqueue)

    def run(self, key: str) -> bool:
        """Works one job off, if it is to be had; whether it was."""
        now = clock.now()
        with self.db.transaction() as session:
            taken = rows.take(session, key, place=self.place, now=now)
            if taken is None:
                return False
            job, hold = taken
            actor = self.actor_of(session, job.person_id)
            tries = rows.tries_of(job)
        self.in_hand[key] = hold
        try:
            with self._beating(hold), self.speaking(str(job.arguments.get(LANGUAGE, "zh"))):
                self._work(job, hold, actor, tries)
        finally:
            self.in_hand.pop(key, None)
        return True

    def _work(self, job: Job, hold: Hold, actor: Any, tries: int) -> None:
        context = JobContext(
            jobs=self,
            job_id=job.id,
            key=job.key,
            contest_id=job.contest_id,
            arguments={name: value for name, value in job.arguments.items() if not name.startswith("_")},
            actor=actor,
            hold=hold,
        )
        try:
            work = HANDLERS.get(job.kind)
            if work is None:
                raise DomainError("unknown", _("这一版程序不会做这种工作（%(kind)s）。", kind=job.kind))
            if actor is None:
                raise DomainError("forbidden", _("提交这项工作的账号已停用，没有继续做。"))
            if tries > rows.TRIES:
                raise DomainError(
                    "failed", _("做了 %(count)s 次都在中途断掉，没有再试。请告诉管理员。", count=rows.TRIES)
                )
            result = work(context)
            # Nothing is left to end where the handler has completed it.
            self._end(hold, "done", result)
        except JobStopped:
            self.give_back(hold, tried=tries - 1)
        except DomainError as error:
            self._end(hold, "failed", {"errors": error.details.get("errors", [])}, error.message)
        except OperationalError:
            log.exception("job %s (%s) lost the database", job.id, job.kind)
            self.give_back(hold, tried=tries)
        except Exception:
            log.exception("job %s (%s) failed", job.id, job.kind)
            self._end(hold, "failed", {}, _("程序出了错，这项工作没有做完。请稍后再试；若仍不行，请告诉管理员。"))

    def _end(self, hold: Hold, state: str, result: dict[str, Any] | None, message: str = "") -> None:
        with self.db.transaction() as session:
            rows.change(session, hold, **_ended(state, result, clock.now(), message))

    def give_back(self, hold: Hold, *, tried: int = 0) -> None:
        """Lets a job wait again; nothing where it was called off or taken over."""
        with self.db.transaction() as session:
            rows.give_back(session, hold, tried=tried)

    @contextmanager
    def _beating(self, hold: Hold) -> Iterator[None]:
        """Signs of life while the handler works, also where it tells no progress."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(BEAT):
                try:
                    with self.db.transaction() as session:
                        if not rows.change(session, hold, beat_at=clock.now()):
                            return
                except OperationalError:
                    log.warning("a job's sign of life could not be written", exc_info=True)

        thread = threading.Thread(target=beat, name=f"beat-{hold.job_id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def run_waiting(self, *, limit: int = 100) -> int:
        """Works off in this process what waits, as tests and commands want it; gives how many."""
        done = 0
        while done < limit and not self.ending:
            with self.db.reading() as session:
                keys = rows.waiting_keys(session, clock.now(), limit=limit)
            if not sum(self.run(key) for key in keys[: limit - done]):
                return done
            done += len(keys)
        return done

    def plan(self, now: datetime, actor: Who) -> list[str]:
        """Writes the jobs that come by themselves and are due; gives their keys."""
        with self.db.reading() as session:
            due = [plan for plan in PLANS.values() if plan.due(rows.last_begun(session, plan.kind), now)]
        keys = []
        for plan in due:
            with self.db.transaction() as session:
                keys.append(enqueue(session, plan.kind, title=plan.title, arguments={}, actor=actor, now=now))
        return keys
