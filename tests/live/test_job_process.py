"""The job process beside a real server: there with it, back when it dies, gone with it; a job has its effect once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from competition.accounts.hashing import LocalHasher
from competition.accounts.models import Audit, Person
from competition.accounts.policy import CONSOLE
from competition.shared import clock, jobs
from competition.shared import job_queries as rows
from competition.shared.db import Database, make_engine
from competition.shared.jobs import Jobs
from competition.shared.models import Job
from tests.program import ROOT, Program

SOON = 40.0
PASSWORD = "a password that nobody guesses"

# What the started processes do for this test alone: a job that says when it begins and stores one line at its end.
SLOW = """
import sys
if "jobs" in getattr(sys, "orig_argv", ()):
    import time
    from competition.accounts import audit
    from competition.accounts.policy import CONSOLE
    from competition.shared.jobs import handler

    @handler("test.slow")
    def slow(context):
        with open(context.arguments["begun"], "a") as file:
            file.write("begun\\n")
        for step in range(context.arguments["steps"]):
            context.progress(step)
            time.sleep(0.05)
        with context.db.transaction() as session:
            audit.note(session, CONSOLE, "test.done", context.key, now=context.now())
            context.complete(session, {"lines": ["stored"]})
"""


def until(condition: Callable[[], Any], seconds: float = SOON) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def children(pid: int) -> dict[int, str]:
    """Every process below one, with its command line."""
    below: dict[int, str] = {}
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    waiting = [pid]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            waiting.append(child)
            try:
                below[child] = (Path("/proc") / str(child) / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    return below


def alive(pid: int) -> bool:
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Beside(Program):
    """A server with the job process that it starts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "sitecustomize.py").write_text(SLOW)
        self.environment["PYTHONPATH"] = f"{folder}{os.pathsep}{ROOT}"
        self.begun = folder / "begun"
        self.begun.touch()

    def serve(self, *words: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "competition.cli", "serve", "--port", str(self.port), *words],
                env=self.environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(self.ready)

    def ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"{self.address}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def job_process(self) -> int | None:
        assert self.process is not None
        found = [pid for pid, words in children(self.process.pid).items() if "competition.cli jobs" in words]
        return found[0] if found else None

    def all_of_it(self) -> list[int]:
        assert self.process is not None
        return [self.process.pid, *children(self.process.pid)]

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            super().end()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Beside]:
    program = Beside(tmp_path)
    yield program
    program.end()


@pytest.fixture
def database(program: Beside) -> Iterator[Database]:
    database = Database(make_engine(f"sqlite:///{program.environment['LEITAI_DATA_DIR']}/leitai.db"))
    yield database
    database.engine.dispose()


def ask(database: Database, program: Beside, monkeypatch: pytest.MonkeyPatch, *, steps: int) -> str:
    monkeypatch.setitem(jobs.HANDLERS, "test.slow", lambda context: None)
    with database.transaction() as session:
        return Jobs.enqueue(
            session,
            "test.slow",
            title="slow",
            arguments={"begun": str(program.begun), "steps": steps},
            actor=CONSOLE,
            now=clock.now(),
        )


def job(database: Database, key: str) -> Job:
    with database.reading() as session:
        found = rows.job_by_key(session, key)
        assert found is not None
        return found


def effects(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).where(Audit.action == "test.done")) or 0


def beginnings(program: Beside) -> int:
    return len(program.begun.read_text().splitlines())


def test_a_killed_job_process_comes_back_and_its_job_is_done_once(
    program: Beside, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.serve()
    first = until(program.job_process)
    key = ask(database, program, monkeypatch, steps=60)
    until(lambda: beginnings(program) == 1)
    assert job(database, key).state == "running"
    os.kill(first, signal.SIGKILL)
    second = until(lambda: (found := program.job_process()) != first and found)
    assert until(lambda: beginnings(program) == 2)
    until(lambda: job(database, key).state == "done")
    assert job(database, key).result == {"lines": ["stored"]}
    assert effects(database) == 1
    assert second == program.job_process()
    assert "started again" in program.log.read_text()


def test_told_to_end_it_gives_back_what_it_has_in_hand_and_the_next_server_does_it(
    program: Beside, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.serve()
    key = ask(database, program, monkeypatch, steps=100)
    until(lambda: beginnings(program) == 1)
    everything = program.all_of_it()
    assert len(everything) == 4, "gunicorn, its worker, the shepherd, the job process"
    assert program.process is not None
    program.process.send_signal(signal.SIGTERM)
    program.process.wait(10)
    assert not [pid for pid in everything if alive(pid)]
    given = job(database, key)
    assert (given.state, rows.tries_of(given)) == ("waiting", 0)
    assert effects(database) == 0
    program.serve()
    until(lambda: job(database, key).state == "done")
    assert effects(database) == 1
    assert "Traceback" not in program.log.read_text()


@pytest.mark.parametrize("victims", [1, 2], ids=["the server", "the server and the shepherd"])
def test_killed_it_leaves_nothing_alive(program: Beside, victims: int) -> None:
    program.serve()
    until(program.job_process)
    everything = program.all_of_it()
    assert program.process is not None
    shepherd = next(pid for pid, words in children(program.process.pid).items() if "competition.shepherd" in words)
    for pid in (program.process.pid, shepherd)[:victims]:
        os.kill(pid, signal.SIGKILL)
    program.process.wait(10)
    until(lambda: not [pid for pid in everything if alive(pid)])


def test_without_jobs_none_is_started_and_one_by_hand_does_the_work(
    program: Beside, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.serve("--no-jobs")
    assert len(program.all_of_it()) == 2
    key = ask(database, program, monkeypatch, steps=1)
    add_person(database)
    command = [sys.executable, "-m", "competition.cli", "jobs"]
    with program.log.open("ab") as log:
        options: dict[str, Any] = {"env": program.environment, "cwd": ROOT, "stdout": log, "stderr": log}
        by_hand = subprocess.Popen(command, **options)
        until(lambda: job(database, key).state == "done")
        assert sign_in(program) == 303
        second = subprocess.Popen(command, **options)
        until(lambda: "this one waits" in program.log.read_text())
        by_hand.kill()
        by_hand.wait()
        third = ask(database, program, monkeypatch, steps=1)
        until(lambda: job(database, third).state == "done")
        second.terminate()
        assert second.wait(10) == 0


def add_person(database: Database) -> None:
    with database.transaction() as session:
        session.add(
            Person(
                login="li",
                login_key="li",
                name="李",
                password_hash=LocalHasher().hash(PASSWORD),
                created_at=clock.now(),
            )
        )


def sign_in(program: Beside, password: str = PASSWORD, *, patience: float = 30) -> int:
    browser = requests.Session()
    page = browser.get(f"{program.address}/sign-in", timeout=10).text
    token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    form = {"csrf_token": token, "login": "li", "password": password}
    return browser.post(f"{program.address}/sign-in", data=form, timeout=patience, allow_redirects=False).status_code


def test_passwords_are_checked_by_the_job_process(program: Beside, database: Database) -> None:
    program.serve()
    add_person(database)
    worker = until(program.job_process)
    assert sign_in(program) == 303
    assert sign_in(program, "another password altogether") == 403
    os.kill(worker, signal.SIGSTOP)
    with pytest.raises(requests.ReadTimeout):
        sign_in(program, patience=2)
    os.kill(worker, signal.SIGCONT)
    assert sign_in(program) == 303


def test_it_refuses_in_sentences(program: Beside) -> None:
    command = [sys.executable, "-m", "competition.cli", "jobs"]
    for change, said in (
        ({"LEITAI_SECRET_KEY": ""}, "LEITAI_SECRET_KEY"),
        ({"LEITAI_SMTP_URL": "smtp://mail?form=x"}, "form"),
    ):
        done = subprocess.run(
            command, env=program.environment | change, cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, "Traceback" in done.stderr, said in done.stderr) == (2, False, True), done.stderr
