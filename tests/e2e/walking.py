"""People who walk through the pages, each with a browser of their own, and the pictures they take on their way."""

from __future__ import annotations

import hashlib
import os
import random
import re
from pathlib import Path

import pyotp
from PIL import Image
from playwright.sync_api import Browser, Page, Response, ViewportSize, expect

from tests.program import Program

PHONE: ViewportSize = {"width": 375, "height": 812}
DESK: ViewportSize = {"width": 1440, "height": 900}
PICTURES = os.environ.get("LEITAI_TEST_PICTURES")

TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return '';
  return [...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > width + 1)
    .map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 30)}`).join('; ');
}"""
"""What sticks out of a page that is wider than its screen."""


def photo(path: Path, side: int) -> str:
    """A picture that no packing makes smaller, three bytes a dot; gives its SHA-256."""
    noise = random.Random(side).randbytes(side * side * 3)
    Image.frombytes("RGB", (side, side), noise).save(path, compress_level=0)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Walker:
    """Somebody with a browser: a phone where `phone`, else a desk."""

    def __init__(self, program: Program, browser: Browser, *, phone: bool = False) -> None:
        self.program = program
        self.size = PHONE if phone else DESK
        self.context = browser.new_context(viewport=self.size, has_touch=phone, locale="zh-CN")
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("response", self._heard)

    def _heard(self, answer: Response) -> None:
        if answer.status >= 500:
            self.wrong.append(f"{answer.status} {answer.url}")

    def go(self, path: str) -> None:
        answer = self.page.goto(path if path.startswith("http") else self.program.address + path)
        assert answer is not None and answer.ok, f"{path}: {answer and answer.status}"

    def follow(self, name: str) -> None:
        """Follows the link of that name, the first one in the page itself, else of its head."""
        inside = self.page.locator("main").get_by_role("link", name=name)
        link = inside if inside.count() else self.page.get_by_role("link", name=name)
        link.first.click()

    def menu(self, name: str) -> None:
        """Goes to one of the pages in the head of every page, on a phone in its menu."""
        if self.size is PHONE:
            self.page.get_by_text("菜单", exact=True).click()
        self.page.locator("header.bar").get_by_role("link", name=name, exact=True).click()

    def press(self, name: str) -> None:
        self.page.locator("main").get_by_role("button", name=name).first.click()

    def fill(self, **fields: str) -> None:
        """Fills by the id of the input; a choice by its value."""
        for key, value in fields.items():
            box = self.page.locator(f"[id='{key}']")
            if box.evaluate("one => one.tagName") == "SELECT":
                box.select_option(value)
            else:
                box.fill(value)

    def says(self, words: str) -> None:
        expect(self.page.locator("main")).to_contain_text(words)

    def picture(self, name: str) -> None:
        """Looks at the page at both sizes: nothing is wider than the screen; kept where LEITAI_TEST_PICTURES says."""
        self.page.wait_for_load_state()
        expect(self.page.locator("main")).to_be_visible()
        for size in (PHONE, DESK):
            self.page.set_viewport_size(size)
            if wide := self.page.evaluate(TOO_WIDE):
                self.wrong.append(f"{name} at {size['width']}: {wide}")
            if PICTURES:
                Path(PICTURES).mkdir(parents=True, exist_ok=True)
                self.page.screenshot(path=Path(PICTURES) / f"{name}-{size['width']}.png", full_page=True)
        self.page.set_viewport_size(self.size)

    def sign_in(self, login: str, password: str) -> None:
        """With a password and, as an office needs them, with one-time codes, which are set up on the way."""
        self.go("/sign-in")
        self.page.get_by_label("登录名").fill(login)
        self.page.get_by_label("密码", exact=True).fill(password)
        self.press("登录")
        expect(self.page.get_by_role("button", name="退出")).to_be_visible()
        self.go("/me/security/codes")
        secret = re.sub(r"\s", "", self.page.locator("code.secret").text_content() or "")
        self.page.get_by_label("验证码").fill(pyotp.TOTP(secret).now())
        self.press("启用")
        self.follow("已经抄好")

    def end(self) -> None:
        assert not self.wrong, self.wrong
        self.context.close()
