"""The editor's pages: what is saved, what is refused and kept, who is told of whom, and what is locked."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from competition.accounts import service
from competition.accounts.models import Grant, Unit
from competition.accounts.policy import CONSOLE
from competition.bundle import editing
from competition.contests import staffing
from competition.contests.models import ContestHost, FormField, PlanItem, Season, Station
from competition.contests.packs import asked, record_imported
from competition.contests.queries import get_contest
from competition.contests.templates import TITLES
from competition.registration.models import Entry
from competition.shared import clock
from competition.shared.localtime import put_local
from tests.web.conftest import DIGITAL, WELDER, World

WINDOW = {"registration_opens_at": "2026-05-02T09:00", "registration_closes_at": "2026-05-01T09:00"}
CHOICE = {"fields": "0", "fields-0-label": "x", "fields-0-kind": "choice", "fields-0-purpose": "x"}


@pytest.fixture
def desk(world: World) -> FlaskClient:
    """An organiser's browser; the welders' contest is a draft again."""
    world.app.config["WTF_CSRF_ENABLED"] = False
    world.move(WELDER, "draft")
    with world.db.transaction() as session:
        get_contest(session, WELDER).published_at = None
    return world.client("organiser")


def fields(client: FlaskClient, path: str) -> dict[str, Any]:
    """What a browser would send of a page's form as it stands."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return read_form(answer.text)


def read_form(page: str) -> dict[str, Any]:
    body = page[page.index('<form id="edit"') :]
    body = re.sub(r"<template.*?</template>", "", body[: body.index("</form>")], flags=re.S)
    sent: dict[str, Any] = {}

    def put(name: str, value: str) -> None:
        sent.setdefault(unescape(name), []).append(unescape(value))

    for tag in re.finditer(
        r"<input([^>]*)>|<textarea([^>]*)>(.*?)</textarea>|<select([^>]*)>(.*?)</select>", body, re.S
    ):
        attributes = tag[1] or tag[2] or tag[4] or ""
        name = re.search(r'name="([^"]*)"', attributes)
        if not name:
            continue
        if tag[4] is not None:
            chosen = re.search(r'<option value="([^"]*)" selected', tag[5]) or re.search(
                r'<option value="([^"]*)"', tag[5]
            )
            put(name[1], chosen[1] if chosen else "")
        elif tag[2] is not None:
            put(name[1], tag[3])
        elif 'type="checkbox"' not in attributes or " checked" in attributes:
            value = re.search(r'value="([^"]*)"', attributes)
            put(name[1], value[1] if value else "")
    return sent


EDIT = f"/manage/{WELDER}/edit"
PAGES = (
    "", "/basics", "/hosts", "/groups", "/dates", "/tracks", "/stages/welder", "/rubric/welder/theory",
    "/rubric/welder/practical", "/ranking/welder", "/eligibility/welder", "/teams", "/schemes", "/form", "/files",
    "/chain", "/venues", "/board", "/people",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_and_saves_as_it_stands(desk: FlaskClient, world: World, path: str) -> None:
    page = desk.get(EDIT + path)
    assert page.status_code == 200
    if path in ("", "/people"):
        return
    answer = desk.post(EDIT + path, data=read_form(page.text))
    assert answer.status_code == 303, answer.text
    again = desk.get(EDIT + path)
    assert read_form(again.text)["base"] == read_form(page.text)["base"], "saving what stands there changes nothing"


def test_a_new_contest_from_every_template_stands_as_a_draft_of_whoever_made_it(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    client = world.client("admin")
    assert client.get("/manage/new").status_code == 200
    for start in TITLES:
        sent = {"start": start, "code": f"new-{start}", "title": f"新 {start}", "kind": "skill", "level": "city"}
        answer = client.post("/manage/new", data={**sent, "year": "2027"})
        assert answer.status_code == 303, answer.text
        assert client.get(answer.headers["Location"]).status_code == 200
        twice = client.post("/manage/new", data={**sent, "year": "2027"})
        assert twice.status_code == 422 and f"new-{start}" in twice.text
    with world.db.reading() as session:
        made = get_contest(session, "new-suggestion")
        assert {track.phase for track in made.tracks} == {"draft"}
        grants = session.scalars(select(Grant.role).where(Grant.contest_id == made.id)).all()
        assert grants == ["organiser"]
        assert session.scalars(select(Entry.id).where(Entry.contest_id == made.id)).all() == []
        fields = session.scalars(select(FormField).where(FormField.contest_id == made.id)).all()
        assert [field.code for field in fields] == ["before", "after", "effect"]
        assert all(field.purpose for field in fields)
    assert world.client().get("/contests/new-plain").status_code == 404, "a draft is nobody's business"


def test_a_clone_takes_the_frame_and_leaves_people_and_marks(desk: FlaskClient, world: World) -> None:
    dates = fields(desk, EDIT + "/dates")
    dates |= {"registration_opens_at": ["2026-03-16T09:00"], "registration_closes_at": ["2026-04-17T17:00"]}
    assert desk.post(EDIT + "/dates", data=dates).status_code == 303
    with world.db.transaction() as session:
        own = get_contest(session, WELDER)
        own.tracks[0].eligibility = [{"kind": "age", "min": 16, "on": "2026-05-01"}]
    page = desk.get(f"/manage/new?clone={WELDER}")
    assert "weihai-2027-welder" in page.text and "2027年威海市焊工" in page.text
    sent = {"start": f"clone:{WELDER}", "code": "weihai-2027-welder", "title": "x", "kind": "skill", "level": "city"}
    assert desk.post("/manage/new", data={**sent, "year": "2027"}).status_code == 303
    with world.db.reading() as session:
        made, own = get_contest(session, "weihai-2027-welder"), get_contest(session, WELDER)
        assert put_local(made.registration_closes_at) == "2027-04-17T17:00"
        assert made.tracks[0].eligibility == [{"kind": "age", "min": 16, "on": "2027-05-01"}]
        first, second = (editing.document_of(session, one) for one in (own, made))
        assert first["tracks"] == second["tracks"] and first["schemes"] == second["schemes"]
        assert session.scalars(select(Entry.id).where(Entry.contest_id == made.id)).all() == []
    stranger = world.client("organiser", DIGITAL)
    assert stranger.get(f"/manage/new?clone={WELDER}").status_code == 404
    assert stranger.post("/manage/new", data={**sent, "code": "stolen", "year": "2027"}).status_code == 403


def test_an_approved_plan_becomes_one_contest_with_its_label_trade_and_host(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    with world.db.transaction() as session:
        season = Season(code="s", code_key="s", title="s", year=2027, theme="建功", created_at=clock.now())
        unit = session.scalars(select(Unit)).first()
        assert unit is not None
        proposal = {"occupation": "电工", "occupation_code": "6-31-01-03"}
        item = PlanItem(title="电工比武", kind="skill", level="city", unit_id=unit.id, proposal=proposal, label="model")
        item.state = "submitted"
        season.items.append(item)
        session.add(season)
        session.flush()
        plan, host = item.id, unit.code
    client = world.client("admin")
    assert client.get(f"/manage/new?plan={plan}").status_code == 404, "not approved yet"
    with world.db.transaction() as session:
        session.get_one(PlanItem, plan).state = "approved"
    page = client.get(f"/manage/new?plan={plan}")
    assert "电工比武" in page.text and "年度计划" in page.text
    sent = {"start": f"plan:{plan}", "code": "elec", "title": "电工比武", "kind": "skill", "level": "city"}
    sent |= {"year": "2027", "unit": host}
    assert client.post("/manage/new", data=sent).status_code == 303
    with world.db.reading() as session:
        made = get_contest(session, "elec")
        assert (made.label, made.plan_item_id, made.about["theme"]) == ("model", plan, "建功")
        assert (made.tracks[0].occupation, made.tracks[0].occupation_code) == ("电工", "6-31-01-03")
        hosts = session.scalars(select(ContestHost.part).where(ContestHost.contest_id == made.id)).all()
        assert hosts == ["host"]
    assert client.post("/manage/new", data={**sent, "code": "elec2"}).status_code == 422, "once is enough"


@pytest.mark.parametrize("role", ["contestant", "judge", "organiser"])
def test_who_may_not_found_a_contest_does_not(world: World, role: str) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    client = world.client(role)
    sent = {"start": "plain", "code": "mine", "title": "x", "kind": "skill", "level": "city", "year": "2027"}
    assert client.post("/manage/new", data=sent).status_code == 403
    assert client.get("/manage/new").status_code == (200 if role == "organiser" else 403)


def test_two_who_edit_at_once_are_told_and_nothing_is_overwritten_silently(desk: FlaskClient, world: World) -> None:
    path = EDIT + "/rubric/welder/practical"
    mine, theirs = fields(desk, path), fields(desk, path)
    titles = [name for name in theirs if name.endswith("-title")]
    theirs[titles[1]], mine[titles[1]] = ["他们改的"], ["我改的"]
    assert desk.post(path, data=theirs).status_code == 303
    told = desk.post(path, data=mine)
    assert told.status_code == 409
    assert "他们改的" in told.text and "我改的" in told.text, "the difference is shown"
    assert fields(desk, path)[titles[1]] == ["他们改的"]
    over = re.search(r'name="over" value="(\w+)"', told.text)
    assert over
    assert desk.post(path, data={**read_form(told.text), "over": over[1]}).status_code == 303
    assert fields(desk, path)[titles[1]] == ["我改的"]


def test_a_refused_save_keeps_what_was_typed_beside_every_sentence(desk: FlaskClient) -> None:
    path = EDIT + "/rubric/welder/practical"
    sent = fields(desk, path)
    most = [name for name in sent if name.endswith("-max")]
    sent[most[1]], sent[most[2]] = ["0"], ["六十"]
    answer = desk.post(path, data=sent)
    assert answer.status_code == 422
    assert 'value="六十"' in answer.text and "须大于 0" in answer.text and "须是数字" in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    assert fields(desk, path)[most[1]] != ["0"]


def test_the_outline_moves_without_script_and_saves_nothing_before_it_is_told_to(desk: FlaskClient) -> None:
    path = EDIT + "/rubric/welder/practical"
    sent = fields(desk, path)
    before = [sent[f"rows-{key}-title"][0] for key in sent["rows"]]
    answer = desk.post(path, data={**sent, "do": "rows:down:0"})
    assert answer.status_code == 200 and "改动还没有保存" in answer.text
    moved = read_form(answer.text)
    after = [moved[f"rows-{key}-title"][0] for key in moved["rows"]]
    assert after != before and sorted(after) == sorted(before)
    again = fields(desk, path)
    assert [again[f"rows-{key}-title"][0] for key in again["rows"]] == before
    grown = read_form(desk.post(path, data={**moved, "do": "rows:addh"}).text)
    assert len(grown["rows"]) == len(before) + 1
    assert desk.post(path, data=grown).status_code == 422, "a heading with nothing under it"
    shrunk = read_form(desk.post(path, data={**grown, "do": f"rows:remove:{len(before)}"}).text)
    assert desk.post(path, data=shrunk).status_code == 303
    saved = fields(desk, path)
    assert [saved[f"rows-{key}-title"][0] for key in saved["rows"]] == after


def test_rules_are_tried_out_as_typed_and_nothing_is_stored(desk: FlaskClient) -> None:
    path = EDIT + "/ranking/welder"
    sent = fields(desk, path)
    names = [name for name in sent if name.startswith("f-")]
    assert len(names) == 2 * 8 * 5
    best = {name: ["100"] for name in names if re.fullmatch(r"f-\d-7-\d", name)}
    answer = desk.post(path, data={**sent, **best, "do": "try"})
    rows = re.findall(r'data-rank="(\d*)".*?<td>(S\d+)</td>', answer.text)
    assert rows[0] == ("1", "S08")
    assert "金牌职工" in answer.text and "用时" in answer.text, "what decided a tie"
    assert fields(desk, path)["base"] == sent["base"]
    typed = {**sent, "prizes": ["0"], "prizes-0-title": ["只有一个奖"], "prizes-0-count": ["8"], "do": "try"}
    assert desk.post(path, data=typed).text.count("<td>只有一个奖</td>") == 8
    assert "没填对" in desk.post(path, data={**typed, "prizes-0-count": ["x"]}).text


def test_published_rules_go_to_a_second_organiser_and_the_frame_stays_editable(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    client = world.client("organiser")
    with world.db.transaction() as session:
        record_imported(session, get_contest(session, WELDER), actor=CONSOLE, now=clock.now())
    path = EDIT + "/ranking/welder"
    sent = fields(client, path)
    sent["prizes-0-title"] = ["改了名"]
    refused = client.post(path, data=sent)
    assert refused.status_code == 422 and "理由" in refused.text, "marked already: a reason is asked for"
    assert client.post(path, data={**sent, "reason": "印错了"}).status_code == 303
    assert fields(client, path)["prizes-0-title"] != ["改了名"], "nothing changes before the second yes"
    with world.db.reading() as session:
        contest = get_contest(session, WELDER)
        assert asked(session, contest.id) is not None
    basics = fields(client, EDIT + "/basics")
    basics["summary"] = ["新的一句话"]
    assert client.post(EDIT + "/basics", data=basics).status_code == 303
    assert "新的一句话" in client.get(f"/contests/{WELDER}").text
    board = fields(client, EDIT + "/board")
    board["counts"] = ["saved"]
    assert client.post(EDIT + "/board", data=board).status_code == 422, "which marks count is a rule"


@pytest.mark.parametrize(
    ("path", "change", "sentence"),
    [
        ("/dates", WINDOW, "须晚于"),
        ("/dates", {"starts_at": "5 月"}, "请填日期和时间"),
        ("/dates", {"ends_at": "2026-06-01T09:00", "retention_until": "2026-06-02"}, "30 天"),
        ("/form", {"fields": "0", "fields-0-label": "血型", "fields-0-kind": "text"}, "请填写"),
        ("/form", CHOICE, "两个选项"),
        ("/chain", {"steps": "0", "steps-0-by": "unit", "steps-0-title": "x"}, "最后一步"),
        ("/tracks", {"tracks-0-occupation_code": "6-18"}, "6-18-02-04"),
        ("/tracks", {"tracks-0-kind": "team", "tracks-0-min": "5", "tracks-0-max": "2"}, "上限小于下限"),
        ("/venues", {"venues": "0", "venues-0-name": "x", "venues-0-rows": "40", "venues-0-columns": "40"}, "600"),
        ("/eligibility/welder", {"rules": "0", "rules-0-kind": "age"}, "最低或最高年龄"),
        ("/stages/welder", {"stages-0-weight": "x"}, "须是数字"),
        ("/teams", {"on": "1", "points": "10 x"}, "须是数字"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(desk: FlaskClient, path: str, change: dict[str, str], sentence: str) -> None:
    answer = desk.post(EDIT + path, data={**fields(desk, EDIT + path), **change})
    assert answer.status_code == 422
    assert sentence in answer.text and "says-red" in answer.text


def test_what_is_asked_and_where_is_kept(desk: FlaskClient, world: World) -> None:
    venue = {"venues": "0", "venues-0-name": "技师学院", "venues-0-rows": "3", "venues-0-columns": "4"}
    answer = desk.post(EDIT + "/venues", data={**venue, "venues-0-prefix": "A", "venues-0-off": "A05、A06",
                       "base": fields(desk, EDIT + "/venues")["base"]})  # fmt: skip
    assert answer.status_code == 303
    rules = {
        "rules": ["0", "1"],
        "rules-0-kind": "age",
        "rules-0-min": "16",
        "rules-0-max": "60",
        "rules-0-female": "55",
    }
    rules |= {
        "rules-1-kind": "level",
        "rules-1-least": "senior",
        "base": fields(desk, EDIT + "/eligibility/welder")["base"],
    }
    assert desk.post(EDIT + "/eligibility/welder", data=rules).status_code == 303
    with world.db.reading() as session:
        contest = get_contest(session, WELDER)
        stations = session.scalars(select(Station).order_by(Station.position)).all()
        assert [one.code for one in stations][:5] == ["A01", "A02", "A03", "A04", "A05"]
        assert [(one.row, one.column) for one in stations][3:6] == [(1, 4), (2, 1), (2, 2)]
        assert [one.code for one in stations if not one.usable] == ["A05", "A06"]
        assert contest.tracks[0].eligibility == [
            {"kind": "age", "min": 16, "max": {"male": 60, "female": 55}},
            {"kind": "level", "min": "senior"},
        ]
    kept = fields(desk, EDIT + "/eligibility/welder")
    assert kept["rules-0-female"] == ["55"] and kept["rules-1-least"] == ["senior"]


def test_roles_that_never_meet_are_told(desk: FlaskClient, world: World) -> None:
    def appoint(login: str, role: str, track: str = "") -> tuple[int, str]:
        answer = desk.post(EDIT + "/people", data={"login": login, "role": role, "track": track})
        return answer.status_code, answer.text

    world.client("judge")
    with world.db.transaction() as session:
        service.create_person(session, login="li", name="李", password=None, now=clock.now(), actor=CONSOLE)
    assert appoint("nobody", "coder")[0] == 404
    assert appoint("li", "chief")[0] == 422
    assert appoint("li", "chief", "welder")[0] == 303
    status, page = appoint("li", "supervisor")
    assert status == 403 and "不能兼任" in page and "裁判长" in page
    assert appoint("li", "admin")[0] == 422
    with world.db.reading() as session:
        contest = get_contest(session, WELDER)
        post = next(one for one in staffing.posts(session, contest) if one.login == "li")
        last = next(one for one in staffing.posts(session, contest) if one.role == "organiser")
    assert desk.post(EDIT + "/people", data={"dismiss": str(last.grant_id)}).status_code == 409
    assert desk.post(EDIT + "/people", data={"dismiss": str(post.grant_id)}).status_code == 303
    assert desk.post(EDIT + "/people", data={"dismiss": str(post.grant_id)}).status_code == 404


def test_an_officer_founds_a_contest_that_the_own_unit_hosts_and_no_other(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    with world.db.transaction() as session:
        own, other = session.scalars(select(Unit).order_by(Unit.id)).all()[:2]
        now = clock.now()
        person = service.create_person(session, login="officer", name="干事", password=None, now=now, actor=CONSOLE)
        service.grant(session, person, "unit", unit_id=own.id, now=now, actor=CONSOLE)
        token = service.make_link(session, contest_id=None, role="unit", person_id=person, now=now)
        host, stranger, name = own.code, other.code, own.name
    client = world.app.test_client()
    client.get(f"/in/{token}")
    page = client.get("/manage/new")
    assert page.status_code == 200 and name in page.text
    sent = {"start": "suggestion", "code": "small", "title": "五小", "kind": "suggestion", "level": "enterprise"}
    sent |= {"year": "2027"}
    assert client.post("/manage/new", data=sent).status_code == 422
    assert client.post("/manage/new", data={**sent, "unit": stranger}).status_code == 422
    assert client.post("/manage/new", data={**sent, "unit": host, "code": "new"}).status_code == 422, (
        "an address of ours"
    )
    assert client.post("/manage/new", data={**sent, "unit": host}).status_code == 303
    assert client.get("/manage/small/edit").status_code == 200
    assert name in client.get("/manage/small/edit/hosts").text


def test_the_public_page_tells_who_when_and_how(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    world.client("admin").post(
        "/manage/new",
        data={
            "start": "skill",
            "code": "open",
            "title": "开放的比武",
            "kind": "skill",
            "level": "city",
            "year": "2027",
        },
    )
    now = clock.now()
    with world.db.transaction() as session:
        contest = get_contest(session, "open")
        contest.tracks[0].phase = "registration"
        contest.registration_opens_at, contest.registration_closes_at = now - timedelta(days=1), now + timedelta(days=9)
        session.add(ContestHost(contest_id=contest.id, position=0, part="host", name="威海市总工会"))
    visitor = world.client()
    page = visitor.get("/contests/open").text
    for word in (
        "威海市总工会",
        "6-18-02-04",
        "/contests/open/register",
        "单位盖章的报名表",
        "年满 16 周岁",
        "谁可以参加",
    ):
        assert word in page, word
    assert '<b class="num">9</b>' in page
    home = visitor.get("/").text
    assert home.index("开放的比武") < home.index("焊工"), "what one may register for comes first"
    assert "/contests/open/register" in home
    with world.db.transaction() as session:
        get_contest(session, "open").registration_closes_at = now - timedelta(hours=1)
    assert "/contests/open/register" not in visitor.get("/contests/open").text
    assert "/contests/open/register" not in visitor.get("/").text
