"""A registration on its way to the reviewers: begun, saved, handed in, corrected, withdrawn.

Every use case is one short transaction. `now` is when the request reached the server, so that whoever handed in at the
last second does not lose it to a queue; contest and track are read anew in the same transaction. At the deadline's
rush no row is shared: each person writes rows of their own registration.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from competition.accounts import audit, consents
from competition.accounts.models import Person, Unit
from competition.accounts.policy import Actor
from competition.contests.locks import lock_track
from competition.contests.models import Contest, Track
from competition.registration import complete, messages
from competition.registration.entrants import bounds_of
from competition.registration.models import (
    Entry,
    Invitation,
    Registration,
    RegistrationPerson,
    ReviewStep,
)
from competition.registration.own import check_window, groups_of, lead_of, leads, own_registration, shut
from competition.registration.receipt import sha256_of
from competition.shared.errors import DomainError

LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Of a number that is read aloud and typed: without 0 O, 1 I L."""
MAX_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form holds. None leaves a thing as it is; `answers` are all of them, by field code."""

    title: str | None = None
    group: str | None = None
    unit: str | None = None
    """A unit's code; empty: none chosen."""
    answers: Mapping[str, Any] | None = field(default=None)


def new_number() -> str:
    return "R" + "".join(secrets.choice(LETTERS) for _place in range(8))


def contest_and_track(session: Session, registration: Registration) -> tuple[Contest, Track]:
    return session.get_one(Contest, registration.contest_id), session.get_one(Track, registration.track_id)


def start(
    session: Session,
    contest: Contest,
    track: Track,
    kind: str,
    *,
    actor: Actor,
    now: datetime,
    number: str | None = None,
    origin: str = "page",
    holds: bool = True,
) -> Registration:
    """A draft of the actor's own in the track; a second time gives the one there is, however often it is asked for."""
    if actor.person_id is None:
        raise DomainError("signed_out", _("请先登录。"))
    if holds and (known := _held(session, track.id, actor.person_id)) is not None:
        return known
    check_window(contest, track, now)
    if kind not in bounds_of(track.entrants or {}).kinds:
        raise DomainError("bad_request", _("这个赛项不收这种报名方式，请改选个人或团队。"), "kind")
    person = session.get_one(Person, actor.person_id)
    registration = Registration(
        contest_id=contest.id,
        track_id=track.id,
        number=number or new_number(),
        kind=kind,
        unit_id=person.unit_id,
        group=_only(groups_of(contest, track)),
        origin=origin,
        created_by=person.id,
        created_at=now,
        updated_at=now,
        people=[
            RegistrationPerson(
                track_id=track.id,
                person_id=person.id,
                position=0,
                name=person.name,
                holds=holds,
                lead=True,
                accepted_at=now,
            )
        ],
    )
    try:
        with session.begin_nested():
            session.add(registration)
            session.flush()
    except IntegrityError:
        # The same person's other tab (or tap) was first.
        first = _held(session, track.id, actor.person_id)
        if first is None:
            raise
        return first
    audit.note(
        session, actor, "registration.start", registration.number, now=now, contest_id=contest.id,
        details={"track": track.code, "kind": kind, "origin": origin},
    )  # fmt: skip
    return registration


def _held(session: Session, track_id: int, person_id: int) -> Registration | None:
    """The registration in which the person takes a place of the track, or leads as a member."""
    return session.scalar(
        select(Registration)
        .join(RegistrationPerson, RegistrationPerson.registration_id == Registration.id)
        .where(
            RegistrationPerson.track_id == track_id, RegistrationPerson.person_id == person_id, RegistrationPerson.holds
        )
    )


def _only(groups: list[tuple[str, str]]) -> str:
    return groups[0][0] if len(groups) == 1 else ""


def save(session: Session, number: str, draft: Draft, *, version: int, actor: Actor, now: datetime) -> Registration:
    """Stores the form as it stands, complete or not. `version` is the one the form was filled from."""
    registration = own_registration(session, number, actor, lock=True)
    contest, track = contest_and_track(session, registration)
    check_editable(registration, contest, track, actor, now)
    if version != registration.version:
        raise DomainError(
            "conflict",
            _("这份报名刚在别处保存过。请核对下面的最新内容，再保存一次；您刚才填写的仍在表单里。"),
            version=registration.version,
        )
    if draft.title is not None:
        registration.title = draft.title.strip()[:MAX_TITLE]
    if draft.group is not None:
        registration.group = _group(contest, track, draft.group)
    if draft.unit is not None:
        registration.unit_id = unit_of(session, draft.unit)
    if draft.answers is not None:
        registration.answers = dict(draft.answers)
    registration.version += 1
    registration.updated_at = now
    session.flush()
    return registration


def _group(contest: Contest, track: Track, code: str) -> str:
    if code and code not in dict(groups_of(contest, track)):
        raise DomainError("unknown", _("这个赛项没有这个组别，请重新选择。"), "group")
    return code


def unit_of(session: Session, code: str) -> int | None:
    """The id of the unit of that code; None for an empty one."""
    if not code.strip():
        return None
    unit = session.execute(
        select(Unit.id, Unit.archived_at).where(Unit.code_key == code.strip().casefold())
    ).one_or_none()
    if unit is None or unit.archived_at is not None:
        raise DomainError("unknown", _("没有这个单位，请从查到的单位中选择。"), "unit")
    return unit.id


def check_editable(registration: Registration, contest: Contest, track: Track, actor: Actor, now: datetime) -> None:
    """Refuses whoever does not lead, and whatever is not open to changes."""
    if not leads(registration, actor):
        raise DomainError("forbidden", _("只有领队可以修改报名，请联系领队。"))
    if registration.state not in ("draft", "returned"):
        raise DomainError("locked", _("报名已提交，不能再改。要更正，请联系审核单位退回，或在截止前撤回后重报。"))
    check_window(contest, track, now, returned=registration.state == "returned")


def submit(
    session: Session,
    number: str,
    *,
    agreed: Mapping[str, str | None] | None = None,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Registration:
    """Hands it in: to the first step of the review chain, with what its eligibility says.

    `agreed`: kind of consent → the mark of the text that was shown. Handing in twice is once. Refuses with everything
    that is missing (`details["missing"]`: sentence and field); nothing but the consents is written before that.
    """
    registration = own_registration(session, number, actor, lock=True)
    if registration.state == "submitted" and leads(registration, actor):
        return registration
    contest, track = contest_and_track(session, registration)
    # A phase that moves at the same moment waits for us, or we see it moved.
    lock_track(session, track.id, shared=True)
    session.refresh(track, ["phase"])
    check_editable(registration, contest, track, actor, now)
    if version is not None and version != registration.version:
        raise DomainError("conflict", _("这份报名刚在别处保存过，请核对后再提交。"), version=registration.version)
    for kind, seen in (agreed or {}).items():
        assert actor.person_id is not None
        consents.give(
            session, actor.person_id, kind, contest_id=contest.id, registration_id=registration.id, now=now, seen=seen
        )
    found = complete.look(session, registration, contest, track, now=now)
    if found.missing:
        raise DomainError(
            "incomplete",
            _("还不能提交，请先补齐：") + " ".join(one.sentence for one in found.missing),
            found.missing[0].field,
            missing=[one.as_dict() for one in found.missing],
        )
    registration.state = "submitted"
    registration.step = 0
    registration.reason = ""
    registration.submitted_at = registration.updated_at = now
    registration.version += 1
    if not registration.title and registration.kind == "individual":
        lead = lead_of(registration)
        registration.title = lead.name if lead else ""
    registration.sha256 = sha256_of(session, registration)
    _note_step(session, registration, "submit", actor, now, failures=[one.as_dict() for one in found.failures])
    _revoke_invitations(session, registration, now)
    messages.submitted(session, registration, contest, now=now)
    audit.note(
        session, actor, "registration.submit", registration.number, now=now, contest_id=contest.id,
        details={"sha256": registration.sha256},
    )  # fmt: skip
    session.flush()
    return registration


def withdraw(session: Session, number: str, *, actor: Actor, now: datetime, reason: str = "") -> Registration:
    """Takes it back, until the deadline; its people's places in the track are free again. Twice is once."""
    registration = own_registration(session, number, actor, lock=True)
    if not leads(registration, actor):
        raise DomainError("forbidden", _("只有领队可以撤回报名。要退出团队，请用“退出团队”。"))
    if registration.state == "withdrawn":
        return registration
    if registration.state == "refused":
        raise DomainError("locked", _("这份报名审核没有通过，不需要撤回。"))
    contest, track = contest_and_track(session, registration)
    # A draft, or one sent back, binds nobody: it may go at any time, so that its people are free.
    if registration.state in ("submitted", "confirmed") and (sentence := shut(contest, track, now)) is not None:
        raise DomainError("not_open", sentence + _("现在退赛请联系主办方。"))
    if registration.entry_id is not None:
        _leave_field(session, registration)
    registration.state = "withdrawn"
    registration.updated_at = now
    registration.version += 1
    for person in registration.people:
        person.holds = False
    _revoke_invitations(session, registration, now)
    _note_step(session, registration, "withdraw", actor, now, reason=reason)
    messages.withdrawn(session, registration, contest, now=now)
    audit.note(
        session, actor, "registration.withdraw", registration.number, now=now, contest_id=contest.id, reason=reason
    )
    session.flush()
    return registration


def _leave_field(session: Session, registration: Registration) -> None:
    """A confirmed one's entry goes, too, as long as nothing has been drawn for it."""
    entry = session.get(Entry, registration.entry_id)
    if entry is not None and entry.draw is not None:
        raise DomainError("locked", _("已经抽签，不能自行撤回。请联系主办方办理退赛。"))
    registration.entry_id = None
    session.flush()
    if entry is not None:
        session.delete(entry)
        session.flush()


def _revoke_invitations(session: Session, registration: Registration, now: datetime) -> None:
    session.execute(
        update(Invitation)
        .where(Invitation.registration_id == registration.id, Invitation.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )


def _note_step(
    session: Session,
    registration: Registration,
    action: str,
    actor: Actor,
    now: datetime,
    *,
    reason: str = "",
    failures: list[dict[str, Any]] | None = None,
) -> None:
    session.add(
        ReviewStep(
            registration_id=registration.id,
            step="contestant",
            action=action,
            person_id=actor.person_id,
            actor=actor.name[:120],
            at=now,
            reason=reason,
            failures=failures or [],
        )
    )
