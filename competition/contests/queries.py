"""Reads of contests: rows by code, and the definition as the rules see it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from competition.contests import models, records, rules
from competition.shared.errors import DomainError


def contest_by_code(session: Session, code: str) -> models.Contest | None:
    """The contest of that code, ignoring case."""
    return session.scalar(select(models.Contest).where(models.Contest.code_key == code.casefold()))


def get_contest(session: Session, code: str) -> models.Contest:
    """The same, and an error for people where there is none."""
    contest = contest_by_code(session, code)
    if contest is None:
        raise DomainError("unknown", _("没有代码为“%(code)s”的赛事。", code=code), "contest")
    return contest


def get_track(session: Session, contest_id: int, code: str) -> models.Track:
    """The contest's track of that code, ignoring case."""
    tracks = session.scalars(select(models.Track).where(models.Track.contest_id == contest_id))
    track = next((track for track in tracks if track.code.casefold() == code.casefold()), None)
    if track is None:
        raise DomainError("unknown", _("这项赛事没有代码为“%(code)s”的赛项。", code=code), "track")
    return track


def get_stage(session: Session, track_id: int, code: str) -> models.Stage:
    """The track's stage of that code, ignoring case."""
    stages = session.scalars(select(models.Stage).where(models.Stage.track_id == track_id))
    stage = next((stage for stage in stages if stage.code.casefold() == code.casefold()), None)
    if stage is None:
        raise DomainError("unknown", _("这个赛项没有代码为“%(code)s”的环节。", code=code), "stage")
    return stage


def contests(session: Session, *, rehearsals: bool = False) -> Sequence[models.Contest]:
    """Every contest with its tracks, newest year first. The one filter that leaves rehearsals out of every list."""
    query = select(models.Contest).options(selectinload(models.Contest.tracks))
    if not rehearsals:
        query = query.where(models.Contest.rehearsal.is_(False))
    return session.scalars(query.order_by(models.Contest.year.desc(), models.Contest.code)).all()


def slowest(phases: Sequence[str]) -> rules.Phase:
    """The phase of a contest whose tracks stand in these: that of its slowest track."""
    return min(phases, key=rules.PHASES.index, default="draft")  # type: ignore[arg-type]


def contest_phase(contest: models.Contest) -> rules.Phase:
    return slowest([track.phase for track in contest.tracks])


def track_definition(track: models.Track) -> rules.Track:
    """A track as the rules see it, with its phase."""
    return rules.Track(
        code=track.code,
        title=track.title,
        stages=tuple(stage_definition(stage) for stage in track.stages),
        ranking=records.get_ranking(track.ranking),
        prizes=tuple(records.get_prize(prize) for prize in track.prizes),
        phase=track.phase,  # type: ignore[arg-type]
    )


def stage_definition(stage: models.Stage) -> rules.Stage:
    below: dict[int | None, list[models.Criterion]] = {}
    for criterion in sorted(stage.criteria, key=lambda criterion: criterion.position):
        below.setdefault(criterion.parent_id, []).append(criterion)
    return rules.Stage(
        code=stage.code, title=stage.title, criteria=_criteria(below, None), **records.get_stage(stage.rules)
    )


def _criteria(below: dict[int | None, list[models.Criterion]], parent: int | None) -> tuple[rules.Criterion, ...]:
    return tuple(
        rules.Criterion(row.code, row.title, row.note, criteria=_criteria(below, row.id))
        if row.kind == "heading"
        else rules.Criterion(
            row.code,
            row.title,
            row.note,
            kind=row.kind,  # type: ignore[arg-type]
            min=Decimal(row.min or 0),
            max=records.get_amount(row.max),
            step=records.get_amount(row.step),
            factor=Decimal(row.factor or 1),
            descriptors=tuple(row.descriptors or ()),
        )
        for row in below.get(parent, ())
    )


def definition(session: Session, contest_id: int) -> rules.Contest:
    """The contest's definition whole, as the rules see it. Read anew each time: a definition may change."""
    contest = session.scalar(
        select(models.Contest)
        .where(models.Contest.id == contest_id)
        .options(
            selectinload(models.Contest.tracks).selectinload(models.Track.stages).selectinload(models.Stage.criteria),
            selectinload(models.Contest.schemes),
        )
    )
    if contest is None:
        raise LookupError(f"there is no contest {contest_id}")
    return rules.Contest(
        code=contest.code,
        title=contest.title,
        kind=contest.kind,  # type: ignore[arg-type]
        level=contest.level,  # type: ignore[arg-type]
        year=contest.year,
        phase=contest_phase(contest),
        identity=contest.identity,  # type: ignore[arg-type]
        public=contest.public,
        counts=contest.counts,  # type: ignore[arg-type]
        rehearsal=contest.rehearsal,
        tracks=tuple(track_definition(track) for track in contest.tracks),
        team_points=records.get_team_points(contest.team_points),
        schemes=tuple(records.get_scheme(scheme.code, scheme.title, scheme.rule) for scheme in contest.schemes),
    )


def organisations(session: Session, contest_id: int) -> tuple[rules.Organisation, ...]:
    """The contest's units, by code."""
    rows = session.scalars(select(models.Organisation).where(models.Organisation.contest_id == contest_id))
    return tuple(
        rules.Organisation(row.code, row.name, row.kind, row.parent)  # type: ignore[arg-type]
        for row in sorted(rows, key=lambda row: row.code)
    )
