"""Boards from evidence: what counts, folding bit by bit against folding at once, versions, check and rebuild."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from competition import cli
from competition.accounts.policy import CONSOLE
from competition.awards.rules import prizes_by_entry
from competition.contests.models import Stage, Track
from competition.contests.service import move_phase
from competition.leaderboard.models import Board, BoardView
from competition.leaderboard.projector import GAP, Projector
from competition.leaderboard.service import STAMPS, as_json, check_board, prepare, rebuild_board, store
from competition.leaderboard.visible import AUDIENCES, visible
from competition.shared import clock
from competition.shared.db import Database, make_engine
from judges.ballots.reader import Reader
from tests.conftest import DATA, ENGINES
from tests.services.judging import Desk, contest

WEIHAI = ("achievement", "digital", "welder")
OFFICIAL = ("isu-gp-2016-skate-canada-international", "olympic-halfpipe-2026")
WELDER = "weihai-2026-welder"


class BoardDesk(Desk):
    """A contest to judge, with a projector that folds when told to."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.projector = Projector(self.db, Reader(), prizes_by_entry)

    def fold(self) -> None:
        self.projector.fold(self.track_id)

    def view(self, audience: str = "public") -> dict[str, Any]:
        self.fold()
        return stored_view(self.db, self.track_id, audience)

    def row(self, key: str = "1", audience: str = "public") -> dict[str, Any]:
        return next(row for row in self.view(audience)["rows"] if row["key"] == key)

    def move(self, phase: str) -> None:
        with self.db.transaction() as session:
            move_phase(
                session, [session.get_one(Track, self.track_id)], phase, actor=CONSOLE, now=clock.now(), force=True,
                reason="test")  # fmt: skip


def stored_view(db: Database, track_id: int, audience: str) -> dict[str, Any]:
    with db.reading() as session:
        view = session.scalars(select(BoardView).filter_by(track_id=track_id, audience=audience)).one()
        if view.payload:
            assert view.payload["version"] == view.version
        return {"version": view.version, **view.payload}


@pytest.fixture
def make_desk(database: Database) -> Iterator[Callable[..., BoardDesk]]:
    made: list[BoardDesk] = []

    def make(board: dict[str, Any] | None = None, stage: dict[str, Any] | None = None, **more: Any) -> BoardDesk:
        bundle = contest(**more)
        bundle["contest"]["board"] = board or {}
        bundle["tracks"][0]["stages"][0] |= stage or {}
        bundle["tracks"][0]["ranking"] = {"tie_break": ["stage:one", "elapsed:one", "draw"]}
        bundle["tracks"][0]["prizes"] = [{"code": "gold", "title": "金奖", "count": 1}]
        made.append(BoardDesk(database, bundle=bundle))
        return made[-1]

    yield make
    for each in made:
        each.ballots.close()


@pytest.fixture
def desk(make_desk: Callable[..., BoardDesk]) -> BoardDesk:
    return make_desk()


def tracks_of(db: Database, contest_id: int) -> dict[str, int]:
    with db.reading() as session:
        found = session.execute(select(Track.code, Track.id).where(Track.contest_id == contest_id))
        return {row.code: row.id for row in found}


def load_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", WEIHAI)
def test_a_sample_folds_to_its_worked_results(database: Database, load: Callable[..., int], name: str) -> None:
    want = load_json(DATA / "weihai" / f"{name}.results.json")["tracks"]
    tracks = tracks_of(database, load(f"weihai/{name}.json"))
    assert len(want) == len(tracks)
    projector = Projector(database, Reader(), prizes_by_entry)
    for track in want:
        projector.fold(tracks[track["code"]])
        with database.reading() as session:
            board = session.scalars(select(Board).filter_by(track_id=tracks[track["code"]])).one()
            assert check_board(session, board.track_id, reader=Reader(), prizes=prizes_by_entry) == []
        rows = {row["entry"]: row for row in board.result["rows"]}
        assert board.result["complete"] == track["complete"]
        assert len(rows) == len(track["ranking"])
        for one in track["ranking"]:
            row = rows[one["entry"]]
            assert (row["rank"], row["total"], row["status"]) == (one["rank"], one["total"], one["status"])
            assert row["stages"] == one["stages"]


@pytest.mark.parametrize("name", OFFICIAL)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_official_results_fold_to_themselves(database: Database, load: Callable[..., int], name: str) -> None:
    want = load_json(DATA / "official" / f"{name}.official.json")
    tracks = tracks_of(database, load(f"official/{name}.json"))
    projector = Projector(database, Reader())
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for code, track_id in tracks.items():
        projector.fold(track_id)
        with database.reading() as session:
            for row in session.scalars(select(Board).filter_by(track_id=track_id)).one().result["rows"]:
                found[code, row["entry"]] = row
    for one in want:
        row = found[one["track"], one["entry"]]
        assert (row["rank"], row["total"]) == (one["rank"], one["total"])


# -- bit by bit


class Walk:
    """Random changes of every kind to a contest, the way the desks make them."""

    CELLS = (("J1", "j"), ("J1", "g"), ("J2", "j"), ("J2", "g"), ("rec", "m"))

    def __init__(self, desk: BoardDesk, seed: int, numbered: bool = True) -> None:
        self.desk, self.random = desk, random.Random(seed)
        self.prefix = "" if numbered else "E"
        self.revisions: dict[tuple[str, ...], int] = {}
        self.done: dict[str, int] = {}
        self.bag: list[str] = []

    def entry(self) -> str:
        return f"{self.prefix}{self.random.randint(1, 3)}"

    def step(self) -> None:
        if not self.bag:
            self.bag = (
                ["mark"] * 8 + ["sheet"] * 12 + ["final"] * 5 + ["reopen"] * 3 + ["absent", "recuse", "status"] * 2
                + ["adjust", "time", "time", "freeze", "phase", "window"])  # fmt: skip
            self.random.shuffle(self.bag)
        kind = self.bag.pop()
        if getattr(self, kind)():
            self.done[kind] = self.done.get(kind, 0) + 1

    def _mark(self, who: str, stage: str, entry: str, attempt: int, criterion: str, value: Any) -> bool:
        key = who, stage, entry, str(attempt), criterion
        said = self.desk.mark(
            who, criterion, value, base=self.revisions.get(key, 0), entry=entry, stage=stage, attempt=attempt
        )
        if said["ok"]:
            self.revisions[key] = said["revision"]
        return bool(said["ok"])

    def mark(self) -> bool:
        who, criterion = self.random.choice(self.CELLS)
        value = self.random.choice([None, "1", "2", "3"])
        return self._mark(who, "one", self.entry(), self.random.choice([1, 1, 2]), criterion, value)

    def sheet(self) -> bool:
        who = self.random.choice(["J1", "J2", "rec"])
        entry, attempt = self.entry(), self.random.choice([1, 1, 1, 2])
        for seat, criterion in self.CELLS:
            if seat == who:
                value = str(self.random.randint(1, 3))
                self._mark(who, "one", entry, attempt, criterion, value)
        return bool(self.desk.ask(who, "submit", stage="one", entry=entry, attempt=attempt)["ok"])

    def final(self) -> bool:
        entry = self.entry()
        self._mark("J3", "two", entry, 1, "k", str(self.random.randint(0, 10)))
        return bool(self.desk.ask("J3", "submit", stage="two", entry=entry, attempt=1)["ok"])

    def _rule(self, event: str, **message: Any) -> bool:
        return bool(self.desk.ask("chief", event, **{"reason": "复核", **message})["ok"])

    def reopen(self) -> bool:
        return self._rule("reopen", stage=self.random.choice(["one", "one", "two"]), entry=self.entry(), attempt=1)

    def adjust(self) -> bool:
        return self._rule("adjust", stage="one", entry=self.entry(), amount=self.random.choice(["-2", "1.5", "0.25"]))

    def time(self) -> bool:
        return self._rule("time", stage="one", entry=self.entry(), seconds=self.random.choice([None, "10", "12.5"]))

    def absent(self) -> bool:
        where = {"entry": self.entry()} if self.random.random() < 0.5 else {}
        return self._rule(
            "absent", judge=self.random.choice(["J1", "J2"]), stage="one", on=self.random.random() < 0.5, **where
        )

    def recuse(self) -> bool:
        return self._rule(
            "recuse", judge=self.random.choice(["J1", "J2"]), entry=self.entry(), on=self.random.random() < 0.5
        )

    def status(self) -> bool:
        status = self.random.choice(["ok", "ok", "absent", "withdrawn", "disqualified"])
        since = {"status_from": "two"} if status != "ok" and self.random.random() < 0.5 else {}
        return self._rule("status", entry=self.entry(), status=status, **since)

    def freeze(self) -> bool:
        return self._rule("freeze", on=self.random.random() < 0.5)

    def window(self) -> bool:
        return self._rule("window", stage="one", state="open") and self._rule("window", stage="two", state="open")

    def phase(self) -> bool:
        for phase in (self.random.choice(["review", "notice", "final", "draw"]), "scoring"):
            self.desk.move(phase)
            compare(self.desk)
        return self.window()


def compare(desk: BoardDesk) -> None:
    """What was folded bit by bit is what folding at once gives, to the last digit, row and word."""
    before = {audience: seen_of(desk.db, desk.track_id, audience) for audience in AUDIENCES}
    desk.fold()
    with desk.db.reading() as session:
        assert check_board(session, desk.track_id, reader=Reader(), prizes=prizes_by_entry) == []
        fresh = prepare(session, desk.track_id, reader=Reader(), prizes=prizes_by_entry)
    memory = desk.projector._memory[desk.track_id]
    assert memory.covers == fresh.covers
    assert memory.results == fresh.memory.results
    for audience in AUDIENCES:
        held, version = before[audience]
        last = None if version == 0 else held
        seen, later = seen_of(desk.db, desk.track_id, audience)
        assert seen == (visible(fresh.result, fresh.setting, audience, last) or {})
        # Counts up by one when something is to be seen, and only then.
        assert later == version + (seen != held)


def seen_of(db: Database, track_id: int, audience: str) -> tuple[dict[str, Any], int]:
    with db.reading() as session:
        view = session.scalars(select(BoardView).filter_by(track_id=track_id, audience=audience)).one_or_none()
    if view is None:
        return {}, 0
    return {name: value for name, value in view.payload.items() if name not in STAMPS}, view.version


STEPS = 60
WALKS = [
    ("sqlite", 1, {}, {}, STEPS),
    ("sqlite", 2, {"counts": "saved"}, {"advance": {"top": 2}}, STEPS),
    ("sqlite", 3, {"identity": "entry"}, {"normalise": "panel_zscore"}, STEPS),
    ("postgresql", 4, {}, {"advance": {"top": 2}}, STEPS),
    ("postgresql", 5, {"counts": "saved"}, {"normalise": "panel_ratio"}, STEPS),
]


@pytest.mark.parametrize(("database_url", "seed", "board", "stage", "steps"), WALKS, indirect=["database_url"])
def test_folding_bit_by_bit_is_folding_at_once(
    make_desk: Callable[..., BoardDesk], seed: int, board: dict[str, Any], stage: dict[str, Any], steps: int
) -> None:
    desk = make_desk(board, stage)
    walk = Walk(desk, seed, numbered=board.get("identity") != "entry")
    compare(desk)
    for _ in range(steps):
        walk.step()
        compare(desk)
    # The walk has been everywhere.
    assert {"mark", "sheet", "reopen", "adjust", "time", "absent", "recuse", "status", "freeze", "phase"} <= set(
        walk.done
    )


# -- what counts


def test_a_half_submitted_attempt_is_not_on_the_board(desk: BoardDesk) -> None:
    assert (desk.row()["status"], desk.row()["progress"]) == ("pending", {"marked": 0, "expected": 5})
    for who, criteria in {"J1": ("j", "g"), "J2": ("j", "g")}.items():
        for criterion in criteria:
            assert desk.mark(who, criterion, "2")["ok"]
        assert desk.ask(who, "submit", stage="one", entry="1", attempt=1)["ok"]
    assert desk.mark("rec", "m", "50")["ok"]
    half = desk.row()
    # How far the marking is may be seen, what was marked may not.
    assert (half["stages"], half["so_far"]) == ({"one": None}, "0.00")
    assert half["progress"] == {"marked": 5, "expected": 5}
    assert desk.ask("rec", "submit", stage="one", entry="1", attempt=1)["ok"]
    whole = desk.row()
    assert (whole["status"], whole["stages"]) == ("ranked", {"one": "72.00"})
    # A second attempt counts from when it is whole; until then the first stands.
    desk.fill("1", attempt=2, points="10", submit=False)
    assert desk.row()["stages"] == {"one": "72.00"}
    assert desk.row()["progress"] == {"marked": 10, "expected": 10}


def test_a_reopened_sheet_goes_on_counting_and_says_so(desk: BoardDesk) -> None:
    desk.fill("1")
    before = desk.row()
    assert not before["reopened"] and before["total"] is not None
    assert desk.ask("chief", "reopen", stage="one", entry="1", attempt=1, judge="J1", reason="笔误")["ok"]
    assert desk.mark("J1", "j", "9", base=1)["ok"]
    assert desk.row() == {**before, "reopened": True}
    assert desk.ask("J1", "submit", stage="one", entry="1", attempt=1)["ok"]
    after = desk.row()
    assert not after["reopened"]
    assert float(after["total"]) > float(before["total"])


def test_a_board_that_counts_what_is_saved(make_desk: Callable[..., BoardDesk]) -> None:
    desk = make_desk({"counts": "saved"})
    desk.fill("1", submit=False)
    assert desk.row()["status"] == "ranked"
    before = float(desk.row()["total"])
    assert desk.mark("J1", "j", "10", base=1)["ok"]
    assert float(desk.row()["total"]) > before
    assert desk.mark("J1", "j", None, base=2)["ok"]
    assert desk.row()["status"] == "pending"


# -- freeze and versions


def test_a_frozen_board_stands_still_for_the_public_alone(desk: BoardDesk) -> None:
    desk.fill("1")
    before = desk.view()
    assert desk.ask("chief", "freeze", on=True, reason="颁奖前")["ok"]
    frozen = desk.view()
    assert (frozen["state"], frozen["freeze"]["reason"]) == ("frozen", "颁奖前")
    assert (frozen["version"], frozen["rows"]) == (before["version"] + 1, before["rows"])
    staff = desk.view("staff")
    desk.fill("2", points="9")
    desk.fill("3", points="7")
    desk.move("review")
    assert desk.view() == frozen
    later = desk.view("staff")
    assert later["version"] > staff["version"] and later["state"] == "live"
    assert [row["status"] for row in later["rows"]].count("pending") < [
        row["status"] for row in frozen["rows"]].count("pending")  # fmt: skip
    assert desk.ask("chief", "freeze", on=False)["ok"]
    lifted = desk.view()
    assert (lifted["version"], lifted["state"], "freeze" in lifted) == (frozen["version"] + 1, "live", False)
    assert lifted["rows"] == desk.view("staff")["rows"]


def test_a_board_taken_away_during_a_freeze_comes_back_when_it_ends(desk: BoardDesk) -> None:
    """What the freeze held is gone then, and the rows of the moment are what it hides."""
    desk.fill("1")
    desk.fold()
    assert desk.ask("chief", "freeze", on=True, reason="颁奖前")["ok"]
    desk.fold()
    desk.move("draw")
    gone = desk.view()
    desk.move("scoring")
    assert "rows" not in gone and desk.view() == gone
    assert desk.view("staff")["rows"]
    assert desk.ask("chief", "freeze", on=False)["ok"]
    assert desk.view()["rows"] == desk.view("staff")["rows"]


def test_a_version_counts_up_only_on_a_change(desk: BoardDesk) -> None:
    desk.fill("1")
    first = desk.view()
    assert desk.view() == first
    # A change of the evidence that nobody can see.
    assert desk.ask("chief", "reopen", stage="one", entry="1", attempt=1, judge="J1", reason="x")["ok"]
    assert desk.view()["version"] == first["version"] + 1
    assert desk.mark("J1", "j", "8", base=1)["ok"]
    assert desk.view()["version"] == first["version"] + 1
    assert desk.ask("chief", "window", stage="one", state="paused", reason="x")["ok"]
    assert desk.view()["version"] == first["version"] + 1
    assert desk.view()["as_of"] == stored_view(desk.db, desk.track_id, "public")["as_of"]


def test_a_fold_with_nothing_new_costs_no_evidence(desk: BoardDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.fill("1")
    desk.fold()
    read: list[Any] = []
    plain = Reader.read

    def counted(self: Reader, session: Any, track_id: int, upto: Any = None, entries: Any = None) -> Any:
        read.append(entries)
        return plain(self, session, track_id, upto, entries)

    monkeypatch.setattr(Reader, "read", counted)
    desk.fold()
    desk.fold()
    assert read == []
    assert desk.mark("J1", "j", "8", entry="2")["ok"]
    desk.fold()
    assert read == [{"E2"}]


# -- check and rebuild


def tamper(desk: BoardDesk, **more: Any) -> None:
    with desk.db.transaction() as session:
        board = session.scalars(select(Board)).one()
        board.result = {**board.result, **more}


def check(desk: BoardDesk) -> list[str]:
    with desk.db.reading() as session:
        return check_board(session, desk.track_id, reader=Reader(), prizes=prizes_by_entry)


def rebuild(desk: BoardDesk) -> list[str]:
    with desk.db.transaction() as session:
        return rebuild_board(session, desk.track_id, reader=Reader(), now=clock.now(), prizes=prizes_by_entry)


def test_each_difference_is_named_and_mended(desk: BoardDesk) -> None:
    desk.fill("1")
    desk.fill("2", points="8")
    right = desk.view()
    rows = {row["entry"]: row for row in board_of(desk)["rows"]}
    tamper(desk, complete=True, rows=[{**rows["E1"], "rank": 9, "total": "99.99"}, {**rows["E2"], "entry": "E9"},
                                      rows["E3"]])  # fmt: skip
    found = check(desk)
    assert len(found) == 5
    assert "complete: stored True, folded False" in found
    assert f"E1.rank: stored 9, folded {rows['E1']['rank']}" in found
    assert f"E1.total: stored '99.99', folded {rows['E1']['total']!r}" in found
    assert {"E2: not stored", "E9: not in the evidence"} < set(found)
    assert rebuild(desk) == found
    assert (check(desk), rebuild(desk)) == ([], [])
    assert stored_view(desk.db, desk.track_id, "public") == right


def test_a_view_that_was_changed_is_mended_as_a_new_version(desk: BoardDesk) -> None:
    right = desk.view()
    with desk.db.transaction() as session:
        for view in session.scalars(select(BoardView)):
            view.payload = {**view.payload, "rows": [*view.payload["rows"][:1], {"key": "9"}], "complete": True}
    found = check(desk)
    assert [text.split(": ")[0] for text in found] == [
        f"{audience}{place}" for audience in AUDIENCES for place in (".complete", ", row 2", ", row 3", ", row 9")
    ]
    assert (rebuild(desk), check(desk)) == (found, [])
    for audience in AUDIENCES:
        view = stored_view(desk.db, desk.track_id, audience)
        assert (view["rows"], view["version"]) == (right["rows"], right["version"] + 1)


def test_a_board_that_claims_evidence_to_come_is_mended(desk: BoardDesk) -> None:
    desk.fold()
    with desk.db.transaction() as session:
        covers = session.scalars(select(Board.covers)).one()
        session.execute(update(Board).values(covers=covers + 1000))
    desk.fill("1")
    found = check(desk)
    assert any(text.startswith(f"covers: stored {covers + 1000}") for text in found)
    assert rebuild(desk) == found
    assert check(desk) == []
    assert desk.row()["status"] == "ranked"


def test_a_board_behind_its_evidence_is_no_difference(desk: BoardDesk) -> None:
    desk.fold()
    desk.fill("1")
    desk.move("review")
    assert check(desk) == []


def board_of(desk: BoardDesk) -> dict[str, Any]:
    with desk.db.reading() as session:
        return dict(session.scalars(select(Board)).one().result)


def test_check_and_rebuild_say_how_they_end(
    desk: BoardDesk, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("LEITAI_DATABASE_URL", database_url)
    monkeypatch.setenv("LEITAI_DATA_DIR", str(tmp_path / "data"))

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as end:
            cli.main(list(words))
        return int(end.value.code or 0), capsys.readouterr().out

    desk.fill("1")
    desk.fold()
    assert run("check", "cup") == run("check", "CUP/t") == (0, "No difference.\n")
    tamper(desk, complete=True)
    assert run("check", "cup") == (1, "cup/t: complete: stored True, folded False\n1 difference(s).\n")
    code, said = run("rebuild", "cup/t")
    assert code == 1 and said.endswith("Rebuilt; 1 difference(s).\n")
    assert run("rebuild", "cup") == (0, "Rebuilt; nothing differed.\n")
    assert run("check", "cup")[0] == 0
    assert run("check", "nowhere")[0] == run("rebuild", "cup/nowhere")[0] == 2


# -- projectors


def test_an_older_fold_is_never_stored_over_a_newer(desk: BoardDesk) -> None:
    desk.fold()
    with desk.db.reading() as session:
        older = prepare(session, desk.track_id, reader=Reader())
    desk.fill("1")
    with desk.db.reading() as session:
        newer = prepare(session, desk.track_id, reader=Reader())
    with desk.db.transaction() as session:
        assert store(session, newer, now=clock.now()) is not None
    with desk.db.transaction() as session:
        assert store(session, older, now=clock.now()) is None
    assert board_of(desk) == as_json(newer.result)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_projectors_at_once(desk: BoardDesk, database_url: str) -> None:
    """Each folds as fast as it can while marks come in; the stored board only ever goes on."""
    ended = threading.Event()
    failed: list[BaseException] = []

    def project() -> None:
        database = Database(make_engine(database_url))
        projector = Projector(database, Reader(), prizes_by_entry)
        covered = 0
        try:
            while not ended.is_set():
                projector.fold(desk.track_id)
                with database.reading() as session:
                    covers = session.scalars(select(Board.covers)).one()
                assert covers >= covered
                covered = covers
        except BaseException as error:
            failed.append(error)
        finally:
            database.engine.dispose()

    threads = [threading.Thread(target=project) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for entry in ("1", "2", "3"):
            for attempt in (1, 2):
                desk.fill(entry, attempt=attempt)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert failed == []
    desk.fold()
    assert check(desk) == []
    assert {row["stages"]["one"] for row in desk.view()["rows"]} == {"30.00"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_busy_track_is_folded_five_times_a_second(desk: BoardDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of the test's: a quiet track at once, then the latest state every fifth of a second."""
    time = [100.0]
    monkeypatch.setattr("competition.leaderboard.projector.time.monotonic", lambda: time[0])
    projector = desk.projector
    projector._last[desk.track_id] = time[0] - 5
    folded = []
    for tick in range(100):
        time[0] = 100 + tick / 100
        projector.wake(desk.track_id)
        for track_id in projector._take():
            projector._last[track_id] = time[0]
            folded.append(tick)
    assert folded[0] == 0
    assert len(folded) == 5
    assert all(later - earlier >= GAP * 100 - 1e-6 for earlier, later in itertools.pairwise(folded))
    # The last wake is never lost.
    time[0] += GAP
    assert projector._take() == [desk.track_id]


@pytest.mark.parametrize("database_url", list(ENGINES), indirect=True)
def test_a_running_projector_sees_what_others_wrote(desk: BoardDesk) -> None:
    """No fact reaches it: another process (a command) has written."""
    stored = threading.Condition()
    plain = desk.projector.fold

    def fold(track_id: int) -> None:
        plain(track_id)
        with stored:
            stored.notify_all()

    desk.projector.fold = fold  # type: ignore[method-assign]
    desk.projector.start()
    try:
        with stored:
            assert stored.wait_for(lambda: desk.projector.folds > 0, 10)
        desk.fill("1")
        desk.move("notice")

        def told() -> bool:
            return stored_view(desk.db, desk.track_id, "public")["state"] == "final"

        with stored:
            assert stored.wait_for(told, 10)
    finally:
        desk.projector.stop()
    assert check(desk) == []
    assert desk.view()["rows"][0]["title"] == "E1"


def test_a_track_that_fails_is_folded_from_scratch_the_next_time(
    desk: BoardDesk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk.fold()
    desk.fill("1")

    def broken(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("disk")

    with monkeypatch.context() as patch:
        patch.setattr("competition.leaderboard.projector.store", broken)
        desk.projector._fold_safely(desk.track_id)
    assert "could not be folded" in caplog.text
    assert desk.track_id not in desk.projector._memory
    assert desk.row()["status"] == "ranked"
    assert check(desk) == []


def test_a_stage_that_is_open_changes_no_board(desk: BoardDesk) -> None:
    """Windows are the desks' matter; that the test contest opens them behind everybody's back is not seen."""
    first = desk.view()
    with desk.db.transaction() as session:
        for stage in session.scalars(select(Stage)):
            stage.state = "paused"
    assert desk.view() == first
