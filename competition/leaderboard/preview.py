"""What a track's ranks would be by other rules: the same evidence folded twice, nothing stored."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from competition.contests.models import Track
from competition.contests.queries import track_definition
from competition.contests.rules import Track as TrackRules
from competition.leaderboard.records import TrackResult
from competition.leaderboard.rules import fold
from competition.registration.queries import entries_of_track
from competition.registration.rules import Entry
from competition.scoring.evidence import EvidenceReader


@dataclass(frozen=True, slots=True)
class Preview:
    """The track by the rules in force (`before`, `rules`) and by others (`after`, `new_rules`); the same evidence."""

    rules: TrackRules
    new_rules: TrackRules
    before: TrackResult
    after: TrackResult
    entries: tuple[Entry, ...]
    upto: int


def preview_rules(session: Session, track: Track, new_rules: TrackRules, *, reader: EvidenceReader) -> Preview:
    """Folds all settled evidence of a track by the stored rules and by `new_rules`.

    `new_rules` has a leaf for every stored mark, as it must before it may be applied; a leaf without marks leaves its
    entries pending.
    """
    upto = reader.horizon(session, track.id)
    evidence = reader.read(session, track.id, upto)
    standing = {entry.code: entry for entry in evidence.entries}
    entries = tuple(
        replace(entry, status=standing[entry.code].status, status_from=standing[entry.code].status_from)
        for entry in entries_of_track(session, track.id)
    )
    rules = track_definition(track)
    return Preview(rules, new_rules, fold(rules, evidence), fold(new_rules, evidence), entries, upto)
