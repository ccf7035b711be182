"""The files store: whole or not there, nobody's path but its own, gone when it is to be gone."""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from competition.accounts.policy import CONSOLE
from competition.shared import clock
from competition.shared.db import Database
from competition.shared.files import FileGone, Files, sweep
from competition.shared.job_queries import Hold
from competition.shared.jobs import JobContext, Jobs
from competition.shared.models import StoredFile


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "uploads")


def store(database: Database, files: Files, data: bytes | Path = b"abc", **more: Any) -> StoredFile:
    with database.transaction() as session:
        return files.store(
            session, data, **{"name": "报名表.xlsx", "purpose": "export", "media_type": "", "now": clock.now(), **more}
        )


def test_what_is_stored_is_what_is_read(database: Database, files: Files, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(3 * 1024 * 1024 + 17))
    for data in (b"", b"abc", big):
        file = store(database, files, data)
        raw = data if isinstance(data, bytes) else data.read_bytes()
        assert files.read(file) == raw
        assert (file.received, file.sha256, file.state) == (len(raw), hashlib.sha256(raw).hexdigest(), "ready")
        place = files.path(file)
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert place.parent.parent.parent == files.folder
        assert "报名表" not in str(place)
    assert sorted(files.strangers()) == sorted(path.name for path in files.folder.glob("??/??/*"))


def test_nothing_is_left_of_what_could_not_be_written(database: Database, files: Files, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        store(database, files, tmp_path / "no such file")
    assert [path for path in files.folder.rglob("*") if path.is_file()] == []
    with database.reading() as session:
        assert session.scalars(select(StoredFile)).all() == []


@pytest.mark.parametrize(
    "key", ["", "..", "../../etc/passwd", "a/b" * 8, "..aa" * 8, "-_" * 10, "abcd\0" * 5, "短" * 20]
)
def test_a_key_leads_nowhere_else(files: Files, key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        files.place(key)


def test_links_folders_and_pipes_are_not_followed(database: Database, files: Files, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    file = store(database, files)
    place = files.path(file)
    for make in (lambda: place.symlink_to(secret), place.mkdir, lambda: os.mkfifo(place)):
        place.unlink(missing_ok=True)
        make()
        with pytest.raises(FileGone):
            files.open(file)
        if place.is_dir() and not place.is_symlink():
            place.rmdir()
    with pytest.raises(OSError):
        files.write(_link(tmp_path, secret))
    files.remove(file.key)
    assert secret.read_text() == "secret"


def _link(folder: Path, to: Path) -> Path:
    link = folder / "link"
    link.symlink_to(to)
    return link


def test_a_deleted_file_leaves_a_receipt_without_a_name(database: Database, files: Files) -> None:
    file = store(database, files)
    with database.transaction() as session:
        files.delete(session, session.get_one(StoredFile, file.id), clock.now())
    with database.reading() as session:
        row = session.get_one(StoredFile, file.id)
        assert (row.state, row.name, row.sha256) == ("deleted", "", file.sha256)
        assert not files.path(row).exists()
        with pytest.raises(FileGone):
            files.open(row)
    with database.transaction() as session:
        files.delete(session, session.get_one(StoredFile, file.id), clock.now())


def test_the_sweep_takes_what_has_expired_and_what_no_row_names(database: Database, files: Files) -> None:
    kept = store(database, files, keep=timedelta(days=1))
    expired = store(database, files, keep=timedelta(days=-1))
    fresh, _, _ = files.write(b"being uploaded")
    old, _, _ = files.write(b"forgotten")
    os.utime(files.place(old), (0, 0))
    os.utime(files.path(kept), (0, 0))
    context = JobContext(Jobs(database, files=files), 0, "", None, {}, CONSOLE, Hold(0, clock.now()))
    context.progress = lambda *_: None  # type: ignore[method-assign]
    assert sweep(context) == {"deleted": 1, "strangers": 1}
    assert sorted(files.strangers()) == sorted([kept.key, fresh])
    with database.reading() as session:
        assert session.get_one(StoredFile, expired.id).state == "deleted"
        assert session.get_one(StoredFile, kept.id).state == "ready"
