"""A backup: the database and the uploads in one file, taken while the server runs; and the way back.

A tar.gz with `manifest.json` (kind of database, revision, a hash of every file), the database as its own tool writes it
(SQLite's backup API, pg_dump) and the uploads. No key and no setting is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import zlib
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL

from competition.config import Config
from competition.shared import schema
from competition.shared.db import Database

FORMAT: Final = "leitai.backup/1"
PARTS: Final = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
TOOLS: Final = "{} is needed for PostgreSQL and was not found: install its client programs (Debian: postgresql-client)."


class BackupError(Exception):
    """Why a backup cannot be made or restored, in sentences; nothing was changed."""


def back_up(config: Config, database: Database, target: Path, *, now: datetime) -> None:
    """Writes `target`, whole or not at all; a file of that name is replaced."""
    if not target.parent.is_dir():
        raise BackupError(f"There is no folder {target.parent}.")
    kind = database.engine.dialect.name
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".leitai-backup-") as folder:
        part = Path(folder) / PARTS[kind]
        if kind == "sqlite":
            _copy_sqlite(_sqlite_path(database), part)
        else:
            _run_tool(database.engine.url, ["pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={part}"])
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "made_at": now.isoformat(timespec="seconds"),
            "database": kind,
            "revision": schema.current(database),
            "files": {part.name: _hash_of(part)},
        }
        archive = Path(folder) / "backup.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(part, part.name)
            for file in sorted(config.uploads.rglob("*")):
                if file.is_file() and not file.is_symlink():
                    name = f"uploads/{file.relative_to(config.uploads).as_posix()}"
                    # Of a copy, so that the hash is that of what is in the archive while the file is being written to.
                    copy = Path(shutil.copy(file, Path(folder) / "upload"))
                    manifest["files"][name] = _hash_of(copy)
                    tar.add(copy, name)
            listing = Path(folder) / "manifest.json"
            listing.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
            tar.add(listing, listing.name)
        archive.chmod(0o600)
        with archive.open("rb") as file_:
            os.fsync(file_.fileno())
        archive.replace(target)
    # For the go/no-go page, which says how old the last one is.
    config.data_dir.mkdir(parents=True, exist_ok=True)
    (config.data_dir / "last-backup.json").write_text(json.dumps({"made_at": manifest["made_at"]}), encoding="utf-8")


def restore(config: Config, database: Database, source: Path, *, replace: bool = False) -> dict[str, Any]:
    """Puts a backup back and gives its manifest. All that can be checked is checked before a change."""
    if not replace and not schema.is_empty(database):
        raise BackupError("The database is not empty. To overwrite it, with its uploads: --replace")
    if not replace and config.uploads.is_dir() and any(config.uploads.iterdir()):
        raise BackupError(f"{config.uploads} is not empty. To overwrite it: --replace")
    config.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=config.data_dir, prefix=".leitai-restore-") as folder:
        manifest = _unpack(source, Path(folder))
        kind = database.engine.dialect.name
        if manifest["database"] != kind:
            raise BackupError(
                f"The backup is of a {manifest['database']} database and this one is {kind}: set LEITAI_DATABASE_URL "
                "to one of the same kind, or carry single contests over with leitai export and leitai import."
            )
        if manifest["revision"] not in schema.revisions():
            raise BackupError("The backup was made by a newer version of the program. Install that one first.")
        part = Path(folder) / PARTS[kind]
        if kind == "sqlite":
            database.engine.dispose()
            _copy_sqlite(part, _sqlite_path(database))
        else:
            _restore_postgresql(database, part, Path(folder))
        _put_uploads(Path(folder) / "uploads", config.uploads)
    schema.upgrade(database)
    return manifest


def _sqlite_path(database: Database) -> Path:
    name = database.engine.url.database
    if not name or name == ":memory:":
        raise BackupError("A database in memory has no backup.")
    return Path(name)


def _copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's own online copy: consistent whoever is writing, and seen whole by who has the target open."""
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target, timeout=30)) as new:
            old.execute("PRAGMA query_only=ON")
            old.backup(new)
    except sqlite3.Error as error:
        raise BackupError(f"The database could not be copied: {error}.") from error


def _run_tool(url: URL, command: list[str]) -> None:
    """A program of PostgreSQL against `url`; the password goes by the environment, not by the arguments."""
    program = shutil.which(command[0])
    if program is None:
        raise BackupError(TOOLS.format(command[0]))
    address = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    environment = dict(os.environ) | ({"PGPASSWORD": str(url.password)} if url.password is not None else {})
    done = subprocess.run(
        [program, *command[1:], f"--dbname={address.render_as_string()}"],
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise BackupError(f"{command[0]}: {done.stderr.decode(errors='replace').strip()}")


def _restore_postgresql(database: Database, part: Path, folder: Path) -> None:
    """In one transaction: the tables that are there go and those of the backup come, or nothing happens."""
    program = shutil.which("pg_restore")
    if program is None:
        raise BackupError(TOOLS.format("pg_restore"))
    script = folder / "restore.sql"
    done = subprocess.run(
        [program, "--no-owner", "--no-acl", f"--file={script}", str(part)], capture_output=True, check=False
    )
    if done.returncode != 0:
        raise BackupError(f"pg_restore: {done.stderr.decode(errors='replace').strip()}")
    clear = folder / "clear.sql"
    clear.write_text(
        "DO $$ DECLARE t record; BEGIN "
        "FOR t IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public' "
        "LOOP EXECUTE format('DROP TABLE %I.%I CASCADE', t.schemaname, t.tablename); END LOOP; END $$;\n"
    )
    database.engine.dispose()
    _run_tool(
        database.engine.url,
        [
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--file={clear}",
            f"--file={script}",
        ],
    )


def _unpack(source: Path, folder: Path) -> dict[str, Any]:
    """The archive's files in `folder`, each with the hash that the manifest says."""
    try:
        with tarfile.open(source, "r:gz") as tar:
            tar.extractall(folder, filter="data")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError) as error:
        raise BackupError(f"{source} is no backup that can be read: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or manifest.get("database") not in PARTS:
        raise BackupError(f"{source} is no backup of this program.")
    files = manifest.get("files", {})
    if PARTS[manifest["database"]] not in files:
        raise BackupError(f"{source} holds no database.")
    for name, expected in files.items():
        path = folder / name
        if not path.is_file() or _hash_of(path) != expected:
            raise BackupError(f"{source} is damaged: {name}")
    return manifest


def _put_uploads(source: Path, target: Path) -> None:
    if target.exists():
        shutil.rmtree(target)
    if source.is_dir():
        source.replace(target)
    else:
        target.mkdir(parents=True)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
