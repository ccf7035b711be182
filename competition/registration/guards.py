"""What registration demands before a track may be scored."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.contests.models import Track
from competition.contests.service import register_guard
from competition.registration.queries import count_entries, missing_draws


def has_entries(session: Session, track: Track) -> list[str]:
    return [] if count_entries(session, track.id) else [_("还没有参赛项目。")]


def numbers_drawn(session: Session, track: Track) -> list[str]:
    return [_("参赛项目 %(entry)s 还没有抽签号。", entry=entry.code) for entry in missing_draws(session, track)]


def register() -> None:
    """Called when the program is put together."""
    register_guard("scoring", has_entries)
    register_guard("scoring", numbers_drawn)
