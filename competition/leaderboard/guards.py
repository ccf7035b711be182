"""What a board demands before marking may end."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.contests.models import Contest, Track
from competition.contests.service import register_guard
from competition.leaderboard.service import prepare
from competition.registration.queries import entries_of_track
from competition.scoring.evidence import EvidenceReader

SHOWN = 10
"""As many entries of a stage are named; of more their number is enough."""


@dataclass(frozen=True, slots=True)
class AllMarked:
    """Guard of `review`: every entry is complete in each stage in which it stands."""

    reader: EvidenceReader = field(compare=False)

    def __call__(self, session: Session, track: Track) -> list[str]:
        result = prepare(session, track.id, reader=self.reader).result
        if result.complete:
            return []
        numbered = session.get_one(Contest, track.contest_id).identity == "number"
        names = {
            entry.code: str(entry.draw) if numbered and entry.draw is not None else entry.code
            for entry in entries_of_track(session, track.id)
        }
        found = []
        for stage in track.stages:
            pending = [
                names[row.entry] for row in result.rows if stage.code in row.stages and row.stages[stage.code] is None
            ]
            if pending:
                shown = "、".join(pending[:SHOWN]) + ("……" if len(pending) > SHOWN else "")
                found.append(
                    _(
                        "环节“%(stage)s”还有 %(count)s 个参赛项目没有评完:%(entries)s。",
                        stage=stage.title,
                        count=len(pending),
                        entries=shown,
                    )
                )
        return found


def register(reader: EvidenceReader) -> None:
    """Called when the program is put together, with the reader that it is wired with."""
    register_guard("review", AllMarked(reader))
