"""The messages of a board: the whole of it, and what changed between two versions (contract.md, "Board stream")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

Payload = dict[str, Any]

LARGEST: Final = 64 * 1024
"""Bytes above which a delta is not sent: its place takes a `reset`, and clients fetch the snapshot."""
BESIDE: Final = ("complete", "freeze", "ties", "tie_break", "stages")
"""What of a board, beside its rows and state, a delta names when it has changed."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Compact JSON on one line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def make_delta(old: Payload, new: Payload) -> Payload:
    """What leads from one version of a board to a later one.

    A row that only moved because others did is not in it: its `order` says where it stands and clients count ranks.
    What beside the rows has changed (a freeze, `complete`) is named too; a freeze that has ended is `"freeze": null`.
    """
    before = {row["key"]: _own(row) for row in old["rows"]}
    now = {row["key"] for row in new["rows"]}
    delta: Payload = {
        "contest": new["contest"],
        "track": new["track"],
        "base": old["version"],
        "version": new["version"],
        "state": new["state"],
        "as_of": new["as_of"],
        "rows": [row for row in new["rows"] if before.get(row["key"]) != _own(row)],
        "gone": [key for key in before if key not in now],
    }
    for name in BESIDE:
        if old.get(name) != new.get(name):
            delta[name] = new.get(name)
    return delta


def _own(row: Payload) -> Payload:
    """A row without what others' scores decide."""
    return {name: value for name, value in row.items() if name != "rank"}
