"""Jobs: written with what asks for them, worked off once in effect, taken up again, called off, planned."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from competition.accounts.policy import CONSOLE
from competition.shared import bus, clock, jobs
from competition.shared import job_queries as rows
from competition.shared.bus import Bus
from competition.shared.db import Database
from competition.shared.errors import DomainError
from competition.shared.files import Files
from competition.shared.jobs import JobContext, Jobs, JobStopped, JobWaiting, Plan
from competition.shared.models import Job, StoredFile

Work = Callable[[JobContext], dict[str, Any] | None]


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], str]:
    """`kind(function)` gives the name of a kind of job that it works off, for this test alone."""

    def register(work: Work) -> str:
        monkeypatch.setitem(jobs.HANDLERS, "test", work)
        return "test"

    return register


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Jobs:
    return Jobs(database, files=Files(tmp_path / "uploads"), actor_of=lambda _session, _person: CONSOLE)


def ask(desk: Jobs, kind: str, **arguments: Any) -> str:
    with desk.db.transaction() as session:
        return desk.enqueue(session, kind, title="T", arguments=arguments, actor=CONSOLE, now=clock.now())


def row(desk: Jobs, key: str) -> Job:
    with desk.db.reading() as session:
        job = rows.job_by_key(session, key)
        assert job is not None
        return job


def test_a_job_is_done_and_shows_what_came_of_it(desk: Jobs, kind: Callable[[Work], str]) -> None:
    def work(context: JobContext) -> dict[str, Any]:
        assert context.arguments == {"n": 3}
        for done in range(1, 4):
            context.progress(done, 3, f"row {done}")
        with context.db.transaction() as session:
            file = context.files.store(
                session, b"abc", name="a.txt", purpose="export", media_type="text/plain", now=context.now()
            )
        return {"lines": ["three rows"], "file": file}

    key = ask(desk, kind(work), n=3)
    assert row(desk, key).state == "waiting"
    assert desk.run_waiting() == 1
    job = row(desk, key)
    assert (job.state, job.done, job.total, job.result) == ("done", 3, 3, {"lines": ["three rows"]})
    assert job.started_at is not None and job.ended_at is not None
    with desk.db.reading() as session:
        assert session.get_one(StoredFile, job.file_id).name == "a.txt"
    assert desk.run_waiting() == 0


def test_nobody_hears_of_a_job_that_was_rolled_back(
    desk: Jobs, kind: Callable[[Work], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    own = Bus()
    own.subscribe(JobWaiting, lambda fact: heard.append(fact.key))
    monkeypatch.setattr(bus, "_bus", own)
    name = kind(lambda context: None)
    with pytest.raises(ZeroDivisionError), desk.db.transaction() as session:
        desk.enqueue(session, name, title="T", arguments={}, actor=CONSOLE, now=clock.now())
        raise ZeroDivisionError
    assert heard == []
    key = ask(desk, name)
    assert heard == [key]
    with desk.db.reading() as session:
        assert [job.key for job in session.scalars(select(Job))] == [key]


def test_a_kind_that_nobody_works_off_is_refused_at_once(desk: Jobs) -> None:
    with pytest.raises(ValueError, match="nothing"):
        ask(desk, "no such kind")


def test_a_refusal_and_a_bug_end_in_sentences(
    desk: Jobs, kind: Callable[[Work], str], caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(context: JobContext) -> None:
        raise DomainError("bad_request", "第 3 行没有姓名", errors=["第 3 行", "第 4 行"])

    key = ask(desk, kind(refuses))
    desk.run_waiting()
    job = row(desk, key)
    assert (job.state, job.message, job.result) == ("failed", "第 3 行没有姓名", {"errors": ["第 3 行", "第 4 行"]})

    def broken(context: JobContext) -> None:
        raise KeyError("secret 110101199001011234")

    key = ask(desk, kind(broken))
    desk.run_waiting()
    job = row(desk, key)
    assert job.state == "failed" and "secret" not in job.message and job.message
    assert "KeyError" in caplog.text


def test_one_who_may_no_longer_act_has_nothing_done(database: Database, kind: Callable[[Work], str]) -> None:
    done: list[int] = []
    desk = Jobs(database, actor_of=lambda _session, _person: None)
    key = ask(desk, kind(lambda context: done.append(1)))
    desk.run_waiting()
    assert row(desk, key).state == "failed"
    assert done == []


def test_two_processes_never_hold_the_same_job(desk: Jobs, kind: Callable[[Work], str]) -> None:
    key = ask(desk, kind(lambda context: None))
    starts = threading.Barrier(4)
    held: list[Any] = []

    def grab(place: str) -> None:
        starts.wait()
        with desk.db.transaction() as session:
            held.append(rows.take(session, key, place=place, now=clock.now()))

    threads = [threading.Thread(target=grab, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 4
    assert sum(each is not None for each in held) == 1


def taken(desk: Jobs, key: str, place: str, now: datetime) -> rows.Hold:
    with desk.db.transaction() as session:
        found = rows.take(session, key, place=place, now=now)
        assert found is not None
        return found[1]


def test_a_job_without_a_sign_of_life_is_taken_up_and_its_first_holder_can_end_it_no_more(
    desk: Jobs, kind: Callable[[Work], str]
) -> None:
    key = ask(desk, kind(lambda context: {"lines": ["second"]}))
    hold = taken(desk, key, "first", clock.now() - rows.STALE - timedelta(seconds=1))
    first = JobContext(desk, hold.job_id, key, None, {}, CONSOLE, hold)
    assert desk.run_waiting() == 1
    assert row(desk, key).result == {"lines": ["second"]}
    with pytest.raises(JobStopped):
        first.progress(1)
    with pytest.raises(JobStopped), desk.db.transaction() as session:
        first.complete(session, {"lines": ["first"]})
    assert row(desk, key).result == {"lines": ["second"]}


def test_a_running_job_is_nobody_elses(desk: Jobs, kind: Callable[[Work], str]) -> None:
    key = ask(desk, kind(lambda context: None))
    taken(desk, key, "first", clock.now())
    assert desk.run_waiting() == 0
    with desk.db.transaction() as session:
        assert rows.take(session, key, place="second", now=clock.now()) is None
        assert rows.give_back_of(session, "another place") == 0
        assert rows.give_back_of(session, "first") == 1
    assert desk.run_waiting() == 1


def test_what_dies_again_and_again_is_given_up(desk: Jobs, kind: Callable[[Work], str]) -> None:
    done: list[int] = []
    key = ask(desk, kind(lambda context: done.append(1)))
    for _ in range(rows.TRIES):
        taken(desk, key, "here", clock.now())
        with desk.db.transaction() as session:
            rows.give_back_of(session, "here")
    desk.run_waiting()
    assert done == []
    assert row(desk, key).state == "failed"


def test_a_database_that_is_lost_costs_a_try_and_no_more(desk: Jobs, kind: Callable[[Work], str]) -> None:
    tried: list[int] = []

    def work(context: JobContext) -> None:
        tried.append(1)
        if len(tried) < 3:
            raise OperationalError("SELECT 1", {}, Exception("gone"))

    key = ask(desk, kind(work))
    desk.run_waiting()
    assert len(tried) == 3
    assert row(desk, key).state == "done"


def test_effect_and_end_come_together_or_not_at_all(desk: Jobs, kind: Callable[[Work], str]) -> None:
    def work(context: JobContext) -> None:
        with context.db.transaction() as session:
            context.files.store(session, b"x", name="x", purpose="test", media_type="", now=context.now())
            context.complete(session, {"lines": ["stored"]})
            if context.jobs.place == "fails":
                raise DomainError("conflict", "no")

    desk.place = "fails"
    key = ask(desk, kind(work))
    desk.run_waiting()
    assert row(desk, key).state == "failed"
    desk.place = "here"
    second = ask(desk, "test")
    desk.run_waiting()
    assert (row(desk, second).state, row(desk, second).result) == ("done", {"lines": ["stored"]})
    with desk.db.reading() as session:
        assert len(session.scalars(select(StoredFile)).all()) == 1


def test_called_off_while_it_runs_it_stops_at_its_next_sign(desk: Jobs, kind: Callable[[Work], str]) -> None:
    after: list[int] = []

    def work(context: JobContext) -> None:
        context.progress(1, 3)
        with context.db.transaction() as session:
            assert rows.call_off(session, context.key, now=context.now())
        context.progress(3, 3)
        after.append(1)

    key = ask(desk, kind(work))
    desk.run_waiting()
    assert after == []
    assert row(desk, key).state == "cancelled"
    with desk.db.transaction() as session:
        assert not rows.call_off(session, key, now=clock.now())


def test_a_process_that_has_to_end_gives_its_job_back_untried(desk: Jobs, kind: Callable[[Work], str]) -> None:
    def work(context: JobContext) -> None:
        desk.ending = True
        context.progress(1)

    key = ask(desk, kind(work))
    assert desk.run(key)
    job = row(desk, key)
    assert (job.state, rows.tries_of(job)) == ("waiting", 0)


def test_a_job_that_tells_nothing_still_shows_that_it_lives(
    desk: Jobs, kind: Callable[[Work], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BEAT", 0.01)
    seen: list[bool] = []

    def work(context: JobContext) -> None:
        first = row(desk, context.key).beat_at
        until = clock.now() + timedelta(seconds=10)
        while row(desk, context.key).beat_at == first and clock.now() < until:
            pass
        seen.append(row(desk, context.key).beat_at != first)

    ask(desk, kind(work))
    desk.run_waiting()
    assert seen == [True]


def test_the_sentences_are_in_the_language_of_who_asked(database: Database, kind: Callable[[Work], str]) -> None:
    spoken: list[str] = []

    @contextmanager
    def speaking(language: str) -> Iterator[None]:
        spoken.append(language)
        yield

    desk = Jobs(database, actor_of=lambda _session, _person: CONSOLE, speaking=speaking)
    ask(desk, kind(lambda context: None), **{jobs.LANGUAGE: "en"})
    desk.run_waiting()
    assert spoken == ["en"]


NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("plan", "last", "due"),
    [
        (Plan("k", "t", every=timedelta(minutes=10)), None, True),
        (Plan("k", "t", every=timedelta(minutes=10)), NOON - timedelta(minutes=9), False),
        (Plan("k", "t", every=timedelta(minutes=10)), NOON - timedelta(minutes=10), True),
        (Plan("k", "t", hour=11), NOON - timedelta(minutes=61), True),
        (Plan("k", "t", hour=11), NOON - timedelta(minutes=59), False),
        (Plan("k", "t", hour=13), NOON - timedelta(hours=22), False),
        (Plan("k", "t", hour=13), NOON - timedelta(hours=24), True),
        (Plan("k", "t", hour=13), None, True),
    ],
)
def test_what_comes_by_itself_comes_in_time(plan: Plan, last: datetime | None, due: bool) -> None:
    assert plan.due(last, NOON) is due


def test_a_planned_job_is_written_once(
    desk: Jobs, kind: Callable[[Work], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = kind(lambda context: None)
    monkeypatch.setattr(jobs, "PLANS", {name: Plan(name, "daily", hour=3)})
    now = clock.now()
    assert len(desk.plan(now, CONSOLE)) == 1
    assert desk.plan(now, CONSOLE) == []
    assert len(desk.plan(now + timedelta(days=1), CONSOLE)) == 1
