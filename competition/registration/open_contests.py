"""What somebody who thinks of registering reads of a contest: its tracks, who may enter them, what they need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests.models import Contest, Track
from competition.contests.policy import can_run
from competition.contests.queries import get_contest
from competition.registration.attachments import rules_of as attachment_rules_of
from competition.registration.eligibility import describe
from competition.registration.entrants import Bounds, bounds_of
from competition.registration.facts import names_of, rules_of
from competition.registration.models import OPEN_STATES, Registration
from competition.registration.own import fields_of, my_registrations, shut
from competition.shared.errors import DomainError


@dataclass(frozen=True, slots=True)
class TrackShown:
    """A track: who makes up an entry, its rules in sentences, what must be at hand, why it is shut, one's own entry."""

    row: Track
    bounds: Bounds
    rules: list[Any]
    needs: list[str]
    shut: str | None
    mine: Registration | None


def open_contest(session: Session, code: str, actor: Actor) -> Contest:
    """A contest that the public may see; one in preparation, for those who run it."""
    contest = get_contest(session, code)
    if all(track.phase == "draft" for track in contest.tracks) and not can_run(actor, contest.id):
        raise DomainError("unknown", _("没有代码为“%(code)s”的赛事。", code=code), "contest")
    return contest


def tracks_shown(session: Session, contest: Contest, actor: Actor, now: datetime) -> list[TrackShown]:
    own = {}
    if actor.person_id is not None:
        own = {
            row.track_id: row
            for row in my_registrations(session, actor.person_id)
            if row.contest_id == contest.id and row.state in OPEN_STATES and row.origin != "small"
        }
    return [_shown(session, contest, track, now, own.get(track.id)) for track in contest.tracks]


def _shown(session: Session, contest: Contest, track: Track, now: datetime, own: Registration | None) -> TrackShown:
    rules = rules_of(track)
    names = names_of(session, contest, rules)
    needs = [field.label for field in fields_of(session, contest.id, track.id) if field.required]
    asked = Registration(contest_id=contest.id, track_id=track.id)
    needs += [rule.title for rule in attachment_rules_of(session, asked) if rule.required]
    return TrackShown(
        track,
        bounds_of(track.entrants or {}),
        [describe(rule, names) for rule in rules],
        needs,
        shut(contest, track, now),
        own,
    )
