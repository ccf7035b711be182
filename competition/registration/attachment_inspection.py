"""The job that looks through a received file: its hash, what it really is, a copy without metadata, names inside."""

from __future__ import annotations

import hashlib
import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Person, Unit
from competition.accounts.policy import Actor
from competition.contests.models import Track
from competition.registration.models import Attachment, Registration, RegistrationPerson
from competition.shared.cleaning import clean
from competition.shared.inside import Found, Term, look_for
from competition.shared.inspection import Kind, Unfit, inspect
from competition.shared.jobs import JobContext, enqueue, handler
from competition.shared.models import StoredFile

log = logging.getLogger(__name__)

KIND: Final = "attachment.inspect"
SHORT: Final = 2
"""Names of fewer characters stand in every text and are not looked for."""


def ask(session: Session, file: StoredFile, *, actor: Actor, now: datetime) -> str:
    """Has the job process look through the file."""
    return enqueue(
        session,
        KIND,
        title=_("检查文件：%(name)s", name=file.name),
        arguments={"file": file.id},
        actor=actor,
        now=now,
        contest_id=file.contest_id,
    )


@handler(KIND)
def look_through(context: JobContext) -> dict[str, Any]:
    """Safe to run again: it begins with the bytes as they were sent and ends with one short transaction."""
    with context.db.reading() as session:
        file = session.get(StoredFile, context.arguments["file"])
        if file is None or file.state != "checking":
            return {"lines": [_("这个文件已经检查过。")]}
        terms, blind = terms_of(session, file)
    path: Path = context.files.path(file)
    context.progress(0, 3, _("计算校验值"))
    sha256 = hash_of(path)
    try:
        context.progress(1, 3, _("核对类型"))
        kind = inspect(path, tuple(file.details.get("types", ())))
        cleaned = _cleaned(path, context.files.clean_copy(file.key), kind)
        context.progress(2, 3, _("查找姓名与单位"))
        found = look_for(path, kind, file.name, terms) if blind else []
    except Unfit as unfit:
        return _refuse(context, file.id, sha256, unfit.message)
    except Exception as error:  # a file that breaks a reader is refused, and the log says how
        log.warning("the file %s could not be looked through: %r", file.id, error)
        return _refuse(context, file.id, sha256, _("无法检查这个文件。请重新导出后再上传。"))
    with context.db.transaction() as session:
        row = session.get_one(StoredFile, file.id)
        if row.state == "checking":
            row.state, row.media_type, row.sha256, row.clean_sha256 = "ready", kind.media_type, sha256, cleaned
            _flag(session, row, found)
    return {"lines": [_("文件已通过检查。SHA-256：%(hash)s", hash=sha256)]}


def terms_of(session: Session, file: StoredFile) -> tuple[list[Term], bool]:
    """The names that must not stand in the file where its track is judged blind, and whether it is."""
    registration = session.get(Registration, int(file.subject.partition(":")[2]))
    if registration is None:
        return [], False
    people = session.execute(
        select(RegistrationPerson.name, Person.name)
        .outerjoin(Person, Person.id == RegistrationPerson.person_id)
        .where(RegistrationPerson.registration_id == registration.id)
    ).all()
    names = {name for row in people for name in row if name}
    units: set[str] = set()
    unit = session.get(Unit, registration.unit_id) if registration.unit_id else None
    if unit is not None:
        units.add(unit.name)
    terms = [Term(name, "person") for name in sorted(names)] + [Term(name, "unit") for name in sorted(units)]
    return [term for term in terms if len(term.text) >= SHORT], session.get_one(Track, registration.track_id).blind


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cleaned(path: Path, copy: Path, kind: Kind) -> str | None:
    """Writes the copy beside the file, whole or not at all, and gives its hash; None: no other than the file."""
    part = path.with_name(path.name + ".part")
    try:
        if not clean(path, part, kind):
            return None
        part.chmod(0o600)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(copy)
        return hash_of(copy)
    finally:
        part.unlink(missing_ok=True)


def _flag(session: Session, file: StoredFile, found: list[Found]) -> None:
    attachment = session.scalar(select(Attachment).where(Attachment.file_id == file.id))
    if attachment is not None:
        attachment.flags = [{"where": each.where, "text": each.text, "kind": each.kind} for each in found]


def _refuse(context: JobContext, file_id: int, sha256: str, sentence: str) -> dict[str, Any]:
    with context.db.transaction() as session:
        row = session.get_one(StoredFile, file_id)
        if row.state == "checking":
            row.state, row.problems, row.sha256 = "refused", [sentence], sha256
    return {"lines": [sentence]}
