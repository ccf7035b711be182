"""The files of a registration: who may send which, what is kept when one takes another's place, and the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.policy import Actor
from competition.contests.models import AttachmentRule, Contest, Track
from competition.registration.models import Attachment, Registration, RegistrationPerson
from competition.shared.errors import DomainError
from competition.shared.files import new_key
from competition.shared.models import StoredFile

MB: Final = 1024 * 1024
PURPOSE: Final = "attachment"
UNFINISHED: Final = timedelta(hours=48)
"""How long an upload that stopped is kept for its sender to go on."""
AT_ONCE: Final = 20
"""Unfinished uploads of one person."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a sender says of a file before its first byte."""

    registration: str
    rule: str
    name: str
    size: int


def rules_of(session: Session, registration: Registration) -> list[AttachmentRule]:
    """The files that the registration's contest and track ask for, in their order."""
    return list(
        session.scalars(
            select(AttachmentRule)
            .where(
                AttachmentRule.contest_id == registration.contest_id,
                or_(AttachmentRule.track_id.is_(None), AttachmentRule.track_id == registration.track_id),
            )
            .order_by(AttachmentRule.position, AttachmentRule.id)
        )
    )


def missing(session: Session, registration: Registration) -> list[AttachmentRule]:
    """Required files that are not there (one that is still being looked at counts as there)."""
    there = set(
        session.scalars(
            select(Attachment.rule)
            .join(StoredFile, StoredFile.id == Attachment.file_id)
            .where(
                Attachment.registration_id == registration.id,
                Attachment.replaced_at.is_(None),
                StoredFile.state.in_(("checking", "ready")),
            )
        )
    )
    return [rule for rule in rules_of(session, registration) if rule.required and rule.code not in there]


def may_attach(session: Session, actor: Actor, registration: Registration) -> bool:
    """Whether the actor is one of the registration's people."""
    if actor.person_id is None:
        return False
    if registration.created_by == actor.person_id:
        return True
    return (
        session.scalar(
            select(RegistrationPerson.id)
            .where(
                RegistrationPerson.registration_id == registration.id,
                RegistrationPerson.person_id == actor.person_id,
                RegistrationPerson.accepted_at.is_not(None),
            )
            .limit(1)
        )
        is not None
    )


def open_registration(session: Session, number: str, *, actor: Actor, now: datetime) -> Registration:
    """The registration, if the actor may change its files now."""
    registration = session.scalar(select(Registration).where(Registration.number == number))
    if registration is None or not may_attach(session, actor, registration):
        raise DomainError("unknown", _("没有这份报名。"))
    if registration.state not in ("draft", "returned"):
        raise DomainError("locked", _("报名已提交，文件不能再改。需要更换时，请审核单位先退回。"))
    contest = session.get_one(Contest, registration.contest_id)
    phase = session.get_one(Track, registration.track_id).phase
    over = contest.registration_closes_at is not None and now > contest.registration_closes_at
    if phase != "registration" or (over and registration.state == "draft"):
        raise DomainError("not_open", _("报名已截止，不能再上传文件。"))
    return registration


def begin(session: Session, wanted: Wanted, *, actor: Actor, now: datetime, free: int) -> StoredFile:
    """Takes note of a file that is to come; refuses at once, before a byte is sent, what could never be taken.

    `free` is the room on the disk, in bytes.
    """
    registration = open_registration(session, wanted.registration, actor=actor, now=now)
    rule = _rule(session, registration, wanted.rule)
    if wanted.size < 1:
        raise DomainError("bad_request", _("这个文件是空的。"), "file")
    if wanted.size > rule.max_mb * MB:
        raise DomainError(
            "too_large",
            _(
                "文件有 %(mb)s MB，“%(title)s”最多 %(most)s MB。请压缩后再上传。",
                mb=_mb(wanted.size),
                title=rule.title,
                most=rule.max_mb,
            ),
            "file",
        )
    if wanted.size * 2 > free:
        raise DomainError("too_large", _("服务器的存储空间不足，请联系主办方。"), "file")
    waiting = session.scalar(
        select(func.count())
        .select_from(StoredFile)
        .where(StoredFile.person_id == actor.person_id, StoredFile.state == "uploading", StoredFile.expires_at > now)
    )
    if (waiting or 0) >= AT_ONCE:
        raise DomainError("too_many", _("还有 %(n)s 个文件没有传完。请先传完或删除。", n=waiting), "file")
    if rule.most > 1 and len(_in_force(session, registration, rule.code)) >= rule.most:
        raise DomainError(
            "conflict", _("“%(title)s”最多 %(n)s 个文件。请先删除一个。", title=rule.title, n=rule.most), "file"
        )
    file = StoredFile(
        key=new_key(),
        name=plain_name(wanted.name),
        purpose=PURPOSE,
        subject=f"registration:{registration.id}",
        person_id=actor.person_id,
        contest_id=registration.contest_id,
        declared=wanted.size,
        details={"rule": rule.code, "types": list(rule.types)},
        created_at=now,
        expires_at=now + UNFINISHED,
    )
    session.add(file)
    session.flush()
    return file


def own_upload(session: Session, key: str, *, actor: Actor) -> StoredFile:
    """The unfinished or finished file of that key, for whoever sends it."""
    file = session.scalar(select(StoredFile).where(StoredFile.key == key, StoredFile.purpose == PURPOSE))
    if file is None or file.person_id is None or file.person_id != actor.person_id:
        raise DomainError("unknown", _("没有这个上传。请重新选择文件。"))
    return file


def complete(session: Session, file: StoredFile, *, actor: Actor, now: datetime) -> Attachment:
    """The last byte is here: this moment is the proof of submission. One file takes the place of the one before."""
    if file.state != "uploading":
        raise DomainError("conflict", _("这个文件已经传完。"))
    registration = session.get_one(Registration, int(file.subject.partition(":")[2]))
    open_registration(session, registration.number, actor=actor, now=now)
    rule = _rule(session, registration, file.details["rule"])
    if rule.most == 1:
        for old in _in_force(session, registration, rule.code):
            old.replaced_at = now
    file.state, file.received, file.completed_at, file.expires_at = "checking", file.declared, now, None
    attachment = Attachment(registration_id=registration.id, rule=rule.code, file_id=file.id, received_at=now)
    session.add(attachment)
    registration.updated_at = now
    session.flush()
    audit.note(
        session, actor, "attachment.receive", f"{registration.number}/{rule.code}", now=now,
        contest_id=registration.contest_id, details={"bytes": file.declared},
    )  # fmt: skip
    return attachment


def refuse(session: Session, file: StoredFile, sentence: str) -> None:
    """A file that cannot be taken; its bytes go, its row says why."""
    file.state, file.problems = "refused", [sentence]
    session.flush()


def remove(session: Session, number: str, key: str, *, actor: Actor, now: datetime) -> None:
    """Takes a file out of the registration. What was received stays on record, with its hash, as replaced."""
    registration = open_registration(session, number, actor=actor, now=now)
    found = session.execute(
        select(Attachment, StoredFile)
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .where(Attachment.registration_id == registration.id, StoredFile.key == key, Attachment.replaced_at.is_(None))
    ).first()
    if found is None:
        raise DomainError("unknown", _("没有这个文件，或者已经删除。"))
    attachment, _file = found
    attachment.replaced_at = now
    registration.updated_at = now
    session.flush()
    audit.note(
        session, actor, "attachment.remove", f"{registration.number}/{attachment.rule}", now=now,
        contest_id=registration.contest_id,
    )  # fmt: skip


def clear_flags(session: Session, attachment: Attachment, *, actor: Actor, now: datetime, reason: str) -> None:
    """Somebody has looked through the file and answers for its being fit for blind review; the caller says who may."""
    if not reason.strip():
        raise DomainError("bad_request", _("请写明核查结论。"), "reason")
    attachment.cleared_by, attachment.cleared_at = actor.person_id, now
    session.flush()
    registration = session.get_one(Registration, attachment.registration_id)
    audit.note(
        session, actor, "attachment.clear", f"{registration.number}/{attachment.rule}", now=now,
        contest_id=registration.contest_id, reason=reason,
    )  # fmt: skip


def plain_name(name: str) -> str:
    """A file's name without folders, control characters or more than 255 characters; its ending is kept."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable()).strip(". ") or "file"
    stem, dot, ending = kept.rpartition(".")
    return kept if len(kept) <= 200 else f"{stem[: 199 - len(ending)]}{dot}{ending}"[:200]


def _in_force(session: Session, registration: Registration, rule: str) -> Sequence[Attachment]:
    return session.scalars(
        select(Attachment)
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .where(
            Attachment.registration_id == registration.id,
            Attachment.rule == rule,
            Attachment.replaced_at.is_(None),
            StoredFile.state != "refused",
        )
    ).all()


def _rule(session: Session, registration: Registration, code: str) -> AttachmentRule:
    for rule in rules_of(session, registration):
        if rule.code == code:
            return rule
    raise DomainError("unknown", _("这项竞赛没有要求这个文件。"), "rule")


def _mb(size: int) -> str:
    return f"{size / MB:.1f}" if size < 100 * MB else f"{size // MB}"
