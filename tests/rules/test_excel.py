"""Excel in and out: what people fill in comes back, what attacks does not come in."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from competition.shared.excel import Column, SheetError, read_workbook, write_workbook

COLUMNS = (
    Column("name", "姓名", required=True),
    Column("group", "组别", choices=("职工", "学生")),
    Column("phone", "手机号"),
)


@pytest.fixture(autouse=True, scope="module")
def spoken() -> object:
    app = Flask("excel")
    Babel(app, default_locale="zh")
    with app.app_context():
        yield


def values(data: bytes, columns: tuple[Column, ...] = COLUMNS) -> list[dict[str, str]]:
    return [dict(row.values) for row in read_workbook(data, columns)]


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_what_is_written_is_read_again() -> None:
    data = write_workbook("名册", COLUMNS, [("王磊", "职工", "13812345678"), ("", None, None), ("李娜", "", "")])
    assert values(data) == [
        {"name": "王磊", "group": "职工", "phone": "13812345678"},
        {"name": "李娜", "group": "", "phone": ""},
    ]
    assert [row.number for row in read_workbook(data, COLUMNS)] == [2, 4]


printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)


@given(st.lists(printable, min_size=1, max_size=5))
def test_any_text_comes_back_as_text(texts: list[str]) -> None:
    data = write_workbook("t", COLUMNS, [(text, "", "") for text in texts])
    assert [row["name"] for row in values(data)] == texts


@pytest.mark.parametrize("attack", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")'])
def test_text_that_begins_like_a_formula_stays_text(attack: str) -> None:
    data = write_workbook("t", COLUMNS, [(attack, "", "")])
    cell = load_workbook(io.BytesIO(data)).worksheets[0]["A2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (attack, "s", True)


def test_numbers_and_dates_are_read_as_people_read_them() -> None:
    columns = (Column("a", "甲"), Column("b", "乙"), Column("c", "丙"), Column("d", "丁"))
    data = workbook(("甲", "乙", "丙", "丁"), (13812345678.0, 0.1, date(2026, 5, 4), True))
    assert values(data, columns) == [{"a": "13812345678", "b": "0.1", "c": "2026-05-04", "d": "是"}]
    data = write_workbook("t", columns, [(Decimal("93.40"), 7, date(2026, 5, 4), None)])
    assert values(data, columns)[0]["b"] == "7"


def test_columns_are_found_by_title_in_any_order() -> None:
    data = workbook(("手机号", "备注", "姓 名*"), ("138", "x", "王磊"))
    assert values(data) == [{"name": "王磊", "group": "", "phone": "138"}]


def test_missing_and_repeated_columns_are_all_named() -> None:
    with pytest.raises(SheetError) as refused:
        values(workbook(("组别", "组别"), ("a", "b")))
    assert len(refused.value.problems) == 2


def test_too_many_rows_are_refused() -> None:
    data = write_workbook("t", COLUMNS, [("王", "", "")] * 4)
    assert len(read_workbook(data, COLUMNS, max_rows=4)) == 4
    with pytest.raises(SheetError):
        read_workbook(data, COLUMNS, max_rows=3)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    with pytest.raises(SheetError, match="过大"):
        values(written.getvalue())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"<html>", b"\xd0\xcf\x11\xe0old"])
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(SheetError):
        values(data)


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(SheetError):
        values(written.getvalue())
