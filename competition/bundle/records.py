"""A bundle that was read and found valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from competition.contests.rules import Contest, Judge, Organisation
from competition.registration.rules import Entry
from competition.scoring.evidence import Absence, Adjustment, Mark, Panel, Recusal, Timing, TrackEvidence

Record = TypeVar("Record")


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
        home = {entry.code: entry.track for entry in self.entries}
        entries = _grouped(self.entries, lambda one: one.track)
        panels = _grouped(self.panels, lambda one: one.track)
        recusals = _grouped(self.recusals, lambda one: home.get(one.entry, ""))
        absences = _grouped(self.absences, lambda one: one.track)
        marks, drafts = _grouped(self.marks, lambda one: one.track), _grouped(self.drafts, lambda one: one.track)
        adjustments = _grouped(self.adjustments, lambda one: one.track)
        timings = _grouped(self.timings, lambda one: one.track)
        return {
            track.code: TrackEvidence(
                tuple(entries.get(track.code, ())),
                tuple(panels.get(track.code, ())),
                tuple(recusals.get(track.code, ())),
                tuple(absences.get(track.code, ())),
                tuple(marks.get(track.code, ())),
                tuple(adjustments.get(track.code, ())),
                tuple(timings.get(track.code, ())),
                tuple(drafts.get(track.code, ())),
            )
            for track in self.contest.tracks
        }


def _grouped(records: Iterable[Record], track: Callable[[Record], str]) -> dict[str, list[Record]]:
    """Records by their track."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(track(record), []).append(record)
    return groups
