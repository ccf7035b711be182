"""The database's schema: brought to a revision with Alembic, from a checkout or an installed wheel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from competition.shared.db import Database
from competition.shared.errors import Refused
from competition.shared.resources import resource_dir

_LOCK = 0x1E180000


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resource_dir("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def config_for(connection: Connection) -> Config:
    """Alembic's settings for that connection; `migrations/env.py` takes it from there."""
    config = _config()
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrating(database: Database) -> Iterator[Connection]:
    """A connection in one transaction, alone at it: two servers that start together must not both migrate."""
    with database.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # Batch mode builds a table anew and drops the old one; its children must not go with it.
            # The pragma does nothing inside a transaction, so it goes past SQLAlchemy's.
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        try:
            with connection.begin():
                if not sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                yield connection
                if sqlite:
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                    if broken:
                        raise RuntimeError(f"a migration left rows that point at nothing: {broken[:5]}")
        finally:
            if sqlite:
                connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]


def upgrade(database: Database, revision: str = "head") -> None:
    """Applies every migration that is missing; nothing happens where none is. Refuses a newer program's database."""
    at = current(database)
    if revision == "head" and at == head():
        return
    if at is not None and at not in revisions():
        raise Refused(2, f"The database stands at revision {at}, which a newer version of this program has made.")
    with _migrating(database) as connection:
        command.upgrade(config_for(connection), revision)


def downgrade(database: Database, revision: str = "base") -> None:
    with _migrating(database) as connection:
        command.downgrade(config_for(connection), revision)


def current(database: Database) -> str | None:
    """The revision the database stands at; None where no migration has run."""
    with database.engine.execution_options(read_only=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def head() -> str | None:
    """The newest revision of this program."""
    return _scripts().get_current_head()


def revisions() -> frozenset[str]:
    """Every revision this program knows."""
    return frozenset(script.revision for script in _scripts().walk_revisions())


def is_empty(database: Database) -> bool:
    """Whether no person and no contest is in the database (or not even a table)."""
    with database.engine.execution_options(read_only=True).connect() as connection:
        tables = set(inspect(connection).get_table_names())
        return not any(
            name in tables and connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first()
            for name in ("person", "contest")
        )
