"""`leitai` as a person runs it: a real server and any command, in a folder of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WEIHAI = ROOT / "tests" / "data" / "weihai"


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Program:
    """`leitai` with a folder of its own: any command, and the server in its own process group."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEITAI_")}
        self.environment = kept | {
            "LEITAI_DATA_DIR": str(folder / "data"),
            "LEITAI_SECRET_KEY": secrets.token_urlsafe(32),
            "LEITAI_PUBLIC_URL": self.address,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *words: str, typed: str | None = None) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "competition.cli", *words], input=typed,
            env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, f"leitai {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def link(self, contest: str, *words: str) -> str:
        printed = self.run("link", contest, *words).split()
        return next(word for word in printed if word.startswith(f"{self.address}/in/"))

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "competition.cli", "serve", "--port", str(self.port)],
                env=self.environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def end(self) -> None:
        if self.process is None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:
            return json.load(answer)


def unmarked(name: str, folder: Path) -> Path:
    """A contest of tests/data/weihai as it stands before its first mark."""
    bundle = json.loads((WEIHAI / f"{name}.json").read_text(encoding="utf-8"))
    for key in ("marks", "timings", "adjustments"):
        bundle.pop(key, None)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
    return path
