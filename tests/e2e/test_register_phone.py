"""A phone registers: what is missing appears while one types; a suggestion is quick, also without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import select

from competition.accounts import service
from competition.accounts.models import Person, Unit
from competition.contests.models import AttachmentRule, Contest, FormField, Track
from competition.registration.models import Registration
from competition.shared import clock
from competition.shared.db import Database, make_engine
from tests.program import Program

CODE = "phone-2026"


@pytest.fixture
def ready(program: Program) -> Iterator[tuple[Program, Database, str]]:
    """A running server with a skill contest and one for suggestions, and a link of somebody who works in a yard."""
    program.start()
    data = Path(program.environment["LEITAI_DATA_DIR"])
    database = Database(make_engine(f"sqlite:///{next(data.glob('*.db'))}"))
    now = clock.now()
    with database.transaction() as session:
        unit = Unit(code="yard", code_key="yard", name="威海造船厂", kind="enterprise")
        union = Unit(code="hc", code_key="hc", name="环翠区总工会", kind="union")
        session.add_all((unit, union))
        for code, kind in ((CODE, "skill"), ("ideas", "suggestion")):
            contest = Contest(
                code=code, code_key=code, title="2026 年焊接竞赛", kind=kind, level="city", year=2026,
                identity="number", created_at=now, about={}, groups=[],
                registration_closes_at=now + timedelta(days=1),
            )  # fmt: skip
            contest.tracks = [
                Track(
                    position=0, code="welder", title="焊工", phase="registration", prizes=[], entrants={},
                    ranking={"places": 2, "rounding": "half_up", "tie_break": [], "ties": "shared"},
                    eligibility=[{"kind": "age", "min": 16}] if kind == "skill" else [],
                )
            ]  # fmt: skip
            session.add(contest)
            session.flush()
            if kind == "skill":
                session.add(FormField(contest_id=contest.id, position=0, code="work", label="工作内容", kind="text",
                                      required=True))  # fmt: skip
            else:
                session.add(AttachmentRule(contest_id=contest.id, position=0, code="photo", title="照片",
                                           types=["image"], max_mb=10))  # fmt: skip
        person = service.create_person(session, login="wang", name="王建国", password=None, now=now)
        row = session.get_one(Person, person)
        row.unit_id, row.profile = unit.id, {"sex": "male"}
        token = service.make_link(session, contest_id=contest.id, role="contestant", person_id=person, now=now)
    yield program, database, f"{program.address}/in/{token}"
    database.engine.dispose()


def phone(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport={"width": 375, "height": 812}, has_touch=True)


def test_the_form_says_what_is_missing_while_one_types(ready: tuple[Program, Database, str], browser: Browser) -> None:
    program, database, link = ready
    context = phone(browser)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(link)
    page.goto(f"{program.address}/contests/{CODE}/register")
    page.get_by_role("button", name="个人报名").click()
    expect(page.locator("[data-ready]")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    born = page.locator('[data-says="p-birth_date"]')
    page.get_by_label("出生日期").fill("2020-01-01")
    expect(born).to_contain_text("须年满 16 周岁")
    expect(page.locator("[data-saved]")).to_have_text("未保存")
    page.get_by_label("出生日期").fill("1990-01-01")
    expect(born).to_be_empty()
    page.get_by_label("工作内容").fill("焊接")
    expect(page.locator("[data-count]")).to_have_text("内容已齐")

    page.get_by_label("就业形式").select_option("platform")
    expect(page.locator('[data-says="unit"]')).to_contain_text("区市总工会")
    page.get_by_label("所在平台").fill("美团")
    page.get_by_label("查找单位").fill("环翠")
    page.get_by_label("环翠区总工会").check()
    expect(page.locator('[data-says="unit"]')).to_be_empty()
    page.get_by_label("我已阅读并同意").check()
    page.get_by_role("button", name="提交报名").click()
    expect(page.locator("main .chip").first).to_contain_text("审核中")
    with database.reading() as session:
        row = session.scalars(select(Registration)).one()
        assert (row.state, row.answers) == ("submitted", {"work": "焊接"})
        assert session.get_one(Unit, row.unit_id).code == "hc"
    assert not problems
    context.close()


def test_the_form_works_without_script(ready: tuple[Program, Database, str], browser: Browser) -> None:
    program, _database, link = ready
    context = browser.new_context(viewport={"width": 375, "height": 812}, java_script_enabled=False)
    page = context.new_page()
    page.goto(link)
    page.goto(f"{program.address}/contests/{CODE}/register")
    page.get_by_role("button", name="个人报名").click()
    page.get_by_label("工作内容").fill("焊接")
    page.get_by_role("button", name="提交报名").click()
    expect(page.locator("#problems")).to_contain_text("出生日期")
    expect(page.get_by_label("工作内容")).to_have_value("焊接")
    page.get_by_label("出生日期").fill("1990-01-01")
    page.get_by_label("我已阅读并同意").check()
    page.get_by_role("button", name="提交报名").click()
    expect(page.locator("main .chip").first).to_contain_text("审核中")
    context.close()


def test_a_suggestion_is_three_fields_one_tick_and_one_button_and_survives_a_lost_network(
    ready: tuple[Program, Database, str], browser: Browser
) -> None:
    program, database, link = ready
    context = phone(browser)
    page = context.new_page()
    page.goto(link)
    address = f"{program.address}/contests/ideas/welder/suggest"
    page.goto(address)
    expect(page.locator("form[data-ready]")).to_have_count(1)
    form = page.locator("form[data-small]")
    # What must be filled in: title, before, after, the consent. What is seen beside that: photo and effect.
    expect(form.locator("input.input:visible, textarea:visible")).to_have_count(5)
    expect(form.locator("input[type=checkbox]:visible")).to_have_count(1)
    expect(form.locator("button:visible:not(.vh)")).to_have_count(1)
    page.get_by_label("改善了什么").fill("换刀架")
    page.get_by_label("改善前").fill("换一次 20 分钟")
    page.get_by_label("改善后").fill("换一次 5 分钟")
    page.reload()
    expect(page.get_by_label("改善后")).to_have_value("换一次 5 分钟")
    page.get_by_label("我已阅读并同意").check()

    context.set_offline(True)
    page.locator("form[data-small] .btn-primary").click()
    expect(page.locator("[data-told]")).to_contain_text("网络不通")
    context.set_offline(False)
    # The answer is lost on its way, though the server has it; the same again is the same suggestion.
    lost: list[int] = []

    def lose(route: object) -> None:
        answer = route.fetch()  # type: ignore[attr-defined]
        lost.append(answer.status)
        route.abort()  # type: ignore[attr-defined]

    page.route("**/suggest", lose, times=1)
    with page.expect_event("requestfailed"):
        page.locator("form[data-small] .btn-primary").click()
    expect(page.locator("[data-told]")).to_contain_text("网络不通")
    assert lost == [200]
    page.locator("form[data-small] .btn-primary").click()
    expect(page.locator("main .chip").first).to_contain_text("审核中")
    with database.reading() as session:
        (row,) = session.scalars(select(Registration)).all()
        assert (row.state, row.origin, row.title) == ("submitted", "small", "换刀架")
    assert json.loads(page.evaluate("JSON.stringify(Object.keys(localStorage))")) == []
    context.close()
