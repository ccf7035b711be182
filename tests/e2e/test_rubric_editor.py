"""The rubric in a browser: keys, dragging, sums that follow, undo, what a reload keeps, no script, two who edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.test_accessible import LOOK
from tests.program import WEIHAI, Program

WELDER = "weihai-2026-welder"
RUBRIC = f"/manage/{WELDER}/edit/rubric/welder/practical"


@pytest.fixture
def links(program: Program, tmp_path: Path) -> Iterator[list[str]]:
    """A server with a draft of the welders' contest, and the sign-in links of its organiser."""
    bundle = json.loads((WEIHAI / "welder.json").read_text(encoding="utf-8"))
    kept = ("format", "contest", "tracks", "team_points", "schemes")
    draft = {key: bundle[key] for key in kept if key in bundle}
    draft["contest"] = {**bundle["contest"], "phase": "draft"}
    path = tmp_path / "draft.json"
    path.write_text(json.dumps(draft, ensure_ascii=False), encoding="utf-8")
    program.run("import", str(path))
    links = [program.link(WELDER, "--role", "organiser") for _each in range(2)]
    program.start()
    yield links


def opened(context: BrowserContext, program: Program, link: str) -> Page:
    page = context.new_page()
    page.goto(link)
    page.goto(program.address + RUBRIC)
    expect(page.locator("html[data-ready]")).to_have_count(1)
    return page


def titles(page: Page) -> list[str]:
    return page.locator(".crit-title input").evaluate_all("all => all.map((one) => one.value)")


def row(page: Page, title: str) -> str:
    """The selector of the row of a title, as it was first shown."""
    at = titles(page).index(title)
    return f".outline > li:nth-child({at + 1})"


def test_keys_sums_undo_and_what_a_reload_keeps(program: Program, links: list[str], browser: Browser) -> None:
    with browser.new_context() as context:
        page = opened(context, program, links[0])
        before = titles(page)
        assert before[:4] == ["准备", "工艺参数选择与调试", "坡口清理与装配定位", "板立焊"]
        total = page.locator("[data-total]")
        expect(total).to_have_text("100")

        # Exact decimals, by heading and in all, while typing.
        page.locator(row(page, "工艺参数选择与调试")).locator("[data-field=max]").fill("6.1")
        expect(page.locator(row(page, "准备")).locator("[data-sum]")).to_have_text("10.1")
        expect(total).to_have_text("100.1")
        page.locator(row(page, "坡口清理与装配定位")).locator("[data-field=max]").fill("4.2")
        expect(total).to_have_text("100.3")
        expect(page.locator("[data-unsaved]")).to_be_visible()

        # A heading goes with all under it; the key stays in the field.
        page.locator(row(page, "准备")).locator(".crit-title input").focus()
        page.keyboard.press("Alt+ArrowDown")
        assert titles(page)[5:9] == ["板立焊 外观成形(评价)", "准备", "工艺参数选择与调试", "坡口清理与装配定位"]
        assert page.evaluate("document.activeElement.value") == "准备"
        page.keyboard.press("Alt+ArrowRight")
        expect(page.locator(row(page, "准备"))).to_have_attribute("data-depth", "1")
        expect(page.locator(row(page, "板立焊")).locator("[data-sum]")).to_have_text("40.3")
        page.keyboard.press("Alt+ArrowLeft")
        expect(page.locator(row(page, "准备"))).to_have_attribute("data-depth", "0")

        # Undo, by key and by button: the moves, then the figure.
        page.keyboard.press("Control+z")
        expect(page.locator(row(page, "准备"))).to_have_attribute("data-depth", "1")
        for _each in range(2):
            page.locator("[data-undo]").click()
        assert titles(page) == before
        page.locator("[data-undo]").click()
        expect(total).to_have_text("100.1")

        # A reload keeps what is not saved, and says so.
        page.on("dialog", lambda dialog: dialog.accept())
        page.reload()
        expect(page.locator("[data-restored]")).to_be_visible()
        expect(total).to_have_text("100.1")

        # A refused save loses nothing, and a good one leaves nothing behind.
        page.locator(row(page, "工艺参数选择与调试")).locator("[data-field=max]").fill("0")
        page.get_by_role("button", name="保存", exact=True).last.click()
        expect(page.locator("[data-field=max][aria-invalid]")).to_have_value("0")
        page.locator("[data-field=max][aria-invalid]").fill("6")
        page.get_by_role("button", name="保存", exact=True).last.click()
        expect(page.locator(".said[role=status]").first).to_contain_text("已保存")
        page.reload()
        expect(page.locator("[data-restored]")).to_be_hidden()
        expect(page.locator("[data-unsaved]")).to_be_hidden()
        expect(total).to_have_text("100")


def test_a_row_is_dragged_with_all_under_it(program: Program, links: list[str], browser: Browser) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 2600}) as context:
        page = opened(context, program, links[0])
        before = titles(page)
        page.locator(row(page, "板立焊")).locator("[data-grip]").drag_to(
            page.locator(row(page, "准备")).locator("[data-grip]"), target_position={"x": 5, "y": 2}
        )
        expect(page.locator(".outline > li").first.locator(".crit-title input")).to_have_value("板立焊")
        after = titles(page)
        assert after[:7] == [*before[3:9], "准备"], after
        assert sorted(after) == sorted(before)
        expect(page.locator("[data-total]")).to_have_text("100")
        page.get_by_role("button", name="保存", exact=True).last.click()
        expect(page.locator(".said[role=status]").first).to_contain_text("已保存")
        assert titles(page) == after


def test_without_script_the_buttons_post(program: Program, links: list[str], browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(links[0])
        page.goto(program.address + RUBRIC)
        first = page.locator(".outline > li").first
        expect(first.locator(".crit-title input")).to_have_value("准备")
        first.get_by_role("button", name="下移").click()
        expect(page.locator(".outline > li").first.locator(".crit-title input")).to_have_value("板立焊")
        expect(page.get_by_text("改动还没有保存。")).to_be_visible()
        page.get_by_role("button", name="保存", exact=True).last.click()
        expect(page.locator(".said[role=status]").first).to_contain_text("已保存")
        expect(page.locator(".outline > li").first.locator(".crit-title input")).to_have_value("板立焊")


def test_the_second_of_two_is_told_and_chooses(program: Program, links: list[str], browser: Browser) -> None:
    with browser.new_context() as one, browser.new_context() as other:
        mine, theirs = opened(one, program, links[0]), opened(other, program, links[1])
        theirs.locator(".crit-title input").nth(1).fill("他们改的")
        theirs.get_by_role("button", name="保存", exact=True).last.click()
        expect(theirs.locator(".said[role=status]").first).to_contain_text("已保存")
        mine.locator(".crit-title input").nth(1).fill("我改的")
        mine.get_by_role("button", name="保存", exact=True).last.click()
        conflict = mine.locator("#conflict")
        expect(conflict).to_contain_text("他们改的")
        expect(conflict).to_contain_text("我改的")
        expect(mine.locator(".crit-title input").nth(1)).to_have_value("我改的")
        theirs.reload()
        expect(theirs.locator(".crit-title input").nth(1)).to_have_value("他们改的")
        mine.get_by_role("button", name="用我填的覆盖").click()
        expect(mine.locator(".said[role=status]").first).to_contain_text("已保存")
        expect(mine.locator(".crit-title input").nth(1)).to_have_value("我改的")


SECTIONS = (
    "", "/basics", "/hosts", "/groups", "/dates", "/tracks", "/teams", "/schemes", "/stages/welder",
    "/rubric/welder/practical", "/ranking/welder", "/eligibility/welder", "/form", "/files", "/chain", "/venues",
    "/board", "/people",
)  # fmt: skip


@pytest.mark.parametrize("width", [375, 1440])
def test_the_editor_is_for_everyone(program: Program, links: list[str], browser: Browser, width: int) -> None:
    """Nothing over the edge, no faint word, every control with a name and a size, the strict policy kept."""
    wrong: list[str] = []
    with browser.new_context(viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text))
        page.goto(links[0])
        for section in SECTIONS:
            page.goto(f"{program.address}/manage/{WELDER}/edit{section}")
            # What stands folded is looked at, too.
            page.evaluate("document.querySelectorAll('.editor-main details').forEach((one) => { one.open = true; })")
            wrong += [f"{section}: {problem}" for problem in page.evaluate(LOOK)]
        page.goto(f"{program.address}/manage/new?clone={WELDER}")
        wrong += [f"new: {problem}" for problem in page.evaluate(LOOK)]
    assert wrong == []
