"""The public's doors to a board: JSON with its ETag, the pages, and that none of them says what is held back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from competition.contests.queries import get_contest
from competition.leaderboard.models import BoardView
from tests.web.conftest import DATA, DIGITAL, WELDER, World

BOARD = f"/api/v1/boards/{WELDER}/welder"
DOORS = (
    BOARD,
    f"{BOARD}/events",
    f"/api/v1/stream?boards={WELDER}/welder",
    f"/contests/{WELDER}/welder/board",
    f"/contests/{WELDER}/welder/board?lang=en",
    f"/screen/{WELDER}/welder",
    f"/contests/{WELDER}",
    "/",
    "/healthz",
    "/metrics",
)


def fold(world: World, code: str = WELDER) -> int:
    with world.db.reading() as session:
        track = get_contest(session, code).tracks[0].id
    world.app.extensions["leitai"].projector.fold(track)
    return track


def change(world: World, code: str, **values: Any) -> None:
    with world.db.transaction() as session:
        contest = get_contest(session, code)
        for name, value in values.items():
            setattr(contest, name, value)


def test_a_board_is_given_with_its_etag_and_not_again_while_it_is_the_same(world: World) -> None:
    fold(world)
    client = world.client()
    first = client.get(BOARD)
    assert first.status_code == 200
    assert first.mimetype == "application/json"
    board = first.json
    assert board
    assert (board["format"], board["contest"], board["track"], board["state"]) == (
        "leitai.board/1", WELDER, "welder", "live")  # fmt: skip
    assert board["version"] == 1
    assert len(board["rows"]) == 12
    assert board["rows"][0]["rank"] == 1
    again = client.get(BOARD, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert not again.data
    assert client.get(BOARD, headers={"If-None-Match": '"other"'}).status_code == 200


def test_letters_of_an_address_may_be_large_or_small(world: World) -> None:
    fold(world)
    assert world.client().get(BOARD.replace("weihai", "WEIHAI")).status_code == 200


@pytest.mark.parametrize("phase", ["scoring", "review"])
def test_no_door_names_anybody_while_numbers_are_public(world: World, phase: str) -> None:
    world.move(WELDER, phase)
    fold(world)
    tree = json.loads((DATA / "welder.json").read_text(encoding="utf-8"))
    secret = [entry["title"] for entry in tree["entries"]]
    secret += [f'"{entry["code"]}"' for entry in tree["entries"]]
    secret += [member["name"] for entry in tree["entries"] for member in entry.get("members", ())]
    client = world.client()
    for door in DOORS:
        answer = client.get(door)
        assert answer.status_code == 200, door
        assert not [word for word in secret if word in answer.text], door
        assert not [word for word in secret if json.dumps(word).strip('"') in answer.text], door


def test_the_desk_of_a_contest_by_numbers_joins_no_name_and_number(world: World) -> None:
    fold(world)
    names = [entry["title"] for entry in json.loads((DATA / "welder.json").read_text(encoding="utf-8"))["entries"]]
    for role in ("organiser", "chief", "supervisor"):
        answer = world.client(role).get(BOARD)
        assert answer.status_code == 200
        assert not [name for name in names if name in answer.text]


def test_from_the_notice_on_names_stand_on_the_board(world: World) -> None:
    world.move(WELDER, "notice")
    fold(world)
    board = world.client().get(BOARD).json
    assert board
    assert board["state"] == "final"
    assert all(row["title"] for row in board["rows"])
    assert any("prize" in row for row in board["rows"])
    page = world.client().get(f"/contests/{WELDER}/welder/board").text
    assert board["rows"][0]["title"] in page


@pytest.mark.parametrize("door", DOORS[:6])
def test_without_a_board_there_is_a_reason(world: World, door: str) -> None:
    for phase in ("draft", "registration", "draw"):
        world.move(WELDER, phase)
        fold(world)
        answer = world.client().get(door)
        assert answer.status_code == 404, (phase, door)
    if door == BOARD:
        answer = world.client().get(door, headers={"Accept": "application/json"})
        assert answer.json
        assert answer.json["error"]["message"]
        assert answer.json["error"]["code"] == "unknown"


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/boards/nowhere/welder",
        f"/api/v1/boards/{WELDER}/nothing",
        "/screen/nowhere/welder",
        f"/contests/{WELDER}/nothing/board",
        f"/api/v1/stream?boards={WELDER}/nothing",
        "/api/v1/stream?boards=x",
    ],
)
def test_an_unknown_board_is_404(world: World, address: str) -> None:
    assert world.client().get(address).status_code == 404


def test_a_stream_of_no_board_or_of_too_many_is_refused(world: World) -> None:
    fold(world)
    many = ",".join(f"{WELDER}/t{n}" for n in range(13))
    for asked in ("", many):
        assert world.client().get(f"/api/v1/stream?boards={asked}").status_code == 400


def test_a_board_that_is_not_public_is_the_staffs_alone(world: World) -> None:
    change(world, WELDER, public=False)
    fold(world)
    for door in DOORS[:6]:
        assert world.client().get(door).status_code == 404, door
        assert world.client("judge").get(door).status_code == 404, door
    answer = world.client("organiser").get(BOARD)
    assert answer.status_code == 200
    assert "private" in answer.headers["Cache-Control"]


def test_the_staffs_board_is_private_and_of_its_own_version(world: World) -> None:
    track = fold(world)
    with world.db.transaction() as session:
        (view,) = session.query(BoardView).filter_by(track_id=track, audience="staff")
        view.version, view.payload = 7, {**view.payload, "version": 7}
    public, staff = world.client().get(BOARD), world.client("chief").get(BOARD)
    assert public.json
    assert staff.json
    assert (public.json["version"], staff.json["version"]) == (1, 7)
    assert public.headers["ETag"] != staff.headers["ETag"]
    assert "private" not in public.headers["Cache-Control"]
    assert "private" in staff.headers["Cache-Control"]
    assert "private" in world.client("chief").get(f"/contests/{WELDER}/welder/board").headers["Cache-Control"]
    assert "private" in world.client("chief").get(f"{BOARD}/events").headers["Cache-Control"]


def test_pages_read_without_script(world: World) -> None:
    fold(world, DIGITAL)
    board = world.client().get(f"/api/v1/boards/{DIGITAL}/{_track(world, DIGITAL)}").json
    assert board
    page = world.client().get(f"/contests/{DIGITAL}/{_track(world, DIGITAL)}/board").text
    screen = world.client().get(f"/screen/{DIGITAL}/{_track(world, DIGITAL)}").text
    for row in board["rows"]:
        assert f'data-key="{row["key"]}"' in page
        assert row["total"] is None or row["total"] in page
    assert screen.count("data-key=") == min(10, len(board["rows"]))
    assert f"v{board['version']}" in screen


def test_the_pages_speak_english(world: World) -> None:
    fold(world)
    page = world.client().get(f"/contests/{WELDER}/welder/board?lang=en").text
    assert '<html lang="en"' in page
    assert "实时榜" not in page


def _track(world: World, code: str) -> str:
    with world.db.reading() as session:
        return get_contest(session, code).tracks[0].code
