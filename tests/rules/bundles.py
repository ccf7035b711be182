"""Small bundles for the tables: only what a test is about has to be written."""

from __future__ import annotations

import json
from typing import Any

from competition.bundle.rules import BundleProblems, read_bundle, results

Tree = dict[str, Any]


def stage(code: str = "s", criteria: list[Tree] | None = None, **keys: Any) -> Tree:
    """A stage; without `criteria` of one judgement `c` of at most 100."""
    return {
        "code": code,
        "title": code,
        "criteria": [leaf("c")] if criteria is None else criteria,
        **keys,
    }


def leaf(code: str, **keys: Any) -> Tree:
    """A leaf of at most 100."""
    return {"code": code, "title": code, "max": 100, **keys}


def entry(code: str, **keys: Any) -> Tree:
    """An entry of the track `t`."""
    return {"code": code, "track": "t", "title": code, **keys}


def marks(values: dict[str, Any], stage: str = "s", track: str = "t") -> list[Tree]:
    """Marks from {"E1": {"J1": 90}}, {"E1": {"J1": {"c": 90}}} or, with "" for nobody, {"E1": {"": {"time": 9}}}.

    A criterion `c#2` is the second attempt at `c`.
    """
    found = []
    for who, by_judge in values.items():
        for judge, given in by_judge.items():
            for criterion, value in (given if isinstance(given, dict) else {"c": given}).items():
                code, _, attempt = criterion.partition("#")
                one = {"track": track, "stage": stage, "entry": who, "criterion": code, "value": value}
                if judge:
                    one["judge"] = judge
                if attempt:
                    one["attempt"] = int(attempt)
                found.append(one)
    return found


def bundle(
    stages: list[Tree] | None = None,
    entries: list[Any] | None = None,
    given: list[Tree] | None = None,
    *,
    judges: str = "J1",
    ranking: Tree | None = None,
    prizes: list[Tree] | None = None,
    contest: Tree | None = None,
    **keys: Any,
) -> Tree:
    """A bundle of one track `t`, whose judges sit in every stage unless `panels` says otherwise."""
    stages = [stage()] if stages is None else stages
    entries = ["E1"] if entries is None else entries
    track: Tree = {"code": "t", "title": "T", "stages": stages}
    if ranking is not None:
        track["ranking"] = ranking
    if prizes is not None:
        track["prizes"] = prizes
    return {
        "format": "leitai.bundle/1",
        "contest": {
            "code": "made",
            "title": "Made",
            "kind": "skill",
            "level": "city",
            "year": 2026,
            **(contest or {}),
        },
        "judges": [{"code": code, "name": code} for code in judges.split()],
        "tracks": [track],
        "entries": [entry(one) if isinstance(one, str) else one for one in entries],
        "panels": [{"track": "t", "stage": one["code"], "judges": judges.split()} for one in stages],
        "marks": given or [],
        **keys,
    }


def encoded(tree: Tree) -> bytes:
    """The tree as a file."""
    return json.dumps(tree).encode()


def printed(tree: Tree) -> Tree:
    """What `leitai score` prints for a bundle."""
    return results(read_bundle(encoded(tree)))


def rows(tree: Tree) -> dict[str, Tree]:
    """The rows of the first track by entry."""
    return {row["entry"]: row for row in printed(tree)["tracks"][0]["ranking"]}


def score(tree: Tree, who: str = "E1", stage: str = "s") -> str | None:
    """One entry's score in one stage."""
    found: str | None = rows(tree)[who]["stages"][stage]
    return found


def ranks(tree: Tree) -> list[tuple[int | None, str]]:
    """Rank and entry, as listed."""
    return [(row["rank"], row["entry"]) for row in printed(tree)["tracks"][0]["ranking"]]


def refused(data: Tree | bytes, **keys: Any) -> list[str]:
    """The problems of a bundle; none where it is valid."""
    try:
        read_bundle(data if isinstance(data, bytes) else encoded(data), **keys)
    except BundleProblems as bad:
        return bad.lines()
    return []
