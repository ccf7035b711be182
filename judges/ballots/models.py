"""The evidence: appended mark revisions, sheets, rulings, people's operations, and one change row for each of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from competition.shared.db import Base, UtcDateTime

Big = BigInteger().with_variant(Integer, "sqlite")


class Change(Base):
    """One row for each piece of evidence, in the order in which a fold takes it; `id` is the sequence number.

    On PostgreSQL a writer holds the track's advisory lock (shared for marks, exclusive for rulings) before it takes the
    number, and the projector takes the lock exclusively for the moment in which it reads the highest one; so no number
    at or below that one can still be on its way.
    """

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_track_id_id", "track_id", "id"),
        CheckConstraint("kind IN ('mark', 'submit', 'reopen', 'ruling', 'reset')", name="kind"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"))
    """NULL: every entry of the track may be touched (a judge absent for a whole stage, an import)."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Sheet(Base):
    """One seat x entry x stage x attempt. The stage is the seat's. Made on its first mark, or by an import."""

    __tablename__ = "sheet"
    __table_args__ = (
        UniqueConstraint("seat_id", "entry_id", "attempt"),
        CheckConstraint("state IN ('open', 'submitted', 'reopened')", name="state"),
        CheckConstraint("attempt >= 1", name="attempt"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    seat_id: Mapped[int] = mapped_column(ForeignKey("seat.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), index=True)
    attempt: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="open")
    submitted_seq: Mapped[int | None] = mapped_column(Big)
    """The change at which it was last submitted: revisions up to it are the values that count (counts submitted)."""


class Submission(Base):
    """Append-only: each submitting and reopening of a sheet with its place in the sequence; a fold can stop early."""

    __tablename__ = "submission"
    __table_args__ = (CheckConstraint("kind IN ('submit', 'reopen')", name="kind"),)
    seq: Mapped[int] = mapped_column(
        Big, ForeignKey("change.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    sheet_id: Mapped[int] = mapped_column(ForeignKey("sheet.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Mark(Base):
    """One revision of one cell (sheet x criterion): appended, never changed. `value` NULL clears the cell.

    `judge_id` is who a measurement is credited to in a bundle; a judgement's judge is its sheet's seat.
    `source`: tablet, import, paper.
    """

    __tablename__ = "mark"
    __table_args__ = (
        UniqueConstraint("sheet_id", "criterion_id", "revision"),
        CheckConstraint("revision >= 1", name="revision"),
    )
    seq: Mapped[int] = mapped_column(
        Big, ForeignKey("change.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    sheet_id: Mapped[int] = mapped_column(ForeignKey("sheet.id", ondelete="CASCADE"))
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id", ondelete="CASCADE"))
    revision: Mapped[int]
    value: Mapped[str | None] = mapped_column(String(40))
    judge_id: Mapped[int | None] = mapped_column(ForeignKey("judge.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    source: Mapped[str] = mapped_column(String(10), default="tablet")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Ruling(Base):
    """One append-only kind for all rulings. `payload` by kind (words of contract.md):

    adjust {amount} · absent {on} (judge, stage, entry or NULL) · recuse {on} (judge, entry) ·
    status {status, status_from} · time {seconds or null} · reopen {attempt} · window {state} · freeze {on} · amend {…}
    """

    __tablename__ = "ruling"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('adjust', 'absent', 'recuse', 'status', 'time', 'reopen', 'window', 'freeze', 'amend')",
            name="kind",
        ),
        Index("ix_ruling_track_kind", "track_id", "kind"),
    )
    seq: Mapped[int] = mapped_column(
        Big, ForeignKey("change.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    stage_id: Mapped[int | None] = mapped_column(ForeignKey("stage.id", ondelete="CASCADE"))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"))
    judge_id: Mapped[int | None] = mapped_column(ForeignKey("judge.id", ondelete="CASCADE"))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")
    reverses: Mapped[int | None] = mapped_column(ForeignKey("ruling.seq", ondelete="SET NULL"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    source: Mapped[str] = mapped_column(String(10), default="tablet")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Op(Base):
    """Every accepted operation of a person: the same again gets the same answer, with other content it is refused."""

    __tablename__ = "op"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    op: Mapped[str] = mapped_column(String(36), primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    seq: Mapped[int | None] = mapped_column(Big)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
