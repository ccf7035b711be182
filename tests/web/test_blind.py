"""While a contest is blind, no door tells a judge or the public whose number is whose: every one is walked.

Names, units, phones, registration numbers and file names of the contest are words that stand nowhere else, so that any
answer that holds one of them has leaked it. A leak that is planted has to be found.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote
from zipfile import BadZipFile, ZipFile

import pytest
from flask import Response
from flask.testing import FlaskClient
from sqlalchemy import select

from competition.accounts import approval_kinds, service
from competition.accounts.models import Person, Unit
from competition.accounts.policy import CONSOLE, Actor
from competition.accounts.queries import actor_for
from competition.bundle.rules import read_bundle, write_bundle
from competition.bundle.service import export_bundle, import_bundle
from competition.contests.models import AttachmentRule, Organisation, Stage
from competition.contests.queries import get_contest, get_track
from competition.draw import service as draws
from competition.draw.decoding import ask_decoding
from competition.draw.layers import LayerCommand, set_layers
from competition.draw.queries import get_layer
from competition.draw.service import Conditions
from competition.extensions import socketio
from competition.registration.checkin import check_in
from competition.registration.models import Attachment, Entry, Registration, RegistrationPerson
from competition.shared import clock
from competition.shared.guards import SOCKET_EVENTS
from judges.sections import SECTIONS
from tests.web.conftest import World

CODE, TRACK, FIRST, COUNT = "blind-cup", "bt", 8801, 4
PEOPLE = ("judge", "chief", "recorder", "visitor")
STAFF = ("organiser", "admin", "supervisor", "unit", "contestant", "awards", "arbiter")
NUMBER = re.compile(r"88(0[1-9])")


def secrets() -> list[str]:
    """What would tell who: by kind, with a number, so that a failure says which."""
    words = []
    for n in range(1, COUNT + 1):
        words += [
            f"司徒验明{n}",
            f"隐名测试厂{n}",
            f"hiddenunit{n}",
            f"盲评作品甲{n}",
            f"RBLND00{n}",
            f"EBL00{n}",
            f"内含姓名的文件{n}",
            f"1390000770{n}",
        ]
    return words


def bundle() -> bytes:
    entries = [
        {
            "code": f"EBL00{n}",
            "track": TRACK,
            "title": f"盲评作品甲{n}",
            "organisation": f"hiddenunit{n}",
            "members": [{"name": f"司徒验明{n}"}],
            "attributes": {"note": f"隐名测试厂{n}"},
        }
        for n in range(1, COUNT + 1)
    ]
    made = {
        "format": "leitai.bundle/1",
        "contest": {
            "code": CODE, "title": "盲评杯", "kind": "skill", "level": "city", "year": 2026, "phase": "registration",
        },
        "organisations": [
            {"code": f"hiddenunit{n}", "name": f"隐名测试厂{n}", "kind": "enterprise"} for n in range(1, COUNT + 1)
        ],
        "judges": [{"code": code, "name": f"评委{code}"} for code in ("J1", "J2")],
        "tracks": [
            {
                "code": TRACK,
                "title": "盲评赛项",
                "stages": [
                    {
                        "code": "one",
                        "title": "实操",
                        "criteria": [
                            {"code": "q", "title": "质量", "max": 100},
                            {"code": "m", "title": "尺寸", "max": 10, "kind": "measurement"},
                        ],
                    }
                ],
                "prizes": [{"code": "first", "title": "一等奖", "count": 1}],
            }
        ],
        "entries": entries,
        "panels": [{"track": TRACK, "stage": "one", "judges": ["J1", "J2"]}],
        "recusals": [{"judge": "J2", "entry": "EBL001", "reason": "与司徒验明1同在隐名测试厂1"}],
        "schemes": [{"code": "up", "title": "推荐上级", "quota": 1}],
        "team_points": {"points": [3, 2, 1]},
    }  # fmt: skip
    return json.dumps(made, ensure_ascii=False).encode()


@dataclass
class Blind:
    world: World
    files: list[str]

    @property
    def services(self) -> Any:
        return self.world.app.extensions["leitai"]

    def client(self, role: str) -> FlaskClient:
        return self.world.client(None if role == "visitor" else role, CODE)

    def fold(self) -> None:
        with self.world.db.reading() as session:
            self.services.projector.fold(get_track(session, get_contest(session, CODE).id, TRACK).id)

    def move(self, phase: str) -> None:
        self.world.move(CODE, phase)
        self.fold()

    def person(self, role: str) -> Actor:
        with self.world.db.transaction() as session:
            contest = get_contest(session, CODE)
            key = service.person_for(
                session, role=role, contest_id=contest.id, login=f"{role}@{CODE}", name=role, now=clock.now(),
                actor=CONSOLE,
            )  # fmt: skip
        with self.world.db.reading() as session:
            found = actor_for(session, key)
        assert found is not None
        return found


@pytest.fixture
def blind(world: World) -> Blind:
    world.app.config["WTF_CSRF_ENABLED"] = False
    blind = Blind(world, [])
    now = clock.now()
    with world.db.transaction() as session:
        import_bundle(session, read_bundle(bundle()), sections=SECTIONS, actor=CONSOLE, now=now)
    coder, organiser = blind.person("coder"), blind.person("organiser")
    with world.db.transaction() as session:
        contest = get_contest(session, CODE)
        track = get_track(session, contest.id, TRACK)
        _register(session, blind, contest.id, track.id, now)
        set_layers(session, track, [LayerCommand("number", FIRST - 1000), LayerCommand("work", FIRST)],
                   actor=organiser, now=now)  # fmt: skip
        for code in ("number", "work"):
            draws.commit(session, track, get_layer(session, track, code), Conditions(), vault=blind.services.vault,
                         actor=coder, now=now)  # fmt: skip
        for n in range(1, COUNT):
            check_in(session, contest, entry=f"RBLND00{n}", op=f"arrived-{n}", actor=organiser, now=clock.now())
    world.move(CODE, "draw")
    with world.db.transaction() as session:
        track = get_track(session, get_contest(session, CODE).id, TRACK)
        for code in ("number", "work"):
            layer = get_layer(session, track, code)
            draws.make_draw(session, track, layer, vault=blind.services.vault, actor=coder, now=now)
            draws.reveal(session, track, layer, vault=blind.services.vault, actor=coder, now=now)
    world.move(CODE, "scoring")
    with world.db.transaction() as session:
        for stage in session.scalars(select(Stage).where(Stage.track_id == track.id)):
            stage.state = "open"
    _judge(blind)
    blind.fold()
    return blind


def _register(session: Any, blind: Blind, contest_id: int, track_id: int, now: Any) -> None:
    """A registration for every entry, with people, phones and a file whose name says everything."""
    session.add(AttachmentRule(contest_id=contest_id, position=0, code="work", title="作品说明", types=["pdf"]))
    for n, entry in enumerate(session.scalars(select(Entry).where(Entry.track_id == track_id).order_by(Entry.code)), 1):
        organisation = session.get_one(Organisation, entry.organisation_id)
        person = Person(
            login=f"1390000770{n}", login_key=f"1390000770{n}", name=f"司徒验明{n}", created_at=now,
            unit_id=organisation.unit_id,
        )  # fmt: skip
        session.add(person)
        session.flush()
        registration = Registration(
            contest_id=contest_id, track_id=track_id, number=f"RBLND00{n}", kind="individual", title=f"盲评作品甲{n}",
            unit_id=organisation.unit_id, state="confirmed", entry_id=entry.id, created_by=person.id, created_at=now,
            updated_at=now, submitted_at=now, answers={"about": f"司徒验明{n}"},
        )  # fmt: skip
        registration.people = [
            RegistrationPerson(track_id=track_id, person_id=person.id, position=0, name=f"司徒验明{n}", lead=True)
        ]
        session.add(registration)
        session.flush()
        file = blind.services.files.store(
            session, b"%PDF-1.4 nothing", name=f"内含姓名的文件{n}.pdf", purpose="attachment",
            media_type="application/pdf", subject=f"registration:{registration.id}", person_id=person.id,
            contest_id=contest_id, now=now,
        )  # fmt: skip
        session.add(Attachment(registration_id=registration.id, rule="work", file_id=file.id, received_at=now))
        blind.files.append(file.key)


def _judge(blind: Blind) -> None:
    """A mark, a measurement, rulings: what makes news for others."""
    numbers = [str(FIRST + n) for n in range(COUNT)]
    for role, messages in (
        ("judge", [{"event": "mark", "stage": "one", "entry": numbers[0], "criterion": "q", "attempt": 1,
                    "value": "90", "base": 0}]),
        ("chief", [{"event": "recuse", "judge": "J2", "entry": numbers[1], "on": True, "reason": "回避"},
                   {"event": "status", "entry": numbers[3], "status": "absent", "reason": "未到"}]),
    ):  # fmt: skip
        for answer in say(blind, role, messages):
            assert answer["ok"], answer


def say(blind: Blind, role: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    whole = [{"contest": CODE, "track": TRACK, "op": str(uuid.uuid4()), **message} for message in messages]
    answer = blind.client(role).post(
        "/api/v1/marks", json=whole, headers={"Origin": blind.services.config.public_url or ""}
    )
    assert answer.status_code == 200
    return list(answer.get_json())


def addresses(blind: Blind) -> Iterator[tuple[str, str]]:
    """Every address that can be asked for, with the values that would find something."""
    values = {
        "code": [CODE], "contest": [CODE], "track": [TRACK], "stage": ["one"], "section": ["basics", "tracks"],
        "unit_code": ["hiddenunit1"], "number": [str(FIRST), "RBLND001"], "key": [blind.files[0], "1", "2"],
        "name": [f"{FIRST}-work-1.pdf", "1"], "filename": ["css/tokens.css"], "token": ["none"], "layer_id": ["1"],
        "peer_id": ["1"], "notice": ["1"],
    }  # fmt: skip
    for rule in blind.world.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        paths = [rule.rule]
        for name in rule.arguments:
            paths = [
                re.sub(rf"<(?:[^:<>]+:)?{name}>", quote(value), path)
                for path in paths
                for value in values.get(name, ["1"])
            ]
        for path in paths:
            yield rule.endpoint, path
    yield "live.several", f"/api/v1/stream?boards={CODE}/{TRACK}"
    yield "live.events", f"/api/v1/boards/{CODE}/{TRACK}/events?since=1"
    yield "live.board", f"/contests/{CODE}/{TRACK}/board?page=2&lang=en"
    for layer in ("number", "work"):
        yield "draw.mapping_file", f"/code/{CODE}/{TRACK}/file?layer={layer}"
        yield "draw_sheets.codes", f"/code/{CODE}/{TRACK}/sheets?layer={layer}"


def text_of(answer: Response) -> str:
    """All that an answer tells, also in its headers and inside an archive (an Excel sheet, a package)."""
    body = answer.get_data()
    told = body.decode("utf-8", "replace") + unquote(str(answer.headers))
    if body[:2] == b"PK":
        try:
            with ZipFile(BytesIO(body)) as archive:
                told += " ".join(name + archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
        except BadZipFile:
            pass
    return told + json.loads('"' + re.sub(r'[\\"\x00-\x1f](?!u[0-9a-f]{4})', " ", told) + '"', strict=False)


def leaks(blind: Blind, role: str, allowed: Callable[[str], list[str]] = lambda _endpoint: []) -> list[str]:
    """Where an answer to that role holds a secret."""
    found = []
    client = blind.client(role)
    answered = 0
    for endpoint, path in addresses(blind):
        answer = client.get(path)
        answered += answer.status_code == 200
        told = text_of(answer)
        # What was asked for comes back in links to the same page in the other language.
        words = [word for word in secrets() if word in told and word not in path and word not in allowed(endpoint)]
        if words:
            found.append(f"{role} {path}: {words[:4]}")
        answer.close()
    assert answered > 8, "too little was walked to prove anything"
    return found


def directory(endpoint: str) -> list[str]:
    """The list of units that anybody who registers chooses from names every unit there is, and no entry."""
    if endpoint in ("registration.units", "registration.start", "me.index"):
        return [f"{word}{n}" for word in ("隐名测试厂", "hiddenunit") for n in range(1, COUNT + 1)]
    return []


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("phase", ["scoring", "review"])
def test_no_page_file_stream_or_export_tells_a_judge_or_the_public_who_it_is(
    blind: Blind, role: str, phase: str
) -> None:
    if phase == "review":
        blind.move("review")
    assert leaks(blind, role, directory) == []


@pytest.mark.parametrize("role", STAFF)
def test_nobody_beside_the_coder_has_names_and_numbers_on_one_page(blind: Blind, role: str) -> None:
    """Organisers read names, and results by number; a page with both would be the mapping."""
    client = blind.client(role)
    both = []
    for _endpoint, path in addresses(blind):
        answer = client.get(path)
        told = text_of(answer)
        named = [word for word in secrets() if word in told and word not in path and not word.startswith("R")]
        numbered = [found[0] for found in NUMBER.finditer(told) if found[0] not in path]
        if named and numbered:
            both.append(f"{role} {path}: {named[:3]} {numbered[:3]}")
        answer.close()
    assert both == []


def test_the_coder_sees_numbers_and_codes_alone(blind: Blind) -> None:
    """Even the coder's desk holds entries' codes and no names."""
    told = text_of(blind.client("coder").get(f"/code/{CODE}"))
    assert "EBL001" in told and str(FIRST) in told
    assert not any(word in told for word in secrets() if not word.startswith("EBL"))


@pytest.mark.parametrize("role", PEOPLE)
def test_no_socket_event_tells_who_it_is(blind: Blind, role: str) -> None:
    """Each event is sent with words that would find something; its answer and what others hear of it is read."""
    client = blind.client(role)
    sockets = {
        space: socketio.test_client(blind.world.app, namespace=space, flask_test_client=client)
        for space in sorted({space for space, _event in SOCKET_EVENTS})
    }
    told, answered = "", 0
    for space, event in sorted(SOCKET_EVENTS):
        socket = sockets[space]
        if event in ("connect", "disconnect") or not socket.is_connected(space):
            continue
        for entry in (str(FIRST), "EBL001", "RBLND001"):
            message = {
                "contest": CODE, "track": TRACK, "stage": "one", "entry": entry, "criterion": "q", "attempt": 1,
                "value": "80", "base": 0, "op": str(uuid.uuid4()), "judge": "J1", "on": True, "reason": "理由",
                "amount": "-1", "seconds": "3", "status": "ok", "state": "open", "version": 0,
            }  # fmt: skip
            answer = socket.emit(event, message, namespace=space, callback=True)
            answered += bool(answer)
            told += json.dumps(answer, ensure_ascii=False, default=str).replace(f'"{entry}"', "")
    for space, socket in sockets.items():
        if socket.is_connected(space):
            told += json.dumps(socket.get_received(space), ensure_ascii=False, default=str)
    assert answered, "no event answered"
    assert [word for word in secrets() if word in told] == []


def test_the_protocol_without_a_socket_tells_nobody_either(blind: Blind) -> None:
    for role in ("judge", "chief", "recorder"):
        told = json.dumps(say(blind, role, [{"event": "open"}]), ensure_ascii=False)
        assert str(FIRST) in told
        assert [word for word in secrets() if word in told] == []


def test_an_export_is_by_number(blind: Blind) -> None:
    with blind.world.db.reading() as session:
        text = write_bundle(export_bundle(session, CODE, sections=SECTIONS))
    entries = json.dumps([*json.loads(text)["entries"], *json.loads(text)["recusals"]], ensure_ascii=False)
    assert str(FIRST) in entries
    assert [word for word in secrets() if word in entries] == []


def test_a_planted_name_on_a_public_board_is_found(blind: Blind) -> None:
    view = blind.world.app.view_functions["live.snapshot"]

    def leaking(**values: Any) -> Any:
        answer = view(**values)
        return Response(answer.get_data(as_text=True) + "司徒验明1", mimetype="application/json")

    leaking.allowed = view.allowed  # type: ignore[attr-defined]
    blind.world.app.view_functions["live.snapshot"] = leaking
    assert any("司徒验明1" in line for line in leaks(blind, "visitor", directory))


@pytest.mark.parametrize(
    "header", ["attachment; filename*=UTF-8''" + quote("内含姓名的文件1.pdf"), "attachment; filename=RBLND001.pdf"]
)
def test_a_planted_file_name_is_found(blind: Blind, header: str) -> None:
    view = blind.world.app.view_functions["uploads.blind"]

    def leaking(**values: Any) -> Any:
        return Response("x", headers={"Content-Disposition": header})

    leaking.allowed = view.allowed  # type: ignore[attr-defined]
    blind.world.app.view_functions["uploads.blind"] = leaking
    assert leaks(blind, "judge", directory)


def test_a_planted_escape_is_found(blind: Blind) -> None:
    """A name as JSON may write it, character by character."""
    view = blind.world.app.view_functions["results_api.results"]

    def leaking(**values: Any) -> Any:
        return Response(json.dumps({"title": "隐名测试厂2"}), mimetype="application/json")

    leaking.allowed = view.allowed  # type: ignore[attr-defined]
    blind.world.app.view_functions["results_api.results"] = leaking
    assert any("隐名测试厂2" in line for line in leaks(blind, "visitor", directory))


def test_a_planted_name_in_a_judges_sheet_is_found(blind: Blind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "judges.desk.protocol.open_desk",
        lambda *_: {"phase": {TRACK: "scoring"}, "sheets": [{"entry": "司徒验明1"}]},
    )
    with pytest.raises(AssertionError):
        test_the_protocol_without_a_socket_tells_nobody_either(blind)


def test_names_come_with_the_notice_after_two_have_decoded(blind: Blind) -> None:
    """That the walk is no walk past the names: once they may be known, the same addresses hold them."""
    blind.move("review")
    coder, supervisor = blind.person("coder"), blind.person("supervisor")
    for code in ("work", "number"):
        with blind.world.db.transaction() as session:
            track = get_track(session, get_contest(session, CODE).id, TRACK)
            asked = ask_decoding(
                session, track, get_layer(session, track, code), reason="成绩已提交", actor=coder, now=clock.now()
            )
        with blind.world.db.transaction() as session:
            approval_kinds.answer(session, asked, True, actor=supervisor, now=clock.now())
    assert leaks(blind, "judge", directory) == []
    blind.move("notice")
    assert any("盲评作品甲1" in line for line in leaks(blind, "visitor", directory))


def test_units_of_the_platform_stand_in_no_list_for_the_public(blind: Blind) -> None:
    """`directory` excuses the list for those who register; a visitor has no such list."""
    with blind.world.db.reading() as session:
        assert session.scalar(select(Unit.id).where(Unit.code == "hiddenunit1")) is not None
    assert leaks(blind, "visitor") == []
