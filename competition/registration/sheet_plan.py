"""Registrations of a unit from an Excel sheet: the contest's own template, every fault of every row, all or nothing.

The people of a sheet are a roster (`accounts.roster`); beside them stand the group, the work, the team and the
contest's own fields. Rows of one team share its name; the first of them leads.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from competition.accounts import audit, roster
from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.accounts.roster import Fault, Line
from competition.contests.models import Contest, Track
from competition.registration import messages
from competition.registration.answers import Field, read_answers
from competition.registration.drafting import new_number
from competition.registration.entrants import bounds_of
from competition.registration.models import Registration, RegistrationPerson, ReviewStep
from competition.registration.own import check_window, fields_of, groups_of
from competition.registration.receipt import sha256_of
from competition.shared.errors import DomainError
from competition.shared.excel import Column, SheetRow, read_workbook, write_workbook
from competition.shared.files import Files
from competition.shared.models import StoredFile
from competition.shared.vault import Vault

PURPOSE: Final = "sheet"
KEPT: Final = timedelta(hours=24)
MOST: Final = 2_000
GROUP, TITLE, TEAM = "reg-group", "reg-title", "reg-team"


@dataclass(frozen=True, slots=True)
class Entered:
    """One registration of the sheet: its rows, and what they say."""

    rows: tuple[int, ...]
    kind: str
    title: str
    group: str
    answers: dict[str, Any]


@dataclass
class Plan:
    """What a sheet would do."""

    rows: int
    faults: list[Fault] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    entered: list[Entered] = field(default_factory=list)
    people: roster.Plan | None = None

    def as_dict(self) -> dict[str, Any]:
        """What the preview shows: names and rows, no numbers."""
        return {
            "rows": self.rows,
            "entered": len(self.entered),
            "faults": [[fault.row, fault.column, fault.sentence] for fault in self.faults],
            "lines": [[line.row, line.name, line.action, list(line.changes), line.unit] for line in self.lines],
        }


def columns(session: Session, contest: Contest, track: Track) -> list[Column]:
    """The template's columns: the work and team where the track has them, people, group, the contest's own fields."""
    bounds = bounds_of(track.entrants or {})
    groups = tuple(title for _code, title in groups_of(contest, track))
    made = []
    if "team" in bounds.kinds:
        note = _("同一队的每一行写同样的队名；第一行是领队。")
        made.append(Column(TEAM, _("队名"), 18, note, required="individual" not in bounds.kinds))
    made.append(Column(TITLE, _("作品名称"), 24, _("没有作品的竞赛不填。")))
    made += [column for column in roster.columns() if column.key != "unit"]
    if groups:
        made.append(Column(GROUP, _("组别"), 14, choices=groups, required=len(groups) > 1))
    return made + [_own(each) for each in fields_of(session, contest.id, track.id)]


def _own(one: Field) -> Column:
    choices = ("是", "否") if one.kind == "yes_no" else tuple(title for _code, title in one.options)
    several = _("几个选项用、隔开。") if one.kind == "choices" else ""
    note = " ".join(part for part in (str(one.help), several) if part)
    return Column(one.name, one.label, 20, note, () if one.kind == "choices" else choices, one.required)


def template(session: Session, contest: Contest, track: Track) -> bytes:
    lines = [
        _("一人一行。带 * 的列必填；不要改第一行。"),
        _("上传后先检查并列出全部问题，有一处问题就一行也不导入；没有问题再由您确认。"),
        _("日期写成 1990-05-01。身份证号和手机号请设为文本。"),
        _("上传前请取得本人同意；导入后本人登录可以看到并撤回。"),
    ]
    return write_workbook(track.title, columns(session, contest, track), [], help_lines=lines)


def read(session: Session, contest: Contest, track: Track, data: bytes) -> list[SheetRow]:
    """The filled rows; raises `excel.SheetError`."""
    return read_workbook(data, columns(session, contest, track), max_rows=MOST)


def plan(
    session: Session,
    contest: Contest,
    track: Track,
    unit: Unit,
    rows: list[SheetRow],
    *,
    vault: Vault,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """Looks at every row and tells every fault, in the order of the rows; nothing is written."""
    made = Plan(len(rows))
    made.people = roster.plan(session, unit, rows, vault=vault, now=now, progress=progress)
    made.faults = list(made.people.faults)
    made.lines = made.people.lines
    fields = fields_of(session, contest.id, track.id)
    groups = {title: code for code, title in groups_of(contest, track)}
    teams: dict[str, list[SheetRow]] = {}
    for row in rows:
        team = row.values.get(TEAM, "").strip()
        teams.setdefault(team or f"\0{row.number}", []).append(row)
    for name, members in teams.items():
        made.entered.append(_entered(made, name, members, fields, groups, track))
    made.faults += _taken(session, track, made.people)
    made.faults.sort(key=lambda fault: fault.row)
    return made


def _entered(
    made: Plan, name: str, members: list[SheetRow], fields: list[Field], groups: Mapping[str, str], track: Track
) -> Entered:
    bounds, first = bounds_of(track.entrants or {}), members[0]
    team = not name.startswith("\0")
    if team and not bounds.least <= len(members) <= bounds.most:
        said = {"least": bounds.least, "most": bounds.most, "n": len(members)}
        sentence = _("每队 %(least)s 至 %(most)s 人，这一队有 %(n)s 人。", **said)
        made.faults.append(Fault(first.number, _("队名"), sentence))
    if not team and "individual" not in bounds.kinds:
        made.faults.append(Fault(first.number, _("队名"), _("这个赛项只收团队，请填写队名。")))
    group = first.values.get(GROUP, "").strip()
    if group and group not in groups:
        made.faults.append(Fault(first.number, _("组别"), _("没有这个组别。可以填：%(all)s。", all="、".join(groups))))
    if not group and len(groups) == 1:
        group = next(iter(groups))
    answers, wrong = read_answers(fields, lambda column: _typed(fields, column, first.values.get(column, "")))
    labels = {each.name: each.label for each in fields}
    made.faults += [Fault(first.number, labels[column], str(sentence)) for column, sentence in wrong.items()]
    for each in fields:
        if each.required and each.code not in answers and each.name not in wrong:
            made.faults.append(Fault(first.number, each.label, _("请填写“%(label)s”。", label=each.label)))
    title = first.values.get(TITLE, "").strip() or (name if team else "")
    return Entered(
        tuple(row.number for row in members), "team" if team else "individual", title, groups.get(group, ""), answers
    )


def _typed(fields: list[Field], column: str, text: str) -> list[str]:
    """A cell as a form would send it: options by their codes, 是 and 否 as yes and no."""
    one = next(each for each in fields if each.name == column)
    codes = {title: code for code, title in one.options}
    words = [part.strip() for part in text.replace("，", "、").split("、")] if one.kind == "choices" else [text.strip()]
    if one.kind == "yes_no":
        return [{"是": "yes", "否": "no"}.get(word, word) for word in words if word]
    return [codes.get(word, word) for word in words if word]


def _taken(session: Session, track: Track, people: roster.Plan) -> list[Fault]:
    """Those who already take a place in the track."""
    known = {person: row for row, (person, _place) in people.people.items() if person is not None}
    rows = session.execute(
        select(RegistrationPerson.person_id, Registration.number)
        .join(Registration, Registration.id == RegistrationPerson.registration_id)
        .where(
            RegistrationPerson.track_id == track.id,
            RegistrationPerson.person_id.in_(list(known)),
            RegistrationPerson.holds,
            RegistrationPerson.part == "member",
        )
    )
    return [
        Fault(known[person], _("姓名"), _("这个人已在这个赛项报名（%(number)s）。", number=number))
        for person, number in rows
        if person in known
    ]


def apply(
    session: Session,
    contest: Contest,
    track: Track,
    unit: Unit,
    made: Plan,
    *,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> list[str]:
    """Writes people and registrations, handed in to the first step of the chain; gives their numbers. The caller has
    asked who may. Refused where there are faults, the window is shut, or somebody was quicker."""
    check_window(contest, track, now)
    if made.faults or made.people is None:
        raise DomainError("bad_request", _("表里还有 %(n)s 处问题，改正后重新上传。", n=len(made.faults)))
    _counts, people = roster.write(session, made.people, vault=vault, now=now)
    names = {line.row: line.name for line in made.lines}
    numbers = []
    try:
        with session.begin_nested():
            for entered in made.entered:
                numbers.append(_write(session, contest, track, unit, entered, people, names, actor, now).number)
    except IntegrityError:
        raise DomainError("conflict", _("检查以后有人刚在这个赛项报名，请重新检查。")) from None
    audit.note(
        session, actor, "registration.sheet", f"{contest.code}/{track.code}", now=now, contest_id=contest.id,
        details={"unit": unit.code, "registrations": len(numbers)},
    )  # fmt: skip
    return numbers


def _write(
    session: Session,
    contest: Contest,
    track: Track,
    unit: Unit,
    entered: Entered,
    people: Mapping[int, int],
    names: Mapping[int, str],
    actor: Actor,
    now: datetime,
) -> Registration:
    registration = Registration(
        contest_id=contest.id,
        track_id=track.id,
        number=new_number(),
        kind=entered.kind,
        title=entered.title or names[entered.rows[0]],
        unit_id=unit.id,
        group=entered.group,
        answers=entered.answers,
        state="submitted",
        origin="sheet",
        created_by=people[entered.rows[0]],
        created_at=now,
        updated_at=now,
        submitted_at=now,
        people=[
            RegistrationPerson(
                track_id=track.id, person_id=people[row], position=place, name=names[row], lead=place == 0,
                accepted_at=now,
            )
            for place, row in enumerate(entered.rows)
        ],
    )  # fmt: skip
    session.add(registration)
    session.flush()
    registration.sha256 = sha256_of(session, registration)
    session.add(
        ReviewStep(
            registration_id=registration.id, step="sheet", action="submit", person_id=actor.person_id,
            actor=actor.name[:120], at=now,
        )
    )  # fmt: skip
    messages.submitted(session, registration, contest, now=now)
    return registration


def keep(
    session: Session, subject: str, data: bytes, *, files: Files, vault: Vault, actor: Actor, now: datetime
) -> StoredFile:
    """Stores the upload sealed for a day, since it is full of numbers."""
    sealed = vault.seal(base64.b64encode(data).decode()).encode()
    return files.store(
        session, sealed, name="sheet", purpose=PURPOSE, media_type="application/octet-stream", subject=subject[:80],
        person_id=actor.person_id, now=now, keep=KEPT,
    )  # fmt: skip


def kept(session: Session, key: str, subject: str) -> StoredFile | None:
    return session.scalar(
        select(StoredFile).where(
            StoredFile.key == key,
            StoredFile.purpose == PURPOSE,
            StoredFile.subject == subject[:80],
            StoredFile.state == "ready",
        )
    )


def opened(file: StoredFile, *, files: Files, vault: Vault) -> bytes:
    return base64.b64decode(vault.open(files.read(file).decode()))
