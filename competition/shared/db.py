"""The declarative base, the engine, and `transaction()`: the one place that commits.

Facts recorded on the bus inside a transaction are dispatched only after `commit()` has returned, because hooks that run
inside a commit cannot query and nobody may be told of what could still be rolled back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from competition.shared import bus

CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table of the product; constraint names follow one convention so that migrations can name them."""

    metadata = MetaData(naming_convention=CONVENTION)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite, which knows no time zones, stores it naive and gives it back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime must not reach the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_engine(url: str, **options: Any) -> Engine:
    """An engine for `url`; on SQLite every connection is WAL, synchronous=FULL, with foreign keys enforced."""
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    engine = create_engine(url, **options)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _record: Any) -> None:
            # The driver's own transaction guessing would begin too late for "BEGIN IMMEDIATE" below.
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(engine, "begin")
        def _begin(connection: Any) -> None:
            # A read that turns into a write cannot wait for the lock in WAL mode (SQLITE_BUSY_SNAPSHOT), so writers
            # say so at the start; readers ask for `read_only` and never hold the lock.
            options = connection.get_execution_options()
            connection.exec_driver_sql("BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE")

    return engine


class Database:
    """One engine and its two kinds of unit of work."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._write = sessionmaker(engine, expire_on_commit=False)
        # SQLite waits for its lock by blocking the whole process; greenlets of one process queue here instead, where
        # waiting lets the others run. (PostgreSQL's driver yields by itself.)
        self._turn = threading.RLock() if engine.dialect.name == "sqlite" else nullcontext()
        self._read = sessionmaker(engine.execution_options(read_only=True), expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One commit at the end, or a rollback on any error; facts go out after the commit has returned."""
        session = self._write()
        with bus.collecting() as facts, self._turn:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise
            finally:
                session.close()
        bus.dispatch(facts)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that writes nothing and, on SQLite, never holds the writer's lock."""
        session = self._read()
        try:
            yield session
        finally:
            # Closing ends the transaction too; a rollback would also empty the rows that the caller takes along.
            session.close()
