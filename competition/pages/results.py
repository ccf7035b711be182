"""What a contest comes to as its evidence stands: ranks, prizes with vacancies, team points, recommendation lists.

Folded by the rules from the evidence each time that has grown, never read from live rows. Who may see it is asked by
the page that shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.awards.rules import PrizeAllotment, TeamRow, allot_prizes, team_points
from competition.bundle.results import results_of
from competition.contests import models, queries, rules
from competition.leaderboard.records import Row, TrackResult
from competition.leaderboard.rules import fold
from competition.recommendation.rules import Nomination, Outcome, nominate
from competition.registration.queries import entries_of_track
from competition.registration.rules import Entry
from competition.scoring.evidence import EvidenceReader, TrackEvidence

PUBLISHED = ("notice", "final", "archived")
STANDING = {"scoring": "provisional", "review": "reviewed", "notice": "notice", "final": "final", "archived": "final"}


@dataclass(frozen=True)
class TrackTable:
    """One track's table: its rows stand ranked first, then the others."""

    track: rules.Track
    phase: str
    amendments: int
    result: TrackResult
    allotment: PrizeAllotment

    @property
    def standing(self) -> str | None:
        return STANDING.get(self.phase)

    @property
    def published(self) -> bool:
        return self.phase in PUBLISHED

    def prize_of(self, row: Row) -> rules.Prize | None:
        code = self.allotment.by_entry.get(row.entry)
        return next((prize for prize in self.track.prizes if prize.code == code), None)

    @property
    def vacancies(self) -> int:
        return sum(vacancy.places for award in self.allotment.awards for vacancy in award.vacancies)


@dataclass(frozen=True)
class ContestResults:
    contest: rules.Contest
    phase: str
    outcome: Outcome
    tables: tuple[TrackTable, ...]
    entries: Mapping[str, Entry]
    organisations: Mapping[str, rules.Organisation]
    teams: tuple[TeamRow, ...]
    nominations: tuple[Nomination, ...]

    @property
    def published(self) -> bool:
        """Whether all of it is public: the contest's phase is that of its slowest track."""
        return self.phase in PUBLISHED

    def as_json(self) -> dict[str, Any]:
        """`leitai.results/1`."""
        return results_of(self.outcome)

    def named(self, track: str) -> bool:
        """Whether names may stand beside a track's results: where only numbers are public, from the notice on.

        Before it staff see numbers too: who saw both could tell whose public number is whose.
        """
        found = next(table for table in self.tables if table.track.code == track)
        return self.contest.identity == "entry" or found.published

    @property
    def all_named(self) -> bool:
        return all(self.named(table.track.code) for table in self.tables)

    def shown(self, entry: Entry) -> Entry:
        """An entry as it may be shown now."""
        if self.named(entry.track):
            return entry
        return replace(entry, title=_("%(number)s 号", number=entry.draw), organisation=None, members=())

    def rows(self, table: TrackTable) -> tuple[Row, ...]:
        """A table's rows; where they are without names, nothing of their order comes from codes."""
        if self.named(table.track.code):
            return table.result.rows
        return tuple(sorted(table.result.rows, key=lambda row: (row.order, row.draw or 0)))

    def unit(self, entry: Entry) -> str:
        found = self.organisations.get(entry.organisation or "")
        return found.name if found else ""

    def prize_title(self, track: str, code: str) -> str:
        found = self.contest.track(track)
        return next((prize.title for prize in found.prizes if prize.code == code), code) if found else code


class ResultsBook:
    """Keeps each contest's results until its evidence or its phases have changed."""

    def __init__(self, reader: EvidenceReader) -> None:
        self._reader = reader
        self._known: dict[int, tuple[tuple[object, ...], ContestResults]] = {}

    def of(self, session: Session, contest: models.Contest) -> ContestResults:
        horizons = {track.id: self._reader.horizon(session, track.id) for track in contest.tracks}
        key: tuple[object, ...] = tuple(
            (track.id, horizons[track.id], track.phase, track.amendments) for track in contest.tracks
        )
        known = self._known.get(contest.id)
        if known and known[0] == key:
            return known[1]
        results = self._fold(session, contest, horizons)
        if len(self._known) > 50:
            self._known.clear()
        self._known[contest.id] = (key, results)
        return results

    def _fold(self, session: Session, contest: models.Contest, horizons: Mapping[int, int]) -> ContestResults:
        definition = queries.definition(session, contest.id)
        evidence = {track.code: self._reader.read(session, track.id, horizons[track.id]) for track in contest.tracks}
        folded = {track.code: fold(track, evidence[track.code]) for track in definition.tracks}
        prizes = {track.code: allot_prizes(track, folded[track.code]) for track in definition.tracks}
        entries = tuple(
            entry for track in contest.tracks for entry in _entries(session, track.id, evidence[track.code])
        )
        outcome = Outcome(definition, entries, folded, prizes)
        rows = {track.code: track for track in contest.tracks}
        return ContestResults(
            contest=definition,
            phase=queries.contest_phase(contest),
            outcome=outcome,
            tables=tuple(
                TrackTable(
                    track, rows[track.code].phase, rows[track.code].amendments, folded[track.code], prizes[track.code]
                )
                for track in definition.tracks
            ),
            entries={entry.code: entry for entry in entries},
            organisations={unit.code: unit for unit in queries.organisations(session, contest.id)},
            teams=team_points(definition, folded.values(), entries),
            nominations=tuple(nominate(scheme, [outcome]) for scheme in definition.schemes),
        )


def _entries(session: Session, track_id: int, evidence: TrackEvidence) -> tuple[Entry, ...]:
    """The entries whole: evidence carries their standing, but neither unit nor attributes, which no board reads."""
    standings = {entry.code: (str(entry.status), entry.status_from) for entry in evidence.entries}
    return entries_of_track(session, track_id, standings)
