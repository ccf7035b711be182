"""Alembic's door: `competition.shared.schema` hands it an open connection; nothing is read from the environment here."""
from __future__ import annotations

from typing import Any

from alembic import context

import competition.accounts.models
import competition.contests.models
import competition.leaderboard.models
import competition.registration.models  # noqa: F401
from competition.shared.db import Base, UtcDateTime


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """A migration must not depend on a type that may change: instants are written as what the database has."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
)
context.run_migrations()
