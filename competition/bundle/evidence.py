"""The evidence in a bundle: entries, panels, rulings and marks, read and checked against the definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from competition.bundle.definition import reference
from competition.bundle.reading import quoted
from competition.bundle.record import Codes, Record
from competition.contests.rules import Criterion, Scalar, Stage, Track, leaves_of
from competition.registration.rules import ENTRY_STATUSES, Entry, EntryStatus, Member
from competition.scoring.evidence import Absence, Adjustment, Panel, Recusal, Timing

__all__ = ["Known", "read_absences", "read_adjustments", "read_entries", "read_panels", "read_recusals", "read_timings"]

PANEL_NORMALISES: Final = frozenset(("panel_ratio", "panel_zscore"))


@dataclass(frozen=True, slots=True)
class Known:
    """What records may refer to. `entries` maps an entry to its track; `headings` has the headings of each stage."""

    tracks: Mapping[str, Track]
    stages: Mapping[tuple[str, str], Stage]
    headings: Mapping[tuple[str, str], frozenset[str]]
    judges: frozenset[str]
    entries: Mapping[str, str]

    @classmethod
    def of(cls, tracks: Sequence[Track], judges: Sequence[str], entries: Sequence[Entry]) -> Known:
        """Everything that may be referred to in a contest."""
        stages = {(track.code, stage.code): stage for track in tracks for stage in track.stages}
        return cls(
            {track.code: track for track in tracks},
            stages,
            {key: frozenset(_headings(stage.criteria)) for key, stage in stages.items()},
            frozenset(judges),
            {entry.code: entry.track for entry in entries},
        )


def _headings(criteria: Sequence[Criterion]) -> set[str]:
    """The codes of criteria that are no leaves."""
    found: set[str] = set()
    level = [criterion for criterion in criteria if criterion.heading]
    while level:
        found.update(criterion.code for criterion in level)
        level = [below for criterion in level for below in criterion.criteria if below.heading]
    # A code that is a leaf elsewhere was noted as standing twice, and is left to be a leaf.
    return found.difference(leaf.code for leaf in leaves_of(tuple(criteria)))


def read_entries(top: Record, tracks: Mapping[str, Track], organisations: frozenset[str]) -> tuple[Entry, ...]:
    """The entries of all tracks; a status that is not ok holds from the first stage where the file names none."""
    entries, codes = [], Codes()
    draws: dict[tuple[str, int], str] = {}
    for record in top.records("entries"):
        code = record.code()
        codes.add(record, code)
        named = record.text("track", required=True)
        track_code = named or ""
        track = tracks.get(track_code)
        if named is not None and track is None:
            record.wrong("track", f"{quoted(named)} names no track")
        title = record.title()
        organisation = reference(record, "organisation", organisations)
        draw = record.whole("draw")
        if draw is not None:
            first = draws.setdefault((track_code, draw), record.at("draw"))
            if first != record.at("draw"):
                record.wrong("draw", f"{draw} stands twice in the track, first at {first}")
        members = []
        for member in record.records("members"):
            members.append(Member(member.title("name")))
            member.close()
        attributes = _attributes(record)
        status = record.word("status", ENTRY_STATUSES, "ok")
        status_from = _status_from(record, status, track)
        record.close()
        entries.append(
            Entry(code, track_code, title, organisation, draw, tuple(members), attributes, status, status_from)
        )
    return tuple(entries)


def _attributes(record: Record) -> dict[str, Scalar]:
    value = record.raw("attributes")
    if value is None:
        return {}
    attributes = Record(value, record.at("attributes"), record.problems)
    found: dict[str, Scalar] = {}
    for key in attributes.data:
        scalar = attributes.scalar(key)
        if scalar is not None:
            found[key] = scalar
    return found


def _status_from(record: Record, status: EntryStatus, track: Track | None) -> str | None:
    named = record.text("status_from")
    if named is not None:
        if status == "ok" and record.data.get("status") in (None, "ok"):
            record.wrong("status_from", "must not stand on an entry whose status is ok")
        if track is not None and track.stage(named) is None:
            record.wrong("status_from", f"{quoted(named)} names no stage of the track")
        return named
    return track.stages[0].code if status != "ok" and track is not None and track.stages else None


def track_and_stage(record: Record, known: Known) -> tuple[str, str, Stage | None]:
    """The track and the stage a record is about; what names nothing is noted."""
    track, stage = record.text("track", required=True), record.text("stage", required=True)
    if track is not None and track not in known.tracks:
        record.wrong("track", f"{quoted(track)} names no track")
    elif track is not None and stage is not None and (track, stage) not in known.stages:
        record.wrong("stage", f"{quoted(stage)} names no stage of the track")
    return track or "", stage or "", known.stages.get((track or "", stage or ""))


def check_entry(code: object, path: str, track: str, known: Known, record: Record) -> None:
    """Notes an entry that there is none of, or not in the track."""
    if not isinstance(code, str):
        record.problems.add(path, "must be a text")
    elif code not in known.entries:
        record.problems.add(path, f"{quoted(code)} names no entry")
    elif track in known.tracks and known.entries[code] != track:
        record.problems.add(path, f"{quoted(code)} is no entry of the track {quoted(track)}")


def _entry(record: Record, track: str, known: Known, *, required: bool = True) -> str | None:
    code = record.text("entry", required=required)
    if code is not None:
        check_entry(code, record.at("entry"), track, known, record)
    return code


def _judge(record: Record, known: Known) -> str:
    code = record.text("judge", required=True)
    if code is not None and code not in known.judges:
        record.wrong("judge", f"{quoted(code)} names no judge")
    return code or ""


def read_panels(top: Record, known: Known) -> tuple[Panel, ...]:
    """The panels, each with a judge; under a panel normalisation no entry is in two of a stage."""
    panels = []
    whole: dict[tuple[str, str], str] = {}
    seated: dict[tuple[str, str], dict[str, str]] = {}
    peopled = frozenset(known.entries.values())
    for record in top.records("panels"):
        track, code, stage = track_and_stage(record, known)
        judges = record.texts("judges", required=True) or ()
        if record.has("judges") and record.data["judges"] == []:
            record.wrong("judges", "must name at least one judge")
        _each_once(record, "judges")
        for place, judge in enumerate(record.items("judges") or ()):
            if isinstance(judge, str) and judge not in known.judges:
                record.problems.add(f"{record.at('judges')}[{place}]", f"{quoted(judge)} names no judge")
        entries = record.texts("entries")
        _each_once(record, "entries")
        for place, entry in enumerate(record.items("entries") or ()):
            check_entry(entry, f"{record.at('entries')}[{place}]", track, known, record)
        if stage is not None and stage.normalise in PANEL_NORMALISES:
            _alone(record, (track, code), entries, whole, seated, track in peopled)
        record.close()
        panels.append(Panel(track, code, judges, entries))
    return tuple(panels)


def _each_once(record: Record, key: str) -> None:
    """Notes a code that stands twice in a list of codes."""
    seen: set[str] = set()
    for place, code in enumerate(record.items(key) or ()):
        if isinstance(code, str):
            if code.lower() in seen:
                record.problems.add(f"{record.at(key)}[{place}]", f"{quoted(code)} stands twice")
            seen.add(code.lower())


def _alone(
    record: Record,
    key: tuple[str, str],
    entries: tuple[str, ...] | None,
    whole: dict[tuple[str, str], str],
    seated: dict[tuple[str, str], dict[str, str]],
    peopled: bool,
) -> None:
    """Notes entries of a panel that are in an earlier one of the stage; `whole` and `seated` have what went before."""
    here = seated.setdefault(key, {})
    message = "is in two panels of a stage that normalises by panel, first in"
    if entries is None:
        if (key in whole and peopled) or here:
            first = next(iter(here), "")
            other = whole.get(key) or here[first]
            record.problems.add(record.path, f"{'every entry' if key in whole else quoted(first)} {message} {other}")
        whole.setdefault(key, record.path)
        return
    for place, entry in enumerate(entries):
        other = whole.get(key) or here.get(entry, "")
        if other and other != record.path:
            record.problems.add(f"{record.at('entries')}[{place}]", f"{quoted(entry)} {message} {other}")
        here.setdefault(entry, record.path)


def read_recusals(top: Record, known: Known) -> tuple[Recusal, ...]:
    """The recusals, each of a judge from an entry."""
    found = []
    for record in top.records("recusals"):
        judge, entry = _judge(record, known), _entry(record, "", known)
        found.append(Recusal(judge, entry or "", record.text("reason")))
        record.close()
    return tuple(found)


def read_absences(top: Record, known: Known) -> tuple[Absence, ...]:
    """The absences of judges from a stage, whole or for one entry."""
    found = []
    for record in top.records("absences"):
        judge = _judge(record, known)
        track, stage, _ = track_and_stage(record, known)
        entry = _entry(record, track, known, required=False)
        found.append(Absence(judge, track, stage, entry, record.text("reason")))
        record.close()
    return tuple(found)


def read_adjustments(top: Record, known: Known) -> tuple[Adjustment, ...]:
    """The adjustments, any number for an entry and a stage."""
    found = []
    for record in top.records("adjustments"):
        track, stage, _ = track_and_stage(record, known)
        entry, amount = _entry(record, track, known), record.amount("amount", required=True)
        found.append(Adjustment(track, stage, entry or "", amount or Decimal(0), record.text("reason")))
        record.close()
    return tuple(found)


def read_timings(top: Record, known: Known) -> tuple[Timing, ...]:
    """The timings, at most one for an entry and a stage."""
    found = []
    seen: dict[tuple[str, str, str], str] = {}
    for record in top.records("timings"):
        track, stage, _ = track_and_stage(record, known)
        entry = _entry(record, track, known) or ""
        seconds = record.amount("seconds", least=0, required=True)
        record.close()
        first = seen.setdefault((track, stage, entry), record.path)
        if first != record.path and track and stage and entry:
            record.problems.add(record.path, f"is a second timing of this entry and stage, first at {first}")
        found.append(Timing(track, stage, entry, seconds or Decimal(0)))
    return tuple(found)
