"""The pages of units and their people: who sees what, what a form refuses, a roster from upload to links."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from competition.accounts import service, units
from competition.accounts.models import Grant, Person, Unit
from competition.accounts.policy import CONSOLE
from competition.accounts.units import UnitCommand
from competition.shared import clock
from competition.shared.models import StoredFile
from competition.shared.vault import Vault
from tests.services.test_roster import faulty, id_number, line, sheet
from tests.web.conftest import World

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def tree(world: World) -> World:
    """市总工会 > 北部 > 威海船厂, 市总工会 > 南部市; nobody in any of them."""
    with world.app.test_request_context(), world.db.transaction() as session:
        for code, name, kind, parent in (
            ("top", "威海市", "district", ""),
            ("north", "北部总工会", "district", "top"),
            ("yard", "威海船厂", "enterprise", "north"),
            ("south", "南部总工会", "district", "top"),
        ):
            command = UnitCommand(code=code, name=name, kind=kind, parent=parent)
            units.create_unit(session, command, vault=vault(world), actor=CONSOLE, now=NOW)
    return world


def vault(world: World) -> Vault:
    found: Vault = world.app.extensions["leitai"].vault
    return found


def officer(world: World, code: str) -> FlaskClient:
    with world.db.transaction() as session:
        unit = session.scalars(select(Unit).where(Unit.code == code)).one()
        login = f"officer of {code}"
        person = session.scalar(select(Person.id).where(Person.login == login)) or service.create_person(
            session, login=login, name=login, password=None, now=NOW
        )
        service.grant(session, person, "unit", unit_id=unit.id, now=NOW, actor=CONSOLE)
        token = service.make_link(session, contest_id=None, role="unit", person_id=person, now=clock.now())
    client = world.app.test_client()
    assert client.get(f"/in/{token}").status_code == 303
    return client


def post(client: FlaskClient, page: str, address: str = "", **values: object) -> TestResponse:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found, page
    return client.post(address or page, data={"csrf_token": found[1], **values})


def test_an_officer_sees_the_own_branch_alone(tree: World) -> None:
    client = officer(tree, "north")
    assert "北部总工会" in client.get("/units").text and "南部" not in client.get("/units").text
    assert "威海船厂" in client.get("/units?q=船厂").text
    assert "南部" not in client.get("/units?q=南部总工会&archived=1").text.replace('value="南部总工会"', "")
    for code, status in (("north", 200), ("yard", 200), ("top", 404), ("south", 404), ("none", 404)):
        for page in ("", "/edit", "/people", "/roster", "/roster/template"):
            assert client.get(f"/units/{code}{page}").status_code == status, (code, page)


def test_an_admin_builds_the_tree_and_a_form_tells_all_that_is_wrong(tree: World) -> None:
    client = tree.client("admin")
    answer = post(client, "/units/new", name="", kind="", parent="nowhere", uscc="91110000600037341X", phone="12")
    assert answer.status_code == 400
    for sentence in (
        "有 5 处要改正",
        "请填写单位名称",
        "请选择单位类型",
        "没有代码为“nowhere”的单位",
        "可能有一位输错了",
        "电话须为",
    ):
        assert sentence in answer.text, sentence
    assert 'value="91110000600037341X"' in answer.text
    good = {
        "name": "精工工作室",
        "kind": "studio",
        "parent": "yard",
        "uscc": "91110000600037341L",
    }
    answer = post(
        client,
        "/units/new",
        **good,
        phone="0631-5231234",
        lead="王师傅",
        level="city",
        flags=["innovation", "specialised"],
    )
    assert answer.status_code == 303
    page = client.get(answer.location).text
    for text in ("精工工作室", "王师傅", "全员创新企业", "专精特新", "*********34", "威海船厂"):
        assert text in page, text
    assert "06315231234" not in page
    assert "已登记在“精工工作室”名下" in post(client, "/units/new", name="x", kind="studio", uscc=good["uscc"]).text


def test_an_officer_adds_below_and_not_elsewhere(tree: World) -> None:
    client = officer(tree, "north")
    assert post(client, "/units/new", name="新厂", kind="enterprise", parent="yard").status_code == 303
    for parent in ("south", "top", ""):
        answer = post(client, "/units/new", name="别处", kind="enterprise", parent=parent)
        assert answer.status_code == 400 and "别处" in answer.text
    # Of the own unit the contact alone.
    page = client.get("/units/north/edit").text
    assert 'name="name"' not in page and 'name="contact"' in page
    assert post(client, "/units/north/edit", contact="李主任", name="改名", flags="innovation").status_code == 303
    with tree.db.reading() as session:
        unit = session.scalars(select(Unit).where(Unit.code == "north")).one()
        assert (unit.name, unit.contact, unit.flags) == ("北部总工会", "李主任", [])


def test_a_mask_that_comes_back_changes_no_number(tree: World) -> None:
    client = tree.client("admin")
    post(client, "/units/yard/edit", name="威海船厂", kind="enterprise", parent="north", phone="13812345678")
    page = client.get("/units/yard/edit").text
    assert 'value="138****5678"' in page
    post(client, "/units/yard/edit", name="威海造船", kind="enterprise", parent="north", phone="138****5678")
    with tree.db.reading() as session:
        unit = session.scalars(select(Unit).where(Unit.code == "yard")).one()
        assert unit.name == "威海造船" and vault(tree).open(unit.phone_sealed or "") == "13812345678"


def test_a_new_officer_signs_in_by_a_link_shown_once(tree: World) -> None:
    client = officer(tree, "north")
    answer = post(client, "/units/yard", "/units/yard/officers", name="赵经办")
    link = re.search(r"<code>(.+?)</code>", answer.text)
    assert answer.status_code == 200 and link and answer.headers["Cache-Control"] == "no-store"
    new = tree.app.test_client()
    assert new.get("/in/" + link[1].rsplit("/", 1)[1]).status_code == 303
    assert new.get("/units/yard").status_code == 200 and new.get("/units/north").status_code == 404
    with tree.db.reading() as session:
        person = session.scalars(select(Person).where(Person.name == "赵经办")).one()
    assert post(client, "/units/yard", "/units/yard/officers/remove", person=person.id).status_code == 303
    assert new.get("/units/yard").status_code == 403
    # Whether somebody elsewhere has an account is not told.
    elsewhere = post(client, "/units/yard", "/units/yard/officers", login="officer of north")
    nobody = post(client, "/units/yard", "/units/yard/officers", login="nobody at all")
    assert "没有这个登录名的人" in elsewhere.text and elsewhere.status_code == nobody.status_code == 404


def test_a_roster_from_the_template_to_the_first_sign_in(tree: World) -> None:
    client = officer(tree, "yard")
    template = client.get("/units/yard/roster/template")
    assert template.data[:2] == b"PK" and "roster-yard.xlsx" in template.headers["Content-Disposition"]
    upload = {"file": (io.BytesIO(sheet([line(1), line(2)])), "名册.xlsx")}
    answer = post(client, "/units/yard/roster", **upload)
    assert answer.status_code == 303, answer.text
    page = client.get(answer.location).text
    assert "新增 2 人" in page and "张1" in page and id_number(1) not in page
    with tree.db.reading() as session:
        file = session.scalars(select(StoredFile).where(StoredFile.purpose == "roster")).one()
        stored = tree.app.extensions["leitai"].files.read(file)
    assert stored[:2] != b"PK", "an uploaded roster lies sealed"
    done = post(client, answer.location)
    assert done.status_code == 303
    listed = client.get(done.location).text
    assert "新增 2 人" in listed and "138****0001" in listed and "13800000001" not in listed
    assert client.get(answer.location).status_code == 404, "a roster is applied once, and its file is gone"
    with tree.db.reading() as session:
        keys = list(session.scalars(select(Person.id).where(Person.origin == "roster")))
    person = client.get(f"/units/yard/people/{keys[0]}").text
    assert "3710**********" in person and id_number(1) not in person and "13800000001" not in person
    assert "张1" in client.get("/units/yard/people?q=13800000001").text
    assert "没有找到" in client.get("/units/yard/people?q=13800000009").text
    tickets = post(client, "/units/yard/people", "/units/yard/people/links", people=[str(keys[0])])
    link = re.search(r"/in/([\w-]+)", tickets.text)
    assert tickets.status_code == 200 and link
    assert tree.app.test_client().get(f"/in/{link[1]}").status_code == 303


def test_a_long_roster_with_faults_goes_by_the_job_process(tree: World) -> None:
    client = officer(tree, "yard")
    data, expected = faulty(400)
    answer = post(client, "/units/yard/roster", file=(io.BytesIO(data), "x.xlsx"))
    assert answer.status_code == 303 and "/jobs/" in answer.location
    assert tree.app.extensions["leitai"].jobs.run_waiting() >= 1
    with tree.db.reading() as session:
        key = session.scalars(select(StoredFile.key).where(StoredFile.purpose == "roster")).one()
    page = client.get(f"/units/yard/roster/{key}").text
    assert f"400 行里有 {len(expected)} 处问题" in page
    assert [int(row) for row in re.findall(r'<td class="r num">(\d+)</td>', page)] == [row for row, _column in expected]
    assert f"有 {len(expected)} 处问题" in client.get(answer.location).text
    good = post(client, "/units/yard/roster", file=(io.BytesIO(sheet([line(n) for n in range(201)])), "x.xlsx"))
    tree.app.extensions["leitai"].jobs.run_waiting()
    with tree.db.reading() as session:
        key = session.scalars(select(StoredFile.key).where(StoredFile.purpose == "roster", StoredFile.key != key)).one()
    started = post(client, f"/units/yard/roster/{key}")
    assert "/jobs/" in started.location and good.status_code == 303
    tree.app.extensions["leitai"].jobs.run_waiting()
    assert "新增 201 人" in client.get(started.location).text
    with tree.db.reading() as session:
        assert len(session.scalars(select(Person).where(Person.origin == "roster")).all()) == 201


def test_what_is_no_workbook_is_said(tree: World) -> None:
    client = officer(tree, "yard")
    answer = post(client, "/units/yard/roster", file=(io.BytesIO(b"PK no"), "x.xlsx"))
    assert answer.status_code == 400 and "文件没有收下" in answer.text
    assert post(client, "/units/yard/roster").status_code == 400


def test_no_link_for_whoever_holds_an_office(tree: World) -> None:
    client = officer(tree, "north")
    with tree.db.transaction() as session:
        unit = session.scalars(select(Unit).where(Unit.code == "yard")).one()
        keys = []
        for login, role in (("chief", "chief"), ("root", "admin"), ("above", "unit")):
            key = service.create_person(session, login=login, name=login, password=None, now=NOW)
            session.get_one(Person, key).unit_id = unit.id
            session.add(Grant(person_id=key, role=role, granted_at=NOW))
            keys.append(key)
        plain = service.create_person(session, login="plain", name="plain", password=None, now=NOW)
        session.get_one(Person, plain).unit_id = unit.id
    for key in keys:
        answer = post(client, "/units/yard/people", "/units/yard/people/links", people=[str(plain), str(key)])
        assert answer.status_code == 403 and "/in/" not in answer.text
    other = officer(tree, "south")
    assert other.get(f"/units/south/people/{plain}").status_code == 404
    assert post(other, "/units/south/roster", "/units/south/people/links", people=[str(plain)]).status_code == 403


def test_two_thousand_units_are_paged_and_searched(tree: World) -> None:
    with tree.db.transaction() as session:
        top = session.scalars(select(Unit).where(Unit.code == "south")).one()
        session.add_all(
            Unit(
                code=f"e{n}",
                code_key=f"e{n}",
                name=f"企业 {n:04d}",
                kind="enterprise",
                parent_id=top.id,
                flags=[],
                details={},
            )
            for n in range(2000)
        )
    client = officer(tree, "south")
    page = client.get("/units/south").text
    assert "第 1 / 40 页" in page and "企业 0049" in page and "企业 0050" not in page
    assert "企业 0050" in client.get("/units/south?page=2").text
    found = client.get("/units?q=企业+1999").text
    assert "找到 1 个单位" in found and "企业 1999" in found


def test_an_archived_unit_leaves_the_choices_and_comes_back(tree: World) -> None:
    client = tree.client("admin")
    answer = post(client, "/units/north", "/units/north/archive", on="1")
    assert answer.status_code == 409 and "下面还有 1 个单位" in answer.text
    assert post(client, "/units/yard", "/units/yard/archive", on="1").status_code == 303
    assert "已撤销" in client.get("/units/yard").text and "威海船厂" not in client.get("/units?q=船厂").text
    assert post(client, "/units/new", name="x", kind="enterprise", parent="yard").status_code == 400
    assert post(client, "/units/yard", "/units/yard/archive", on="0").status_code == 303
    assert "威海船厂" in client.get("/units?q=船厂").text
