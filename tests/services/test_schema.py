"""The migrations: up, down, and in agreement with the models, on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from competition.shared import schema
from competition.shared.db import Base, Database


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def test_models_and_migrations_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_check_constraints_agree(database: Database) -> None:
    """Alembic does not compare these."""
    inspector = inspect(database.engine)
    for table in Base.metadata.tables.values():
        named = {str(c.name) for c in table.constraints if c.__class__.__name__ == "CheckConstraint"}
        assert {str(c["name"]) for c in inspector.get_check_constraints(table.name)} == named


def test_down_and_up_again(database: Database) -> None:
    assert schema.current(database) == schema.head()
    assert schema.is_empty(database)
    schema.downgrade(database)
    assert tables(database) == {"alembic_version"}
    assert schema.current(database) is None
    assert schema.is_empty(database)
    schema.upgrade(database)
    assert tables(database) == {"alembic_version", *Base.metadata.tables}
    schema.upgrade(database)
    assert schema.current(database) == schema.head()


def test_foreign_keys_hold_after_a_migration(database: Database) -> None:
    if database.is_sqlite:
        with database.engine.connect() as connection:
            assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
