"""Panels: which judges mark which entries of a stage, and the seats they mark from."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from competition.shared.db import Base


class Panel(Base):
    """One record of `panels`; without `all_entries` it holds just those of PanelEntry (perhaps none)."""

    __tablename__ = "panel"
    id: Mapped[int] = mapped_column(primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id", ondelete="CASCADE"), index=True)
    all_entries: Mapped[bool] = mapped_column(default=True)
    judges: Mapped[list[PanelJudge]] = relationship(cascade="all, delete-orphan")
    entries: Mapped[list[PanelEntry]] = relationship(cascade="all, delete-orphan")


class PanelJudge(Base):
    __tablename__ = "panel_judge"
    panel_id: Mapped[int] = mapped_column(ForeignKey("panel.id", ondelete="CASCADE"), primary_key=True)
    judge_id: Mapped[int] = mapped_column(ForeignKey("judge.id", ondelete="CASCADE"), primary_key=True)


class PanelEntry(Base):
    __tablename__ = "panel_entry"
    panel_id: Mapped[int] = mapped_column(ForeignKey("panel.id", ondelete="CASCADE"), primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True)


class Seat(Base):
    """A judge's seat in a stage, or (judge NULL) the recorder's, which every stage with measurements has."""

    __tablename__ = "seat"
    __table_args__ = (
        Index(
            "uq_seat_judge",
            "stage_id",
            "judge_id",
            unique=True,
            sqlite_where=text("judge_id IS NOT NULL"),
            postgresql_where=text("judge_id IS NOT NULL"),
        ),
        Index(
            "uq_seat_recorder",
            "stage_id",
            unique=True,
            sqlite_where=text("judge_id IS NULL"),
            postgresql_where=text("judge_id IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id", ondelete="CASCADE"))
    judge_id: Mapped[int | None] = mapped_column(ForeignKey("judge.id", ondelete="CASCADE"))
    pin_hash: Mapped[str | None] = mapped_column(String(200))
