"""bundle.md, "Shape": what is required, what its absence means, canonical form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from competition.bundle.rules import canonical, read_bundle, write_bundle
from tests.rules.bundles import bundle, encoded, entry, leaf, marks, refused, stage

LEAST: dict[str, Any] = {
    "format": "leitai.bundle/1",
    "contest": {"code": "c", "title": "C", "kind": "skill", "level": "city", "year": 2026},
    "tracks": [
        {
            "code": "t",
            "title": "T",
            "stages": [{"code": "s", "title": "S", "criteria": [{"code": "c", "title": "C", "max": 10}]}],
        }
    ],
}


def test_defaults_are_filled_in() -> None:
    tree = canonical(read_bundle(encoded(LEAST)))
    assert tree["contest"] == {
        "code": "c",
        "title": "C",
        "kind": "skill",
        "level": "city",
        "year": 2026,
        "phase": "scoring",
        "board": {"identity": "number", "public": True, "counts": "submitted"},
        "rehearsal": False,
    }
    assert tree["tracks"] == [
        {
            "code": "t",
            "title": "T",
            "stages": [
                {
                    "code": "s",
                    "title": "S",
                    "weight": "1",
                    "criteria": [
                        {"code": "c", "title": "C", "kind": "judgement", "min": "0", "max": "10", "factor": "1"}
                    ],
                    "aggregate": {"over": "judge", "method": "mean", "drop_low": 0, "drop_high": 0, "trim_from": 1},
                    "places": 2,
                    "rounding": "half_up",
                    "attempts": "best",
                    "attempt_count": 1,
                    "normalise": "none",
                }
            ],
            "ranking": {"places": 2, "rounding": "half_up", "tie_break": [], "ties": "shared"},
            "prizes": [],
        }
    ]
    for key in ("organisations", "judges", "entries", "panels", "recusals", "absences", "marks", "drafts"):
        assert tree[key] == []
    assert "team_points" not in tree


def test_defaults_of_the_other_records() -> None:
    tree = bundle(
        [stage(aggregate={"method": "trimmed_mean"}), stage("f", advance={"top": 3})],
        [entry("E1", status="absent")],
        marks({"E1": {"J1": "5.0"}}),
        prizes=[{"code": "p", "title": "P", "share": "0.10"}],
        team_points={"points": [10, "7.50"]},
        schemes=[{"code": "x", "title": "X"}],
    )
    found = canonical(read_bundle(encoded(tree)))
    track = found["tracks"][0]
    assert track["stages"][0]["aggregate"] == {
        "over": "judge",
        "method": "trimmed_mean",
        "drop_low": 1,
        "drop_high": 1,
        "trim_from": 3,
    }
    assert track["stages"][1]["advance"] == {"by": "total", "top": 3}
    assert track["prizes"] == [{"code": "p", "title": "P", "share": "0.1", "round": "up", "ties": "extend"}]
    assert found["entries"][0]["status_from"] == "s"
    assert found["marks"][0] == {
        "track": "t",
        "stage": "s",
        "entry": "E1",
        "judge": "J1",
        "criterion": "c",
        "attempt": 1,
        "value": "5",
    }
    assert found["team_points"] == {"points": ["10", "7.5"], "others": "0"}
    assert found["schemes"] == [{"code": "x", "title": "X", "requires": []}]
    assert "entries" not in found["panels"][0]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (("format",), "format"),
        (("contest",), "contest"),
        *((("contest", key), f"contest.{key}") for key in ("code", "title", "kind", "level", "year")),
        (("tracks",), "tracks"),
        *((("tracks", 0, key), f"tracks[0].{key}") for key in ("code", "title", "stages")),
        *((("tracks", 0, "stages", 0, key), f"tracks[0].stages[0].{key}") for key in ("code", "title", "criteria")),
        (("tracks", 0, "stages", 0, "criteria", 0, "max"), "tracks[0].stages[0].criteria[0].max"),
    ],
)
@pytest.mark.parametrize("null", [False, True])
def test_what_is_required(path: tuple[Any, ...], problem: str, null: bool) -> None:
    tree = json.loads(json.dumps(LEAST))
    place = tree
    for step in path[:-1]:
        place = place[step]
    if null:
        place[path[-1]] = None
    else:
        del place[path[-1]]
    assert refused(tree) == [f"{problem}: is missing"]


@pytest.mark.parametrize(
    ("key", "record", "missing"),
    [
        ("organisations", {"code": "o"}, ["name", "kind"]),
        ("judges", {"code": "j"}, ["name"]),
        ("entries", {}, ["code", "track", "title"]),
        ("panels", {}, ["track", "stage", "judges"]),
        ("recusals", {}, ["judge", "entry"]),
        ("absences", {}, ["judge", "track", "stage"]),
        ("marks", {}, ["track", "stage", "entry", "criterion", "value"]),
        ("drafts", {}, ["track", "stage", "entry", "criterion", "value"]),
        ("adjustments", {}, ["track", "stage", "entry", "amount"]),
        ("timings", {}, ["track", "stage", "entry", "seconds"]),
        ("schemes", {}, ["code", "title"]),
    ],
)
def test_what_is_required_of_records(key: str, record: dict[str, Any], missing: list[str]) -> None:
    assert refused({**LEAST, key: [record]}) == [f"{key}[0].{one}: is missing" for one in missing]


def test_more_that_is_required() -> None:
    assert refused({**LEAST, "team_points": {}}) == ["team_points.points: is missing"]
    assert refused(bundle([stage(aggregate={})])) == ["tracks[0].stages[0].aggregate.method: is missing"]
    assert refused({**LEAST, "schemes": [{"code": "x", "title": "X", "requires": [{}]}]}) == [
        "schemes[0].requires[0].attribute: is missing"
    ]
    assert refused(bundle(entries=[entry("E1", members=[{}])])) == ["entries[0].members[0].name: is missing"]
    assert refused(bundle(prizes=[{"count": 1}])) == [
        "tracks[0].prizes[0].code: is missing",
        "tracks[0].prizes[0].title: is missing",
    ]


def test_null_counts_as_absent() -> None:
    tree = bundle(entries=[entry("E1", organisation=None, draw=None, status=None, attributes={"a": None})])
    tree.update(organisations=None, recusals=None, team_points=None, schemes=None)
    tree["tracks"][0]["stages"][0].update(weight=None, aggregate=None, advance=None, rounding=None)
    tree["tracks"][0]["stages"][0]["criteria"][0].update(step=None, criteria=None, kind=None)
    tree["contest"].update(board=None, phase=None)
    assert refused(tree) == []
    assert canonical(read_bundle(encoded(tree)))["entries"][0]["attributes"] == {}


def test_the_identity_is_number_where_every_entry_has_a_draw() -> None:
    for draws, want in (((1, 2), "number"), ((1, None), "entry")):
        tree = bundle(entries=[entry(f"E{n}", draw=draw) for n, draw in enumerate(draws)])
        assert read_bundle(encoded(tree)).contest.identity == want


def test_phases_settle_on_that_of_the_slowest_track() -> None:
    def phases(contest: str | None, *tracks: str | None) -> tuple[Any, ...]:
        tree = bundle(contest={"phase": contest})
        base = tree["tracks"][0]
        tree["tracks"] = [{**base, "code": f"t{n}", "phase": phase} for n, phase in enumerate(tracks)]
        tree.update(entries=[], panels=[])
        found = read_bundle(encoded(tree)).contest
        return found.phase, *(track.phase for track in found.tracks)

    assert phases(None, None, None) == ("scoring", None, None)
    assert phases("review", None, "final") == ("review", None, "final")
    assert phases("review", "scoring", None) == ("scoring", None, "review")
    assert phases("draft", "final", "final") == ("final", None, None)


def test_lists_stand_by_code_or_by_cell_and_those_that_run_as_written_do_not_move() -> None:
    tree = bundle(
        [stage("z", [leaf("b"), leaf("a")]), stage("a")],
        ["E2", "E10", "E1"],
        marks({"E2": {"J2": {"b": 1, "a": 2}, "J1": {"a": 3}}, "E1": {"J1": {"a": 4}}}, "z"),
        judges="J2 J1",
        ranking={"tie_break": ["stage:z", "stage:a"]},
        adjustments=[
            {"track": "t", "stage": "z", "entry": "E2", "amount": amount, "reason": reason}
            for amount, reason in (("10", "b"), ("9", "a"), ("9", None))
        ],
        organisations=[{"code": code, "name": code, "kind": "school"} for code in ("b", "B2", "a")],
    )
    found = canonical(read_bundle(encoded(tree)))
    assert [one["code"] for one in found["organisations"]] == ["B2", "a", "b"]
    assert [one["code"] for one in found["entries"]] == ["E1", "E10", "E2"]
    assert [one["code"] for one in found["tracks"][0]["stages"]] == ["z", "a"]
    assert [one["code"] for one in found["tracks"][0]["stages"][0]["criteria"]] == ["b", "a"]
    assert found["tracks"][0]["ranking"]["tie_break"] == ["stage:z", "stage:a"]
    assert [(one["entry"], one["judge"], one["criterion"]) for one in found["marks"]] == [
        ("E1", "J1", "a"),
        ("E2", "J1", "a"),
        ("E2", "J2", "a"),
        ("E2", "J2", "b"),
    ]
    assert [one["stage"] for one in found["panels"]] == ["a", "z"]
    assert found["panels"][0]["judges"] == ["J1", "J2"]
    assert [(one["amount"], one.get("reason")) for one in found["adjustments"]] == [
        ("9", None),
        ("9", "a"),
        ("10", "b"),
    ]


def test_attributes_keep_their_types() -> None:
    attributes = {"whole": 26, "part": 0.1, "text": "26", "yes": True, "zero": 0, "odd": "\\u0000 12"}
    tree = bundle(entries=[entry("E1", attributes=attributes)])
    text = write_bundle(read_bundle(encoded(tree)))
    assert json.loads(text)["entries"][0]["attributes"] == attributes
    assert '"part": 0.1' in text and '"whole": 26' in text
    data = encoded(tree).replace(b'"whole": 26', b'"whole": 26.00')
    assert write_bundle(read_bundle(data)) == text


def test_headings_stand_at_any_depth() -> None:
    criteria: list[Any] = [leaf("deep")]
    for depth in range(60):
        criteria = [{"code": f"h{depth}", "title": "H", "note": "n", "criteria": criteria}]
    tree = bundle([stage(criteria=criteria)], given=marks({"E1": {"J1": {"deep": 3}}}))
    assert refused(tree) == []
    read = read_bundle(encoded(tree))
    assert canonical(read_bundle(write_bundle(read).encode())) == canonical(read)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert refused(b"\xef\xbb\xbf" + encoded(LEAST)) == []


def test_drafts_are_kept_and_not_counted() -> None:
    tree = bundle(given=marks({"E1": {"J1": 9}}), judges="J1 J2", drafts=marks({"E1": {"J2": 8}}))
    found = read_bundle(encoded(tree))
    assert (len(found.marks), len(found.drafts)) == (1, 1)
    assert canonical(found)["drafts"][0]["judge"] == "J2"
