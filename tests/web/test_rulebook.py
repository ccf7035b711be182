"""Rules, approvals and the year's plan in pages: who sees them, what they say, that two people are needed."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from competition.accounts.models import Person, Unit
from competition.accounts.policy import CONSOLE, Actor, GrantInfo
from competition.accounts.service import grant, make_link
from competition.contests import packs
from competition.contests.models import PlanItem, RulePack
from competition.contests.queries import get_contest
from competition.registration.models import Entry
from competition.shared import clock
from tests.web.conftest import DIGITAL, WELDER, World


@pytest.fixture(autouse=True)
def without_csrf(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False


def other_organiser(world: World) -> FlaskClient:
    """A second organiser of the welders' contest."""
    with world.db.transaction() as session:
        contest = get_contest(session, WELDER)
        person = Person(login="second", login_key="second", name="乙", created_at=clock.now())
        session.add(person)
        session.flush()
        grant(session, person.id, "organiser", contest_id=contest.id, now=clock.now(), actor=CONSOLE)
        token = make_link(session, contest_id=contest.id, role="organiser", person_id=person.id, now=clock.now())
    client = world.app.test_client()
    assert client.get(f"/in/{token}").status_code == 303
    return client


def propose(world: World, client: FlaskClient) -> tuple[int, int]:
    """A change of weights and prizes by whoever is signed in: the pack and its approval."""
    with world.db.transaction() as session:
        contest = get_contest(session, WELDER)
        person = session.scalars(select(Person).where(Person.login_key == f"organiser@{WELDER}".casefold())).one()
        document = packs.current_document(session, contest)
        track = document["tracks"][0]
        track["stages"][0]["weight"], track["stages"][1]["weight"] = "0.9", "0.1"
        track["prizes"][0]["count"] = 2
        track["eligibility"] = [{"kind": "age", "min": 18}]
        pack = packs.propose_change(
            session, contest, document, reason="比例有误",
            actor=Actor(person.id, "甲", (GrantInfo("organiser", contest.id),)), now=clock.now(),
        )  # fmt: skip
        assert pack.approval_id is not None
        return pack.id, pack.approval_id


def test_the_rules_in_force_are_public_in_plain_words(world: World) -> None:
    page = world.client().get(f"/contests/{WELDER}/rules").text
    with world.db.reading() as session:
        pack = packs.published(session, get_contest(session, WELDER).id)
        assert pack is not None and pack.hash[:12] in page and "第 1 版" in page
        contest_id = pack.contest_id
    assert "占 30%" in page and "金牌职工 1 名" in page
    with world.db.transaction() as session:
        session.query(RulePack).filter(RulePack.contest_id == contest_id).delete()
    assert world.client().get(f"/contests/{WELDER}/rules").status_code == 404
    assert world.client().get("/contests/none/rules").status_code == 404
    english = world.client().get(f"/contests/{DIGITAL}/rules?lang=en")
    assert english.status_code == 200


def test_a_change_is_shown_whole_and_applied_by_another_person(world: World) -> None:
    first = world.client("organiser")
    second = other_organiser(world)
    key, approval = propose(world, first)
    desk = first.get(f"/manage/{WELDER}/rules").text
    assert "等待第二位主办方" in desk and "比例有误" in desk
    page = second.get(f"/manage/{WELDER}/rules/{key}").text
    for words in ("0.3", "0.9", "年满 18", "模拟，不影响成绩", "→"):
        assert words in page, words
    with world.db.reading() as session:
        pack = session.get_one(RulePack, key)
        told = pack.effects["tracks"][0]["rows"]
    assert told and all(f"{row['number']} 号" in page for row in told)
    # Nothing on it names anybody: the board of this contest knows numbers alone.
    with world.db.reading() as session:
        entries = session.scalars(select(Entry).where(Entry.contest_id == pack.contest_id)).all()
        names = {str(member["name"]) for entry in entries for member in entry.members} | {e.title for e in entries}
    assert names and not any(name in page for name in names)
    own = first.get(f"/approvals/{approval}").text
    assert "撤回申请" in own and "同意并执行" not in own
    assert first.post(f"/approvals/{approval}", data={"answer": "yes"}).status_code == 403
    waiting = second.get("/approvals").text
    assert f"/approvals/{approval}" in waiting
    form = second.get(f"/approvals/{approval}").text
    found = re.search(r'name="shown" value="([0-9a-f]*)"', form)
    assert found and found[1]
    refused = second.post(f"/approvals/{approval}", data={"answer": "no", "shown": found[1]})
    assert refused.status_code == 400 and "不同意须说明理由" in refused.text
    stale = second.post(f"/approvals/{approval}", data={"answer": "yes", "shown": "0" * 64, "note": "好的，可以"})
    assert stale.status_code == 409 and "好的，可以" in stale.text
    assert second.post(f"/approvals/{approval}", data={"answer": "yes", "shown": found[1]}).status_code == 303
    assert "第 2 版" in world.client().get(f"/contests/{WELDER}/rules").text
    assert "占 90%" in world.client().get(f"/contests/{WELDER}").text
    assert "已被替换" in first.get(f"/manage/{WELDER}/rules").text


def test_who_may_see_rules_and_approvals(world: World) -> None:
    key, approval = propose(world, world.client("organiser"))
    for role, code in (("organiser", DIGITAL), ("judge", WELDER), ("supervisor", WELDER)):
        client = world.client(role, code)
        assert client.get(f"/manage/{WELDER}/rules").status_code == 403
        assert client.get(f"/manage/{WELDER}/rules/{key}").status_code == 403
        assert client.get(f"/approvals/{approval}").status_code == 404
        assert client.post(f"/approvals/{approval}", data={"answer": "yes"}).status_code == 404
    own = world.client("organiser")
    assert own.get(f"/manage/{WELDER}/rules/999999").status_code == 404
    assert own.post(f"/manage/{WELDER}/rules").status_code == 409, "nothing to publish"
    assert own.post(f"/approvals/{approval}", data={"answer": "withdraw"}).status_code == 303
    assert "未采用" in own.get(f"/manage/{WELDER}/rules").text


def test_the_desk_lists_what_is_missing_with_links(world: World) -> None:
    with world.db.transaction() as session:
        for track in get_contest(session, WELDER).tracks:
            track.phase = "draft"
    page = world.client("organiser").get(f"/manage/{WELDER}")
    assert f'href="/manage/{WELDER}/edit/hosts"' in page.text
    refused = world.client("organiser").post(
        f"/manage/{WELDER}/phase", data={"track": "welder", "phase": "registration"}
    )
    assert refused.status_code == 409 and f'href="/manage/{WELDER}/edit/dates"' in refused.text


def test_a_plan_from_proposal_to_the_public_page(world: World) -> None:
    admin = world.client("admin")
    year = {"code": "2027", "title": "2027 年度竞赛计划", "year": "2027", "theme": "建功"}
    assert admin.post("/plan", data=year | {"year": "x"}).status_code == 400
    assert admin.post("/plan", data=year).status_code == 303
    assert admin.post("/plan", data=year).status_code == 409
    with world.db.transaction() as session:
        unit = session.scalars(select(Unit).order_by(Unit.id)).first()
        assert unit is not None
        unit_id, unit_name = unit.id, unit.name
    client = world.client("organiser")
    sent = {"title": "叉车竞赛", "kind": "skill", "level": "city", "unit": str(unit_id), "occupation": "叉车司机"}
    bad = client.post("/plan/2027/propose", data=sent | {"workers": "很多", "scope": "港口物流"})
    assert bad.status_code == 400 and "港口物流" in bad.text, "what was typed stays"
    answer = client.post("/plan/2027/propose", data=sent)
    assert answer.status_code == 303
    item = answer.headers["Location"]
    assert "提交前还缺" in client.get(item).text
    assert client.post(f"{item}/submit").status_code == 409
    more = {"scope": "港口", "workers": "900", "technology": "堆垛", "months": "9 月", "budget": "1200.5"}
    assert client.post(f"{item}/edit", data=sent | more).status_code == 303
    assert client.post(f"{item}/submit").status_code == 303
    assert client.post(f"{item}/decide", data={"verdict": "approve"}).status_code == 403
    assert "叉车竞赛" not in world.client().get("/plan/2027").text, "not before it is approved"
    assert admin.post(f"{item}/decide", data={"verdict": "refuse"}).status_code == 400
    assert admin.post(f"{item}/decide", data={"verdict": "approve", "label": "model"}).status_code == 303
    public = world.client().get("/plan/2027").text
    assert "叉车竞赛" in public and "示范性竞赛" in public and unit_name in public and "900" in public
    assert world.client("organiser", DIGITAL).get(item).status_code == 404
    with world.db.reading() as session:
        key = session.scalars(select(PlanItem.id)).one()
    assert f"/manage/new?plan={key}" in admin.get(item).text
    assert world.client().get("/plan/none").status_code == 404
    assert admin.post("/plan/2027/open", data={"on": "0"}).status_code == 303
    assert client.post("/plan/2027/propose", data=sent).status_code == 409
