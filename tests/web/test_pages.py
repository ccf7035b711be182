"""What the public pages, the results and the organiser's desk say, and when."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from competition.contests.queries import get_contest
from tests.web.conftest import ACHIEVEMENT, DATA, DIGITAL, WELDER, World

RESULTS = {WELDER: "welder", DIGITAL: "digital", ACHIEVEMENT: "achievement"}


def expected(code: str) -> object:
    return json.loads((DATA / f"{RESULTS[code]}.results.json").read_text(encoding="utf-8"))


def token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def post(client: FlaskClient, what: str, **data: str) -> object:
    page = client.get(f"/manage/{WELDER}").text
    return client.post(f"/manage/{WELDER}/{what}", data={"csrf_token": token(page), **data})


@pytest.mark.parametrize("code", RESULTS)
def test_the_results_are_the_worked_ones_from_the_notice_on(world: World, code: str) -> None:
    client = world.client()
    address = f"/api/v1/contests/{code}/results"
    for phase in ("scoring", "review"):
        world.move(code, phase)
        refused = client.get(address)
        assert refused.status_code == 404
        assert refused.json
        assert "公示" in refused.json["error"]["message"]
        assert client.get(f"/contests/{code}/results").status_code == 404
    for phase in ("notice", "final", "archived"):
        world.move(code, phase)
        assert client.get(address).json == expected(code)
        assert client.get(f"/contests/{code}/results").status_code == 200


def test_no_name_of_a_contest_by_numbers_is_public_before_the_notice(world: World) -> None:
    names = [entry["title"] for entry in json.loads((DATA / "welder.json").read_text(encoding="utf-8"))["entries"]]
    client = world.client()
    for phase in ("scoring", "review"):
        world.move(WELDER, phase)
        for address in ("/", f"/contests/{WELDER}", f"/contests/{WELDER}/results"):
            page = client.get(address).text + client.get("/api/v1" + address).text
            assert not [name for name in names if name in page], address
    world.move(WELDER, "notice")
    page = client.get(f"/contests/{WELDER}/results").text
    assert not [name for name in names if name not in page]


def test_a_frozen_board_leaks_through_no_public_page(world: World) -> None:
    services = world.app.extensions["leitai"]
    with world.db.reading() as session:
        track = get_contest(session, WELDER).tracks[0].id
    chief, public = world.client("chief"), world.client()
    services.projector.fold(track)
    addresses = (
        "/",
        f"/contests/{WELDER}",
        f"/contests/{WELDER}/welder/board",
        f"/screen/{WELDER}/welder",
        f"/api/v1/boards/{WELDER}/welder",
        f"/contests/{WELDER}/results",
        f"/contests/{DIGITAL}",
    )

    def rule(**words: object) -> None:
        answer = chief.post(
            "/api/v1/marks",
            headers={"Origin": "http://localhost"},
            json=[{"contest": WELDER, "track": "welder", "op": str(uuid.uuid4()), "reason": "test", **words}],
        )
        assert answer.json
        assert answer.json[0]["ok"], answer.json

    def seen() -> list[str]:
        return [re.sub(r'"as_of":"[^"]*"|version[^,<>]*', "", public.get(address).text) for address in addresses]

    rule(event="freeze", on=True)
    services.projector.fold(track)
    before = seen()
    assert "93.90" in before[1]
    rule(event="adjust", stage="practical", entry="1", amount="-50")
    services.projector.fold(track)
    assert seen() == before
    staff = world.client("organiser").get(f"/manage/{WELDER}").text
    assert "93.90" not in staff
    rule(event="freeze", on=False)
    services.projector.fold(track)
    assert "93.90" not in "".join(seen())


def test_a_rehearsal_bears_its_mark_and_stands_in_no_list(world: World) -> None:
    with world.db.transaction() as session:
        get_contest(session, WELDER).rehearsal = True
    public, organiser = world.client(), world.client("organiser")
    assert f"/contests/{WELDER}" not in public.get("/").text
    assert f"/contests/{WELDER}" not in public.get(f"/contests/{DIGITAL}").text
    assert f"/manage/{WELDER}" in organiser.get("/").text
    for address in (f"/contests/{WELDER}", f"/contests/{WELDER}/results"):
        assert "演练，不是正式比赛" in public.get(address).text
    assert "演练，不是正式比赛" in organiser.get(f"/manage/{WELDER}").text
    assert "演练" not in public.get(f"/contests/{DIGITAL}").text


def test_results_give_prizes_vacancies_teams_and_a_reason_for_each_in_and_out(world: World) -> None:
    world.move(WELDER, "notice")
    world.move(ACHIEVEMENT, "notice")
    welder = world.client().get(f"/contests/{WELDER}/results").text
    assert "团体总分" in welder
    assert "金牌职工，在名额内" in welder
    achievement = world.client().get(f"/contests/{ACHIEVEMENT}/results").text
    assert "空缺 1" in achievement
    assert "符合条件，名额已满" in achievement
    assert "“应用月数”须不少于 24，现为14" in achievement


def test_a_draft_is_there_for_its_organiser_alone(world: World) -> None:
    world.move(WELDER, "draft")
    assert f"/contests/{WELDER}" not in world.client().get("/").text
    assert world.client().get(f"/contests/{WELDER}").status_code == 404
    assert world.client("organiser").get(f"/contests/{WELDER}").status_code == 200
    assert world.client("organiser", DIGITAL).get(f"/contests/{WELDER}").status_code == 404


def test_an_unknown_contest_is_a_page_that_says_so(world: World) -> None:
    for address in ("/contests/none", "/contests/none/results", "/nothing"):
        answer = world.client().get(address)
        assert answer.status_code == 404
        assert "没有找到" in answer.text
    answer = world.client().get("/api/v1/contests/none/results")
    assert answer.status_code == 404
    assert answer.json
    assert answer.json["error"]["code"] == "unknown"


def test_the_desk_shows_the_tables_in_every_phase_and_names_their_standing(world: World) -> None:
    client = world.client("organiser")
    for phase, word in (
        ("registration", None),
        ("scoring", "暂定成绩"),
        ("review", "已复核"),
        ("notice", "公示中"),
        ("final", "最终结果"),
    ):
        world.move(WELDER, phase)
        page = client.get(f"/manage/{WELDER}").text
        # Who saw names and numbers together could tell whose public number is whose.
        assert ("王海岚" in page) == (phase in ("notice", "final")), phase
        assert "93.90" in page
        assert word is None or word in page


def test_a_phase_is_moved_or_refused_with_what_is_missing(world: World) -> None:
    client = world.client("organiser")
    refused = post(client, "phase", track="welder", phase="review")
    assert refused.status_code == 409  # type: ignore[attr-defined]
    assert "评分窗口尚未关闭" in refused.text  # type: ignore[attr-defined]
    forced = post(client, "phase", track="welder", phase="review", force="1")
    assert forced.status_code == 400  # type: ignore[attr-defined]
    closed = post(client, "window", track="welder", stage="theory", state="closed")
    assert closed.status_code == 303  # type: ignore[attr-defined]
    assert post(client, "phase", track="welder", phase="review").status_code == 303  # type: ignore[attr-defined]
    assert "已复核" in client.get(f"/manage/{WELDER}").text


def test_windows_and_the_freeze_are_set_from_the_desk(world: World) -> None:
    client = world.client("organiser")
    assert post(client, "window", track="welder", stage="theory", state="paused").status_code == 303  # type: ignore[attr-defined]
    assert post(client, "freeze", track="welder", on="1", reason="决赛").status_code == 303  # type: ignore[attr-defined]
    page = client.get(f"/manage/{WELDER}").text
    assert "暂停" in page
    assert "已封榜" in page
    assert post(client, "freeze", track="welder", on="0").status_code == 303  # type: ignore[attr-defined]
    assert "已封榜" not in client.get(f"/manage/{WELDER}").text


@pytest.mark.parametrize("seat", ["judge:J1", "recorder:", "chief:welder"])
def test_the_desk_makes_a_link_with_its_code(world: World, seat: str) -> None:
    page = post(world.client("organiser"), "link", seat=seat).text  # type: ignore[attr-defined]
    assert "<svg" in page
    found = re.search(r"http://localhost(/in/[\w-]+)", page)
    assert found
    answer = world.client().get(found[1])
    assert answer.status_code == 303
    assert answer.location.startswith(f"/{seat.partition(':')[0]}/{WELDER}")


def test_a_link_for_nobody_is_none(world: World) -> None:
    assert post(world.client("organiser"), "link", seat="judge:J99").status_code == 404  # type: ignore[attr-defined]


def test_chinese_first_and_english_one_click_away(world: World) -> None:
    client = world.client()
    page = client.get("/", headers={"Accept-Language": "en-GB,en"})
    assert '<html lang="zh-CN">' in page.text
    link = re.search(r'href="([^"]*lang=en[^"]*)"', page.text)
    assert link
    assert '<html lang="en">' in client.get(link[1].replace("&amp;", "&")).text
    assert '<html lang="en">' in client.get("/").text
    assert '<html lang="zh-CN">' in client.get("/?lang=zh").text
    assert '<html lang="zh-CN">' in client.get("/?lang=xx").text


def test_every_answer_carries_the_protecting_headers(world: World) -> None:
    for address in (
        "/",
        "/sign-in",
        f"/contests/{WELDER}",
        "/nothing",
        "/healthz",
        "/static/css/tokens.css",
        f"/api/v1/contests/{WELDER}/results",
    ):
        with world.client().get(address) as answer:
            headers = answer.headers
        assert "default-src 'self'" in headers["Content-Security-Policy"], address
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


class Inline(HTMLParser):
    """Collects what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != "application/json"):
            self.found.append(tag)
        self.found += [name for name in given if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            if (given.get(name) or "").startswith(("http:", "https:", "//", "javascript:")):
                self.found.append(f"{name}={given[name]}")


def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(world: World) -> None:
    for code in RESULTS:
        world.move(code, "notice")
    client = world.client("organiser")
    for address in ("/", f"/contests/{WELDER}", f"/contests/{WELDER}/results", f"/manage/{WELDER}", "/nothing"):
        parser = Inline()
        parser.feed(client.get(address).text)
        assert parser.found == [], address


def test_the_errors_of_the_interface_are_json(world: World) -> None:
    answer = world.client().get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.json
    assert answer.json["ok"] is False


def test_a_bug_is_a_page_that_says_what_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("competition.pages.views.cards", lambda *_a, **_k: 1 / 0)
    answer = world.client().get("/")
    assert answer.status_code == 500
    assert "可能没有保存" in answer.text
    assert "ZeroDivision" not in answer.text


def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    world.app.config["MAX_CONTENT_LENGTH"] = 1000
    answer = world.client().post("/sign-in", data={"login": "x" * 2000})
    assert answer.status_code == 413
    assert "太大" in answer.text


def test_a_method_that_a_page_does_not_know_is_refused(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    assert world.client().post("/").status_code == 405


def test_readiness_follows_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.client().get("/readyz").status_code == 200
    monkeypatch.setattr("competition.pages.health.database_answers", lambda: False)
    answer = world.client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"ready": False, "database": False}


def test_readiness_follows_redis_where_it_is_set(build: Callable[..., World]) -> None:
    # Nothing listens on the port of discard.
    world = build(LEITAI_REDIS_URL="redis://127.0.0.1:9/0")
    answer = world.client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"ready": False, "database": True, "redis": False}


def test_the_metrics_count_what_was_done(world: World) -> None:
    page = world.client().get("/metrics").text
    for name in ("leitai_viewers", "leitai_folds", "leitai_sheet_changes_total"):
        assert re.search(rf"^{name}\S* \d", page, re.M), name


def test_a_demonstration_offers_a_sign_in_for_every_role_again_and_again(
    build: Callable[..., World], tmp_path: Path
) -> None:
    file = tmp_path / "links.json"
    world = build(LEITAI_DEMO_LINKS=str(file))
    seats = [
        {
            "contest": WELDER,
            "contest_title": "焊工",
            "role": role,
            "name": role,
            "judge": None,
            "track": None,
            "url": f"http://127.0.0.1:8000/in/{world.token(role)}",
        }
        for role in ("organiser", "chief", "judge")
    ]
    file.write_text(json.dumps(seats), encoding="utf-8")
    for _browser in range(2):
        client = world.client()
        page = client.get("/").text
        for number, role in enumerate(("manage", "chief", "judge")):
            assert f'action="/demo/{number}"' in page
            answer = client.post(f"/demo/{number}", data={"csrf_token": token(client.get("/").text)})
            answer = client.get(answer.location)
            assert answer.location.startswith(f"/{role}/{WELDER}")


def test_elsewhere_there_are_no_demonstration_sign_ins(world: World) -> None:
    client = world.client()
    assert "/demo/" not in client.get("/").text
    world.app.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/demo/0").status_code == 404
