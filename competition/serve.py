"""`leitai serve`: checks what can be checked before the start, applies migrations, and becomes gunicorn."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
from typing import Final, NoReturn

from competition.config import Config, ConfigError
from competition.shared import schema
from competition.shared.db import Database, make_engine

MAKE_KEY: Final = "export LEITAI_SECRET_KEY=\"$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')\""

JOBS_BESIDE: Final = "_LEITAI_JOBS_BESIDE"
"""Tells `gunicorn_conf` to start a job process; no setting of anybody's."""


def main(host: str = "127.0.0.1", port: int = 8000, workers: int = 1, jobs: bool = True) -> int:
    """Serves until ended. Returns only when it cannot: 2 with every reason on stderr, nothing changed."""
    try:
        config = Config.from_env(os.environ)
    except ConfigError as error:
        return _refuse(error.problems)
    if problems := [*_missing(config, workers), *_taken(host, port)]:
        return _refuse(problems)
    _migrate(config)
    return become_gunicorn(config, host, port, workers, jobs)


def _refuse(problems: list[str]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return 2


def _missing(config: Config, workers: int) -> list[str]:
    problems = []
    if not config.secret_key:
        problems.append(
            "LEITAI_SECRET_KEY is not set: it signs the sessions, and nobody could sign in without it.\n"
            f"Make one, and keep it for the next start:\n  {MAKE_KEY}"
        )
    if workers < 1:
        problems.append("--workers must be 1 or more.")
    if workers > 1 and not (config.database_url.startswith("postgresql") and config.redis_url):
        problems.append(
            "More than one worker needs PostgreSQL (LEITAI_DATABASE_URL) and Redis (LEITAI_REDIS_URL): SQLite has one "
            "writer, and without Redis a worker would not hear of what another one stored."
        )
    return problems


def _taken(host: str, port: int) -> list[str]:
    """Whether the address can be listened on, asked before gunicorn tries it for five seconds."""
    try:
        family, kind, proto, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        return [f"{host} is no address of this machine: {error}"]
    with socket.socket(family, kind, proto) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return [f"Port {port} is in use by another program. End it, or choose another: --port {port + 1}"]
            return [f"Cannot listen on {host}:{port}: {error.strerror}"]
    return []


def _migrate(config: Config) -> None:
    config.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(make_engine(config.database_url))
    try:
        schema.upgrade(database)
    finally:
        database.engine.dispose()


def become_gunicorn(config: Config, host: str, port: int, workers: int, jobs: bool) -> NoReturn:
    """Replaces this process, which may have loaded what a patched worker must load itself."""
    environ = dict(os.environ) | {JOBS_BESIDE: "1" if jobs else ""}
    if workers > 1:
        # Each worker counts by itself; they are added up from files when asked.
        folder = config.data_dir.resolve() / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    shown = f"[{host}]" if ":" in host else host
    print(f"Leitai: http://{shown}:{port}", flush=True)
    arguments = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "python:competition.gunicorn_conf",
        "-b",
        f"{shown}:{port}",
        "-w",
        str(workers),
        "competition.app:from_environment()",
    ]
    os.execve(sys.executable, arguments, environ)
