"""A contest as one file: read and checked, written in canonical form, recomputed (bundle.md)."""

from __future__ import annotations

from typing import Final

from competition.bundle import definition, evidence
from competition.bundle.canonical import FORMAT, canonical, settle_phases, write_bundle
from competition.bundle.marks import MarkReader
from competition.bundle.reading import BundleProblems, quoted, read_tree
from competition.bundle.record import Problems, Record
from competition.bundle.records import Bundle
from competition.bundle.results import outcome, results, results_of

__all__ = [
    "DEFAULT_MAX_BYTES",
    "Bundle",
    "BundleProblems",
    "canonical",
    "outcome",
    "read_bundle",
    "results",
    "results_of",
    "write_bundle",
]

DEFAULT_MAX_BYTES: Final = 128 * 1024 * 1024


def read_bundle(data: bytes, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Bundle:
    """The bundle that a file of at most `max_bytes` holds.

    Raises `BundleProblems` with every problem of the file, each with its place (bundle.md, What is refused).
    """
    tree, found = read_tree(data, max_bytes=max_bytes)
    problems = Problems()
    for path, message in found:
        problems.add(path, message)
    if not isinstance(tree, dict):
        raise BundleProblems([*found, ("", "the file must hold an object")])
    bundle = _read(Record(tree, "", problems))
    if problems.found:
        raise BundleProblems(problems.found)
    return bundle


def _read(top: Record) -> Bundle:
    named = top.text("format", required=True)
    if named is not None and named != FORMAT:
        top.wrong("format", f"{quoted(named)} is not {FORMAT}")
    about = definition.read_contest(top)
    organisations = definition.read_organisations(top)
    units = frozenset(unit.code for unit in organisations)
    judges = definition.read_judges(top, units)
    tracks = definition.read_tracks(top)
    entries = evidence.read_entries(top, {track.code: track for track in tracks}, units)
    known = evidence.Known.of(tracks, [judge.code for judge in judges], entries)
    panels = evidence.read_panels(top, known)
    recusals, absences = evidence.read_recusals(top, known), evidence.read_absences(top, known)
    reader = MarkReader(known, top.problems)
    marks, drafts = reader.read(top, "marks"), reader.read(top, "drafts")
    adjustments, timings = evidence.read_adjustments(top, known), evidence.read_timings(top, known)
    team_points = definition.read_team_points(top)
    schemes = definition.read_schemes(top, frozenset(prize.code for track in tracks for prize in track.prizes))
    numbered = all(entry.draw is not None for entry in entries)
    contest = definition.contest_of(about, "number" if numbered else "entry", tracks, team_points, schemes)
    top.close()
    if contest.identity == "number" and not numbered:
        for place, entry in enumerate(top.items("entries") or ()):
            if isinstance(entry, dict) and entry.get("draw") is None:
                top.problems.add(f"entries[{place}].draw", "is missing, and the board's identity is number")
    return Bundle(
        settle_phases(contest),
        organisations,
        judges,
        entries,
        panels,
        recusals,
        absences,
        marks,
        drafts,
        adjustments,
        timings,
    )
