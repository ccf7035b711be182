"""Every page of the public and of the organiser, on a phone, a tablet and a desk, in both languages.

Nothing runs over the edge, no word is fainter than 4.5:1, whatever can be touched has a name and a size, headings
descend in order, and the strict policy has nothing to refuse.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.program import WEIHAI, Program

LOOK = """() => {
  const found = [];
  const light = (colour) => {
    const part = colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
      .map((v) => v / 255).map((v) => (v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4));
    return .2126 * part[0] + .7152 * part[1] + .0722 * part[2];
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/rgba\\(0, 0, 0, 0\\)|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const seen = (element) => element.offsetParent !== null;
  for (const element of document.querySelectorAll('body *')) {
    const words = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!words || !seen(element)) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(ground(element))];
    const ratio = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 30)}`);
  }
  for (const element of document.querySelectorAll('a, button, input, select, summary')) {
    if (!seen(element) || element.type === 'hidden') continue;
    const box = element.getBoundingClientRect();
    if ((box.height < 24 || box.width < 24) && !element.closest('p, td, th')) found.push(`small: ${element.outerHTML}`);
    const field = ['INPUT', 'SELECT'].includes(element.tagName);
    if (field && !element.labels.length) found.push(`no label: ${element.outerHTML}`);
    if (!field && !element.textContent.trim() && !element.ariaLabel) found.push(`no name: ${element.outerHTML}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  found.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map((id) => `id twice: ${id}`));
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) found.push(`h1: ${levels}`);
  levels.reduce((before, level) => { if (level > before + 1) found.push(`headings: ${levels}`); return level; }, 0);
  if (!document.documentElement.lang || !document.title) found.push('no language or title');
  const over = document.documentElement.scrollWidth - innerWidth;
  if (over > 0) found.push(`${over} px over the edge`);
  return found;
}"""

WELDER, DIGITAL = "weihai-2026-welder", "weihai-2026-digital"
PUBLIC = (
    "/",
    f"/contests/{WELDER}",
    f"/contests/{WELDER}/results",
    f"/contests/{DIGITAL}/results",
    "/sign-in",
    "/none",
    "/in/none",
    f"/contests/{WELDER}/welder/board",
)
ORGANISER = ("/", f"/manage/{WELDER}")


def look(page: Page, address: str, wrong: list[str]) -> None:
    page.goto(address)
    wrong += [f"{address} {page.viewport_size}: {problem}" for problem in page.evaluate(LOOK)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_for_everyone(program: Program, browser: Browser, language: str) -> None:
    for name in ("welder", "digital"):
        program.run("import", str(WEIHAI / f"{name}.json"))
    program.run("phase", DIGITAL, "notice", "--force", "--reason", "test")
    link = program.link(WELDER, "--role", "organiser")
    program.start()
    wrong: list[str] = []
    for width in (375, 1024, 1440):
        with browser.new_context(viewport={"width": width, "height": 900}) as context:
            page = context.new_page()
            page.on("console", lambda said: _note(said, wrong))
            page.goto(f"{program.address}/?lang={language}")
            for path in PUBLIC:
                look(page, program.address + path, wrong)
    with browser.new_context(viewport={"width": 375, "height": 900}) as context:
        page = context.new_page()
        page.on("console", lambda said: _note(said, wrong))
        page.goto(f"{program.address}/?lang={language}")
        page.goto(link)
        for width in (375, 1024, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            for path in ORGANISER:
                look(page, program.address + path, wrong)
    assert wrong == []


def _note(said: Any, wrong: list[str]) -> None:
    # The browser itself remarks on pages whose status is an error; that is what they are for.
    if "Failed to load resource" not in said.text:
        wrong.append(f"console: {said.text}")
