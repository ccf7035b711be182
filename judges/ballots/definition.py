"""A contest's definition as the marking needs it: ids of codes, leaves, seats; kept in memory until it changes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.contests.models import Contest, Criterion, Stage, Track
from competition.contests.rules import Criterion as Leaf
from competition.registration.models import Entry
from competition.shared.db import Database
from judges.ballots.models import Change
from judges.panels.models import Seat
from judges.roster.models import Judge

FRESH: Final = 1.0
"""Seconds for which a definition is used without asking whether it has changed."""

LATE: Final = 1000
"""How far below the highest change number one that is still on its way may be (PostgreSQL)."""


@dataclass(frozen=True, slots=True)
class LeafInfo:
    id: int
    record: Leaf

    @property
    def measured(self) -> bool:
        return self.record.kind == "measurement"


@dataclass(frozen=True, slots=True)
class StageInfo:
    """`criteria` is the tree in the words of the bundle; `after_cut`: an earlier stage may let not everyone through."""

    id: int
    code: str
    title: str
    position: int
    places: int
    attempts: int
    after_cut: bool
    leaves: Mapping[str, LeafInfo]
    criteria: list[dict[str, Any]]
    seats: Mapping[int | None, int]
    """Seat ids by judge id; None: the recorder's."""

    @property
    def measured(self) -> list[LeafInfo]:
        return [leaf for leaf in self.leaves.values() if leaf.measured]

    @property
    def judged(self) -> list[LeafInfo]:
        return [leaf for leaf in self.leaves.values() if not leaf.measured]


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """`entries`: what judges call an entry → (id, code)."""

    id: int
    code: str
    title: str
    stages: Mapping[str, StageInfo]
    entries: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class ContestInfo:
    id: int
    code: str
    identity: str
    tracks: Mapping[str, TrackInfo]
    judges: Mapping[str, int]
    judge_codes: Mapping[int, str]

    def stages(self) -> Iterator[tuple[TrackInfo, StageInfo]]:
        return ((track, stage) for track in self.tracks.values() for stage in track.stages.values())


def load_definition(session: Session, code: str) -> ContestInfo | None:
    """The contest of that code, ignoring case, or None."""
    contest = session.execute(
        select(Contest.id, Contest.code, Contest.identity).where(Contest.code_key == code.casefold())
    ).one_or_none()
    if contest is None:
        return None
    judges = dict(session.execute(select(Judge.code, Judge.id).where(Judge.contest_id == contest.id)).all())
    by_name = contest.identity == "number"
    entries: dict[int, dict[str, tuple[int, str]]] = {}
    for key, track_id, name, draw in session.execute(
        select(Entry.id, Entry.track_id, Entry.code, Entry.draw)
        .where(Entry.contest_id == contest.id)
        .order_by(Entry.draw, Entry.code)
    ):
        entries.setdefault(track_id, {})[str(draw) if by_name else name] = key, name
    seats: dict[int, dict[int | None, int]] = {}
    for stage_id, judge_id, key in session.execute(
        select(Seat.stage_id, Seat.judge_id, Seat.id)
        .join(Stage, Stage.id == Seat.stage_id)
        .join(Track, Track.id == Stage.track_id)
        .where(Track.contest_id == contest.id)
    ):
        seats.setdefault(stage_id, {})[judge_id] = key
    rows: dict[int, list[Criterion]] = {}
    for row in session.scalars(
        select(Criterion)
        .join(Stage, Stage.id == Criterion.stage_id)
        .join(Track, Track.id == Stage.track_id)
        .where(Track.contest_id == contest.id)
        .order_by(Criterion.position)
    ):
        rows.setdefault(row.stage_id, []).append(row)
    tracks: dict[str, TrackInfo] = {}
    for track in session.execute(
        select(Track.id, Track.code, Track.title).where(Track.contest_id == contest.id).order_by(Track.position)
    ):
        stages: dict[str, StageInfo] = {}
        cut = False
        for stage in session.execute(
            select(Stage.id, Stage.code, Stage.title, Stage.position, Stage.rules)
            .where(Stage.track_id == track.id)
            .order_by(Stage.position)
        ):
            own = rows.get(stage.id, [])
            stages[stage.code] = StageInfo(
                id=stage.id,
                code=stage.code,
                title=stage.title,
                position=stage.position,
                places=int(stage.rules.get("places", 2)),
                attempts=int(stage.rules.get("attempt_count", 1)),
                after_cut=cut,
                leaves={row.code: LeafInfo(row.id, _leaf(row)) for row in own if row.kind != "heading"},
                criteria=_tree(own, None),
                seats=seats.get(stage.id, {}),
            )
            cut = cut or bool(stage.rules.get("advance"))
        tracks[track.code] = TrackInfo(track.id, track.code, track.title, stages, entries.get(track.id, {}))
    return ContestInfo(
        contest.id, contest.code, contest.identity, tracks, judges, {key: code for code, key in judges.items()}
    )


def _leaf(row: Criterion) -> Leaf:
    return Leaf(
        code=row.code,
        title=row.title,
        kind=row.kind,  # type: ignore[arg-type]
        min=Decimal(row.min or 0),
        max=Decimal(row.max or 0),
        step=None if row.step is None else Decimal(row.step),
        factor=Decimal(row.factor or 1),
    )


def _tree(rows: list[Criterion], parent: int | None) -> list[dict[str, Any]]:
    tree: list[dict[str, Any]] = []
    for row in rows:
        if row.parent_id != parent:
            continue
        node: dict[str, Any] = {"code": row.code, "title": row.title, "note": row.note}
        if row.kind == "heading":
            node["criteria"] = _tree(rows, row.id)
        else:
            node.update(
                kind=row.kind,
                min=row.min or "0",
                max=row.max,
                step=row.step,
                factor=row.factor or "1",
                descriptors=row.descriptors or [],
            )
        tree.append(node)
    return tree


@dataclass(slots=True)
class _Kept:
    definition: ContestInfo
    checked: float
    since: int
    resets: int


@dataclass(slots=True)
class Definitions:
    """Definitions by contest code. What changes one leaves a `reset` change, for which it looks once a second."""

    db: Database
    _kept: dict[str, _Kept] = field(default_factory=dict)

    def find(self, code: str) -> ContestInfo | None:
        if len(code) > 64 or not code.isascii() or not code.isprintable():
            return None
        key = code.casefold()
        kept = self._kept.get(key)
        now = time.monotonic()
        if kept is not None and now - kept.checked < FRESH:
            return kept.definition
        with self.db.reading() as session:
            if kept is not None and self._unchanged(session, key, kept):
                kept.checked = now
                return kept.definition
            since = session.execute(select(func.coalesce(func.max(Change.id), 0))).scalar_one() - LATE
            definition = load_definition(session, code)
            if definition is None:
                self._kept.pop(key, None)
                return None
            resets = _resets(session, definition, since)
        self._kept[key] = _Kept(definition, now, since, resets)
        return definition

    def by_id(self, contest_id: int) -> ContestInfo | None:
        kept = next((kept for kept in self._kept.values() if kept.definition.id == contest_id), None)
        if kept is not None:
            return self.find(kept.definition.code)
        with self.db.reading() as session:
            code = session.execute(select(Contest.code).where(Contest.id == contest_id)).scalar()
        return None if code is None else self.find(code)

    def forget(self, code: str) -> None:
        self._kept.pop(code.casefold(), None)

    def _unchanged(self, session: Session, key: str, kept: _Kept) -> bool:
        if session.execute(select(Contest.id).where(Contest.code_key == key)).scalar() != kept.definition.id:
            return False
        return _resets(session, kept.definition, kept.since) == kept.resets


def _resets(session: Session, definition: ContestInfo, since: int) -> int:
    tracks = [track.id for track in definition.tracks.values()]
    return session.execute(
        select(func.count()).where(Change.track_id.in_(tracks), Change.id > since, Change.kind == "reset")
    ).scalar_one()
