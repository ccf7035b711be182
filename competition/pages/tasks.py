"""Everything that waits for the person who is signed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.accounts import approval_kinds, tasks
from competition.accounts.notices import unread
from competition.accounts.policy import Actor
from competition.accounts.tasks import Task
from competition.contests.models import PHASES
from competition.contests.policy import can_run
from competition.contests.queries import contests
from competition.contests.service import missing_for
from competition.extensions import services
from competition.shared import clock
from competition.shared.guards import actor, allow

blueprint = Blueprint("tasks", __name__)


@blueprint.get("/tasks")
@allow("signed_in")
def index() -> Any:
    who: Actor = actor()
    with services().db.reading() as session:
        found = tasks.tasks_of(session, who, clock.now())
    return render_template("pages/tasks.html", found=found)


def answers(session: Session, who: Actor, now: datetime) -> list[Task]:
    """Decisions that wait for a second person."""
    waiting = approval_kinds.waiting_for(session, who)
    if not waiting:
        return []
    return [Task(_("等您决定的申请"), "/approvals", len(waiting), urgent=True)]


def next_phases(session: Session, who: Actor, now: datetime) -> list[Task]:
    """What the organiser's contests still lack before the next phase, while they are being prepared."""
    if not any(grant.role == "organiser" for grant in who.grants):
        return []
    found = []
    for contest in contests(session, rehearsals=True):
        if not can_run(who, contest.id):
            continue
        for track in contest.tracks:
            if track.phase not in ("draft", "registration", "draw"):
                continue
            lacking = missing_for(session, track, PHASES[PHASES.index(track.phase) + 1])
            if lacking:
                title = _("进入下一阶段前还缺：%(track)s", track=f"{contest.title} · {track.title}")
                found.append(Task(title, f"/manage/{contest.code}#phase", len(lacking), note=str(lacking[0])))
    return found


def messages(session: Session, who: Actor, now: datetime) -> list[Task]:
    count = unread(session, who.person_id) if who.person_id is not None else 0
    return [Task(_("未读消息"), "/me/notices", count)] if count else []


def register() -> None:
    """Called when the program is put together."""
    for source in (answers, next_phases, messages):
        tasks.register(source)
