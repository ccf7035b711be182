"""Entries as the rules see them (bundle.md, "Shape")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from competition.contests.rules import Scalar, Track

EntryStatus = Literal["ok", "absent", "withdrawn", "disqualified"]

ENTRY_STATUSES: Final[tuple[EntryStatus, ...]] = ("ok", "absent", "withdrawn", "disqualified")
NO_ATTRIBUTES: Final[Mapping[str, Scalar]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Member:
    """A person of an entry."""

    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Who takes part in one track.

    `draw` is the number under which judges and the public see the entry, unique in its track. With a `status` other
    than ok, `status_from` names the stage from which it holds (None: the first).
    """

    code: str
    track: str
    title: str = ""
    organisation: str | None = None
    draw: int | None = None
    members: tuple[Member, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    status: EntryStatus = "ok"
    status_from: str | None = None


def leaves_at(track: Track, entry: Entry) -> int:
    """The place in `track.stages` from which `entry` stands in no stage any more; their number for one that is ok.

    bundle.md, Who stands in a stage: never in the stage that `status_from` names nor after it.
    """
    if entry.status == "ok":
        return len(track.stages)
    for place, stage in enumerate(track.stages):
        if stage.code == entry.status_from:
            return place
    return 0
