"""The panels of a bundle, and the seats that follow from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from competition.contests.models import Criterion, Stage, Track
from competition.registration.models import Entry
from competition.scoring.evidence import Panel as PanelRecord
from judges.panels.models import Panel, PanelEntry, PanelJudge, Seat
from judges.panels.queries import panels_of
from judges.roster.models import Judge


class PanelsSection:
    """Implements `competition.scoring.evidence.BundleSection` for `panels`."""

    def write(self, session: Session, contest_id: int, bundle: Any, *, now: datetime) -> None:
        """A seat for each judge in each stage of their panels, and the recorder's in each stage with measurements."""
        stages = {
            (track, stage): key
            for key, stage, track in session.execute(
                select(Stage.id, Stage.code, Track.code).join(Track).where(Track.contest_id == contest_id)
            )
        }
        judges = dict(session.execute(select(Judge.code, Judge.id).where(Judge.contest_id == contest_id)).all())
        entries = dict(session.execute(select(Entry.code, Entry.id).where(Entry.contest_id == contest_id)).all())
        seats: dict[tuple[int, int | None], None] = {}
        members, held = [], []
        for record in bundle.panels:
            panel = Panel(stage_id=stages[record.track, record.stage], all_entries=record.entries is None)
            session.add(panel)
            session.flush()
            members += [{"panel_id": panel.id, "judge_id": judges[code]} for code in dict.fromkeys(record.judges)]
            held += [{"panel_id": panel.id, "entry_id": entries[code]} for code in dict.fromkeys(record.entries or ())]
            seats |= dict.fromkeys((panel.stage_id, judges[code]) for code in record.judges)
        measured = session.scalars(
            select(Stage.id)
            .join(Track)
            .where(Track.contest_id == contest_id, Stage.criteria.any(Criterion.kind == "measurement"))
        )
        seats |= dict.fromkeys((stage_id, None) for stage_id in measured)
        for table, rows in (
            (PanelJudge, members),
            (PanelEntry, held),
            (Seat, [{"stage_id": stage_id, "judge_id": judge_id} for stage_id, judge_id in seats]),
        ):
            if rows:
                session.execute(insert(table), rows)

    def read(self, session: Session, contest_id: int) -> dict[str, tuple[PanelRecord, ...]]:
        return {"panels": panels_of(session, contest_id)}
