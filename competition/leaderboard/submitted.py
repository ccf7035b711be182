"""What a track's results by number came to, as one hash: recorded when names are opened, so that nobody doubts which
was first."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy.orm import Session

from competition.leaderboard.service import prepare
from competition.scoring.evidence import EvidenceReader


@dataclass(frozen=True, slots=True)
class SubmittedResults:
    """Hashes the results of a track: number, status, total and stage scores, by number; no codes, no names."""

    reader: EvidenceReader

    def __call__(self, session: Session, track_id: int) -> str:
        result = prepare(session, track_id, reader=self.reader).result
        rows = [
            [
                -1 if row.draw is None else row.draw,
                row.status,
                None if row.total is None else str(row.total),
                {stage: None if score is None else str(score) for stage, score in row.stages.items()},
            ]
            for row in sorted(result.rows, key=lambda row: (row.draw is None, row.draw, row.entry))
        ]
        text = json.dumps(rows, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
