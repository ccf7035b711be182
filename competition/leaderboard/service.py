"""Folding: the evidence of a track becomes its board and what each audience sees of it.

`prepare` reads and computes without holding any lock that a mark waits for, `store` writes; both are used by the
projector, by `leitai rebuild` and by `leitai check`, and by nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from competition.contests.models import Contest, Track
from competition.contests.queries import organisations, track_definition
from competition.contests.rules import Track as TrackRules
from competition.leaderboard.events import BoardChanged
from competition.leaderboard.models import Board, BoardView
from competition.leaderboard.records import TrackResult
from competition.leaderboard.rules import rank_track
from competition.leaderboard.visible import AUDIENCES, Audience, Setting, visible
from competition.registration.queries import entries_of_track
from competition.registration.rules import Entry
from competition.scoring.evidence import EvidenceReader, Panel, Timing
from competition.scoring.records import EntryStage
from competition.scoring.rules import score_entries
from competition.shared import bus

FOLD_LOCK: Final = 0x1E18
"""The first half of PostgreSQL's advisory lock key for storing a board; the second is the track's id."""


Prizes = Callable[[TrackRules, TrackResult], Mapping[str, str]]
"""Which entry takes which prize. The awards know; whoever puts the program together hands it down."""


@dataclass(slots=True)
class Memory:
    """What a projector keeps of a track between two folds: each entry's results up to step 6, by (stage, entry)."""

    track_id: int
    covers: int
    track: TrackRules
    setting: Setting
    results: dict[tuple[str, str], EntryStage]
    entries: dict[str, Entry]
    panels: tuple[Panel, ...]
    timings: dict[tuple[str, str], Timing]
    progress: dict[str, Mapping[str, tuple[int, int]]]
    reopened: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Folded:
    """A board made and not stored yet."""

    contest_id: int
    track_id: int
    covers: int
    result: TrackResult
    setting: Setting
    memory: Memory


def prepare(
    session: Session,
    track_id: int,
    *,
    reader: EvidenceReader,
    prizes: Prizes | None = None,
    memory: Memory | None = None,
    upto: int | None = None,
) -> Folded:
    """Folds a track up to `upto` (None: all that is settled); with `memory` only the entries changed since.

    Without `prizes` no prize stands on the board.
    """
    row = session.get_one(Track, track_id)
    covers = reader.horizon(session, track_id) if upto is None else upto
    changed = None if memory is None else reader.changed_since(session, track_id, memory.covers, covers)
    if memory is None or changed is None:
        memory = _whole(session, row, reader, covers)
    elif changed:
        memory = _some(session, memory, reader, covers, changed)
    result = rank_track(
        memory.track,
        tuple(memory.entries.values()),
        memory.results,
        panels=memory.panels,
        timings=tuple(memory.timings.values()),
    )
    memory.covers = covers
    setting = replace(
        memory.setting,
        prizes=prizes(memory.track, result) if prizes else {},
        reopened=frozenset(memory.reopened),
        progress={line.entry: _sum(memory.progress.get(line.entry, {}), line.stages) for line in result.rows},
    )
    return Folded(row.contest_id, track_id, covers, result, setting, memory)


def _sum(progress: Mapping[str, tuple[int, int]], stages: Collection[str]) -> tuple[int, int]:
    """Marked and expected over the stages in which the entry stands."""
    cells = [progress[code] for code in stages if code in progress]
    return sum(marked for marked, _ in cells), sum(expected for _, expected in cells)


def _whole(session: Session, row: Track, reader: EvidenceReader, covers: int) -> Memory:
    session.refresh(row, ["phase", "frozen_at", "freeze_reason", "ranking", "prizes"])
    definition = track_definition(row)
    contest = session.get_one(Contest, row.contest_id)
    evidence = reader.read(session, row.id, covers)
    # The reader knows an entry's standing, the registration its unit.
    standing = {entry.code: entry for entry in evidence.entries}
    entries = {
        entry.code: replace(entry, status=standing[entry.code].status, status_from=standing[entry.code].status_from)
        for entry in entries_of_track(session, row.id)
    }
    setting = Setting(
        contest=contest.code,
        track=definition,
        phase=row.phase,  # type: ignore[arg-type]
        identity=contest.identity,  # type: ignore[arg-type]
        public=contest.public,
        frozen_at=None if row.frozen_at is None else row.frozen_at.isoformat(),
        freeze_reason=row.freeze_reason,
        entries=entries,
        units={unit.code: unit.name for unit in organisations(session, row.contest_id)},
    )
    return Memory(
        track_id=row.id,
        covers=covers,
        track=definition,
        setting=setting,
        results=dict(score_entries(definition.stages, evidence)),
        entries=entries,
        panels=evidence.panels,
        timings={(timing.stage, timing.entry): timing for timing in evidence.timings},
        progress=dict(evidence.progress),
        reopened=set(evidence.reopened),
    )


def _some(session: Session, memory: Memory, reader: EvidenceReader, covers: int, changed: set[str]) -> Memory:
    evidence = reader.read(session, memory.track_id, covers, changed)
    memory.results.update(score_entries(memory.track.stages, evidence))
    for entry in evidence.entries:
        known = memory.entries[entry.code]
        memory.entries[entry.code] = replace(known, status=entry.status, status_from=entry.status_from)
    memory.timings = {key: timing for key, timing in memory.timings.items() if key[1] not in changed}
    memory.timings.update({(timing.stage, timing.entry): timing for timing in evidence.timings})
    memory.progress.update(evidence.progress)
    memory.reopened = (memory.reopened - changed) | set(evidence.reopened)
    return memory


def store(session: Session, folded: Folded, *, now: datetime, replace_same: bool = False) -> list[BoardChanged] | None:
    """Writes a board and what changed of its views; None where another has stored a later one meanwhile.

    A view's version counts up only when what its audience sees has changed.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT pg_advisory_xact_lock(:space, :track)"), {"space": FOLD_LOCK, "track": folded.track_id}
        )
    board = session.scalar(select(Board).where(Board.track_id == folded.track_id).with_for_update())
    if board is not None and (board.covers > folded.covers or (board.covers == folded.covers and not replace_same)):
        return None
    result = as_json(folded.result)
    if board is None:
        session.add(Board(track_id=folded.track_id, covers=folded.covers, result=result, folded_at=now))
    else:
        board.covers, board.result, board.folded_at = folded.covers, result, now
    changes = []
    views = {
        view.audience: view for view in session.scalars(select(BoardView).where(BoardView.track_id == folded.track_id))
    }
    for audience in AUDIENCES:
        view = views.get(audience)
        seen = {} if view is None else {key: value for key, value in view.payload.items() if key not in STAMPS}
        shown = visible(folded.result, folded.setting, audience, None if view is None else seen) or {}
        if shown == seen:
            continue
        version = 1 if view is None else view.version + 1
        payload = {**shown, "version": version, "as_of": now.isoformat()} if shown else {}
        if view is None:
            session.add(
                BoardView(track_id=folded.track_id, audience=audience, version=version, payload=payload, as_of=now)
            )
        else:
            view.version, view.payload, view.as_of = version, payload, now
        changes.append(BoardChanged(folded.contest_id, folded.track_id, audience, version))
    session.flush()
    for change in changes:
        bus.record(change)
    return changes


STAMPS: Final = ("version", "as_of")


def as_json(result: TrackResult) -> dict[str, Any]:
    """A folded track as it is stored: enough to compare it with another fold to the last digit."""
    return {
        "track": result.track,
        "complete": result.complete,
        "rows": [
            {
                "entry": row.entry,
                "rank": row.rank,
                "status": row.status,
                "total": None if row.total is None else str(row.total),
                "so_far": str(row.so_far),
                "stages": {code: None if score is None else str(score) for code, score in row.stages.items()},
                "order": row.order,
                "decided_by": row.decided_by,
            }
            for row in result.rows
        ],
    }


def check_board(
    session: Session,
    track_id: int,
    *,
    reader: EvidenceReader,
    now: datetime | None = None,
    prizes: Prizes | None = None,
) -> list[str]:
    """What the stored board says otherwise than the evidence up to the sequence it covers; nothing stored: nothing.

    What the audiences see is compared too, unless the board is behind: phase and freeze are those of now. `now` is
    not read; the signature is that of `rebuild_board`.
    """
    board = session.scalar(select(Board).where(Board.track_id == track_id))
    if board is None:
        return []
    folded = prepare(session, track_id, reader=reader, prizes=prizes, upto=board.covers)
    found = differences(board.result, as_json(folded.result))
    horizon = reader.horizon(session, track_id)
    if board.covers > horizon:
        found.append(f"covers: stored {board.covers}, the evidence ends at {horizon}")
    elif board.covers == horizon:
        views = {view.audience: view for view in session.scalars(select(BoardView).filter_by(track_id=track_id))}
        for audience in AUDIENCES:
            found += _view_differences(audience, views.get(audience), folded)
    return found


def _view_differences(audience: Audience, view: BoardView | None, folded: Folded) -> list[str]:
    seen = {} if view is None else {key: value for key, value in view.payload.items() if key not in STAMPS}
    shown = visible(folded.result, folded.setting, audience, None if view is None else seen) or {}
    found = [
        f"{audience}.{name}: stored {seen.get(name)!r}, folded {shown.get(name)!r}"
        for name in sorted((seen.keys() | shown.keys()) - {"rows"})
        if seen.get(name) != shown.get(name)
    ]
    kept = {row["key"]: row for row in seen.get("rows", ())}
    made = {row["key"]: row for row in shown.get("rows", ())}
    found += [
        f"{audience}, row {key}: stored {kept.get(key)!r}, folded {made.get(key)!r}"
        for key in sorted(kept.keys() | made.keys())
        if kept.get(key) != made.get(key)
    ]
    if not found and seen.get("rows") != shown.get("rows"):
        found.append(f"{audience}: the rows do not stand in their order")
    return found


def rebuild_board(
    session: Session, track_id: int, *, reader: EvidenceReader, now: datetime, prizes: Prizes | None = None
) -> list[str]:
    """Folds the whole track anew and replaces its board; gives what the stored one had said otherwise."""
    found = check_board(session, track_id, reader=reader, prizes=prizes)
    # A board that claims evidence to come would be kept before every later fold.
    session.execute(
        update(Board)
        .where(Board.track_id == track_id, Board.covers > reader.horizon(session, track_id))
        .values(covers=0)
        .execution_options(synchronize_session="fetch")
    )
    store(session, prepare(session, track_id, reader=reader, prizes=prizes), now=now, replace_same=True)
    return found


def differences(stored: Mapping[str, Any], folded: Mapping[str, Any]) -> list[str]:
    """A sentence for each difference between two boards as `as_json` gives them."""
    found = []
    if stored["complete"] != folded["complete"]:
        found.append(f"complete: stored {stored['complete']}, folded {folded['complete']}")
    kept = {row["entry"]: row for row in stored["rows"]}
    made = {row["entry"]: row for row in folded["rows"]}
    for entry in sorted(kept.keys() | made.keys()):
        one, other = kept.get(entry), made.get(entry)
        if one is None or other is None:
            found.append(f"{entry}: {'not stored' if one is None else 'not in the evidence'}")
            continue
        found += [
            f"{entry}.{key}: stored {one.get(key)!r}, folded {value!r}"
            for key, value in other.items()
            if one.get(key) != value
        ]
    return found
