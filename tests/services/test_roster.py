"""Rosters: every fault named, nothing half-stored, the same person found again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask_babel import Babel
from sqlalchemy import func, select
from stdnum.cn import ric

from competition.accounts import roster
from competition.accounts.models import Audit, Person, Unit
from competition.accounts.policy import CONSOLE, Actor, GrantInfo
from competition.accounts.service import create_person
from competition.accounts.units import UnitCommand, create_unit
from competition.shared.db import Database
from competition.shared.errors import DomainError
from competition.shared.excel import write_workbook
from competition.shared.vault import Vault

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
VAULT = Vault(["key"])
ROWS, FAULTS = 2000, 40


@pytest.fixture(autouse=True)
def sentences() -> Iterator[None]:
    app = Flask("roster")
    Babel(app, default_locale="zh")
    with app.test_request_context():
        yield


def id_number(place: int, *, born: date = date(1990, 1, 1)) -> str:
    body = f"371002{born + timedelta(days=place // 900):%Y%m%d}{place % 900:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def line(place: int, **more: str) -> dict[str, str]:
    return {
        "name": f"张{place}",
        "id_number": id_number(place),
        "phone": f"138{place:08d}",
        "occupation": "焊工",
        "skill_level": "高级工",
        "work_since": "2015-07-01",
        **more,
    }


def sheet(lines: list[dict[str, str]]) -> bytes:
    columns = roster.columns()
    return write_workbook("名册", columns, [[each.get(column.key) for column in columns] for each in lines])


def faulty(rows: int = ROWS) -> tuple[bytes, list[tuple[int, str]]]:
    """A roster with one fault in every fiftieth row, of eight sorts, and where they are."""
    lines = [line(place) for place in range(rows)]
    expected: list[tuple[int, str]] = []
    for number, place in enumerate(range(49, rows, 50)):
        match number % 8:
            case 0:
                lines[place]["name"], column = "", "姓名"
            case 1:
                lines[place]["id_number"], column = "37100219990230001X", "身份证号"
            case 2:
                lines[place]["phone"], column = "1234", "手机号"
            case 3:
                lines[place]["skill_level"], column = "大师", "现有技能等级"
            case 4:
                lines[place]["work_since"], column = "2027-01-01", "在本地工作或学习的开始日期"
            case 5:
                lines[place]["id_number"], column = lines[place - 1]["id_number"], "身份证号"
            case 6:
                lines[place]["email"], column = "not an address", "电子邮箱"
            case _:
                lines[place]["birth_date"], column = "1971-01-01", "出生日期"
        expected.append((place + 2, column))
    return sheet(lines), expected


@pytest.fixture
def unit(database: Database) -> Unit:
    with database.transaction() as session:
        return create_unit(
            session, UnitCommand(code="ws", name="威海船厂", kind="enterprise"), vault=VAULT, actor=CONSOLE, now=NOW
        )


def check(database: Database, unit: Unit, data: bytes) -> roster.Plan:
    with database.reading() as session:
        return roster.plan(session, unit, roster.read(data), vault=VAULT, now=NOW)


def take(database: Database, unit: Unit, data: bytes) -> dict[str, int]:
    made = check(database, unit, data)
    assert not made.faults, made.faults
    with database.transaction() as session:
        return roster.apply(session, unit, made, vault=VAULT, actor=CONSOLE, now=NOW)


def people(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Person)) or 0


def test_two_thousand_rows_with_forty_faults_are_all_told_at_once(database: Database, unit: Unit) -> None:
    data, expected = faulty()
    began = time.perf_counter()
    made = check(database, unit, data)
    took = time.perf_counter() - began
    assert [(fault.row, fault.column) for fault in made.faults] == expected
    assert len(expected) == FAULTS and made.rows == ROWS
    assert all(len(fault.sentence) > 5 for fault in made.faults)
    assert took < 10
    with database.transaction() as session, pytest.raises(DomainError, match="40"):
        roster.apply(session, unit, made, vault=VAULT, actor=CONSOLE, now=NOW)
    assert people(database) == 0


def test_people_come_without_password_and_with_sealed_numbers(database: Database, unit: Unit) -> None:
    assert take(database, unit, sheet([line(1), line(2)])) == {"new": 2, "update": 0, "same": 0}
    with database.reading() as session:
        person = session.scalars(select(Person).where(Person.name == "张1")).one()
        assert (person.origin, person.password_hash, person.unit_id) == ("roster", None, unit.id)
        assert VAULT.open(person.phone_sealed or "") == "13800000001" and person.phone_confirmed_at is None
        assert person.id_index == VAULT.index(id_number(1))
        assert person.profile["skill_level"] == "senior" and person.profile["birth_date"] == "1990-01-01"
        assert id_number(1) not in str(person.profile)
        logged = session.scalars(select(Audit).where(Audit.action == "roster.import")).one()
        assert logged.details == {"rows": 2, "new": 2, "update": 0, "same": 0}


def test_the_same_roster_again_changes_nothing_and_a_filled_cell_updates(database: Database, unit: Unit) -> None:
    take(database, unit, sheet([line(1), line(2)]))
    again = check(database, unit, sheet([line(1), line(2, occupation="钳工"), {"name": "张1"}]))
    assert [fault.sentence for fault in again.faults] == ["与第 2 行同名。不是同一个人的，两行都填身份证号。"]
    again = check(database, unit, sheet([line(1), line(2, occupation="钳工")]))
    assert [(each.action, each.changes) for each in again.lines] == [("same", ()), ("update", ("岗位或工种",))]
    assert take(database, unit, sheet([line(1), line(2, occupation="钳工")])) == {"new": 0, "update": 1, "same": 1}
    # By phone alone and by name alone, too; an empty cell leaves what is there.
    by_name = check(database, unit, sheet([{"name": "张1", "title": "工程师"}]))
    assert [(each.action, each.changes) for each in by_name.lines] == [("update", ("职称",))]
    assert take(database, unit, sheet([{"name": "张2", "phone": "13800000002"}])) == {"new": 0, "update": 0, "same": 1}
    assert people(database) == 2


@pytest.mark.parametrize(
    ("lines", "row", "column", "sentence"),
    [
        ([line(1), line(5, phone="13800000001")], 3, "手机号", "与第 2 行重复"),
        ([line(1), line(5, id_number=id_number(1))], 3, "身份证号", "与第 2 行重复"),
        ([line(7, id_number=id_number(1))], 2, "身份证号", "已登记在“张1”名下"),
        ([line(7, phone="13800000001")], 2, "手机号", "已登记在“张1”名下"),
        ([line(1, unit="elsewhere")], 2, "所在下级单位代码", "没有这个代码"),
        ([line(1, sex="女", id_number="371002199001010112")], 2, "身份证号", "校验位"),
        ([], 2, "", "没有填写任何人"),
    ],
)
def test_contradictions_are_faults(
    database: Database, unit: Unit, lines: list[dict[str, str]], row: int, column: str, sentence: str
) -> None:
    take(database, unit, sheet([line(1)]))
    faults = check(database, unit, sheet(lines)).faults
    assert [(fault.row, fault.column) for fault in faults] == [(row, column)]
    assert sentence in faults[0].sentence


def test_two_of_one_name_are_told_apart_by_their_id(database: Database, unit: Unit) -> None:
    take(database, unit, sheet([line(1), line(2, name="张1")]))
    assert people(database) == 2
    faults = check(database, unit, sheet([{"name": "张1"}])).faults
    assert "2 个叫这个名字" in faults[0].sentence
    assert take(database, unit, sheet([line(3, name="张1")])) == {"new": 1, "update": 0, "same": 0}


def test_who_is_in_another_unit_is_not_found(database: Database, unit: Unit) -> None:
    with database.transaction() as session:
        other = create_unit(
            session, UnitCommand(code="o", name="o", kind="enterprise"), vault=VAULT, actor=CONSOLE, now=NOW
        )
    take(database, other, sheet([line(1)]))
    assert [each.action for each in check(database, unit, sheet([line(1)])).lines] == ["new"]


def test_people_go_to_a_unit_below_by_its_code(database: Database, unit: Unit) -> None:
    with database.transaction() as session:
        below = create_unit(
            session,
            UnitCommand(code="b", name="分厂", kind="enterprise", parent="ws"),
            vault=VAULT,
            actor=CONSOLE,
            now=NOW,
        )
    take(database, unit, sheet([line(1)]))
    moved = check(database, unit, sheet([line(1, unit="B")]))
    assert [(each.action, each.changes, each.unit) for each in moved.lines] == [("update", ("所在单位",), "分厂")]
    take(database, unit, sheet([line(1, unit="B")]))
    with database.reading() as session:
        assert session.scalars(select(Person.unit_id)).one() == below.id
    # Without a code who is below stays there.
    assert take(database, unit, sheet([line(1)])) == {"new": 0, "update": 0, "same": 1}


def test_a_plan_that_others_overtook_is_made_again(database: Database, unit: Unit) -> None:
    made = check(database, unit, sheet([line(1)]))
    with database.transaction() as session:
        session.get_one(Person, create_person(session, login="x", name="x", password=None, now=NOW)).unit_id = unit.id
    with database.transaction() as session, pytest.raises(DomainError) as refused:
        roster.apply(session, unit, made, vault=VAULT, actor=CONSOLE, now=NOW)
    assert refused.value.code == "conflict"


def test_only_who_speaks_for_the_unit_may(database: Database, unit: Unit) -> None:
    made = check(database, unit, sheet([line(1)]))
    stranger = Actor(None, "stranger", (GrantInfo("unit", unit_id=unit.id + 1),))
    with database.transaction() as session, pytest.raises(DomainError) as refused:
        roster.apply(session, unit, made, vault=VAULT, actor=stranger, now=NOW)
    assert refused.value.code == "forbidden"


def test_the_template_is_read_back_and_its_preview_holds_no_number(database: Database, unit: Unit) -> None:
    assert roster.read(roster.template(unit)) == []
    kept = str(check(database, unit, sheet([line(1)])).as_dict())
    assert id_number(1) not in kept and "13800000001" not in kept
