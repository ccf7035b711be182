"""A bundle into the database and out of it.

The definition and the entries are written here; judges, panels and evidence by the sections that the caller is wired
with (`competition.scoring.evidence.BundleSection`), because the stages that keep them stand above.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Grant, Unit
from competition.accounts.policy import Actor
from competition.bundle.records import Bundle
from competition.bundle.sealing import by_number
from competition.bundle.writing import write_contest, write_schemes, write_tracks
from competition.contests import models, packs, queries, records, rules
from competition.contests.changes import forget_evidence, note_reset
from competition.contests.policy import can_run
from competition.draw.queries import sealed_tracks
from competition.leaderboard.models import Board
from competition.registration.models import Entry
from competition.registration.queries import entries_of_contest
from competition.scoring.evidence import BundleSection
from competition.shared.errors import DomainError


def import_bundle(
    session: Session,
    bundle: Bundle,
    *,
    sections: Sequence[BundleSection],
    actor: Actor,
    now: datetime,
    replace: bool = False,
) -> int:
    """Stores a checked bundle and gives its contest's id; `replace` overwrites one of the same code, evidence and all.

    What is overwritten keeps the rows of contest, tracks and judges by their codes, so that roles, sign-ins and the
    versions of boards go on.
    """
    definition = bundle.contest
    contest = queries.contest_by_code(session, definition.code)
    if contest is not None and not replace:
        raise DomainError(
            "conflict", _("已有代码为“%(code)s”的赛事;要覆盖它请用 --replace。", code=definition.code), "contest.code"
        )
    if not (actor.has("admin") if contest is None else can_run(actor, contest.id)):
        raise DomainError("forbidden", _("您无权导入赛事。"))
    stage_grants = [] if contest is None else _clear(session, contest)
    if contest is None:
        contest = models.Contest(created_at=now)
        session.add(contest)
    write_contest(contest, definition)
    session.flush()
    _write_organisations(session, contest.id, bundle.organisations)
    _write_tracks(session, contest, definition)
    write_schemes(session, contest.id, definition.schemes)
    _write_entries(session, contest, bundle)
    _grant_again(session, contest, stage_grants)
    for section in sections:
        section.write(session, contest.id, bundle, now=now)
    for track in contest.tracks:
        note_reset(session, track.id, now)
    packs.record_imported(session, contest, actor=actor, now=now)
    audit.note(
        session,
        actor,
        "contest.import",
        contest.code,
        now=now,
        contest_id=contest.id,
        details={"replaced": replace, "entries": len(bundle.entries), "marks": len(bundle.marks)},
    )
    session.flush()
    return contest.id


def export_bundle(session: Session, contest_code: str, *, sections: Sequence[BundleSection]) -> Bundle:
    """The contest as a bundle; `competition.bundle.canonical` writes it.

    Tracks with code numbers that are not decoded come out by number alone: names and numbers in one file are the
    coder's and the supervisor's together.
    """
    contest = queries.get_contest(session, contest_code)
    parts: dict[str, tuple[Any, ...]] = {}
    for section in sections:
        parts |= section.read(session, contest.id)
    statuses = {code: (status, since) for code, status, since in parts.pop("statuses", ())}
    whole = Bundle(
        queries.definition(session, contest.id),
        organisations=queries.organisations(session, contest.id),
        entries=entries_of_contest(session, contest.id, statuses),
        **parts,
    )
    return by_number(whole, sealed_tracks(session, contest.id))


StageGrant = tuple[Grant, str, str]


def _clear(session: Session, contest: models.Contest) -> list[StageGrant]:
    """Empties a contest of all but its tracks and judges; gives the roles that were bound to its stages."""
    track_ids = [track.id for track in contest.tracks]
    forget_evidence(session, contest.id, track_ids)
    grants = [
        (grant, track, stage)
        for grant, track, stage in session.execute(
            select(Grant, models.Track.code, models.Stage.code)
            .join(models.Stage, models.Stage.id == Grant.stage_id)
            .join(models.Track, models.Track.id == models.Stage.track_id)
            .where(models.Track.contest_id == contest.id)
        )
    ]
    for grant, _track, _stage in grants:
        session.expunge(grant)
    # What was folded from the old evidence; the views stay until the next fold, because their versions go on.
    session.execute(delete(Board).where(Board.track_id.in_(track_ids)))
    session.execute(delete(Entry).where(Entry.contest_id == contest.id))
    session.execute(delete(models.Stage).where(models.Stage.track_id.in_(track_ids)))
    session.execute(delete(models.Organisation).where(models.Organisation.contest_id == contest.id))
    session.execute(delete(models.Scheme).where(models.Scheme.contest_id == contest.id))
    session.expire_all()
    return grants


def _grant_again(session: Session, contest: models.Contest, grants: Iterable[StageGrant]) -> None:
    stages = {
        (track.code.casefold(), stage.code.casefold()): (track, stage)
        for track in contest.tracks
        for stage in track.stages
    }
    for grant, track_code, stage_code in grants:
        found = stages.get((track_code.casefold(), stage_code.casefold()))
        if found is not None:
            session.add(
                Grant(
                    person_id=grant.person_id,
                    role=grant.role,
                    contest_id=grant.contest_id,
                    track_id=found[0].id,
                    stage_id=found[1].id,
                    granted_at=grant.granted_at,
                )
            )


def _write_organisations(session: Session, contest_id: int, organisations: Sequence[rules.Organisation]) -> None:
    units = {unit.code_key: unit for unit in session.scalars(select(Unit))} if organisations else {}
    for record in organisations:
        key = record.code.casefold()
        if key not in units:
            units[key] = Unit(code=record.code, code_key=key, name=record.name[:200], kind=record.kind)
            session.add(units[key])
    session.flush()
    above = {unit.id: unit.parent_id for unit in units.values()}
    for record in organisations:
        unit = units[record.code.casefold()]
        # The platform's own tree is only filled in: one contest's file does not move a unit for all others.
        if unit.parent_id is None and record.parent is not None:
            parent = units[record.parent.casefold()]
            if not _stands_above(unit, parent, above):
                unit.parent_id = above[unit.id] = parent.id
        session.add(
            models.Organisation(
                contest_id=contest_id,
                unit_id=unit.id,
                code=record.code,
                name=record.name,
                kind=record.kind,
                parent=record.parent,
            )
        )
    session.flush()


def _stands_above(unit: Unit, below: Unit, above: dict[int, int | None]) -> bool:
    """Whether `unit` is `below` or above it; two contests may see the same two units the other way round."""
    step: int | None = below.id
    while step is not None and step != unit.id:
        step = above[step]
    return step == unit.id


def _write_tracks(session: Session, contest: models.Contest, definition: rules.Contest) -> None:
    for track, record in write_tracks(session, contest, definition.tracks):
        track.phase = record.phase or definition.phase
        track.amendments, track.frozen_at, track.freeze_reason = 0, None, ""
        for position, stage in enumerate(track.stages):
            # Contract: an import stands in scoring with the first stages open; the chief opens what follows.
            stage.state = "open" if track.phase == "scoring" and position == 0 else "closed"
    session.flush()
    session.expire_all()


def _write_entries(session: Session, contest: models.Contest, bundle: Bundle) -> None:
    tracks = {track.code: track.id for track in contest.tracks}
    organisations = dict(
        session.execute(
            select(models.Organisation.code, models.Organisation.id).where(models.Organisation.contest_id == contest.id)
        ).all()
    )
    rows = [
        {
            "contest_id": contest.id,
            "track_id": tracks[entry.track],
            "code": entry.code,
            "title": entry.title,
            "organisation_id": None if entry.organisation is None else organisations[entry.organisation],
            "draw": entry.draw,
            "members": [{"name": member.name} for member in entry.members],
            "attributes": records.put_attributes(entry.attributes),
        }
        for entry in bundle.entries
    ]
    if rows:
        session.execute(insert(Entry), rows)
