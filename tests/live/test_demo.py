"""`leitai demo` as a person runs it: it finishes with the worked results, starts again, and leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.program import ROOT, WEIHAI, free_port

FINISHED = "The demo has finished"


class Demo:
    """The running command, with what it has printed so far."""

    def __init__(self, port: int, speed: int, temp: Path) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.temp = temp
        self.process = subprocess.Popen(
            [sys.executable, "-m", "competition.cli", "demo", "--port", str(port), "--speed", str(speed)],
            env=os.environ | {"TMPDIR": str(temp)}, cwd=ROOT, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self.told = threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.told:
                self.lines.append(line.rstrip("\n"))
                self.told.notify_all()
        with self.told:
            self.told.notify_all()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, words: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self.told:
            while words not in self.text:
                left = until - time.monotonic()
                assert left > 0 and self.process.poll() is None, f"no {words!r} in:\n{self.text}"
                self.told.wait(min(left, 0.5))

    def end(self, sign: int) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            code = self.process.wait(20)
        finally:
            self.process.kill()
            self.reader.join(10)
            if self.process.stdout is not None:
                self.process.stdout.close()
        return code

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def demo(tmp_path: Path, *, speed: int, sign: int, port: int | None = None) -> Iterator[Demo]:
    running = Demo(port or free_port(), speed, Path(tempfile.mkdtemp(dir=tmp_path)))
    try:
        yield running
    finally:
        code = running.end(sign)
    assert code == 0, running.text
    assert processes_in(running.temp) == []
    assert list(running.temp.iterdir()) == []


def processes_in(folder: Path) -> list[str]:
    """Processes whose environment or arguments name the folder: those that the demo has left behind."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in known and process.name != str(os.getpid()):
            found.append(known.decode(errors="replace"))
    return found


def test_every_board_ends_as_worked_out_and_nothing_is_left(tmp_path: Path) -> None:
    port = free_port()
    with demo(tmp_path, speed=100, sign=signal.SIGINT, port=port) as running:
        running.wait_for(FINISHED, 120)
        for file in sorted(WEIHAI.glob("*.results.json")):
            worked = json.loads(file.read_text(encoding="utf-8"))
            assert published(running, worked["contest"]) == worked
            for track in worked["tracks"]:
                board = final_board(running, worked["contest"], track["code"])
                bundle = json.loads((WEIHAI / file.name.replace(".results", "")).read_text(encoding="utf-8"))
                numbers = {row["code"]: str(row.get("draw")) for row in bundle["entries"]}
                shown = {row["key"]: (row["rank"], row["total"], row["stages"]) for row in board["rows"]}
                named = {key: key if key in shown else numbers[key] for key in numbers}
                assert {code: shown[named[code]] for code in numbers} == {
                    row["entry"]: (row["rank"], row["total"], row["stages"]) for row in track["ranking"]
                }
        links_are_good(running)
    # The same port at once, a fresh database; ended while judges are marking.
    with demo(tmp_path, speed=1, sign=signal.SIGTERM, port=port) as again:
        again.wait_for("Simulated judges are marking", 60)
        home = urllib.request.urlopen(again.address + "/", timeout=10).read().decode()
        assert "weihai-2026-welder" in home


def final_board(running: Demo, contest: str, track: str) -> Any:
    """A track's board once it is final; the server sees within two seconds what another process has moved."""
    until = time.monotonic() + 10
    while True:
        board = running.get(f"/api/v1/boards/{contest}/{track}")
        if board["state"] == "final":
            return board
        assert time.monotonic() < until, board["state"]
        time.sleep(0.1)


def published(running: Demo, contest: str) -> Any:
    """The results of a contest; they are public a moment after its track has moved on."""
    until = time.monotonic() + 10
    while True:
        try:
            return running.get(f"/api/v1/contests/{contest}/results")
        except urllib.error.HTTPError as error:
            if error.code != 404 or time.monotonic() > until:
                raise
            time.sleep(0.1)


def links_are_good(running: Demo) -> None:
    """Every link that was printed still signs somebody in: the simulated people had their own."""
    links = re.findall(r"^  (\w+).*?(http://\S+/in/\S+)$", running.text, re.MULTILINE)
    assert {role for role, _ in links} == {"organiser", "chief", "recorder", "judge"}
    starts = set()
    for role, link in links:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(link, timeout=10) as answer:
            assert answer.status == 200
            starts.add((role, answer.geturl().removeprefix(running.address).split("/")[1]))
    assert starts == {("organiser", "manage"), ("chief", "chief"), ("recorder", "recorder"), ("judge", "judge")}


def test_a_taken_port_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "competition.cli", "demo", "--port", str(port)],
            cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.strip().startswith(f"leitai demo: port {port} is taken")
    assert list(tmp_path.iterdir()) == []
