"""Stage scores become a ranked board (bundle.md, "From stage scores to ranks").

`fold` does everything at once from evidence. A projector that keeps `score_entry` results calls `rank_track` with
them instead; where a stage neither normalises nor cuts, `entry_row` alone gives the row of the one entry that
changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from math import lcm

from competition.contests.rules import ZERO, Ranking, Track
from competition.leaderboard.ordering import order_key, order_ranked, ranks_from_order
from competition.leaderboard.records import Row, RowStatus, TrackResult
from competition.leaderboard.standing import Standing, cut, stand
from competition.registration.rules import Entry
from competition.scoring.evidence import Panel, Timing, TrackEvidence
from competition.scoring.numbers import EXACT, round_to
from competition.scoring.records import EntryStage
from competition.scoring.rules import score_entries

__all__ = [
    "Row",
    "RowStatus",
    "Standing",
    "TrackResult",
    "board_rows",
    "cut",
    "entry_row",
    "fold",
    "order_key",
    "rank_track",
    "ranks_from_order",
    "stand",
]

SortKey = tuple[int, int, tuple[tuple[int, int], ...]]


def _tie_value(
    key: str, entry: Entry, here: Mapping[str, EntryStage], seconds: Mapping[tuple[str, str], Decimal]
) -> Fraction | None:
    """The value of one tie-break key for an entry that stands in the stages of `here`; None: it has none."""
    kind, _, rest = key.partition(":")
    if kind == "draw":
        return None if entry.draw is None else Fraction(entry.draw)
    code, _, criterion = rest.partition("/")
    result = here.get(code)
    if result is None:
        return None
    if kind == "elapsed":
        time = seconds.get((code, entry.code))
        return None if time is None else Fraction(time)
    if kind == "stage":
        return None if result.score is None else Fraction(result.score)
    return result.criteria.get(criterion)


def entry_row(
    track: Track,
    entry: Entry,
    here: Mapping[str, EntryStage],
    seconds: Mapping[tuple[str, str], Decimal],
) -> Row:
    """The row of one entry without its rank and order key.

    `here` has the results of the stages the entry stands in, in the order of the track; `seconds` the timings by
    (stage, entry).
    """
    ranking = track.ranking
    total = ZERO
    reached = pending_at = -1
    marked = expected = 0
    stages: dict[str, Decimal | None] = {}
    with localcontext(EXACT):
        for place, stage in enumerate(track.stages):
            result = here.get(stage.code)
            if result is None:
                continue
            reached = place
            stages[stage.code] = result.score
            marked += result.marked
            expected += result.expected
            if result.score is None:
                pending_at = place
            else:
                total += stage.weight * result.score
    so_far = round_to(total, ranking.places, ranking.rounding)
    status: RowStatus
    if entry.status != "ok":
        status = entry.status
    else:
        status = "pending" if pending_at >= 0 else "ranked"
    return Row(
        entry=entry.code,
        status=status,
        rank=None,
        total=so_far if status == "ranked" else None,
        stages=stages,
        so_far=so_far,
        marked=marked,
        expected=expected,
        reached=reached,
        pending_at=pending_at,
        tie_break=tuple(_tie_value(key, entry, here, seconds) for key in ranking.tie_break),
        draw=entry.draw,
    )


def _sort_keys(rows: Sequence[Row], ranking: Ranking) -> list[SortKey]:
    """For each ranked row what puts the better one first; equal for rows that share a rank."""
    unit = int(10**ranking.places)
    lower_first = [key == "draw" or key.startswith("elapsed:") for key in ranking.tie_break]
    # Whole numbers compare many times faster than fractions, so each column is scaled to its common multiple.
    scales = [
        lcm(*(value.denominator for row in rows if (value := row.tie_break[place]) is not None))
        for place in range(len(ranking.tie_break))
    ]
    keys: list[SortKey] = []
    for row in rows:
        ties: list[tuple[int, int]] = []
        for value, lower, scale in zip(row.tie_break, lower_first, scales, strict=True):
            if value is None:
                ties.append((1, 0))
            else:
                size = value.numerator * (scale // value.denominator)
                ties.append((0, size if lower else -size))
        upper, below = (row.total or ZERO).as_integer_ratio()
        keys.append((-row.reached, -upper * (unit // below), tuple(ties)))
    return keys


def _decided(above: SortKey, below: SortKey, ranking: Ranking) -> str | None:
    """What put `below` after `above`."""
    if above[0] != below[0]:
        return "stage"
    if above[1] != below[1]:
        return "total"
    for key, one, other in zip(ranking.tie_break, above[2], below[2], strict=True):
        if one != other:
            return key
    return None


def _rank(track: Track, rows: Sequence[Row]) -> list[Row]:
    """Ranked rows in order with their ranks and order keys, then the others by code (sentences 2, 4 and 5)."""
    ranking = track.ranking
    unsorted = [row for row in rows if row.status == "ranked"]
    keyed = sorted(zip(_sort_keys(unsorted, ranking), unsorted, strict=True), key=_by_key_and_code)
    # An entry pending in a later stage will stand before all who were cut earlier, so it takes a rank already.
    pending = [row.pending_at for row in rows if row.status == "pending"]
    ahead = [sum(1 for place in pending if place > reached) for reached in range(-1, len(track.stages))]
    orders = order_ranked([row for _, row in keyed], track)
    ranked: list[Row] = []
    above: SortKey | None = None
    position = 0
    for count, ((key, row), order) in enumerate(zip(keyed, orders, strict=True), start=1):
        if key != above:
            position = position + 1 if ranking.ties == "dense" else count
        decided: str | None = None if above is None else _decided(above, key, ranking)
        ranked.append(replace(row, rank=position + ahead[row.reached + 1], order=order, decided_by=decided))
        above = key
    others = sorted((row for row in rows if row.status != "ranked"), key=lambda row: row.entry)
    stages, places = len(track.stages), ranking.places
    return ranked + [replace(row, order=order_key(row, stages=stages, places=places)) for row in others]


def _by_key_and_code(item: tuple[SortKey, Row]) -> tuple[SortKey, str]:
    return item[0], item[1].entry


def rank_track(
    track: Track,
    entries: Sequence[Entry],
    stage_results: Mapping[tuple[str, str], EntryStage],
    *,
    panels: Sequence[Panel] = (),
    timings: Sequence[Timing] = (),
) -> TrackResult:
    """A track ranked from the results of scoring, steps 1 to 6, by (stage, entry).

    `panels` are needed where a stage normalises by panel, `timings` where a tie-break is `elapsed`. An entry without
    a result for a stage in which it stands is pending there. The order of the arguments' items changes nothing.
    """
    standing = stand(track, entries, stage_results, panels)
    seconds = {(timing.stage, timing.entry): timing.seconds for timing in timings}
    scored: dict[tuple[str, str], EntryStage] = {}
    here: dict[str, dict[str, EntryStage]] = {entry.code: {} for entry in entries}
    for stage, results in zip(track.stages, standing.stages, strict=True):
        for code, result in results.items():
            scored[stage.code, code] = result
            here[code][stage.code] = result
    rows = [entry_row(track, entry, here[entry.code], seconds) for entry in entries]
    return TrackResult(track.code, standing.complete, tuple(_rank(track, rows)), scored)


def fold(track: Track, evidence: TrackEvidence) -> TrackResult:
    """A track scored and ranked at once from the evidence given, all of which counts."""
    results = score_entries(track.stages, evidence)
    return rank_track(track, evidence.entries, results, panels=evidence.panels, timings=evidence.timings)


def board_rows(result: TrackResult) -> list[Row]:
    """The rows as a board lists them: by order key, then by entry code (contract.md, `leitai.board/1`)."""
    return sorted(result.rows, key=lambda row: (row.order, row.entry))
