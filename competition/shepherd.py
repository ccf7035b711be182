"""Keeps one job process running beside a server: starts it, starts it again when it dies, ends it with the server.

`gunicorn_conf` starts this program and holds the other end of its standard input; that end closes however the server
ends, killed or not. The job process reads from this one in the same way. Nothing but the standard library is imported:
it stays small, and it has nothing that could fail.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Final, NoReturn

NICE: Final = 10
"""Marks come first: what the job process does may wait for a processor."""
PATIENCE: Final = 5.0
"""Seconds in which the job process may finish what it has in hand."""
LONGEST_PAUSE: Final = 30.0
SETTLED: Final = 60.0
"""Seconds after which a job process that dies counts as one that had started well."""
REFUSED: Final = 2


class Ended(BaseException):
    """The server has ended, or somebody wants this to end."""


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Ended


def main() -> int:
    with contextlib.suppress(OSError):
        os.nice(NICE)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    pause, child = 0.5, None
    try:
        while True:
            begun = time.monotonic()
            child = subprocess.Popen(
                [sys.executable, "-m", "competition.cli", "jobs", "--beside"], stdin=subprocess.PIPE
            )
            _watch(child)
            if child.returncode == REFUSED:
                print("Leitai: there is no job process; the reason stands above.", file=sys.stderr, flush=True)
                return 1
            pause = 0.5 if time.monotonic() - begun > SETTLED else min(pause * 2, LONGEST_PAUSE)
            print(
                f"Leitai: the job process has ended ({child.returncode}); it is started again.",
                file=sys.stderr,
                flush=True,
            )
            _rest(pause)
    except Ended:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _end_child(child)
    return 0


def _watch(child: subprocess.Popen[bytes]) -> None:
    """Until the child ends; Ended as soon as the server does."""
    while child.poll() is None:
        _rest(0.25)


def _rest(seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([0], [], [], left)
        # Nobody ever writes: what can be read is the end.
        if ready and not os.read(0, 1):
            raise Ended


def _end_child(child: subprocess.Popen[bytes] | None) -> None:
    if child is None or child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


if __name__ == "__main__":
    sys.exit(main())
