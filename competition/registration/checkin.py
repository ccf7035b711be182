"""Check-in (检录): that an entry is there, said by a device that may have been offline; taken back as easily.

Every device gives each of its operations an id of its own, so that what is sent again changes nothing. The newest
operation of an entry holds, in the order in which the server heard of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.policy import Actor
from competition.contests.models import Contest, Organisation, Track
from competition.contests.policy import can_run
from competition.registration.models import CheckIn, Entry, Registration
from competition.shared.errors import DomainError

OPEN: Final = ("registration", "draw", "scoring")
"""Phases in which people are checked in; late arrivals come while others are being marked."""
OP: Final = re.compile(r"[A-Za-z0-9-]{8,40}")
AHEAD: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A line of the list at the door: names are for the door, numbers of the draw are not in it."""

    code: str
    number: str
    """The registration's, "" for an entry that came with an import."""
    track: str
    title: str
    unit: str
    people: tuple[str, ...]
    present: bool
    at: datetime | None


def can_check_in(actor: Actor, contest_id: int) -> bool:
    """Organisers of the contest stand at its door."""
    return can_run(actor, contest_id)


def check_in(
    session: Session,
    contest: Contest,
    *,
    entry: str,
    op: str,
    present: bool = True,
    device_at: datetime | None = None,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> bool:
    """Notes that an entry (its code, or its registration's number) is there or, after a mistake, is not.

    Gives whether anything was written: the same op again is answered as before.
    """
    if not can_check_in(actor, contest.id):
        raise DomainError("forbidden", _("只有本竞赛的主办方可以检录。"))
    if OP.fullmatch(op) is None:
        raise DomainError("bad_request", _("这次操作没有编号，请刷新后再试。"), "op")
    row = find_entry(session, contest.id, entry)
    known = session.scalar(select(CheckIn).where(CheckIn.op == op))
    if known is not None:
        if (known.entry_id, known.present) != (row.id, present):
            raise DomainError("op_reused", _("这个操作编号已经用过。"), "op")
        return False
    track = session.get_one(Track, row.track_id)
    if track.phase not in OPEN:
        raise DomainError("not_open", _("“%(track)s”现在不在检录的时候。", track=track.title))
    if device_at is not None and device_at > now + AHEAD:
        device_at = None
    try:
        with session.begin_nested():
            session.add(
                CheckIn(
                    entry_id=row.id,
                    op=op,
                    present=present,
                    by=actor.person_id,
                    device_at=device_at,
                    at=now,
                    note=note.strip()[:200],
                )
            )
    except IntegrityError:
        # The same operation came over two connections at once, and the other was first.
        return False
    audit.note(
        session,
        actor,
        "checkin.present" if present else "checkin.undo",
        f"{contest.code}/{row.code}",
        now=now,
        contest_id=contest.id,
    )
    return True


def find_entry(session: Session, contest_id: int, text: str) -> Entry:
    """The entry of that code or registration number (as a QR code holds it), ignoring case."""
    wanted = text.strip().casefold()
    row = session.scalar(select(Entry).where(Entry.contest_id == contest_id, func.lower(Entry.code) == wanted))
    if row is None:
        row = session.scalar(
            select(Entry)
            .join(Registration, Registration.entry_id == Entry.id)
            .where(Entry.contest_id == contest_id, func.lower(Registration.number) == wanted)
        )
    if row is None:
        raise DomainError("unknown", _("名单里没有“%(code)s”。", code=text.strip()[:40]), "entry")
    return row


def present_in(session: Session, track_id: int) -> frozenset[int]:
    """The ids of the track's entries that are there."""
    newest = (
        select(func.max(CheckIn.id))
        .join(Entry, Entry.id == CheckIn.entry_id)
        .where(Entry.track_id == track_id)
        .group_by(CheckIn.entry_id)
    )
    return frozenset(session.scalars(select(CheckIn.entry_id).where(CheckIn.id.in_(newest), CheckIn.present)))


def any_checked_in(session: Session, track_id: int) -> bool:
    return bool(present_in(session, track_id))


def arrivals(session: Session, contest: Contest, track: str | None = None) -> list[Arrival]:
    """The list at the door, by track and code."""
    newest = select(CheckIn.entry_id, func.max(CheckIn.id).label("id")).group_by(CheckIn.entry_id).subquery()
    rows: Sequence[Any] = session.execute(
        select(Entry, Track.code, Track.position, Organisation.name, Registration.number, CheckIn)
        .join(Track, Track.id == Entry.track_id)
        .outerjoin(Organisation, Organisation.id == Entry.organisation_id)
        .outerjoin(Registration, Registration.entry_id == Entry.id)
        .outerjoin(newest, newest.c.entry_id == Entry.id)
        .outerjoin(CheckIn, CheckIn.id == newest.c.id)
        .where(Entry.contest_id == contest.id)
        .order_by(Track.position, Entry.code)
    ).all()
    return [
        Arrival(
            entry.code,
            number or "",
            code,
            entry.title,
            unit or "",
            tuple(member["name"] for member in entry.members),
            bool(said is not None and said.present),
            said.at if said is not None else None,
        )
        for entry, code, _position, unit, number, said in rows
        if track is None or code == track
    ]
