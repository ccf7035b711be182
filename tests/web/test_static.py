"""Static files may be kept for ever by the address that a page gives them, and never longer than they are the same."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from pathlib import Path

import pytest
from flask import url_for

from competition.app import create_app
from competition.pages.static_files import AGAIN, FOREVER, Versions
from competition.shared.resources import resource_dir
from tests.web.conftest import World, settings

STATIC = resource_dir("static")
TEMPLATES = resource_dir("templates")
IMPORTED = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*['"]([./][^'"]+\.js)['"]""")


def addresses(text: str) -> list[str]:
    return re.findall(r'(?:href|src|data-src)="(/static/[^"]+)"', text)


def test_every_static_address_of_a_page_names_its_content(world: World) -> None:
    client = world.client("judge")
    found: set[str] = set()
    for page in ("/", "/sign-in", "/judge/weihai-2026-welder?lang=en", "/contests/weihai-2026-welder"):
        found |= set(addresses(client.get(page).text))
    assert len(found) > 5
    for address in found:
        path, _, version = address.partition("?v=")
        content = (STATIC / path.removeprefix("/static/")).read_bytes()
        assert version == hashlib.sha256(content).hexdigest()[:12], address
        with client.get(address) as answer:
            assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOREVER), address
            assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("query", ["", "?v=", "?v=000000000000", "?other=1"])
def test_any_other_address_is_asked_for_again_and_answered_304(world: World, query: str) -> None:
    client = world.client()
    with client.get(f"/static/js/shared/strings.js{query}") as answer:
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, AGAIN)
        etag = answer.headers["ETag"]
    with client.get(f"/static/js/shared/strings.js{query}", headers={"If-None-Match": etag}) as again:
        assert (again.status_code, again.headers["Cache-Control"]) == (304, AGAIN)


def test_what_is_not_there_is_kept_by_nobody(world: World) -> None:
    with world.client().get("/static/js/nothing.js?v=123456789abc") as answer:
        assert answer.status_code == 404
        assert "immutable" not in answer.headers.get("Cache-Control", "")
    with world.app.test_request_context():
        assert url_for("static", filename="js/nothing.js") == "/static/js/nothing.js"


def test_a_changed_file_gets_another_version(tmp_path: Path) -> None:
    file = tmp_path / "a.css"
    versions = Versions(tmp_path)
    assert versions.of("a.css") is None
    file.write_text("one")
    first = versions.of("a.css")
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    assert first is not None
    assert versions.of("a.css") not in (None, first)


def test_no_module_is_loaded_under_two_addresses() -> None:
    """A page's own script has a version in its address; imported ones have none. One that were both would run twice."""
    imported = set()
    for script in (STATIC / "js").rglob("*.js"):
        folder = posixpath.join("/static", script.parent.relative_to(STATIC).as_posix())
        imported |= {posixpath.normpath(posixpath.join(folder, name)) for name in IMPORTED.findall(script.read_text())}
    begun = {
        f"/static/{name}"
        for template in TEMPLATES.rglob("*.html")
        for name in re.findall(r"""type="module"[^>]*filename=['"]([^'"]+)""", template.read_text())
    }
    assert len(imported) > 15 and len(begun) > 5
    assert all((STATIC / name.removeprefix("/static/")).is_file() for name in imported | begun)
    assert not imported & begun


def test_an_application_alone_makes_the_same_addresses(tmp_path: Path) -> None:
    first, second = (create_app(settings(tmp_path / name)) for name in "ab")
    said = []
    for app in (first, second):
        with app.test_request_context():
            said.append(url_for("static", filename="css/tokens.css"))
        app.extensions["leitai"].stop()
    assert said[0] == said[1]
