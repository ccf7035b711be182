"""What every test may use: a fresh database of each kind, a way to fill it, and no network beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from competition.accounts.policy import CONSOLE
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.shared import clock, schema
from competition.shared.db import Database, make_engine
from judges.sections import SECTIONS

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
POSTGRES = os.environ.get("LEITAI_TEST_POSTGRES", "postgresql://root@127.0.0.1/root")
ENGINES = ("sqlite", "postgresql")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under LEITAI_TEST_NOTHING_SKIPPED a skipped test fails: CI must not pass because something was missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("LEITAI_TEST_NOTHING_SKIPPED") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Tests prove what the product does without the internet; one that reaches out fails at once."""
    patch = pytest.MonkeyPatch()

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                host = str(address[0])
                if host != "localhost" and not ipaddress.ip_address(host.split("%")[0]).is_loopback:
                    raise RuntimeError(f"a test tried to reach {host}")
            return real(self, address)

        return connect

    patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    yield
    patch.undo()


def _admin(statement: sql.Composed) -> None:
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(statement)


def _drop(name: str) -> None:
    _admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _postgres_url(name: str) -> str:
    return make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "leitai.db"
    database = Database(make_engine(f"sqlite:///{path}"))
    schema.upgrade(database)
    # The copies take the file alone, so nothing may be left in its log.
    with database.engine.execution_options(read_only=True).connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    database.engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_template() -> Iterator[str]:
    """A database at the newest revision, of which every test gets a copy; skipped where no server answers."""
    name = f"leitai_test_{uuid.uuid4().hex[:12]}"
    try:
        _admin(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at LEITAI_TEST_POSTGRES: {error}")
    database = Database(make_engine(_postgres_url(name)))
    schema.upgrade(database)
    database.engine.dispose()
    yield name
    _drop(name)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "leitai.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_template: str) -> Iterator[str]:
    name = f"leitai_test_{uuid.uuid4().hex[:12]}"
    _admin(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(postgresql_template)))
    yield _postgres_url(name)
    _drop(name)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh database at the newest revision, for each kind (or those a test chooses)."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(make_engine(database_url))
    yield database
    database.engine.dispose()


@pytest.fixture
def load(database: Database) -> Callable[..., int]:
    """`load(path)` imports a bundle (a path under tests/data will do) and gives the contest's id."""

    def load(path: str | Path, *, replace: bool = False) -> int:
        bundle = read_bundle((DATA / path).read_bytes())
        with database.transaction() as session:
            return import_bundle(session, bundle, sections=SECTIONS, actor=CONSOLE, now=clock.now(), replace=replace)

    return load
