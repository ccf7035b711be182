"""What was handed in, as one canonical document, and its SHA-256: the proof that a receipt carries."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.contests.models import Contest, Track
from competition.registration.models import Attachment, Registration
from competition.shared.models import StoredFile

FORMAT: Final = "leitai.registration/1"


def document_of(session: Session, registration: Registration) -> dict[str, Any]:
    """The content as it stands: no phone or ID number is in it, files by the hash of what was sent."""
    contest, track = session.execute(
        select(Contest.code, Track.code)
        .join(Track, Track.contest_id == Contest.id)
        .where(Track.id == registration.track_id)
    ).one()
    unit = session.scalar(select(Unit.code).where(Unit.id == registration.unit_id)) if registration.unit_id else None
    files = session.execute(
        select(Attachment.rule, StoredFile.sha256)
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .where(Attachment.registration_id == registration.id, Attachment.replaced_at.is_(None))
        .order_by(Attachment.id)
    )
    submitted = registration.submitted_at
    return {
        "format": FORMAT,
        "number": registration.number,
        "contest": contest,
        "track": track,
        "kind": registration.kind,
        "title": registration.title,
        "group": registration.group,
        "unit": unit,
        "people": [{"name": person.name, "part": person.part, "lead": person.lead} for person in registration.people],
        "answers": registration.answers,
        "files": [{"rule": rule, "sha256": sha256} for rule, sha256 in files],
        "submitted_at": submitted.isoformat() if submitted else None,
    }


def canonical(document: dict[str, Any]) -> bytes:
    """The bytes that are hashed: sorted keys, no spaces, UTF-8 (as RFC 8785 writes objects without numbers)."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sha256_of(session: Session, registration: Registration) -> str:
    return hashlib.sha256(canonical(document_of(session, registration))).hexdigest()
