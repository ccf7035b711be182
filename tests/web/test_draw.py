"""The doors of the draw: the public page, the coder's desk, the door, sheets, go or no-go."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from competition.accounts.models import Approval
from competition.accounts.policy import CONSOLE
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.draw.models import Draw
from competition.registration.models import CheckIn
from competition.shared import clock
from judges.sections import SECTIONS
from tests.services.drawn import NAMES, UNITS, bundle
from tests.web.conftest import World


@pytest.fixture
def cup(world: World) -> Iterator[World]:
    world.app.config["WTF_CSRF_ENABLED"] = False
    with world.db.transaction() as session:
        import_bundle(session, read_bundle(json.dumps(bundle()).encode()), sections=SECTIONS, actor=CONSOLE,
                      now=clock.now())  # fmt: skip
    yield world


def layers(world: World, *codes: str) -> None:
    client = world.client("organiser", "cup")
    form = {f"use-{code}": "1" for code in codes} | {f"first-{code}": "1" for code in codes}
    assert client.post("/manage/cup/draw/t", data=form).status_code == 303


def arrive(world: World, *numbers: int) -> None:
    client = world.client("organiser", "cup")
    ops = [{"op": str(uuid.uuid4()), "entry": f"E{n:03}", "present": True} for n in numbers]
    answer = client.post("/checkin/cup/ops", json=ops, headers={"Origin": "http://localhost"})
    assert answer.status_code == 200 and all(one["ok"] for one in answer.get_json())


def drawn(world: World) -> FlaskClient:
    """Layers said, committed, everybody there, drawn; gives the coder's browser."""
    layers(world, "number")
    coder = world.client("coder", "cup")
    form = {"layer": "number", "apart": "1", "who": "present", "places": "order"}
    assert coder.post("/code/cup/t/commit", data=form).status_code == 303
    arrive(world, *range(1, 10))
    world.move("cup", "draw")
    assert coder.post("/code/cup/t/draw", data={"layer": "number"}).status_code == 303
    return coder


def test_layers_are_said_in_a_page_that_keeps_what_was_typed(cup: World) -> None:
    client = cup.client("organiser", "cup")
    cup.client("coder", "cup")
    page = client.get("/manage/cup/draw")
    assert page.status_code == 200 and "coder" in page.get_data(as_text=True)
    wrong = client.post("/manage/cup/draw/t", data={"use-work": "1", "first-work": "99999"})
    text = wrong.get_data(as_text=True)
    assert wrong.status_code == 400 and 'value="99999"' in text and "1 至 9000" in text
    layers(cup, "number", "work")
    assert "成果号" in client.get("/manage/cup/draw").get_data(as_text=True)
    cup.client("coder", "cup").post("/code/cup/t/commit", data={"layer": "number"})
    assert "已公布承诺" in client.get("/manage/cup/draw").get_data(as_text=True)


def test_the_commitment_is_public_before_the_draw_and_the_seed_after(cup: World) -> None:
    layers(cup, "number")
    visitor, coder = cup.client(), cup.client("coder", "cup")
    assert "还没有公布承诺" in visitor.get("/contests/cup/draw").get_data(as_text=True)
    coder.post("/code/cup/t/commit", data={"layer": "number", "apart": "1"})
    file = visitor.get("/contests/cup/draw/t.json").get_json()["draws"][0]
    assert len(file["commitment"]) == 64 and "seed" not in file and file["state"] == "committed"
    assert file["commitment"] in visitor.get("/contests/cup/draw").get_data(as_text=True)
    arrive(cup, *range(1, 10))
    cup.move("cup", "draw")
    coder.post("/code/cup/t/draw", data={"layer": "number"})
    assert "seed" not in visitor.get("/contests/cup/draw/t.json").get_json()["draws"][0]
    coder.post("/code/cup/t/reveal", data={"layer": "number"})
    file = visitor.get("/contests/cup/draw/t.json").get_json()["draws"][0]
    assert len(file["seed"]) == 64 and file["commitment"] in visitor.get("/contests/cup/draw").get_data(as_text=True)


@pytest.mark.parametrize("role", ["organiser", "admin", "supervisor", "chief", "judge", None])
def test_the_mapping_is_on_no_page_but_the_coders(cup: World, role: str | None) -> None:
    coder = drawn(cup)
    own = coder.get("/code/cup").get_data(as_text=True)
    assert "E001" in own and not any(name in own for name in NAMES)
    other = cup.client(role, "cup")
    for path in ("/code/cup", "/code/cup/t/file?layer=number", "/code/cup/t/sheets?layer=number"):
        answer = other.get(path)
        assert "E001" not in answer.get_data(as_text=True)
        assert answer.status_code == (200 if (role, path) == ("supervisor", "/code/cup") else 403 if role else 302)


def test_what_the_coder_typed_is_kept_when_it_is_refused(cup: World) -> None:
    layers(cup, "number")
    coder = cup.client("coder", "cup")
    for fixed, said in (("E001=5, nonsense", "看不懂"), ("E777=2", "E777"), ("E001=1;E001=2", "固定了两次")):
        answer = coder.post("/code/cup/t/commit", data={"layer": "number", "fixed": fixed, "who": "all"})
        text = answer.get_data(as_text=True)
        assert answer.status_code in (400, 404) and said in text and f">{fixed}</textarea>" in text
    assert coder.post("/code/cup/t/commit", data={"layer": "nothing"}).status_code == 404
    with cup.db.reading() as session:
        assert session.scalars(select(Draw)).all() == []


def test_the_door_takes_forms_too_and_says_what_it_did(cup: World) -> None:
    client = cup.client("organiser", "cup")
    op = str(uuid.uuid4())
    for _ in range(2):
        answer = client.post("/checkin/cup", data={"entry": "E002", "op": op}, follow_redirects=True)
        assert "E002 已检录" in answer.get_data(as_text=True)
    with cup.db.reading() as session:
        assert len(session.scalars(select(CheckIn)).all()) == 1
    client.post("/checkin/cup", data={"entry": "E002", "op": str(uuid.uuid4()), "present": "0"})
    rows = {row["code"]: row["present"] for row in client.get("/checkin/cup/list.json").get_json()}
    assert rows["E002"] is False
    assert client.post("/checkin/cup", data={"entry": "E777", "op": op}).status_code == 404
    assert NAMES[0] in client.get("/checkin/cup/absent").get_data(as_text=True)


def test_a_phones_list_is_answered_in_order_and_only_from_our_own_page(cup: World) -> None:
    client = cup.client("organiser", "cup")
    ops = [{"op": "bad"}, {"op": "11111111-1", "entry": "E001", "at": "no time"}, {"op": "22222222-2", "entry": "?"}]
    answer = client.post("/checkin/cup/ops", json=ops, headers={"Origin": "http://localhost"})
    assert [one["ok"] for one in answer.get_json()] == [False, True, False]
    assert client.post("/checkin/cup/ops", json=ops).status_code == 403
    assert client.post("/checkin/cup/ops", json=ops, headers={"Origin": "http://evil.example"}).status_code == 403
    for wrong in ({}, [1], [{}] * 201):
        assert client.post("/checkin/cup/ops", json=wrong, headers={"Origin": "http://localhost"}).status_code == 400


def test_sheets_carry_names_or_numbers_and_never_both(cup: World) -> None:
    coder = drawn(cup)
    numbers = coder.get("/code/cup/t/sheets?layer=number").get_data(as_text=True)
    assert len(re.findall(r'<p class="code">\d+</p>', numbers)) == 9 and numbers.count("<svg") == 9
    assert not any(word in numbers for word in (*NAMES, *UNITS, "E001"))
    organiser = cup.client("organiser", "cup")
    for kind in ("list", "badges"):
        names = organiser.get(f"/manage/cup/sheets/door?kind={kind}").get_data(as_text=True)
        assert all(name in names for name in NAMES) and 'class="code"' not in names


def test_seats_get_a_link_each_that_signs_in(cup: World) -> None:
    organiser = cup.client("organiser", "cup")
    assert "judge:J1" in organiser.get("/manage/cup/sheets/seats").get_data(as_text=True)
    made = organiser.post("/manage/cup/sheets/seats", data={"seat": ["judge:J1", "chief:t"]}).get_data(as_text=True)
    assert made.count("<svg") == 2 and "裁判席二维码" in made
    empty = organiser.post("/manage/cup/sheets/seats").get_data(as_text=True)
    assert "请至少勾一个席位" in empty


def test_go_or_no_go_is_decided_by_two_with_what_they_saw(cup: World) -> None:
    drawn(cup)
    organiser, supervisor = cup.client("organiser", "cup"), cup.client("supervisor", "cup")
    page = organiser.get("/manage/cup/ready").get_data(as_text=True)
    for key in (
        "pack",
        "checkin-t",
        "draw-t-number",
        "panels-t",
        "recusals",
        "seats",
        "disk",
        "backup",
        "jobs",
        "mail",
    ):
        assert f'data-check="{key}"' in page, key
    assert 'data-state="ok" data-check="checkin-t"' in page
    refused = organiser.post("/manage/cup/ready", data={"verdict": "go"})
    assert refused.status_code == 400 and "须写明理由" in refused.get_data(as_text=True)
    assert organiser.post("/manage/cup/ready", data={"verdict": "go", "reason": "现场核对过"}).status_code == 303
    with cup.db.reading() as session:
        asked = session.scalars(select(Approval).where(Approval.kind == "ready.start")).one()
    path = f"/manage/cup/ready/{asked.id}"
    assert "尚未确认" in organiser.get(path).get_data(as_text=True)
    assert cup.client("chief", "cup").get(path).status_code == 403
    answer = supervisor.post(f"/approvals/{asked.id}", data={"answer": "yes", "note": ""})
    assert answer.status_code in (302, 303), answer.get_data(as_text=True)
    assert "尚未确认" not in organiser.get(path).get_data(as_text=True)


def test_an_absence_that_nobody_ruled_on_stands_in_the_way(cup: World) -> None:
    arrive(cup, *range(1, 9))
    page = cup.client("organiser", "cup").get("/manage/cup/ready").get_data(as_text=True)
    assert 'data-state="bad" data-check="checkin-t"' in page and "1 个既没有到场也没有裁定" in page
