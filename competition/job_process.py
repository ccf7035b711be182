"""`leitai jobs`: the process beside the server that hashes, sends, reads and writes what takes long.

One for an installation: whoever holds the lock of the data folder works, another one waits to take its place. Two
queues, each with two workers; a thread that sends mail; and this one, which looks for jobs that the queue did not hear
of, takes up what a dead process left, and writes the jobs that come by themselves.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from competition.accounts.hashing import AT_ONCE, LocalHasher
from competition.accounts.policy import CONSOLE
from competition.accounts.remote_hashing import define_hashing, open_hashes
from competition.app import Services, create_app
from competition.config import Config
from competition.shared import clock
from competition.shared import job_queries as rows
from competition.shared.errors import Refused
from competition.shared.job_line import (
    ALIVE_EVERY,
    QUEUE_ERRORS,
    QuietConsumer,
    define_work,
    open_jobs,
    say_alive,
)
from competition.shared.mail import MailSettingError, Postman
from competition.terminal import open_database

log = logging.getLogger(__name__)

LOCK: Final = "jobs.lock"
WORKERS: Final = 2
"""Jobs worked off at once: a long one does not keep a short one waiting."""
NICE: Final = 10
GRACE: Final = 4.0
"""Seconds in which a job may come to its next sign of progress when the process has to end."""
SWEEP_EVERY: Final = 3.0
PLAN_EVERY: Final = 60.0
MAIL_EVERY: Final = 2.0
TOLD_FOR: Final = 60.0
"""Seconds for which a job that was put into the queue is not put there again."""


def main(config: Config, environ: Mapping[str, str], *, beside: bool = False) -> int:
    """Works until ended; `beside` a server: also until the standard input closes."""
    if not config.secret_key:
        raise Refused(2, "LEITAI_SECRET_KEY is not set: what the server asks of the job process is sealed with it.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.suppress(OSError):
        os.nice(max(0, NICE - os.getpriority(os.PRIO_PROCESS, 0)))
    if beside:
        threading.Thread(target=_until_eof, args=(stop,), daemon=True).start()
    with _lock(config.data_dir, stop, quiet=beside) as held, open_database(config) as database:
        if held:
            app = create_app(config, database=database)
            JobProcess(app.extensions["leitai"], stop).run()
    return 0


def _until_eof(stop: threading.Event) -> None:
    """The server holds the other end: it closes however the server ends."""
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    stop.set()


@contextmanager
def _lock(folder: Path, stop: threading.Event, *, quiet: bool) -> Iterator[bool]:
    """The folder's lock, which the system takes back when its holder dies; False where it was not to be had."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a", encoding="utf-8") as handle:
        waited = False
        while not stop.is_set():
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waited and not quiet:
                    print("Another job process works on this folder; this one waits to take its place.", flush=True)
                waited = True
                stop.wait(0.5)
            else:
                yield True
                return
        yield False


class JobProcess:
    """What runs once the lock is held."""

    def __init__(self, services: Services, stop: threading.Event) -> None:
        self.services, self.stop = services, stop
        self.jobs, self.config = services.jobs, services.config
        try:
            self.postman = Postman(services.db, self.config.smtp_url, self.config.public_url)
        except MailSettingError as error:
            raise Refused(2, str(error)) from None
        self.told: dict[str, float] = {}

    def run(self) -> None:
        self.jobs.place = f"{socket.gethostname()}:{self.config.data_dir.resolve()}"
        with self.services.db.transaction() as session:
            rows.give_back_of(session, self.jobs.place)
        self.hashes = open_hashes(self.config)
        # Whoever waited for these has long gone.
        self.hashes.storage.flush_results()
        define_hashing(self.hashes, LocalHasher())
        self.queue = open_jobs(self.config)
        self.work = define_work(self.queue, self._work)
        consumers = [
            QuietConsumer(self.hashes, workers=AT_ONCE, periodic=False, initial_delay=0.02, backoff=1.05,
                          max_delay=0.04, scheduler_interval=60),
            QuietConsumer(self.queue, workers=WORKERS, periodic=False, initial_delay=0.1, backoff=1.1, max_delay=0.5,
                          scheduler_interval=60),
        ]  # fmt: skip
        for consumer in consumers:
            consumer.start()
        mail = threading.Thread(target=self._send_mail, name="mail", daemon=True)
        mail.start()
        say_alive(self.hashes)
        self._mind(consumers)
        self._leave(consumers)

    def _work(self, key: str) -> None:
        self.told.pop(key, None)
        if not self.stop.is_set():
            self.jobs.run(key)

    def _mind(self, consumers: list[QuietConsumer]) -> None:
        """Until the end: looks after rows, plans and workers."""
        due = dict.fromkeys(("alive", "sweep", "plan", "health"), 0.0)
        turns: dict[str, tuple[float, Callable[[], Any]]] = {
            "alive": (ALIVE_EVERY, lambda: say_alive(self.hashes)),
            "sweep": (SWEEP_EVERY, self._sweep),
            "plan": (PLAN_EVERY, lambda: self.jobs.plan(clock.now(), CONSOLE)),
            "health": (10.0, lambda: [consumer.check_worker_health() for consumer in consumers]),
        }
        while not self.stop.is_set():
            for name, (seconds, turn) in turns.items():
                if time.monotonic() >= due[name]:
                    due[name] = time.monotonic() + seconds
                    try:
                        turn()
                    except (SQLAlchemyError, *QUEUE_ERRORS):
                        log.warning("the job process could not do its turn (%s); it tries again", name, exc_info=True)
            self.stop.wait(0.5)

    def _sweep(self) -> None:
        """Puts into the queue what waits and was not put there lately."""
        at = time.monotonic()
        self.told = {key: told for key, told in self.told.items() if at - told < TOLD_FOR}
        with self.services.db.reading() as session:
            keys = rows.waiting_keys(session, clock.now())
        for key in keys:
            if key not in self.told and key not in self.jobs.in_hand:
                self.work(key)
                self.told[key] = at

    def _send_mail(self) -> None:
        while not self.stop.is_set():
            try:
                tried = self.postman.deliver()
            except Exception:
                # Whatever it is, the next mail may go: this thread is the only one that sends.
                log.exception("mail could not be sent")
                tried = 0
            if not tried:
                self.stop.wait(MAIL_EVERY)

    def _leave(self, consumers: list[QuietConsumer]) -> None:
        """Takes nothing more, waits a little for what is in hand, and gives the rest back."""
        self.jobs.ending = True
        for consumer in consumers:
            consumer.leave()
        until = time.monotonic() + GRACE
        while self.jobs.in_hand and time.monotonic() < until:
            time.sleep(0.02)
        for hold in list(self.jobs.in_hand.values()):
            self.jobs.give_back(hold)
        # Threads that are still at it hold nothing any more; nothing is to keep the process from ending.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
