"""A definition into the tables, by code: a row whose code stays keeps its id, and with it what points at it.

Used by the import, by the editor of a draft and by a rule pack that is applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from competition.contests import models, records, rules
from competition.scoring.numbers import format_amount

Row = TypeVar("Row", models.Track, models.Stage, models.Criterion, models.Scheme)


def write_contest(contest: models.Contest, definition: rules.Contest) -> None:
    """The contest's own columns, its phase apart, which is that of its tracks."""
    contest.code, contest.code_key = definition.code, definition.code.casefold()
    contest.title, contest.kind, contest.level = definition.title, definition.kind, definition.level
    contest.year, contest.rehearsal = definition.year, definition.rehearsal
    contest.identity, contest.public, contest.counts = definition.identity, definition.public, definition.counts
    contest.team_points = records.put_team_points(definition.team_points)


def write_tracks(
    session: Session, contest: models.Contest, tracks: Sequence[rules.Track]
) -> list[tuple[models.Track, rules.Track]]:
    """The tracks with their stages and criteria, in this order; those not named go. A new one stands in `draft`."""
    known = _by_code(session.scalars(select(models.Track).where(models.Track.contest_id == contest.id)))
    written = []
    for position, record in enumerate(tracks):
        track = known.pop(record.code.casefold(), None) or models.Track(contest_id=contest.id, phase="draft")
        track.position, track.code, track.title = position, record.code, record.title
        write_ranking(track, record)
        written.append((track, record))
    _forget(session, models.Track, known.values())
    session.add_all([track for track, _record in written])
    session.flush()
    for track, record in written:
        write_stages(session, track.id, record.stages)
    session.flush()
    session.expire_all()
    return written


def write_ranking(track: models.Track, record: rules.Track) -> None:
    """How a track ranks, and its prizes."""
    track.ranking = records.put_ranking(record.ranking)
    track.prizes = [records.put_prize(prize) for prize in record.prizes]


def write_stages(session: Session, track_id: int, stages: Sequence[rules.Stage]) -> list[models.Stage]:
    """The stages of a track with their criteria, in this order; those not named go. The windows of the rest stay."""
    known = _by_code(session.scalars(select(models.Stage).where(models.Stage.track_id == track_id)))
    written = []
    for position, record in enumerate(stages):
        stage = known.pop(record.code.casefold(), None) or models.Stage(track_id=track_id, state="closed")
        stage.position, stage.code, stage.title = position, record.code, record.title
        stage.rules = records.put_stage(record)
        written.append(stage)
    _forget(session, models.Stage, known.values())
    session.add_all(written)
    session.flush()
    for stage, record in zip(written, stages, strict=True):
        write_criteria(session, stage.id, record.criteria)
    return written


def write_criteria(session: Session, stage_id: int, criteria: Sequence[rules.Criterion]) -> None:
    """The tree of a stage's criteria; those not named go, and their marks with them."""
    known = _by_code(session.scalars(select(models.Criterion).where(models.Criterion.stage_id == stage_id)))
    position = 0

    def write(below: Sequence[rules.Criterion], parent_id: int | None) -> None:
        nonlocal position
        for record in below:
            row = known.pop(record.code.casefold(), None) or models.Criterion(stage_id=stage_id)
            row.parent_id, row.position = parent_id, position
            row.code, row.title, row.note = record.code, record.title, record.note
            row.kind = "heading" if record.heading else record.kind
            position += 1
            _write_leaf(row, record)
            session.add(row)
            if record.heading:
                session.flush()
                write(record.criteria, row.id)

    write(criteria, None)
    # What moved out from under a heading has left it before the heading goes, which would take it along.
    session.flush()
    _forget(session, models.Criterion, known.values())


def _write_leaf(row: models.Criterion, record: rules.Criterion) -> None:
    if record.heading:
        row.min = row.max = row.step = row.factor = row.descriptors = None
        return
    row.min, row.max = format_amount(record.min), format_amount(record.top)
    row.step = None if record.step is None else format_amount(record.step)
    row.factor, row.descriptors = format_amount(record.factor), list(record.descriptors)


def write_schemes(session: Session, contest_id: int, schemes: Sequence[rules.Scheme]) -> None:
    """The contest's recommendation schemes, in this order; those not named go."""
    known = _by_code(session.scalars(select(models.Scheme).where(models.Scheme.contest_id == contest_id)))
    for position, record in enumerate(schemes):
        row = known.pop(record.code.casefold(), None) or models.Scheme(contest_id=contest_id)
        row.position, row.code, row.title = position, record.code, record.title
        row.rule = records.put_scheme(record)
        session.add(row)
    _forget(session, models.Scheme, known.values())


def _by_code(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.code.casefold(): row for row in rows}


def _forget(session: Session, model: type[Row], rows: Iterable[Row]) -> None:
    """Deletes rows and what stands below them."""
    gone = [row.id for row in rows]
    if not gone:
        return
    # What the database would delete by its cascades is deleted by name: SQLite gives the ids of rows that are gone to
    # new ones, and the session must not still know the old ones by them.
    if model is models.Track:
        _forget(session, models.Stage, session.scalars(select(models.Stage).where(models.Stage.track_id.in_(gone))))
    if model is models.Stage:
        below = select(models.Criterion).where(models.Criterion.stage_id.in_(gone))
        _forget(session, models.Criterion, session.scalars(below))
    session.execute(delete(model).where(model.id.in_(gone)))
