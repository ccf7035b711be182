"""Makes docs/pictures from a running demo: the board as an audience sees it, and a judge's tablet (`make pictures`)."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
CONTEST, TRACK, JUDGE = "weihai-2026-digital", "digital", "P1"
PORT = 8900
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def read_until(demo: subprocess.Popen[str], words: str) -> str:
    text = ""
    assert demo.stdout is not None
    for line in demo.stdout:
        text += line
        if words in line:
            return text
    raise SystemExit(f"the demo ended early:\n{text}")


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")


def main() -> None:
    program = os.environ.get("LEITAI_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    demo = subprocess.Popen(
        [sys.executable, "-m", "competition.cli", "demo", "--port", str(PORT), "--speed", "6"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        text = read_until(demo, "Simulated judges are marking")
        address = f"http://127.0.0.1:{PORT}"
        part = text[text.index(f"{address}/contests/{CONTEST}") :]
        found = re.search(rf"^  judge {JUDGE}\s+(\S+)$", part, re.MULTILINE)
        assert found is not None
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
            tablet = browser.new_page(viewport={"width": 1024, "height": 768}, device_scale_factor=1.5)
            tablet.goto(found.group(1))
            tablet.locator('.saved[data-saved="yes"]').wait_for()
            # A sheet in the middle of being marked says most, after others have been submitted.
            halfway = '[data-action="entry"]:is([data-missing="1"], [data-missing="2"], [data-missing="3"])'
            handed_in = '[data-action="entry"][data-state="submitted"]'
            until = time.monotonic() + 20
            while min(tablet.locator(halfway).count(), tablet.locator(handed_in).count()) == 0:
                if time.monotonic() > until:
                    break
                tablet.wait_for_timeout(1000)
                tablet.reload()
                tablet.locator('.saved[data-saved="yes"]').wait_for()
            if tablet.locator(halfway).count():
                tablet.locator(halfway).first.click()
            tablet.wait_for_timeout(300)
            picture(tablet, "tablet")
            board = browser.new_page(viewport={"width": 1024, "height": 768}, device_scale_factor=1.5)
            board.goto(f"{address}/contests/{CONTEST}/{TRACK}/board")
            board.wait_for_timeout(25_000)
            picture(board, "board")
            browser.close()
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(20)


if __name__ == "__main__":
    main()
