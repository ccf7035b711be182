"""What a draw commits to and publishes: canonical texts and their hashes (docs/draw.md)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from competition.draw.lots import ALGORITHM
from competition.draw.records import Constraints, Drawing, Item, Place
from competition.draw.rules import draw_order, row_of

TAG: Final = 20


def canonical(value: Any) -> str:
    """The same text for the same value, however its keys stand."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def salt_hash(salt: str) -> str:
    return digest(f"{ALGORITHM} salt\n{salt}\n")


def tag(salt: str, kind: str, code: str) -> str:
    """What stands for an entry or a unit in a draw's inputs: nobody without the salt can tell for which."""
    return hmac.new(bytes.fromhex(salt), f"{kind}\n{code}".encode(), hashlib.sha256).hexdigest()[:TAG]


def commitment(name: str, salt_digest: str, rules_digest: str, seed: str) -> str:
    """`name` is CONTEST/TRACK/LAYER; seed in hexadecimal digits."""
    return digest(f"{ALGORITHM} commitment\n{name}\n{salt_digest}\n{rules_digest}\n{seed}\n")


def rules_document(
    *, apart: bool, groups: Sequence[str], fixed: Mapping[str, int], stations: bool, present_only: bool
) -> dict[str, Any]:
    """The conditions as they are committed to; `fixed` by tag."""
    return {
        "algorithm": ALGORITHM,
        "apart": apart,
        "fixed": [[key, fixed[key]] for key in sorted(fixed)],
        "groups": list(groups),
        "places": "stations" if stations else "order",
        "who": "present" if present_only else "all",
    }


def inputs_document(rules: Mapping[str, Any], items: Sequence[Item], places: Sequence[Place] | None) -> dict[str, Any]:
    return {
        "rules": dict(rules),
        "items": [[item.key, item.unit, item.group, item.present] for item in sorted(items, key=lambda item: item.key)],
        "places": [[place.area, place.row, place.column] for place in places or row_of(len(items))],
    }


def draw_from(inputs: Mapping[str, Any], seed: str) -> Drawing:
    """The draw of an inputs document. Raises Infeasible, and KeyError, TypeError or ValueError for what is none."""
    rules = inputs["rules"]
    if rules["algorithm"] != ALGORITHM:
        raise ValueError(f"this program draws {ALGORITHM} and no {rules['algorithm']}")
    return draw_order(
        [Item(key, unit, group, present) for key, unit, group, present in inputs["items"]],
        Constraints(bool(rules["apart"]), tuple(rules["groups"]), dict(rules["fixed"])),
        bytes.fromhex(seed),
        [Place(area, row, column) for area, row, column in inputs["places"]],
    )


def inputs_hash(inputs: Mapping[str, Any]) -> str:
    return digest(canonical(inputs))


def result_hash(order: Sequence[str]) -> str:
    return digest(canonical(list(order)))
