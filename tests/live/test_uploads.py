"""Uploads to a running server: a connection breaks within a part, the server is killed, the sender goes on."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from competition.shared import clock
from competition.shared.db import Database, make_engine
from tests.drafts import NUMBER, make_draft
from tests.program import WEIHAI, Program
from tests.rules import made_files

TUS = {"Tus-Resumable": "1.0.0"}
PATIENCE = 60


class Sender:
    """A contestant's browser, as far as uploads go."""

    def __init__(self, program: Program, token: str) -> None:
        self.program = program
        self.browser = requests.Session()
        assert self.browser.get(f"{program.address}/in/{token}", allow_redirects=False).status_code == 303
        page = self.browser.get(f"{program.address}/").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None
        self.token = found[1]

    def head(self, **more: str) -> dict[str, str]:
        return {**TUS, "X-CSRFToken": self.token, "Referer": self.program.address + "/", **more}

    def begin(self, size: int, name: str = "film.mp4") -> requests.Response:
        told = {"filename": name, "registration": NUMBER, "rule": "any"}
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
        return self.browser.post(
            f"{self.program.address}/api/v1/uploads",
            headers=self.head(**{"Upload-Length": str(size), "Upload-Metadata": metadata}),
        )

    def offset(self, address: str) -> int:
        return int(self.browser.head(self.program.address + address, headers=TUS).headers["Upload-Offset"])

    def part(self, address: str, offset: int, data: bytes) -> requests.Response:
        head = self.head(**{"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)})
        return self.browser.patch(self.program.address + address, data=data, headers=head)

    def break_off(self, address: str, offset: int, promised: int, sent: bytes) -> None:
        """Promises a part, sends some of it and goes away."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.browser.cookies)
        lines = [
            f"PATCH {address} HTTP/1.1", f"Host: 127.0.0.1:{self.program.port}", f"Cookie: {cookies}",
            f"Content-Length: {promised}", "Content-Type: application/offset+octet-stream",
            *(f"{key}: {value}" for key, value in self.head(**{"Upload-Offset": str(offset)}).items()),
        ]  # fmt: skip
        with socket.create_connection(("127.0.0.1", self.program.port)) as connection:
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + sent)

    def wait_for(self, address: str, at_least: int) -> int:
        until = time.monotonic() + PATIENCE
        while (at := self.offset(address)) < at_least:
            assert time.monotonic() < until, f"{at} bytes are there, {at_least} were sent"
        return at


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[Sender]:
    program = Program(tmp_path)
    program.run("import", str(WEIHAI / "welder.json"))
    database = Database(make_engine(f"sqlite:///{program.environment['LEITAI_DATA_DIR']}/leitai.db"))
    with database.transaction() as session:
        token = make_draft(session, "weihai-2026-welder", clock.now())
    database.engine.dispose()
    program.start()
    yield Sender(program, token)
    program.end()


def test_an_upload_survives_a_broken_connection_and_a_killed_server(sender: Sender) -> None:
    data = made_files.mp4()[:-150] + os.urandom(9_000_000)
    address = sender.begin(len(data)).headers["Location"]
    first = 3_000_000
    assert sender.part(address, 0, data[:first]).headers["Upload-Offset"] == str(first)
    sender.break_off(address, first, 4_000_000, data[first : first + 1_500_000])
    sender.wait_for(address, first + 1)
    program = sender.program
    assert program.process is not None
    os.killpg(program.process.pid, signal.SIGKILL)
    program.process.wait(10)
    program.start()
    at = sender.offset(address)
    # What was acknowledged is there; of what was not, perhaps some.
    assert first <= at <= first + 1_500_000
    assert sender.part(address, at, data[at:]).status_code == 204
    until = time.monotonic() + PATIENCE
    while (told := sender.browser.get(program.address + address).json())["state"] == "checking":
        assert time.monotonic() < until, "the job process did not look through the file"
        time.sleep(0.05)
    assert told["sha256"] == hashlib.sha256(data).hexdigest()


def test_five_gigabytes_are_refused_at_the_first_word(sender: Sender) -> None:
    answer = sender.begin(5 * 1024**3)
    assert answer.status_code == 413
    assert "200 MB" in answer.json()["error"]["message"]
    assert not list((Path(sender.program.environment["LEITAI_DATA_DIR"]) / "uploads").rglob("*.*"))
