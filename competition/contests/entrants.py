"""Who may enter a track, and in what number. Kept in `Track.entrants`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import lazy_gettext as _l

KINDS: Final[dict[str, Any]] = {
    "individual": _l("个人"),
    "team": _l("团队"),
    "either": _l("个人或团队"),
}
MOST_MEMBERS: Final = 50
MOST_ADVISERS: Final = 10


@dataclass(frozen=True, slots=True)
class Entrants:
    """`least` and `most` bound the members of a team; `groups` are codes of the contest's groups, none: all of them."""

    kind: str = "individual"
    least: int = 1
    most: int = 1
    advisers: int = 0
    groups: tuple[str, ...] = ()

    @property
    def teams(self) -> bool:
        return self.kind != "individual"


def read_entrants(stored: Mapping[str, Any]) -> Entrants:
    """What a track's column says; a track that says nothing takes individuals of every group."""
    kind = stored.get("kind", "individual")
    if kind == "individual":
        return Entrants("individual", 1, 1, stored.get("advisers", 0), tuple(stored.get("groups", ())))
    least = stored.get("min", 1 if kind == "either" else 2)
    return Entrants(
        kind, least, stored.get("max", max(5, least)), stored.get("advisers", 0), tuple(stored.get("groups", ()))
    )


def put_entrants(entrants: Entrants) -> dict[str, Any]:
    """As the column keeps it."""
    put: dict[str, Any] = {"kind": entrants.kind, "advisers": entrants.advisers, "groups": list(entrants.groups)}
    return put | ({"min": entrants.least, "max": entrants.most} if entrants.teams else {"min": 1, "max": 1})
