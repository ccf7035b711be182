"""Units found by a part of their name, for whoever chooses who recommends them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from competition.accounts.models import Unit

MOST: Final = 8
UNIONS: Final = ("union", "district", "system")
"""Kinds that speak for workers without a union of their own employer."""


@dataclass(frozen=True, slots=True)
class UnitShown:
    code: str
    name: str
    above: str
    kind: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "name": self.name, "above": self.above, "kind": self.kind}


def find_units(session: Session, text: str, kinds: Collection[str] = ()) -> list[UnitShown]:
    """Units whose name holds the text (or whose code or 统一社会信用代码 it is), shortest names first."""
    words = text.strip()
    if not words:
        return []
    above = aliased(Unit)
    mask = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    query = (
        select(Unit.code, Unit.name, above.name, Unit.kind)
        .outerjoin(above, above.id == Unit.parent_id)
        .where(
            or_(
                Unit.name.ilike(f"%{mask}%", escape="\\"),
                Unit.code_key == words.casefold(),
                Unit.uscc == words.upper(),
            ),
            Unit.archived_at.is_(None),
        )
        .order_by(Unit.name)
        .limit(200)
    )
    if kinds:
        query = query.where(Unit.kind.in_(kinds))
    found = [UnitShown(code, name, over or "", kind) for code, name, over, kind in session.execute(query)]
    return sorted(found, key=lambda unit: (len(unit.name), unit.name))[:MOST]


def unit_shown(session: Session, unit_id: int | None) -> UnitShown | None:
    if unit_id is None:
        return None
    above = aliased(Unit)
    row = session.execute(
        select(Unit.code, Unit.name, above.name, Unit.kind)
        .outerjoin(above, above.id == Unit.parent_id)
        .where(Unit.id == unit_id)
    ).one_or_none()
    return UnitShown(row[0], row[1], row[2] or "", row[3]) if row else None
