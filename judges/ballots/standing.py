"""Whether an entry has come through the cuts before a stage: by the stored board, or by a fold where that is behind."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.models import Track
from competition.contests.queries import track_definition
from competition.leaderboard.standing import Standing, stand
from competition.scoring.evidence import TrackEvidence
from competition.scoring.rules import score_entries
from competition.shared.db import Database
from judges.ballots.reader import Reader

FRESH: Final = 1.0
"""Seconds for which who has come through is taken from memory; a mark for one cut meanwhile does not count."""


@dataclass(slots=True)
class Standings:
    """Who stands in each stage of a track, folded at most once a second and only when somebody marks behind a cut."""

    db: Database
    reader: Reader
    _known: dict[int, tuple[float, int, dict[str, frozenset[str]]]] = field(default_factory=dict)

    def stands(self, track_id: int, stage: str, entry: str) -> bool:
        known = self._known.get(track_id)
        now = time.monotonic()
        if known is not None and now - known[0] < FRESH and entry in known[2].get(stage, ()):
            return True
        with self.db.reading() as session:
            upto = self.reader.horizon(session, track_id)
            if known is not None and known[1] == upto:
                through = known[2]
            else:
                through = _fold(session, track_id, self.reader, upto)
        self._known[track_id] = (now, upto, through)
        return entry in through.get(stage, ())


def _fold(session: Session, track_id: int, reader: Reader, upto: int) -> dict[str, frozenset[str]]:
    return through_cuts(session, track_id, reader.read(session, track_id, upto))


def through_cuts(session: Session, track_id: int, evidence: TrackEvidence) -> dict[str, frozenset[str]]:
    """Who stands in each stage of a track by this evidence, by stage."""
    track = track_definition(session.scalars(select(Track).where(Track.id == track_id)).one())
    standing: Standing = stand(track, evidence.entries, score_entries(track.stages, evidence), evidence.panels)
    return {stage.code: frozenset(here) for stage, here in zip(track.stages, standing.stages, strict=True)}
