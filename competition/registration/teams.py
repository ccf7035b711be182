"""Teams: invitation links, joining, leaving, removing, and the lead handed over.

A link's token is shown once and only its hash is kept. Everything that changes who belongs to a team first takes the
registration's row, so that the last place is given once; that a person is a member of one team of a track at most is
the database's own unique index.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from competition.accounts import audit, consents
from competition.accounts.models import Person
from competition.accounts.policy import Actor
from competition.accounts.service import hash_secret
from competition.contests.models import Contest, Track
from competition.registration import messages
from competition.registration.drafting import check_editable, contest_and_track
from competition.registration.entrants import bounds_of
from competition.registration.models import Invitation, Registration, RegistrationPerson
from competition.registration.own import lead_of, own_registration, part_of, shut
from competition.shared.errors import DomainError

LIFE: Final = timedelta(days=7)
AT_ONCE: Final = 20
"""Links of one registration that are good at the same time."""
PARTS: Final = ("member", "adviser")


@dataclass(frozen=True, slots=True)
class Invited:
    """What a link shows before anybody joins. `refusal`: why joining is not possible; None: it is."""

    registration: Registration
    contest: Contest
    track: Track
    part: str
    lead: str
    members: int
    most: int
    refusal: str | None


def invite(session: Session, number: str, part: str, *, actor: Actor, now: datetime) -> str:
    """A link's token, good for a week and not beyond the deadline. Several people may use it while there is room."""
    registration = own_registration(session, number, actor, lock=True)
    contest, track = contest_and_track(session, registration)
    check_editable(registration, contest, track, actor, now)
    if part not in PARTS:
        raise DomainError("bad_request", _("请选择邀请成员还是指导教师。"), "part")
    if part == "member" and registration.kind != "team":
        raise DomainError("bad_request", _("个人报名没有其他成员；要组队，请撤回后选择团队报名。"), "part")
    if part == "adviser" and not bounds_of(track.entrants or {}).advisers:
        raise DomainError("bad_request", _("这个赛项不设指导教师。"), "part")
    if len(invitations(session, registration, now)) >= AT_ONCE:
        raise DomainError("too_many", _("有效的邀请链接太多，请先作废几个再建。"))
    token = secrets.token_urlsafe(24)
    expires = now + LIFE
    if contest.registration_closes_at is not None and registration.state == "draft":
        expires = min(expires, contest.registration_closes_at)
    session.add(
        Invitation(
            registration_id=registration.id,
            token_hash=hash_secret(token),
            part=part,
            created_by=actor.person_id,
            created_at=now,
            expires_at=expires,
        )
    )
    session.flush()
    audit.note(
        session, actor, "team.invite", registration.number, now=now, contest_id=contest.id, details={"part": part}
    )
    return token


def invitations(session: Session, registration: Registration, now: datetime) -> list[Invitation]:
    """Those that are still good, oldest first."""
    return list(
        session.scalars(
            select(Invitation)
            .where(
                Invitation.registration_id == registration.id,
                Invitation.revoked_at.is_(None),
                Invitation.expires_at >= now,
            )
            .order_by(Invitation.id)
        )
    )


def revoke(session: Session, number: str, invitation_id: int, *, actor: Actor, now: datetime) -> None:
    registration = own_registration(session, number, actor, lock=True)
    check_editable(registration, *contest_and_track(session, registration), actor, now)
    invitation = session.get(Invitation, invitation_id)
    if invitation is None or invitation.registration_id != registration.id:
        raise DomainError("unknown", _("没有这个邀请链接，可能已经作废。"))
    invitation.revoked_at = invitation.revoked_at or now
    audit.note(session, actor, "team.revoke", registration.number, now=now, contest_id=registration.contest_id)


def invited(session: Session, token: str, *, actor: Actor, now: datetime, lock: bool = False) -> Invited:
    """What the link leads to; an error for people where it is none, or no longer good."""
    invitation = session.scalar(select(Invitation).where(Invitation.token_hash == hash_secret(token)))
    if invitation is None:
        raise DomainError("unknown", _("这个邀请链接不对，请向领队要一个新的。"))
    query = select(Registration).where(Registration.id == invitation.registration_id)
    registration = session.scalars(query.with_for_update() if lock else query).one()
    if lock:
        # What was read before the row was ours may be old: another joined, or the link was revoked.
        session.refresh(invitation)
        session.refresh(registration, ["people"])
    contest, track = contest_and_track(session, registration)
    mine = part_of(registration, actor)
    refusal = None
    if invitation.revoked_at is not None or now > invitation.expires_at:
        refusal = _("这个邀请链接已经失效，请向领队要一个新的。")
    if mine is not None and mine.accepted_at is not None:
        refusal = None
    elif refusal is None:
        refusal = _refusal(registration, contest, track, invitation.part, now, pending=mine is not None)
    bounds = bounds_of(track.entrants or {})
    same = [person for person in registration.people if person.part == invitation.part]
    most = bounds.most if invitation.part == "member" else bounds.advisers
    lead = lead_of(registration)
    return Invited(registration, contest, track, invitation.part, lead.name if lead else "", len(same), most, refusal)


def _refusal(
    registration: Registration, contest: Contest, track: Track, part: str, now: datetime, *, pending: bool
) -> str | None:
    if registration.state not in ("draft", "returned"):
        return _("这支团队的报名已经提交或撤回，不能再加入。")
    sentence = shut(contest, track, now)
    if sentence is not None and not (registration.state == "returned" and track.phase == "registration"):
        return sentence
    bounds = bounds_of(track.entrants or {})
    most = bounds.most if part == "member" else bounds.advisers
    if not pending and sum(person.part == part for person in registration.people) >= most:
        return _("人数已满（%(most)s 人）。需要加入时，请领队先移出一位。", most=most)
    return None


def join(
    session: Session, token: str, *, consent: bool, seen: str | None = None, actor: Actor, now: datetime
) -> Registration:
    """Makes the actor one of the team, once, with their consent to how their data is used for it."""
    if actor.person_id is None:
        raise DomainError("signed_out", _("请先登录，再加入团队。"))
    found = invited(session, token, actor=actor, now=now, lock=True)
    registration, mine = found.registration, part_of(found.registration, actor)
    if mine is not None and mine.accepted_at is not None:
        return registration
    if found.refusal is not None:
        raise DomainError("not_open", found.refusal)
    if not consent:
        raise DomainError("incomplete", _("请阅读并勾选同意个人信息处理说明。"), "consent")
    person = session.get_one(Person, actor.person_id)
    if mine is None:
        mine = RegistrationPerson(
            registration_id=registration.id,
            track_id=registration.track_id,
            person_id=person.id,
            part=found.part,
            position=1 + max((one.position for one in registration.people), default=-1),
            name=person.name,
            holds=found.part == "member",
            accepted_at=now,
        )
        try:
            with session.begin_nested():
                session.add(mine)
                session.flush()
        except IntegrityError:
            raise DomainError(
                "conflict",
                _("您在这个赛项已经有报名：每人在一个赛项只能参加一个团队。请先到“我的报名”退出或撤回那一份。"),
            ) from None
        session.refresh(registration, ["people"])
    mine.accepted_at = now
    consents.give(
        session, person.id, "registration",
        contest_id=found.contest.id, registration_id=registration.id, now=now, seen=seen,
    )  # fmt: skip
    registration.updated_at = now
    messages.joined(session, registration, found.contest, person.name, now=now)
    audit.note(
        session, actor, "team.join", registration.number, now=now, contest_id=found.contest.id,
        details={"part": mine.part},
    )  # fmt: skip
    session.flush()
    return registration


def agree(session: Session, registration: Registration, seen: str | None, *, actor: Actor, now: datetime) -> None:
    """A member's own consent, and their yes to being in the team where somebody else put them in."""
    mine = part_of(registration, actor)
    if mine is None or actor.person_id is None:
        raise DomainError("unknown", _("您不在这支团队里。"))
    _changeable(session, registration)
    consents.give(
        session, actor.person_id, "registration",
        contest_id=registration.contest_id, registration_id=registration.id, now=now, seen=seen,
    )  # fmt: skip
    mine.accepted_at = mine.accepted_at or now
    session.flush()


def leave(session: Session, number: str, *, actor: Actor, now: datetime) -> Registration:
    """Takes the actor out of the team. Who leads hands that over first, or withdraws the registration."""
    registration = own_registration(session, number, actor, lock=True)
    session.refresh(registration, ["people"])
    mine = part_of(registration, actor)
    if mine is None:
        raise DomainError("unknown", _("您不在这支团队里。"))
    if mine.lead:
        raise DomainError("forbidden", _("领队不能直接退出：请先把领队交给别的成员，或撤回整份报名。"))
    contest = _changeable(session, registration)
    messages.left(session, registration, contest, mine.name, now=now)
    _take_out(session, registration, mine, now)
    audit.note(session, actor, "team.leave", registration.number, now=now, contest_id=contest.id)
    return registration


def remove(session: Session, number: str, person_row: int, *, actor: Actor, now: datetime) -> Registration:
    """The lead takes somebody out."""
    registration = own_registration(session, number, actor, lock=True)
    session.refresh(registration, ["people"])
    contest, track = contest_and_track(session, registration)
    check_editable(registration, contest, track, actor, now)
    person = _row(registration, person_row)
    if person.lead:
        raise DomainError("forbidden", _("领队不能移出自己：请先把领队交给别的成员，或撤回整份报名。"))
    who = person.person_id
    _take_out(session, registration, person, now)
    audit.note(
        session, actor, "team.remove", registration.number, now=now, contest_id=contest.id, details={"person": who}
    )
    return registration


def hand_over(session: Session, number: str, person_row: int, *, actor: Actor, now: datetime) -> Registration:
    """Another member leads from now on."""
    registration = own_registration(session, number, actor, lock=True)
    session.refresh(registration, ["people"])
    contest, track = contest_and_track(session, registration)
    check_editable(registration, contest, track, actor, now)
    person = _row(registration, person_row)
    if person.part != "member" or person.accepted_at is None or person.person_id is None:
        raise DomainError("bad_request", _("领队只能交给已经加入的成员。"))
    for one in registration.people:
        one.lead = one is person
    registration.version += 1
    registration.updated_at = now
    session.flush()
    audit.note(
        session, actor, "team.lead", registration.number, now=now, contest_id=contest.id,
        details={"person": person.person_id},
    )  # fmt: skip
    return registration


def waiting_for(session: Session, person_id: int) -> int:
    """How many teams wait for the person's yes."""
    return (
        session.scalar(
            select(func.count())
            .select_from(RegistrationPerson)
            .where(RegistrationPerson.person_id == person_id, RegistrationPerson.accepted_at.is_(None))
        )
        or 0
    )


def _changeable(session: Session, registration: Registration) -> Contest:
    contest, _track = contest_and_track(session, registration)
    if registration.state not in ("draft", "returned"):
        raise DomainError("locked", _("报名已提交，成员不能再变动。需要更换时，请联系审核单位先退回。"))
    return contest


def _row(registration: Registration, person_row: int) -> RegistrationPerson:
    person = next((one for one in registration.people if one.id == person_row), None)
    if person is None:
        raise DomainError("unknown", _("团队里没有这个人，可能已经退出。"))
    return person


def _take_out(session: Session, registration: Registration, person: RegistrationPerson, now: datetime) -> None:
    registration.people.remove(person)
    registration.updated_at = now
    session.flush()
