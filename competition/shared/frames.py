"""Whole frames or none for the WebSockets of gunicorn's workers.

simple-websocket sends a frame with `socket.send()` and ignores how much of it went out, so a client that stalls and
then resumes reads the rest of the stream from the middle of a frame. Here the socket it is given sends all of a frame,
one frame at a time, and a client that does not take one within `PATIENCE` seconds is cut off: it comes back and asks
anew.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from gevent import Timeout

PATIENCE: Final = 5.0


class WholeFrames:
    """WSGI middleware that hands a WebSocket's request on with a `WholeSocket` in place of the connection's own."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "gunicorn.socket" in environ and environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            environ["gunicorn.socket"] = WholeSocket(environ["gunicorn.socket"])
        return self.app(environ, start_response)


class WholeSocket:
    """A connected socket whose `send` sends everything or ends the connection."""

    def __init__(self, connection: Any, patience: float = PATIENCE) -> None:
        self._connection = connection
        self._patience = patience
        self._turn = threading.Lock()
        self._dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def send(self, data: bytes, flags: int = 0) -> int:
        with self._turn:
            if self._dead:
                raise BrokenPipeError("this connection took a frame too slowly and was ended")
            try:
                with Timeout(self._patience):
                    self._connection.sendall(data, flags)
            except Timeout:
                self._end()
                raise BrokenPipeError("a frame was not taken in time") from None
            except BaseException:
                # Part of the frame may have gone out, and nothing may follow it.
                self._end()
                raise
        return len(data)

    def _end(self) -> None:
        self._dead = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
