"""Order keys: opaque ASCII by which a browser sorts a board and counts its ranks (contract.md, "Board stream").

Compared bytewise, the keys of a board put its rows in order: by stage reached (a later one first), then ranked before
pending, these by their total so far, then the rest. A key is made of what the public row shows anyhow: the place of
the stage, the total, the stage scores among the tie-breaks. What a tie-break compares beyond that (a criterion, a
time, a draw) stands in the key as its place among the rows that tie up to there, never as its value.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from competition.contests.rules import RankTies, Track
from competition.leaderboard.records import Row

RANKED: Final = "a"
PENDING: Final = "b"
OTHERS: Final = "~"
NO_VALUE: Final = "~"
_NINES: Final = str.maketrans("0123456789", "9876543210")


def falling(value: Fraction | Decimal | None, scale: int) -> str:
    """Text that sorts `value` (0 or more, whole when multiplied by `scale`) from high to low, None last."""
    if value is None:
        return NO_VALUE
    upper, lower = value.as_integer_ratio()
    digits = str(upper * (scale // lower))
    return f"{len(digits):03d}{digits}".translate(_NINES)


def order_key(
    row: Row,
    *,
    stages: int,
    places: int,
    shown: Sequence[tuple[Fraction | Decimal | None, int]] = (),
    turn: int | None = None,
) -> str:
    """The order key of a row; equal for two ranked rows exactly when they share their rank.

    `stages` is the number of stages of the track, `places` that of its ranking. `shown` are the values of the leading
    tie-breaks that the public row shows, each with its scale; `turn` (0 or more) is the row's place by the tie-breaks
    after those among the rows that tie up to there, None where there are none.
    """
    if row.status not in ("ranked", "pending"):
        return OTHERS
    reached = f"{stages - 1 - row.reached:03d}"
    scale = int(10**places)
    if row.status == "pending":
        return f"{reached}{PENDING}{falling(row.so_far, scale)}"
    parts = [reached + RANKED + falling(row.total, scale)]
    parts.extend(falling(value, size) for value, size in shown)
    if turn is not None:
        parts.append(f"{turn:06d}")
    return "".join(parts)


def shown_keys(tie_break: Sequence[str]) -> int:
    """How many of the leading tie-breaks compare what a public row shows: the scores of stages."""
    for place, key in enumerate(tie_break):
        if not key.startswith("stage:"):
            return place
    return len(tie_break)


def order_ranked(rows: Sequence[Row], track: Track) -> list[str]:
    """The order keys of ranked rows that stand in their order (the best first)."""
    tie_break, places, stages = track.ranking.tie_break, track.ranking.places, len(track.stages)
    shown = shown_keys(tie_break)
    # A stage's score is whole in units of its last place, so a key stays as it is when others' scores change.
    units = {f"stage:{stage.code}": int(10**stage.places) for stage in track.stages}
    scales = [units[key] for key in tie_break[:shown]]
    keys: list[str] = []
    before: Row | None = None
    turn = 0
    for row in rows:
        if shown < len(tie_break):
            if before is None or _upto(before, shown) != _upto(row, shown):
                turn = 0
            elif before.tie_break != row.tie_break:
                turn += 1
        values = list(zip(row.tie_break[:shown], scales, strict=True))
        hidden = turn if shown < len(tie_break) else None
        keys.append(order_key(row, stages=stages, places=places, shown=values, turn=hidden))
        before = row
    return keys


def _upto(row: Row, shown: int) -> tuple[object, ...]:
    return row.reached, row.total, row.tie_break[:shown]


def ranks_from_order(
    orders: Mapping[str, str], status: Callable[[str], str], reached: Callable[[str], int], ties: RankTies
) -> dict[str, int]:
    """The ranks that a browser counts from a board's order keys alone, by row key.

    `orders` maps every row's key to its order key; `status` and `reached` give a row's status and the number of
    stages it stands in. A ranked row counts the ranked rows before it (`dense`: their different keys) and the pending
    rows that stand in a later stage than it does (bundle.md, From stage scores to ranks, 5).
    """
    pending = sorted(reached(key) for key in orders if status(key) == "pending")
    ranks: dict[str, int] = {}
    last, position = "", 0
    for count, key in enumerate(sorted((k for k in orders if status(k) == "ranked"), key=orders.__getitem__), start=1):
        if orders[key] != last:
            last, position = orders[key], position + 1 if ties == "dense" else count
        ranks[key] = position + len(pending) - bisect_right(pending, reached(key))
    return ranks
