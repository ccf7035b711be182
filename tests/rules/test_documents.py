"""The documentation says what the code does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from competition.live import sockets as board_sockets
from competition.shared.errors import CODES
from competition.shared.guards import SOCKET_EVENTS
from judges.desk import sockets as judge_sockets

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.en.md", *sorted((ROOT / "docs").glob("*.md"))]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert done.returncode == 0, f"`make docs` writes it anew {done.stderr.decode()}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"), re.MULTILINE)
    reasons = {name.strip() for row in rows for name in row.split(",")} - {"package", "---"}
    needed = {re.split(r"[<>=\s]", dependency)[0] for dependency in project["project"]["dependencies"]}
    assert reasons == needed


def test_the_protocol_names_every_error_code() -> None:
    line = re.search(r"^Error codes: (.*)\.$", PROTOCOL, re.MULTILINE)
    assert line is not None
    assert {code.strip("`, ") for code in line.group(1).split(", ")} == set(CODES)


def test_browser_libraries_come_from_npm_alone() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "package-lock.json").read_text(encoding="utf-8")))
    assert hosts <= {"registry.npmjs.org"}


def test_every_sentence_is_in_english_too(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "pyproject.toml", "-k", "_l"]
    template = tmp_path / "messages.pot"
    subprocess.run([*program, "-o", str(template), "competition", "judges", "templates"], cwd=ROOT, check=True)
    with template.open("rb") as file:
        needed = {message.id for message in read_po(file) if message.id}
    with (ROOT / "translations" / "en" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="en")
    given = {message.id for message in catalogue if message.id and message.string and all(message.string)}
    assert needed - given == set(), "`make messages` collects them"
    assert [(message.id, errors) for message, errors in catalogue.check()] == []


@pytest.mark.parametrize("folder", ["desk", "board"])
def test_every_sentence_of_the_scripts_is_in_english_too(folder: str) -> None:
    scripts = ROOT / "static" / "js" / folder
    catalogue = scripts / "strings.en.json"
    if not catalogue.exists():
        catalogue = ROOT / "static" / "js" / "desk" / "strings.en.json"
    given = json.loads(catalogue.read_text(encoding="utf-8"))
    needed = {
        sentence
        for script in scripts.glob("*.js")
        for sentence in re.findall(r"\bt\('((?:[^'\\]|\\.)*)'", script.read_text(encoding="utf-8"))
    }
    assert needed - set(given) == set()


def test_the_protocol_names_every_socket_event() -> None:
    assert judge_sockets and board_sockets
    table = PROTOCOL[PROTOCOL.index("## Judging") :]
    told = {("/judge", event) for event in re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)} | {
        ("/board", "watch"),
        ("/board", "unwatch"),
    }
    taken = {key for key in SOCKET_EVENTS if key[1] not in ("connect", "disconnect")}
    assert taken == told
