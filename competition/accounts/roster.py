"""A unit's people from an Excel sheet: every fault of every row at once, a preview, and then all of it or nothing.

A row is compared with people of the unit and below alone, by ID number, by phone, by name within the unit: whoever is
somewhere else is not found, so that a roster tells nobody who else has an account.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit, profile
from competition.accounts.models import Person, Unit
from competition.accounts.policy import Actor
from competition.accounts.profile import FIELDS
from competition.accounts.unit_queries import may_speak_for, units_below
from competition.shared.errors import DomainError
from competition.shared.excel import Column, SheetRow, read_workbook, write_workbook
from competition.shared.vault import Vault

ASKED: Final = (
    "name", "id_number", "phone", "email", "sex", "birth_date", "education", "occupation", "work_since", "skill_level",
    "certificate_no", "title", "employment", "platform", "honours",
)  # fmt: skip
MOST: Final = 5_000
IN_REQUEST: Final = 200
"""Rows that are checked while the officer waits; more are a job with progress."""
LOGIN_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: the row as Excel numbers it, the column's title, a sentence; never the value of a number."""

    row: int
    column: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Line:
    """What will be done with a row: `new`, `update` (with the titles of the fields that change) or `same`."""

    row: int
    name: str
    action: str
    changes: tuple[str, ...] = ()
    unit: str = ""


@dataclass
class Plan:
    """The outcome of reading a roster; `stamp` says on which people it stands."""

    rows: int
    faults: list[Fault] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    writes: list[tuple[int | None, int, dict[str, Any]]] = field(default_factory=list)
    """Person (None: new), unit, checked values; kept in memory alone."""
    people: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)
    """By row: the person known already, and the place among the writes that makes or changes them."""
    stamp: str = ""

    def counts(self) -> dict[str, int]:
        return {action: sum(line.action == action for line in self.lines) for action in ("new", "update", "same")}

    def as_dict(self) -> dict[str, Any]:
        """What the preview shows, as it is kept: names and rows, no numbers."""
        return {
            "rows": self.rows,
            "counts": self.counts(),
            "faults": [[fault.row, fault.column, fault.sentence] for fault in self.faults],
            "lines": [[line.row, line.name, line.action, list(line.changes), line.unit] for line in self.lines],
        }


@dataclass(frozen=True, slots=True)
class _Known:
    """Somebody who is there already."""

    id: int
    name: str
    unit_id: int
    id_index: str | None
    phone_index: str | None


def columns() -> list[Column]:
    """The columns of the template, in the reader's language; choices become drop-downs."""
    made = []
    for code in ASKED:
        one = FIELDS[code]
        titles = tuple(str(title) for title in one.choices.values())
        width = 24 if code in ("id_number", "email", "work_since", "certificate_no") else 14
        made.append(Column(code, str(one.title), width, str(one.purpose), titles, not one.optional))
    return [*made, Column("unit", _("所在下级单位代码"), 18, _("本单位的人不填。"))]


def template(unit: Unit) -> bytes:
    """An empty roster with its explanations."""
    lines = [
        _("一人一行。带 * 的列必填，其他列没有可以空着；不要改第一行。"),
        _("日期写成 1990-05-01。身份证号和手机号请设为文本，不要让 Excel 改成科学计数。"),
        _("上传后先检查并列出全部问题，有一处问题就一行也不导入；没有问题再由你确认。"),
        _("已登记的人按身份证号、手机号、姓名核对：填了的栏目会更新，空着的栏目保持不变。"),
        _("上传前请告知本人：为什么收集、谁能看到、保存多久（见平台的个人信息处理同意书）。"),
    ]
    return write_workbook(_("人员名册 %(unit)s", unit=unit.name), columns(), [], help_lines=lines)


def read(data: bytes) -> list[SheetRow]:
    """The filled rows; raises `excel.SheetError` where the workbook itself cannot be taken."""
    return read_workbook(data, columns(), max_rows=MOST)


def plan(
    session: Session,
    unit: Unit,
    rows: list[SheetRow],
    *,
    vault: Vault,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """Looks at every row and tells every fault; nothing is written."""
    made = Plan(len(rows))
    people, made.stamp = _people(session, unit.id)
    # Held until the end, so that each is read once.
    rows_of = {
        one.id: one for one in session.scalars(select(Person).where(Person.unit_id.in_(units_below(session, unit.id))))
    }
    codes = {
        row.code_key: (row.id, row.name)
        for row in session.scalars(
            select(Unit).where(Unit.id.in_(units_below(session, unit.id)), Unit.archived_at.is_(None))
        )
    }
    seen = _Seen()
    known = _Index(people)
    today = now.date()
    if not rows:
        made.faults.append(Fault(2, "", _("表里没有填写任何人。")))
    for place, row in enumerate(rows, 1):
        given = {code: text for code, text in row.values.items() if code in FIELDS and (text or code == "name")}
        found = profile.check(given, today)
        faults = [Fault(row.number, str(FIELDS[code].title), sentence) for code, sentence in found.problems.items()]
        unit_id, unit_name = unit.id, ""
        if code := row.values.get("unit", "").strip():
            below = codes.get(code.casefold())
            if below is None:
                faults.append(Fault(row.number, _("所在下级单位代码"), _("本单位下面没有这个代码的单位。")))
            else:
                unit_id, unit_name = below
        faults += seen.repeats(row.number, found, unit_id, vault)
        who: _Known | None = None
        if not faults:
            try:
                who = known.match(found, unit_id, bool(row.values.get("unit", "").strip()), vault)
            except DomainError as error:
                column = str(FIELDS[error.field or "name"].title)
                faults.append(Fault(row.number, column, error.message))
        if faults:
            made.faults += faults
        else:
            if who is not None and not row.values.get("unit", "").strip():
                unit_id = who.unit_id
            _add(made, row, found.values, rows_of[who.id] if who else None, unit_id, unit_name, vault)
        if place % 50 == 0:
            progress(place, len(rows))
    if made.faults:
        made.writes.clear()
    return made


def apply(session: Session, unit: Unit, made: Plan, *, vault: Vault, actor: Actor, now: datetime) -> dict[str, int]:
    """Writes a plan without faults in the caller's transaction; gives how many came and how many changed.

    Refused (`conflict`) where the unit's people have changed since the plan was made: it has to be made again.
    """
    if not may_speak_for(session, actor, unit.id):
        raise DomainError("forbidden", _("只有本单位或上级单位的经办人可以导入名册。"))
    if made.faults:
        raise DomainError("bad_request", _("名册里还有 %(n)s 处问题，改正后重新上传。", n=len(made.faults)))
    if _people(session, unit.id)[1] != made.stamp:
        raise DomainError("conflict", _("检查以后有人改动了本单位的人员，请重新检查。"))
    counts = {**write(session, made, vault=vault, now=now)[0], "same": made.counts()["same"]}
    audit.note(session, actor, "roster.import", unit.code, now=now, details={"rows": made.rows, **counts})
    return counts


def write(session: Session, made: Plan, *, vault: Vault, now: datetime) -> tuple[dict[str, int], dict[int, int]]:
    """Writes a plan's people; gives how many came and changed, and the person of each row. `apply` asks who may."""
    written: list[Person] = []
    come = changed = 0
    for person_id, unit_id, values in made.writes:
        if person_id is None:
            login = "u" + "".join(secrets.choice(LOGIN_LETTERS) for _place in range(9))
            person = Person(login=login, login_key=login, name="", created_at=now, origin="roster", profile={})
            person.unit_id = unit_id
            profile.store(person, values, vault)
            session.add(person)
            come += 1
        else:
            person = session.get_one(Person, person_id)
            person.unit_id = unit_id
            profile.store(person, values, vault)
            changed += 1
        written.append(person)
    session.flush()
    rows: dict[int, int] = {}
    for row, (known, place) in made.people.items():
        if known is not None:
            rows[row] = known
        elif place is not None:
            rows[row] = written[place].id
    return {"new": come, "update": changed}, rows


def _add(
    made: Plan,
    row: SheetRow,
    values: dict[str, Any],
    person: Person | None,
    unit_id: int,
    unit_name: str,
    vault: Vault,
) -> None:
    name = values["name"]
    if person is None:
        made.lines.append(Line(row.number, name, "new", (), unit_name))
        made.people[row.number] = (None, len(made.writes))
        made.writes.append((None, unit_id, values))
        return
    changes = [str(FIELDS[code].title) for code in _differences(person, values, vault)]
    if person.unit_id != unit_id:
        changes.append(_("所在单位"))
    made.lines.append(Line(row.number, name, "update" if changes else "same", tuple(changes), unit_name))
    made.people[row.number] = (person.id, None)
    if changes:
        made.writes.append((person.id, unit_id, values))


def _differences(person: Person, values: Mapping[str, Any], vault: Vault) -> list[str]:
    """The codes of the fields that the values would change."""
    sealed = {
        "id_number": person.id_sealed,
        "phone": person.phone_sealed,
        "emergency_phone": person.emergency_sealed,
    }
    stored = {"name": person.name, "email": person.email, **person.profile}
    return [
        code
        for code, value in values.items()
        if value != (profile.opened(vault, sealed[code]) if code in sealed else stored.get(code))
    ]


class _Seen:
    """Rows of the file that name the same person twice."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._phones: dict[str, int] = {}
        self._names: dict[tuple[str, int], tuple[int, bool]] = {}

    def repeats(self, row: int, found: profile.Checked, unit_id: int, vault: Vault) -> list[Fault]:
        faults: list[Fault] = []
        number, phone, name = (found.values.get(code) for code in ("id_number", "phone", "name"))
        for code, value, seen in (("id_number", number, self._ids), ("phone", phone, self._phones)):
            if value is None:
                continue
            first = seen.setdefault(value, row)
            if first != row:
                faults.append(Fault(row, str(FIELDS[code].title), _("与第 %(n)s 行重复。", n=first)))
        if name and not faults:
            first, told = self._names.setdefault((name, unit_id), (row, number is not None))
            if first != row and not (told and number is not None):
                sentence = _("与第 %(n)s 行同名。不是同一个人的，两行都填身份证号。", n=first)
                faults.append(Fault(row, str(FIELDS["name"].title), sentence))
        return faults


class _Index:
    """The unit's people by what a row may name them by."""

    def __init__(self, people: Iterable[_Known]) -> None:
        self.by_id: dict[str, _Known] = {}
        self.by_phone: dict[str, _Known] = {}
        self.by_name: dict[str, list[_Known]] = defaultdict(list)
        for one in people:
            if one.id_index:
                self.by_id[one.id_index] = one
            if one.phone_index:
                self.by_phone[one.phone_index] = one
            self.by_name[one.name].append(one)

    def match(self, found: profile.Checked, unit_id: int, unit_named: bool, vault: Vault) -> _Known | None:
        """Who the row is about; None: somebody new. Raises DomainError where the row contradicts what is known."""
        number, phone, name = (found.values.get(code) for code in ("id_number", "phone", "name"))
        indexes = vault.indexes(number) if number else []
        by_id = next((self.by_id[index] for index in indexes if index in self.by_id), None)
        if by_id is not None and by_id.name != name:
            raise DomainError(
                "conflict", _("这个身份证号已登记在“%(name)s”名下，请核对。", name=by_id.name), "id_number"
            )
        by_phone = (
            next((self.by_phone[index] for index in vault.indexes(phone) if index in self.by_phone), None)
            if phone
            else None
        )
        if by_phone is not None and (
            by_phone.name != name
            or (by_id is not None and by_id.id != by_phone.id)
            or (by_id is None and indexes and by_phone.id_index)
        ):
            raise DomainError("conflict", _("这个手机号已登记在“%(name)s”名下，请核对。", name=by_phone.name), "phone")
        if by_id or by_phone:
            return by_id or by_phone
        same = [
            one
            for one in self.by_name.get(str(name), ())
            # Where both have an ID number and it differs, they are two people of one name.
            if not (indexes and one.id_index) and (one.unit_id == unit_id or not unit_named)
        ]
        if len(same) > 1:
            raise DomainError(
                "conflict", _("本单位已有 %(n)s 个叫这个名字的人，请填写身份证号或手机号。", n=len(same)), "name"
            )
        return same[0] if same else None


def _people(session: Session, unit_id: int) -> tuple[list[_Known], str]:
    """The people of the unit and below, and a stamp that changes with any of what is compared."""
    query = (
        select(Person.id, Person.name, Person.unit_id, Person.id_index, Person.phone_index)
        .where(Person.unit_id.in_(units_below(session, unit_id)), Person.erased_at.is_(None))
        .order_by(Person.id)
    )
    found = [
        _Known(key, name, unit, id_index, phone_index)
        for key, name, unit, id_index, phone_index in session.execute(query)
        if unit is not None
    ]
    stamp = hashlib.sha256()
    for one in found:
        stamp.update(repr((one.id, one.name, one.unit_id, one.id_index, one.phone_index)).encode())
    return found, stamp.hexdigest()
