"""The editor's pages: what is saved, what is refused and kept, who is told of whom, and what is locked."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from competition.contests.queries import get_contest
from tests.web.conftest import WELDER, World


@pytest.fixture
def desk(world: World) -> FlaskClient:
    """An organiser's browser; the welders' contest is a draft again."""
    world.app.config["WTF_CSRF_ENABLED"] = False
    world.move(WELDER, "draft")
    with world.db.transaction() as session:
        get_contest(session, WELDER).published_at = None
    return world.client("organiser")


def fields(client: FlaskClient, path: str) -> dict[str, Any]:
    """What a browser would send of a page's form as it stands."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return read_form(answer.text)


def read_form(page: str) -> dict[str, Any]:
    body = page[page.index('<form id="edit"') :]
    body = re.sub(r"<template.*?</template>", "", body[: body.index("</form>")], flags=re.S)
    sent: dict[str, Any] = {}

    def put(name: str, value: str) -> None:
        sent.setdefault(unescape(name), []).append(unescape(value))

    for tag in re.finditer(
        r"<input([^>]*)>|<textarea([^>]*)>(.*?)</textarea>|<select([^>]*)>(.*?)</select>", body, re.S
    ):
        attributes = tag[1] or tag[2] or tag[4] or ""
        name = re.search(r'name="([^"]*)"', attributes)
        if not name:
            continue
        if tag[4] is not None:
            chosen = re.search(r'<option value="([^"]*)" selected', tag[5]) or re.search(
                r'<option value="([^"]*)"', tag[5]
            )
            put(name[1], chosen[1] if chosen else "")
        elif tag[2] is not None:
            put(name[1], tag[3])
        elif 'type="checkbox"' not in attributes or " checked" in attributes:
            value = re.search(r'value="([^"]*)"', attributes)
            put(name[1], value[1] if value else "")
    return sent


EDIT = f"/manage/{WELDER}/edit"
PAGES = (
    "", "/basics", "/hosts", "/groups", "/dates", "/tracks", "/stages/welder", "/rubric/welder/theory",
    "/rubric/welder/practical", "/ranking/welder", "/eligibility/welder", "/teams", "/form", "/files", "/chain",
    "/venues", "/board", "/people",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_and_saves_as_it_stands(desk: FlaskClient, world: World, path: str) -> None:
    page = desk.get(EDIT + path)
    assert page.status_code == 200
    if path in ("", "/people"):
        return
    answer = desk.post(EDIT + path, data=read_form(page.text))
    assert answer.status_code == 303, answer.text
    again = desk.get(EDIT + path)
    assert read_form(again.text)["base"] == read_form(page.text)["base"], "saving what stands there changes nothing"
