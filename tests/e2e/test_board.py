"""The audience's board and the hall's screen follow a contest without a reload, and end with the published ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.program import WEIHAI, Program

CONTEST, TRACK, ENTRY, NUMBER = "weihai-2026-welder", "welder", "W04", "10"


def without_practical(folder: Path) -> Path:
    bundle: dict[str, Any] = json.loads((WEIHAI / "welder.json").read_text(encoding="utf-8"))
    for name in ("marks", "timings", "adjustments"):
        bundle[name] = [
            line for line in bundle[name] if (line["entry"], line["stage"]) != (ENTRY, "practical")
        ]  # fmt: skip
    path = folder / "welder.json"
    path.write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
    return path


def opened(browser: Browser, address: str, width: int, height: int, problems: list[str]) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    page.goto(address)
    return page


def test_board_and_screen_follow_a_contest(program: Program, browser: Browser, tmp_path: Path) -> None:
    program.run("import", str(without_practical(tmp_path)))
    program.start()
    problems: list[str] = []
    phone = opened(browser, f"{program.address}/contests/{CONTEST}/{TRACK}/board", 375, 812, problems)
    hall = opened(browser, f"{program.address}/screen/{CONTEST}/{TRACK}", 1920, 1080, problems)
    row = phone.locator(f'[data-rows] [data-key="{NUMBER}"]')
    expect(row.locator(".chip")).to_contain_text("评分中")
    expect(hall.locator("[data-rows] tr")).to_have_count(10)
    reloads: list[str] = []
    for page in (phone, hall):
        page.on("framenavigated", lambda frame: reloads.append(frame.url))

    program.run("import", str(WEIHAI / "welder.json"), "--replace")
    expect(row).to_have_attribute("data-rank", "4", timeout=15_000)
    expect(row.locator("[data-total]")).to_have_text("87.20")
    expect(phone.locator("[data-why]")).to_contain_text("10 号选手 新上榜 → 第 4 名：实操 86.00")
    expect(phone.locator("[data-why]")).to_contain_text("总分 87.20，与 3 号选手相同；同分时实操高者在前。")
    expect(hall.locator("[data-why]")).to_contain_text("10 号选手", timeout=15_000)
    assert "张砚青" not in phone.content()

    for phase in ("review", "notice"):
        program.run("phase", CONTEST, phase, "--force", "--reason", "the test goes on")
    expect(phone.locator("#board")).to_have_attribute("data-state", "final", timeout=15_000)
    expect(phone.locator(f'[data-rows] [data-key="{NUMBER}"]')).to_contain_text("张砚青")
    expect(phone.locator(".prize").first).to_be_visible()
    results = json.loads((WEIHAI / "welder.results.json").read_text(encoding="utf-8"))
    entries = json.loads((WEIHAI / "welder.json").read_text(encoding="utf-8"))["entries"]
    numbers = {entry["code"]: entry["draw"] for entry in entries}
    for official in results["tracks"][0]["ranking"]:
        shown = phone.locator(f'[data-rows] [data-key="{numbers[official["entry"]]}"]')
        expect(shown).to_have_attribute("data-rank", str(official["rank"]))
        expect(shown.locator("[data-total]")).to_have_text(official["total"])
    assert not reloads
    assert not problems
