"""A contest's definition: contest > track > stage > criterion, its units, schemes and freezes.

What other tables point at (tracks, stages, criteria) are rows; settings that only rules read stand as JSON in the words
of bundle.md. Amounts are decimal strings, never floats.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from competition.shared.db import Base, UtcDateTime

PHASES = ("draft", "registration", "draw", "scoring", "review", "notice", "final", "archived")


class Contest(Base):
    """A contest's phase is that of its slowest track. `code_key` is the casefolded code."""

    __tablename__ = "contest"
    __table_args__ = (
        CheckConstraint("identity IN ('number', 'entry')", name="identity"),
        CheckConstraint("counts IN ('submitted', 'saved')", name="counts"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    code_key: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    level: Mapped[str] = mapped_column(String(20))
    year: Mapped[int]
    identity: Mapped[str] = mapped_column(String(10))
    public: Mapped[bool] = mapped_column(default=True)
    counts: Mapped[str] = mapped_column(String(10), default="submitted")
    rehearsal: Mapped[bool] = mapped_column(default=False)
    team_points: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tracks: Mapped[list[Track]] = relationship(
        back_populates="contest", order_by="Track.position", cascade="all, delete-orphan"
    )
    organisations: Mapped[list[Organisation]] = relationship(cascade="all, delete-orphan", order_by="Organisation.code")
    schemes: Mapped[list[Scheme]] = relationship(order_by="Scheme.position", cascade="all, delete-orphan")


class Organisation(Base):
    """A unit as this contest knows it (name and kind as of the contest), linked to the platform's own unit."""

    __tablename__ = "organisation"
    __table_args__ = (UniqueConstraint("contest_id", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id", ondelete="SET NULL"))
    code: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    parent: Mapped[str | None] = mapped_column(String(64))


class Track(Base):
    __tablename__ = "track"
    __table_args__ = (UniqueConstraint("contest_id", "code"), CheckConstraint(f"phase IN {PHASES!r}", name="phase"))
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    phase: Mapped[str] = mapped_column(String(20))
    amendments: Mapped[int] = mapped_column(default=0)
    ranking: Mapped[dict[str, Any]] = mapped_column(JSON)
    prizes: Mapped[list[Any]] = mapped_column(JSON)
    frozen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    freeze_reason: Mapped[str] = mapped_column(Text, default="")
    contest: Mapped[Contest] = relationship(back_populates="tracks")
    stages: Mapped[list[Stage]] = relationship(
        back_populates="track", order_by="Stage.position", cascade="all, delete-orphan"
    )


class Stage(Base):
    """`rules`: weight, aggregate, places, rounding, attempts, attempt_count, normalise, advance, as in bundle.md."""

    __tablename__ = "stage"
    __table_args__ = (
        UniqueConstraint("track_id", "code"),
        CheckConstraint("state IN ('open', 'paused', 'closed')", name="state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default="closed")
    """The stage's window."""
    track: Mapped[Track] = relationship(back_populates="stages")
    criteria: Mapped[list[Criterion]] = relationship(order_by="Criterion.position", cascade="all, delete-orphan")


class Criterion(Base):
    """A leaf or a heading; the tree is by `parent_id`, `position` runs over the whole stage in written order."""

    __tablename__ = "criterion"
    __table_args__ = (
        UniqueConstraint("stage_id", "code"),
        CheckConstraint("kind IN ('heading', 'judgement', 'measurement', 'grade')", name="kind"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("criterion.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(12))
    min: Mapped[str | None] = mapped_column(String(40))
    max: Mapped[str | None] = mapped_column(String(40))
    step: Mapped[str | None] = mapped_column(String(40))
    factor: Mapped[str | None] = mapped_column(String(40))
    descriptors: Mapped[list[str] | None] = mapped_column(JSON)


class Scheme(Base):
    """A recommendation scheme of the contest; `rule`: quota, requires, kinds, prizes, per_track, per_organisation."""

    __tablename__ = "scheme"
    __table_args__ = (UniqueConstraint("contest_id", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
