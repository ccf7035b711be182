"""Everything that was handed in, as Excel: numbers masked, one row a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from competition.accounts.models import Unit
from competition.accounts.profile import FIELDS
from competition.accounts.profile import shown as profile_shown
from competition.contests.models import Contest, FormField, Track
from competition.registration.answers import Field, field_of
from competition.registration.answers import shown as answer_shown
from competition.registration.models import Entry, Registration
from competition.registration.review_queries import REVIEWED, people_shown
from competition.registration.wording import ORIGINS, STATES
from competition.shared.clock import LOCAL
from competition.shared.excel import Column, write_workbook
from competition.shared.vault import Vault

TOLD = ("sex", "birth_date", "education", "occupation", "work_since", "skill_level", "certificate_no", "employment")


def workbook(
    session: Session,
    title: str,
    *,
    contest_id: int | None = None,
    units: Sequence[int] | None = None,
    vault: Vault,
) -> bytes:
    """The registrations of a contest or of units, but drafts. An entry's number is not in it: a blind contest's export
    that names people must not say which number is whose."""
    query = (
        select(Registration, Contest, Track, Unit.name, Entry.code)
        .join(Contest, Contest.id == Registration.contest_id)
        .join(Track, Track.id == Registration.track_id)
        .outerjoin(Unit, Unit.id == Registration.unit_id)
        .outerjoin(Entry, Entry.id == Registration.entry_id)
        .where(Registration.state.in_(REVIEWED))
        .options(selectinload(Registration.people))
        .order_by(Contest.code, Track.position, Registration.id)
    )
    if contest_id is not None:
        query = query.where(Registration.contest_id == contest_id)
    if units is not None:
        query = query.where(Registration.unit_id.in_(list(units)))
    found = session.execute(query).all()
    contests = {contest.id for _registration, contest, _track, _unit, _entry in found}
    rows = session.scalars(select(FormField).where(FormField.contest_id.in_(contests)).order_by(FormField.position))
    own = {(row.contest_id, row.code): field_of(row) for row in rows}
    titles = list(dict.fromkeys((code, field.label) for (_contest, code), field in own.items()))
    columns = [
        Column(key, name, width)
        for key, name, width in (
            ("number", _("报名编号"), 12), ("contest", _("竞赛"), 24), ("track", _("赛项"), 16),
            ("state", _("状态"), 10),
            ("title", _("作品或选手"), 24), ("unit", _("推荐单位"), 24), ("group", _("组别"), 12),
            ("name", _("姓名"), 10), ("part", _("身份"), 10), ("id", _("身份证号"), 22), ("phone", _("手机号"), 14),
            *((code, str(FIELDS[code].title), 14) for code in TOLD),
            *((f"f-{code}", label, 18) for code, label in titles),
            ("origin", _("来源"), 12), ("submitted", _("提交时间"), 18), ("entry", _("参赛项目代码"), 12),
            ("reason", _("退回或不通过的理由"), 24),
        )
    ]  # fmt: skip
    lines = []
    for registration, contest, track, unit, entry in found:
        groups = {str(group["code"]): str(group["title"]) for group in contest.groups or ()}
        for person in people_shown(session, registration, vault):
            answers = [_answer(own.get((contest.id, code)), registration, code) for code, _label in titles]
            lines.append(
                [
                    registration.number, contest.title, track.title, str(STATES[registration.state]),
                    registration.title, unit or "", groups.get(registration.group, registration.group), person.name,
                    _("指导教师") if person.part == "adviser" else _("领队") if person.lead else _("成员"),
                    person.id_number, person.phone,
                    *(
                        profile_shown(FIELDS[code], person.profile[code]) if person.profile.get(code) else ""
                        for code in TOLD
                    ),
                    *answers, str(ORIGINS.get(registration.origin, registration.origin)),
                    _when(registration.submitted_at),
                    entry or "", registration.reason,
                ]
            )  # fmt: skip
    return write_workbook(title, columns, lines)


def _answer(field: Field | None, registration: Registration, code: str) -> str:
    value = (registration.answers or {}).get(code)
    return "" if field is None or value in (None, "", []) else str(answer_shown(field, value))


def _when(at: datetime | None) -> str:
    return f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M}" if at else ""
