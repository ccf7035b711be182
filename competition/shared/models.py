"""Tables that no stage owns: files, jobs with their progress, mail on its way out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from competition.shared.db import Base, UtcDateTime


class StoredFile(Base):
    """A file in the uploads folder, named there by `key`; its bytes never change once it is `ready`."""

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("state IN ('uploading', 'checking', 'ready', 'refused', 'deleted')", name="state"),
        Index("ix_stored_file_subject", "purpose", "subject"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """Random: an address that is not guessed and says nothing."""
    name: Mapped[str] = mapped_column(String(255))
    """As the sender called it; shown to its owner and to reviewers, never in a blind contest's judging."""
    purpose: Mapped[str] = mapped_column(String(30))
    """attachment, photo, roster, export, package, …"""
    subject: Mapped[str] = mapped_column(String(80), default="")
    """What it belongs to, such as `registration:12`."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="SET NULL"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="uploading")
    declared: Mapped[int] = mapped_column(BigInteger)
    """Bytes that the sender said it has."""
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    media_type: Mapped[str] = mapped_column(String(100), default="")
    """By content, once checked."""
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    """Of what the sender sent: the receipt."""
    clean_sha256: Mapped[str | None] = mapped_column(String(64))
    """Of what is handed out, its metadata stripped; None: the same."""
    problems: Mapped[list[Any]] = mapped_column(JSON, default=list)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Job(Base):
    """Something the job process does, as its page shows it."""

    __tablename__ = "job"
    __table_args__ = (CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    """Random: its address."""
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    message: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The last sign of life; a running job without one for minutes is taken up again."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Mail(Base):
    """A mail on its way out: written in the transaction of what it tells of, sent by the job process."""

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_waiting", "sent_at", "next_try_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(String(254))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    contest_id: Mapped[int | None] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    """Plain text; emptied once sent where it held a secret."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, default="")
