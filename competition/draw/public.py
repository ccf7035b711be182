"""What the public may hold of a draw at each time (docs/draw.md): never what would tell whose number is whose."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.models import Contest, Track
from competition.draw.document import inputs_hash
from competition.draw.drawing import entries_by_tag
from competition.draw.layers import layers_of
from competition.draw.lots import ALGORITHM
from competition.draw.models import CodeLayer, CodeNumber, Draw
from competition.draw.queries import decoding_of, draws_of, open_to_all
from competition.draw.service import name_of, secrets_of
from competition.shared.vault import Vault


def published(session: Session, contest: Contest, track: Track, vault: Vault) -> dict[str, Any]:
    """The track's draws as a file that anybody may check: whole once names are public, hashes and seeds until then."""
    whole = open_to_all(session, contest, track)
    layers = {layer.id: layer for layer in layers_of(session, track.id)}
    return {
        "format": ALGORITHM,
        "contest": contest.code,
        "track": track.code,
        "open": whole,
        "draws": [
            _draw(session, track, layers[draw.layer_id], draw, vault, whole)
            for draw in draws_of(session, track.id)
            if draw.layer_id in layers
        ],
    }


def _draw(session: Session, track: Track, layer: CodeLayer, draw: Draw, vault: Vault, whole: bool) -> dict[str, Any]:
    rules = draw.constraints
    shown: dict[str, Any] = {
        "name": name_of(track, layer),
        "layer": layer.code,
        "title": layer.title,
        "first": layer.first,
        "state": draw.state,
        "commitment": draw.commitment,
        "salt_hash": draw.inputs["salt_hash"],
        "rules_hash": draw.inputs["rules_hash"],
        # Who is fixed where would tell whoever arranged it a number; how many are does not.
        "conditions": {
            "apart": rules["apart"],
            "groups": rules["groups"],
            "places": rules["places"],
            "who": rules["who"],
            "fixed": len(rules["fixed"]),
        },
        "committed_at": draw.committed_at.isoformat(),
    }
    document = draw.inputs.get("document")
    if draw.drawn_at is not None and document is not None:
        shown |= {
            "drawn_at": draw.drawn_at.isoformat(),
            "count": len(document["items"]),
            "inputs_hash": inputs_hash(document),
            "result_hash": draw.result_hash,
        }
    if draw.seed is not None:
        shown["seed"] = draw.seed
    decoding = decoding_of(session, layer.id)
    if decoding is not None and draw.state != "void":
        shown |= {"decoded_at": decoding.at.isoformat(), "results_hash": decoding.results_hash}
    if whole and draw.state == "revealed" and document is not None:
        shown |= _whole(session, track, layer, draw, vault, document)
    return shown


def _whole(
    session: Session, track: Track, layer: CodeLayer, draw: Draw, vault: Vault, document: dict[str, Any]
) -> dict[str, Any]:
    salt = secrets_of(draw, vault)["salt"]
    by_tag = entries_by_tag(session, track.id, salt)
    tags = {entry.id: key for key, entry in by_tag.items()}
    order = session.scalars(
        select(CodeNumber.entry_id).where(CodeNumber.layer_id == layer.id).order_by(CodeNumber.code)
    )
    return {
        "salt": salt,
        "inputs": document,
        "result": [tags[entry] for entry in order if entry in tags],
        "entries": {key: entry.code for key, entry in sorted(by_tag.items())},
    }
