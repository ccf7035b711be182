"""The files store: bytes in the uploads folder under random names, rows that say what they are.

A file lies at `<first two>/<next two>/<key>`, readable by its owner alone. It is written beside its place and moved
there once it is on the disk, so what a row calls ready is whole. No name that a person gave is ever part of a path.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.shared.db import Database
from competition.shared.jobs import JobContext, daily
from competition.shared.models import StoredFile

KEY_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
PIECE: Final = 1024 * 1024
CLEAN: Final = ".clean"
INCOMING: Final = "incoming"
"""The folder of parts that are still arriving (`shared.incoming`)."""
ARRIVING: Final = timedelta(days=3)


class FileGone(Exception):
    """A file whose bytes are not where its row says."""


def new_key() -> str:
    """A name that is not guessed; its first four signs are letters or digits, because they name folders."""
    return secrets.token_hex(4) + secrets.token_urlsafe(21)


class Files:
    """The folder of the files, made on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def store(
        self,
        session: Session,
        data: bytes | Path,
        *,
        name: str,
        purpose: str,
        media_type: str,
        subject: str = "",
        person_id: int | None = None,
        contest_id: int | None = None,
        now: datetime,
        keep: timedelta | None = None,
    ) -> StoredFile:
        """Lays bytes, or a copy of a plain file, into the store, with their row (flushed) in the caller's transaction.

        `keep` is how long it stands; None: until it is deleted. For large files call `write` before the transaction
        and hand its answer to `add`. A rollback leaves bytes that no row names; the daily sweep removes them.
        """
        key, size, digest = self.write(data)
        return self.add(
            session,
            key,
            size,
            digest,
            name=name,
            purpose=purpose,
            media_type=media_type,
            subject=subject,
            person_id=person_id,
            contest_id=contest_id,
            now=now,
            keep=keep,
        )

    def write(self, data: bytes | Path) -> tuple[str, int, str]:
        """Lays bytes into the store without a row; gives their key, size and SHA-256."""
        key = new_key()
        size, digest = self.lay(key, data)
        return key, size, digest

    def add(
        self,
        session: Session,
        key: str,
        size: int,
        digest: str,
        *,
        name: str,
        purpose: str,
        media_type: str,
        subject: str = "",
        person_id: int | None = None,
        contest_id: int | None = None,
        now: datetime,
        keep: timedelta | None = None,
    ) -> StoredFile:
        """The row of what `write` has laid down."""
        file = StoredFile(
            key=key,
            name=name[:255],
            purpose=purpose,
            subject=subject,
            person_id=person_id,
            contest_id=contest_id,
            state="ready",
            declared=size,
            received=size,
            media_type=media_type,
            sha256=digest,
            problems=[],
            details={},
            created_at=now,
            completed_at=now,
            expires_at=None if keep is None else now + keep,
        )
        session.add(file)
        session.flush()
        return file

    def path(self, file: StoredFile) -> Path:
        """Where its bytes lie (or will lie, while it is uploading)."""
        return self.place(file.key)

    def place(self, key: str) -> Path:
        """The place of a key; raises ValueError for one that is none of ours."""
        if len(key) < 16 or not set(key) <= KEY_LETTERS or not key[:4].isalnum():
            raise ValueError("no key of a file")
        return self.folder / key[:2] / key[2:4] / key

    def lay(self, key: str, data: bytes | Path) -> tuple[int, str]:
        """Writes bytes to the place of `key`, whole or not at all; gives size and SHA-256."""
        place = self.place(key)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        digest = hashlib.sha256()
        size = 0
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as out:
                if isinstance(data, bytes):
                    digest.update(data)
                    size = out.write(data)
                else:
                    with _plain(data) as source:
                        while piece := source.read(PIECE):
                            digest.update(piece)
                            size += out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            os.replace(beside, place)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync(place.parent)
        return size, digest.hexdigest()

    def open(self, file: StoredFile) -> BinaryIO:
        """Its bytes to read. Raises FileGone where there are none, or where a link or a folder stands instead."""
        try:
            return _plain(self.place(file.key))
        except (OSError, ValueError) as error:
            raise FileGone(f"the bytes of file {file.id} are gone") from error

    def read(self, file: StoredFile) -> bytes:
        with self.open(file) as handle:
            return handle.read()

    def delete(self, session: Session, file: StoredFile, now: datetime) -> None:
        """Marks the row deleted and removes the bytes at once: what is to be gone may not wait for a commit.

        The row stays as the receipt that there was a file: without its name, with its SHA-256.
        """
        file.state, file.name, file.completed_at = "deleted", "", file.completed_at or now
        file.details = {**file.details, "deleted_at": now.isoformat()}
        session.flush()
        self.remove(file.key)

    def remove(self, key: str) -> None:
        """The bytes, and the copy of them without metadata."""
        self.place(key).unlink(missing_ok=True)
        self.clean_copy(key).unlink(missing_ok=True)

    def clean_copy(self, key: str) -> Path:
        """Where the copy of a file without metadata lies, if it has one."""
        place = self.place(key)
        return place.with_name(place.name + CLEAN)

    def strangers(self) -> list[str]:
        """The keys of all that lies in the store, for the sweep."""
        return [path.name for path in self.folder.glob("??/??/*") if not path.is_symlink() and path.is_file()]

    def free(self) -> int:
        """Bytes left on the disk that the store is on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self.folder).free


def _plain(path: Path) -> BinaryIO:
    """A plain file to read, never what a link points at, never a pipe or a device."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileGone(f"{path.name} is no plain file")
    return os.fdopen(descriptor, "rb")


def _sync(folder: Path) -> None:
    """The folder's own entry on the disk, too: else a power cut takes the name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def expired(session: Session, now: datetime, *, limit: int = 100) -> list[StoredFile]:
    return list(
        session.scalars(
            select(StoredFile)
            .where(StoredFile.expires_at < now, StoredFile.state != "deleted")
            .order_by(StoredFile.id)
            .limit(limit)
        )
    )


@daily("files.sweep", hour=18, title="清理到期文件")
def sweep(context: JobContext) -> dict[str, int]:
    """Deletes what has expired, and bytes a day old that no row names."""
    deleted = 0
    while True:
        with context.db.transaction() as session:
            found = expired(session, context.now())
            for file in found:
                context.files.delete(session, file, context.now())
        deleted += len(found)
        context.progress(deleted)
        if not found:
            break
    return {"deleted": deleted, "strangers": _remove_strangers(context.db, context.files, context.now())}


def _remove_strangers(db: Database, files: Files, now: datetime) -> int:
    removed = 0
    for key in files.strangers():
        path = files.folder / key.lstrip(".")[:2] / key.lstrip(".")[2:4] / key
        try:
            old = path.stat(follow_symlinks=False).st_mtime < (now - timedelta(days=1)).timestamp()
        except OSError:
            continue
        if not old:
            continue
        with db.reading() as session:
            known = session.scalar(select(StoredFile.state).where(StoredFile.key == key.removesuffix(CLEAN)))
        if known is None or known == "deleted":
            path.unlink(missing_ok=True)
            removed += 1
    for part in (files.folder / INCOMING).glob("*"):
        if part.stat(follow_symlinks=False).st_mtime < (now - ARRIVING).timestamp():
            part.unlink(missing_ok=True)
            removed += 1
    return removed
