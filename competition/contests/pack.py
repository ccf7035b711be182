"""The rule pack of a contest as one document, with a hash that is the same for equal rules on every machine.

It holds all that decides an outcome, in the words of bundle.md: which marks count, the tracks with their rubrics,
aggregation, rounding, ties, prizes and eligibility, the team points and the recommendation schemes (they decide who
goes up a layer). Titles, notes and descriptors belong to it, because a criterion means what it says. Amounts are
strings without trailing zeros; a number among the schemes' conditions that is no whole one is `{"decimal": "1.5"}`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from competition.contests import rules as c
from competition.shared.amounts import format_amount

FORMAT: Final = "leitai.pack/1"
Tree = dict[str, Any]


def document_of(contest: c.Contest, eligibility: Mapping[str, Sequence[Any]] | None = None) -> Tree:
    """The rule pack of a definition; `eligibility` has the rules of each track by its code.

    Nothing else of the contest is in it: not its code, its dates, its phase, nor who sees its board.
    """
    rules_of = eligibility or {}
    return _some(
        format=FORMAT,
        counts=contest.counts,
        tracks=[track_tree(track) | _eligible(rules_of.get(track.code, ())) for track in contest.tracks],
        team_points=team_points_tree(contest.team_points),
        schemes=[scheme_tree(scheme) for scheme in contest.schemes] or None,
    )


def pack_hash(document: Tree) -> str:
    """SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()


def canonical_bytes(document: Tree) -> bytes:
    """The document as JSON in UTF-8: keys in order, and lists whose order means nothing (bundle.md, Shape), too.

    Those are the eligibility rules with the lists inside them, and a scheme's conditions and kinds.
    """
    tree = {
        **document,
        "tracks": [_unordered(track, "eligibility") for track in document.get("tracks", ())],
        "schemes": [_unordered(scheme, "requires", "kinds") for scheme in document.get("schemes", ())],
    }
    return _json(tree).encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _unordered(record: Tree, *keys: str) -> Tree:
    return record | {key: sorted((_plain(one) for one in record[key]), key=_json) for key in keys if key in record}


def _plain(value: Any) -> Any:
    """A value inside a rule: what is null is not there, lists are sets."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=_json)
    return value


def _some(**values: object) -> Tree:
    """An object of what is not None, amounts as strings."""
    return {
        key: format_amount(value) if isinstance(value, Decimal) else value
        for key, value in values.items()
        if value is not None
    }


def _eligible(given: Sequence[Any]) -> Tree:
    return {"eligibility": list(given)} if given else {}


def criterion_tree(one: c.Criterion) -> Tree:
    """A leaf, or a heading with all below it."""
    if one.heading:
        below = [criterion_tree(each) for each in one.criteria]
        return _some(code=one.code, title=one.title, note=one.note, criteria=below)
    graded = one.kind == "grade"
    return _some(
        code=one.code,
        title=one.title,
        note=one.note,
        kind=one.kind,
        min=None if graded else one.min,
        max=one.top,
        step=None if graded else one.step,
        factor=one.factor,
        descriptors=list(one.descriptors) or None,
    )


def stage_tree(stage: c.Stage) -> Tree:
    aggregate, advance = stage.aggregate, stage.advance
    return _some(
        code=stage.code,
        title=stage.title,
        weight=stage.weight,
        criteria=[criterion_tree(one) for one in stage.criteria],
        aggregate=_some(
            over=aggregate.over,
            method=aggregate.method,
            drop_low=aggregate.drop_low,
            drop_high=aggregate.drop_high,
            trim_from=aggregate.trim_from,
        ),
        places=stage.places,
        rounding=stage.rounding,
        attempts=stage.attempts,
        attempt_count=stage.attempt_count,
        normalise=stage.normalise,
        advance=None if advance is None else _some(by=advance.by, top=advance.top, min=advance.min),
    )


def track_tree(track: c.Track) -> Tree:
    """A track without its phase, which is no rule."""
    ranking = track.ranking
    return _some(
        code=track.code,
        title=track.title,
        stages=[stage_tree(stage) for stage in track.stages],
        ranking=_some(
            places=ranking.places,
            rounding=ranking.rounding,
            tie_break=list(ranking.tie_break),
            ties=ranking.ties,
        ),
        prizes=[
            _some(
                code=prize.code,
                title=prize.title,
                count=prize.count,
                share=prize.share,
                round=prize.round,
                min_score=prize.min_score,
                ties=prize.ties,
            )
            for prize in track.prizes
        ],
    )


def team_points_tree(points: c.TeamPoints | None) -> Tree | None:
    if points is None:
        return None
    return {"points": [format_amount(one) for one in points.points], "others": format_amount(points.others)}


def scheme_tree(scheme: c.Scheme) -> Tree:
    requires = [
        _some(attribute=one.attribute, min=one.min, max=one.max, equals=put_scalar(one.equals))
        for one in scheme.requires
    ]
    return _some(
        code=scheme.code,
        title=scheme.title,
        quota=scheme.quota,
        requires=sorted(requires, key=_json),
        kinds=None if scheme.kinds is None else sorted(scheme.kinds),
        prizes=None if scheme.prizes is None else list(scheme.prizes),
        per_track=scheme.per_track,
        per_organisation=scheme.per_organisation,
    )


def put_scalar(value: c.Scalar | None) -> Any:
    """A whole number as an int, another marked as a decimal, so that a text of the same figures stays another value."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else {"decimal": format_amount(value)}
    return value


def get_scalar(value: Any) -> Any:
    """What `put_scalar` wrote."""
    return Decimal(value["decimal"]) if isinstance(value, dict) and set(value) == {"decimal"} else value
