"""Static files under addresses that name their content, so that caches may keep them for ever.

Every `url_for("static", …)` gets `?v=` and a hash of the file. What is asked for by such an address never changes;
what is asked for without one (a module that another module imports, which the strict policy lets no import map rename)
is asked for again each time, and answered 304 while it is the same. deploy/nginx/leitai.conf does likewise.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, request

FOREVER: Final = "public, max-age=31536000, immutable"
AGAIN: Final = "no-cache"


class Versions:
    """The version of each file of a folder: read once, and again when the file has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, int, str]] = {}

    def of(self, name: str) -> str | None:
        """Twelve hexadecimal digits of the content's SHA-256; None where there is no such file."""
        path = self._folder / name
        try:
            state = path.stat()
            known = self._known.get(name)
            if known is None or known[:2] != (state.st_mtime_ns, state.st_size):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
                known = self._known[name] = (state.st_mtime_ns, state.st_size, digest)
        except (OSError, ValueError):
            return None
        return known[2]


def version_static(app: Flask) -> None:
    """Puts the version into every address of a static file, and says how long an answer may be kept."""
    versions = Versions(Path(app.static_folder or ""))

    @app.url_defaults
    def name_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values and (version := versions.of(values.get("filename", ""))):
            values["v"] = version

    @app.after_request
    def keep(answer: Response) -> Response:
        if request.endpoint == "static" and answer.status_code in (200, 206, 304):
            asked = request.args.get("v")
            same = asked is not None and asked == versions.of((request.view_args or {}).get("filename", ""))
            answer.headers["Cache-Control"] = FOREVER if same else AGAIN
        return answer
