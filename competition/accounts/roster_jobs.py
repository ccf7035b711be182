"""A roster's way from the upload to the people: kept sealed, checked, shown, applied; long ones by the job process."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import roster
from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.shared.db import Database
from competition.shared.errors import DomainError
from competition.shared.excel import SheetError
from competition.shared.files import Files
from competition.shared.jobs import JobContext, handler
from competition.shared.models import StoredFile
from competition.shared.vault import Vault

PURPOSE: Final = "roster"
KEPT: Final = timedelta(hours=24)
"""A roster that nobody applies is gone after a day."""
TRIES: Final = 3


def keep(
    session: Session, unit: Unit, data: bytes, *, files: Files, vault: Vault, actor: Actor, now: datetime
) -> StoredFile:
    """Stores the upload sealed, since it is full of numbers, without the name it had."""
    sealed = vault.seal(base64.b64encode(data).decode()).encode()
    return files.store(
        session,
        sealed,
        name="roster",
        purpose=PURPOSE,
        media_type="application/octet-stream",
        subject=f"unit:{unit.id}",
        person_id=actor.person_id,
        now=now,
        keep=KEPT,
    )


def kept(session: Session, key: str, unit_id: int) -> StoredFile | None:
    """The roster of that key, if it is this unit's and still there."""
    return session.scalar(
        select(StoredFile).where(
            StoredFile.key == key,
            StoredFile.purpose == PURPOSE,
            StoredFile.subject == f"unit:{unit_id}",
            StoredFile.state == "ready",
        )
    )


def check(
    db: Database,
    key: str,
    unit_id: int,
    *,
    files: Files,
    vault: Vault,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> roster.Plan:
    """Reads and checks a kept roster and writes what its page shows beside it."""
    plan = _planned(db, key, unit_id, files, vault, now, progress)
    with db.transaction() as session:
        file = kept(session, key, unit_id)
        if file is not None:
            file.details = {**file.details, "plan": plan.as_dict()}
    return plan


def carry_out(
    db: Database,
    key: str,
    unit_id: int,
    *,
    files: Files,
    vault: Vault,
    actor: Actor,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
    within: Callable[[Session, dict[str, int]], None] = lambda session, counts: None,
) -> dict[str, int]:
    """Checks once more and writes everything in one transaction, with `within`; the file is gone afterwards.

    People who change meanwhile make the plan be made again, three times at most.
    """
    for attempt in range(TRIES):
        plan = _planned(db, key, unit_id, files, vault, now, progress)
        try:
            with db.transaction() as session:
                file = kept(session, key, unit_id)
                if file is None:
                    raise DomainError("unknown", _("这份名册已经导入，或已过期。请重新上传。"))
                counts = roster.apply(session, session.get_one(Unit, unit_id), plan, vault=vault, actor=actor, now=now)
                within(session, counts)
                files.delete(session, file, now)
                file.details = {}
            return counts
        except DomainError as error:
            if error.code != "conflict" or attempt == TRIES - 1:
                raise
    raise AssertionError("every attempt returns or raises")


def _planned(
    db: Database,
    key: str,
    unit_id: int,
    files: Files,
    vault: Vault,
    now: datetime,
    progress: Callable[[int, int], None],
) -> roster.Plan:
    with db.reading() as session:
        file = kept(session, key, unit_id)
        if file is None:
            raise DomainError("unknown", _("这份名册已经导入，或已过期。请重新上传。"))
        data = base64.b64decode(vault.open(files.read(file).decode()))
        try:
            rows = roster.read(data)
        except SheetError as error:
            raise DomainError("bad_request", error.problems[0], "file", errors=error.problems) from None
        unit = session.get_one(Unit, unit_id)
        return roster.plan(session, unit, rows, vault=vault, now=now, progress=progress)


@handler("roster.check")
def check_job(context: JobContext) -> dict[str, Any]:
    made = check(
        context.db,
        context.arguments["file"],
        context.arguments["unit"],
        files=context.files,
        vault=context.vault,
        now=context.now(),
        progress=context.progress,
    )
    if made.faults:
        return {"lines": [_("共 %(rows)s 行，有 %(n)s 处问题。", rows=made.rows, n=len(made.faults))]}
    return {"lines": [_("共 %(rows)s 行，没有问题，可以导入。", rows=made.rows)]}


@handler("roster.apply")
def apply_job(context: JobContext) -> dict[str, Any] | None:
    def end(session: Session, counts: dict[str, int]) -> None:
        context.complete(session, {"lines": [told(counts)]})

    carry_out(
        context.db,
        context.arguments["file"],
        context.arguments["unit"],
        files=context.files,
        vault=context.vault,
        actor=context.actor,
        now=context.now(),
        progress=context.progress,
        within=end,
    )
    return None


def told(counts: dict[str, int]) -> str:
    return _("新增 %(new)s 人，更新 %(update)s 人，%(same)s 人没有变化。", **counts)
