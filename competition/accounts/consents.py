"""What people agreed to: versions of texts, general or of one contest, and each consent with its exact text.

A text in force is the contest's own where its organiser wrote one, else the general one where an admin wrote one, else
the built-in with the contest's facts. Whatever somebody agrees to becomes a row of its own, so that the exact words
stand behind every consent, also after the contest's retention date was moved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, Date, Integer, String, column, func, select, table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.consent_texts import KINDS, Facts, default_text
from competition.accounts.events import ConsentWithdrawn
from competition.accounts.models import Consent, ConsentText, Person
from competition.accounts.policy import Actor
from competition.shared import bus
from competition.shared.errors import DomainError

KIND_TITLES: Final[dict[str, Any]] = {
    "account": _l("账号"),
    "registration": _l("报名"),
    "publication": _l("公开姓名和单位"),
    "promotion": _l("向上级提供"),
}
LONGEST: Final = 20_000
SHORTEST: Final = 50

# Contests stand above people; what a text names of one is enough.
_contest = table(
    "contest",
    column("id", Integer()),
    column("title", String()),
    column("retention_until", Date()),
    column("about", JSON()),
)
_host = table(
    "contest_host",
    column("contest_id", Integer()),
    column("position", Integer()),
    column("part", String()),
    column("name", String()),
)


@dataclass(frozen=True, slots=True)
class InForce:
    """A text as it is to be shown; `mark` goes into the form, so that nobody agrees to what they have not seen."""

    kind: str
    title: str
    body: str
    version: int | None
    """None: built in, and nobody has agreed to it in these words yet."""
    contest_id: int | None
    id: int | None
    own: bool
    """Whether a person wrote it."""

    @property
    def mark(self) -> str:
        return hashlib.sha256(f"{self.title}\n{self.body}".encode()).hexdigest()[:16]


def text_in_force(session: Session, kind: str, contest_id: int | None = None) -> InForce:
    """The text of that kind that holds now; `account` has one for all contests."""
    if kind not in KINDS:
        raise ValueError(f"there is no consent of the kind {kind}")
    contest_id = None if kind == "account" else contest_id
    newest = _newest(session, kind, contest_id)
    if newest is not None and newest.created_by is not None:
        return _row(newest)
    general = _newest(session, kind, None) if contest_id is not None else None
    if general is not None and general.created_by is not None:
        return _row(general)
    title, body = default_text(kind, _facts(session, contest_id))
    if newest is not None and (newest.title, newest.body) == (title, body):
        return _row(newest)
    return InForce(kind, title, body, None, contest_id, None, own=False)


def give(
    session: Session,
    person_id: int,
    kind: str,
    *,
    contest_id: int | None,
    registration_id: int | None = None,
    now: datetime,
    given_by: int | None = None,
    seen: str | None = None,
) -> int:
    """Stores that the person agreed to the text in force, and gives the consent's id; a second time is the first.

    `seen` is the `mark` of what was shown: refused where another text holds by now. `given_by`: who holds the person's
    agreement in writing.
    """
    text = text_in_force(session, kind, contest_id)
    if seen is not None and seen != text.mark:
        raise DomainError("conflict", _("同意书的内容刚刚更新了，请读过新的内容再提交。"), f"consent_{kind}")
    text_id = text.id if text.id is not None else _stored(session, text, now)
    known = session.scalar(
        select(Consent.id).where(
            Consent.person_id == person_id,
            Consent.consent_text_id == text_id,
            Consent.registration_id == registration_id
            if registration_id is not None
            else Consent.registration_id.is_(None),
            Consent.withdrawn_at.is_(None),
        )
    )
    if known is not None:
        return known
    consent = Consent(
        person_id=person_id,
        consent_text_id=text_id,
        registration_id=registration_id,
        given_at=now,
        given_by=given_by,
    )
    session.add(consent)
    session.flush()
    return consent.id


def withdraw(session: Session, consent_id: int, *, actor: Actor, now: datetime) -> Consent:
    """Takes the actor's own consent back. What was done before stands; who relied on it is told by a fact."""
    consent = session.scalar(select(Consent).where(Consent.id == consent_id).with_for_update())
    if consent is None or actor.person_id is None or consent.person_id != actor.person_id:
        raise DomainError("unknown", _("没有这项同意。"))
    if consent.withdrawn_at is not None:
        raise DomainError("conflict", _("这项同意已经撤回。"))
    text = session.get_one(ConsentText, consent.consent_text_id)
    if text.kind == "account":
        raise DomainError("forbidden", _("账号需要这项同意。不再同意的，请在本页删除账号和信息。"))
    consent.withdrawn_at = now
    person = session.get_one(Person, consent.person_id)
    audit.note(
        session,
        actor,
        "consent.withdraw",
        person.login,
        now=now,
        contest_id=text.contest_id,
        details={"kind": text.kind, "version": text.version},
    )
    bus.record(ConsentWithdrawn(consent.person_id, text.kind, text.contest_id, consent.registration_id))
    session.flush()
    return consent


def write_text(
    session: Session, kind: str, contest_id: int | None, *, title: str, body: str, actor: Actor, now: datetime
) -> ConsentText:
    """A new version in words of its own; the caller has checked that the actor may write for the contest (None: all).

    Consents given to earlier versions stay what they were.
    """
    if kind not in KINDS or (kind == "account" and contest_id is not None):
        raise DomainError("unknown", _("没有这一类同意书。"), "kind")
    title, body = title.strip(), body.replace("\r\n", "\n").strip()
    if not 1 <= len(title) <= 200:
        raise DomainError("bad_request", _("请填写标题，最多 200 个字。"), "title")
    if not SHORTEST <= len(body) <= LONGEST:
        raise DomainError(
            "bad_request",
            _(
                "正文须有 %(least)s 至 %(most)s 个字，写明谁、为什么、哪些信息、保存多久、有哪些权利。",
                least=SHORTEST,
                most=LONGEST,
            ),
            "body",
        )
    newest = _newest(session, kind, contest_id)
    if newest is not None and newest.created_by is not None and (newest.title, newest.body) == (title, body):
        return newest
    row = ConsentText(
        kind=kind,
        contest_id=contest_id,
        version=1 if newest is None else newest.version + 1,
        title=title,
        body=body,
        created_at=now,
        created_by=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.note(
        session,
        actor,
        "consent.text",
        kind,
        now=now,
        contest_id=contest_id,
        details={"version": row.version},
    )
    return row


@dataclass(frozen=True, slots=True)
class Given:
    """A consent as its giver reads it: exactly what was agreed to, when, for which contest, whether taken back."""

    id: int
    kind: str
    title: str
    body: str
    version: int
    contest: str
    given_at: datetime
    by_other: bool
    withdrawn_at: datetime | None


def given_by_person(session: Session, person_id: int) -> list[Given]:
    """Everything a person agreed to, newest first."""
    rows = session.execute(
        select(Consent, ConsentText, _contest.c.title)
        .join(ConsentText, ConsentText.id == Consent.consent_text_id)
        .outerjoin(_contest, _contest.c.id == ConsentText.contest_id)
        .where(Consent.person_id == person_id)
        .order_by(Consent.id.desc())
    )
    return [
        Given(
            consent.id,
            text.kind,
            text.title,
            text.body,
            text.version,
            contest or "",
            consent.given_at,
            consent.given_by is not None,
            consent.withdrawn_at,
        )
        for consent, text, contest in rows
    ]


def holds(session: Session, person_id: int, kind: str, contest_id: int | None) -> bool:
    """Whether the person has agreed, for that contest, to any version, and not taken it back."""
    query = (
        select(func.count())
        .select_from(Consent)
        .join(ConsentText, ConsentText.id == Consent.consent_text_id)
        .where(Consent.person_id == person_id, ConsentText.kind == kind, Consent.withdrawn_at.is_(None))
    )
    if contest_id is not None:
        query = query.where((ConsentText.contest_id == contest_id) | ConsentText.contest_id.is_(None))
    return bool(session.scalar(query))


def versions(session: Session, kind: str, contest_id: int | None) -> Sequence[ConsentText]:
    """The stored versions, newest first."""
    scope = ConsentText.contest_id.is_(None) if contest_id is None else ConsentText.contest_id == contest_id
    query = select(ConsentText).where(ConsentText.kind == kind, scope).order_by(ConsentText.version.desc())
    return session.scalars(query).all()


def _newest(session: Session, kind: str, contest_id: int | None) -> ConsentText | None:
    found = versions(session, kind, contest_id)
    return found[0] if found else None


def _row(text: ConsentText) -> InForce:
    return InForce(
        text.kind, text.title, text.body, text.version, text.contest_id, text.id, own=text.created_by is not None
    )


def _stored(session: Session, text: InForce, now: datetime) -> int:
    """The built-in text as a row. Two who agree first at the same moment both get the one row."""
    for _try in range(3):
        newest = _newest(session, text.kind, text.contest_id)
        if newest is not None and (newest.title, newest.body) == (text.title, text.body):
            return newest.id
        row = ConsentText(
            kind=text.kind,
            contest_id=text.contest_id,
            version=1 if newest is None else newest.version + 1,
            title=text.title,
            body=text.body,
            created_at=now,
        )
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
            return row.id
        except IntegrityError:
            continue
    raise DomainError("conflict", _("刚才有人同时提交，请再提交一次。"))


def _facts(session: Session, contest_id: int | None) -> Facts:
    if contest_id is None:
        return Facts()
    row = session.execute(select(_contest).where(_contest.c.id == contest_id)).one()
    hosts = session.scalars(
        select(_host.c.name)
        .where(_host.c.contest_id == contest_id, _host.c.part.in_(("host", "organiser")))
        .order_by(_host.c.part, _host.c.position)
    ).all()
    until: date | None = row.retention_until
    contact = row.about.get("contact", "") if isinstance(row.about, dict) else ""
    return Facts(
        row.title, "、".join(hosts), until.isoformat() if until else "", contact if isinstance(contact, str) else ""
    )
