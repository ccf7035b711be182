"""The judge's pad and the chief's console on a real server: long rubrics, lost servers, two tablets, no socket."""

from __future__ import annotations

import json
import os
import signal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.program import Program

STEPS = ("0.5", "0.25", "0.1", "1")
SAVED = '.saved[data-saved="yes"]'
WAITING = '.saved[data-saved="no"]'


def long_contest(folder: Path) -> Path:
    """Twenty-three criteria under headings: every kind of step, a grade, a deduction, a free figure; two attempts."""
    groups: list[dict[str, Any]] = [
        {"code": f"h{group}", "title": f"第 {group} 组", "note": "按现场观察评", "criteria": [
            {"code": f"c{group}{number}", "title": f"第 {group}.{number} 项", "max": 10, "step": STEPS[number % 4],
             "note": "有争议时举手。" if number % 2 else None}
            for number in range(1, 6)]}
        for group in range(1, 5)
    ]  # fmt: skip
    leaves: list[dict[str, Any]] = [
        {
            "code": "grade",
            "title": "职业素养",
            "max": 4,
            "kind": "grade",
            "descriptors": ["未达到", "达到", "部分超出", "优秀"],
        },
        {"code": "less", "title": "扣分", "min": -5, "max": 0, "step": "0.5"},
        {"code": "free", "title": "自由计分", "max": 100},
    ]
    bundle = {
        "format": "leitai.bundle/1",
        "contest": {"code": "long", "title": "长评分表", "kind": "skill", "level": "city", "year": 2026},
        "judges": [{"code": code, "name": code} for code in ("J1", "J2")],
        "tracks": [{"code": "t", "title": "综合", "stages": [
            {"code": "s", "title": "现场", "attempt_count": 2, "criteria": groups + leaves}]}],
        "entries": [{"code": f"E{n}", "track": "t", "title": f"E{n}", "draw": n} for n in range(1, 7)],
        "panels": [{"track": "t", "stage": "s", "judges": ["J1", "J2"]}],
    }  # fmt: skip
    path = folder / "long.json"
    path.write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def running(program: Program, tmp_path: Path) -> Program:
    program.run("import", str(long_contest(tmp_path)))
    program.start()
    return program


def tablet(browser: Browser, size: tuple[int, int] = (1024, 768)) -> BrowserContext:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=True)
    context.set_default_timeout(10_000)
    return context


def sign_in(program: Program, context: BrowserContext, *who: str) -> Page:
    page = context.new_page()
    page.goto(program.link("long", *who))
    return page


def judge(program: Program, context: BrowserContext, code: str = "J1") -> Page:
    page = sign_in(program, context, "--judge", code)
    expect(page.locator(SAVED)).to_be_visible()
    return page


def keys(page: Page, *names: str) -> None:
    for name in names:
        page.locator(f'[data-action="key"][data-key="{name}"]').tap()


def go(page: Page, entry: str, criterion: str) -> None:
    page.locator(f'nav [data-action="entry"][data-entry="{entry}"]').tap()
    page.locator(f'[data-action="criterion"][data-criterion="{criterion}"]').tap()


def stored(program: Program) -> dict[tuple[str, str, str], str]:
    """What an export holds, submitted or not: entry, judge, criterion → value."""
    bundle = json.loads(program.run("export", "long"))
    rows = bundle.get("marks", []) + bundle.get("drafts", [])
    assert len({(r["entry"], r["judge"], r["criterion"], r.get("attempt", 1)) for r in rows}) == len(rows)
    return {(r["entry"], r["judge"], r["criterion"]): str(r["value"]) for r in rows}


def kill(program: Program) -> None:
    assert program.process is not None
    os.killpg(program.process.pid, signal.SIGKILL)
    program.process.wait(10)


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024)])
def test_a_long_rubric_is_marked_by_next_alone(running: Program, browser: Browser, size: tuple[int, int]) -> None:
    page = judge(running, tablet(browser, size))
    active = page.locator('[data-action="criterion"][aria-current="true"]')
    for _ in range(23):
        code = active.get_attribute("data-criterion")
        expect(active).to_be_in_viewport(ratio=0.9)
        for key in page.locator(".key").all():
            box = key.bounding_box()
            assert box is not None and min(box["width"], box["height"]) >= 72
            assert box["y"] + box["height"] <= size[1]
        if code == "grade":
            page.locator('[data-action="grade"][data-grade="2"]').tap()
        elif code == "less":
            keys(page, "±", "1", ".5")
        elif code == "free":
            keys(page, "4", "2", ".", "7", "5")
        else:
            keys(page, "7")
        page.locator('[data-action="next"]').tap()
    expect(page.locator('[data-panel="confirm"]')).to_be_visible()
    exact = 20 * 7 + Fraction(2, 3) * 4 - Fraction(3, 2) + Fraction("42.75")
    assert page.locator("[data-total]").get_attribute("data-total") == f"{float(exact):.2f}"
    page.locator('[data-action="confirm-submit"]').tap()
    expect(page.locator('[data-sheet-state="submitted"]')).to_be_visible()
    assert len(stored(running)) == 23
    small = page.evaluate(
        "[...document.querySelectorAll('button, a')].map(e => e.getBoundingClientRect())"
        ".filter(r => r.width && (r.width < 48 || r.height < 48)).length"
    )
    assert small == 0


def test_a_figure_rests_and_is_undone(running: Program, browser: Browser) -> None:
    page = judge(running, tablet(browser))
    cell = page.locator('[data-action="criterion"][data-criterion="c11"]')
    keys(page, "7", ".25")
    expect(page.locator(WAITING)).to_be_visible()  # under the finger: not yet a mark
    expect(page.locator(SAVED)).to_be_visible(timeout=4000)
    keys(page, "9")
    page.locator('[data-action="next"]').tap()
    expect(page.locator(SAVED)).to_be_visible()
    assert cell.get_attribute("data-value") == "9"
    page.locator('[data-action="undo"]').tap()
    expect(page.locator(SAVED)).to_be_visible()
    expect(cell).to_have_attribute("data-value", "7.25")
    page.locator('[data-action="undo"]').tap()
    expect(cell).to_have_attribute("data-value", "")
    expect(page.locator(SAVED)).to_be_visible()
    assert stored(running) == {}
    keys(page, "9")
    keys(page, "9")  # 99 of 10 is not taken
    expect(page.locator(".now .bad")).to_be_visible()
    assert page.locator("output").get_attribute("data-figure") == "9"


def test_nothing_is_lost_with_the_server(running: Program, browser: Browser) -> None:
    page = judge(running, tablet(browser))
    kill(running)
    keys(page, "8")
    page.locator('[data-action="next"]').tap()
    keys(page, "9")
    page.locator('[data-action="next"]').tap()
    expect(page.locator('.saved[data-waiting="2"]')).to_be_visible()
    expect(page.locator('nav [data-entry="1"][data-unsent="2"]')).to_be_visible()
    assert stored(running) == {}
    running.start()
    expect(page.locator(SAVED)).to_be_visible(timeout=20_000)
    assert stored(running) == {("E1", "J1", "c11"): "8", ("E1", "J1", "c12"): "9"}


def test_two_tablets_on_a_seat_and_the_judge_settles_it(running: Program, browser: Browser) -> None:
    first, second = tablet(browser), tablet(browser, (768, 1024))
    one, two = judge(running, first), judge(running, second)
    first.set_offline(True)
    for page, value in ((two, "5"), (one, "6")):
        go(page, "3", "c12")
        keys(page, value)
        page.locator('[data-action="next"]').tap()
    expect(two.locator(SAVED)).to_be_visible()
    expect(one.locator('.saved[data-waiting="1"]')).to_be_visible()
    first.set_offline(False)
    expect(one.locator('[data-refusal="conflict"]')).to_be_visible(timeout=20_000)
    expect(one.locator(SAVED)).to_have_count(0)
    assert stored(running)["E3", "J1", "c12"] == "5"
    one.locator('[data-refusal] [data-action="retry"]').tap()
    expect(one.locator(SAVED)).to_be_visible()
    assert stored(running)["E3", "J1", "c12"] == "6"


def test_marks_arrive_without_a_socket(running: Program, browser: Browser) -> None:
    context = tablet(browser)
    page = context.new_page()
    page.route_web_socket("**/socket.io/**", lambda socket: socket.close())
    page.goto(running.link("long", "--judge", "J1"))
    expect(page.locator('#app[data-link="http"]')).to_be_visible(timeout=20_000)
    keys(page, "8")
    page.locator('[data-action="next"]').tap()
    expect(page.locator(SAVED)).to_be_visible(timeout=20_000)
    assert stored(running) == {("E1", "J1", "c11"): "8"}


def test_signed_out_and_in_again_the_queue_goes_on(running: Program, browser: Browser) -> None:
    context = tablet(browser)
    page = judge(running, context)
    kill(running)
    keys(page, "8")
    page.locator('[data-action="next"]').tap()
    expect(page.locator('.saved[data-waiting="1"]')).to_be_visible()
    context.clear_cookies()
    running.start()
    expect(page.locator("[data-signed-out]")).to_be_visible(timeout=20_000)
    assert stored(running) == {}
    page.goto(running.link("long", "--judge", "J1"))
    expect(page.locator(SAVED)).to_be_visible(timeout=20_000)
    assert stored(running) == {("E1", "J1", "c11"): "8"}


def test_the_chief_sees_pauses_and_reopens(running: Program, browser: Browser) -> None:
    page = judge(running, tablet(browser))
    desk = browser.new_context(viewport={"width": 1440, "height": 900})
    chief = sign_in(running, desk, "--role", "chief", "--user", "chief")
    cell = chief.locator('[data-action="cell"][data-judge="J1"][data-entry="1"]')
    expect(cell).to_have_attribute("data-state", "empty")
    keys(page, "8")
    page.locator('[data-action="next"]').tap()
    expect(cell).to_have_attribute("data-total", "8.00")
    expect(cell).to_have_attribute("data-state", "marking")

    chief.locator('[data-action="form"][data-window="paused"]').click()
    chief.locator("[name=reason]").fill("设备检查")
    chief.locator("[data-send]").click()
    expect(page.locator('[data-closed="paused"]')).to_contain_text("设备检查")
    chief.locator('[data-action="form"][data-window="open"]').click()
    chief.locator("[data-send]").click()
    expect(page.locator('[data-readonly="false"]')).to_be_visible()

    chief.locator('[data-action="form"][data-window="closed"]').click()
    expect(chief.locator('[data-gap-judge="J2"]')).to_be_visible()
    chief.locator('[data-action="back"]').click()

    for code in [f"c{group}{number}" for group in range(1, 5) for number in range(1, 6)][1:]:
        page.locator(f'[data-action="criterion"][data-criterion="{code}"]').tap()
        keys(page, "7")
    page.locator('[data-action="criterion"][data-criterion="grade"]').tap()
    page.locator('[data-action="grade"][data-grade="3"]').tap()
    for code in ("less", "free"):
        page.locator(f'[data-action="criterion"][data-criterion="{code}"]').tap()
        keys(page, "0")
    page.locator('[data-action="submit"]').tap()
    page.locator('[data-action="confirm-submit"]').tap()
    expect(cell).to_have_attribute("data-state", "submitted")

    cell.click()
    chief.locator("[data-reopen]").click()
    chief.locator("[data-send]").click()  # without a reason: said at the field, nothing sent
    expect(chief.locator("#f-reason-says")).to_be_visible()
    chief.locator("[name=reason]").fill("第一项录入有误")
    chief.locator("[data-send]").click()
    expect(cell).to_have_attribute("data-state", "reopened")
    expect(page.locator("[data-reopened]")).to_be_visible()
    chief.locator('[data-action="back"]').click()
    chief.locator('[data-action="form"][data-kind="adjust"]').click()
    chief.locator("[name=entry]").select_option("2")
    chief.locator("[name=amount]").fill("−2.5")
    chief.locator("[name=reason]").fill("超时")
    chief.locator("[data-send]").click()
    expect(chief.locator('[data-ruling="adjust"]')).to_be_visible()
    bundle = json.loads(running.run("export", "long"))
    assert [(a["entry"], str(a["amount"])) for a in bundle["adjustments"]] == [("E2", "-2.5")]


def test_numbers_of_the_page_are_exact(running: Program, browser: Browser) -> None:
    page = judge(running, tablet(browser))
    said = page.evaluate(
        """async () => {
            const d = await import('/static/js/shared/decimal.js');
            const sum = Array(10).fill(d.read('0.1')).reduce(d.add, d.ZERO);
            const on = (value, step) => d.onStep(d.read(value), d.ZERO, d.read(step));
            const long = d.plain(d.read('123456789012345678901234567890.1'));
            return [d.plain(sum), d.rounded(d.over(d.read('20'), 3), 2),
                d.rounded(d.read('-0.005'), 2), d.rounded(d.read('1.005'), 2),
                on('0.7', '0.1'), on('7.3', '0.25'), long,
                d.seconds('62:03.4'), d.seconds('1:02:03.4'), d.seconds('3541.2'), d.seconds('3:75'),
                d.clock('3723.40'), d.read('1e3'), d.percent(d.read('13'), d.read('15'))];
        }"""
    )
    assert said == [
        "1", "6.67", "-0.01", "1.01", True, False, "123456789012345678901234567890.1", "3723.4", "3723.4", "3541.2",
        None, "1:02:03.4", None, "86.7%",
    ]  # fmt: skip
