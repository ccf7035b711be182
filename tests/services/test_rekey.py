"""A new data key: everything is sealed with it, nothing is lost, whoever writes meanwhile keeps what they wrote."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Text, select, update

from competition import cli
from competition.accounts import profile, rekeying
from competition.accounts.models import Audit, Person, Unit
from competition.accounts.policy import CONSOLE
from competition.accounts.rekeying import SEALED, rekey
from competition.accounts.service import create_person
from competition.backup import back_up
from competition.config import Config
from competition.draw import models as draws
from competition.shared.db import Base, Database
from competition.shared.vault import SealError, Vault, open_vault

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD, BOTH, NEW = Vault(["old"]), Vault(["new", "old"]), Vault(["new"])


def person(database: Database, login: str, phone: str, *, vault: Vault = OLD) -> int:
    with database.transaction() as session:
        made = create_person(session, login=login, name=login, password=None, now=NOW)
        row = session.get_one(Person, made)
        row.phone_sealed, row.phone_index = vault.seal(phone), vault.index(phone)
        row.id_sealed, row.id_index = vault.seal(f"id of {login}"), vault.index(f"id of {login}")
        row.totp_sealed, row.emergency_sealed = vault.seal("secret"), vault.seal("110")
        return made


def test_every_sealed_column_of_the_schema_is_known() -> None:
    assert draws.Draw.__tablename__ in Base.metadata.tables
    there = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_sealed") and isinstance(column.type, Text)
    }
    assert there == {(one.table, one.column) for one in SEALED}


def test_all_is_sealed_with_the_new_key_alone_and_found_by_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "BATCH", 2)
    people = [person(database, f"p{n}", f"1380000000{n}") for n in range(5)]
    with database.transaction() as session:
        session.add(Unit(code="u", code_key="u", name="u", kind="enterprise", flags=[], phone_sealed=OLD.seal("0631")))
    assert rekey(database, BOTH, now=NOW) == 5 * 4 + 1
    with database.reading() as session:
        for number, key in enumerate(people):
            row = session.get_one(Person, key)
            assert row.phone_sealed and row.id_sealed and row.totp_sealed and row.emergency_sealed
            assert NEW.open(row.phone_sealed) == f"1380000000{number}"
            assert row.phone_index == NEW.index(f"1380000000{number}")
            assert NEW.open(row.id_sealed) == f"id of p{number}" and row.id_index == NEW.index(f"id of p{number}")
            assert (NEW.open(row.totp_sealed), NEW.open(row.emergency_sealed)) == ("secret", "110")
        assert NEW.open(session.scalars(select(Unit.phone_sealed)).one() or "") == "0631"
        logged = session.scalars(select(Audit).where(Audit.action == "data.rekey")).one()
        assert logged.details == {"sealed": 21, "unopened": 0}
    assert rekey(database, BOTH, now=NOW) == 0


def test_an_ended_run_goes_on_where_it_stopped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [person(database, f"p{n}", f"1380000000{n}") for n in range(4)]
    monkeypatch.setattr(rekeying, "BATCH", 2)
    real, batches = rekeying._write, iter(range(10))

    def dies(*given: object) -> int:
        if next(batches) == 1:
            raise KeyboardInterrupt
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(rekeying, "_write", dies)
    with pytest.raises(KeyboardInterrupt):
        rekey(database, BOTH, now=NOW)
    monkeypatch.setattr(rekeying, "_write", real)
    # The first batch of phones was done; 16 values in all.
    assert rekey(database, BOTH, now=NOW) == 14
    with database.reading() as session:
        assert [NEW.open(session.get_one(Person, key).phone_sealed or "")[-1] for key in people] == list("0123")


def test_a_number_that_changes_meanwhile_stays_as_it_was_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = person(database, "p", "13800000000")
    real = rekeying._anew

    def slowly(vault: Vault, one: rekeying.Sealed, row: object) -> object:
        if one.column == "phone_sealed":
            with database.transaction() as session:
                values = {"phone_sealed": BOTH.seal("13911111111"), "phone_index": BOTH.index("13911111111")}
                session.execute(update(Person).where(Person.id == key).values(**values))
        return real(vault, one, row)

    monkeypatch.setattr(rekeying, "_anew", slowly)
    rekey(database, BOTH, now=NOW)
    with database.reading() as session:
        row = session.get_one(Person, key)
        assert NEW.open(row.phone_sealed or "") == "13911111111"
        assert row.phone_index == NEW.index("13911111111")


def test_both_keys_find_a_person_before_and_after(database: Database) -> None:
    person(database, "p", "13800000000")
    for _time in range(2):
        with database.reading() as session:
            query = select(Person.login).where(Person.phone_index.in_(BOTH.indexes("13800000000")))
            assert session.scalars(query).one() == "p"
        rekey(database, BOTH, now=NOW)


def test_a_value_of_a_lost_key_is_left_and_told_of(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    person(database, "a", "13800000000", vault=Vault(["lost"]))
    other = person(database, "b", "13911111111")
    with pytest.raises(SealError, match="4 values"):
        rekey(database, BOTH, now=NOW)
    with database.reading() as session:
        assert NEW.open(session.get_one(Person, other).phone_sealed or "") == "13911111111"
    assert "138" not in caplog.text


@pytest.fixture
def command(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[int, str, str]]:
    monkeypatch.setenv("LEITAI_DATABASE_URL", database_url)
    monkeypatch.setenv("LEITAI_DATA_DIR", str(tmp_path / "data"))

    def command(keys: str) -> tuple[int, str, str]:
        monkeypatch.setenv("LEITAI_DATA_KEY", keys)
        with pytest.raises(SystemExit) as end:
            cli.main(["rekey"])
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return command


def test_the_command(database: Database, command: Callable[[str], tuple[int, str, str]]) -> None:
    key = person(database, "p", "13800000000")
    assert command("new, old")[:2] == (0, "4 values sealed with the newest key.\n")
    with database.reading() as session:
        assert NEW.open(session.get_one(Person, key).phone_sealed or "") == "13800000000"
    assert command("new")[:2] == (0, "0 values sealed with the newest key.\n")
    code, _out, err = command("another")
    assert code == 1 and "4 values" in err and "13800000000" not in err
    assert command("new,,old")[0] == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_backup_holds_no_key_and_no_number(database: Database, tmp_path: Path) -> None:
    config = Config.from_env(
        {"LEITAI_DATA_DIR": str(tmp_path / "data"), "LEITAI_DATABASE_URL": str(database.engine.url)}
    )
    vault = open_vault(None, config.data_dir)
    made = (config.data_dir / "data.key").read_text().strip()
    assert (config.data_dir / "data.key").stat().st_mode & 0o077 == 0
    with database.transaction() as session:
        one = create_person(session, login="p", name="p", password=None, now=NOW)
        profile.set_profile(session, one, {"phone": "13800000000"}, vault=vault, actor=CONSOLE, now=NOW)
    back_up(config, database, tmp_path / "backup.tar.gz", now=NOW)
    with tarfile.open(tmp_path / "backup.tar.gz") as tar:
        names = tar.getnames()
        everything = b"".join(tar.extractfile(member).read() for member in tar if member.isfile())  # type: ignore[union-attr]
    assert not [name for name in names if "key" in name]
    assert made.encode() not in everything
    assert b"13800000000" not in everything
