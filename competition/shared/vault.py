"""Personal numbers at rest: sealed with the data key, found again by a keyed hash, never in a backup in the clear.

`LEITAI_DATA_KEY` may name several keys, newest first, divided by commas: what was sealed with an older one is still
read, and `leitai rekey` seals everything anew with the first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_FILE: Final = "data.key"


class SealError(Exception):
    """Something sealed that none of the keys opens."""


def _derive(key: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=b"leitai", info=purpose).derive(key.encode())


class Vault:
    """Seals and opens text; `keys` newest first, at least one."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or not all(keys):
            raise ValueError("a vault needs a key")
        fernets = [Fernet(base64.urlsafe_b64encode(_derive(key, b"seal"))) for key in keys]
        self._newest, self._fernets = fernets[0], MultiFernet(fernets)
        self._index_keys = [_derive(key, b"index") for key in keys]

    def seal(self, text: str) -> str:
        """`text` as it may lie in the database."""
        return self._fernets.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises SealError where no key fits."""
        try:
            return self._fernets.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealError("none of the keys in LEITAI_DATA_KEY opens this value") from None

    def reseal(self, sealed: str) -> str:
        """The same value, sealed with the newest key."""
        return self.seal(self.open(sealed))

    def is_newest(self, sealed: str) -> bool:
        """Whether the newest key sealed it."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def index(self, text: str) -> str:
        """The keyed hash that is stored beside a sealed value; the caller normalises `text` first."""
        return self._indexed(self._index_keys[0], text)

    def indexes(self, text: str) -> list[str]:
        """The hash under each key, for a search while `leitai rekey` has not yet run."""
        return [self._indexed(key, text) for key in self._index_keys]

    @staticmethod
    def _indexed(key: bytes, text: str) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def open_vault(data_key: str | None, data_dir: Path) -> Vault:
    """The vault of the settings; without LEITAI_DATA_KEY with a key of its own, made once, in DATA/data.key.

    The file is readable by its owner alone and is in no backup: whoever keeps backups keeps it beside them.
    """
    if data_key:
        return Vault([key.strip() for key in data_key.split(",") if key.strip()])
    file = data_dir / KEY_FILE
    try:
        return Vault([file.read_text(encoding="ascii").strip()])
    except FileNotFoundError:
        pass
    data_dir.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(32)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # Another process that starts beside this one was first.
        return Vault([file.read_text(encoding="ascii").strip()])
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(made + "\n")
    return Vault([made])
