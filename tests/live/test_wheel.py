"""A wheel built from this folder, installed into an empty environment elsewhere, runs the demo."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

from tests.program import ROOT, free_port

CARRIED = (
    "templates/base.html", "static/vendor/socket.io.esm.min.js", "static/css/tokens.css", "migrations/env.py",
    "translations/en/LC_MESSAGES/messages.mo",
)  # fmt: skip


def run(*words: str | Path, cwd: Path, seconds: int = 170) -> str:
    done = subprocess.run([*map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_elsewhere_runs_the_demo(tmp_path: Path) -> None:
    # The build's own needs stand in this environment already, so it need not fetch them again.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("leitai-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"competition/_resources/{name}" for name in CARRIED} <= names
    assert {"competition/samples/digital.json", "competition/samples/welder.json"} <= names
    assert not [name for name in names if name.startswith(("tests/", "node_modules/", "docs/"))]

    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    run(*pip, "--python", python, "install", "--prefer-binary", wheel, cwd=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    with (tmp_path / "demo.log").open("wb") as log:
        demo = subprocess.Popen(
            [tmp_path / "env" / "bin" / "leitai", "demo", "--port", str(port), "--speed", "200"],
            cwd=elsewhere, env=environment | {"TMPDIR": str(elsewhere)}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        board = wait_for_ranks(f"http://127.0.0.1:{port}/api/v1/boards/weihai-2026-welder/welder", demo)
        assert board["version"] > 1
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/static/vendor/socket.io.esm.min.js", timeout=5) as file:
            assert b"Socket.IO" in file.read(200)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/?lang=en", timeout=5) as page:
            assert b'lang="en"' in page.read()
    finally:
        demo.send_signal(signal.SIGTERM)
        code = demo.wait(20)
    assert code == 0, (tmp_path / "demo.log").read_text()
    assert list(elsewhere.iterdir()) == []


def wait_for_ranks(address: str, demo: subprocess.Popen[bytes]) -> dict[str, object]:
    """The board as soon as somebody on it has a score."""
    until = time.monotonic() + 60
    while time.monotonic() < until and demo.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                board: dict[str, object] = json.load(answer)
        except OSError:
            board = {"rows": []}
        if any(score for row in board["rows"] for score in row["stages"].values()):  # type: ignore[attr-defined]
            return board
        time.sleep(0.2)
    raise AssertionError("no board moved")
