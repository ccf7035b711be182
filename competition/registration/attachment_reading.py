"""Who may read a stored file, and which copy of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.accounts.unit_queries import may_speak_for
from competition.contests.policy import can_run
from competition.registration.attachments import PURPOSE, may_attach
from competition.registration.models import Registration
from competition.shared.models import StoredFile

Copy = Literal["sent", "clean"]
Reader = Callable[[Session, Actor, StoredFile], Copy | None]
"""Which copy the actor is given: as it was sent, or without metadata; None: none."""


def may_read(session: Session, actor: Actor, file: StoredFile) -> Copy | None:
    """Decides by what the file is for; whoever stored a file may always have it back, nobody else by default."""
    if file.state in ("uploading", "refused", "deleted") or actor.person_id is None:
        return None
    if file.person_id == actor.person_id:
        return "sent"
    reader = READERS.get(file.purpose)
    return None if reader is None else reader(session, actor, file)


def _attachment(session: Session, actor: Actor, file: StoredFile) -> Copy | None:
    registration = session.get(Registration, int(file.subject.partition(":")[2]))
    if registration is None:
        return None
    if may_attach(session, actor, registration):
        return "sent"
    reviews = can_run(actor, registration.contest_id) or (
        registration.unit_id is not None and may_speak_for(session, actor, registration.unit_id)
    )
    return "clean" if reviews and registration.state != "draft" else None


READERS: Final[dict[str, Reader]] = {PURPOSE: _attachment}
"""By purpose; a stage above adds its own."""
