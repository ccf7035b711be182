"""Registrations, on their way in, and entries: who or what competes in a track.

A registration is what people fill in, review and withdraw. Once the last step of its chain has confirmed it, an entry
stands for it; draws, marks and boards know entries alone, so that nothing unconfirmed is ever scored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from competition.shared.db import Base, UtcDateTime

STATES = ("draft", "submitted", "returned", "refused", "confirmed", "withdrawn")
OPEN_STATES = ("draft", "submitted", "returned", "confirmed")
"""Those in which a registration takes its people's place in the track."""


class Entry(Base):
    """`draw` is the number judges and public see. Its standing (absent, …) is evidence: the last `status` ruling."""

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("contest_id", "code"),
        UniqueConstraint("track_id", "draw"),
        Index("ix_entry_track_code", "track_id", "code"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id", ondelete="SET NULL"))
    draw: Mapped[int | None]
    members: Mapped[list[Any]] = mapped_column(JSON, default=list)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Registration(Base):
    """`number` is its receipt (R…); `step` the place in the review chain it waits at while it is `submitted`."""

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES!r}", name="state"),
        CheckConstraint("kind IN ('individual', 'team')", name="kind"),
        Index("ix_registration_track_state", "track_id", "state", "step"),
        Index("ix_registration_unit", "unit_id", "contest_id"),
        Index("ix_registration_contest_created", "contest_id", "created_by"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(Text, default="")
    """The work's or the team's name; of one person without a work, theirs."""
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id", ondelete="SET NULL"))
    """The recommending unit: the first step of the chain is its officers'."""
    group: Mapped[str] = mapped_column(String(64), default="")
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """By FormField code."""
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What goes on into the entry's attributes: a lower layer's score and rank, months in use, …"""
    state: Mapped[str] = mapped_column(String(10), default="draft")
    step: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was returned or refused."""
    origin: Mapped[str] = mapped_column(String(10), default="page")
    """page, small (合理化建议、五小), sheet (Excel), layer (a lower contest)."""
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id", ondelete="SET NULL"), unique=True)
    version: Mapped[int] = mapped_column(default=1)
    """Counts saves, so that two who edit at once are told."""
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sha256: Mapped[str | None] = mapped_column(String(64))
    """Of the content as it was last submitted (`registration.receipt`)."""
    people: Mapped[list[RegistrationPerson]] = relationship(
        order_by="RegistrationPerson.position", cascade="all, delete-orphan"
    )


class RegistrationPerson(Base):
    """A person of a registration. `holds` is true while they take the track's one place as a member."""

    __tablename__ = "registration_person"
    __table_args__ = (
        CheckConstraint("part IN ('member', 'adviser')", name="part"),
        Index(
            "uq_registration_person_track", "track_id", "person_id", unique=True,
            sqlite_where=text("holds AND person_id IS NOT NULL"),
            postgresql_where=text("holds AND person_id IS NOT NULL"),
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="CASCADE"), index=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    part: Mapped[str] = mapped_column(String(8), default="member")
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    holds: Mapped[bool] = mapped_column(default=True)
    lead: Mapped[bool] = mapped_column(default=False)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Invitation(Base):
    """A link by which people join a team; only the token's hash is kept."""

    __tablename__ = "invitation"
    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    part: Mapped[str] = mapped_column(String(8), default="member")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReviewStep(Base):
    """Append-only: what was done with a registration at which step, by whom, why, what its eligibility said."""

    __tablename__ = "review_step"
    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="CASCADE"), index=True)
    step: Mapped[str] = mapped_column(String(20))
    action: Mapped[str] = mapped_column(String(12))
    """submit, confirm, return, refuse, withdraw, reopen."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    actor: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    failures: Mapped[list[Any]] = mapped_column(JSON, default=list)


class Quota(Base):
    """Places of a unit in a track: asked for, then granted. None granted yet: `granted` None."""

    __tablename__ = "quota"
    __table_args__ = (UniqueConstraint("track_id", "unit_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"), index=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id", ondelete="CASCADE"))
    asked: Mapped[int | None]
    granted: Mapped[int | None]
    note: Mapped[str] = mapped_column(Text, default="")
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Attachment(Base):
    """A file of a registration; what it replaces is kept with `replaced_at`, since its receipt was given."""

    __tablename__ = "attachment"
    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="CASCADE"), index=True)
    rule: Mapped[str] = mapped_column(String(64))
    """AttachmentRule.code."""
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the last byte was here: the proof of first submission."""
    flags: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Names or units found inside, for blind review: [{where, text, kind}]."""
    cleared_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    replaced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CheckIn(Base):
    """That an entry is there (检录). `op` is the device's own: the same one again changes nothing."""

    __tablename__ = "check_in"
    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), index=True)
    op: Mapped[str] = mapped_column(String(40), unique=True)
    present: Mapped[bool] = mapped_column(default=True)
    """False takes an earlier one back."""
    by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    device_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    note: Mapped[str] = mapped_column(Text, default="")


class Layer(Base):
    """That a contest takes the first `top` of a lower one's track into one of its tracks (层层)."""

    __tablename__ = "layer"
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"), index=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    lower_contest: Mapped[str] = mapped_column(String(64))
    """Its code, here or on another server."""
    lower_track: Mapped[str] = mapped_column(String(64))
    top: Mapped[int]
    peer_id: Mapped[int | None] = mapped_column(ForeignKey("peer.id", ondelete="SET NULL"))
    """The server that signs for it; None: this one."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Peer(Base):
    """A server whose packages are believed, by its Ed25519 key."""

    __tablename__ = "peer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    public_key: Mapped[str] = mapped_column(String(64), unique=True)
    added_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ServerKey(Base):
    """The Ed25519 key with which this server signs packages; the newest row signs."""

    __tablename__ = "server_key"
    id: Mapped[int] = mapped_column(primary_key=True)
    key_sealed: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Promotion(Base):
    """One entry that came up from a lower contest, with its stamp: where from, place, score, and what proves it."""

    __tablename__ = "promotion"
    __table_args__ = (UniqueConstraint("track_id", "lower_contest", "lower_track", "lower_entry"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int | None] = mapped_column(ForeignKey("layer.id", ondelete="SET NULL"))
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    lower_contest: Mapped[str] = mapped_column(String(64))
    lower_track: Mapped[str] = mapped_column(String(64))
    lower_entry: Mapped[str] = mapped_column(String(64))
    rank: Mapped[int]
    score: Mapped[str] = mapped_column(String(40))
    prize: Mapped[str] = mapped_column(String(64), default="")
    stamp: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Contest title, level, time, rule pack and result hashes; of a package its signer and signature."""
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="SET NULL"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
