"""What a whole hall does at the same moment takes turns, so that marks sent meanwhile need not wait for all of it.

A server's greenlets run one after another, each until it waits for something: two hundred requests that arrive together
would all be begun before the next mark is looked at. Behind this door only a few are under way at once; the others
wait before anything is done for them. Their forms are read first, so that nobody who sends slowly holds a turn.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any, Final

from gevent.lock import BoundedSemaphore

AT_ONCE: Final = 4
"""Two hashes under way, and two requests before or after theirs."""
PATIENCE: Final = 30.0
"""Seconds after which one that waits for its turn is told to come again."""
MOST: Final = 1000
LARGEST: Final = 64 * 1024
"""Bytes; a larger form is no such form and takes no turn (and is refused behind this door)."""
BUSY: Final = (
    "登录人数较多，请过半分钟再试。\nMany people are signing in. Please try again in half a minute.\n".encode()
)


class TakeTurns:
    """WSGI middleware: posts to these paths go in a few at a time."""

    def __init__(self, app: Callable[..., Iterable[bytes]], paths: frozenset[str]) -> None:
        self.app, self.paths = app, paths
        self._turn = BoundedSemaphore(AT_ONCE)
        self._waiting = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ.get("PATH_INFO") not in self.paths:
            return self.app(environ, start_response)
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST:
            return self.app(environ, start_response)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))
        if self._waiting >= MOST:
            return self._busy(start_response)
        self._waiting += 1
        try:
            if not self._turn.acquire(timeout=PATIENCE):
                return self._busy(start_response)
        finally:
            self._waiting -= 1
        try:
            return self.app(environ, start_response)
        finally:
            self._turn.release()

    @staticmethod
    def _busy(start_response: Any) -> Iterable[bytes]:
        start_response(
            "503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", "30")]
        )
        return [BUSY]
