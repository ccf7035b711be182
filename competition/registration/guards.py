"""What registration demands before a track may be scored."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.contests.missing import Missing
from competition.contests.models import Contest, Track
from competition.contests.service import register_guard
from competition.registration.queries import count_entries, missing_draws
from competition.registration.review_queries import count_in_review


def has_entries(session: Session, track: Track) -> list[str]:
    return [] if count_entries(session, track.id) else [_("还没有参赛项目。")]


def numbers_drawn(session: Session, track: Track) -> list[str]:
    return [_("参赛项目 %(entry)s 还没有抽签号。", entry=entry.code) for entry in missing_draws(session, track)]


def nothing_in_review(session: Session, track: Track) -> list[Missing]:
    """Guard of `draw`: every registration has its answer."""
    count = count_in_review(session, track.id)
    if not count:
        return []
    code = session.get_one(Contest, track.contest_id).code
    sentence = _("还有 %(n)s 份报名没有审完。", n=count)
    return [Missing(sentence, f"/manage/{code}/registrations?state=submitted&track={track.code}")]


def register() -> None:
    """Called when the program is put together."""
    register_guard("draw", nothing_in_review)
    register_guard("scoring", has_entries)
    register_guard("scoring", numbers_drawn)
