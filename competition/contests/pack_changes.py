"""What differs between two rule packs: a list of plain differences, each with its place; said in words by the pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from competition.contests.pack import canonical_bytes

Tree = Mapping[str, Any]
Sort = Literal["changed", "added", "removed", "moved"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a difference is: titles of track, stage and record, as many as there are."""

    track: str = ""
    stage: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` names the kind of record (track, stage, criterion, prize, scheme, rule) and `key` its field.

    `changed` has the two values, None for one that is not there; `added` and `removed` have the record itself;
    `moved` has the orders of codes in a list.
    """

    sort: Sort
    what: str
    place: Place
    key: str = ""
    old: Any = None
    new: Any = None


def differences(old: Tree, new: Tree) -> list[Difference]:
    """All that differs, in the order of the new pack; what was removed comes where its list ends."""
    if canonical_bytes(dict(old)) == canonical_bytes(dict(new)):
        return []
    found = [*_fields(old, new, ("counts", "team_points"), "pack", Place())]
    before, after = _by_code(old.get("tracks", ())), _by_code(new.get("tracks", ()))
    for code, track in after.items():
        place = Place(track["title"])
        if code not in before:
            found.append(Difference("added", "track", place, new=track))
        else:
            found += _track(before[code], track, place)
    found += [
        Difference("removed", "track", Place(track["title"]), old=track)
        for code, track in before.items()
        if code not in after
    ]
    found += _moved(before, after, "track", Place())
    found += _records(
        old.get("schemes", ()),
        new.get("schemes", ()),
        ("title", "quota", "requires", "kinds", "prizes", "per_track", "per_organisation"),
        "scheme",
        Place(),
    )
    return found


def _track(old: Tree, new: Tree, place: Place) -> Iterator[Difference]:
    yield from _fields(old, new, ("title",), "track", place)
    before, after = _by_code(old["stages"]), _by_code(new["stages"])
    for code, stage in after.items():
        where = Place(place.track, stage["title"])
        if code in before:
            yield from _stage(before[code], stage, where)
        else:
            yield Difference("added", "stage", where, new=stage)
    for code, stage in before.items():
        if code not in after:
            yield Difference("removed", "stage", Place(place.track, stage["title"]), old=stage)
    yield from _moved(before, after, "stage", place)
    yield from _fields(old["ranking"], new["ranking"], ("places", "rounding", "tie_break", "ties"), "ranking", place)
    keys = ("title", "count", "share", "round", "min_score", "ties")
    yield from _records(old["prizes"], new["prizes"], keys, "prize", place)
    yield from _eligibility(old.get("eligibility", ()), new.get("eligibility", ()), place)


def _stage(old: Tree, new: Tree, place: Place) -> Iterator[Difference]:
    keys = ("title", "weight", "aggregate", "places", "rounding", "attempts", "attempt_count", "normalise", "advance")
    yield from _fields(old, new, keys, "stage", place)
    before = {one["code"].casefold(): (one, above) for one, above in _flat(old["criteria"])}
    after = {one["code"].casefold(): (one, above) for one, above in _flat(new["criteria"])}
    for code, (one, above) in after.items():
        where = Place(place.track, place.stage, one["title"])
        if code not in before:
            yield Difference("added", "criterion", where, new=one)
            continue
        earlier, once_above = before[code]
        fields = ("title", "note", "kind", "min", "max", "step", "factor", "descriptors")
        yield from _fields(earlier, one, fields, "criterion", where)
        if once_above != above:
            yield Difference("changed", "criterion", where, "parent", once_above, above)
    for code, (one, _above) in before.items():
        if code not in after:
            yield Difference("removed", "criterion", Place(place.track, place.stage, one["title"]), old=one)
    yield from _moved(
        {code: one for code, (one, _) in before.items()},
        {code: one for code, (one, _) in after.items()},
        "criterion",
        place,
    )


def _flat(criteria: Iterable[Tree], above: str = "") -> Iterator[tuple[Tree, str]]:
    """Each criterion with the title of the heading above it, in written order."""
    for one in criteria:
        yield one, above
        yield from _flat(one.get("criteria", ()), one["title"])


def _eligibility(old: Sequence[Any], new: Sequence[Any], place: Place) -> Iterator[Difference]:
    """Rules have no codes: one that changed is one removed and one added."""
    keep = [_key(rule) for rule in new]
    held = [_key(rule) for rule in old]
    for rule in old:
        if _key(rule) not in keep:
            yield Difference("removed", "rule", place, old=rule)
    for rule in new:
        if _key(rule) not in held:
            yield Difference("added", "rule", place, new=rule)


def _key(rule: Any) -> bytes:
    return canonical_bytes({"tracks": [{"eligibility": [rule]}]})


def _records(
    old: Sequence[Tree], new: Sequence[Tree], keys: tuple[str, ...], what: str, place: Place
) -> Iterator[Difference]:
    before, after = _by_code(old), _by_code(new)
    for code, record in after.items():
        where = Place(place.track, place.stage, record["title"])
        if code in before:
            yield from _fields(before[code], record, keys, what, where)
        else:
            yield Difference("added", what, where, new=record)
    for code, record in before.items():
        if code not in after:
            yield Difference("removed", what, Place(place.track, place.stage, record["title"]), old=record)
    yield from _moved(before, after, what, place)


def _fields(old: Tree, new: Tree, keys: tuple[str, ...], what: str, place: Place) -> Iterator[Difference]:
    for key in keys:
        if old.get(key) != new.get(key):
            yield Difference("changed", what, place, key, old.get(key), new.get(key))


def _moved(before: Mapping[str, Tree], after: Mapping[str, Tree], what: str, place: Place) -> Iterator[Difference]:
    """Whether those that stayed stand in another order."""
    first = [before[code]["title"] for code in before if code in after]
    then = [before[code]["title"] for code in after if code in before]
    if [code for code in before if code in after] != [code for code in after if code in before]:
        yield Difference("moved", what, place, old=first, new=then)


def _by_code(records: Iterable[Tree]) -> dict[str, Tree]:
    return {record["code"].casefold(): record for record in records}
