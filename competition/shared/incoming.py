"""Files on their way in: parts that grow as bytes arrive, whose length on disk is the one truth about how far they are.

A part survives a lost connection and a killed server; what was told as received has been flushed to the disk.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

BLOCK: Final = 256 * 1024
KEY: Final = re.compile(r"[A-Za-z0-9_-]{10,64}")


class Busy(Exception):
    """Another connection is writing this part."""


class Misplaced(Exception):
    """Bytes for a place other than the end; `at` is where the part ends."""

    def __init__(self, at: int) -> None:
        super().__init__(str(at))
        self.at = at


class Incoming:
    """The folder of parts, one file for each key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError("no key of ours")
        return self.folder / key

    def begin(self, key: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path(key), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def size(self, key: str) -> int | None:
        """How many bytes are here; None: there is no such part (any more)."""
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            return None

    def append(self, key: str, offset: int, stream: IO[bytes], limit: int) -> int:
        """Writes what `stream` still gives, up to `limit` bytes in all, and gives the part's length.

        What arrived before a connection broke stays. Raises Misplaced, Busy, FileNotFoundError.
        """
        with self._alone(key) as file:
            at = file.seek(0, os.SEEK_END)
            if at != offset:
                raise Misplaced(at)
            try:
                while at < limit and (block := stream.read(min(BLOCK, limit - at))):
                    file.write(block)
                    at += len(block)
            finally:
                file.flush()
                os.fsync(file.fileno())
        return at

    def head(self, key: str, length: int) -> bytes:
        with self.path(key).open("rb") as file:
            return file.read(length)

    def drop(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    @contextmanager
    def _alone(self, key: str) -> Iterator[IO[bytes]]:
        with self.path(key).open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy from None
            yield file
