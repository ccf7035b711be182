"""Three judges mark by touch on their tablets, and a phone watches the board change without a reload."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.program import WEIHAI, Program, unmarked

CONTEST, TRACK, STAGE, ENTRY = "weihai-2026-digital", "digital", "review", "D01"
TABLETS = {"P1": (768, 1024), "P2": (1024, 768), "P4": (768, 1024)}


def touch_in(page: Page, value: str) -> None:
    """Types a value on the large keys: its digits, then the half where the step has one."""
    whole, _, part = value.partition(".")
    for digit in whole:
        page.locator(f'[data-action="key"][data-key="{digit}"]').tap()
    if part.strip("0"):
        page.locator(f'[data-action="key"][data-key=".{part.rstrip("0")}"]').tap()


def mark_entry(page: Page, entry: str, marks: list[tuple[str, str]]) -> None:
    page.locator(f'[data-action="entry"][data-entry="{entry}"]').first.tap()
    expect(page.locator(f'[data-current="{entry}"]')).to_be_visible()
    for criterion, value in marks:
        page.locator(f'[data-action="criterion"][data-criterion="{criterion}"]').tap()
        touch_in(page, value)
        page.locator('[data-action="next"]').tap()
    total = sum(Decimal(value) for _, value in marks)
    shown = page.locator("[data-total]").first.get_attribute("data-total")
    assert shown is not None and Decimal(shown) == total
    expect(page.locator('.saved[data-saved="yes"]')).to_be_visible(timeout=10_000)


def submit(page: Page) -> None:
    # The last "next" may have opened the look before handing in already.
    confirm = page.locator('[data-action="confirm-submit"]')
    if not confirm.is_visible():
        page.locator('[data-action="submit"]').tap()
    confirm.tap()
    expect(page.locator('[data-sheet-state="submitted"]')).to_be_visible(timeout=10_000)


def test_three_tablets_mark_and_a_phone_watches(program: Program, browser: Browser, tmp_path: Path) -> None:
    bundle: dict[str, Any] = json.loads((WEIHAI / "digital.json").read_text(encoding="utf-8"))
    # Not every entry has a number in the draw, so judges and public go by codes.
    assert any(entry.get("draw") is None for entry in bundle["entries"])
    marks: dict[str, list[tuple[str, str]]] = {judge: [] for judge in TABLETS}
    for mark in bundle["marks"]:
        if (mark["stage"], mark["entry"]) == (STAGE, ENTRY):
            marks[mark["judge"]].append((mark["criterion"], str(mark["value"])))
    program.run("import", str(unmarked("digital", tmp_path)))
    program.start()

    problems: list[str] = []
    reloads: list[str] = []
    phone = browser.new_page(viewport={"width": 375, "height": 812})
    phone.on("pageerror", lambda error: problems.append(f"board: {error}"))
    phone.goto(f"{program.address}/contests/{CONTEST}/{TRACK}/board")
    row = phone.locator(f'[data-key="{ENTRY}"]').first
    expect(row).to_be_attached()
    before = row.inner_text()
    phone.on("framenavigated", lambda frame: reloads.append(frame.url))

    tablets: dict[str, Page] = {}
    for judge, (width, height) in TABLETS.items():
        context = browser.new_context(viewport={"width": width, "height": height}, has_touch=True)
        page = context.new_page()
        page.on("pageerror", lambda error, judge=judge: problems.append(f"{judge}: {error}"))
        page.goto(program.link(CONTEST, "--judge", judge))
        expect(page.locator('.saved[data-saved="yes"]')).to_be_visible(timeout=15_000)
        assert re.search(rf"/judge/{CONTEST}", page.url)
        assert "船体焊缝" not in page.content(), "a judge sees numbers, never titles of entries"
        tablets[judge] = page

    for judge, page in tablets.items():
        mark_entry(page, ENTRY, marks[judge])
    for page in tablets.values():
        submit(page)

    totals = [sum(Decimal(value) for _, value in rows) for rows in marks.values()]
    score = (sum(totals, Decimal(0)) / len(totals)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    expect(row).to_contain_text(str(score), timeout=10_000)
    assert row.inner_text() != before
    assert reloads == [], "the board changed by the stream, not by a reload"
    board = program.get(f"/api/v1/boards/{CONTEST}/{TRACK}")
    assert next(item for item in board["rows"] if item["key"] == ENTRY)["stages"][STAGE] == str(score)
    assert problems == []

    # What was marked is still there after a reload of the tablet.
    tablet = tablets["P1"]
    tablet.reload()
    tablet.locator(f'[data-action="entry"][data-entry="{ENTRY}"]').first.tap()
    expect(tablet.locator('[data-sheet-state="submitted"]')).to_be_visible(timeout=10_000)


def test_a_recorder_enters_a_measurement(program: Program, browser: Browser, tmp_path: Path) -> None:
    contest, entry = "weihai-2026-achievement", "C01"
    program.run("import", str(unmarked("achievement", tmp_path)))
    program.start()
    page = browser.new_context(viewport={"width": 1024, "height": 768}, has_touch=True).new_page()
    page.goto(program.link(contest, "--role", "recorder"))
    expect(page.locator('.saved[data-saved="yes"]')).to_be_visible(timeout=15_000)
    assert f"/recorder/{contest}" in page.url

    # More than the maximum is not taken, and one key undoes it.
    page.locator(f'[data-action="entry"][data-entry="{entry}"]').first.tap()
    page.locator('[data-action="criterion"][data-criterion="benefit"]').tap()
    touch_in(page, "41")
    page.locator('[data-action="next"]').tap()
    expect(page.get_by_text("40").first).to_be_visible()
    expect(page.locator('[data-action="confirm-submit"]')).not_to_be_visible()
    if page.locator('[data-action="close"]').count():
        page.locator('[data-action="close"]').first.tap()
    page.locator('[data-action="criterion"][data-criterion="benefit"]').tap()
    for _ in range(2):
        page.locator('[data-action="key"][data-key="back"]').tap()
    touch_in(page, "40")
    expect(page.locator('.saved[data-saved="yes"]')).to_be_visible(timeout=10_000)
    submit(page)
    exported = json.loads(program.run("export", contest))
    assert [mark for mark in exported.get("drafts", []) + exported["marks"] if mark["entry"] == entry] == [
        {
            "track": "achievement", "stage": "written", "entry": entry, "criterion": "benefit",
            "attempt": 1, "value": "40",
        }
    ]  # fmt: skip
