"""What each audience may see of a board: the one place that knows freeze, anonymity and publication.

`visible` makes `leitai.board/1` (contract.md, "Pages and JSON") of a folded track. What the public may not see is
absent from it, not null and hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from competition.contests.rules import Identity, Phase, Track
from competition.leaderboard.records import Row, TrackResult
from competition.registration.rules import Entry

Audience = Literal["public", "staff"]
Payload = dict[str, Any]

AUDIENCES: Final[tuple[Audience, ...]] = ("public", "staff")
SHOWN: Final = ("scoring", "review", "notice", "final", "archived")
"""The phases in which a track has a board."""
NAMED: Final = ("notice", "final", "archived")
"""The phases in which a board that showed numbers shows names, and prizes stand on it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a board's look depends on beside its result.

    `units` maps an organisation's code to its name, `prizes` an entry's code to its prize's. `frozen_at` is an instant
    as text (ISO 8601), None while the public board goes on. `progress` maps an entry to (marked, expected).
    """

    contest: str
    track: Track
    phase: Phase
    identity: Identity = "entry"
    public: bool = True
    frozen_at: str | None = None
    freeze_reason: str = ""
    entries: Mapping[str, Entry] = field(default_factory=dict, hash=False)
    units: Mapping[str, str] = field(default_factory=dict, hash=False)
    prizes: Mapping[str, str] = field(default_factory=dict, hash=False)
    reopened: Collection[str] = ()
    progress: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False)

    @property
    def named(self) -> bool:
        """Whether names and units may stand beside the rows. Before the notice nobody's board joins name and number."""
        return self.identity == "entry" or self.phase in NAMED

    @property
    def frozen(self) -> bool:
        """A freeze outlasts the phases up to the notice."""
        return self.frozen_at is not None and self.phase not in NAMED


def visible(board: TrackResult, setting: Setting, audience: Audience, held: Payload | None = None) -> Payload | None:
    """`leitai.board/1` without `version` and `as_of`; None where the audience has no board to see.

    `held` is what the audience saw last (None: nothing ever): while a freeze is on, the public goes on seeing its
    rows. Where the board was taken away meanwhile (empty), nothing is shown until the freeze ends: the rows it was to
    hold are gone, and the present ones are what the freeze hides.
    """
    if setting.phase not in SHOWN or (audience == "public" and not setting.public):
        return None
    freeze = None
    if audience == "public" and setting.frozen:
        freeze = {"at": setting.frozen_at, "reason": setting.freeze_reason}
    if freeze is not None and held is not None:
        return {**held, "state": "frozen", "freeze": freeze} if held else None
    track = setting.track
    payload: Payload = {
        "format": "leitai.board/1",
        "contest": setting.contest,
        "track": track.code,
        "state": "frozen" if freeze else "final" if setting.phase in NAMED else "live",
        "ties": track.ranking.ties,
        "tie_break": list(track.ranking.tie_break),
        "complete": board.complete,
        "stages": [{"code": one.code, "title": one.title, "weight": _text(one.weight)} for one in track.stages],
        "rows": sorted((_row(row, setting) for row in board.rows), key=lambda row: (row["order"], row["key"])),
    }
    if freeze is not None:
        payload["freeze"] = freeze
    return payload


def listed_by(row: Mapping[str, Any]) -> tuple[str, int, str]:
    """The order of rows on a page: the board's own, but among equals a draw number is a number: 2 before 10."""
    key = row["key"]
    return row["order"], len(key) if key.isdecimal() else 0, key


def _row(row: Row, setting: Setting) -> Payload:
    entry = setting.entries[row.entry]
    track = setting.track
    places = {stage.code: stage.places for stage in track.stages}
    numbered = setting.identity == "number"
    marked, expected = setting.progress.get(row.entry, (row.marked, row.expected))
    shown: Payload = {
        "key": str(entry.draw) if numbered else entry.code,
        "rank": row.rank,
        "order": row.order,
        "status": row.status,
        "number": entry.draw,
    }
    if setting.named:
        shown["title"] = entry.title
        shown["organisation"] = setting.units.get(entry.organisation or "")
    shown |= {
        "total": None if row.total is None else _fixed(row.total, track.ranking.places),
        "so_far": _fixed(row.so_far, track.ranking.places),
        "stages": {code: None if score is None else _fixed(score, places[code]) for code, score in row.stages.items()},
        "progress": {"marked": marked, "expected": expected},
        "reopened": row.entry in setting.reopened,
    }
    if setting.phase in NAMED and row.entry in setting.prizes:
        code = setting.prizes[row.entry]
        title = next((prize.title for prize in track.prizes if prize.code == code), code)
        shown["prize"] = {"code": code, "title": title}
    return shown


def _fixed(value: Decimal, places: int) -> str:
    """With just the places of its rule."""
    return f"{value:.{places}f}"


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"
