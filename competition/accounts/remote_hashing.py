"""Password hashes made by the job process, over a queue of their own with two workers.

The server's greenlets lay down what they ask and wait; one thread of their own does the talking with the queue, so
that the others go on whatever the disk or Redis does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import gevent
from cryptography.fernet import InvalidToken
from flask_babel import gettext as _
from gevent.event import AsyncResult
from gevent.threadpool import ThreadPool
from huey.utils import Error

from competition.accounts.hashing import Hasher
from competition.shared.errors import DomainError
from competition.shared.job_line import QUEUE_ERRORS, SILENT, last_alive, open_queue

log = logging.getLogger(__name__)

PATIENCE: Final = 15.0
"""Seconds that a person waits for an answer."""
MOST: Final = 500
"""How many may wait at once in one server process."""
LIFE: Final = timedelta(seconds=30)
"""How long a question or an answer may lie in the queue."""
LOOK_EVERY: Final = 0.02
NOBODY_THERE: Final = (
    "no job process answers: nobody can sign in by password. "
    "`leitai serve` starts one unless --no-jobs; `leitai jobs` is one by itself"
)


def open_hashes(config: Any) -> Any:
    return open_queue("hashes", config, results=True, life=LIFE)


def define_hashing(queue: Any, hasher: Hasher | None) -> Any:
    """The queue's one task; only the job process has a `hasher`."""

    @queue.task(name="hash", expires=LIFE)  # type: ignore[untyped-decorator]
    def work(stored: str | None, password: str, verify: bool) -> str | bool:
        assert hasher is not None
        return hasher.verify(stored, password) if verify else hasher.hash(password)

    return work


@dataclass(eq=False)
class _Asked:
    stored: str | None
    password: str
    verify: bool
    answer: Any = field(default_factory=AsyncResult)
    given_up: bool = False
    sent_at: float = 0.0


class NobodyThere(Exception):
    """No job process is alive."""


class RemoteHasher:
    """Asks the job process. Where none answers in time, or too many wait, a DomainError says what to do."""

    def __init__(self, queue: Callable[[], Any], *, patience: float = PATIENCE, most: int = MOST) -> None:
        """`queue` opens it (`open_hashes`), once and in the thread that talks with it."""
        self._open, self._patience, self._most = queue, patience, most
        self._pool: Any = ThreadPool(1)
        self._work: Any = None
        self._new: list[_Asked] = []
        self._out: dict[str, _Asked] = {}
        self._talking: Any = None
        self._begun = time.time()
        self._alive_at: float | None = None
        self._complained = 0.0

    def hash(self, password: str) -> str:
        return str(self._ask(_Asked(None, password, verify=False)))

    def verify(self, stored: str | None, password: str) -> bool:
        return bool(self._ask(_Asked(stored, password, verify=True)))

    def close(self) -> None:
        self._pool.kill()

    def _ask(self, asked: _Asked) -> Any:
        if len(self._new) + len(self._out) >= self._most:
            raise _busy()
        self._new.append(asked)
        if self._talking is None or self._talking.dead:
            self._talking = gevent.spawn(self._talk)
        try:
            return asked.answer.get(timeout=self._patience)
        except gevent.Timeout:
            if self._silent():
                self._complain()
                raise _nobody_there() from None
            raise _busy() from None
        except NobodyThere:
            self._complain()
            raise _nobody_there() from None
        finally:
            asked.given_up = True

    def _silent(self) -> bool:
        """Whether there has been no sign of a job process for long; one that is only starting has its time."""
        return time.time() - max(self._begun, self._alive_at or 0.0) > SILENT

    def _complain(self) -> None:
        if time.monotonic() - self._complained > 60:
            self._complained = time.monotonic()
            log.error(NOBODY_THERE)

    def _talk(self) -> None:
        """Hands over what is new and looks for what is answered, until nobody waits."""
        while self._new or self._out:
            new, self._new = [asked for asked in self._new if not asked.given_up], []
            try:
                answers, sent = self._pool.apply(self._exchange, (new, list(self._out)))
            except QUEUE_ERRORS as error:
                log.warning("the queue of password hashes cannot be used: %s", error)
                self._new = [*new, *self._new]
                gevent.sleep(0.5)
            else:
                self._out |= sent
                if self._silent():
                    # Nothing was sent either: see `_exchange`.
                    for asked in (*new, *self._out.values()):
                        asked.answer.set_exception(NobodyThere())
                    self._out.clear()
                for key, answer in answers.items():
                    if (waiting := self._out.pop(key, None)) is None:
                        continue
                    if isinstance(answer, Error):
                        log.error("a password hash failed: %s", answer.metadata.get("error"))
                        waiting.answer.set_exception(RuntimeError("a password hash failed"))
                    else:
                        waiting.answer.set(answer)
            # An answer that comes too late is still fetched, so that it does not stay in the queue.
            late = time.time() - LIFE.total_seconds()
            for key in [key for key, asked in self._out.items() if asked.given_up and asked.sent_at < late]:
                del self._out[key]
            gevent.sleep(LOOK_EVERY)

    def _exchange(self, new: list[_Asked], keys: list[str]) -> tuple[dict[str, Any], dict[str, _Asked]]:
        """In the thread that talks with the queue: answers that have come, and what was sent, by their keys."""
        if self._work is None:
            self._work = define_hashing(self._open(), None)
        queue = self._work.huey
        self._alive_at = last_alive(queue)
        sent: dict[str, _Asked] = {}
        if not self._silent():
            for asked in new:
                task = self._work.s(asked.stored, asked.password, asked.verify)
                asked.sent_at = time.time()
                queue.enqueue(task)
                sent[task.id] = asked
        answers: dict[str, Any] = {}
        for key, data in (queue.storage.peek_many(keys) if keys else {}).items():
            queue.delete(key)
            try:
                answers[key] = queue.serializer.deserialize(data)
            except InvalidToken:
                log.warning("an answer of the job process came too late")
        return answers, sent


def _busy() -> DomainError:
    return DomainError("too_many", _("登录人数较多，请过半分钟再试。"), "password")


def _nobody_there() -> DomainError:
    return DomainError(
        "not_open", _("现在不能用密码登录：后台程序没有运行。请告诉管理员，或先用登录链接登录。"), "password"
    )
