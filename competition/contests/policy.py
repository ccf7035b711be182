"""Who may run a contest."""

from __future__ import annotations

from competition.accounts.policy import Actor


def can_run(actor: Actor, contest_id: int) -> bool:
    """Whether the actor may define the contest, move its phases and see its organiser's pages."""
    return actor.has("admin") or actor.has("organiser", contest_id=contest_id)


def can_conduct(actor: Actor, contest_id: int, track_id: int) -> bool:
    """Whether the actor may open and close a track's windows and freeze its board."""
    return can_run(actor, contest_id) or actor.has("chief", contest_id=contest_id, track_id=track_id)
