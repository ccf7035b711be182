"""A sheet's way from the upload to the registrations: checked, shown, applied; long ones by the job process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.contests.models import Contest, Track
from competition.registration import sheet_plan
from competition.shared.errors import DomainError
from competition.shared.jobs import JobContext, enqueue, handler
from competition.shared.models import StoredFile

IN_REQUEST: Final = 200


def subject(unit_id: int, track_id: int) -> str:
    return f"sheet:{unit_id}:{track_id}"


def ask(
    session: Session,
    kind: str,
    file: StoredFile,
    unit: Unit,
    contest: Contest,
    track: Track,
    *,
    actor: Actor,
    now: datetime,
) -> str:
    """Hands the checking or the import to the job process; gives the job's key."""
    title = _("检查报名表") if kind == "sheet.check" else _("导入报名表")
    return enqueue(
        session, kind, title=f"{title} {unit.name}", actor=actor, now=now, contest_id=contest.id,
        arguments={
            "key": file.key, "unit": unit.id, "track": track.id,
            "back": f"/unit/{unit.code}/sheet/{contest.code}/{track.code}/{file.key}",
        },
    )  # fmt: skip


def check(
    tools: Any,
    key: str,
    unit_id: int,
    track_id: int,
    *,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> sheet_plan.Plan:
    """Reads and checks a kept sheet and writes what its page shows beside it. `tools` has `db`, `files`, `vault`."""
    plan = _planned(tools, key, unit_id, track_id, now, progress)
    with tools.db.transaction() as session:
        file = sheet_plan.kept(session, key, subject(unit_id, track_id))
        if file is not None:
            file.details = {**file.details, "plan": plan.as_dict()}
    return plan


def carry_out(tools: Any, key: str, unit_id: int, track_id: int, *, actor: Actor, now: datetime) -> int:
    """Checks once more and writes all of it or nothing; gives how many registrations were handed in."""
    plan = _planned(tools, key, unit_id, track_id, now, lambda done, total: None)
    with tools.db.transaction() as session:
        track = session.get_one(Track, track_id)
        file = sheet_plan.kept(session, key, subject(unit_id, track_id))
        if file is None:
            raise DomainError("unknown", _("这份表已经导入过或过期，请重新上传。"))
        numbers = sheet_plan.apply(
            session, session.get_one(Contest, track.contest_id), track, session.get_one(Unit, unit_id), plan,
            vault=tools.vault, actor=actor, now=now,
        )  # fmt: skip
        tools.files.delete(session, file, now)
    return len(numbers)


def _planned(
    tools: Any, key: str, unit_id: int, track_id: int, now: datetime, progress: Callable[[int, int], None]
) -> sheet_plan.Plan:
    with tools.db.reading() as session:
        file = sheet_plan.kept(session, key, subject(unit_id, track_id))
        if file is None:
            raise DomainError("unknown", _("这份表已经导入过或过期，请重新上传。"))
        track = session.get_one(Track, track_id)
        contest, unit = session.get_one(Contest, track.contest_id), session.get_one(Unit, unit_id)
        data = sheet_plan.opened(file, files=tools.files, vault=tools.vault)
        rows = sheet_plan.read(session, contest, track, data)
        return sheet_plan.plan(session, contest, track, unit, rows, vault=tools.vault, now=now, progress=progress)


@handler("sheet.check")
def _check(context: JobContext) -> dict[str, Any]:
    told = context.arguments
    plan = check(context, told["key"], told["unit"], told["track"], now=context.now(), progress=context.progress)
    if plan.faults:
        return {"lines": [_("有 %(n)s 处问题，什么也没有导入。", n=len(plan.faults))], "link": told["back"]}
    return {"lines": [_("没有问题，请核对后确认导入。")], "link": told["back"]}


@handler("sheet.apply")
def _apply(context: JobContext) -> dict[str, Any]:
    told = context.arguments
    count = carry_out(context, told["key"], told["unit"], told["track"], actor=context.actor, now=context.now())
    return {"lines": [ngettext("已提交 %(num)s 份报名。", "已提交 %(num)s 份报名。", count)]}
