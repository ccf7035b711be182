"""A contest's definition: contest > track > stage > criterion, its units, schemes and freezes.

What other tables point at (tracks, stages, criteria) are rows; settings that only rules read stand as JSON in the words
of bundle.md. Amounts are decimal strings, never floats.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, true
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
    plan_item_id: Mapped[int | None] = mapped_column(ForeignKey("plan_item.id", ondelete="SET NULL"))
    label: Mapped[str | None] = mapped_column(String(12))
    """示范性 `model` or 引领性 `leading`, from the year's plan."""
    about: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    """Texts for people: theme, summary, rules, awards, contact; tags; `pilot`. Words of `contests.about`."""
    groups: Mapped[list[Any]] = mapped_column(JSON, default=list, server_default="[]")
    """Entrant groups (职工, 学生, 新就业形态, …): [{code, title}]."""
    review_chain: Mapped[list[Any]] = mapped_column(JSON, default=list, server_default="[]")
    """Steps a registration passes, in order: [{code, title, by}]; `by`: unit, county or contest. Empty: the default."""
    registration_opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    registration_closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retention_until: Mapped[date | None]
    """The day after which personal data of its registrations is erased (PIPL 19)."""
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
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
    occupation_code: Mapped[str] = mapped_column(String(20), default="", server_default="")
    """职业编码 of 中华人民共和国职业分类大典, such as 6-18-02-04."""
    occupation: Mapped[str] = mapped_column(String(100), default="", server_default="")
    entrants: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    """{kind: individual|team|either, min, max, advisers, groups: [code]}: words of `contests.entrants`."""
    eligibility: Mapped[list[Any]] = mapped_column(JSON, default=list, server_default="[]")
    """Rules of `registration.eligibility`, as data; part of the rule pack."""
    blind: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether judges see numbers alone, so that files are looked through for names."""
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


class Season(Base):
    """A year's plan of contests (年度竞赛计划): proposed, approved (立项), carried out."""

    __tablename__ = "season"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    code_key: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(Text)
    year: Mapped[int]
    theme: Mapped[str] = mapped_column(Text, default="")
    open: Mapped[bool] = mapped_column(default=True)
    """Whether proposals are taken."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    items: Mapped[list[PlanItem]] = relationship(back_populates="season", order_by="PlanItem.id")


class PlanItem(Base):
    """One contest proposed for a season, with what speaks for its trade (应用范围, 从业人员数, 技术含量)."""

    __tablename__ = "plan_item"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'submitted', 'approved', 'returned', 'refused')", name="state"),
        CheckConstraint("label IS NULL OR label IN ('model', 'leading')", name="label"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    season_id: Mapped[int] = mapped_column(ForeignKey("season.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    level: Mapped[str] = mapped_column(String(20))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id", ondelete="SET NULL"))
    """Who proposes and will host it."""
    proposal: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """occupation, occupation_code, scope, workers, technology, months, budget, funding, note."""
    label: Mapped[str | None] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10), default="draft")
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    season: Mapped[Season] = relationship(back_populates="items")


class ContestHost(Base):
    """A unit with its part in a contest: 主办 host, 承办 organiser, 协办 co_organiser, 指导 guiding."""

    __tablename__ = "contest_host"
    __table_args__ = (CheckConstraint("part IN ('host', 'organiser', 'co_organiser', 'guiding')", name="part"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    part: Mapped[str] = mapped_column(String(14))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(Text)


class FormField(Base):
    """A field of a contest's own on its registration form; `track_id` None: of every track."""

    __tablename__ = "form_field"
    __table_args__ = (Index("ix_form_field_contest", "contest_id", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    track_id: Mapped[int | None] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(12))
    """text, long_text, number, date, choice, choices, yes_no."""
    required: Mapped[bool] = mapped_column(default=False)
    options: Mapped[list[Any]] = mapped_column(JSON, default=list)
    limits: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """min, max (numbers as decimal strings, dates), max_length."""
    help: Mapped[str] = mapped_column(Text, default="")
    purpose: Mapped[str] = mapped_column(Text, default="")
    """Why it is asked (PIPL 6); shown beside the field."""
    blind: Mapped[bool] = mapped_column(default=False)
    """Whether a blind judge may read the answer."""


class AttachmentRule(Base):
    """A file that a contest asks for with a registration; `track_id` None: of every track."""

    __tablename__ = "attachment_rule"
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"), index=True)
    track_id: Mapped[int | None] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    required: Mapped[bool] = mapped_column(default=False)
    most: Mapped[int] = mapped_column(default=1)
    """How many files."""
    max_mb: Mapped[int] = mapped_column(default=50)
    types: Mapped[list[str]] = mapped_column(JSON, default=list)
    """pdf, image, video, audio, document, sheet, slides, archive; empty: all of these."""
    help: Mapped[str] = mapped_column(Text, default="")
    blind: Mapped[bool] = mapped_column(default=True)
    """Whether a judge reads it, so that names inside are flagged."""


class Venue(Base):
    """A place where a contest is held, with its stations (工位)."""

    __tablename__ = "venue"
    __table_args__ = (UniqueConstraint("contest_id", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text, default="")
    stations: Mapped[list[Station]] = relationship(
        back_populates="venue", order_by="Station.position", cascade="all, delete-orphan"
    )


class Station(Base):
    """A station (工位); `neighbours` are those beside `row`, `column`. `track_id` None: of any track."""

    __tablename__ = "station"
    __table_args__ = (UniqueConstraint("venue_id", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    venue_id: Mapped[int] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    track_id: Mapped[int | None] = mapped_column(ForeignKey("track.id", ondelete="SET NULL"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    row: Mapped[int] = mapped_column(default=1)
    column: Mapped[int] = mapped_column(default=1)
    usable: Mapped[bool] = mapped_column(default=True)
    venue: Mapped[Venue] = relationship(back_populates="stations")


class RulePack(Base):
    """A version of what decides an outcome: rubric, aggregation, rounding, ties, prizes, eligibility; never edited.

    `document` is the canonical definition (`contests.pack`); `state`: draft, asked, published, superseded, dropped.
    """

    __tablename__ = "rule_pack"
    __table_args__ = (
        UniqueConstraint("contest_id", "version"),
        CheckConstraint("state IN ('draft', 'asked', 'published', 'superseded', 'dropped')", name="state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contest_id: Mapped[int] = mapped_column(ForeignKey("contest.id", ondelete="CASCADE"))
    version: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default="draft")
    reason: Mapped[str] = mapped_column(Text, default="")
    effects: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Which ranks and prizes it would change, as shown to those who decided."""
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id", ondelete="SET NULL"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
