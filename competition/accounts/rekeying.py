"""Sealed values sealed anew with the newest key, in batches, beside a running server; ended and begun again at will.

Every batch is a short transaction of its own. A value is written only where it is still the one that was read, so that
a number somebody changes meanwhile stays theirs. Values that the newest key made are left as they are: a second run
finds nothing to do, and an ended one goes on where it stopped.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, select, update

from competition.accounts import audit
from competition.accounts.policy import CONSOLE
from competition.shared.db import Base, Database
from competition.shared.vault import SealError, Vault

log = logging.getLogger(__name__)

BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column with sealed values, and the one with their keyed hashes where equality is looked for."""

    table: str
    column: str
    index: str | None = None


SEALED: Final = (
    Sealed("person", "phone_sealed", "phone_index"),
    Sealed("person", "id_sealed", "id_index"),
    Sealed("person", "emergency_sealed"),
    Sealed("person", "totp_sealed"),
    Sealed("unit", "phone_sealed"),
    Sealed("draw", "seed_sealed"),
    Sealed("server_key", "key_sealed"),
)
"""Every sealed column, by name: some lie in tables of later stages. A test finds those that are missing here."""


@dataclass(frozen=True, slots=True)
class Unopened:
    """A value that none of the keys opens: it is left alone and told of."""

    table: str
    column: str
    id: int


def rekey(db: Database, vault: Vault, *, now: datetime) -> int:
    """Seals every sealed value with the newest key and gives the number of those that were not; may be run again.

    Raises SealError at the end, with their number, where values lie there that no key opens: the key that made them is
    missing from LEITAI_DATA_KEY. All others are done by then.
    """
    done = 0
    unopened: list[Unopened] = []
    for one in SEALED:
        done += _column(db, vault, one, unopened)
    with db.transaction() as session:
        audit.note(session, CONSOLE, "data.rekey", "", now=now, details={"sealed": done, "unopened": len(unopened)})
    for lost in unopened:
        log.error("rekey: no key opens %s.%s of row %s", lost.table, lost.column, lost.id)
    if unopened:
        raise SealError(
            f"{len(unopened)} values are left that no key in LEITAI_DATA_KEY opens ({done} were sealed anew); "
            "add the key that made them after the others and run rekey again"
        )
    return done


def _column(db: Database, vault: Vault, one: Sealed, unopened: list[Unopened]) -> int:
    table = Base.metadata.tables[one.table]
    sealed = table.c[one.column]
    done, after = 0, 0
    while True:
        with db.reading() as session:
            wanted = [table.c.id, sealed, *([table.c[one.index]] if one.index else [])]
            rows = session.execute(
                select(*wanted).where(table.c.id > after, sealed.is_not(None)).order_by(table.c.id).limit(BATCH)
            ).all()
        if not rows:
            return done
        after = rows[-1][0]
        changes = []
        for row in rows:
            try:
                changes.append(_anew(vault, one, row))
            except SealError:
                unopened.append(Unopened(one.table, one.column, row[0]))
        done += _write(db, table, one, [change for change in changes if change is not None])


def _anew(vault: Vault, one: Sealed, row: Any) -> tuple[int, str, dict[str, str]] | None:
    """What to write for a row: its id, the value that was read, the new columns; None where nothing is old."""
    text = vault.open(row[1])
    new: dict[str, str] = {}
    if not vault.is_newest(row[1]):
        new[one.column] = vault.seal(text)
    if one.index and row[2] != (right := vault.index(text)):
        new[one.index] = right
    return (row[0], row[1], new) if new else None


def _write(db: Database, table: Table, one: Sealed, changes: list[tuple[int, str, dict[str, str]]]) -> int:
    if not changes:
        return 0
    done = 0
    with db.transaction() as session:
        for row_id, was, new in changes:
            result = session.execute(
                update(table).where(table.c.id == row_id, table.c[one.column] == was).values(**new)
            )
            done += result.rowcount  # type: ignore[attr-defined]
    return done
