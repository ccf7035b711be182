"""A bundle that was read and found valid."""

from __future__ import annotations

from dataclasses import dataclass

from competition.contests.rules import Contest, Judge, Organisation
from competition.registration.rules import Entry
from competition.scoring.evidence import Absence, Adjustment, Mark, Panel, Recusal, Timing, TrackEvidence


@dataclass(frozen=True, slots=True)
class Bundle:
    """A contest whole: its definition, its people and its evidence. `drafts` are marks of sheets never submitted."""

    contest: Contest
    organisations: tuple[Organisation, ...] = ()
    judges: tuple[Judge, ...] = ()
    entries: tuple[Entry, ...] = ()
    panels: tuple[Panel, ...] = ()
    recusals: tuple[Recusal, ...] = ()
    absences: tuple[Absence, ...] = ()
    marks: tuple[Mark, ...] = ()
    drafts: tuple[Mark, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    timings: tuple[Timing, ...] = ()

    def by_track(self) -> dict[str, TrackEvidence]:
        """The evidence that scoring reads, for each track of the contest; drafts stand in `uncounted`."""
        codes = [track.code for track in self.contest.tracks]
        home = {entry.code: entry.track for entry in self.entries}
        entries: dict[str, list[Entry]] = {code: [] for code in codes}
        for entry in self.entries:
            entries[entry.track].append(entry)
        marks: dict[str, list[Mark]] = {code: [] for code in codes}
        for mark in self.marks:
            marks[mark.track].append(mark)
        return {
            code: TrackEvidence(
                tuple(entries[code]),
                tuple(one for one in self.panels if one.track == code),
                tuple(one for one in self.recusals if home.get(one.entry) == code),
                tuple(one for one in self.absences if one.track == code),
                tuple(marks[code]),
                tuple(one for one in self.adjustments if one.track == code),
                tuple(one for one in self.timings if one.track == code),
                tuple(one for one in self.drafts if one.track == code),
            )
            for code in codes
        }
