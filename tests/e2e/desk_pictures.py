"""Pictures of the desk's pages at tablet and desk size, in both languages, to be looked at: tests/.shots/desk/*.png.

python -m tests.e2e.desk_pictures
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import ARGUMENTS, CHROMIUM
from tests.e2e.test_pad import long_contest
from tests.program import ROOT, WEIHAI, Program

SHOTS = ROOT / "tests" / ".shots" / "desk"
UPRIGHT, LYING, DESK = (768, 1024), (1024, 768), (1440, 900)


def half_marked(name: str, stage: str, upto: int, folder: Path) -> Path:
    """A contest whose `stage` has been marked by all up to the draw number `upto`, and nothing after."""
    bundle = json.loads((WEIHAI / f"{name}.json").read_text(encoding="utf-8"))
    free = iter(sorted(set(range(1, 99)) - {entry.get("draw") for entry in bundle["entries"]}))
    for entry in bundle["entries"]:
        entry["draw"] = entry.get("draw") or next(free)
    draws = {entry["code"]: entry["draw"] for entry in bundle["entries"]}
    bundle["marks"] = [m for m in bundle["marks"] if m["stage"] != stage or draws[m["entry"]] <= upto]
    path = folder / f"{name}.json"
    path.write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
    return path


def shoot(page: Page, name: str) -> None:
    for lang in ("zh", "en"):
        page.goto(page.url.split("?")[0] + f"?lang={lang}")
        page.locator("[data-total], .wall").first.wait_for()
        page.wait_for_timeout(400)
        page.screenshot(path=SHOTS / f"{name}-{lang}.png")


def visit(browser: Browser, address: str, size: tuple[int, int]) -> Page:
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=size != DESK).new_page()
    page.goto(address)
    page.locator("[data-total], .wall").first.wait_for()
    return page


def main() -> None:
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    folder = Path(tempfile.mkdtemp())
    program = Program(folder)
    for path in (
        half_marked("digital", "pitch", 4, folder), half_marked("welder", "practical", 8, folder), long_contest(folder),
    ):  # fmt: skip
        program.run("import", str(path))
    program.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for contest, stage in (
                ("weihai-2026-digital", "digital/pitch"),
                ("weihai-2026-welder", "welder/practical"),
            ):
                chief = visit(browser, program.link(contest, "--role", "chief", "--user", f"chief-{contest}"), DESK)
                chief.locator("select").first.select_option(stage)
                chief.locator('[data-action="form"][data-window="open"]').click()
                chief.locator("[data-send]").click()
                chief.locator("[data-toast]").wait_for()
                shoot(chief, f"chief-{contest}")
            for name, contest, who in (
                ("judge", "weihai-2026-digital", ("--judge", "F1")),
                ("grades", "weihai-2026-welder", ("--judge", "J2")),
                ("long", "long", ("--judge", "J1")),
                ("recorder", "weihai-2026-welder", ("--role", "recorder", "--user", "recorder")),
            ):
                for shape, size in (("lying", LYING), ("upright", UPRIGHT)):
                    shoot(visit(browser, program.link(contest, *who), size), f"{name}-{shape}")
            browser.close()
    finally:
        program.end()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(list(SHOTS.glob('*.png')))} pictures in {SHOTS}")


if __name__ == "__main__":
    main()
