"""Who may run a contest."""

from __future__ import annotations

from competition.accounts.policy import Actor


def can_run(actor: Actor, contest_id: int) -> bool:
    """Whether the actor may define the contest, move its phases and see its organiser's pages."""
    return actor.has("admin") or actor.has("organiser", contest_id=contest_id)


def can_conduct(actor: Actor, contest_id: int, track_id: int) -> bool:
    """Whether the actor may open and close a track's windows and freeze its board."""
    return can_run(actor, contest_id) or actor.has("chief", contest_id=contest_id, track_id=track_id)


def can_found(actor: Actor) -> bool:
    """Whether the actor may make a new contest: an admin, an organiser of the platform, or a unit's officer.

    An officer's contest is hosted by the unit. Whoever runs a contest may clone it besides (`can_run`).
    """
    return actor.signed_in and (
        actor.has("admin")
        or any(grant.role == "organiser" and grant.contest_id is None for grant in actor.grants)
        or bool(founding_units(actor))
    )


def founding_units(actor: Actor) -> frozenset[int]:
    """The units whose officer the actor is."""
    return frozenset(grant.unit_id for grant in actor.grants if grant.role == "unit" and grant.unit_id is not None)
