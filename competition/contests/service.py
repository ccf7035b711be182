"""The state machine of a contest: phases with their guards, windows of marking, the freeze of a board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.policy import Actor
from competition.contests.changes import note_reset
from competition.contests.events import PhaseMoved
from competition.contests.locks import lock_track
from competition.contests.missing import Missing
from competition.contests.models import PHASES, Stage, Track
from competition.contests.policy import can_conduct, can_run
from competition.shared import bus
from competition.shared.errors import DomainError

Guard = Callable[[Session, Track], Sequence[Missing | str]]
"""What is missing before a track may enter a phase, one sentence each; empty: nothing. A text has no link."""

_guards: Final[dict[str, list[Guard]]] = {phase: [] for phase in PHASES}


def register_guard(phase: str, guard: Guard) -> None:
    """Adds a condition for entering `phase`; the stage that knows it registers it when the program is put together."""
    if guard not in _guards[phase]:
        _guards[phase].append(guard)


def missing_for(session: Session, track: Track, phase: str) -> list[Missing]:
    """All that is missing on the way from where the track stands to `phase`, with every phase between."""
    first, last = PHASES.index(track.phase) + 1, PHASES.index(phase)
    found: dict[str, Missing] = {}
    for step in PHASES[first : last + 1]:
        for guard in _guards[step]:
            for one in guard(session, track):
                found.setdefault(str(one), one if isinstance(one, Missing) else Missing(one))
    return list(found.values())


def move_phase(
    session: Session,
    tracks: list[Track],
    phase: str,
    *,
    actor: Actor,
    now: datetime,
    force: bool = False,
    reason: str = "",
) -> None:
    """Moves tracks of one contest to `phase`, all or none.

    Refuses with the list of what is missing (`details["missing"]`: sentences; `details["links"]`: a path beside each,
    perhaps ""). Going back, and going on without what is missing, takes `force` and a reason.
    """
    if phase not in PHASES:
        raise DomainError("unknown", _("没有“%(phase)s”这个阶段。", phase=phase), "phase")
    contest = tracks[0].contest
    if not can_run(actor, contest.id):
        raise DomainError("forbidden", _("只有主办方可以推进阶段。"))
    if force and not reason.strip():
        raise DomainError("bad_request", _("强制变更阶段须填写理由。"), "reason")
    moving = [track for track in tracks if track.phase != phase]
    missing: list[Missing] = []
    for track in moving:
        # The lock first: a mark that is on its way is either seen by the guards or finds the phase moved.
        lock_track(session, track.id)
        if PHASES.index(phase) < PHASES.index(track.phase):
            found = [Missing(_("从“%(old)s”退回“%(new)s”须强制执行并说明理由。", old=track.phase, new=phase))]
        else:
            found = missing_for(session, track, phase)
        many = len(contest.tracks) > 1
        missing += [Missing(f"{track.title}: {one}", one.link, one.firm) if many else one for one in found]
    sentences = [one.sentence for one in missing]
    # The command line may all the same: whoever can run it can write the database anyway, and the log says so.
    firm = actor.person_id is not None and any(one.firm for one in missing)
    if missing and (not force or firm):
        links = [one.link for one in missing]
        message = _("还不能进入这个阶段:") + " ".join(sentences)
        raise DomainError("not_open", message, "phase", missing=sentences, links=links)
    for track in moving:
        before, track.phase = track.phase, phase
        if phase != "scoring":
            for stage in track.stages:
                stage.state = "closed"
        note_reset(session, track.id, now)
        audit.note(
            session,
            actor,
            "phase.move",
            f"{contest.code}/{track.code}",
            now=now,
            contest_id=contest.id,
            reason=reason,
            details={"from": before, "to": phase, "forced": force, "missing": sentences},
        )
        bus.record(PhaseMoved(contest.id, track.id, phase))
    session.flush()


def set_window(session: Session, stage: Stage, state: str, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Opens, pauses or closes the marking of a stage. The ruling and its fact are the caller's."""
    track = stage.track
    if state not in ("open", "paused", "closed"):
        raise DomainError("bad_request", _("窗口状态只能是开放、暂停或关闭。"), "state")
    if not can_conduct(actor, track.contest_id, track.id):
        raise DomainError("forbidden", _("只有裁判长或主办方可以开关评分窗口。"))
    lock_track(session, track.id)
    session.refresh(track, ["phase"])
    if state == "open" and track.phase != "scoring":
        raise DomainError("not_open", _("只有在评分阶段才能开放评分窗口。"), "state")
    before, stage.state = stage.state, state
    session.flush()
    audit.note(
        session,
        actor,
        "window.set",
        f"{track.contest.code}/{track.code}/{stage.code}",
        now=now,
        contest_id=track.contest_id,
        reason=reason,
        details={"from": before, "to": state},
    )


def set_freeze(session: Session, track: Track, on: bool, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Holds the public board as it stands, or lets it go on; staff see the live one throughout."""
    if not can_conduct(actor, track.contest_id, track.id):
        raise DomainError("forbidden", _("只有裁判长或主办方可以封榜。"))
    lock_track(session, track.id)
    if (track.frozen_at is not None) == on:
        return
    track.frozen_at = now if on else None
    track.freeze_reason = reason if on else ""
    session.flush()
    note_reset(session, track.id, now)
    audit.note(
        session,
        actor,
        "board.freeze" if on else "board.unfreeze",
        f"{track.contest.code}/{track.code}",
        now=now,
        contest_id=track.contest_id,
        reason=reason,
    )


def windows_closed(_session: Session, track: Track) -> list[str]:
    """Guard of `review`: nobody is marking any more."""
    return [
        _("环节“%(stage)s”的评分窗口尚未关闭。", stage=stage.title) for stage in track.stages if stage.state != "closed"
    ]


register_guard("review", windows_closed)
