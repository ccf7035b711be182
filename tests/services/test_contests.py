"""Phases with their guards, windows, freezes; numbers that are settled."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts.models import Audit
from competition.accounts.policy import CONSOLE, VISITOR, Actor, GrantInfo
from competition.contests import service
from competition.contests.changes import note_reset
from competition.contests.events import PhaseMoved
from competition.contests.locks import highest_change, lock_track
from competition.contests.models import Contest, Stage, Track
from competition.contests.queries import contest_phase, contests, definition, get_contest, get_stage, get_track
from competition.leaderboard import guards as board_guards
from competition.registration import guards as entry_guards
from competition.registration.models import Entry
from competition.shared import bus
from competition.shared.db import Database
from competition.shared.errors import DomainError
from judges.ballots.models import Change
from judges.ballots.reader import Reader

DATA = Path(__file__).resolve().parents[1] / "data"
NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def guards() -> None:
    entry_guards.register()
    board_guards.register(Reader())


@pytest.fixture
def track(database: Database, load: Callable[..., int]) -> tuple[Database, int, int]:
    contest_id = load("weihai/welder.json")
    with database.reading() as session:
        return database, contest_id, session.scalars(select(Track.id).where(Track.contest_id == contest_id)).one()


@pytest.fixture
def facts() -> Iterator[list[object]]:
    heard: list[object] = []
    own = bus.Bus()
    own.subscribe(PhaseMoved, heard.append)
    before = bus._bus
    bus.use(own)
    yield heard
    bus.use(before)


def move(session: Session, track_id: int, phase: str, *, actor: Actor = CONSOLE, **more: object) -> None:
    row = session.get_one(Track, track_id)
    service.move_phase(session, [row], phase, actor=actor, now=NOW, **more)  # type: ignore[arg-type]


def close(session: Session, track_id: int) -> None:
    for stage in session.get_one(Track, track_id).stages:
        service.set_window(session, stage, "closed", actor=CONSOLE, now=NOW)


def changes(session: Session, track_id: int) -> int:
    return (
        session.scalar(
            select(func.count()).select_from(Change).where(Change.track_id == track_id, Change.kind == "reset")
        )
        or 0
    )


def test_a_phase_waits_for_what_is_missing(track: tuple[Database, int, int], facts: list[object]) -> None:
    database, contest_id, key = track
    with pytest.raises(DomainError) as refused, database.transaction() as session:
        move(session, key, "notice")
    assert refused.value.code == "not_open"
    assert len(refused.value.details["missing"]) == 1  # type: ignore[arg-type]
    assert facts == []
    with database.transaction() as session:
        close(session, key)
        before = changes(session, key)
        move(session, key, "review")
        assert facts == []
    assert facts == [PhaseMoved(contest_id, key, "review")]
    with database.reading() as session:
        assert changes(session, key) == before + 1
        logged = session.scalars(select(Audit).where(Audit.action == "phase.move")).one()
        assert logged.details == {"from": "scoring", "to": "review", "forced": False, "missing": []}
        contest = session.get_one(Contest, contest_id)
        assert contest_phase(contest) == definition(session, contest_id).phase == "review"


def test_force_takes_a_reason_and_closes_windows(track: tuple[Database, int, int]) -> None:
    database, _contest, key = track
    with pytest.raises(DomainError) as refused, database.transaction() as session:
        move(session, key, "review", force=True)
    assert refused.value.field == "reason"
    with database.transaction() as session:
        move(session, key, "review", force=True, reason="停电")
        assert {stage.state for stage in session.get_one(Track, key).stages} == {"closed"}


def test_going_back_takes_force(track: tuple[Database, int, int]) -> None:
    database, _contest, key = track
    with pytest.raises(DomainError), database.transaction() as session:
        move(session, key, "draw")
    with database.transaction() as session:
        move(session, key, "draw", force=True, reason="重抽")
        assert session.get_one(Track, key).phase == "draw"
        session.query(Entry).filter(Entry.track_id == key).update({"draw": None})
    with pytest.raises(DomainError) as refused, database.transaction() as session:
        move(session, key, "scoring")
    assert len(refused.value.details["missing"]) == 12  # type: ignore[arg-type]
    with database.transaction() as session:
        session.query(Entry).filter(Entry.track_id == key).delete()
        assert len(service.missing_for(session, session.get_one(Track, key), "scoring")) == 1


def test_a_phase_that_is_none(track: tuple[Database, int, int]) -> None:
    database, _contest, key = track
    with pytest.raises(DomainError) as refused, database.transaction() as session:
        move(session, key, "judging")
    assert refused.value.code == "unknown"


def test_who_may_do_what(track: tuple[Database, int, int]) -> None:
    database, contest_id, key = track
    chief = Actor(None, "chief", (GrantInfo("chief", contest_id=contest_id, track_id=key),))
    elsewhere = Actor(None, "chief", (GrantInfo("chief", contest_id=contest_id + 1),))
    judge = Actor(None, "judge", (GrantInfo("judge", contest_id=contest_id),))
    organiser = Actor(None, "organiser", (GrantInfo("organiser", contest_id=contest_id),))
    with database.transaction() as session:
        row = session.get_one(Track, key)
        for actor in (VISITOR, judge, elsewhere, chief):
            with pytest.raises(DomainError) as refused:
                move(session, key, "review", actor=actor, force=True, reason="x")
            assert refused.value.code == "forbidden"
        for actor in (VISITOR, judge, elsewhere):
            with pytest.raises(DomainError):
                service.set_window(session, row.stages[0], "closed", actor=actor, now=NOW)
            with pytest.raises(DomainError):
                service.set_freeze(session, row, True, actor=actor, now=NOW)
        service.set_window(session, row.stages[0], "closed", actor=chief, now=NOW)
        service.set_freeze(session, row, True, actor=chief, now=NOW)
        move(session, key, "review", actor=organiser, force=True, reason="x")


def test_a_window_opens_in_scoring_alone(track: tuple[Database, int, int]) -> None:
    database, _contest, key = track
    with database.transaction() as session:
        stage = session.get_one(Track, key).stages[1]
        assert stage.state == "closed"
        service.set_window(session, stage, "open", actor=CONSOLE, now=NOW)
        assert session.get_one(Stage, stage.id).state == "open"
        move(session, key, "review", force=True, reason="x")
        with pytest.raises(DomainError) as refused:
            service.set_window(session, stage, "open", actor=CONSOLE, now=NOW)
        assert refused.value.code == "not_open"
        with pytest.raises(DomainError):
            service.set_window(session, stage, "ajar", actor=CONSOLE, now=NOW)


def test_a_freeze_is_noted_once(track: tuple[Database, int, int]) -> None:
    database, _contest, key = track
    with database.transaction() as session:
        row = session.get_one(Track, key)
        before = changes(session, key)
        service.set_freeze(session, row, True, actor=CONSOLE, now=NOW, reason="颁奖前")
        service.set_freeze(session, row, True, actor=CONSOLE, now=NOW)
        assert (row.frozen_at, row.freeze_reason, changes(session, key)) == (NOW, "颁奖前", before + 1)
        service.set_freeze(session, row, False, actor=CONSOLE, now=NOW)
        assert (row.frozen_at, row.freeze_reason, changes(session, key)) == (None, "", before + 2)


def test_a_rehearsal_is_in_no_list(database: Database, load: Callable[..., int]) -> None:
    contest_id = load("weihai/welder.json")
    with database.transaction() as session:
        assert [contest.id for contest in contests(session)] == [contest_id]
        session.get_one(Contest, contest_id).rehearsal = True
        session.flush()
        assert contests(session) == []
        assert len(contests(session, rehearsals=True)) == 1


def test_codes_are_found_ignoring_case(track: tuple[Database, int, int]) -> None:
    database, contest_id, key = track
    with database.reading() as session:
        assert get_contest(session, "WEIHAI-2026-Welder").id == contest_id
        row = get_track(session, contest_id, "WELDER")
        assert row.id == key
        assert get_stage(session, key, row.stages[0].code.upper()).id == row.stages[0].id
        for find in (
            lambda: get_contest(session, "x"),
            lambda: get_track(session, contest_id, "x"),
            lambda: get_stage(session, key, "x"),
        ):
            with pytest.raises(DomainError):
                find()


def test_the_highest_change_waits_for_writers_on_their_way(track: tuple[Database, int, int]) -> None:
    """A writer that has its number and has not committed is waited for; the reader's lock is gone at once."""
    database, _contest, key = track
    if database.is_sqlite:
        with database.transaction() as session:
            number = note_reset(session, key, NOW)
            assert highest_change(session, key) == number
        return
    began, seen = threading.Event(), []

    def read() -> None:
        with database.reading() as session:
            began.set()
            seen.append(highest_change(session, key))

    with database.transaction() as session:
        lock_track(session, key, shared=True)
        reader = threading.Thread(target=read)
        reader.start()
        assert began.wait(5)
        reader.join(0.2)
        assert seen == []
        number = note_reset(session, key, NOW)
    reader.join(5)
    assert seen == [number]
    with database.reading() as session, database.transaction() as writer:
        assert highest_change(session, key) == number
        assert note_reset(writer, key, NOW) > number


def test_review_waits_for_every_entry(database: Database, tmp_path: Path, load: Callable[..., int]) -> None:
    bundle = json.loads((DATA / "weihai" / "welder.json").read_text(encoding="utf-8"))
    first = bundle["marks"][0]
    bundle["marks"] = bundle["marks"][1:]
    path = tmp_path / "welder.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    contest_id = load(path)
    with database.transaction() as session:
        row = session.scalars(select(Track).where(Track.contest_id == contest_id)).one()
        draw = session.scalars(select(Entry.draw).where(Entry.code == first["entry"])).one()
        close(session, row.id)
        missing = service.missing_for(session, row, "review")
        assert [str(one) for one in missing] == [f"环节“{row.stages[0].title}”还有 1 个参赛项目没有评完:{draw}。"]
