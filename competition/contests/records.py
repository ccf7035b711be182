"""The records of a contest's definition as the JSON that its tables hold, and back; amounts are decimal strings."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from competition.contests.rules import (
    Advance,
    Aggregate,
    Prize,
    Ranking,
    Requirement,
    Scalar,
    Scheme,
    Stage,
    TeamPoints,
)

Json = dict[str, Any]


def put_amount(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def get_amount(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def put_scalar(value: Scalar | None) -> Any:
    """A decimal is marked as one: JSON's own number would pass through a float, and a string is another value."""
    return {"decimal": f"{value:f}"} if isinstance(value, Decimal) else value


def get_scalar(value: Any) -> Any:
    return Decimal(value["decimal"]) if isinstance(value, dict) else value


def put_attributes(attributes: Mapping[str, Scalar]) -> Json:
    return {name: put_scalar(value) for name, value in attributes.items()}


def get_attributes(stored: Json) -> dict[str, Scalar]:
    return {name: get_scalar(value) for name, value in stored.items()}


def put_stage(stage: Stage) -> Json:
    aggregate, advance = stage.aggregate, stage.advance
    return {
        "weight": put_amount(stage.weight),
        "aggregate": {
            "over": aggregate.over,
            "method": aggregate.method,
            "drop_low": aggregate.drop_low,
            "drop_high": aggregate.drop_high,
            "trim_from": aggregate.trim_from,
        },
        "places": stage.places,
        "rounding": stage.rounding,
        "attempts": stage.attempts,
        "attempt_count": stage.attempt_count,
        "normalise": stage.normalise,
        "advance": advance and {"by": advance.by, "top": advance.top, "min": put_amount(advance.min)},
    }


def get_stage(stored: Json) -> Json:
    """The arguments of a `Stage` that `put_stage` stored."""
    advance = stored["advance"]
    return {
        **stored,
        "weight": Decimal(stored["weight"]),
        "aggregate": Aggregate(**stored["aggregate"]),
        "advance": advance and Advance(advance["by"], advance["top"], get_amount(advance["min"])),
    }


def put_ranking(ranking: Ranking) -> Json:
    return {
        "places": ranking.places,
        "rounding": ranking.rounding,
        "tie_break": list(ranking.tie_break),
        "ties": ranking.ties,
    }


def get_ranking(stored: Json) -> Ranking:
    return Ranking(stored["places"], stored["rounding"], tuple(stored["tie_break"]), stored["ties"])


def put_prize(prize: Prize) -> Json:
    return {
        "code": prize.code,
        "title": prize.title,
        "count": prize.count,
        "share": put_amount(prize.share),
        "round": prize.round,
        "min_score": put_amount(prize.min_score),
        "ties": prize.ties,
    }


def get_prize(stored: Json) -> Prize:
    amounts = {"share": get_amount(stored["share"]), "min_score": get_amount(stored["min_score"])}
    return Prize(**{**stored, **amounts})


def put_team_points(points: TeamPoints | None) -> Json | None:
    if points is None:
        return None
    return {"points": [put_amount(n) for n in points.points], "others": put_amount(points.others)}


def get_team_points(stored: Json | None) -> TeamPoints | None:
    if stored is None:
        return None
    return TeamPoints(tuple(Decimal(n) for n in stored["points"]), Decimal(stored["others"]))


def put_scheme(scheme: Scheme) -> Json:
    return {
        "quota": scheme.quota,
        "requires": [
            {
                "attribute": requirement.attribute,
                "min": put_amount(requirement.min),
                "max": put_amount(requirement.max),
                "equals": put_scalar(requirement.equals),
            }
            for requirement in scheme.requires
        ],
        "kinds": None if scheme.kinds is None else list(scheme.kinds),
        "prizes": None if scheme.prizes is None else list(scheme.prizes),
        "per_track": scheme.per_track,
        "per_organisation": scheme.per_organisation,
    }


def get_scheme(code: str, title: str, stored: Json) -> Scheme:
    return Scheme(
        code,
        title,
        quota=stored["quota"],
        requires=tuple(
            Requirement(one["attribute"], get_amount(one["min"]), get_amount(one["max"]), get_scalar(one["equals"]))
            for one in stored["requires"]
        ),
        kinds=None if stored["kinds"] is None else tuple(stored["kinds"]),
        prizes=None if stored["prizes"] is None else tuple(stored["prizes"]),
        per_track=stored["per_track"],
        per_organisation=stored["per_organisation"],
    )
