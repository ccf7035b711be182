"""bundle.md, "What is refused": every problem of a file in one go, each with its place, and never a traceback."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from tests.rules.bundles import Tree, bundle, encoded, entry, leaf, marks, refused, stage

STAGE = "tracks[0].stages[0]"


def with_stage(**keys: Any) -> Tree:
    return bundle([stage(**keys)])


def with_leaf(**keys: Any) -> Tree:
    return bundle([stage(criteria=[leaf("c", **keys)])])


def with_mark(**keys: Any) -> Tree:
    criteria = [
        leaf("c", max=10, step="0.5"),
        leaf("g", max=10, kind="grade"),
        leaf("m", max=10, min=-5, kind="measurement"),
        {"code": "h", "title": "H", "criteria": [leaf("d")]},
    ]
    mark = {"track": "t", "stage": "s", "entry": "E1", "judge": "J1", "criterion": "c", "value": 5, **keys}
    return bundle([stage(criteria=criteria, attempt_count=2)], given=[mark])


def with_prize(**keys: Any) -> Tree:
    return bundle(prizes=[{"code": "p", "title": "P", "count": 1, **keys}])


WHOLE, AMOUNT, DIGITS = "must be a whole number", "must be a number", "must be a decimal of at most 30 digits"

CASES: list[tuple[Tree, str]] = [
    # Shape and types
    ({**bundle(), "format": "leitai.bundle/2"}, 'format: "leitai.bundle/2" is not leitai.bundle/1'),
    ({**bundle(), "extra": 1}, "extra: is not known here"),
    ({**bundle(), "extra": None}, "extra: is not known here"),
    (bundle(contest={"colour": "red"}), "contest.colour: is not known here"),
    (bundle(contest={"board": {"frozen": True}}), "contest.board.frozen: is not known here"),
    (with_leaf(weight=2), f"{STAGE}.criteria[0].weight: is not known here"),
    (with_mark(note="x"), "marks[0].note: is not known here"),
    (bundle(contest={"title": 5}), "contest.title: must be a text"),
    (bundle(contest={"year": "2026"}), f"contest.year: {WHOLE}"),
    (bundle(contest={"year": True}), f"contest.year: {WHOLE}"),
    (bundle(contest={"rehearsal": 1}), "contest.rehearsal: must be true or false"),
    (bundle(contest={"board": []}), "contest.board: must be an object"),
    (
        bundle(contest={"kind": "sport"}),
        'contest.kind: "sport" is none of skill, digital, achievement, challenge, suggestion, practice',
    ),
    (
        bundle(contest={"phase": "open"}),
        'contest.phase: "open" is none of draft, registration, draw, scoring, review, notice, final, archived',
    ),
    ({**bundle(), "judges": {}, "panels": []}, "judges: must be a list"),
    ({**bundle(entries=[]), "tracks": "t", "panels": []}, "tracks: must be a list"),
    ({**bundle(), "marks": [5]}, "marks[0]: must be an object"),
    ({**bundle(), "team_points": {"points": [1, "x"]}}, f"team_points.points[1]: {DIGITS}"),
    (
        {**bundle(), "schemes": [{"code": "x", "title": "X", "kinds": ["sport"]}]},
        "schemes[0].kinds[0]: must be one of skill, digital, achievement, challenge, suggestion, practice",
    ),
    (
        bundle(entries=[entry("E1", attributes={"a": [1]})]),
        "entries[0].attributes.a: must be a text, a number, true or false",
    ),
    # Codes
    (
        bundle(entries=["-E1"]),
        'entries[0].code: "-E1" is no code: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit',
    ),
    (
        bundle(contest={"code": "a" * 65}),
        f'contest.code: "{"a" * 57}…" is no code: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit',
    ),
    (
        bundle(contest={"code": "数"}),
        'contest.code: "数" is no code: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit',
    ),
    (bundle(entries=["E1", "e1"]), 'entries[1].code: "e1" stands twice, first at entries[0].code'),
    (bundle([stage(), stage("S")]), 'tracks[0].stages[1].code: "S" stands twice, first at tracks[0].stages[0].code'),
    (
        bundle([stage(criteria=[leaf("c"), {"code": "h", "title": "H", "criteria": [leaf("C")]}])]),
        f'{STAGE}.criteria[1].criteria[0].code: "C" stands twice, first at {STAGE}.criteria[0].code',
    ),
    ({**bundle(judges="J1 j1"), "panels": []}, 'judges[1].code: "j1" stands twice, first at judges[0].code'),
    # References
    (
        {**bundle(), "judges": [{"code": "J1", "name": "J", "organisation": "x"}]},
        'judges[0].organisation: "x" names no organisation',
    ),
    (bundle(entries=[entry("E1", organisation="x")]), 'entries[0].organisation: "x" names no organisation'),
    (bundle(entries=[{"code": "E1", "track": "x", "title": "E"}]), 'entries[0].track: "x" names no track'),
    ({**bundle(), "recusals": [{"judge": "J1", "entry": "x"}]}, 'recusals[0].entry: "x" names no entry'),
    ({**bundle(), "absences": [{"judge": "x", "track": "t", "stage": "s"}]}, 'absences[0].judge: "x" names no judge'),
    (
        {**bundle(), "absences": [{"judge": "J1", "track": "t", "stage": "x"}]},
        'absences[0].stage: "x" names no stage of the track',
    ),
    (
        {**bundle(), "panels": [{"track": "t", "stage": "s", "judges": ["x"]}]},
        'panels[0].judges[0]: "x" names no judge',
    ),
    (
        {**bundle(), "panels": [{"track": "t", "stage": "s", "judges": ["J1"], "entries": ["x"]}]},
        'panels[0].entries[0]: "x" names no entry',
    ),
    (
        {**bundle(), "panels": [{"track": "t", "stage": "s", "judges": ["J1", "J1"]}]},
        'panels[0].judges[1]: "J1" stands twice',
    ),
    (
        {**bundle(), "panels": [{"track": "t", "stage": "s", "judges": []}]},
        "panels[0].judges: must name at least one judge",
    ),
    (
        {**bundle(), "schemes": [{"code": "x", "title": "X", "prizes": ["first"]}]},
        'schemes[0].prizes[0]: "first" names no prize',
    ),
    (
        {**bundle(), "adjustments": [{"track": "t", "stage": "s", "entry": "x", "amount": 1}]},
        'adjustments[0].entry: "x" names no entry',
    ),
    *(
        (bundle(ranking={"tie_break": [key]}), f"tracks[0].ranking.tie_break[0]: {problem}")
        for key, problem in (
            ("stage:x", '"stage:x" names no stage of the track'),
            ("elapsed:x", '"elapsed:x" names no stage of the track'),
            ("criterion:s/x", '"criterion:s/x" names no criterion that carries marks'),
            ("criterion:x/c", '"criterion:x/c" names no stage of the track'),
            ("criterion:s", '"criterion:s" names no criterion that carries marks'),
            ("age", '"age" is none of stage:STAGE, criterion:STAGE/CRITERION, elapsed:STAGE, draw'),
            ("draw:s", '"draw:s" is none of stage:STAGE, criterion:STAGE/CRITERION, elapsed:STAGE, draw'),
        )
    ),
    (
        bundle(entries=[entry("E1", status="absent", status_from="x")]),
        'entries[0].status_from: "x" names no stage of the track',
    ),
    (
        bundle(entries=[entry("E1", status_from="s")]),
        "entries[0].status_from: must not stand on an entry whose status is ok",
    ),
    # Definition
    (bundle([]), "tracks[0].stages: must hold at least one stage"),
    (bundle([stage(criteria=[])]), f"{STAGE}.criteria: must hold at least one criterion"),
    (with_leaf(max=0), f"{STAGE}.criteria[0].max: must be above 0"),
    (with_leaf(min=100), f"{STAGE}.criteria[0].max: must be above min"),
    (with_leaf(max="ten"), f"{STAGE}.criteria[0].max: {DIGITS}"),
    (with_leaf(max=True), f"{STAGE}.criteria[0].max: {AMOUNT}"),
    (with_leaf(factor=0), f"{STAGE}.criteria[0].factor: must be above 0"),
    (with_leaf(step="-1"), f"{STAGE}.criteria[0].step: must be above 0"),
    (with_leaf(kind="grade", min=0), f"{STAGE}.criteria[0].min: does not belong to a grade, which goes from 0 to 3"),
    (with_leaf(kind="grade", step=1), f"{STAGE}.criteria[0].step: does not belong to a grade, which goes from 0 to 3"),
    (
        with_leaf(criteria=[leaf("d")]),
        f"{STAGE}.criteria[0].max: does not belong to a heading, which has a code, a title and a note alone",
    ),
    (with_stage(weight="-1"), f"{STAGE}.weight: must be 0 or more"),
    (with_stage(weight="heavy"), f"{STAGE}.weight: {DIGITS}"),
    (with_stage(weight=[]), f"{STAGE}.weight: {AMOUNT}"),
    (with_stage(places=7), f"{STAGE}.places: must be 0 to 6"),
    (with_stage(places="2"), f"{STAGE}.places: {WHOLE}"),
    (bundle(ranking={"places": -1}), "tracks[0].ranking.places: must be 0 to 6"),
    (with_stage(attempt_count=0), f"{STAGE}.attempt_count: must be 1 or more"),
    (with_stage(attempt_count=1.5), f"{STAGE}.attempt_count: {WHOLE}"),
    (with_stage(advance={"top": 0}), f"{STAGE}.advance.top: must be 1 or more"),
    (with_stage(advance={"by": "stage"}), f"{STAGE}.advance: must have top, min or both"),
    (
        with_stage(aggregate={"method": "mode"}),
        f'{STAGE}.aggregate.method: "mode" is none of mean, median, trimmed_mean',
    ),
    (
        with_stage(aggregate={"method": "trimmed_mean", "drop_low": -1}),
        f"{STAGE}.aggregate.drop_low: must be 0 or more",
    ),
    (
        with_stage(aggregate={"method": "trimmed_mean", "trim_from": 2}),
        f"{STAGE}.aggregate.trim_from: must be above drop_low + drop_high, 2",
    ),
    (
        with_stage(normalise="judge_zscore", attempt_count=2),
        f"{STAGE}.normalise: judge_zscore needs an attempt_count of 1",
    ),
    (
        with_stage(normalise="judge_zscore", aggregate={"method": "mean", "over": "criterion"}),
        f"{STAGE}.normalise: judge_zscore needs an aggregate over judge",
    ),
    (with_prize(share="0.1"), "tracks[0].prizes[0].share: must not stand beside count"),
    (with_prize(count=None), "tracks[0].prizes[0]: must have a count or a share"),
    (with_prize(count=1.5), f"tracks[0].prizes[0].count: {WHOLE}"),
    (with_prize(count=-1), "tracks[0].prizes[0].count: must be 0 or more"),
    ({**bundle(), "schemes": [{"code": "x", "title": "X", "quota": -1}]}, "schemes[0].quota: must be 0 or more"),
    (
        {**bundle(), "schemes": [{"code": "x", "title": "X", "requires": [{"attribute": "a", "equals": None}]}]},
        "schemes[0].requires[0].equals: must not be null",
    ),
    # Entries
    (bundle(entries=[entry("E1", draw=1.5)]), f"entries[0].draw: {WHOLE}"),
    (
        bundle(entries=[entry("E1", draw=3), entry("E2", draw=3)]),
        "entries[1].draw: 3 stands twice in the track, first at entries[0].draw",
    ),
    (
        bundle(contest={"board": {"identity": "number"}}),
        "entries[0].draw: is missing, and the board's identity is number",
    ),
    # Marks
    (with_mark(value=11), "marks[0].value: must be at most 10"),
    (with_mark(value=-1), "marks[0].value: must be 0 or more"),
    (with_mark(value="5.3"), "marks[0].value: must be in whole steps of 0.5 counted from 0"),
    (with_mark(value=True), f"marks[0].value: {AMOUNT}"),
    (with_mark(value="1e1"), f"marks[0].value: {DIGITS}"),
    (with_mark(value=[5]), f"marks[0].value: {AMOUNT}"),
    (with_mark(value="1" * 31), f"marks[0].value: {DIGITS}"),
    (with_mark(criterion="g", value=1.5), "marks[0].value: must be a whole grade, 0 to 3"),
    (with_mark(criterion="g", value=4), "marks[0].value: must be at most 3"),
    (with_mark(criterion="m", value=-6), "marks[0].value: must be -5 or more"),
    (with_mark(criterion="h"), 'marks[0].criterion: "h" is a heading'),
    (with_mark(criterion="x"), 'marks[0].criterion: "x" names no criterion of the stage'),
    (with_mark(judge="x"), 'marks[0].judge: "x" names no judge'),
    (with_mark(judge=None), "marks[0].judge: is missing"),
    (with_mark(judge=5), "marks[0].judge: must be a text"),
    (with_mark(entry="x"), 'marks[0].entry: "x" names no entry'),
    (with_mark(entry=["E1"]), "marks[0].entry: must be a text"),
    (with_mark(stage="x"), 'marks[0].stage: "x" names no stage of the track'),
    (with_mark(track="x"), 'marks[0].track: "x" names no track'),
    (with_mark(attempt=3), "marks[0].attempt: must be at most 2, the stage's attempt_count"),
    (with_mark(attempt=0), "marks[0].attempt: must be 1 or more"),
    (with_mark(attempt="1"), f"marks[0].attempt: {WHOLE}"),
    (
        {**bundle(), "timings": [{"track": "t", "stage": "s", "entry": "E1", "seconds": -1}]},
        "timings[0].seconds: must be 0 or more",
    ),
]


@pytest.mark.parametrize(("tree", "problem"), CASES, ids=[problem[:60] for _, problem in CASES])
def test_refused(tree: Tree, problem: str) -> None:
    assert refused(tree) == [problem]


def test_a_mark_of_another_track() -> None:
    tree = bundle(given=marks({"E1": {"J1": 5}}))
    tree["tracks"].append({**tree["tracks"][0], "code": "u"})
    tree["marks"][0]["track"] = "u"
    assert refused(tree) == ['marks[0].entry: "E1" is no entry of the track "u"']


def test_the_same_cell_twice() -> None:
    one = with_mark()["marks"][0]
    tree = with_mark()
    tree["marks"] += [one, {**one, "attempt": 1}, {**one, "attempt": 2}]
    tree["drafts"] = [one]
    assert refused(tree) == [
        "marks[1]: is a second mark of this cell, first at marks[0]",
        "marks[2]: is a second mark of this cell, first at marks[0]",
        "drafts[0]: is a second mark of this cell, first at marks[0]",
    ]
    tree = with_mark(criterion="m")
    tree["marks"].append({**tree["marks"][0], "judge": None})
    assert refused(tree) == ["marks[1]: is a second measurement of this cell, first at marks[0]"]


def test_a_second_timing() -> None:
    timing = {"track": "t", "stage": "s", "entry": "E1", "seconds": 5}
    assert refused({**bundle(), "timings": [timing, timing]}) == [
        "timings[1]: is a second timing of this entry and stage, first at timings[0]"
    ]


def test_units_in_a_loop() -> None:
    units = {"a": "b", "b": "c", "c": "a", "d": "a", "e": "e", "f": None, "g": "f"}
    organisations = [
        {"code": code, "name": code, "kind": "district", "parent": parent} for code, parent in units.items()
    ]
    assert refused({**bundle(), "organisations": organisations}) == [
        'organisations[0].parent: the parents of "a", "b", "c" form a loop',
        'organisations[4].parent: the parents of "e" form a loop',
    ]
    assert refused({**bundle(), "organisations": [organisations[5], {**organisations[6], "parent": "x"}]}) == [
        'organisations[1].parent: "x" names no organisation'
    ]


@pytest.mark.parametrize("normalise", ["panel_ratio", "panel_zscore"])
@pytest.mark.parametrize(
    ("members", "problem"),
    [
        (
            [["E1"], ["E2", "E1"]],
            'panels[1].entries[1]: "E1" is in two panels of a stage that normalises by panel, first in panels[0]',
        ),
        (
            [None, ["E2"]],
            'panels[1].entries[0]: "E2" is in two panels of a stage that normalises by panel, first in panels[0]',
        ),
        ([["E2"], None], 'panels[1]: "E2" is in two panels of a stage that normalises by panel, first in panels[0]'),
        (
            [None, None],
            "panels[1]: every entry is in two panels of a stage that normalises by panel, first in panels[0]",
        ),
        ([["E1"], ["E2"]], None),
        ([None, []], None),
    ],
)
def test_an_entry_in_two_panels(normalise: str, members: list[Any], problem: str | None) -> None:
    tree = bundle([stage(normalise=normalise)], ["E1", "E2"])
    tree["panels"] = [{"track": "t", "stage": "s", "judges": ["J1"], "entries": one} for one in members]
    assert refused(tree) == ([] if problem is None else [problem])
    tree["tracks"][0]["stages"][0]["normalise"] = "none"
    assert refused(tree) == []


def test_every_problem_in_one_go() -> None:
    tree = with_mark(value=11, judge="x")
    tree["tracks"][0]["stages"][0]["weight"] = "x"
    tree["marks"].append({**tree["marks"][0], "criterion": "nope", "value": 1, "judge": "J1"})
    tree["entries"].append({"code": "E1", "track": "t"})
    tree["surplus"] = {}
    assert sorted(refused(tree)) == sorted(
        [
            f"{STAGE}.weight: {DIGITS}",
            'entries[1].code: "E1" stands twice, first at entries[0].code',
            "entries[1].title: is missing",
            'marks[0].judge: "x" names no judge',
            "marks[0].value: must be at most 10",
            'marks[1].criterion: "nope" names no criterion of the stage',
            "surplus: is not known here",
        ]
    )


# The text of the file

RAW = encoded(with_mark(value=777))
TOO_MANY = "has more than 30 digits"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("NaN", "must be a number, not NaN"),
        ("Infinity", "must be a number, not Infinity"),
        ("-Infinity", "must be a number, not -Infinity"),
        ("1e400", TOO_MANY),
        ("1e999999999", TOO_MANY),
        ("1e-999999999", TOO_MANY),
        ("1e" + "9" * 4000, TOO_MANY),
        ("0e99999999999999999999", TOO_MANY),
        ("1e30", TOO_MANY),
        ("1e-30", TOO_MANY),
        ("9" * 5000, TOO_MANY),
        ("-" + "9" * 31, TOO_MANY),
        ("0." + "1" * 30, TOO_MANY),
    ],
)
@pytest.mark.parametrize("place", ["marks[0].value", "marks[0].attempt", "entries[0].draw", "entries[0].attributes.n"])
def test_numbers_that_are_none(number: str, message: str, place: str) -> None:
    tree = with_mark()
    where = tree["marks"][0] if place.startswith("marks") else tree["entries"][0]
    if place.endswith(".n"):
        where["attributes"] = {"n": 777}
    else:
        where[place.rsplit(".", 1)[1]] = 777
    assert refused(encoded(tree).replace(b"777", number.encode())) == [f"{place}: {message}"]


def test_thirty_digits_are_not_too_many() -> None:
    tree = with_leaf(max="9" * 30)
    assert refused(tree) == []
    assert refused(encoded(with_leaf(max=777)).replace(b"777", b"1e29")) == []
    assert refused(encoded(with_leaf(max=777)).replace(b"777", b"1e-29")) == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\xff\xfe{\x00}\x00", "the file is not valid UTF-8: byte 0"),
        (b'{"a": "\xc3("}', "the file is not valid UTF-8: byte 7"),
        (b'"\xed\xa0\x80"', "the file is not valid UTF-8: byte 1"),
        (b"{", "the file is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
        (b"{}{}", "the file is not valid JSON: Extra data: line 1 column 3"),
        (b"[]", "the file must hold an object"),
        (b"null", "the file must hold an object"),
        (b"5", "the file must hold an object"),
        (b"[" * 20000, "the file is nested too deep"),
        (b"[" * 20000 + b"]" * 20000, "the file is nested too deep"),
        (b'{"a":' * 20000 + b"1" + b"}" * 20000, "the file is nested too deep"),
    ],
)
def test_files_that_are_none(data: bytes, problem: str) -> None:
    assert refused(data) == [problem]


def test_a_file_too_large() -> None:
    assert refused(RAW, max_bytes=len(RAW) - 1) == [f"the file is larger than {len(RAW) - 1} bytes"]
    assert "the file is larger" not in str(refused(RAW, max_bytes=len(RAW)))


@pytest.mark.parametrize("bad", ["\\ud800", "\\udfff", "\\u0000", "x\\uDBFFx", "\\udc00\\ud800"])
def test_half_surrogates_and_the_null_character(bad: str) -> None:
    data = encoded(bundle(contest={"title": "HERE"})).replace(b"HERE", bad.encode())
    assert refused(data) == ["contest.title: holds half a surrogate pair or U+0000"]
    data = encoded(bundle(entries=[entry("E1", attributes={"HERE": 1})])).replace(b"HERE", bad.encode())
    (problem,) = refused(data)
    assert problem.startswith("entries[0].attributes[") and problem.endswith("U+0000")
    assert problem.isascii() and problem.isprintable()


def test_a_whole_surrogate_pair_is_a_character() -> None:
    data = encoded(bundle(contest={"title": "HERE"})).replace(b"HERE", b"\\ud83d\\ude00")
    assert refused(data) == []


def test_keys_that_stand_twice() -> None:
    data = RAW.replace(b"777", b'5, "value": 6').replace(b'"year"', b'"level": "city", "year"')
    assert refused(data) == ["contest.level: stands twice", "marks[0].value: stands twice"]


def test_headings_deeper_than_anyone_reads() -> None:
    criteria: list[Any] = [leaf("deep")]
    for depth in range(150):
        criteria = [{"code": f"h{depth}", "title": "H", "criteria": criteria}]
    (problem,) = refused(bundle([stage(criteria=criteria)]))
    assert problem.endswith("headings stand more than 100 deep")


@pytest.mark.parametrize("value", [None, True, 0, -1, "x", "", [], {}, [[]], {"a": {}}, 10**40, 1.5])
def test_no_wrong_type_anywhere_makes_a_traceback(value: Any) -> None:
    tree = with_mark()
    tree.update(
        organisations=[{"code": "o", "name": "O", "kind": "school"}],
        recusals=[{"judge": "J1", "entry": "E1"}],
        absences=[{"judge": "J1", "track": "t", "stage": "s", "entry": "E1"}],
        adjustments=[{"track": "t", "stage": "s", "entry": "E1", "amount": 1}],
        timings=[{"track": "t", "stage": "s", "entry": "E1", "seconds": 1}],
        team_points={"points": [1], "others": 0},
        schemes=[{"code": "x", "title": "X", "requires": [{"attribute": "a", "min": 1}], "kinds": [], "prizes": []}],
    )
    tree["tracks"][0]["stages"][0].update(aggregate={"method": "mean"}, advance={"top": 1})
    tree["tracks"][0].update(ranking={"tie_break": ["draw"]}, prizes=[{"code": "p", "title": "P", "count": 1}])
    tree["panels"][0]["entries"] = ["E1"]
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                walk(node[key])

    walk(tree)
    assert len(places) > 100
    for node, key in places:
        kept = node[key]
        node[key] = value
        refused(json.loads(json.dumps(tree)))
        node[key] = kept


def test_a_great_exponent_is_not_expanded() -> None:
    data = RAW.replace(b"777", b"1e999999999")
    tracemalloc.start()
    try:
        assert len(refused(data)) == 1
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_many_problems_are_all_told() -> None:
    tree = with_mark()
    tree["marks"] = [{**tree["marks"][0], "value": 1000 + n} for n in range(2000)]
    assert len(refused(tree)) >= 2000
