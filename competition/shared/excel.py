"""Excel workbooks in and out (openpyxl): one sheet with a head row, whose cells people fill in by hand.

What comes in is untrusted: a workbook is a ZIP, so what it would unpack to is looked at before it is unpacked, and a
cell that begins like a formula is written as text, because a spreadsheet would compute it on the reader's machine.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from flask_babel import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_BYTES: Final = 20 * 1024 * 1024
MAX_UNPACKED: Final = 200 * 1024 * 1024
MAX_RATIO: Final = 200
MAX_PARTS: Final = 2_000
MAX_CELL: Final = 10_000
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
HEAD: Final = PatternFill("solid", fgColor="FFF3EFE9")
REQUIRED_MARK: Final = "*"
LIST_ROWS: Final = 5_000
"""How far down a column's drop-down reaches."""


class SheetError(Exception):
    """A workbook that cannot be taken; `problems` is one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `key` for the program, `title` in the head row (a required one is written with a star)."""

    key: str
    title: str
    width: int = 18
    note: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row as it was filled in: its number in the sheet (the head is 1), and text for every column, "" for none."""

    number: int
    values: Mapping[str, str]


def write_workbook(
    title: str, columns: Sequence[Column], rows: Iterable[Sequence[object]], *, help_lines: Sequence[str] = ()
) -> bytes:
    """The workbook as bytes; `rows` give a value for each column (None: empty), text is never taken as a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_name(title))
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, 1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = column.width
        if column.choices and len(joined := '"' + ",".join(column.choices) + '"') <= 255:
            allowed = DataValidation(type="list", formula1=joined, allow_blank=not column.required)
            allowed.add(f"{letter}2:{letter}{LIST_ROWS + 1}")
            sheet.data_validations.append(allowed)
    sheet.append([_head(sheet, column) for column in columns])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    if help_lines:
        explained = book.create_sheet(_sheet_name(_("填写说明")))
        explained.column_dimensions["A"].width = 100
        for line in help_lines:
            explained.append([_cell(explained, line)])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def read_workbook(data: bytes, columns: Sequence[Column], *, max_rows: int = 5_000) -> list[SheetRow]:
    """The filled rows of the first sheet, its columns found by their titles in any order; empty rows are left out.

    Raises SheetError: no workbook, one that would unpack to too much, missing or repeated columns, too many rows.
    """
    _look_inside(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except Exception:  # openpyxl answers a broken file with whatever it stumbled over
        raise SheetError([_("这个文件不是可读的 Excel 工作簿（.xlsx）。请用模板另存一份再上传。")]) from None
    try:
        lines = book.worksheets[0].iter_rows(values_only=True) if book.worksheets else iter(())
        places = _places([_text(cell) for cell in next(lines, ())], columns)
        found: list[SheetRow] = []
        for number, line in enumerate(lines, 2):
            values = {key: _text(line[place]) if place < len(line) else "" for key, place in places.items()}
            if not any(values.values()):
                continue
            if len(found) == max_rows:
                raise SheetError([_("一次最多导入 %(n)s 行。请分成几个文件。", n=max_rows)])
            found.append(SheetRow(number, values))
        return found
    finally:
        book.close()


def _look_inside(data: bytes) -> None:
    """Refuses, before anything is unpacked, what is no ZIP or would unpack to far more than a workbook needs."""
    if len(data) > MAX_BYTES:
        raise SheetError([_("文件超过 %(n)s MB。请分成几个文件。", n=MAX_BYTES // 1024 // 1024)])
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise SheetError([_("这个文件不是 .xlsx 工作簿。旧的 .xls 请在 Excel 中另存为 .xlsx。")]) from None
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED or (unpacked > 1_000_000 and unpacked > MAX_RATIO * packed):
        raise SheetError([_("这个文件解压后过大，已拒绝。请用模板重新填写。")])


def _places(heads: Sequence[str], columns: Sequence[Column]) -> dict[str, int]:
    """Where each column stands. Spaces and the star of a required one do not matter; others are not read."""
    plain = [head.replace(REQUIRED_MARK, "").replace(" ", "").casefold() for head in heads]
    problems: list[str] = []
    places: dict[str, int] = {}
    for column in columns:
        wanted = column.title.replace(" ", "").casefold()
        count = plain.count(wanted)
        if count == 1:
            places[column.key] = plain.index(wanted)
        elif count > 1:
            problems.append(_("“%(title)s”列出现了 %(n)s 次。", title=column.title, n=count))
        elif column.required:
            problems.append(_("缺少“%(title)s”列。请使用模板。", title=column.title))
    if problems:
        raise SheetError(problems)
    return places | {column.key: len(heads) for column in columns if column.key not in places}


def _text(value: Any) -> str:
    """A cell as a person reads it: whole numbers without a point, dates as YYYY-MM-DD."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, datetime):
        return value.date().isoformat() if (value.hour, value.minute, value.second) == (0, 0, 0) else f"{value:%F %T}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        # Excel has no other numbers: a phone number typed as one comes as 1.3812345678E10.
        exact = Decimal(repr(value))
        return f"{exact:.0f}" if exact == exact.to_integral_value() else f"{exact.normalize():f}"
    return "".join(letter for letter in str(value) if letter.isprintable() or letter in "\n\t").strip()[:MAX_CELL]


def _head(sheet: Any, column: Column) -> Any:
    cell = WriteOnlyCell(sheet, column.title + (REQUIRED_MARK if column.required else ""))
    cell.font, cell.fill, cell.alignment = Font(bold=True), HEAD, Alignment(vertical="top", wrap_text=True)
    note = "\n".join(part for part in (column.note, "、".join(column.choices)) if part)
    if note:
        cell.comment = Comment(note, "Leitai")
    return cell


def _cell(sheet: Any, value: object) -> object:
    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, "".join(letter for letter in value if letter.isprintable() or letter in "\n\t"))
        if value.startswith(FORMULA):
            cell.data_type = "s"
            cell.quotePrefix = True
        return cell
    return value


def _sheet_name(title: str) -> str:
    """Excel allows 31 characters, none of []:*?/\\."""
    return "".join(letter for letter in title if letter not in "[]:*?/\\'")[:31] or "Sheet"
