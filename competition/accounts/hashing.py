"""Password hashes (argon2id), which cost a core for a moment: never more than two at once, so that marks go on.

A server lets its job process do them (`remote_hashing.RemoteHasher`); a command or a test does them itself.
"""

from __future__ import annotations

import secrets
import threading
from typing import Final, Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

AT_ONCE: Final = 2


class Hasher(Protocol):
    """Both block their caller (a greenlet of a server lets others run meanwhile)."""

    def hash(self, password: str) -> str:
        """The argon2id hash of a new password."""
        ...

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one of `stored`; None (nobody, or no password) takes as long and is False."""
        ...


def made_hasher() -> PasswordHasher:
    """19 MiB, two passes, one lane (OWASP's Password Storage Cheat Sheet): a thirtieth of a second of one core, so
    that a hall of two hundred is in within seconds."""
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def outdated(stored: str) -> bool:
    """Whether a hash was made with other settings than today's: then the next sign-in makes it anew."""
    try:
        return made_hasher().check_needs_rehash(stored)
    except InvalidHashError:
        return False


class LocalHasher:
    """Hashes in this process, two at once at most."""

    def __init__(self) -> None:
        self._hasher = made_hasher()
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        with self._turn:
            return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        with self._turn:
            try:
                return self._hasher.verify(stored or self._nobody, password) and stored is not None
            except (VerifyMismatchError, InvalidHashError):
                return False
