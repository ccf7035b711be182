"""The rush at a deadline: prepared drafts handed in by as many people at once, beside a bare Flask route.

`python -m tests.bench.bench_registration [--people N] [--at-once N]`. Both stand behind the same gunicorn worker in
this run; the route answers a constant. The budget of issue 3 is 500 registrations a minute. SQLite always, PostgreSQL
where LEITAI_TEST_POSTGRES is set.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from psycopg import sql
from sqlalchemy import func, select

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from competition.accounts import service  # noqa: E402
from competition.accounts.models import Person  # noqa: E402
from competition.contests.models import Contest  # noqa: E402
from competition.registration.models import Registration  # noqa: E402
from competition.shared import clock, schema  # noqa: E402
from competition.shared.db import Database, make_engine  # noqa: E402
from tests.conftest import _admin, _drop, _postgres_url  # noqa: E402
from tests.program import Program, free_port  # noqa: E402
from tests.services.registering import PROFILE, begin, lay_out  # noqa: E402

BUDGET = 500
BARE = "from flask import Flask\napp = Flask('bare')\napp.add_url_rule('/', 'x', lambda: 'ok', methods=['POST'])\n"
FIELDS = [{"code": f"field-{n}", "label": f"字段 {n}", "kind": "text", "required": True} for n in range(8)]
RULES = [
    {"kind": "age", "min": 16, "max": {"male": 62, "female": 57}},
    {"kind": "work_months", "min": 12},
    {"kind": "level", "min": "junior"},
    {"kind": "unit", "within": "huancui"},
    {"kind": "one_entry", "scope": "contest"},
    {"kind": "quota"},
]
Send = Callable[[int, http.client.HTTPConnection], int]


def at_once(people: int, threads: int, port: int, send: Send) -> tuple[float, float, float, dict[int, int]]:
    """Requests a second, p50 and p99 in ms, and how often each status came."""
    spent: list[float] = []
    said: dict[int, int] = {}
    lock, left = threading.Lock(), iter(range(people))

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                break
            started = time.perf_counter()
            status = send(number, connection)
            with lock:
                spent.append(time.perf_counter() - started)
                said[status] = said.get(status, 0) + 1
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    spent.sort()
    rate = people / (time.perf_counter() - begun)
    return rate, spent[len(spent) // 2] * 1000, spent[len(spent) * 99 // 100] * 1000, said


@contextmanager
def bare(folder: Path) -> Iterator[int]:
    """A constant answer behind the same kind of worker."""
    (folder / "bare.py").write_text(BARE, encoding="utf-8")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "-b", f"127.0.0.1:{port}", "bare:app"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 20
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("POST", "/")
                connection.getresponse().read()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def prepare(database: Database, people: int) -> list[tuple[str, str]]:
    """People with complete drafts: for each a sign-in link's token and the draft's number."""
    now = clock.now()
    made = []
    with database.transaction() as session:
        place = lay_out(session, fields=FIELDS, eligibility=RULES)
        contest = session.get_one(Contest, place.contest)
        contest.registration_opens_at, contest.registration_closes_at = now, now + timedelta(hours=1)
        for each in range(people):
            person = service.create_person(session, login=f"p{each}", name=f"选手{each}", password=None, now=now)
            row = session.get_one(Person, person)
            row.unit_id, row.profile = place.unit, dict(PROFILE)
            actor = service.actor_for(session, person)
            assert actor is not None
            number = begin(session, place, actor, now=now).number
            made.append(
                (
                    service.make_link(session, contest_id=contest.id, role="contestant", person_id=person, now=now),
                    number,
                )
            )
    return made


def held(answer: http.client.HTTPResponse) -> dict[str, str]:
    """The cookies an answer sets."""
    lines = [line.partition(";")[0].partition("=") for line in answer.headers.get_all("Set-Cookie") or []]
    return {name: value for name, _equals, value in lines}


def sent(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def signed_in(port: int, made: list[tuple[str, str]]) -> list[tuple[str, bytes, str]]:
    """For each person the cookies, the form as a browser sends it, and its address."""
    ready = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for token, number in made:
        connection.request("GET", f"/in/{token}")
        answer = connection.getresponse()
        answer.read()
        kept = held(answer)
        connection.request("GET", f"/registrations/{number}", headers={"Cookie": sent(kept)})
        answer = connection.getresponse()
        page = answer.read().decode()
        cookies = sent(kept | held(answer))

        def hidden(name: str, page: str = page) -> str:
            found = re.search(f'name="{name}" value="([^"]+)"', page)
            assert found, name
            return found[1]

        form = {name: hidden(name) for name in ("csrf_token", "version", "seen_registration")}
        form |= {f"f-{field['code']}": "填好的内容" for field in FIELDS}
        form |= {"unit": "ws", "consent_registration": "1", "do": "submit"}
        ready.append((cookies, urlencode(form).encode(), f"/registrations/{number}"))
    connection.close()
    return ready


def measure(title: str, url: str, people: int, threads: int, folder: Path) -> bool:
    database = Database(make_engine(url))
    schema.upgrade(database)
    made = prepare(database, people)
    program = Program(folder)
    program.environment["LEITAI_DATABASE_URL"] = url
    program.start()
    try:
        ready = signed_in(program.port, made)

        def hand_in(number: int, connection: http.client.HTTPConnection) -> int:
            cookies, body, path = ready[number]
            headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

        rate, half, tail, said = at_once(people, threads, program.port, hand_in)
    finally:
        program.end()
    with database.reading() as session:
        stored = session.scalar(select(func.count()).select_from(Registration).where(Registration.state == "submitted"))
    database.engine.dispose()

    def constant(_number: int, connection: http.client.HTTPConnection) -> int:
        connection.request("POST", "/", b"x" * 400)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    with bare(folder) as port:
        raw, _raw_half, raw_tail, _said = at_once(people, threads, port, constant)
    good = stored == people and rate * 60 >= BUDGET
    verdict = "good" if good else "MISSED"
    print(
        f"{title}: {rate:.0f} registrations/s ({rate * 60:.0f} a minute, budget {BUDGET}), p50 {half:.0f} ms, "
        f"p99 {tail:.0f} ms; {stored} of {people} stored, answers {said}\n"
        f"  bare Flask route: {raw:.0f}/s, p99 {raw_tail:.0f} ms; ratio {rate / raw:.3f}: {verdict}",
        flush=True,
    )
    return good


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--people", type=int, default=500)
    asked.add_argument("--at-once", type=int, default=50)
    options = asked.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        url = f"sqlite:///{folder / 'data' / 'bench.db'}"
        good = measure("SQLite", url, options.people, options.at_once, folder) and good
    if os.environ.get("LEITAI_TEST_POSTGRES"):
        database = f"leitai_bench_{uuid.uuid4().hex[:12]}"
        _admin(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        try:
            with tempfile.TemporaryDirectory() as name:
                good = (
                    measure("PostgreSQL", _postgres_url(database), options.people, options.at_once, Path(name)) and good
                )
        finally:
            _drop(database)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
