"""The door on a phone whose network drops for a while: nothing is lost, nothing counts twice, nothing is claimed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.program import Program
from tests.services.drawn import bundle


@pytest.fixture
def cup(program: Program, tmp_path: Path) -> str:
    file = tmp_path / "cup.json"
    file.write_text(json.dumps(bundle(phase="draw"), ensure_ascii=False), encoding="utf-8")
    program.run("import", str(file))
    link = program.link("cup", "--role", "organiser")
    program.start()
    return link


def test_a_dropped_network_costs_no_check_in(program: Program, browser: Browser, cup: str) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 740}, locale="zh-CN")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(cup)
    page.goto(f"{program.address}/checkin/cup")
    saved, count = page.locator("[data-saved]"), page.locator("[data-count]")
    line = page.locator('li[data-entry="E001"]')

    expect(saved).to_have_text("已保存 ✓")
    line.locator("[data-toggle]").click()
    expect(line).to_have_attribute("data-present", "yes")
    expect(saved).to_have_text("已保存 ✓")

    context.set_offline(True)
    for code in ("E002", "E003"):
        page.locator(f'li[data-entry="{code}"] [data-toggle]').click()
    page.locator("#typed").fill("e004")
    page.locator("[data-typed] .btn").click()
    expect(saved).to_have_text("3 条待发送")
    expect(count).to_have_text("到场 4 / 9")
    expect(page.locator('li[data-entry="E002"] [data-chip]')).to_contain_text("待发送")
    # A mistake is undone on the spot, still without a network.
    page.locator("[data-last] .btn").click()
    expect(saved).to_have_text("4 条待发送")
    expect(page.locator('li[data-entry="E004"]')).to_have_attribute("data-present", "no")
    kept = page.evaluate("Object.entries(localStorage).find(([key]) => /checkin[.]cup[.][0-9]/.test(key))[1]")
    assert [item["entry"] for item in json.loads(kept)] == ["E002", "E003", "E004", "E004"]

    context.set_offline(False)
    expect(saved).to_have_text("已保存 ✓", timeout=20_000)
    # Somebody else's phone sees the same, and what was sent once more changes nothing.
    answers = page.evaluate(
        """async (kept) => (await fetch('/checkin/cup/ops', {method: 'POST',
           headers: {'Content-Type': 'application/json'}, body: kept})).json()""",
        kept,
    )
    assert [answer["written"] for answer in answers] == [False] * 4
    other = context.new_page()
    other.goto(f"{program.address}/checkin/cup")
    expect(other.locator("[data-count]")).to_have_text("到场 3 / 9")
    assert wrong == []
    context.close()


def test_what_waits_outlives_a_reload(program: Program, browser: Browser, cup: str) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 740}, locale="zh-CN")
    page = context.new_page()
    page.goto(cup)
    page.goto(f"{program.address}/checkin/cup")
    expect(page.locator("[data-saved]")).to_have_text("已保存 ✓")
    page.route("**/checkin/cup/ops", lambda route: route.abort())
    page.locator('li[data-entry="E005"] [data-toggle]').click()
    expect(page.locator("[data-saved]")).to_have_text("1 条待发送")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("[data-saved]")).to_have_text("1 条待发送")
    expect(page.locator('li[data-entry="E005"]')).to_have_attribute("data-present", "yes")
    page.unroute("**/checkin/cup/ops")
    expect(page.locator("[data-saved]")).to_have_text("已保存 ✓", timeout=20_000)
    context.close()


def test_the_camera_is_the_pages_own_and_typing_stays(program: Program, browser: Browser, cup: str) -> None:
    """The policy lets the reader's worker run on this page, and a phone without a camera says what to do."""
    context = browser.new_context(viewport={"width": 375, "height": 740}, locale="zh-CN")
    page = context.new_page()
    page.goto(cup)
    answer = page.goto(f"{program.address}/checkin/cup")
    assert answer is not None and "worker-src 'self' blob:" in answer.headers["content-security-policy"]
    home = page.request.get(program.address)
    assert "worker-src" not in home.headers["content-security-policy"]
    page.locator("[data-scan]").click()
    expect(page.locator("[data-last]")).to_contain_text("手工输入报名号", timeout=15_000)
    context.close()
