"""Which audience somebody belongs to for a board."""

from __future__ import annotations

from typing import Any, Final

from competition.leaderboard.visible import Audience

STAFF: Final = ("admin", "organiser", "chief", "supervisor", "awards")


def audience_of(actor: Any, contest_id: int, track_id: int) -> Audience:
    """Staff of the contest see the live board while the public sees a frozen one; judges see the public's."""
    if actor is None or actor.person_id is None:
        return "public"
    staff = any(actor.has(role, contest_id=contest_id, track_id=track_id) for role in STAFF)
    return "staff" if staff else "public"
