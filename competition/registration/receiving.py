"""A file that has arrived whole: it moves to its place, is on record, and is looked through by the job process."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from competition.accounts.policy import Actor
from competition.extensions import services
from competition.registration import attachment_inspection, attachments
from competition.shared import clock
from competition.shared.files import INCOMING
from competition.shared.incoming import Incoming
from competition.shared.inspection import HEAD, Unfit, first_look
from competition.shared.models import StoredFile


def incoming_parts() -> Incoming:
    return Incoming(services().config.uploads / INCOMING)


def begin(wanted: attachments.Wanted, who: Actor) -> StoredFile:
    """On record and with an empty part; raises DomainError where the file could never be taken."""
    with services().db.transaction() as session:
        file = attachments.begin(session, wanted, actor=who, now=clock.now(), free=services().files.free())
        # The part before the commit: an upload that is on record can always be gone on with.
        incoming_parts().begin(file.key)
    return file


def append(file: StoredFile, offset: int, stream: IO[bytes], who: Actor) -> int:
    """The next bytes; gives how many there are now. What shows itself unfit is refused and gone (raises Unfit)."""
    parts = incoming_parts()
    at = parts.append(file.key, offset, stream, file.declared)
    if offset < HEAD <= at or at == file.declared:
        try:
            first_look(parts.head(file.key, HEAD), tuple(file.details["types"]))
        except Unfit as unfit:
            with services().db.transaction() as session:
                attachments.refuse(session, session.get_one(StoredFile, file.id), unfit.message)
            parts.drop(file.key)
            raise
    if at == file.declared:
        _finish(file, who)
    return at


def _finish(file: StoredFile, who: Actor) -> None:
    parts = incoming_parts()
    with services().db.transaction() as session:
        row = session.get_one(StoredFile, file.id)
        attachments.complete(session, row, actor=who, now=clock.now())
        attachment_inspection.ask(session, row, actor=who, now=clock.now())
        place: Path = services().files.path(row)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Last before the commit. Should that fail, the part lies where the file belongs; it is looked for there, too.
        parts.path(file.key).replace(place)


def give_up(file: StoredFile) -> None:
    with services().db.transaction() as session:
        session.delete(session.get_one(StoredFile, file.id))
    incoming_parts().drop(file.key)
