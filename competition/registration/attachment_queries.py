"""Reads of a registration's files: what its people, its reviewers and its judges are shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests.models import AttachmentRule, Track
from competition.registration.attachments import rules_of
from competition.registration.models import Attachment, Entry, Registration
from competition.shared.inspection import FAMILIES, KINDS
from competition.shared.models import StoredFile


@dataclass(frozen=True, slots=True)
class FileShown:
    """One file as a page shows it."""

    key: str
    name: str
    size: int
    state: str
    sha256: str | None
    clean_sha256: str | None
    received_at: datetime
    problems: tuple[str, ...]
    flags: tuple[dict[str, Any], ...]
    cleared: bool

    @property
    def flagged(self) -> bool:
        """Whether somebody must look through it before a judge may."""
        return bool(self.flags) and not self.cleared


@dataclass(frozen=True, slots=True)
class RuleShown:
    """What the contest asks for, and what is there."""

    code: str
    title: str
    help: str
    required: bool
    most: int
    max_mb: int
    families: tuple[str, ...]
    accept: str
    blind: bool
    """Judges are given these files, so that names inside matter."""
    files: tuple[FileShown, ...]

    @property
    def full(self) -> bool:
        return self.most > 1 and len(self.files) >= self.most


def shown(session: Session, registration: Registration) -> list[RuleShown]:
    """Every file that is asked for, with those that are there, newest last; what was replaced is left out."""
    files: dict[str, list[FileShown]] = {}
    rows = session.execute(
        select(Attachment, StoredFile)
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .where(Attachment.registration_id == registration.id, Attachment.replaced_at.is_(None))
        .order_by(Attachment.id)
    )
    for attachment, file in rows:
        files.setdefault(attachment.rule, []).append(_file(attachment, file))
    return [_rule(rule, tuple(files.get(rule.code, ()))) for rule in rules_of(session, registration)]


def _file(attachment: Attachment, file: StoredFile) -> FileShown:
    return FileShown(
        file.key,
        file.name,
        file.declared,
        file.state,
        file.sha256,
        file.clean_sha256,
        attachment.received_at,
        tuple(file.problems),
        tuple(attachment.flags),
        attachment.cleared_at is not None,
    )


def _rule(rule: AttachmentRule, files: tuple[FileShown, ...]) -> RuleShown:
    families = tuple(str(FAMILIES[family]) for family in rule.types if family in FAMILIES)
    kinds = [kind for kind in KINDS.values() if not rule.types or kind.family in rule.types]
    endings = {kind.ending for kind in kinds} | ({"jpeg"} if any(kind.ending == "jpg" for kind in kinds) else set())
    accept = ",".join(f".{ending}" for ending in sorted(endings))
    return RuleShown(
        rule.code, rule.title, rule.help, rule.required, rule.most, rule.max_mb, families, accept, rule.blind, files
    )  # fmt: skip


def attachment_by_key(session: Session, key: str) -> tuple[Attachment, StoredFile, Registration] | None:
    """The attachment of that file, replaced ones too: their receipts stay good."""
    row = session.execute(
        select(Attachment, StoredFile, Registration)
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .join(Registration, Registration.id == Attachment.registration_id)
        .where(StoredFile.key == key)
    ).first()
    return None if row is None else (row[0], row[1], row[2])


@dataclass(frozen=True, slots=True)
class BlindFile:
    """A file as judges are given it: under the entry's number, its name made of what it is, not of who sent it."""

    key: str
    title: str
    name: str
    size: int


def blind_files(session: Session, track: Track, number: int) -> list[BlindFile]:
    """The files of that draw number which judges may read: looked through, and free of names or cleared."""
    rows = session.execute(
        select(Attachment, StoredFile, AttachmentRule)
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .join(Registration, Registration.id == Attachment.registration_id)
        .join(Entry, Entry.id == Registration.entry_id)
        .join(
            AttachmentRule,
            (AttachmentRule.contest_id == Registration.contest_id) & (AttachmentRule.code == Attachment.rule),
        )
        .where(
            Entry.track_id == track.id,
            Entry.draw == number,
            Attachment.replaced_at.is_(None),
            StoredFile.state == "ready",
            AttachmentRule.blind.is_(True),
        )
        .order_by(AttachmentRule.position, Attachment.id)
    )
    found: list[BlindFile] = []
    for attachment, file, rule in rows:
        if attachment.flags and attachment.cleared_at is None:
            continue
        ending = KINDS[file.media_type].ending if file.media_type in KINDS else "bin"
        found.append(BlindFile(file.key, rule.title, f"{number}-{rule.code}-{len(found) + 1}.{ending}", file.declared))
    return found
