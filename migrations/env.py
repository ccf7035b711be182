"""Alembic's door: `competition.shared.schema` hands it an open connection; nothing is read from the environment here."""

from __future__ import annotations

from typing import Any

from alembic import context

from competition.accounts import models as accounts
from competition.contests import models as contests
from competition.draw import models as draw
from competition.leaderboard import models as leaderboard
from competition.registration import models as registration
from competition.shared import models as shared
from competition.shared.db import Base, UtcDateTime
from judges.ballots import models as ballots
from judges.panels import models as panels
from judges.roster import models as roster

TABLES_OF = (shared, accounts, contests, registration, draw, leaderboard, roster, panels, ballots)
"""Every module with tables: a migration is compared with all of them."""


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
