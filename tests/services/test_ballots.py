"""The ballots on both databases: what is stored, what is refused with which code, and that a refusal stores nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from competition.accounts.models import Audit
from competition.accounts.policy import VISITOR
from competition.bundle.service import export_bundle
from competition.shared import clock
from competition.shared.db import Database
from judges.ballots.models import Mark, Sheet
from judges.desk.protocol import answer
from judges.sections import SECTIONS
from tests.services.judging import Desk, contest


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    desk = Desk(database)
    yield desk
    desk.ballots.close()


def code(said: dict[str, Any]) -> str:
    return "ok" if said["ok"] else str(said["error"]["code"])


def values(desk: Desk) -> dict[tuple[str, int], str | None]:
    """The latest values by entry and revision."""
    with desk.db.reading() as session:
        return {(row.criterion_id, row.revision): row.value for row in session.scalars(select(Mark).order_by(Mark.seq))}


def test_revisions_of_a_cell_count_from_one_and_the_last_may_be_cleared(desk: Desk) -> None:
    first = desk.mark("J1", "j", "7.50")
    assert first["ok"] and first["revision"] == 1 and first["at"].endswith("Z")
    second = desk.mark("J1", "j", 8, base={"after": first["op"]})
    assert second["revision"] == 2
    cleared = desk.mark("J1", "j", None, base=2)
    assert cleared["revision"] == 3
    assert [value for _, value in sorted(values(desk).items())] == ["7.5", "8", None]


def test_the_same_op_gets_the_same_answer_and_changes_nothing(desk: Desk) -> None:
    op = str(uuid.uuid4())
    first = desk.mark("J1", "j", 7, op=op)
    stored = desk.counts()
    assert desk.mark("J1", "j", 7, op=op) == first
    assert code(desk.mark("J1", "j", 8, op=op)) == "op_reused"
    desk.set_phase("scoring", "closed")
    assert desk.mark("J1", "j", 7, op=op) == first
    assert desk.counts() == stored
    # Unique for the person, so another's is another op.
    desk.set_phase("scoring")
    assert desk.mark("J2", "j", 7, op=op)["ok"]


def test_a_refused_op_may_be_tried_again(desk: Desk) -> None:
    op = str(uuid.uuid4())
    desk.set_phase("scoring", "paused")
    assert code(desk.mark("J1", "j", 7, op=op)) == "not_open"
    desk.set_phase("scoring")
    assert desk.mark("J1", "j", 7, op=op)["revision"] == 1


def test_a_stale_base_is_a_conflict_with_what_is_stored(desk: Desk) -> None:
    ours = desk.mark("J1", "j", 7)
    desk.mark("J1", "j", 8, base=1)
    for base in (0, 1, 3, {"after": ours["op"]}, {"after": str(uuid.uuid4())}):
        error = desk.mark("J1", "j", 9, base=base)["error"]
        assert (error["code"], error["value"], error["revision"]) == ("conflict", "8", 2)
    other = desk.mark("J1", "g", 2)
    assert code(desk.mark("J1", "j", 9, base={"after": other["op"]})) == "conflict"
    assert code(desk.mark("J2", "j", 9, base=1)) == "conflict"
    assert desk.counts()[1] == 1, "a conflict leaves no empty sheet"


def test_a_measurement_has_one_cell_whoever_enters_it(desk: Desk, database: Database) -> None:
    assert desk.mark("rec", "m", "12.25")["revision"] == 1
    second = desk.people["rec"]
    desk.people["rec"] = desk.people["none"].__class__(desk.people["none"].person_id, "x", second.grants)
    assert code(desk.mark("rec", "m", "13")) == "conflict"
    assert desk.mark("rec", "m", "13", base=1)["revision"] == 2


MARKS: list[tuple[str, str, dict[str, Any]]] = [
    ("above_max", "J1", {"value": "10.5"}),
    ("above_max", "J1", {"criterion": "g", "value": 4}),
    ("above_max", "rec", {"criterion": "m", "value": "100.01"}),
    ("below_min", "J1", {"value": "0.5"}),
    ("below_min", "J1", {"criterion": "g", "value": -1}),
    ("off_step", "J1", {"value": "7.25"}),
    ("off_step", "J1", {"criterion": "g", "value": "1.5"}),
    ("bad_number", "J1", {"value": 7.5}),
    ("bad_number", "J1", {"value": True}),
    ("bad_number", "J1", {"value": "1e1"}),
    ("bad_number", "J1", {"value": "NaN"}),
    ("bad_number", "J1", {"value": "7" * 5000}),
    ("bad_number", "J1", {"value": ["7"]}),
    ("unknown", "J1", {"contest": "nowhere"}),
    ("unknown", "J1", {"track": "x"}),
    ("unknown", "J1", {"stage": "x"}),
    ("unknown", "J1", {"entry": "9"}),
    ("unknown", "J1", {"entry": "E1"}),
    ("unknown", "J1", {"criterion": "x"}),
    ("unknown", "J1", {"criterion": "head"}),
    ("unknown", "J1", {"attempt": 3}),
    ("unknown", "J1", {"judge": "J9"}),
    ("forbidden", "J1", {"judge": "J2"}),
    ("forbidden", "J1", {"judge": None}),
    ("forbidden", "J1", {"criterion": "m", "value": 5}),
    ("forbidden", "rec", {}),
    ("forbidden", "chief", {}),
    ("forbidden", "org", {}),
    ("forbidden", "none", {}),
    ("not_expected", "J3", {}),
    ("not_expected", "J3", {"stage": "two", "criterion": "k"}),
    ("conflict", "J1", {"base": 1}),
    ("bad_request", "J1", {"op": "x"}),
    ("bad_request", "J1", {"op": None}),
    ("bad_request", "J1", {"base": None}),
    ("bad_request", "J1", {"base": -1}),
    ("bad_request", "J1", {"base": "0"}),
    ("bad_request", "J1", {"base": {"after": 1}}),
    ("bad_request", "J1", {"attempt": 0}),
    ("bad_request", "J1", {"attempt": "1"}),
    ("bad_request", "J1", {"stage": ["one"]}),
    ("bad_request", "J1", {"entry": True}),
    ("bad_request", "J1", {"criterion": "\ud800"}),
    ("bad_request", "J1", {"contest": "a\0b"}),
]


def test_marks_that_are_refused_store_nothing(desk: Desk) -> None:
    empty = desk.counts()
    for wanted, who, change in MARKS:
        said = desk.mark(who, **{"criterion": "j", "value": 5, **change})
        assert code(said) == wanted, (who, change, said)
        assert said["error"]["message"]
    visitor = answer(desk.services, VISITOR, {"event": "mark"}, now=clock.now())
    assert code(visitor) == "signed_out"
    for message in (None, [], "mark", {}, {"event": "steal"}, {"event": ["mark"]}):
        assert code(answer(desk.services, desk.people["J1"], message, now=clock.now())) == "bad_request"
    assert desk.counts() == empty


RULINGS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("bad_number", "chief", "adjust", {"stage": "one", "entry": "1", "amount": 1.5, "reason": "x"}),
    ("bad_number", "chief", "adjust", {"stage": "one", "entry": "1", "amount": "x", "reason": "x"}),
    ("bad_request", "chief", "adjust", {"stage": "one", "entry": "1", "reason": "x"}),
    ("bad_request", "chief", "adjust", {"stage": "one", "entry": "1", "amount": "1"}),
    ("bad_request", "chief", "adjust", {"stage": "one", "entry": "1", "amount": "1", "reason": "  "}),
    ("bad_request", "chief", "adjust", {"stage": "one", "amount": "1", "reason": "x"}),
    ("unknown", "chief", "adjust", {"stage": "x", "entry": "1", "amount": "1", "reason": "x"}),
    ("unknown", "chief", "adjust", {"stage": "one", "entry": "9", "amount": "1", "reason": "x"}),
    ("forbidden", "J1", "adjust", {"stage": "one", "entry": "1", "amount": "1", "reason": "x"}),
    ("forbidden", "org", "adjust", {"stage": "one", "entry": "1", "amount": "1", "reason": "x"}),
    ("bad_request", "chief", "absent", {"stage": "one", "judge": "J1", "on": 1, "reason": "x"}),
    ("bad_request", "chief", "absent", {"stage": "one", "judge": "J1", "on": True}),
    ("bad_request", "chief", "absent", {"stage": "one", "on": True, "reason": "x"}),
    ("unknown", "chief", "absent", {"stage": "one", "judge": "J9", "on": True, "reason": "x"}),
    ("forbidden", "rec", "absent", {"stage": "one", "judge": "J1", "on": True, "reason": "x"}),
    ("bad_request", "chief", "recuse", {"entry": "1", "judge": "J1", "on": None, "reason": "x"}),
    ("forbidden", "J1", "recuse", {"entry": "1", "judge": "J1", "on": True, "reason": "x"}),
    ("bad_request", "chief", "status", {"entry": "1", "status": "gone", "reason": "x"}),
    ("bad_request", "chief", "status", {"entry": "1", "status": "ok", "status_from": "two", "reason": "x"}),
    ("bad_request", "chief", "status", {"entry": "1", "status": "absent"}),
    ("unknown", "chief", "status", {"entry": "1", "status": "absent", "status_from": "x", "reason": "x"}),
    ("forbidden", "rec", "status", {"entry": "1", "status": "absent", "reason": "x"}),
    ("bad_number", "rec", "time", {"stage": "one", "entry": "1", "seconds": 1.5}),
    ("below_min", "rec", "time", {"stage": "one", "entry": "1", "seconds": "-1"}),
    ("bad_request", "rec", "time", {"stage": "one", "entry": "1"}),
    ("forbidden", "J1", "time", {"stage": "one", "entry": "1", "seconds": 5}),
    ("bad_request", "chief", "reopen", {"stage": "one", "entry": "1", "attempt": 1}),
    ("unknown", "chief", "reopen", {"stage": "one", "entry": "1", "attempt": 1, "reason": "x"}),
    ("forbidden", "J1", "reopen", {"stage": "one", "entry": "1", "attempt": 1, "reason": "x"}),
    ("bad_request", "chief", "window", {"stage": "one", "state": "ajar"}),
    ("unknown", "chief", "window", {"stage": "x", "state": "open"}),
    ("forbidden", "J1", "window", {"stage": "one", "state": "closed"}),
    ("bad_request", "chief", "freeze", {"on": "yes"}),
    ("forbidden", "rec", "freeze", {"on": True}),
    ("incomplete", "J1", "submit", {"stage": "one", "entry": "1", "attempt": 1}),
    ("forbidden", "chief", "submit", {"stage": "one", "entry": "1", "attempt": 1}),
    ("forbidden", "J1", "submit", {"stage": "one", "entry": "1", "attempt": 1, "judge": "J2"}),
    ("not_expected", "J3", "submit", {"stage": "one", "entry": "1", "attempt": 1}),
    ("unknown", "J1", "submit", {"stage": "one", "entry": "7", "attempt": 1}),
    ("forbidden", "none", "open", {}),
    ("unknown", "chief", "open", {"contest": "nowhere"}),
    ("unknown", "chief", "open", {"contest": "a\0b"}),
    ("unknown", "chief", "open", {"contest": "\ud800"}),
    ("bad_request", "chief", "open", {"contest": 5}),
]


def test_rulings_and_submissions_that_are_refused_store_nothing(desk: Desk) -> None:
    empty = desk.counts()
    for wanted, who, event, message in RULINGS:
        said = desk.ask(who, event, **message)
        assert code(said) == wanted, (who, event, message, said)
        assert said["error"]["message"]
    assert desk.counts() == empty


def test_a_sheet_is_submitted_whole_and_then_locked_until_it_is_reopened(desk: Desk) -> None:
    desk.mark("J1", "j", 7)
    error = desk.ask("J1", "submit", stage="one", entry="1", attempt=1)["error"]
    assert (error["code"], error["missing"]) == ("incomplete", ["g"])
    desk.mark("J1", "g", 3)
    op = str(uuid.uuid4())
    done = desk.ask("J1", "submit", stage="one", entry="1", attempt=1, op=op)
    assert done["state"] == "submitted"
    assert desk.ask("J1", "submit", stage="one", entry="1", attempt=1, op=op) == done
    assert code(desk.ask("J1", "submit", stage="one", entry="1", attempt=1)) == "locked"
    assert code(desk.mark("J1", "j", 8, base=1)) == "locked"
    assert desk.mark("J1", "j", 8, attempt=2)["ok"], "another attempt is another sheet"
    assert desk.ask("chief", "reopen", stage="one", entry="1", attempt=1, judge="J1", reason="改分")["ok"]
    told = {(sheet["entry"], sheet["attempt"]): sheet["reason"] for sheet in desk.ask("J1", "open")["sheets"]}
    assert told["1", 1] == "改分" and told["1", 2] is None
    assert desk.mark("J1", "j", 8, base=1)["revision"] == 2
    # The last submitted value goes on counting until the sheet is submitted again.
    counted = [mark.value for mark in reading(desk, "uncounted") if mark.criterion == "j" and mark.attempt == 1]
    assert counted == [8] and reading(desk, "reopened") == {"E1"}
    assert {(mark.criterion, str(mark.value)) for mark in exported(desk).marks} == {("j", "7"), ("g", "3")}
    assert desk.ask("J1", "submit", stage="one", entry="1", attempt=1)["ok"]
    assert {(mark.criterion, str(mark.value)) for mark in exported(desk).marks} == {("j", "8"), ("g", "3")}


def reading(desk: Desk, name: str) -> Any:
    with desk.db.reading() as session:
        return getattr(desk.services.reader.read(session, desk.track_id), name)


def exported(desk: Desk) -> Any:
    with desk.db.reading() as session:
        return export_bundle(session, desk.code, sections=SECTIONS)


def test_when_marks_are_taken(desk: Desk) -> None:
    desk.fill("1")
    for phase in ("draft", "registration", "draw", "review", "notice", "final", "archived"):
        desk.set_phase(phase)
        assert code(desk.mark("J1", "j", 7, entry="2")) == "not_open", phase
    for window in ("paused", "closed"):
        desk.set_phase("scoring", window)
        assert code(desk.mark("J1", "j", 7, entry="2")) == "not_open"
    desk.set_phase("review", "closed")
    assert code(desk.mark("J1", "j", 7, base=1)) == "locked"
    assert desk.ask("chief", "reopen", stage="one", entry="1", attempt=1, reason="复核")["ok"]
    assert desk.mark("J1", "j", 7, base=1)["ok"], "a reopened sheet is marked in review too"
    assert desk.mark("rec", "m", 7, base=1)["ok"]
    assert desk.ask("J1", "submit", stage="one", entry="1", attempt=1)["ok"]
    assert code(desk.mark("J1", "j", 8, base=2)) == "locked"
    desk.set_phase("notice", "closed")
    assert code(desk.ask("chief", "reopen", stage="one", entry="1", attempt=1, reason="x")) == "not_open"
    assert code(desk.ask("chief", "adjust", stage="one", entry="1", amount=1, reason="x")) == "not_open"
    assert code(desk.mark("rec", "m", 8, base=2)) == "not_open"


def test_who_is_not_expected(desk: Desk) -> None:
    turns: list[tuple[str, dict[str, Any], set[str]]] = [
        ("recuse", {"judge": "J1", "entry": "1"}, {"J1/1"}),
        ("absent", {"judge": "J1", "stage": "one"}, {"J1/1", "J1/2"}),
        ("absent", {"judge": "J1", "stage": "one", "entry": "2"}, {"J1/2"}),
        ("absent", {"judge": "J1", "stage": "two"}, set()),
    ]
    cells = {"J1/1": 0, "J1/2": 0, "J2/1": 0, "J2/2": 0}
    for kind, words, out in turns:
        assert desk.ask("chief", kind, **words, on=True, reason="理由")["ok"]
        for cell in cells:
            judge, entry = cell.split("/")
            said = desk.mark(judge, "j", 5, entry=entry, base=cells[cell])
            assert code(said) == ("not_expected" if cell in out else "ok"), (kind, words, cell)
            cells[cell] += said["ok"]
        assert desk.ask("chief", kind, **words, on=False, reason="撤回")["ok"]
    assert desk.ask("chief", "status", entry="1", status="withdrawn", status_from="two", reason="弃权")["ok"]
    assert desk.mark("J1", "j", 5, base=cells["J1/1"])["ok"]
    assert desk.ask("chief", "status", entry="1", status="disqualified", reason="作弊")["ok"]
    assert code(desk.mark("J2", "j", 5, base=cells["J2/1"])) == "not_expected"
    assert code(desk.mark("rec", "m", 5)) == "not_expected"
    assert desk.ask("chief", "status", entry="1", status="ok", reason="复核")["ok"]
    assert desk.mark("rec", "m", 5)["ok"]


def test_an_entry_that_was_cut_is_not_expected(desk: Desk) -> None:
    for entry, points in (("1", "5"), ("2", "9"), ("3", "7")):
        assert code(desk.mark("J3", "k", 5, stage="two", entry=entry)) == "not_expected"
        desk.fill(entry, points=points)
    assert desk.mark("J3", "k", 5, stage="two", entry="2")["ok"]
    for entry in ("1", "3"):
        assert code(desk.mark("J3", "k", 5, stage="two", entry=entry)) == "not_expected"
    assert desk.mark("J3", "k", 6, stage="two", entry="2", base=1)["revision"] == 2


def test_rulings_are_appended_each_with_its_line_in_the_log(desk: Desk) -> None:
    op = str(uuid.uuid4())
    first = desk.ask("chief", "adjust", stage="one", entry="1", amount="-2.50", reason="超时", op=op)
    assert first["ok"] and first["seq"]
    assert desk.ask("chief", "adjust", stage="one", entry="1", amount="-2.50", reason="超时", op=op) == first
    assert code(desk.ask("chief", "adjust", stage="one", entry="1", amount="-3", reason="超时", op=op)) == "op_reused"
    assert desk.ask("chief", "adjust", stage="one", entry="1", amount="2.5", reason="撤回")["ok"]
    assert desk.ask("rec", "time", stage="one", entry="1", seconds="61.50")["ok"]
    assert desk.ask("chief", "time", stage="one", entry="1", seconds="60")["ok"]
    with desk.db.reading() as session:
        evidence = desk.services.reader.read(session, desk.track_id)
        log = list(session.scalars(select(Audit.action).where(Audit.action.like("ruling.%")).order_by(Audit.id)))
    assert [str(item.amount) for item in evidence.adjustments] == ["-2.5", "2.5"]
    assert [str(item.seconds) for item in evidence.timings] == ["60"]
    assert log == ["ruling.adjust", "ruling.adjust", "ruling.time", "ruling.time"]
    assert desk.ask("rec", "time", stage="one", entry="1", seconds=None)["ok"]
    assert reading(desk, "timings") == ()


def test_windows_and_freezes_go_through_the_contest(desk: Desk) -> None:
    assert desk.ask("chief", "window", stage="one", state="paused", reason="设备故障")["ok"]
    assert code(desk.mark("J1", "j", 5)) == "not_open"
    assert code(desk.ask("rec", "time", stage="one", entry="1", seconds=5)) == "not_open"
    assert desk.ask("org", "window", stage="one", state="open")["ok"]
    assert desk.mark("J1", "j", 5)["ok"]
    assert desk.ask("org", "freeze", on=True, reason="悬念")["ok"]
    assert desk.ask("chief", "freeze", on=False)["ok"]
    opened = desk.ask("chief", "open")
    assert [(row["kind"], row.get("state", row.get("on"))) for row in opened["rulings"]] == [
        ("window", "paused"),
        ("window", "open"),
        ("freeze", True),
        ("freeze", False),
    ]


def test_a_desk_that_comes_later_is_told_why_a_window_is_shut(desk: Desk) -> None:
    assert desk.ask("chief", "window", stage="one", state="paused", reason="停电")["ok"]
    stage = desk.ask("J1", "open")["stages"][0]
    assert (stage["window"], stage["reason"]) == ("paused", "停电")
    assert desk.ask("chief", "window", stage="one", state="open")["ok"]
    stage = desk.ask("J1", "open")["stages"][0]
    assert (stage["window"], stage["reason"]) == ("open", "")


def test_what_a_desk_opens_with(desk: Desk) -> None:
    desk.mark("J1", "j", 7)
    desk.mark("rec", "m", 12)
    judge = desk.ask("J1", "open")
    assert judge["phase"] == {"t": "scoring"} and [seat["code"] for seat in judge["seats"]] == ["one/J1"]
    assert [stage["stage"] for stage in judge["stages"]] == ["one"]
    assert {sheet["judge"] for sheet in judge["sheets"]} == {"J1"} and len(judge["sheets"]) == 6
    marked = [sheet for sheet in judge["sheets"] if sheet["marks"]]
    assert marked[0]["marks"] == [{"criterion": "j", "value": "7", "revision": 1}]
    assert "rulings" in judge and judge["rulings"] == []
    assert {sheet["judge"] for sheet in desk.ask("rec", "open")["sheets"]} == {None}
    chief = desk.ask("chief", "open")
    assert {sheet["judge"] for sheet in chief["sheets"]} == {"J1", "J2", None}, "nobody has come through the cut"
    assert [seat["judge"] for seat in chief["seats"] if seat["stage"] == "two"] == ["J3"]
    assert "E1" not in str(judge) and "杯赛" not in str(judge["sheets"])


@pytest.mark.parametrize("same_op", [False, True])
def test_of_concurrent_marks_in_one_cell_one_wins(desk: Desk, same_op: bool) -> None:
    op = str(uuid.uuid4())

    def one(number: int) -> dict[str, Any]:
        return desk.mark("J1", "j", 5, op=op) if same_op else desk.mark("J1", "j", number)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(one, range(1, 9)))
    if same_op:
        assert all(each == said[0] and each["ok"] for each in said)
    else:
        assert sorted(code(each) for each in said) == ["conflict"] * 7 + ["ok"]
        won = next(number for number, each in enumerate(said, 1) if each["ok"])
        assert {each["error"]["value"] for each in said if not each["ok"]} == {str(won)}
    with desk.db.reading() as session:
        assert len(session.scalars(select(Mark)).all()) == 1
        assert len(session.scalars(select(Sheet)).all()) == 1


def test_marks_of_many_seats_at_once_are_all_stored(desk: Desk) -> None:
    work = [(who, entry, attempt) for who in ("J1", "J2") for entry in "123" for attempt in (1, 2)]

    def one(task: tuple[str, str, int]) -> list[str]:
        who, entry, attempt = task
        said = [desk.mark(who, "j", 1 + base, entry=entry, attempt=attempt, base=base) for base in range(5)]
        said.append(desk.mark(who, "g", 1, entry=entry, attempt=attempt))
        said.append(desk.ask(who, "submit", stage="one", entry=entry, attempt=attempt))
        return [code(each) for each in said]

    with ThreadPoolExecutor(8) as pool:
        assert {each for said in pool.map(one, work) for each in said} == {"ok"}
    with desk.db.reading() as session:
        assert len(session.scalars(select(Mark)).all()) == len(work) * 6


def test_submitting_against_marking_leaves_a_whole_sheet(desk: Desk) -> None:
    """A mark is either before the submission, and counts, or refused as locked."""
    desk.mark("J1", "j", 1)
    desk.mark("J1", "g", 1)
    with ThreadPoolExecutor(2) as pool:
        mark = pool.submit(desk.mark, "J1", "j", 9, base=1)
        submit = pool.submit(desk.ask, "J1", "submit", stage="one", entry="1", attempt=1)
    assert submit.result()["ok"] and code(mark.result()) in ("ok", "locked")
    expected = "9" if mark.result()["ok"] else "1"
    assert {str(mark.value) for mark in exported(desk).marks if mark.criterion == "j"} == {expected}


def test_a_half_submitted_attempt_is_not_on_the_board_but_in_the_export(desk: Desk) -> None:
    desk.fill("1", submit=False)
    desk.ask("J1", "submit", stage="one", entry="1", attempt=1)
    desk.ask("J2", "submit", stage="one", entry="1", attempt=1)
    assert reading(desk, "marks") == () and len(reading(desk, "uncounted")) == 5
    assert reading(desk, "progress")["E1"]["one"] == (5, 5)
    assert len(exported(desk).marks) == 4 and len(exported(desk).drafts) == 1
    desk.ask("rec", "submit", stage="one", entry="1", attempt=1)
    assert len(reading(desk, "marks")) == 5 and reading(desk, "uncounted") == ()


def test_a_reading_as_of_a_sequence_knows_nothing_later(desk: Desk) -> None:
    desk.fill("1")
    with desk.db.reading() as session:
        before = desk.services.reader.horizon(session, desk.track_id)
        then = desk.services.reader.read(session, desk.track_id, before)
    desk.ask("chief", "reopen", stage="one", entry="1", attempt=1, reason="x")
    desk.mark("J1", "j", 9, base=1)
    desk.ask("J1", "submit", stage="one", entry="1", attempt=1)
    desk.ask("chief", "adjust", stage="one", entry="1", amount=1, reason="x")
    with desk.db.reading() as session:
        assert desk.services.reader.read(session, desk.track_id, before) == then
        now = desk.services.reader.horizon(session, desk.track_id)
        assert desk.services.reader.changed_since(session, desk.track_id, before, now) == {"E1"}
        assert desk.services.reader.changed_since(session, desk.track_id, now, now) == set()
        assert desk.services.reader.read(session, desk.track_id, now) != then
        some = desk.services.reader.read(session, desk.track_id, now, ["E1"])
    assert [entry.code for entry in some.entries] == ["E1"] and len(some.adjustments) == 1


def test_a_contest_replaced_beside_the_server_is_marked_on(
    desk: Desk, load: Callable[..., int], tmp_path: Path
) -> None:
    assert desk.mark("rec", "m", "7")["ok"]
    path = tmp_path / "cup.json"
    path.write_text(json.dumps(contest()), encoding="utf-8")
    assert load(path, replace=True) == desk.contest_id
    assert desk.mark("rec", "m", "7")["revision"] == 1, "its evidence is gone, and nothing remembers it"
