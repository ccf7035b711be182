"""The doors of a board: JSON, streams, pages, Socket.IO; who sees which board, and what no public byte may hold."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from competition.accounts.policy import CONSOLE
from competition.contests.models import Contest, Track
from competition.contests.queries import get_contest
from competition.contests.service import set_freeze
from competition.extensions import socketio
from competition.leaderboard.models import BoardView
from competition.live.producers import LARGEST, make_delta
from competition.live.publisher import GAP, KEPT, Publisher, Topic
from competition.live.stream import PING, Hub, read_ids
from competition.shared import clock
from competition.shared.errors import DomainError
from tests.web.conftest import ACHIEVEMENT, DATA, DIGITAL, WELDER, World

BOARD = f"/api/v1/boards/{WELDER}/welder"
EVENTS = f"{BOARD}/events"
STREAM = f"/api/v1/stream?boards={WELDER}/welder,{DIGITAL}/digital"
ALONE = f"/api/v1/stream?boards={WELDER}/welder"
PAGES = (f"/contests/{WELDER}/welder/board", f"/screen/{WELDER}/welder")
ROW = {"key", "rank", "order", "status", "number", "total", "so_far", "stages", "progress", "reopened"}
FIELDS = {"format", "contest", "track", "version", "state", "as_of", "ties", "tie_break", "complete", "stages", "rows"}
DELTA = {"contest", "track", "base", "version", "state", "as_of", "rows", "gone"}
STAFF = ("admin", "organiser", "chief", "supervisor", "awards")
OTHERS = ("judge", "recorder", "coder", "unit", "contestant", "arbiter")


class Boards:
    """The world with its boards folded when asked to."""

    def __init__(self, world: World) -> None:
        self.world, self.db = world, world.db
        self.publisher: Publisher = world.app.extensions["leitai"].publisher
        self.fold()

    def fold(self) -> None:
        with self.db.reading() as session:
            tracks = list(session.scalars(select(Track.id)))
        for track_id in tracks:
            self.world.app.extensions["leitai"].projector.fold(track_id)

    def move(self, phase: str, code: str = WELDER) -> None:
        self.world.move(code, phase)
        self.fold()

    def freeze(self, on: bool, code: str = WELDER, reason: str = "颁奖前") -> None:
        with self.db.transaction() as session:
            for track in get_contest(session, code).tracks:
                set_freeze(session, track, on, actor=CONSOLE, now=clock.now(), reason=reason)
        self.fold()

    def hide(self, code: str = WELDER) -> None:
        with self.db.transaction() as session:
            session.scalars(select(Contest).filter_by(code=code)).one().public = False
        self.world.move(code, "review")
        self.fold()

    def absent(self, number: str, status: str = "absent", code: str = WELDER) -> None:
        """A ruling of the chief by the request door: evidence that changes a row."""
        services = self.world.app.extensions["leitai"]
        client = self.world.client("chief", code)
        self.world.app.config["WTF_CSRF_ENABLED"] = False
        message = {
            "event": "status",
            "contest": code,
            "track": "welder",
            "entry": number,
            "status": status,
            "reason": "未到",
            "op": f"00000000-0000-4000-8000-{random.getrandbits(48):012x}",
        }
        answer = client.post("/api/v1/marks", json=[message], headers={"Origin": services.config.public_url or ""})
        assert answer.status_code == 200 and answer.get_json()[0]["ok"], answer.get_data(as_text=True)
        self.fold()


@pytest.fixture
def boards(world: World) -> Boards:
    return Boards(world)


@pytest.fixture
def visitor(world: World) -> FlaskClient:
    return world.client()


def reason(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 404, path
    error = answer.get_json()["error"]
    assert error["code"] == "unknown"
    return str(error["message"])


def sent(client: FlaskClient, path: str, **headers: str) -> tuple[str, list[dict[str, Any]]]:
    """What a stream sends before it would wait: its first line and its events."""
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200 and answer.mimetype == "text/event-stream"
    head, *frames = answer.get_data(as_text=True).rstrip("\n").split("\n\n")
    return head, [parse(frame) for frame in frames]


def parse(frame: str) -> dict[str, Any]:
    fields = dict(line.split(": ", 1) for line in frame.split("\n"))
    return {**fields, "data": json.loads(fields["data"])}


def test_the_json_of_a_board(boards: Boards, visitor: FlaskClient) -> None:
    answer = visitor.get(BOARD)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    payload = answer.get_json()
    assert set(payload) == FIELDS
    assert {name: payload[name] for name in ("format", "contest", "track", "version", "state", "ties")} == {
        "format": "leitai.board/1",
        "contest": WELDER,
        "track": "welder",
        "version": 1,
        "state": "live",
        "ties": "shared",
    }
    assert datetime.fromisoformat(payload["as_of"]).tzinfo is not None
    assert all(set(stage) == {"code", "title", "weight"} for stage in payload["stages"])
    assert payload["rows"] and all(set(row) == ROW for row in payload["rows"])
    assert all(row["key"] == str(row["number"]) for row in payload["rows"])
    ranked = [row for row in payload["rows"] if row["status"] == "ranked"]
    assert [row["rank"] for row in ranked] == sorted(row["rank"] for row in ranked)
    assert [row["order"] for row in payload["rows"]] == sorted(row["order"] for row in payload["rows"])
    # Codes are compared without regard to case.
    assert visitor.get(BOARD.upper().replace("/API/V1/BOARDS", "/api/v1/boards")).get_json() == payload
    named = visitor.get(f"/api/v1/boards/{ACHIEVEMENT}/achievement").get_json()
    assert all(set(row) == ROW | {"title", "organisation"} for row in named["rows"])
    assert {row["key"] for row in named["rows"]} >= {"C01"}


def test_an_etag_is_good_until_the_board_changes(boards: Boards, visitor: FlaskClient) -> None:
    first = visitor.get(BOARD)
    etag = first.headers["ETag"]
    again = visitor.get(BOARD, headers={"If-None-Match": etag})
    assert (again.status_code, again.get_data(), again.headers["ETag"]) == (304, b"", etag)
    assert "no-cache" in first.headers["Cache-Control"] and "private" not in first.headers["Cache-Control"]
    boards.move("notice")
    later = visitor.get(BOARD, headers={"If-None-Match": etag})
    assert (later.status_code, later.headers["ETag"] == etag) == (200, False)
    assert later.get_json()["version"] == first.get_json()["version"] + 1


def test_no_board_and_the_reason_why(boards: Boards, visitor: FlaskClient) -> None:
    every = [BOARD, EVENTS, *PAGES]
    for path in (f"/api/v1/boards/nowhere/welder{end}" for end in ("", "/events")):
        assert reason(visitor, path) == "没有这项竞赛。"
    assert reason(visitor, f"/api/v1/boards/{WELDER}/nowhere")
    assert reason(visitor, f"/api/v1/stream?boards={WELDER}/welder,nowhere/x") == "没有这项竞赛。"
    for words in ("", "?boards=", "?boards=,", "?boards=" + ",".join(["a/b"] * 13)):
        answer = visitor.get(f"/api/v1/stream{words}")
        assert (answer.status_code, answer.get_json()["error"]["field"]) == (400, "boards")
    for phase in ("draft", "registration", "draw"):
        boards.move(phase)
        assert "还没有开始" in reason(visitor, BOARD) and "还没有开始" in reason(visitor, EVENTS)
        assert [visitor.get(path).status_code for path in every] == [404] * 4
        assert boards.world.client("organiser").get(BOARD).status_code == 404
    boards.move("scoring")
    assert [visitor.get(path).status_code for path in every] == [200] * 4
    boards.hide()
    assert "不公开" in reason(visitor, BOARD)
    assert [visitor.get(path).status_code for path in every] == [404] * 4
    assert [boards.world.client("chief").get(path).status_code for path in every] == [200] * 4
    assert boards.world.client("judge").get(BOARD).status_code == 404


def test_a_board_that_a_freeze_keeps_away_says_so(boards: Boards, visitor: FlaskClient) -> None:
    boards.freeze(True)
    boards.move("draw")
    boards.move("scoring")
    assert "冻结" in reason(visitor, BOARD)
    assert boards.world.client("chief").get(BOARD).status_code == 200


def test_a_board_that_was_not_folded_yet_is_being_prepared(world: World) -> None:
    assert "准备" in reason(world.client(), BOARD)


@pytest.mark.parametrize("role", [*STAFF, *OTHERS])
def test_staff_see_the_live_board_during_a_freeze(boards: Boards, visitor: FlaskClient, role: str) -> None:
    before = visitor.get(BOARD).get_json()
    boards.freeze(True)
    frozen = visitor.get(BOARD).get_json()
    boards.absent("1")
    client = boards.world.client(role)
    answer = client.get(BOARD)
    if role in OTHERS:
        assert answer.get_json() == frozen
        return
    live = answer.get_json()
    assert "private" in answer.headers["Cache-Control"]
    assert (live["state"], "freeze" in live) == ("live", False)
    assert next(row["status"] for row in live["rows"] if row["key"] == "1") == "absent"
    # Numbers alone, for staff too: until the notice nobody's board joins name and number.
    assert all(set(row) == ROW for row in live["rows"])
    assert client.get(EVENTS).headers["Cache-Control"].startswith("private")
    assert sent(client, EVENTS)[1][0]["data"] == live
    for page in PAGES:
        assert client.get(page).headers["Cache-Control"].startswith("private")
    # The public's stands still, and its version tells nothing of what is hidden.
    assert visitor.get(BOARD).get_json() == frozen
    assert (frozen["rows"], frozen["version"]) == (before["rows"], before["version"] + 1)
    assert (frozen["state"], frozen["freeze"]["reason"]) == ("frozen", "颁奖前")
    assert sent(visitor, EVENTS)[1][0]["data"] == frozen
    assert visitor.get(BOARD).headers["ETag"] != answer.headers["ETag"]
    boards.freeze(False)
    lifted = visitor.get(BOARD).get_json()
    assert (lifted["version"], lifted["state"]) == (frozen["version"] + 1, "live")
    assert lifted["rows"] == client.get(BOARD).get_json()["rows"]


def test_staff_of_another_contest_are_the_public(boards: Boards) -> None:
    boards.freeze(True)
    client = boards.world.client("organiser", DIGITAL)
    assert client.get(BOARD).get_json()["state"] == "frozen"
    # One stream has one audience: that of the board of which they see least.
    assert [event["data"]["state"] for event in sent(client, STREAM)[1]] == ["frozen", "live"]
    assert "private" not in client.get(STREAM).headers["Cache-Control"]


def names_of(name: str) -> list[str]:
    bundle = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    units = {unit["code"]: unit["name"] for unit in bundle["organisations"]}
    words = {entry["title"] for entry in bundle["entries"]}
    words |= {units[entry["organisation"]] for entry in bundle["entries"] if "organisation" in entry}
    words |= {member["name"] for entry in bundle["entries"] for member in entry.get("members", ())}
    words |= {f'"{entry["code"]}"' for entry in bundle["entries"]}
    return sorted(words)


def forms(word: str) -> set[bytes]:
    """As it stands, and as JSON may escape it."""
    return {word.encode(), word.encode("unicode_escape"), json.dumps(word)[1:-1].encode()}


@pytest.mark.parametrize("phase", ["scoring", "review"])
@pytest.mark.parametrize("frozen", [False, True])
def test_no_name_in_any_byte_of_a_public_door_before_the_notice(
    boards: Boards, visitor: FlaskClient, phase: str, frozen: bool
) -> None:
    boards.move(phase)
    if frozen:
        boards.freeze(True)
    body = b""
    for path in (BOARD, EVENTS, f"{EVENTS}?since=1", ALONE, *PAGES, f"{PAGES[0]}?page=2", f"{PAGES[0]}?lang=en"):
        answer = visitor.get(path)
        assert answer.status_code == 200
        body += answer.get_data() + str(answer.headers).encode()
    socket = socketio.test_client(boards.world.app, namespace="/board")
    body += json.dumps(watch(socket), ensure_ascii=False).encode()
    boards.publisher.running = True  # As in a server: it tells by listeners what a look finds.
    boards.absent("1")
    boards.publisher.look()
    heard = socket.get_received("/board")
    assert bool(heard) == (not frozen)
    body += json.dumps(heard, ensure_ascii=False).encode()
    # The titles of the contest and track are on the pages; a unit's name may be part of them.
    titles = json.loads((DATA / "welder.json").read_text(encoding="utf-8"))
    said = [titles["contest"]["title"], *(track["title"] for track in titles["tracks"])]
    for word in names_of("welder"):
        if not any(word in title for title in said):
            assert not any(form in body for form in forms(word)), word
    boards.publisher.running = False
    boards.move("notice")
    shown = visitor.get(BOARD).get_data().decode()
    assert all(word in shown for word in names_of("welder") if not word.startswith('"'))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_without_script(boards: Boards, visitor: FlaskClient, path: str) -> None:
    payload = visitor.get(BOARD).get_json()
    text = visitor.get(path).get_data(as_text=True)
    bare = re.sub(r"(?s)<(script|template)\b.*?</\1>", "", text)
    for row in payload["rows"][:10]:
        assert f'data-key="{row["key"]}"' in bare
        if row["total"] is not None:
            assert row["total"] in bare
    assert "2026年威海市焊工职业技能竞赛" in bare
    # What a script would need is not run in the page: only modules from our own address.
    for attributes in re.findall(r"<script\b([^>]*)>", text):
        assert 'type="application/json"' in attributes or 'src="/static/' in attributes
    assert visitor.get(path + "?page=999").status_code == visitor.get(path + "?page=x").status_code == 200


def test_a_page_starts_from_the_whole_board(boards: Boards, visitor: FlaskClient) -> None:
    """The script goes on from the version that stands in the page."""
    text = visitor.get(PAGES[0]).get_data(as_text=True)
    found = re.search(r'(?s)<script type="application/json" id="page-data">(.*?)</script>', text)
    assert found
    data = json.loads(found[1])
    assert data["board"] == visitor.get(BOARD).get_json()
    assert (data["events"], data["snapshot"]) == (EVENTS, BOARD)


# -- streams: the same view without the server's loop ends where it would wait


def test_a_stream_begins_with_the_whole_board(boards: Boards, visitor: FlaskClient) -> None:
    head, events = sent(visitor, EVENTS)
    assert re.fullmatch(r"retry: [1-4]\d{3}", head)
    payload = visitor.get(BOARD).get_json()
    assert events == [{"id": "1", "event": "snapshot", "data": payload}]
    answer = visitor.get(EVENTS)
    assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert visitor.head(EVENTS).get_data() == b""


def test_who_comes_back_gets_what_changed(boards: Boards, visitor: FlaskClient) -> None:
    held = visitor.get(BOARD).get_json()
    for number in ("1", "2", "3"):
        boards.absent(number)
        boards.publisher.get(WELDER, "welder", "public")
    now = visitor.get(BOARD).get_json()
    _, events = sent(visitor, EVENTS, **{"Last-Event-ID": "1"})
    assert [(one["id"], one["event"]) for one in events] == [("2", "delta"), ("3", "delta"), ("4", "delta")]
    for event in events:
        assert set(event["data"]) == DELTA
        assert [row["key"] for row in event["data"]["rows"]] == [str(int(event["id"]) - 1)]
        held = apply(held, event["data"])
    assert held["rows"] == without_ranks(now)
    assert sent(visitor, f"{EVENTS}?since=3")[1] == events[2:]
    assert sent(visitor, f"{EVENTS}?since=4")[1] == []
    # The header is of the browser's own reconnect: it knows better than the address.
    assert sent(visitor, f"{EVENTS}?since=1", **{"Last-Event-ID": "3"})[1] == events[2:]
    for since in ("5", "0", "99999999999999999999", "-1", "x", "1.0", ""):
        assert sent(visitor, f"{EVENTS}?since={since}")[1] == [{"id": "4", "event": "snapshot", "data": now}], since


def without_ranks(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "rank"} for row in payload["rows"]]


def apply(held: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """As a client does it; ranks, which it counts from the order keys, are left aside."""
    assert held["version"] == delta["base"]
    rows = {row["key"]: row for row in held["rows"]}
    for key in delta["gone"]:
        del rows[key]
    for row in delta["rows"]:
        rows[row["key"]] = row
    plain = [{name: value for name, value in row.items() if name != "rank"} for row in rows.values()]
    return {"version": delta["version"], "rows": sorted(plain, key=lambda row: (row["order"], row["key"]))}


def test_a_stream_of_several_boards(boards: Boards, visitor: FlaskClient) -> None:
    one, two = f"{WELDER}/welder", f"{DIGITAL}/digital"
    _, events = sent(visitor, STREAM)
    assert [event["id"] for event in events] == [f"{one}=1,{two}=0", f"{one}=1,{two}=1"]
    assert [event["data"]["contest"] for event in events] == [WELDER, DIGITAL]
    boards.absent("1")
    for said in (
        {"path": f"{STREAM}&since={one}=1,{two}=1"},
        {"path": STREAM, "Last-Event-ID": f"{two}=1,{one}=1"},
        {"path": STREAM, "Last-Event-ID": f"{one}=1, {two}=1"},
    ):
        _, events = sent(visitor, **said)
        assert [(event["event"], event["data"]["contest"], event["id"]) for event in events] == [
            ("delta", WELDER, f"{one}=2,{two}=1")
        ]
    # Of a board that the id does not name, or whose version is none, comes the whole.
    for text in (f"{one}=2", f"{one}=2,{two}=x", f"{one}=2,{two}=7"):
        _, events = sent(visitor, STREAM, **{"Last-Event-ID": text})
        assert [(event["event"], event["data"]["contest"]) for event in events] == [("snapshot", DIGITAL)]
    # One board on this address is named likewise, and one asked for twice comes once.
    _, events = sent(visitor, f"/api/v1/stream?boards={one},{one.upper()}")
    assert [(event["event"], event["id"]) for event in events] == [("snapshot", f"{one}=2")]
    assert sent(visitor, f"/api/v1/stream?boards={one}", **{"Last-Event-ID": f"{one}=2"})[1] == []


# -- Socket.IO


def watch(socket: Any, event: str = "watch", **message: Any) -> dict[str, Any]:
    said = {"contest": WELDER, "track": "welder", **message}
    return dict(socket.emit(event, said, namespace="/board", callback=True))


def test_socket_io_clients_get_the_same(boards: Boards, visitor: FlaskClient) -> None:
    socket = socketio.test_client(boards.world.app, namespace="/board")
    boards.publisher.running = True
    answer = watch(socket)
    assert answer == {"ok": True, "snapshot": visitor.get(BOARD).get_json()}
    assert watch(socket, version=1) == {"ok": True, "deltas": []}
    boards.absent("1")
    boards.publisher.look()
    heard = socket.get_received("/board")
    assert [(one["name"], set(one["args"][0])) for one in heard] == [("delta", DELTA)]
    assert watch(socket, version=1) == {"ok": True, "deltas": [heard[0]["args"][0]]}
    assert set(watch(socket, version=99)) == {"ok", "snapshot"}
    assert watch(socket, "unwatch") == {"ok": True}
    for topic in boards.publisher._topics.values():
        topic.turned = None
    boards.absent("2")
    boards.publisher.look()
    assert socket.get_received("/board") == []
    for message, code in (
        ({"contest": "nowhere"}, "unknown"),
        ({"track": "nowhere"}, "unknown"),
        ({"contest": 3}, "bad_request"),
    ):
        assert watch(socket, **message)["error"]["code"] == code
    assert socket.emit("watch", namespace="/board", callback=True)["error"]["code"] == "bad_request"
    boards.publisher.running = False


# -- the publisher and the hub by themselves


def set_view(boards: Boards, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """A next version of the public's view, as another process would store it."""
    with boards.db.transaction() as session:
        view = session.scalars(
            select(BoardView)
            .join(Track, Track.id == BoardView.track_id)
            .filter(Track.code == "welder", BoardView.audience == "public")
        ).one()
        view.version += 1
        view.payload = {**change(json.loads(json.dumps(view.payload))), "version": view.version}


def touch(number: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(payload: dict[str, Any]) -> dict[str, Any]:
        payload["rows"][0]["progress"]["marked"] = number
        return payload

    return change


def test_at_most_five_turns_a_second_and_the_latest_wins(boards: Boards) -> None:
    time = [50.0]
    publisher = Publisher(boards.db, seconds=lambda: time[0])
    told: list[tuple[float, int, int]] = []
    publisher.listen(lambda topic, message: told.append((time[0], message.base, message.version)) if message else None)
    topic = publisher.get(WELDER, "welder", "public")
    assert topic is not None
    for tick in range(50):
        time[0] = 50 + tick / 50
        set_view(boards, touch(tick + 100))
        publisher.look()
        # Whether the last version was told or waits, none waits for longer than the gap.
        assert publisher.rest() <= (GAP + 1e-6 if topic.version < tick + 2 else 1)
    assert told[0][0] == 50.0
    assert len(told) == 5
    # Each goes on from the one before.
    assert [base for _, base, _ in told] == [1, *(version for _, _, version in told[:-1])]
    time[0] += publisher.rest()
    publisher.look()
    assert topic.version == 51 and topic.payload["rows"][0]["progress"]["marked"] == 149
    assert publisher.rest() == 1.0


def test_only_so_many_deltas_are_held(boards: Boards) -> None:
    publisher = Publisher(boards.db)
    topic = publisher.get(WELDER, "welder", "public")
    assert topic is not None
    for number in range(KEPT + 3):
        body = json.loads(json.dumps(topic.payload))
        body["rows"][0]["progress"]["marked"] = number + 100
        topic.turn(topic.version + 1, {**body, "version": topic.version + 1})
    assert topic.since(topic.version - KEPT - 1) is None
    assert len(topic.since(topic.version - KEPT) or ()) == KEPT


def test_a_delta_names_what_changed_and_no_more(boards: Boards, visitor: FlaskClient) -> None:
    old = visitor.get(BOARD).get_json()
    new = json.loads(json.dumps(old))
    new["version"], new["state"] = 2, "frozen"
    new["freeze"] = {"at": None, "reason": ""}
    gone = new["rows"].pop()
    for row in new["rows"][1:]:
        row["rank"] += 1
    new["rows"][0]["total"] = "1.00"
    delta = make_delta(old, new)
    assert set(delta) == DELTA | {"freeze"}
    assert (delta["base"], delta["version"], delta["state"]) == (1, 2, "frozen")
    assert (delta["rows"], delta["gone"]) == ([new["rows"][0]], [gone["key"]])
    # What has ended is said too.
    assert make_delta(new, old)["freeze"] is None


class Stopping(Publisher):
    """A publisher whose streams run until they have waited so many times; the clock goes on while they wait."""

    def __init__(self, boards: Boards, waits: int) -> None:
        super().__init__(boards.db)
        self.running, self.time, self.left = True, 0.0, waits
        self.meanwhile: list[Callable[[], None]] = []
        self.changed.wait = self._wait  # type: ignore[method-assign]

    def _wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        if self.left < 0:
            self.running = False
        elif self.meanwhile:
            self.meanwhile.pop(0)()
        else:
            self.time += timeout or 0
        return True


def frames(publisher: Stopping, since: int | None = None, *, named: bool = False) -> Iterator[dict[str, Any]]:
    instant = datetime(2026, 5, 1, tzinfo=UTC)
    hub = Hub(publisher, now=lambda: instant, seconds=lambda: publisher.time, rng=random.Random(1))
    stream = hub.frames([(WELDER, "welder")], "public", {f"{WELDER}/welder": since}, named=named)
    assert next(stream).startswith(b"retry: ")
    return (parse(frame.decode().rstrip("\n")) for frame in stream)


def test_a_ping_every_ten_seconds_of_silence(boards: Boards) -> None:
    publisher = Stopping(boards, 4)
    publisher.meanwhile = []
    events = list(frames(publisher))
    at = "2026-05-01T00:00:00+00:00"
    assert [event["event"] for event in events] == ["snapshot", "ping", "ping", "ping", "ping"]
    # Without an id: a ping is nothing to come back to.
    assert events[1] == {"event": "ping", "data": {"version": 1, "at": at}}
    assert publisher.time == 4 * PING
    assert publisher.viewers == 0
    named = list(frames(Stopping(boards, 1), named=True))
    assert named[-1]["data"]["version"] == f"{WELDER}/welder=1"


def test_a_change_puts_the_ping_off(boards: Boards) -> None:
    publisher = Stopping(boards, 3)

    def change() -> None:
        publisher.time += 6
        set_view(boards, touch(100))
        publisher.look()

    publisher.meanwhile = [change]
    events = list(frames(publisher))
    assert [event["event"] for event in events] == ["snapshot", "delta", "ping", "ping"]
    assert publisher.time == 6 + 2 * PING


def large(payload: dict[str, Any]) -> dict[str, Any]:
    row = payload["rows"][0]
    number = payload["version"]
    payload["rows"] = [{**row, "key": str(key), "so_far": f"{number}.00"} for key in range(1000, 1400)]
    return payload


def test_a_delta_over_64_kb_is_a_reset(boards: Boards) -> None:
    publisher = Stopping(boards, 2)

    def change() -> None:
        set_view(boards, large)
        publisher.look()

    publisher.meanwhile = [change]
    _first, reset, ping = frames(publisher)
    assert reset == {"id": "2", "event": "reset", "data": {"contest": WELDER, "track": "welder", "version": 2}}
    assert ping["event"] == "ping"
    topic = publisher.get(WELDER, "welder", "public")
    assert topic is not None and len(topic.snapshot().data) > LARGEST
    # Who connects gets the whole at once, and who has that goes on by deltas.
    set_view(boards, touch(9))
    whole = list(frames(Stopping(boards, 0), since=1))
    assert [(event["event"], event["id"]) for event in whole] == [("snapshot", "3")]
    topic.turn(3, {**json.loads(json.dumps(topic.payload)), "version": 3})
    assert [message.event for message in topic.since(1) or ()] == ["reset", "delta"]
    assert [message.event for message in topic.since(2) or ()] == ["delta"]


def test_a_board_that_goes_and_comes_back_is_told_as_a_whole(boards: Boards) -> None:
    publisher = Stopping(boards, 3)

    def change(phase: str) -> Callable[[], None]:
        def move() -> None:
            boards.move(phase)
            for topic in publisher._topics.values():
                topic.turned = None
            publisher.look()

        return move

    publisher.meanwhile = [change("draw"), change("scoring")]
    events = list(frames(publisher))
    assert [(event["event"], event.get("id")) for event in events] == [
        ("snapshot", "1"),
        ("snapshot", "3"),
        ("ping", None),
    ]


def test_a_contest_that_is_deleted_and_made_again_is_found(boards: Boards) -> None:
    publisher = Publisher(boards.db)
    told: list[Topic] = []
    publisher.listen(lambda topic, message: told.append(topic))
    assert publisher.get(WELDER, "welder", "public")

    def rename(old: str, new: str) -> None:
        with boards.db.transaction() as session:
            session.scalars(select(Track).filter_by(code=old)).one().code = new

    rename("welder", "other")
    publisher.look()
    gone = publisher.peek(WELDER, "welder", "public")
    assert gone is not None and not gone.payload
    rename("other", "welder")
    publisher.look()
    assert told and told[-1].payload["track"] == "welder"


@pytest.mark.parametrize(("text", "found"), [
    ("12", {"a/b": 12}), ("", {"a/b": None}), ("x", {"a/b": None}), ("-1", {"a/b": None}), ("٣", {"a/b": None}),
    ("a/b=3", {"a/b": 3}), ("9" * 16, {"a/b": None}), ("a/b=", {"a/b": None}), (" 7 ", {"a/b": 7}),
])  # fmt: skip
def test_the_version_a_client_says_it_has(text: str, found: dict[str, Any]) -> None:
    assert read_ids([("a", "b")], text) == found


def test_a_reason_is_a_sentence_of_the_readers_language(boards: Boards, visitor: FlaskClient) -> None:
    visitor.get("/?lang=en")
    assert reason(visitor, "/api/v1/boards/nowhere/x")
    assert DomainError("unknown", "x").as_dict()["code"] == "unknown"
