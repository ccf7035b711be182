"""The contestant's pages: from the choice of a track to the receipt, with and without the script's help."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from competition.accounts import service
from competition.accounts.models import Person, Unit
from competition.contests.models import AttachmentRule, Contest, FormField, Track
from competition.registration.models import Attachment, Registration, RegistrationPerson
from competition.shared import clock
from tests.web.conftest import World

CODE = "reg-2026"
PAGES = f"/contests/{CODE}/register"


def lay_out(world: World, **more: Any) -> None:
    """A contest in registration until tomorrow, a union, a shipyard."""
    now = clock.now()
    with world.db.transaction() as session:
        county = Unit(code="huancui-u", code_key="huancui-u", name="环翠区总工会", kind="union")
        session.add(county)
        session.flush()
        session.add(Unit(code="ws-yard", code_key="ws-yard", name="威海造船厂", kind="enterprise", parent_id=county.id))
        contest = Contest(
            code=CODE, code_key=CODE, title="2026 年焊接竞赛", kind=more.pop("kind", "skill"), level="city", year=2026,
            identity="number", created_at=now, about={}, groups=[],
            registration_opens_at=now - timedelta(days=1), registration_closes_at=now + timedelta(days=1),
        )  # fmt: skip
        contest.tracks = [
            Track(
                position=0, code="welder", title="焊工", phase="registration", prizes=[],
                ranking={"places": 2, "rounding": "half_up", "tie_break": [], "ties": "shared"},
                entrants=more.pop("entrants", {}),
                eligibility=[{"kind": "age", "min": 16}, {"kind": "level", "min": "senior"}],
            )
        ]  # fmt: skip
        session.add(contest)
        session.flush()
        session.add(
            FormField(
                contest_id=contest.id, position=0, code="work", label="工作内容", kind="text", required=True,
                purpose="安排工位",
            )
        )  # fmt: skip
        for rule in more.pop("files", []):
            session.add(AttachmentRule(contest_id=contest.id, position=0, **rule))


def person(world: World, name: str) -> FlaskClient:
    """Somebody signed in, without a role."""
    with world.db.transaction() as session:
        now = clock.now()
        who = service.create_person(session, login=f"{name}-login", name=name, password=None, now=now)
        unit = session.scalars(select(Unit.id).where(Unit.code == "ws-yard")).one()
        row = session.get_one(Person, who)
        row.unit_id, row.profile = unit, {"sex": "male", "birth_date": "1990-01-01", "skill_level": "senior"}
        contest = session.scalars(select(Contest.id).where(Contest.code == CODE)).one()
        token = service.make_link(session, contest_id=contest, role="contestant", person_id=who, now=now)
    client = world.app.test_client()
    assert client.get(f"/in/{token}").status_code == 303
    return client


@pytest.fixture
def ready(build: Callable[..., World]) -> World:
    world = build()
    world.app.config["WTF_CSRF_ENABLED"] = False
    return world


def begin(client: FlaskClient, kind: str = "individual") -> str:
    answer = client.post(PAGES, data={"track": "welder", "kind": kind})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def row_of(world: World, number: str) -> Registration:
    with world.db.reading() as session:
        return session.scalars(select(Registration).where(Registration.number == number)).one()


def consent_of(text: str) -> dict[str, str]:
    seen = re.search(r'name="seen_registration" value="(\w+)"', text)
    assert seen
    return {"consent_registration": "1", "seen_registration": seen[1]}


def test_a_visitor_reads_the_rules_and_is_led_through_the_sign_in(ready: World) -> None:
    lay_out(ready)
    text = ready.client().get(PAGES).text
    assert "年满 16 周岁" in text and "高级工或以上" in text and "工作内容" in text
    assert "/sign-in?next=" in text and "组建团队" not in text
    answer = ready.client().post(PAGES, data={"track": "welder"})
    assert answer.status_code == 302 and "/sign-in" in answer.headers["Location"]


def test_from_the_track_to_the_receipt(ready: World) -> None:
    lay_out(ready)
    client = person(ready, "王建国")
    number = begin(client)
    assert begin(client) == number
    address = f"/registrations/{number}"
    page = client.get(address).text
    assert "威海造船厂" in page and "用途：安排工位" in page and "1990-01-01" in page
    refused = client.post(address, data={"version": "1", "do": "submit", "f-work": "", "unit": "ws-yard"})
    assert refused.status_code == 400 and "请填写“工作内容”" in refused.text and 'href="#f-work"' in refused.text
    sent = {"version": "2", "do": "submit", "f-work": "焊接 & 切割", "unit": "ws-yard", **consent_of(page)}
    assert client.post(address, data=sent).status_code == 303
    after = client.get(address).text
    assert "审核中" in after and "焊接 &amp; 切割" in after
    row = row_of(ready, number)
    receipt = client.get(f"{address}/receipt").text
    assert number in receipt and row.sha256 and row.sha256 in receipt
    document = client.get(f"{address}/receipt.json").data
    assert json.loads(document)["answers"] == {"work": "焊接 & 切割"}
    assert number in client.get("/registrations").text
    assert client.post(f"{address}/withdraw").status_code == 303
    assert row_of(ready, number).state == "withdrawn"


def test_what_was_typed_is_shown_again_when_it_cannot_be_stored(ready: World) -> None:
    lay_out(ready)
    client = person(ready, "王建国")
    number = begin(client)
    address = f"/registrations/{number}"
    wrong = client.post(
        address, data={"version": "1", "f-work": "焊接", "p-birth_date": "1990-02-31", "unit": "ws-yard"}
    )
    assert wrong.status_code == 400 and 'value="1990-02-31"' in wrong.text and row_of(ready, number).answers
    stale = client.post(address, data={"version": "1", "f-work": "刚才写的", "unit": "ws-yard"})
    assert stale.status_code == 409 and "刚在别处保存过" in stale.text and "刚才写的" in stale.text
    assert row_of(ready, number).answers == {"work": "焊接"}


def test_eligibility_is_said_while_typing_and_nothing_is_stored(ready: World) -> None:
    lay_out(ready)
    client = person(ready, "王建国")
    number = begin(client)
    check = f"/api/v1/registrations/{number}/check"
    young = client.post(check, json={"p-birth_date": "2020-01-01", "f-work": "焊接", "unit": "ws-yard"}).json
    assert young and "须年满 16 周岁" in young["missing"]["p-birth_date"][0] and young["count"] == 1
    good = client.post(check, json={"p-birth_date": "1990-01-01", "f-work": ["焊接"], "unit": "ws-yard"}).json
    assert good and good["missing"] == {}
    low = client.post(check, json={"p-skill_level": "junior", "f-work": "焊接", "unit": "nowhere"}).json
    assert low and set(low["missing"]) == {"p-skill_level", "unit"}
    platform = client.post(check, json={"p-employment": "platform", "f-work": "送餐", "unit": "ws-yard"}).json
    assert platform and "区市总工会" in platform["missing"]["unit"][0] and "p-platform" in platform["missing"]
    assert client.post(check, data="no json").status_code == 400
    row = row_of(ready, number)
    assert row.answers == {} and row.version == 1
    assert person(ready, "旁人").post(check, json={}).status_code == 404


def test_units_are_found_by_a_part_of_their_name_with_and_without_script(ready: World) -> None:
    lay_out(ready)
    client = person(ready, "王建国")
    found = client.get("/api/v1/units?q=造船").json
    assert found and [unit["code"] for unit in found["units"]] == ["ws-yard"]
    unions = client.get("/api/v1/units?q=环翠&unions=1").json
    assert unions and "环翠区总工会" in [unit["name"] for unit in unions["units"]]
    assert all(unit["kind"] in ("union", "district", "system") for unit in unions["units"])
    assert client.get("/api/v1/units?q=%25").json == {"units": []}
    number = begin(client)
    page = client.post(f"/registrations/{number}", data={"version": "1", "do": "find", "search": "环翠"})
    assert page.status_code == 200 and 'value="huancui-u"' in page.text


def test_a_stranger_is_told_that_there_is_no_such_registration(ready: World) -> None:
    lay_out(ready)
    number = begin(person(ready, "王建国"))
    stranger = person(ready, "旁人")
    for path in ("", "/receipt", "/receipt.json"):
        assert stranger.get(f"/registrations/{number}{path}").status_code == 404
    assert stranger.post(f"/registrations/{number}", data={"version": "1"}).status_code == 404


def test_a_team_by_its_link(ready: World) -> None:
    lay_out(ready, entrants={"kind": "team", "min": 2, "max": 3, "advisers": 1})
    lead, other = person(ready, "领队"), person(ready, "李小明")
    number = begin(lead, "team")
    shown = lead.post(f"/registrations/{number}/team/invite", data={"part": "member"}).text
    found = re.search(r'value="http://[^"]*(/join/[\w-]+)"', shown)
    assert found
    link = found[1]
    assert link not in lead.get(f"/registrations/{number}").text
    before = ready.client().get(link).text
    assert "2026 年焊接竞赛" in before and "领队" in before and "登录" in before
    page = other.get(link).text
    assert other.post(link, data={}).status_code == 400
    assert other.post(link, data=consent_of(page)).status_code == 303
    member = other.get(f"/registrations/{number}")
    assert member.status_code == 200 and "退出团队" in member.text and "提交报名" not in member.text
    assert other.post(f"/registrations/{number}", data={"version": "1", "title": "我们"}).status_code == 403
    mine = {"part": "mine", "version": "1", "p-work_since": "2020-01-01", "p-skill_level": "technician"}
    assert other.post(f"/registrations/{number}", data=mine).status_code == 303
    with ready.db.reading() as session:
        rows = {row.name: row.id for row in session.scalars(select(RegistrationPerson))}
    assert lead.post(f"/registrations/{number}/team/lead", data={"person": rows["李小明"]}).status_code == 303
    assert lead.post(f"/registrations/{number}/team/leave").status_code == 303
    assert "还没有报名" in lead.get("/registrations").text


def photo() -> io.BytesIO:
    stream = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(stream, "JPEG")
    stream.seek(0)
    return stream


def test_a_small_improvement_with_its_photo_is_one_step_however_often_it_is_sent(ready: World) -> None:
    rule = {"code": "photo", "title": "照片", "required": True, "types": ["image"], "max_mb": 10}
    lay_out(ready, kind="suggestion", files=[rule])
    with ready.db.transaction() as session:
        session.scalars(select(FormField)).one().required = False
        for track in session.scalars(select(Track).where(Track.code == "welder")):
            track.eligibility = []
    client = person(ready, "王建国")
    address = f"/contests/{CODE}/welder/suggest"
    page = client.get(address).text
    words = {"op": "one", "title": "换刀架", "before": "20 分钟", "after": "5 分钟", "unit": "ws-yard", "do": "submit"}
    lacking = client.post(address, data={**words, "after": "", **consent_of(page)})
    assert lacking.status_code == 400 and "请写改善之后" in lacking.text and "20 分钟" in lacking.text
    numbers = set()
    for _time in range(2):
        answer = client.post(
            address,
            data={**words, **consent_of(page), "photo": (photo(), "现场.jpg")},
            headers={"Accept": "application/json"},
            content_type="multipart/form-data",
        )
        assert answer.json and answer.json["ok"], answer.text
        numbers.add(answer.json["number"])
    assert len(numbers) == 1 and row_of(ready, numbers.pop()).state == "submitted"
    with ready.db.reading() as session:
        assert len(session.scalars(select(Attachment)).all()) == 1
    refused = client.post(address, data={**words, "op": "two"}, headers={"Accept": "application/json"})
    assert refused.json and refused.json["problems"] == {"consent": "请勾选同意个人信息处理说明。"}


def test_pages_speak_english(ready: World) -> None:
    lay_out(ready)
    client = person(ready, "王建国")
    number = begin(client)
    for path in (PAGES, "/registrations", f"/registrations/{number}"):
        assert client.get(f"{path}?lang=en").status_code == 200
