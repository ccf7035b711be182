"""Draws and code numbers. The mapping from entries to numbers is a table of its own, readable by the coder alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from competition.shared.db import Base, UtcDateTime


class CodeLayer(Base):
    """One encoding of a track: 参赛编号, 工位号, 成果号 in the order of `position`; the last is the entry's `draw`."""

    __tablename__ = "code_layer"
    __table_args__ = (UniqueConstraint("track_id", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(20))
    """number, station or work."""
    title: Mapped[str] = mapped_column(Text)
    first: Mapped[int] = mapped_column(default=1)
    """Its lowest number."""
    coder_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    """The coder who made it: each layer may have one of its own."""


class Draw(Base):
    """A drawing of lots, seeded: its commitment is published before check-in, its seed after.

    `state`: committed (the hash is out), drawn, revealed (the seed is out), void (with a reason).
    """

    __tablename__ = "draw"
    __table_args__ = (CheckConstraint("state IN ('committed', 'drawn', 'revealed', 'void')", name="state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"), index=True)
    layer_id: Mapped[int] = mapped_column(ForeignKey("code_layer.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(10), default="committed")
    commitment: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the seed with its context, as docs/draw.md says."""
    seed_sealed: Mapped[str | None] = mapped_column(Text)
    seed: Mapped[str | None] = mapped_column(String(64))
    """In the open only once revealed."""
    algorithm: Mapped[str] = mapped_column(String(20), default="leitai.draw/1")
    constraints: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What was drawn among: previous codes and attributes that the constraints read; no names."""
    result_hash: Mapped[str | None] = mapped_column(String(64))
    committed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    committed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    drawn_by: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    drawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revealed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")


class CodeNumber(Base):
    """`code` of a layer for an entry; `before` is its code in the layer below (None in the first)."""

    __tablename__ = "code_number"
    __table_args__ = (UniqueConstraint("layer_id", "code"), UniqueConstraint("layer_id", "entry_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = mapped_column(ForeignKey("code_layer.id", ondelete="CASCADE"))
    draw_id: Mapped[int] = mapped_column(ForeignKey("draw.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), index=True)
    code: Mapped[int]
    before: Mapped[int | None]
    station_id: Mapped[int | None] = mapped_column(ForeignKey("station.id", ondelete="SET NULL"))


class Decoding(Base):
    """A layer opened (解密) by a coder and a supervisor together, after the results were submitted."""

    __tablename__ = "decoding"
    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = mapped_column(ForeignKey("code_layer.id", ondelete="CASCADE"), unique=True)
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id", ondelete="SET NULL"))
    coder_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    supervisor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    results_hash: Mapped[str] = mapped_column(String(64))
    """Of the submitted results by number: what stood before any name was known."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
