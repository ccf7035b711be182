"""Ranks become prizes and team points (bundle.md, "From ranks to prizes", "Team points")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Final, Literal

from competition.contests.rules import ZERO, Contest, Prize, Track
from competition.leaderboard.records import Row, TrackResult
from competition.registration.rules import Entry
from competition.scoring.numbers import EXACT

VacancyReason = Literal["min_score", "pass", "no_entry"]


@dataclass(frozen=True, slots=True)
class Vacancy:
    """Places of a prize that stay empty (`places` above 0), and why.

    `min_score`: those next in rank are below the prize's minimum; `pass`: the next group of equal rank is larger than
    what is left; `no_entry`: nobody without a prize is left.
    """

    places: int
    reason: VacancyReason
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrizeAward:
    """What became of one prize: `places` = `forfeited` + `len(entries)` - `over` + the places of its vacancies.

    `forfeited` are the places that went to the prize before, whose last group was larger than what was left; `over`
    are the entries that took this prize beyond its places.
    """

    prize: Prize
    places: int
    forfeited: int
    entries: tuple[str, ...]
    over: int
    vacancies: tuple[Vacancy, ...]


@dataclass(frozen=True, slots=True)
class PrizeAllotment:
    """The prizes of a track; none while it is not complete. `by_entry` maps an entry to its prize's code."""

    track: str
    complete: bool
    by_entry: Mapping[str, str] = field(hash=False)
    awards: tuple[PrizeAward, ...] = ()


def prize_places(prize: Prize, ranked: int) -> int:
    """How many places a prize has where `ranked` entries (0 or more) have a rank."""
    if prize.count is not None:
        return prize.count
    wanted = Fraction(prize.share or ZERO) * ranked
    whole, rest = divmod(wanted.numerator, wanted.denominator)
    if rest == 0 or prize.round == "down":
        return whole
    if prize.round == "up":
        return whole + 1
    return whole + (2 * rest >= wanted.denominator)


def allot_prizes(track: Track, ranking: TrackResult) -> PrizeAllotment:
    """The prizes of a track by its ranks (bundle.md, From ranks to prizes); none while it is not complete."""
    if not ranking.complete:
        return PrizeAllotment(track.code, False, {})
    ranked = ranking.ranked
    waiting = [list(group) for _, group in groupby(ranked, key=lambda row: row.rank)]
    by_entry: dict[str, str] = {}
    awards: list[PrizeAward] = []
    over = 0
    for prize in track.prizes:
        places = prize_places(prize, len(ranked))
        award, waiting = _award(prize, places, min(over, places), waiting)
        awards.append(award)
        by_entry.update(dict.fromkeys(award.entries, prize.code))
        over = award.over
    return PrizeAllotment(track.code, True, by_entry, tuple(awards))


def prizes_by_entry(track: Track, ranking: TrackResult) -> Mapping[str, str]:
    """The code of the prize that each entry takes; entries without one are left out."""
    return allot_prizes(track, ranking).by_entry


def _award(
    prize: Prize, places: int, forfeited: int, groups: Sequence[list[Row]]
) -> tuple[PrizeAward, list[list[Row]]]:
    """One prize over the groups without a prize, and the groups that wait for the next."""
    left = places - forfeited
    taken: list[str] = []
    passed: list[list[Row]] = []
    vacancies: list[Vacancy] = []
    over = 0
    for at, group in enumerate(groups):
        codes = tuple(row.entry for row in group)
        if left < 1:
            passed.extend(groups[at:])
            break
        if prize.min_score is not None and (group[0].total or ZERO) < prize.min_score:
            vacancies.append(Vacancy(min(left, len(group)), "min_score", codes))
            left -= len(group)
            passed.append(group)
        elif len(group) <= left:
            taken.extend(codes)
            left -= len(group)
        elif prize.ties == "extend":
            taken.extend(codes)
            over, left = len(group) - left, 0
        else:
            vacancies.append(Vacancy(left, "pass", codes))
            left = 0
            passed.append(group)
    if left > 0:
        vacancies.append(Vacancy(left, "no_entry"))
    return PrizeAward(prize, places, forfeited, tuple(taken), over, tuple(vacancies)), passed


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One organisation of the team ranking; `ranks` are those of its entries over all complete tracks, best first."""

    rank: int
    organisation: str
    points: Decimal
    ranks: tuple[int, ...]


# Past the end of an organisation's ranks: worse than any rank it could have.
_NO_RANK: Final = 10**9


def team_points(contest: Contest, results: Iterable[TrackResult], entries: Iterable[Entry]) -> tuple[TeamRow, ...]:
    """The organisations ranked by the points of their entries (bundle.md, Team points); () without `team_points`."""
    rule = contest.team_points
    if rule is None:
        return ()
    home = {entry.code: entry.organisation for entry in entries}
    ranks: dict[str, list[int]] = {}
    points: dict[str, Decimal] = {}
    for result in results:
        if not result.complete:
            continue
        for row in result.rows:
            unit = home.get(row.entry)
            if row.rank is None or unit is None:
                continue
            ranks.setdefault(unit, []).append(row.rank)
            gain = rule.points[row.rank - 1] if row.rank <= len(rule.points) else rule.others
            points[unit] = EXACT.add(points.get(unit, ZERO), gain)
    # "More first places, then more second places, and so on" is the order of the sorted ranks, best first, the end
    # last.
    merit = {unit: (points[unit].copy_negate(), (*sorted(own), _NO_RANK)) for unit, own in ranks.items()}
    rows: list[TeamRow] = []
    for count, unit in enumerate(sorted(merit, key=lambda code: (merit[code], code)), start=1):
        tied = bool(rows) and merit[rows[-1].organisation] == merit[unit]
        rows.append(TeamRow(rows[-1].rank if tied else count, unit, points[unit], merit[unit][1][:-1]))
    return tuple(rows)
