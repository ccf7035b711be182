"""Reads of panels."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.models import Stage, Track
from competition.registration.models import Entry
from competition.scoring.evidence import Panel as PanelRecord
from judges.panels.models import Panel, PanelEntry, PanelJudge
from judges.roster.models import Judge


def panels_of(session: Session, contest_id: int) -> tuple[PanelRecord, ...]:
    """The contest's panels as a bundle says them, in the order in which they were made."""
    of_contest = Track.contest_id == contest_id
    judges: dict[int, list[str]] = {}
    for panel_id, code in session.execute(
        select(PanelJudge.panel_id, Judge.code).join(Judge).where(Judge.contest_id == contest_id)
    ):
        judges.setdefault(panel_id, []).append(code)
    entries: dict[int, list[str]] = {}
    for panel_id, code in session.execute(
        select(PanelEntry.panel_id, Entry.code).join(Entry).where(Entry.contest_id == contest_id)
    ):
        entries.setdefault(panel_id, []).append(code)
    rows = session.execute(
        select(Panel.id, Panel.all_entries, Stage.code, Track.code)
        .join(Stage, Stage.id == Panel.stage_id)
        .join(Track, Track.id == Stage.track_id)
        .where(of_contest)
        .order_by(Panel.id)
    )
    return tuple(
        PanelRecord(
            track,
            stage,
            tuple(sorted(judges.get(panel_id, ()))),
            None if all_entries else tuple(sorted(entries.get(panel_id, ()))),
        )
        for panel_id, all_entries, stage, track in rows
    )
