"""What the desk shows: the state of a contest for one actor, and single sheets for those who are told of a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests.models import Criterion, Stage, Track
from competition.contests.rules import Stage as StageRecord
from competition.draw.queries import sealed_layers
from competition.registration.models import Entry
from competition.scoring.evidence import TrackEvidence
from competition.scoring.numbers import format_amount
from competition.scoring.rules import expected_by_entry
from judges.ballots.definition import ContestInfo, StageInfo, TrackInfo
from judges.ballots.evidence import Reasons, SheetState, load_cells, load_reasons, load_rulings
from judges.ballots.models import Mark, Ruling, Sheet
from judges.ballots.policy import can_record, is_chief
from judges.ballots.reader import Reader
from judges.ballots.rulings import ruling_row
from judges.ballots.standing import through_cuts
from judges.panels.models import Seat
from judges.roster.models import Judge


@dataclass(frozen=True, slots=True)
class Desk:
    """What an actor has before them in a track: whose sheets (None: the recorder's), or all of them."""

    judges: frozenset[str]
    stages_recorded: frozenset[str]
    chief: bool

    def sees(self, stage: str, judge: str | None) -> bool:
        return self.chief or (stage in self.stages_recorded if judge is None else judge in self.judges)

    def __bool__(self) -> bool:
        return self.chief or bool(self.judges) or bool(self.stages_recorded)


def desk_of(actor: Actor, contest: ContestInfo, track: TrackInfo) -> Desk:
    judges = frozenset(contest.judge_codes[key] for key in actor.judge_ids(contest.id) if key in contest.judge_codes)
    recorded = frozenset(
        stage.code for stage in track.stages.values() if stage.measured and can_record(actor, contest, track, stage)
    )
    return Desk(judges, recorded, is_chief(actor, contest, track))


def open_desk(session: Session, contest: ContestInfo, actor: Actor, reader: Reader) -> dict[str, Any]:
    """The answer to `open`: seats, stages with their rubric, sheets with their marks, as far as the actor sees them."""
    phases: dict[str, str] = {}
    answer: dict[str, Any] = {
        "phase": phases,
        "seq": 0,
        "seats": [],
        "stages": [],
        "sheets": [],
        "timings": [],
        "rulings": [],
    }
    for track in contest.tracks.values():
        desk = desk_of(actor, contest, track)
        if not desk:
            continue
        upto = reader.horizon(session, track.id)
        row = session.execute(select(Track.phase, Track.frozen_at).where(Track.id == track.id)).one()
        phases[track.code] = row.phase
        answer["seq"] = max(answer["seq"], upto)
        _open_track(session, answer, contest, track, desk, reader, upto)
    return answer


def _open_track(
    session: Session,
    answer: dict[str, Any],
    contest: ContestInfo,
    track: TrackInfo,
    desk: Desk,
    reader: Reader,
    upto: int,
) -> None:
    windows = dict(session.execute(select(Stage.code, Stage.state).where(Stage.track_id == track.id)).all())
    evidence = reader.read(session, track.id, upto)
    names = {code: shown for shown, (_, code) in track.entries.items()}
    expected = expected_by_entry([StageRecord(stage) for stage in track.stages], evidence)
    # Whom a cut has left out nobody waits for, on no tablet and on no wall.
    cut = any(stage.after_cut for stage in track.stages.values())
    through = through_cuts(session, track.id, evidence) if cut else {}
    cells = load_cells(session, track.id, track.code, upto=upto)
    held = {(sheet.stage, sheet.entry, sheet.judge, sheet.attempt): sheet for sheet in cells.sheets}
    said = load_reasons(session, track.id)
    for stage in track.stages.values():
        seats = sorted(
            (key for key in stage.seats if desk.sees(stage.code, None if key is None else contest.judge_codes[key])),
            key=lambda key: "" if key is None else contest.judge_codes[key],
        )
        if not seats and not desk.chief:
            continue
        answer["stages"].append(
            {
                "track": track.code,
                "track_title": track.title,
                "stage": stage.code,
                "title": stage.title,
                "window": windows[stage.code],
                "reason": said.windows.get(stage.code),
                "attempts": stage.attempts,
                "places": stage.places,
                "has_measurements": bool(stage.measured),
                "criteria": stage.criteria,
            }
        )
        for key in seats:
            judge = None if key is None else contest.judge_codes[key]
            answer["seats"].append(
                {
                    "code": f"{stage.code}/{judge or 'recorder'}",
                    "judge": judge,
                    "track": track.code,
                    "stage": stage.code,
                    "role": "recorder" if judge is None else "judge",
                }
            )
            answer["sheets"] += _sheets(
                track, stage, judge, evidence, expected, held, names, said, through if stage.after_cut else None
            )
    rulings = load_rulings(session, track.id, track.code, upto=upto)
    if desk.chief or desk.stages_recorded:
        answer["timings"] += [
            {
                "track": track.code,
                "stage": time.stage,
                "entry": names[time.entry],
                "seconds": format_amount(time.seconds),
            }
            for time in rulings.timings
            if desk.sees(time.stage, None)
        ]
    if desk.chief:
        answer["rulings"] += [
            describe_ruling(session, row, track, names)
            for row in session.scalars(
                select(Ruling).where(Ruling.track_id == track.id, Ruling.seq <= upto).order_by(Ruling.seq)
            )
        ]


def _sheets(
    track: TrackInfo,
    stage: StageInfo,
    judge: str | None,
    evidence: TrackEvidence,
    expected: dict[tuple[str, str], tuple[str, ...]],
    held: dict[tuple[str, str, str | None, int], SheetState],
    names: dict[str, str],
    said: Reasons,
    through: dict[str, frozenset[str]] | None,
) -> list[dict[str, Any]]:
    rows = []
    for entry in evidence.entries:
        stands = entry.status == "ok" or (
            entry.status_from is not None and stage.position < track.stages[entry.status_from].position
        )
        if through is not None and entry.code not in through[stage.code]:
            stands = False
        wanted = stands and (
            bool(stage.measured) if judge is None else bool(stage.judged) and judge in expected[stage.code, entry.code]
        )
        for attempt in range(1, stage.attempts + 1):
            sheet = held.get((stage.code, entry.code, judge, attempt))
            if sheet is None and not wanted:
                continue
            rows.append(
                {
                    "track": track.code,
                    "stage": stage.code,
                    "entry": names[entry.code],
                    "attempt": attempt,
                    "judge": judge,
                    "state": sheet.state if sheet else "open",
                    "expected": wanted,
                    "reason": said.of_sheet(sheet) if sheet else None,
                    "marks": _marks(sheet),
                }
            )
    return rows


def _marks(sheet: SheetState | None) -> list[dict[str, Any]]:
    if sheet is None:
        return []
    return [
        {"criterion": cell.criterion, "value": cell.value, "revision": cell.revision} for cell in sheet.cells.values()
    ]


def describe_ruling(session: Session, row: Ruling, track: TrackInfo, names: dict[str, str]) -> dict[str, Any]:
    stage = session.get(Stage, row.stage_id).code if row.stage_id else None  # type: ignore[union-attr]
    entry = names[session.get(Entry, row.entry_id).code] if row.entry_id else None  # type: ignore[union-attr]
    judge = session.get(Judge, row.judge_id).code if row.judge_id else None  # type: ignore[union-attr]
    told = ruling_row(row, stage, entry, judge, track.code)
    if row.source == "import" and told.get("reason") and sealed_layers(session, [track.id]):
        # Written when the entry still had its name, and perhaps with it ("same unit as …"): not beside its number.
        told["reason"] = ""
    return told


@dataclass(frozen=True, slots=True)
class SheetNews:
    """A sheet as its watchers are told of it, and whose it is."""

    contest: str
    track_id: int
    seat_id: int
    body: dict[str, Any]


def sheet_news(session: Session, sheet_id: int, contest: ContestInfo) -> SheetNews | None:
    """The sheet as it is now; None where it has gone."""
    row = session.execute(
        select(Sheet.state, Sheet.attempt, Sheet.seat_id, Entry.code, Stage.code, Track.code, Track.id, Judge.code)
        .join(Seat, Seat.id == Sheet.seat_id)
        .join(Stage, Stage.id == Seat.stage_id)
        .join(Track, Track.id == Stage.track_id)
        .join(Entry, Entry.id == Sheet.entry_id)
        .outerjoin(Judge, Judge.id == Seat.judge_id)
        .where(Sheet.id == sheet_id)
    ).one_or_none()
    if row is None:
        return None
    state, attempt, seat_id, entry, stage, track, track_id, judge = row
    last = (
        select(Mark.criterion_id, func.max(Mark.revision).label("revision"))
        .where(Mark.sheet_id == sheet_id)
        .group_by(Mark.criterion_id)
        .subquery()
    )
    marks = [
        {"criterion": code, "value": value, "revision": revision}
        for code, value, revision in session.execute(
            select(Criterion.code, Mark.value, Mark.revision)
            .join(Criterion, Criterion.id == Mark.criterion_id)
            .join(last, (last.c.criterion_id == Mark.criterion_id) & (last.c.revision == Mark.revision))
            .where(Mark.sheet_id == sheet_id)
            .order_by(Criterion.position)
        )
    ]
    names = {code: shown for shown, (_, code) in contest.tracks[track].entries.items()}
    return SheetNews(
        contest.code,
        track_id,
        seat_id,
        {
            "contest": contest.code,
            "track": track,
            "stage": stage,
            "entry": names[entry],
            "attempt": attempt,
            "judge": judge,
            "state": state,
            "reason": load_reasons(session, track_id, entry).reopenings.get((stage, entry, judge, attempt))
            if state == "reopened"
            else None,
            "marks": marks,
        },
    )


def newest_ruling(session: Session, seq: int, contest: ContestInfo) -> tuple[int, dict[str, Any]] | None:
    """A ruling by its number, with its track's id, as consoles are told of it."""
    row = session.get(Ruling, seq)
    if row is None:
        return None
    track = next(track for track in contest.tracks.values() if track.id == row.track_id)
    names = {code: shown for shown, (_, code) in track.entries.items()}
    return row.track_id, {"contest": contest.code, **describe_ruling(session, row, track, names)}
