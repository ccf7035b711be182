"""Rulings: what chiefs, recorders and organisers decide about the marking. Append-only, each with an op of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.policy import Actor
from competition.contests.locks import lock_track
from competition.contests.models import Stage, Track
from competition.contests.service import set_freeze, set_window
from competition.registration.rules import ENTRY_STATUSES
from competition.scoring.rules import BadNumber, format_amount, parse_amount
from competition.shared import bus
from competition.shared.db import Database
from judges.ballots.commands import Rule
from judges.ballots.definition import ContestInfo, StageInfo, TrackInfo
from judges.ballots.events import RulingMade, SheetSaved, WindowChanged
from judges.ballots.ledger import Ledger, Operation, Run, stamp
from judges.ballots.models import Ruling, Sheet
from judges.ballots.policy import can_rule, is_chief
from judges.ballots.postgres import runner
from judges.ballots.sentences import Refused
from judges.panels.models import Seat

NEEDS_REASON: Final = frozenset({"adjust", "absent", "recuse", "status", "reopen"})
NEEDS_STAGE: Final = frozenset({"adjust", "absent", "time", "reopen", "window"})
NEEDS_ENTRY: Final = frozenset({"adjust", "recuse", "status", "time", "reopen"})
NEEDS_JUDGE: Final = frozenset({"absent", "recuse"})
CLOSED: Final = ("notice", "final", "archived")
"""Phases in which evidence no longer changes by a ruling; only the freeze may still be lifted."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A ruling with its codes found, inside its transaction."""

    session: Session
    run: Run
    ledger: Ledger
    asked: Rule
    actor: Actor
    now: datetime
    contest: ContestInfo
    track: TrackInfo
    stage: StageInfo | None
    entry: int | None
    judge: int | None
    phase: str
    window: str | None


def rule(
    db: Database, ledger: Ledger, contest: ContestInfo, asked: Rule, *, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Stores a ruling and answers `{op, seq, at}`; the same operation again gets the same answer."""
    if actor.person_id is None:
        raise Refused("signed_out")
    operation = Operation(actor.person_id, asked.op, asked.digest, contest.id, now)
    track = contest.tracks.get(asked.track)
    if track is None:
        raise Refused("unknown", "track")
    with db.transaction() as session:
        lock_track(session, track.id)
        run = runner(session.connection())
        replayed = ledger.replay(run, operation)
        if replayed is not None:
            return replayed
        case = _case(session, run, ledger, contest, track, asked, actor, now)
        payload = KINDS[asked.kind](case)
        number = ledger.append(run, track.id, "ruling", case.entry, now)
        session.add(
            Ruling(
                seq=number,
                track_id=track.id,
                kind=asked.kind,
                stage_id=case.stage.id if case.stage else None,
                entry_id=case.entry,
                judge_id=case.judge,
                payload=payload,
                reason=asked.reason.strip(),
                person_id=actor.person_id,
                source="tablet",
                at=now,
            )
        )
        answer = operation.answer(seq=number)
        ledger.note(run, operation, number, answer)
        if asked.kind not in ("window", "freeze"):
            audit.note(
                session,
                actor,
                f"ruling.{asked.kind}",
                _subject(asked),
                now=now,
                contest_id=contest.id,
                details={**payload, "judge": asked.judge, "seq": number},
                reason=asked.reason.strip(),
            )
        bus.record(RulingMade(contest.id, track.id, asked.kind, number))
    return answer


def _case(
    session: Session,
    run: Run,
    ledger: Ledger,
    contest: ContestInfo,
    track: TrackInfo,
    asked: Rule,
    actor: Actor,
    now: datetime,
) -> _Case:
    kind = asked.kind
    stage = track.stages.get(asked.stage) if asked.stage is not None else None
    if kind in NEEDS_STAGE and stage is None:
        raise Refused("unknown", "stage")
    if not can_rule(actor, kind, contest, track, stage):
        raise Refused("forbidden")
    entry = judge = None
    if asked.entry is not None:
        if asked.entry not in track.entries:
            raise Refused("unknown", "entry")
        entry = track.entries[asked.entry][0]
    if asked.judge is not None:
        judge = contest.judges.get(asked.judge)
        if judge is None:
            raise Refused("unknown", "judge")
    if kind in NEEDS_ENTRY and entry is None:
        raise Refused("bad_request", "entry")
    if kind in NEEDS_JUDGE and judge is None:
        raise Refused("bad_request", "judge")
    if kind in NEEDS_REASON and not asked.reason.strip():
        raise Refused("bad_request", "reason", why="reason")
    phase = session.execute(select(Track.phase).where(Track.id == track.id)).scalar_one()
    window = session.execute(select(Stage.state).where(Stage.id == stage.id)).scalar_one() if stage else None
    if phase in CLOSED and kind != "freeze":
        raise Refused("not_open", "track", phase=phase)
    return _Case(session, run, ledger, asked, actor, now, contest, track, stage, entry, judge, phase, window)


def _subject(asked: Rule) -> str:
    return "/".join(code for code in (asked.contest, asked.track, asked.stage, asked.entry) if code)


def _amount(raw: object, field: str) -> Decimal:
    try:
        return parse_amount(raw)
    except BadNumber:
        raise Refused("bad_number", field) from None


def _adjust(case: _Case) -> dict[str, Any]:
    return {"amount": format_amount(_amount(case.asked.fields.get("amount"), "amount"))}


def _switch(case: _Case) -> dict[str, Any]:
    on = case.asked.fields.get("on")
    if not isinstance(on, bool):
        raise Refused("bad_request", "on")
    return {"on": on}


def _status(case: _Case) -> dict[str, Any]:
    status, since = case.asked.fields.get("status"), case.asked.fields.get("status_from")
    if status not in ENTRY_STATUSES:
        raise Refused("bad_request", "status")
    if since is not None:
        if status == "ok":
            raise Refused("bad_request", "status_from")
        if since not in case.track.stages:
            raise Refused("unknown", "status_from")
    return {"status": status, "status_from": since}


def _time(case: _Case) -> dict[str, Any]:
    chief = is_chief(case.actor, case.contest, case.track)
    if not chief and not (case.phase == "scoring" and case.window == "open"):
        raise Refused("not_open", "stage", phase=case.phase, window=case.window)
    raw = case.asked.fields.get("seconds")
    if raw is None:
        return {"seconds": None}
    seconds = _amount(raw, "seconds")
    if seconds < 0:
        raise Refused("below_min", "seconds", min="0")
    return {"seconds": format_amount(seconds)}


def _reopen(case: _Case) -> dict[str, Any]:
    """Reopens the sheet of one seat, or without `judge` all submitted ones of the attempt."""
    attempt = case.asked.fields.get("attempt", 1)
    if not isinstance(attempt, int) or isinstance(attempt, bool) or attempt < 1:
        raise Refused("bad_request", "attempt")
    if case.phase not in ("scoring", "review"):
        raise Refused("not_open", "track", phase=case.phase)
    assert case.stage is not None
    query = (
        select(Sheet.id)
        .join(Seat, Seat.id == Sheet.seat_id)
        .where(
            Seat.stage_id == case.stage.id,
            Sheet.entry_id == case.entry,
            Sheet.attempt == attempt,
            Sheet.state == "submitted",
        )
        .order_by(Sheet.id)
        .with_for_update(of=Sheet)
    )
    if case.asked.judge_said:
        query = query.where(Seat.judge_id.is_(None) if case.judge is None else Seat.judge_id == case.judge)
    sheets = case.session.scalars(query).all()
    if not sheets:
        raise Refused("unknown", "judge" if case.asked.judge_said else "entry", why="sheet")
    for sheet in sheets:
        number = case.ledger.append(case.run, case.track.id, "reopen", case.entry, case.now)
        case.run(
            case.ledger.add_submission,
            {"seq": number, "sheet": sheet, "kind": "reopen", "person": case.actor.person_id, "at": case.now},
        )
        case.run(case.ledger.set_reopened, {"sheet": sheet})
        bus.record(SheetSaved(case.contest.id, case.track.id, sheet, "reopen"))
    return {"attempt": attempt}


def _window(case: _Case) -> dict[str, Any]:
    assert case.stage is not None
    state = case.asked.fields.get("state")
    if state not in ("open", "paused", "closed"):
        raise Refused("bad_request", "state")
    stage = case.session.scalars(select(Stage).where(Stage.id == case.stage.id)).one()
    set_window(case.session, stage, state, actor=case.actor, now=case.now, reason=case.asked.reason.strip())
    bus.record(WindowChanged(case.contest.id, case.track.id, stage.id, state, case.asked.reason.strip()))
    return {"state": state}


def _freeze(case: _Case) -> dict[str, Any]:
    on = _switch(case)["on"]
    track = case.session.scalars(select(Track).where(Track.id == case.track.id)).one()
    set_freeze(case.session, track, on, actor=case.actor, now=case.now, reason=case.asked.reason.strip())
    return {"on": on}


KINDS: Final[dict[str, Callable[[_Case], dict[str, Any]]]] = {
    "adjust": _adjust,
    "absent": _switch,
    "recuse": _switch,
    "status": _status,
    "time": _time,
    "reopen": _reopen,
    "window": _window,
    "freeze": _freeze,
}
"""What each kind of ruling checks and does beside the row that it leaves; each gives the row's payload."""


def ruling_row(row: Ruling, stage: str | None, entry: str | None, judge: str | None, track: str) -> dict[str, Any]:
    """A ruling as a chief's console is told of it."""
    return {
        "seq": row.seq,
        "kind": row.kind,
        "track": track,
        "stage": stage,
        "entry": entry,
        "judge": judge,
        **row.payload,
        "reason": row.reason,
        "at": stamp(row.at),
    }
