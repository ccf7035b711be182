"""An application over the three Weihai contests, and somebody for every role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from competition.accounts import service
from competition.accounts.policy import CONSOLE
from competition.app import create_app
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.config import Config
from competition.contests.models import Contest
from competition.contests.queries import get_contest
from competition.contests.service import move_phase
from competition.shared import clock
from competition.shared.db import Database, make_engine
from judges.roster.service import link_for_judge
from judges.sections import SECTIONS

DATA = Path(__file__).resolve().parent.parent / "data" / "weihai"
WELDER, DIGITAL, ACHIEVEMENT = "weihai-2026-welder", "weihai-2026-digital", "weihai-2026-achievement"


@dataclass
class World:
    """The application with what a test needs to step into it."""

    app: Flask
    db: Database
    url: str

    def contest_id(self, code: str) -> int:
        with self.db.reading() as session:
            return get_contest(session, code).id

    def move(self, code: str, phase: str) -> None:
        with self.db.transaction() as session:
            contest: Contest = get_contest(session, code)
            move_phase(session, list(contest.tracks), phase, actor=CONSOLE, now=clock.now(), force=True, reason="test")

    def token(self, role: str, code: str = WELDER) -> str:
        """A fresh link of somebody with that role in a contest (an admin: of all)."""
        with self.db.transaction() as session:
            contest = get_contest(session, code)
            now = clock.now()
            if role == "judge":
                return link_for_judge(session, contest, "J1", now=now, actor=CONSOLE)
            person = service.person_for(
                session,
                role=role,
                contest_id=None if role == "admin" else contest.id,
                login=f"{role}@{code}",
                name=role,
                now=now,
                actor=CONSOLE,
            )
            return service.make_link(session, contest_id=contest.id, role=role, person_id=person, now=now)

    def client(self, role: str | None = None, code: str = WELDER) -> FlaskClient:
        """A browser, signed in with the role."""
        client = self.app.test_client()
        if role is not None:
            assert client.get(f"/in/{self.token(role, code)}").status_code == 303
        return client


@pytest.fixture(scope="session")
def filled_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three contests with all their marks, imported once: welder in scoring, the others too."""
    path = tmp_path_factory.mktemp("filled") / "leitai.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(make_engine(f"sqlite:///{path}"))
    for name in ("welder", "digital", "achievement"):
        with database.transaction() as session:
            import_bundle(
                session,
                read_bundle((DATA / f"{name}.json").read_bytes()),
                sections=SECTIONS,
                actor=CONSOLE,
                now=clock.now(),
            )
    with database.engine.execution_options(read_only=True).connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    database.engine.dispose()
    return path


def settings(folder: Path, **more: str) -> Config:
    return Config.from_env(
        {"LEITAI_DATA_DIR": str(folder), "LEITAI_SECRET_KEY": "a key for tests and for nothing else", **more}
    )


@pytest.fixture
def build(filled_sqlite: Path, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """`build(LEITAI_…="…")` gives a world of its own under these settings."""
    worlds: list[World] = []

    def build(**more: str) -> World:
        path = tmp_path / f"{len(worlds)}.db"
        path.write_bytes(filled_sqlite.read_bytes())
        url = f"sqlite:///{path}"
        app = create_app(settings(tmp_path, LEITAI_DATABASE_URL=url, **more))
        world = World(app, app.extensions["leitai"].db, url)
        worlds.append(world)
        return world

    yield build
    for world in worlds:
        world.app.extensions["leitai"].stop()


@pytest.fixture
def world(build: Callable[..., World]) -> World:
    return build()
