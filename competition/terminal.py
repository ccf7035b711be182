"""What commands that use the database have in common: it is opened, and what goes wrong becomes sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import Flask
from flask_babel import Babel
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, NoSuchModuleError

from competition.config import Config
from competition.shared import schema
from competition.shared.db import Database, make_engine
from competition.shared.errors import DomainError, Refused
from competition.shared.resources import resource_dir

NO: Final = 1
BAD_INPUT: Final = 2
ANSWERS: Final = frozenset(("not_open", "forbidden", "incomplete"))
"""Error codes that answer a sound question with no; the others mean that the question was wrong."""


@contextmanager
def in_sentences() -> Iterator[None]:
    """Turns what a person can do something about into `Refused`: a refusal of a service, a database out of reach."""
    try:
        yield
    except DomainError as error:
        missing = error.details.get("missing")
        lines = [str(line) for line in missing] if isinstance(missing, list) else [error.message]
        raise Refused(NO if error.code in ANSWERS else BAD_INPUT, *lines) from None
    except (ArgumentError, NoSuchModuleError):
        raise Refused(BAD_INPUT, "LEITAI_DATABASE_URL is no address of a database that is known.") from None
    except (DatabaseError, InterfaceError) as error:
        raise Refused(BAD_INPUT, f"The database cannot be used: {_first_line(error)}") from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Refused(BAD_INPUT, f"{where}{error.strerror or error}") from None


@contextmanager
def open_database(config: Config, *, any_revision: bool = False) -> Iterator[Database]:
    """The database in force, its tables made where there are none.

    `any_revision`: a restore does not mind what stands there.
    """
    with in_sentences():
        if config.database_url.startswith("sqlite:") and str(config.data_dir.resolve()) in config.database_url:
            config.data_dir.mkdir(parents=True, exist_ok=True)
        database = Database(make_engine(config.database_url))
        try:
            if not any_revision:
                _ready(database)
            with _spoken():
                yield database
        finally:
            database.engine.dispose()


def _ready(database: Database) -> None:
    """Makes the tables of a new database; one that is behind is left to `leitai serve`, which may run beside."""
    at, head = schema.current(database), schema.head()
    if at is None or at not in schema.revisions():
        schema.upgrade(database)
    elif at != head:
        raise Refused(BAD_INPUT, f"The database stands at revision {at}, the program at {head}: start `leitai serve`.")


def _first_line(error: Any) -> str:
    return (str(getattr(error, "orig", None) or error).strip().splitlines() or ["no reason given"])[0]


@contextmanager
def _spoken() -> Iterator[None]:
    """Services speak Chinese; here their sentences come in the terminal's language, English where it is not Chinese."""
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    app = Flask("competition", static_folder=None)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(resource_dir("translations"))
    Babel(app, default_locale="zh" if named.startswith("zh") else "en")
    with app.app_context():
        yield
