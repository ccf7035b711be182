"""Reads of judges."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests import rules
from competition.contests.models import Organisation
from competition.shared.errors import DomainError
from judges.roster.models import Judge


def judges_of(session: Session, contest_id: int) -> tuple[rules.Judge, ...]:
    """The contest's judges, by code."""
    rows = session.execute(
        select(Judge.code, Judge.name, Organisation.code)
        .outerjoin(Organisation, Organisation.id == Judge.organisation_id)
        .where(Judge.contest_id == contest_id)
    )
    return tuple(sorted((rules.Judge(*row) for row in rows), key=lambda judge: judge.code))


def get_judge(session: Session, contest_id: int, code: str) -> Judge:
    """The contest's judge of that code, ignoring case."""
    judges = session.scalars(select(Judge).where(Judge.contest_id == contest_id))
    judge = next((judge for judge in judges if judge.code.casefold() == code.casefold()), None)
    if judge is None:
        raise DomainError("unknown", _("这项赛事没有代码为“%(code)s”的裁判。", code=code), "judge")
    return judge
