"""A draw told again from its published seed: from the database, or from a published file on any machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from competition.contests.queries import get_contest, get_track
from competition.draw import document
from competition.draw.layers import layers_of
from competition.draw.queries import draws_of, open_to_all
from competition.draw.records import Infeasible
from competition.draw.service import name_of
from competition.shared.errors import DomainError

Told = tuple[list[str], bool]


def replay(session: Session, track: str) -> Told:
    """The lines that tell the draws of CONTEST/TRACK again, and whether each comes out as it is stored.

    Before names are public the lines show tags, which tell nobody whose number is whose.
    """
    code, slash, name = track.partition("/")
    if not slash:
        raise DomainError("bad_request", "Name the track, too: CONTEST/TRACK.")
    contest = get_contest(session, code)
    row = get_track(session, contest.id, name)
    layers = {layer.id: layer for layer in layers_of(session, row.id)}
    draws = [draw for draw in draws_of(session, row.id) if draw.layer_id in layers and draw.state != "void"]
    lines, same = [], bool(draws)
    for draw in draws:
        layer = layers[draw.layer_id]
        told, well = _tell(
            {
                "name": name_of(row, layer),
                "first": layer.first,
                "commitment": draw.commitment,
                "salt_hash": draw.inputs["salt_hash"],
                "rules_hash": draw.inputs["rules_hash"],
                "seed": draw.seed,
                "inputs": draw.inputs.get("document"),
                "result_hash": draw.result_hash,
            }
        )
        lines += told
        same = same and well
    if not draws:
        lines.append(f"{code}/{name}: nothing has been drawn.")
    elif not open_to_all(session, contest, row):
        lines.append("The lines show tags: whose they are is published once names are.")
    return lines, same


def replay_file(text: str) -> Told:
    """The same of a file that `/contests/CONTEST/draw/TRACK.json` gave; needs no database."""
    try:
        published = json.loads(text)
        draws = [draw for draw in published["draws"] if draw["state"] != "void"]
        lines, same = [], bool(draws)
        for draw in draws:
            told, well = _tell(draw, draw.get("entries") or {})
            lines += told
            same = same and well
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"This is no published draw: {type(error).__name__}: {error}"], False
    return lines or ["Nothing has been drawn."], same


def _tell(draw: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Told:
    lines = [draw["name"]]
    seed, inputs = draw.get("seed"), draw.get("inputs")
    if not seed:
        return [*lines, "  The seed has not been published yet."], False
    made = document.commitment(draw["name"], draw["salt_hash"], draw["rules_hash"], seed)
    checks = [("commitment", made == draw["commitment"])]
    if draw.get("salt"):
        checks.append(("salt", document.salt_hash(draw["salt"]) == draw["salt_hash"]))
    if not inputs:
        lines += _said(checks)
        return [*lines, "  Who was drawn among is published once names are."], False
    rules = document.digest(document.canonical(inputs["rules"]))
    checks.append(("conditions", rules == draw["rules_hash"]))
    if draw.get("inputs_hash"):
        checks.append(("inputs", document.inputs_hash(inputs) == draw["inputs_hash"]))
    if names and draw.get("salt"):
        tagged = all(document.tag(draw["salt"], "entry", code) == key for key, code in names.items())
        checks.append(("entries", tagged and set(names) >= {item[0] for item in inputs["items"]}))
    try:
        order: tuple[str, ...] = document.draw_from(inputs, seed).order
    except Infeasible:
        return [*lines, *_said(checks), "  DIFFERS: no order meets the conditions."], False
    checks.append(("order", document.result_hash(order) == draw["result_hash"]))
    if draw.get("result") is not None:
        checks.append(("result", list(order) == draw["result"]))
    lines += _said(checks)
    for place, key in enumerate(order):
        lines.append(f"  {draw['first'] + place}\t{(names or {}).get(key, key)}")
    return lines, all(well for _name, well in checks)


def _said(checks: Iterable[tuple[str, bool]]) -> list[str]:
    return ["  " + ", ".join(f"{name} {'agrees' if well else 'DIFFERS'}" for name, well in checks)]
