"""Prizes become lists for the awards of the level above (bundle.md, "From prizes to recommendations")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from competition.awards.rules import PrizeAllotment
from competition.contests.rules import Contest, Requirement, Scalar, Scheme
from competition.leaderboard.records import TrackResult
from competition.registration.rules import Entry
from competition.scoring.numbers import is_decimal_text

Decision = Literal["recommended", "reserve", "excluded"]
Reason = Literal["kind", "eligibility", "prize", "track_cap", "organisation_cap", "quota"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A contest with what came of it. `results` and `prizes` are by track code."""

    contest: Contest
    entries: Sequence[Entry]
    results: Mapping[str, TrackResult] = field(hash=False)
    prizes: Mapping[str, PrizeAllotment] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A prize winner: `position` of the prize in its track's list (0 the first), `rank` among `ranked` entries."""

    contest: Contest
    track: str
    entry: Entry
    prize: str
    position: int
    rank: int
    ranked: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """A candidate and what was decided.

    `reason` is None for the recommended, `quota` for the reserve, else the first check that failed; `failed` is the
    requirement that failed where the reason is `eligibility`.
    """

    candidate: Candidate
    decision: Decision
    reason: Reason | None = None
    failed: Requirement | None = None


@dataclass(frozen=True, slots=True)
class Nomination:
    """A scheme's list: every candidate in candidate order."""

    scheme: Scheme
    lines: tuple[Line, ...]

    def of(self, decision: Decision) -> tuple[Line, ...]:
        """The lines with that decision, in candidate order."""
        return tuple(line for line in self.lines if line.decision == decision)


def candidates(outcomes: Sequence[Outcome]) -> list[Candidate]:
    """The prize winners of all contests in candidate order.

    Prize position, then rank ÷ number of ranked entries (low first), then total (high first), contest code, entry
    code.
    """
    found: list[Candidate] = []
    for outcome in outcomes:
        entries = {entry.code: entry for entry in outcome.entries}
        for track in outcome.contest.tracks:
            result, allotment = outcome.results.get(track.code), outcome.prizes.get(track.code)
            if result is None or allotment is None or not result.complete:
                continue
            positions = {prize.code: place for place, prize in enumerate(track.prizes)}
            ranked = result.ranked
            for row in ranked:
                prize = allotment.by_entry.get(row.entry)
                if prize is None or row.rank is None or row.total is None:
                    continue
                entry, position = entries[row.entry], positions[prize]
                found.append(
                    Candidate(outcome.contest, track.code, entry, prize, position, row.rank, len(ranked), row.total)
                )
    return sorted(found, key=_candidate_key)


def _candidate_key(one: Candidate) -> tuple[int, Fraction, Fraction, str, str]:
    return one.position, Fraction(one.rank, one.ranked), -Fraction(one.total), one.contest.code, one.entry.code


def _number(value: Scalar) -> Decimal | None:
    """The number an attribute is, or None; a string that is a decimal counts, true and false do not."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return Decimal(value) if is_decimal_text(value) else None
    return Decimal(value)


def _same(value: Scalar, wanted: Scalar) -> bool:
    """Whether both are of the same type and value: numbers by value, true is not 1, "1" is not 1."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, str) or isinstance(wanted, str):
        return isinstance(value, str) and isinstance(wanted, str) and value == wanted
    return value == wanted


def meets(requirement: Requirement, attributes: Mapping[str, Scalar]) -> bool:
    """Whether an entry's attributes meet a requirement; one that is absent meets none."""
    value = attributes.get(requirement.attribute)
    if value is None:
        return False
    if requirement.min is not None or requirement.max is not None:
        number = _number(value)
        if number is None:
            return False
        if requirement.min is not None and number < requirement.min:
            return False
        if requirement.max is not None and number > requirement.max:
            return False
    return requirement.equals is None or _same(value, requirement.equals)


def nominate(scheme: Scheme, outcomes: Sequence[Outcome]) -> Nomination:
    """The list of one scheme over one contest or several, in candidate order.

    Over several a track is contest and track, and equal organisation codes are one organisation. The caps and the
    quota count the recommended alone.
    """
    lines: list[Line] = []
    tracks: dict[tuple[str, str], int] = {}
    units: dict[str, int] = {}
    taken = 0
    for one in candidates(outcomes):
        track, unit = (one.contest.code, one.track), one.entry.organisation
        failed = next((rule for rule in scheme.requires if not meets(rule, one.entry.attributes)), None)
        if scheme.kinds is not None and one.contest.kind not in scheme.kinds:
            lines.append(Line(one, "excluded", "kind"))
        elif failed is not None:
            lines.append(Line(one, "excluded", "eligibility", failed))
        elif scheme.prizes is not None and one.prize not in scheme.prizes:
            lines.append(Line(one, "excluded", "prize"))
        elif scheme.per_track is not None and tracks.get(track, 0) >= scheme.per_track:
            lines.append(Line(one, "excluded", "track_cap"))
        elif unit is not None and scheme.per_organisation is not None and units.get(unit, 0) >= scheme.per_organisation:
            lines.append(Line(one, "excluded", "organisation_cap"))
        elif scheme.quota is not None and taken >= scheme.quota:
            lines.append(Line(one, "reserve", "quota"))
        else:
            lines.append(Line(one, "recommended"))
            taken += 1
            tracks[track] = tracks.get(track, 0) + 1
            if unit is not None:
                units[unit] = units.get(unit, 0) + 1
    return Nomination(scheme, tuple(lines))
