"""One's own page: correct, take along, take consent back, erase; numbers are masked everywhere."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from competition.accounts import consents, service
from competition.accounts.models import Audit, Consent, Person
from competition.accounts.policy import CONSOLE
from competition.accounts.profile import FIELDS
from competition.shared import clock
from tests.services.test_roster import id_number
from tests.web.conftest import World
from tests.web.test_units import post

NUMBER = id_number(1)  # born 1990-01-01, 001: male
PHONE = "13812345678"


@dataclass
class Me:
    client: FlaskClient
    person_id: int
    world: World

    def row(self) -> Person:
        with self.world.db.reading() as session:
            return session.get_one(Person, self.person_id)

    def save(self, **values: str) -> TestResponse:
        return post(self.client, "/me", **values)


@pytest.fixture
def me(world: World) -> Me:
    with world.db.transaction() as session:
        key = service.create_person(session, login="zhang", name="张三", password=None, now=clock.now())
        token = service.make_link(session, contest_id=None, role="contestant", person_id=key, now=clock.now())
    client = world.app.test_client()
    assert client.get(f"/in/{token}").status_code == 303
    return Me(client, key, world)


def test_every_field_says_why_and_who_sees_it(me: Me) -> None:
    page = me.client.get("/me").text
    assert page.count("能看到的人：") == sum(not one.stated for one in FIELDS.values())
    assert 'name="politics"' not in page and 'name="ethnicity"' not in page


def test_a_profile_is_stored_sealed_and_comes_back_masked(me: Me) -> None:
    assert me.save(name="张三", id_number=NUMBER, phone=PHONE, emergency_phone="13911112222").status_code == 303
    page = me.client.get("/me").text
    for number in (NUMBER, PHONE, "13911112222"):
        assert number not in page
    assert 'value="138****5678"' in page and f'value="{NUMBER[:4]}' in page
    row = me.row()
    assert row.profile == {"sex": "male", "birth_date": "1990-01-01"}
    stored = f"{row.phone_sealed}{row.id_sealed}{row.emergency_sealed}{row.profile}"
    assert NUMBER not in stored and PHONE not in stored
    with me.world.db.reading() as session:
        logged = session.scalars(select(Audit).where(Audit.action == "person.profile")).one()
    assert set(logged.details["fields"]) >= {"id_number", "phone"} and PHONE not in str(logged.details)
    # The masks that the form holds are sent back and change nothing.
    me.save(name="张三丰", id_number=f"{NUMBER[:4]}**********{NUMBER[-2:]}", phone="138****5678")
    assert (
        me.row().name == "张三丰" and me.row().id_sealed == row.id_sealed and me.row().phone_sealed == row.phone_sealed
    )


def test_everything_wrong_is_told_at_once_and_nothing_is_lost(me: Me) -> None:
    answer = me.save(
        name="", id_number=NUMBER, sex="female", birth_date="1990-13-01", occupation="焊工", unit="没有的厂"
    )
    assert answer.status_code == 400
    for text in (
        "请填写姓名",
        "与身份证号不一致",
        "日历上有的一天",
        "没有找到这个单位",
        "有 4 处要改正",
        'value="焊工"',
    ):
        assert text in answer.text, text
    assert me.row().id_sealed is None and "occupation" not in me.row().profile
    assert me.save(name="张三", id_number=NUMBER, sex="", birth_date="", occupation="").status_code == 303
    # Later contradictions of the stored number are found, too.
    assert "与身份证号不一致" in me.save(name="张三", sex="female").text


def test_a_new_phone_is_no_longer_confirmed(me: Me) -> None:
    me.save(phone=PHONE, email="a@b.cn")
    with me.world.db.transaction() as session:
        row = session.get_one(Person, me.person_id)
        row.phone_confirmed_at = row.email_confirmed_at = clock.now()
    me.save(phone="138 1234 5678", email="a@b.cn")
    assert me.row().phone_confirmed_at and me.row().email_confirmed_at
    me.save(phone="13912345678", email="c@b.cn")
    assert me.row().phone_confirmed_at is None and me.row().email_confirmed_at is None


def test_consents_with_their_words_taken_back(me: Me) -> None:
    with me.world.app.test_request_context(), me.world.db.transaction() as session:
        contest = me.world.contest_id("weihai-2026-welder")
        for kind in ("account", "publication"):
            given = consents.give(session, me.person_id, kind, contest_id=contest, now=clock.now())
    page = me.client.get("/me/consents").text
    assert "第二十五条要求单独同意" in page and "PIPL 25" in page
    assert post(me.client, "/me/consents", f"/me/consents/{given}/withdraw").status_code == 303
    assert post(me.client, "/me/consents", f"/me/consents/{given}/withdraw").status_code == 409
    assert post(me.client, "/me", "/me/consents/1/withdraw").status_code == 403, "the account's own"
    assert post(me.client, "/me", "/me/consents/999/withdraw").status_code == 404
    with me.world.db.reading() as session:
        assert session.get_one(Consent, given).withdrawn_at is not None
        assert not consents.holds(session, me.person_id, "publication", contest)


def test_all_own_data_as_a_page_and_as_a_file(me: Me) -> None:
    me.save(name="张三", id_number=NUMBER, phone=PHONE, occupation="焊工", honours="齐鲁工匠，无")
    page = me.client.get("/me/data").text
    assert "焊工" in page and NUMBER not in page
    answer = post(me.client, "/me/data", "/me/data/export")
    own = json.loads(answer.text)
    assert own["format"] == "leitai.person/1" and own["profile"]["occupation"] == "焊工"
    assert own["profile"]["phone"] == "138****5678" and PHONE not in answer.text and NUMBER not in answer.text
    assert [line["action"] for line in own["log"]][-1] == "person.export"
    assert "张三" not in answer.headers["Content-Disposition"]


def test_erasing_asks_for_the_sign_in_name_and_ends_the_sign_in(me: Me) -> None:
    me.save(name="张三", id_number=NUMBER, phone=PHONE)
    answer = post(me.client, "/me/erase", login="li")
    assert answer.status_code == 400 and "不一致" in answer.text
    assert "已删除" in post(me.client, "/me/erase", login="Zhang").text
    row = me.row()
    assert (row.login, row.active, row.profile) == (f"erased-{me.person_id}", False, {})
    assert (row.id_sealed, row.id_index, row.phone_sealed, row.phone_index) == (None, None, None, None)
    assert me.client.get("/me").status_code == 302


def test_who_holds_an_office_is_told_to_hand_it_on(me: Me) -> None:
    with me.world.db.transaction() as session:
        contest = me.world.contest_id("weihai-2026-welder")
        service.grant(session, me.person_id, "coder", contest_id=contest, now=clock.now(), actor=CONSOLE)
    page = me.client.get("/me/erase").text
    assert "加密员" in page and not re.search(r'name="login"', page)
    assert post(me.client, "/me", "/me/erase", login="zhang").status_code == 409
    assert me.row().active


def test_an_organiser_writes_the_words_of_a_contest(world: World) -> None:
    client = world.client("organiser")
    page = "/manage/weihai-2026-welder/consents"
    assert "默认文本" in client.get(page).text
    assert "正文须有" in post(client, page, kind="publication", title="公开", body="太短").text
    body = "处理者:威海市总工会。目的:公示获奖名单。" * 5
    assert post(client, page, kind="publication", title="公开", body=body).status_code == 303
    post(client, page, kind="publication", title="公开", body=body + "改")
    told = client.get(page + "?kind=publication").text
    assert "第 2 版" in told and "第 1 版" in told and "默认文本" not in told
    assert world.client("organiser", "weihai-2026-digital").get(page).status_code in (403, 404)
    assert client.get(page + "?kind=account").status_code == 404
