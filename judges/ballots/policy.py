"""Who may mark, record and rule."""

from __future__ import annotations

from competition.accounts.policy import Actor
from competition.contests.policy import can_conduct
from judges.ballots.definition import ContestInfo, StageInfo, TrackInfo


def can_record(actor: Actor, contest: ContestInfo, track: TrackInfo, stage: StageInfo) -> bool:
    """Whether the actor enters the stage's measurements and times."""
    return any(
        grant.role == "recorder"
        and grant.contest_id in (None, contest.id)
        and grant.track_id in (None, track.id)
        and grant.stage_id in (None, stage.id)
        for grant in actor.grants
    )


def is_chief(actor: Actor, contest: ContestInfo, track: TrackInfo) -> bool:
    """Whether the actor sees all marks of the track by code and rules on them."""
    return actor.has("chief", contest_id=contest.id, track_id=track.id)


def can_rule(actor: Actor, kind: str, contest: ContestInfo, track: TrackInfo, stage: StageInfo | None) -> bool:
    """Whether the actor may make a ruling of that kind (contract.md, Judging)."""
    if kind in ("window", "freeze"):
        return can_conduct(actor, contest.id, track.id)
    if kind == "time" and stage is not None and can_record(actor, contest, track, stage):
        return True
    return is_chief(actor, contest, track)
