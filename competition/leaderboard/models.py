"""Boards: results that can be thrown away and folded again from the evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from competition.shared.db import Base, UtcDateTime


class Board(Base):
    """The folded result of a track and the last change of the evidence it covers."""

    __tablename__ = "board"
    id: Mapped[int] = mapped_column(primary_key=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"), unique=True)
    covers: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    result: Mapped[dict[str, Any]] = mapped_column(JSON)
    """`leaderboard.service.as_json`: every row with its rank, total, stage scores and what decided."""
    folded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BoardView(Base):
    """What one audience sees of a track, with that audience's own version counter."""

    __tablename__ = "board_view"
    __table_args__ = (
        UniqueConstraint("track_id", "audience"),
        CheckConstraint("audience IN ('public', 'staff')", name="audience"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"))
    audience: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    """leitai.board/1, whole."""
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
