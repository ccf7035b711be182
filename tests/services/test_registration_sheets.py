"""Registrations from Excel: every fault at once, nothing half-stored, duplicates found; and out again, masked."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from competition.accounts.models import Person, Unit
from competition.contests.models import Contest, FormField, Track
from competition.registration import sheet_export, sheet_jobs, sheet_plan
from competition.registration.models import Registration
from competition.shared.db import Database
from competition.shared.errors import DomainError
from competition.shared.excel import Column, write_workbook
from competition.shared.files import Files
from competition.shared.vault import Vault
from tests.services.registering import NOW, Place, add_person, lay_out

GROUPS = [{"code": "worker", "title": "职工组"}, {"code": "student", "title": "学生组"}]
SHIFTS = [{"code": "d", "title": "白班"}, {"code": "n", "title": "夜班"}]
FIELDS = [
    {"code": "years", "label": "从业年限", "kind": "number", "required": True, "limits": {"min": "0"}},
    {"code": "shift", "label": "班次", "kind": "choice", "options": SHIFTS},
    {"code": "vip", "label": "住宿", "kind": "yes_no"},
]  # fmt: skip
ID = "371002199001010015"


@pytest.fixture
def tools(database: Database, tmp_path: Any) -> SimpleNamespace:
    return SimpleNamespace(db=database, files=Files(tmp_path), vault=Vault(["key"]))


@pytest.fixture
def place(database: Database) -> Place:
    with database.transaction() as session:
        return lay_out(
            session,
            groups=GROUPS,
            fields=FIELDS,
            entrants={"kind": "either", "min": 2, "max": 3, "advisers": 0},
        )


Fill = Callable[..., str]


@pytest.fixture
def fill(tools: SimpleNamespace, place: Place) -> Fill:
    """`fill({"姓名": …}, …)` uploads a sheet of these rows and gives its key."""

    def fill(*rows: dict[str, str]) -> str:
        with tools.db.reading() as session:
            contest, track = session.get_one(Contest, place.contest), session.get_one(Track, place.track)
            columns = sheet_plan.columns(session, contest, track)
        data = write_workbook("t", columns, [[row.get(column.title, "") for column in columns] for row in rows])
        with tools.db.transaction() as session:
            officer = add_person(session, f"干事{len(session.scalars(select(Person.id)).all())}")
            file = sheet_plan.keep(
                session, sheet_jobs.subject(place.unit, place.track), data, files=tools.files, vault=tools.vault,
                actor=officer, now=NOW,
            )  # fmt: skip
            return file.key

    return fill


def row(name: str, **more: str) -> dict[str, str]:
    return {"姓名": name, "组别": "职工组", "从业年限": "5", **more}


def faults(tools: SimpleNamespace, place: Place, key: str) -> list[tuple[int, str]]:
    plan = sheet_jobs.check(tools, key, place.unit, place.track, now=NOW)
    return [(fault.row, fault.column) for fault in plan.faults]


def apply(tools: SimpleNamespace, place: Place, key: str) -> int:
    with tools.db.transaction() as session:
        officer = add_person(session, f"经办{len(session.scalars(select(Person.id)).all())}")
    return sheet_jobs.carry_out(tools, key, place.unit, place.track, actor=officer, now=NOW)


def registrations(tools: SimpleNamespace) -> list[Registration]:
    with tools.db.reading() as session:
        found = list(session.scalars(select(Registration).order_by(Registration.id)))
        for each in found:
            _ = [person.name for person in each.people]
        return found


def test_a_sheet_becomes_registrations_at_the_first_step(tools: SimpleNamespace, place: Place, fill: Fill) -> None:
    key = fill(
        row("王磊", 身份证号=ID, 班次="夜班", 住宿="是"),
        row("李娜", 组别="学生组"),
        row("张伟", 队名="铁军"),
        row("赵敏", 队名="铁军"),
    )
    assert faults(tools, place, key) == []
    assert apply(tools, place, key) == 3
    one, two, team = registrations(tools)
    assert (one.state, one.step, one.origin, one.unit_id, one.group) == ("submitted", 0, "sheet", place.unit, "worker")
    assert one.answers == {"years": "5", "shift": "n", "vip": True}
    assert two.group == "student"
    assert (team.kind, team.title, [(each.name, each.lead) for each in team.people]) == (
        "team", "铁军", [("张伟", True), ("赵敏", False)],
    )  # fmt: skip
    assert all(len(each.sha256 or "") == 64 for each in (one, two, team))
    with pytest.raises(DomainError):
        apply(tools, place, key)


def test_every_fault_is_told_and_nothing_is_stored(tools: SimpleNamespace, place: Place, fill: Fill) -> None:
    key = fill(
        row("王磊", 身份证号="371002199001010011"),
        row("李娜", 从业年限="很久"),
        row("", 组别="职工组"),
        row("赵敏", 组别="老人组"),
        row("钱多", 班次="早班"),
        row("孙立", 队名="独行"),
        {"姓名": "周全", "组别": "职工组"},
        row("吴一", 手机号="13812345678"),
        row("郑二", 手机号="13812345678"),
    )
    assert faults(tools, place, key) == [
        (2, "身份证号"), (3, "从业年限"), (4, "姓名"), (5, "组别"), (6, "班次"), (7, "队名"), (8, "从业年限"),
        (10, "手机号"),
    ]  # fmt: skip
    with tools.db.reading() as session:
        before = session.scalar(select(func.count()).select_from(Person))
    with pytest.raises(DomainError):
        sheet_jobs.carry_out(tools, key, place.unit, place.track, actor=SimpleNamespace(person_id=1, name="x"), now=NOW)  # type: ignore[arg-type]
    with tools.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == before
    assert registrations(tools) == []


def test_who_is_registered_already_is_found(tools: SimpleNamespace, place: Place, fill: Fill) -> None:
    first = fill(row("王磊", 身份证号=ID))
    faults(tools, place, first)
    apply(tools, place, first)
    assert faults(tools, place, fill(row("王磊", 身份证号=ID))) == [(2, "姓名")]


def test_somebody_quicker_stops_all_of_it(tools: SimpleNamespace, place: Place, fill: Fill) -> None:
    one, two = fill(row("王磊", 身份证号=ID), row("李娜")), fill(row("王磊", 身份证号=ID))
    assert faults(tools, place, one) == faults(tools, place, two) == []
    apply(tools, place, two)
    with pytest.raises(DomainError):
        apply(tools, place, one)
    assert len(registrations(tools)) == 1


def test_after_the_deadline_nothing_comes(tools: SimpleNamespace, place: Place, fill: Fill) -> None:
    key = fill(row("王磊"))
    with tools.db.transaction() as session:
        session.get_one(Contest, place.contest).registration_closes_at = NOW.replace(year=2025)
    with pytest.raises(DomainError, match="截止"):
        apply(tools, place, key)


def test_the_export_has_everything_masked(tools: SimpleNamespace, place: Place, fill: Fill) -> None:
    key = fill(row("王磊", 身份证号=ID, 手机号="13812345678", 班次="白班"), row("=SUM(A1)"))
    apply(tools, place, key)
    with tools.db.reading() as session:
        data = sheet_export.workbook(session, "全部", contest_id=place.contest, vault=tools.vault)
        empty = sheet_export.workbook(session, "无", units=[], vault=tools.vault)
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    head, *lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    told = [dict(zip(head, line, strict=True)) for line in lines]
    assert (told[0]["姓名"], told[0]["身份证号"], told[0]["手机号"]) == ("王磊", "3710**********15", "138****5678")
    assert (told[0]["从业年限"], told[0]["班次"], told[0]["组别"]) == ("5", "白班", "职工组")
    assert sheet["H3"].value == "=SUM(A1)" and sheet["H3"].data_type == "s"
    assert ID not in str(told)
    assert load_workbook(io.BytesIO(empty)).worksheets[0].max_row == 1


def test_the_template_names_the_contests_own_fields(tools: SimpleNamespace, place: Place) -> None:
    with tools.db.reading() as session:
        contest, track = session.get_one(Contest, place.contest), session.get_one(Track, place.track)
        data = sheet_plan.template(session, contest, track)
        assert session.scalar(select(func.count()).select_from(FormField)) == 3
        assert session.get_one(Unit, place.unit).code == "ws"
    head = [cell.value for cell in load_workbook(io.BytesIO(data)).worksheets[0][1]]
    assert {"姓名*", "队名", "组别*", "从业年限*", "班次", "住宿"} <= set(head)


def test_no_column_is_named_twice(tools: SimpleNamespace, place: Place) -> None:
    with tools.db.reading() as session:
        contest, track = session.get_one(Contest, place.contest), session.get_one(Track, place.track)
        columns: list[Column] = sheet_plan.columns(session, contest, track)
    assert len({column.key for column in columns}) == len({column.title for column in columns}) == len(columns)
