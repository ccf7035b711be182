"""Evidence of a track for its board: what counts as of a sequence, what does not yet, and how far the marking is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.locks import highest_change
from competition.contests.models import Contest, Criterion, Stage, Track
from competition.contests.rules import Stage as StageRecord
from competition.registration.models import Entry
from competition.registration.rules import Entry as EntryRecord
from competition.registration.rules import EntryStatus, Member
from competition.scoring.evidence import Mark, Panel, TrackEvidence, TrackReading
from competition.scoring.rules import expected_by_entry
from judges.ballots.evidence import Rulings, SheetState, load_cells, load_rulings
from judges.ballots.models import Change
from judges.panels.models import Panel as PanelRow
from judges.panels.models import PanelEntry, PanelJudge
from judges.roster.models import Judge

MANY: Final = 500
"""With more entries than this the whole track is read and the others are left aside."""


@dataclass(slots=True)
class _StageLeaves:
    """How many leaves of a stage judges mark, and which the recorder."""

    code: str
    judged: int = 0
    measured: set[str] = field(default_factory=set)


class Reader:
    """Implements `competition.scoring.evidence.EvidenceReader` over the ballots."""

    def horizon(self, session: Session, track_id: int) -> int:
        """The sequence up to which the track's evidence is settled."""
        return highest_change(session, track_id)

    def changed_since(self, session: Session, track_id: int, after: int, upto: int) -> set[str] | None:
        """The entries that changes above `after`, up to `upto`, touch; None: any may be touched."""
        rows = session.execute(
            select(Change.entry_id, Entry.code)
            .outerjoin(Entry, Entry.id == Change.entry_id)
            .where(Change.track_id == track_id, Change.id > after, Change.id <= upto)
            .distinct()
        ).all()
        if any(entry_id is None for entry_id, _ in rows):
            return None
        return {code for _, code in rows}

    def read(
        self, session: Session, track_id: int, upto: int | None = None, entries: Collection[str] | None = None
    ) -> TrackReading:
        """The track as of `upto` (None: all that is visible), of all entries or of some."""
        track, counts = session.execute(
            select(Track.code, Contest.counts).join(Contest, Contest.id == Track.contest_id).where(Track.id == track_id)
        ).one()
        rulings = load_rulings(session, track_id, track, upto=upto)
        ids, records = _entries(session, track_id, track, rulings, entries)
        narrow = None if entries is None or len(ids) > MANY else ids
        cells = load_cells(session, track_id, track, upto=upto, entries=narrow)
        known = {record.code for record in records}
        sheets = [sheet for sheet in cells.sheets if sheet.entry in known] if entries is not None else cells.sheets
        cells.sheets = sheets
        evidence = TrackEvidence(
            entries=records,
            panels=_panels(session, track_id, track),
            recusals=tuple(rulings.recusals),
            absences=tuple(rulings.absences),
        )
        stages = _stages(session, track_id)
        # Only whether and how many matter here, so the leaves are counted and not read whole.
        expected = expected_by_entry([StageRecord(stage.code) for stage in stages], evidence)
        latest = cells.latest()
        if counts == "saved":
            marks, uncounted = latest, []
        else:
            done = _attempts_done(stages, expected, sheets)
            submitted = cells.submitted()
            marks = [mark for mark in submitted if (mark.stage, mark.entry, mark.attempt) in done]
            counted = {_cell(mark) for mark in marks}
            uncounted = [mark for mark in latest if _cell(mark) not in counted]
        return TrackReading(
            entries=records,
            panels=evidence.panels,
            recusals=evidence.recusals,
            absences=evidence.absences,
            marks=tuple(marks),
            uncounted=tuple(uncounted),
            adjustments=tuple(item for item in rulings.adjustments if entries is None or item.entry in known),
            timings=tuple(item for item in rulings.timings if entries is None or item.entry in known),
            reopened=frozenset(sheet.entry for sheet in sheets if sheet.state == "reopened"),
            progress=_progress(stages, expected, records, latest),
            upto=upto or 0,
        )


def _cell(mark: Mark) -> tuple[str, str, str | None, str, int]:
    return mark.stage, mark.entry, mark.judge, mark.criterion, mark.attempt


def _entries(
    session: Session, track_id: int, track: str, rulings: Rulings, wanted: Collection[str] | None
) -> tuple[list[int], tuple[EntryRecord, ...]]:
    query = select(Entry.id, Entry.code, Entry.title, Entry.draw, Entry.members).where(Entry.track_id == track_id)
    if wanted is not None and len(wanted) <= MANY:
        query = query.where(Entry.code.in_(list(wanted)))
    ids, records = [], []
    for key, code, title, draw, members in session.execute(query.order_by(Entry.code)):
        if wanted is not None and code not in wanted:
            continue
        status, status_from = rulings.statuses.get(code, ("ok", None))
        ids.append(key)
        records.append(
            EntryRecord(
                code=code,
                track=track,
                title=title,
                draw=draw,
                members=tuple(Member(member["name"]) for member in members),
                status=cast(EntryStatus, status),
                status_from=status_from,
            )
        )
    return ids, tuple(records)


def _panels(session: Session, track_id: int, track: str) -> tuple[Panel, ...]:
    rows = session.execute(
        select(PanelRow.id, Stage.code, PanelRow.all_entries)
        .join(Stage, Stage.id == PanelRow.stage_id)
        .where(Stage.track_id == track_id)
        .order_by(PanelRow.id)
    ).all()
    judges: dict[int, list[str]] = {key: [] for key, _, _ in rows}
    held: dict[int, list[str]] = {key: [] for key, _, _ in rows}
    of_track = select(PanelRow.id).join(Stage, Stage.id == PanelRow.stage_id).where(Stage.track_id == track_id)
    for key, code in session.execute(
        select(PanelJudge.panel_id, Judge.code)
        .join(Judge, Judge.id == PanelJudge.judge_id)
        .where(PanelJudge.panel_id.in_(of_track))
        .order_by(Judge.code)
    ):
        judges[key].append(code)
    for key, code in session.execute(
        select(PanelEntry.panel_id, Entry.code)
        .join(Entry, Entry.id == PanelEntry.entry_id)
        .where(PanelEntry.panel_id.in_(of_track))
        .order_by(Entry.code)
    ):
        held[key].append(code)
    return tuple(
        Panel(track, stage, tuple(judges[key]), None if everyone else tuple(held[key])) for key, stage, everyone in rows
    )


def _stages(session: Session, track_id: int) -> list[_StageLeaves]:
    stages: dict[int, _StageLeaves] = {
        key: _StageLeaves(code)
        for key, code in session.execute(
            select(Stage.id, Stage.code).where(Stage.track_id == track_id).order_by(Stage.position)
        )
    }
    for key, code, kind in session.execute(
        select(Criterion.stage_id, Criterion.code, Criterion.kind)
        .join(Stage, Stage.id == Criterion.stage_id)
        .where(Stage.track_id == track_id, Criterion.kind != "heading")
    ):
        if kind == "measurement":
            stages[key].measured.add(code)
        else:
            stages[key].judged += 1
    return list(stages.values())


def _attempts_done(
    stages: list[_StageLeaves], expected: Mapping[tuple[str, str], tuple[str, ...]], sheets: list[SheetState]
) -> set[tuple[str, str, int]]:
    """The (stage, entry, attempt) of which every expected sheet has been submitted, the recorder's too."""
    leaves = {stage.code: stage for stage in stages}
    handed: dict[tuple[str, str, int], set[str | None]] = {}
    for sheet in sheets:
        if sheet.submitted_seq is not None:
            handed.setdefault((sheet.stage, sheet.entry, sheet.attempt), set()).add(sheet.judge)
    done = set()
    for key, seats in handed.items():
        stage = leaves[key[0]]
        wanted: set[str | None] = set(expected.get((key[0], key[1]), ())) if stage.judged else set()
        if stage.measured:
            wanted.add(None)
        if wanted <= seats:
            done.add(key)
    return done


def _progress(
    stages: list[_StageLeaves],
    expected: Mapping[tuple[str, str], tuple[str, ...]],
    entries: tuple[EntryRecord, ...],
    latest: list[Mark],
) -> dict[str, dict[str, tuple[int, int]]]:
    leaves = {stage.code: stage for stage in stages}
    marked: dict[tuple[str, str], int] = {}
    begun: dict[tuple[str, str], set[int]] = {}
    for mark in latest:
        key = mark.stage, mark.entry
        begun.setdefault(key, {1}).add(mark.attempt)
        if mark.criterion in leaves[mark.stage].measured or mark.judge in expected.get(key, ()):
            marked[key] = marked.get(key, 0) + 1
    progress: dict[str, dict[str, tuple[int, int]]] = {}
    for entry in entries:
        rows = progress[entry.code] = {}
        for stage in stages:
            key = stage.code, entry.code
            attempts = len(begun.get(key, (1,)))
            whole = (stage.judged * len(expected.get(key, ())) + len(stage.measured)) * attempts
            rows[stage.code] = marked.get(key, 0), whole
    return progress
