"""What each audience sees of a board: identity, phase, publication and freeze, as tables."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from competition.contests.rules import Criterion, Prize, Ranking, Stage, Track
from competition.leaderboard.records import Row, TrackResult
from competition.leaderboard.visible import AUDIENCES, Setting, visible
from competition.registration.rules import Entry

PHASES = ("draft", "registration", "draw", "scoring", "review", "notice", "final", "archived")
BEFORE = ("draft", "registration", "draw")
MARKING = ("scoring", "review")
OUT = ("notice", "final", "archived")

TRACK = Track(
    code="t",
    title="赛道",
    stages=(
        Stage("one", title="初赛", weight=Decimal("0.40"), criteria=(Criterion("a", max=Decimal(10)),)),
        Stage("two", title="决赛", weight=Decimal("0.60"), places=3, criteria=(Criterion("b", max=Decimal(10)),)),
    ),
    ranking=Ranking(places=1, tie_break=("stage:two",)),
    prizes=(Prize("gold", "金奖", count=1),),
)
ENTRIES = {
    "E1": Entry("E1", "t", title="张三", organisation="U", draw=7),
    "E2": Entry("E2", "t", title="李四", organisation="U", draw=12),
    "E3": Entry("E3", "t", title="王五", draw=3),
}
RESULT = TrackResult(
    track="t",
    complete=False,
    rows=(
        Row("E1", "pending", None, None, {"one": Decimal("8"), "two": None}, Decimal("3.2"), 1, 2, order="000b9"),
        Row("E2", "ranked", 1, Decimal("5.5"), {"one": Decimal("5.5"), "two": Decimal(6)}, order="000a7"),
        Row("E3", "absent", None, None, {}, order="~"),
    ),
    scored={},
)
SETTING = Setting(
    contest="cup",
    track=TRACK,
    phase="scoring",
    entries=ENTRIES,
    units={"U": "第一中学"},
    prizes={"E2": "gold"},
    reopened={"E2"},
    progress={"E1": (3, 8), "E2": (4, 4)},
)
FREEZE = {"frozen_at": "2026-05-01T10:00:00+00:00", "freeze_reason": "颁奖前"}


def seen(audience: Any = "public", held: Any = None, **more: Any) -> dict[str, Any] | None:
    return visible(RESULT, replace(SETTING, **more), audience, held)


def shown(audience: Any = "public", **more: Any) -> dict[str, Any]:
    payload = seen(audience, **more)
    assert payload is not None
    return payload


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("identity", ["number", "entry"])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_who_sees_a_board_when_and_with_names(
    audience: Any, identity: Any, phase: Any, public: bool, frozen: bool
) -> None:
    payload = seen(audience, identity=identity, phase=phase, public=public, **(FREEZE if frozen else {}))
    if phase in BEFORE or (audience == "public" and not public):
        assert payload is None
        return
    assert payload is not None
    held = frozen and audience == "public" and phase in MARKING
    assert payload["state"] == ("frozen" if held else "live" if phase in MARKING else "final")
    assert ("freeze" in payload) == held
    rows = {row["number"]: row for row in payload["rows"]}
    assert sorted(row["key"] for row in rows.values()) == (
        ["12", "3", "7"] if identity == "number" else ["E1", "E2", "E3"]
    )
    named = identity == "entry" or phase in OUT
    for row in rows.values():
        # Absent, not null and hidden.
        assert ("title" in row) == ("organisation" in row) == named
    if named:
        assert [(rows[n]["title"], rows[n]["organisation"]) for n in (7, 12, 3)] == [
            ("张三", "第一中学"), ("李四", "第一中学"), ("王五", None)]  # fmt: skip
    assert [number for number, row in rows.items() if "prize" in row] == ([12] if phase in OUT else [])
    if phase in OUT:
        assert rows[12]["prize"] == {"code": "gold", "title": "金奖"}


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("phase", MARKING)
def test_no_name_is_anywhere_in_a_board_of_numbers(audience: Any, phase: Any) -> None:
    text = repr(shown(audience, identity="number", phase=phase, **FREEZE))
    for word in ("张三", "李四", "王五", "第一中学", "E1", "E2", "E3", "gold", "'U'"):
        assert word not in text


def test_the_fields_of_a_board() -> None:
    payload = shown()
    assert {name: payload[name] for name in payload if name != "rows"} == {
        "format": "leitai.board/1", "contest": "cup", "track": "t", "state": "live", "ties": TRACK.ranking.ties,
        "tie_break": ["stage:two"], "complete": False,
        "stages": [
            {"code": "one", "title": "初赛", "weight": "0.4"}, {"code": "two", "title": "决赛", "weight": "0.6"}],
    }  # fmt: skip
    assert payload["rows"] == [
        {"key": "E2", "rank": 1, "order": "000a7", "status": "ranked", "number": 12, "title": "李四",
         "organisation": "第一中学", "total": "5.5", "so_far": "0.0",
         "stages": {"one": "5.50", "two": "6.000"}, "progress": {"marked": 4, "expected": 4}, "reopened": True},
        {"key": "E1", "rank": None, "order": "000b9", "status": "pending", "number": 7, "title": "张三",
         "organisation": "第一中学", "total": None, "so_far": "3.2", "stages": {"one": "8.00", "two": None},
         "progress": {"marked": 3, "expected": 8}, "reopened": False},
        {"key": "E3", "rank": None, "order": "~", "status": "absent", "number": 3, "title": "王五",
         "organisation": None, "total": None, "so_far": "0.0", "stages": {},
         "progress": {"marked": 0, "expected": 0}, "reopened": False},
    ]  # fmt: skip


def test_rows_stand_by_order_and_then_by_key_bytewise() -> None:
    rows = tuple(replace(row, order="~") for row in RESULT.rows)
    payload = visible(replace(RESULT, rows=rows), replace(SETTING, identity="number"), "public")
    assert payload is not None
    assert [row["key"] for row in payload["rows"]] == ["12", "3", "7"]


def test_a_frozen_board_goes_on_showing_what_was_seen() -> None:
    held = {**shown(identity="number"), "rows": ["as they stood"]}
    frozen = {"identity": "number", "held": held, **FREEZE}
    freeze = {"at": FREEZE["frozen_at"], "reason": "颁奖前"}
    assert seen(**frozen) == {**held, "state": "frozen", "freeze": freeze}
    # What is held again looks the same, so nothing counts as a change.
    again = seen(**frozen)
    assert seen(**{**frozen, "held": again}) == again
    # A freeze outlasts the phases up to the notice.
    assert seen(**frozen, phase="review") == again
    for phase in OUT:
        after = seen(**frozen, phase=phase)
        assert after is not None and after["state"] == "final" and "freeze" not in after
        assert [row["title"] for row in after["rows"]] == ["李四", "张三", "王五"]
    # Staff see the live one throughout.
    assert seen("staff", **frozen) == seen("staff", identity="number")
    # Lifted, the rows are the present ones and nothing of the freeze is left.
    assert seen(identity="number", held=again) == seen(identity="number")


def test_a_board_that_is_not_public_is_not_seen_though_it_was_held() -> None:
    assert seen(held=shown(), public=False, **FREEZE) is None
    assert seen("staff", public=False) == seen("staff")
    # Taken away in a freeze, it is away until that ends: the present rows are what the freeze hides.
    assert seen(held={}, **FREEZE) is None
    assert seen("staff", held={}, **FREEZE) == seen(held={}) == seen()
    # A board that is frozen before anybody saw it stands as it is.
    first = seen(**FREEZE)
    assert first is not None and (first["state"], first["rows"]) == ("frozen", shown()["rows"])
