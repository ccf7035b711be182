"""People, what they may do, how they sign in, and the log of what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from competition.shared.db import Base, UtcDateTime
from competition.shared.roles import ROLES


class Person(Base):
    """Someone who can sign in. `login` is unique ignoring case (stored casefolded in `login_key`)."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(80))
    login_key: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    origin: Mapped[str] = mapped_column(String(12), default="desk", server_default="desk")
    """How the person came: desk, sign_up, roster."""
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(String(254), index=True)
    """Casefolded. Several may claim an address; signing in by it and mail to it wait for `email_confirmed_at`."""
    email_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    phone_sealed: Mapped[str | None] = mapped_column(Text)
    phone_index: Mapped[str | None] = mapped_column(String(64), index=True)
    """The keyed hash by which equality is searched (`shared.vault.Vault.index`)."""
    phone_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    id_sealed: Mapped[str | None] = mapped_column(Text)
    id_index: Mapped[str | None] = mapped_column(String(64), index=True)
    emergency_sealed: Mapped[str | None] = mapped_column(Text)
    """The phone number of the emergency contact."""
    profile: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    """Fields of `accounts.profile.FIELDS` by their codes; nothing that is sealed."""
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id", ondelete="SET NULL"), index=True)
    """Where the person works or studies; for a platform worker the union that speaks for them."""
    totp_sealed: Mapped[str | None] = mapped_column(Text)
    totp_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    totp_step: Mapped[int | None]
    """The last time step used, so that no code counts twice."""
    totp_recovery: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    """Hashes of the recovery codes that are left."""
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    grants: Mapped[list[Grant]] = relationship(back_populates="person", cascade="all, delete-orphan")


class Unit(Base):
    """An organisation as the platform knows it, over all contests; `code_key` is the casefolded code."""

    __tablename__ = "unit"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    code_key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id", ondelete="SET NULL"))
    uscc: Mapped[str | None] = mapped_column(String(18), unique=True)
    """统一社会信用代码 (GB 32100), checked."""
    flags: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    """Codes of `accounts.units.FLAGS` (全员创新企业, 专精特新, …)."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    """Of a studio: lead (领衔人), level (enterprise, county, city, province)."""
    contact: Mapped[str] = mapped_column(String(200), default="", server_default="")
    phone_sealed: Mapped[str | None] = mapped_column(Text)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Grant(Base):
    """A role of a person, with its scope: all, a contest, a track, a stage, a unit or a judge's seat."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint(f"role IN {ROLES!r}", name="role"),
        Index("ix_role_grant_person_contest", "person_id", "contest_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(20))
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    track_id: Mapped[int | None] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    stage_id: Mapped[int | None] = mapped_column(ForeignKey("stage.id", ondelete="CASCADE"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id", ondelete="CASCADE"))
    judge_id: Mapped[int | None] = mapped_column(ForeignKey("judge.id", ondelete="CASCADE"))
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    person: Mapped[Person] = relationship(back_populates="grants")


class SignInLink(Base):
    """An address `/in/TOKEN`: only the token's hash is kept; good for the browser that used it first."""

    __tablename__ = "sign_in_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    browser_hash: Mapped[str | None] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignIn(Base):
    """A signed-in browser: the cookie holds a secret, this row its hash, so that it can be listed and revoked."""

    __tablename__ = "sign_in"
    id: Mapped[int] = mapped_column(primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    link_id: Mapped[int | None] = mapped_column(ForeignKey("sign_in_link.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    agent: Mapped[str] = mapped_column(String(200), default="")
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """To the minute at best."""
    address: Mapped[str] = mapped_column(String(60), default="", server_default="")
    strong: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a one-time code was given, too."""


class Failure(Base):
    """Failed sign-ins of a login, for the lock after several."""

    __tablename__ = "sign_in_failure"
    login_key: Mapped[str] = mapped_column(String(80), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Audit(Base):
    """Append-only: who did what, when, to which thing; written by services with the actor they were given."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(60))
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="SET NULL"), index=True)
    subject: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="")


class Approval(Base):
    """One two-person decision: asked for by one, decided by another; `payload` is exactly what was approved."""

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'approved', 'refused', 'applied', 'dropped')", name="state"),
        CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="two_persons"),
        UniqueConstraint("kind", "subject", "payload_hash", "asked_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(200), index=True)
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    payload_hash: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="asked")
    asked_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_note: Mapped[str] = mapped_column(Text, default="")


class OneTimeToken(Base):
    """A secret that does one thing once: `purpose` says which (reset, confirm_email, …); only its hash is kept."""

    __tablename__ = "one_time_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ExternalIdentity(Base):
    """An account at a sign-in service outside that signs a person in; one of each service's for a person."""

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"), UniqueConstraint("person_id", "issuer"))
    id: Mapped[int] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(String(300))
    subject: Mapped[str] = mapped_column(String(255))
    """What the service calls the account; never given to another there, unlike an address."""
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    label: Mapped[str] = mapped_column(String(254), default="")
    """How its holder knows it: the address or name it had when it was linked."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConsentText(Base):
    """One version of what a person agrees to: who, for what, which data, how long kept, which rights (PIPL 14–17)."""

    __tablename__ = "consent_text"
    __table_args__ = (
        Index(
            "uq_consent_text_own", "contest_id", "kind", "version", unique=True,
            sqlite_where=text("contest_id IS NOT NULL"), postgresql_where=text("contest_id IS NOT NULL"),
        ),
        Index(
            "uq_consent_text_general", "kind", "version", unique=True,
            sqlite_where=text("contest_id IS NULL"), postgresql_where=text("contest_id IS NULL"),
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    """account, registration, publication (公示姓名与单位), promotion (giving data to the level above)."""
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    version: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))


class Consent(Base):
    """That a person agreed to one version of a text, perhaps for one registration; withdrawn, never deleted."""

    __tablename__ = "consent"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    consent_text_id: Mapped[int] = mapped_column(ForeignKey("consent_text.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="SET NULL"), index=True)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    given_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    """Another person who gave it in writing on the person's behalf (a roster's officer)."""
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Notice(Base):
    """A message to one person in the program, which mail may repeat."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_person_unread", "person_id", "read_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(String(300), default="")
    """A path of ours."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
