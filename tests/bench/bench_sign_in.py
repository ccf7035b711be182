"""What 200 people who sign in at once do to the marks: p99 of a mark's acknowledgement, quiet and meanwhile.

`python -m tests.bench.bench_sign_in [--people N] [--rate MARKS] [--seconds N]`. A real server (SQLite) with its job
process; judges send marks over sockets at a steady rate, a crowd in a process of its own posts its passwords at the
same moment. The limit is twice the quiet p99 (issue: marks go on while a hall signs in).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import requests
import socketio

from competition.accounts.hashing import LocalHasher
from competition.accounts.models import Person
from competition.accounts.policy import CONSOLE
from competition.contests.queries import get_contest
from competition.shared import clock
from competition.shared.db import Database, make_engine
from judges.roster.service import link_for_judge
from tests.program import Program
from tests.services.judging import contest

JUDGES = 10
ENTRIES = 200
LIMIT = 2.0
PASSWORD = "a long enough password"


def bundle() -> dict[str, Any]:
    judges = [f"J{number}" for number in range(1, JUDGES + 1)]
    leaf = {"code": "k", "title": "K", "max": 10}
    return contest(
        judges=[{"code": code, "name": code} for code in judges],
        tracks=[{"code": "t", "title": "T", "stages": [{"code": "one", "title": "O", "criteria": [leaf]}]}],
        entries=[{"code": f"E{n}", "track": "t", "title": "E", "draw": n} for n in range(1, ENTRIES + 1)],
        panels=[{"track": "t", "stage": "one", "judges": judges}],
    )


class Judge(threading.Thread):
    """Sends a mark every `pause` seconds and notes when it began and how long the answer took."""

    def __init__(self, address: str, link: str, pause: float) -> None:
        super().__init__(daemon=True)
        self.browser = requests.Session()
        self.browser.get(link, timeout=20).raise_for_status()
        self.socket = socketio.Client(http_session=self.browser, reconnection=False, handle_sigint=False)
        self.socket.connect(address, namespaces=["/judge"], transports=["websocket"], wait_timeout=10)
        self.pause = pause
        self.stop = threading.Event()
        self.took: list[tuple[float, float]] = []
        self.problem = ""

    def run(self) -> None:
        due = time.perf_counter()
        turn = 0
        while not self.stop.is_set():
            mark = {
                "contest": "cup", "track": "t", "op": str(uuid.uuid4()), "stage": "one", "criterion": "k", "attempt": 1,
                "entry": str(turn % ENTRIES + 1), "value": turn % 10, "base": turn // ENTRIES,
            }  # fmt: skip
            begun = time.perf_counter()
            answer = self.socket.call("mark", mark, namespace="/judge", timeout=30)
            self.took.append((begun, time.perf_counter() - begun))
            if not answer["ok"]:
                self.problem = str(answer)
                return
            turn += 1
            due = max(due + self.pause, time.perf_counter())
            self.stop.wait(due - time.perf_counter())


def crowd(address: str, people: int) -> None:
    """In a process of its own: everybody has the form open; at a word on the standard input all send it."""
    parts = urllib.parse.urlsplit(address)
    ready, go = threading.Barrier(people + 1), threading.Event()
    answers: list[tuple[int, float]] = []

    def one(number: int) -> None:
        # Everybody comes from an address of their own.
        headers = {"X-Forwarded-For": f"10.0.{number // 250}.{number % 250 + 1}"}
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        connection.request("GET", "/sign-in", headers=headers)
        answer = connection.getresponse()
        page = answer.read().decode()
        connection.close()
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
        body = urllib.parse.urlencode({"csrf_token": token, "login": f"p{number}", "password": PASSWORD})
        headers |= {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        ready.wait()
        go.wait()
        begun = time.perf_counter()
        connection.request("POST", "/sign-in", body, headers)
        answer = connection.getresponse()
        answer.read()
        answers.append((answer.status, time.perf_counter() - begun))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    ready.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    go.set()
    for thread in threads:
        thread.join()
    print(json.dumps(answers), flush=True)


def at(took: list[tuple[float, float]], begun: float, ended: float, part: float) -> float:
    """The quantile, in ms, of the marks that were begun in that time."""
    found = sorted(seconds for when, seconds in took if begun <= when < ended)
    return found[min(int(len(found) * part), len(found) - 1)] * 1000


def prepare(program: Program, folder: Path, people: int) -> list[str]:
    """The contest and everybody in it; gives the judges' links."""
    path = folder / "cup.json"
    path.write_text(json.dumps(bundle()), encoding="utf-8")
    program.run("import", str(path))
    database = Database(make_engine(f"sqlite:///{program.environment['LEITAI_DATA_DIR']}/leitai.db"))
    stored, now = LocalHasher().hash(PASSWORD), clock.now()
    with database.transaction() as session:
        for number in range(people):
            session.add(
                Person(login=f"p{number}", login_key=f"p{number}", name="P", password_hash=stored, created_at=now)
            )
        found = get_contest(session, "cup")
        tokens = [link_for_judge(session, found, f"J{n}", now=now, actor=CONSOLE) for n in range(1, JUDGES + 1)]
    database.engine.dispose()
    return [f"{program.address}/in/{token}" for token in tokens]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--crowd", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.crowd:
        crowd(given.crowd, given.people)
        return
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        program = Program(folder)
        program.environment["LEITAI_TRUSTED_PROXIES"] = "1"
        links = prepare(program, folder, given.people)
        program.start()
        try:
            run(program, links, given)
        finally:
            program.end()


def run(program: Program, links: list[str], given: argparse.Namespace) -> None:
    judges = [Judge(program.address, link, JUDGES / given.rate) for link in links]
    command = [sys.executable, __file__, "--crowd", program.address, "--people", str(given.people)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as people:
        assert people.stdin is not None and people.stdout is not None
        assert people.stdout.readline() == "ready\n"
        for judge in judges:
            judge.start()
        time.sleep(2)
        quiet = time.perf_counter()
        time.sleep(given.seconds)
        busy = time.perf_counter()
        people.stdin.write("go\n")
        people.stdin.flush()
        answers = json.loads(people.stdout.readline())
        ended = time.perf_counter()
    for judge in judges:
        judge.stop.set()
        judge.join(30)
        assert not judge.problem, judge.problem
        judge.socket.disconnect()
    took = [each for judge in judges for each in judge.took]
    waits = sorted(seconds for _, seconds in answers)
    refused = sum(status != 303 for status, _ in answers)
    before, meanwhile = at(took, quiet, busy, 0.99), at(took, busy, ended, 0.99)
    print(
        f"marks quiet: p50 {at(took, quiet, busy, 0.5):.1f} ms, p99 {before:.1f} ms; while {given.people} sign in "
        f"({ended - busy:.1f} s): p50 {at(took, busy, ended, 0.5):.1f} ms, p99 {meanwhile:.1f} ms; "
        f"ratio {meanwhile / before:.2f} (limit {LIMIT:g})"
    )
    print(f"signed in: {given.people - refused} of {given.people}, half within {waits[len(waits) // 2]:.1f} s, "
          f"the last after {waits[-1]:.1f} s")  # fmt: skip
    if refused:
        sys.exit("somebody was refused")


if __name__ == "__main__":
    main()
