"""Blocks of numbers for rows that are written by the thousand and refer to each other (an import)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, func, select, text
from sqlalchemy.orm import Session


def take_numbers(session: Session, table: Table, count: int) -> list[int]:
    """`count` fresh ids of `table`, ascending; the caller's transaction must be the one that writes."""
    if count == 0:
        return []
    if session.get_bind().dialect.name == "postgresql":
        drawn: Any = session.execute(
            text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"),
            {"name": table.name, "count": count},
        )
        return sorted(drawn.scalars())
    # One writer at a time: what follows the highest ever given is free.
    highest = session.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    if table.dialect_options["sqlite"]["autoincrement"]:
        given = session.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        ).scalar()
        highest = max(highest, given or 0)
    return list(range(highest + 1, highest + count + 1))
