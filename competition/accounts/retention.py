"""The end of keeping: after a contest's retention date the personal data of its registrations is erased, and logged.

Published results stay: the names that stand in entries, with their marks and ranks. Accounts stay, too; people erase
those themselves.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Audit, Notice
from competition.accounts.policy import CONSOLE, Actor
from competition.accounts.privacy import delete_files, tables
from competition.shared.clock import LOCAL
from competition.shared.files import Files
from competition.shared.jobs import JobContext, daily
from competition.shared.models import Mail, StoredFile

ERASED = "contest.retention"


def due(session: Session, today: date) -> list[int]:
    """The contests whose retention date has passed and whose data is still there."""
    (contest,) = tables("contest")
    rows = session.execute(
        select(contest.c.id, contest.c.retention_until).where(contest.c.retention_until < today).order_by(contest.c.id)
    ).all()
    return [row.id for row in rows if row.retention_until.isoformat() not in _done(session, row.id)]


def erase_contest(session: Session, contest_id: int, *, files: Files, actor: Actor, now: datetime) -> dict[str, int]:
    """Erases what registrations of a contest hold of people, once for each retention date; gives what went, counted."""
    contest, registration, member, attachment, step, checkin = tables(
        "contest", "registration", "registration_person", "attachment", "review_step", "check_in"
    )
    row = session.execute(select(contest).where(contest.c.id == contest_id)).one()
    until: date | None = row.retention_until
    if until is None or until >= now.astimezone(LOCAL).date() or until.isoformat() in _done(session, contest_id):
        return {}
    own = select(registration.c.id).where(registration.c.contest_id == contest_id)
    handed_in = select(attachment.c.file_id).where(attachment.c.registration_id.in_(own))
    gone = {
        "registrations": _changed(
            session, update(registration).where(registration.c.contest_id == contest_id).values(answers={}, reason="")
        ),
        "people": _changed(
            session,
            update(member).where(member.c.registration_id.in_(own)).values(name="", person_id=None, holds=False),
        ),
        "files": delete_files(
            session,
            select(StoredFile).where(or_(StoredFile.id.in_(handed_in), StoredFile.contest_id == contest_id)),
            files,
            now,
        ),
        "notices": _changed(session, delete(Notice).where(Notice.contest_id == contest_id))
        + _changed(session, delete(Mail).where(Mail.contest_id == contest_id)),
    }
    session.execute(update(step).where(step.c.registration_id.in_(own)).values(reason="", failures=[]))
    # What never became an entry is in no published result: not even its title stays.
    session.execute(
        update(registration)
        .where(registration.c.contest_id == contest_id, registration.c.entry_id.is_(None))
        .values(title="", attributes={})
    )
    entries = select(registration.c.entry_id).where(registration.c.contest_id == contest_id)
    session.execute(update(checkin).where(checkin.c.entry_id.in_(entries)).values(note=""))
    audit.note(
        session,
        actor,
        ERASED,
        row.code,
        now=now,
        contest_id=contest_id,
        details={"until": until.isoformat(), **gone},
    )
    return gone


def _done(session: Session, contest_id: int) -> set[str]:
    """The retention dates for which it was done."""
    rows = session.scalars(select(Audit.details).where(Audit.contest_id == contest_id, Audit.action == ERASED))
    return {str(details.get("until")) for details in rows}


def _changed(session: Session, statement: Any) -> int:
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


@daily("privacy.retention", hour=18, title="删除到期的个人信息")
def run(context: JobContext) -> dict[str, Any]:
    """Each contest in a transaction of its own; one that is done is not done again."""
    with context.db.reading() as session:
        wanted = due(session, context.now().astimezone(LOCAL).date())
    lines = []
    for place, contest_id in enumerate(wanted):
        context.progress(place, len(wanted))
        with context.db.transaction() as session:
            gone = erase_contest(session, contest_id, files=context.files, actor=CONSOLE, now=context.now())
        if gone:
            lines.append(_("删除了 %(n)s 份报名里的个人信息。", n=gone["registrations"]))
    return {"lines": lines}
