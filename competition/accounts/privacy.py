"""A person's own data: all of it to see and take along, and to have erased (PIPL 44–50).

Registrations and files lie in tables of later stages, so they are read here by the names of their tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import Row, Select, Table, delete, or_, select, update
from sqlalchemy.orm import Session

from competition.accounts import audit, consents, profile
from competition.accounts.events import PersonErased
from competition.accounts.models import (
    Audit,
    Consent,
    ExternalIdentity,
    Failure,
    Grant,
    Notice,
    OneTimeToken,
    Person,
    SignIn,
    SignInLink,
    Unit,
)  # fmt: skip
from competition.accounts.policy import ROLE_TABLE, Actor
from competition.shared import bus
from competition.shared.db import Base
from competition.shared.errors import DomainError
from competition.shared.files import Files
from competition.shared.models import Mail, StoredFile
from competition.shared.vault import Vault

FORMAT: Final = "leitai.person/1"
ENDED: Final = ("final", "archived")
"""Phases in which a track is over and its result public."""
ON_ITS_WAY: Final = ("submitted", "returned", "confirmed")


def tables(*names: str) -> list[Table]:
    """Tables of later stages, by name."""
    return [Base.metadata.tables[name] for name in names]


def own_data(session: Session, person_id: int, vault: Vault, *, now: datetime) -> dict[str, Any]:
    """All that is kept about a person, as JSON can hold it. ID and phone numbers are masked here as everywhere: who
    has them needs no copy, and a file that lies about must not give them away."""
    person = session.get_one(Person, person_id)
    unit = session.get(Unit, person.unit_id) if person.unit_id is not None else None
    return {
        "format": FORMAT,
        "made_at": _told(now),
        "account": {
            "login": person.login,
            "created_at": _told(person.created_at),
            "origin": person.origin,
            "unit": unit.name if unit else None,
            "email_confirmed_at": _told(person.email_confirmed_at),
            "phone_confirmed_at": _told(person.phone_confirmed_at),
            "one_time_codes_since": _told(person.totp_since),
        },
        "profile": profile.values_of(person, vault),
        "roles": _roles(session, person_id),
        "consents": [
            {
                "kind": one.kind,
                "contest": one.contest,
                "version": one.version,
                "title": one.title,
                "text": one.body,
                "given_at": _told(one.given_at),
                "given_by_another": one.by_other,
                "withdrawn_at": _told(one.withdrawn_at),
            }
            for one in consents.given_by_person(session, person_id)
        ],
        "registrations": [_plain(row) for row in session.execute(_registrations(person_id))],
        "files": _rows(
            session, StoredFile, "name", "purpose", "received", "sha256", "created_at", "state", of=person_id
        ),
        "notices": _rows(session, Notice, "created_at", "title", "body", "read_at", of=person_id),
        "mails": _rows(session, Mail, "created_at", "recipient", "subject", "sent_at", of=person_id),
        "sign_ins": _rows(session, SignIn, "created_at", "expires_at", "revoked_at", "agent", "address", of=person_id),
        "external_accounts": _rows(session, ExternalIdentity, "issuer", "label", "created_at", of=person_id),
        "log": _rows(session, Audit, "at", "action", "subject", "details", of=person_id),
    }


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing would do: what stands against it now, what would stay and why."""

    against: list[str] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)


def before_erasing(session: Session, person_id: int) -> Erasure:
    """Why a person cannot be erased yet, and what is kept when they are, in sentences."""
    registration, contest, track = tables("registration", "contest", "track")
    made = Erasure()
    running = session.execute(
        _own(person_id, registration.c.number, registration.c.state, contest.c.title, track.c.phase)
        .join(contest, contest.c.id == registration.c.contest_id)
        .join(track, track.c.id == registration.c.track_id)
    ).all()
    for row in running:
        if row.state in ON_ITS_WAY and row.phase not in ENDED:
            sentence = (
                _(
                    "《%(contest)s》的报名 %(number)s 还在进行。先撤回报名，再删除。",
                    contest=row.title,
                    number=row.number,
                )
                if row.phase == "registration"
                else _("《%(contest)s》还没有结束，你的参赛资料到公布结果以后才能删除。", contest=row.title)
            )
            made.against.append(sentence)
        elif row.state == "confirmed":
            made.stays.append(_("《%(contest)s》已公布的成绩里的姓名、单位和名次。", contest=row.title))
    for role, title, unit_name in _offices(session, person_id):
        where = title or unit_name
        made.against.append(
            _("你还担任%(where)s的%(role)s。请先由管理人员撤换。", where=f"“{where}”" if where else "", role=role)
        )
    made.stays.append(_("依法保存的操作日志：谁在何时做了什么，不含证件号、手机号和所填的内容。"))
    made.stays.append(_("同意书的记录：何时同意和撤回了哪一版。"))
    return made


def erase(session: Session, person_id: int, *, files: Files, actor: Actor, now: datetime, reason: str = "") -> Erasure:
    """Erases a person's data, or refuses with everything that stands against it; gives what stayed.

    The row stays without a name, so that results and the log go on pointing at somebody.
    """
    found = before_erasing(session, person_id)
    if found.against:
        raise DomainError("conflict", found.against[0], errors=found.against)
    person = session.get_one(Person, person_id)
    if person.erased_at is not None:
        raise DomainError("conflict", _("这个账号已经删除。"))
    login_key = person.login_key
    gone = [each[0] for each in session.execute(_alone(person_id))]
    _empty_registrations(session, person_id, gone, files, now)
    for table in (OneTimeToken, SignIn, SignInLink, ExternalIdentity, Notice, Mail):
        session.execute(delete(table).where(table.person_id == person_id))
    session.execute(delete(Failure).where(Failure.login_key == login_key))
    session.execute(delete(Grant).where(Grant.person_id == person_id))
    session.execute(
        update(Consent).where(Consent.person_id == person_id, Consent.withdrawn_at.is_(None)).values(withdrawn_at=now)
    )
    nobody = f"erased-{person_id}"
    person.login, person.login_key, person.name = nobody, nobody, _("已删除")
    person.password_hash = person.email = person.email_key = person.email_confirmed_at = None
    person.phone_sealed = person.phone_index = person.phone_confirmed_at = None
    person.id_sealed = person.id_index = person.emergency_sealed = None
    person.totp_sealed = person.totp_since = person.totp_step = None
    person.totp_recovery, person.profile, person.unit_id = [], {}, None
    person.active, person.erased_at = False, now
    session.flush()
    by = actor if actor.person_id != person_id else Actor(None, nobody)
    audit.note(session, by, "person.erase", nobody, now=now, reason=reason, details={"registrations": len(gone)})
    bus.record(PersonErased(person_id))
    return found


def delete_files(session: Session, query: Select[Any], files: Files, now: datetime) -> int:
    """Removes the bytes of the files that the query names; gives how many."""
    rows: Sequence[StoredFile] = session.scalars(query.where(StoredFile.state != "deleted")).all()
    for row in rows:
        files.delete(session, row, now)
        row.person_id, row.details, row.problems = None, {}, []
    return len(rows)


def _empty_registrations(session: Session, person_id: int, alone: Sequence[int], files: Files, now: datetime) -> None:
    """Names stay where a result was published; of what the person handed in alone, answers and files go."""
    registration, member, attachment = tables("registration", "registration_person", "attachment")
    kept = select(registration.c.id).where(registration.c.entry_id.is_not(None))
    session.execute(
        update(member)
        .where(member.c.person_id == person_id, member.c.registration_id.not_in(kept))
        .values(name="", holds=False)
    )
    session.execute(update(registration).where(registration.c.id.in_(alone)).values(answers={}))
    session.execute(
        update(registration)
        .where(registration.c.id.in_(alone), registration.c.entry_id.is_(None))
        .values(title="", attributes={}, state="withdrawn")
    )
    handed_in = select(attachment.c.file_id).where(attachment.c.registration_id.in_(alone))
    delete_files(
        session,
        select(StoredFile).where(or_(StoredFile.id.in_(handed_in), StoredFile.person_id == person_id)),
        files,
        now,
    )


def _alone(person_id: int) -> Select[Any]:
    """The registrations in which the person is the only member: what a team handed in is the others', too."""
    registration, member = tables("registration", "registration_person")
    others = select(member.c.registration_id).where(
        or_(member.c.person_id != person_id, member.c.person_id.is_(None)), member.c.part == "member"
    )
    return select(registration.c.id).where(
        or_(
            registration.c.id.in_(
                select(member.c.registration_id).where(member.c.person_id == person_id, member.c.part == "member")
            ),
            (registration.c.created_by == person_id)
            & registration.c.id.not_in(select(member.c.registration_id).where(member.c.part == "member")),
        ),
        registration.c.id.not_in(others),
    )


def _own(person_id: int, *wanted: Any) -> Select[Any]:
    registration, member = tables("registration", "registration_person")
    mine = select(member.c.registration_id).where(member.c.person_id == person_id)
    return select(*wanted).select_from(registration).where(registration.c.id.in_(mine)).order_by(registration.c.id)


def _registrations(person_id: int) -> Select[Any]:
    registration, contest, track = tables("registration", "contest", "track")
    return (
        _own(
            person_id,
            registration.c.number,
            contest.c.title.label("contest"),
            track.c.title.label("track"),
            registration.c.title,
            registration.c.kind,
            registration.c.group,
            registration.c.state,
            registration.c.answers,
            registration.c.created_at,
            registration.c.submitted_at,
        )
        .join(contest, contest.c.id == registration.c.contest_id)
        .join(track, track.c.id == registration.c.track_id)
    )


def _roles(session: Session, person_id: int) -> list[dict[str, Any]]:
    (contest,) = tables("contest")
    rows = session.execute(
        select(Grant.role, contest.c.title, Unit.name, Grant.granted_at)
        .outerjoin(contest, contest.c.id == Grant.contest_id)
        .outerjoin(Unit, Unit.id == Grant.unit_id)
        .where(Grant.person_id == person_id)
        .order_by(Grant.id)
    )
    return [{"role": role, "contest": title, "unit": unit, "granted_at": _told(at)} for role, title, unit, at in rows]


def _offices(session: Session, person_id: int) -> list[tuple[str, str, str]]:
    """Roles that somebody has to take over first: of a unit, of the whole platform, of contests that still run."""
    contest, track = tables("contest", "track")
    running = select(track.c.contest_id).where(track.c.phase.not_in(ENDED))
    rows = session.execute(
        select(Grant.role, contest.c.title, Unit.name)
        .outerjoin(contest, contest.c.id == Grant.contest_id)
        .outerjoin(Unit, Unit.id == Grant.unit_id)
        .where(
            Grant.person_id == person_id,
            Grant.role != "contestant",
            or_(Grant.contest_id.is_(None), Grant.contest_id.in_(running)),
        )
        .order_by(Grant.id)
    )
    return [(str(ROLE_TABLE[role].title), title or "", unit or "") for role, title, unit in rows]


def _rows(session: Session, model: Any, *columns: str, of: int) -> list[dict[str, Any]]:
    wanted = [getattr(model, name) for name in columns]
    return [_plain(row) for row in session.execute(select(*wanted).where(model.person_id == of).order_by(model.id))]


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {name: _told(value) for name, value in row._mapping.items()}


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value
