"""What registration has waiting for people: own drafts, registrations to review, places, files with names inside."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts import tasks
from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.accounts.tasks import Task
from competition.accounts.unit_queries import own_units
from competition.contests.models import AttachmentRule, Contest, Track
from competition.registration.models import Attachment, Registration, RegistrationPerson
from competition.registration.quotas import open_requests
from competition.registration.review_queries import waiting_for


def own(session: Session, actor: Actor, now: datetime) -> list[Task]:
    """Drafts to finish, returned ones to correct, invitations to accept."""
    rows = session.execute(
        select(Registration, Contest, RegistrationPerson.lead, RegistrationPerson.accepted_at)
        .join(RegistrationPerson, RegistrationPerson.registration_id == Registration.id)
        .join(Contest, Contest.id == Registration.contest_id)
        .join(Track, Track.id == Registration.track_id)
        .where(
            RegistrationPerson.person_id == actor.person_id,
            Registration.state.in_(("draft", "returned")),
            Track.phase == "registration",
        )
    )
    found = []
    for registration, contest, lead, accepted in rows:
        link, closes = f"/registrations/{registration.number}", contest.registration_closes_at
        over = closes is not None and closes < now
        name = registration.title or contest.title
        if registration.state == "returned" and lead:
            found.append(Task(_("被退回，请改正：%(title)s", title=name), link, note=registration.reason, urgent=True))
        elif accepted is None:
            found.append(Task(_("请确认加入：%(title)s", title=name), link, due=closes))
        elif registration.state == "draft" and lead and not over:
            found.append(Task(_("报名还没有提交：%(title)s", title=name), link, note=contest.title, due=closes))
    return found


def to_review(session: Session, actor: Actor, now: datetime) -> list[Task]:
    if not _reviews(actor):
        return []
    waiting = waiting_for(session, actor)
    if not waiting:
        return []
    runs = any(grant.role in ("organiser", "admin") for grant in actor.grants)
    unit = None
    if not runs:
        unit = session.scalar(select(Unit.code).where(Unit.id.in_(own_units(actor))).order_by(Unit.id).limit(1))
    closes = _closing(session, [code for code, _title in waiting])
    return [
        Task(
            _("报名待审核：%(contest)s", contest=title),
            f"/manage/{code}/registrations?mine=1" if runs or unit is None
            else f"/unit/{unit}/registrations?mine=1&contest={code}",
            count,
            due=closes.get(code),
        )
        for (code, title), count in waiting.items()
    ]  # fmt: skip


def _closing(session: Session, codes: list[str]) -> dict[str, datetime | None]:
    rows = session.execute(select(Contest.code, Contest.registration_closes_at).where(Contest.code.in_(codes)))
    return {code: closes for code, closes in rows}  # noqa: C416 (a row is no pair to a type checker)


def places(session: Session, actor: Actor, now: datetime) -> list[Task]:
    if not _reviews(actor):
        return []
    found = open_requests(session, actor)
    runs = any(grant.role in ("organiser", "admin") for grant in actor.grants)
    if not found:
        return []
    unit = session.scalar(select(Unit.code).where(Unit.id.in_(own_units(actor))).order_by(Unit.id).limit(1))
    rows = session.execute(select(Contest.code, Contest.title).where(Contest.code.in_(list(found))))
    titles = {row.code: row.title for row in rows}
    return [
        Task(
            _("名额申请待批准：%(code)s", code=titles[code]),
            f"/manage/{code}/quotas" if runs or unit is None else f"/unit/{unit}/quotas",
            count,
        )
        for code, count in found.items()
    ]


def names_inside(session: Session, actor: Actor, now: datetime) -> list[Task]:
    """Files in which a name was found, to be looked through before judges may read them."""
    contests = [grant.contest_id for grant in actor.grants if grant.role == "organiser"]
    if not contests:
        return []
    rows = session.execute(
        select(Contest.code, Contest.title, Attachment.flags, func.count())
        .join(Registration, Registration.id == Attachment.registration_id)
        .join(Contest, Contest.id == Registration.contest_id)
        .join(
            AttachmentRule,
            (AttachmentRule.contest_id == Contest.id) & (AttachmentRule.code == Attachment.rule),
        )
        .where(
            Contest.id.in_([each for each in contests if each is not None]),
            Registration.state.in_(("submitted", "confirmed")),
            AttachmentRule.blind.is_(True),
            Attachment.replaced_at.is_(None),
            Attachment.cleared_at.is_(None),
        )
        .group_by(Contest.code, Contest.title, Attachment.id)
    )
    counts: dict[tuple[str, str], int] = {}
    for code, title, flags, _count in rows:
        if flags:
            counts[code, title] = counts.get((code, title), 0) + 1
    return [
        Task(_("匿名材料待核查：%(contest)s", contest=title), f"/manage/{code}/registrations", count)
        for (code, title), count in counts.items()
    ]


def _reviews(actor: Actor) -> bool:
    return any(grant.role in ("unit", "organiser", "admin") for grant in actor.grants)


def register() -> None:
    """Called when the program is put together."""
    for source in (own, to_review, places, names_inside):
        tasks.register(source)
