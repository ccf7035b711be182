"""Places (推荐名额): a unit asks for them by track, whoever is above grants them; its confirmations keep to that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Unit
from competition.accounts.notices import tell
from competition.accounts.policy import Actor
from competition.accounts.unit_queries import may_speak_for, own_units, units_above, units_below_all
from competition.contests.locks import lock_track
from competition.contests.models import Contest, Track
from competition.contests.policy import can_run
from competition.registration.facts import rules_of
from competition.registration.models import Quota, Registration
from competition.registration.turns import officers
from competition.shared.errors import DomainError

MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """One cell of the table: `used`: recommended or confirmed; `waiting`: not yet decided by the unit."""

    unit: Unit
    track: Track
    asked: int | None
    granted: int | None
    used: int
    waiting: int
    note: str
    open: bool
    """Asked for and not answered since."""


def has_quota(track: Track) -> bool:
    """Whether places bind at all: only where the track's eligibility says so."""
    return any(rule.kind == "quota" for rule in rules_of(track))


def ask(session: Session, track: Track, unit: Unit, count: int, *, note: str = "", actor: Actor, now: datetime) -> None:
    """The unit's officer asks for `count` places (0 to 10,000); a later asking takes the place of an earlier one."""
    if not may_speak_for(session, actor, unit.id):
        raise DomainError("forbidden", _("只有本单位或上级单位的经办人可以申请名额。"))
    if track.phase not in ("draft", "registration"):
        raise DomainError("not_open", _("这个赛项的报名阶段已过，不能再申请名额。"))
    row = _row(session, track, unit.id)
    row.asked, row.note = _count(count), note.strip()[:500]
    row.asked_by, row.asked_at = actor.person_id, now
    row.decided_at = row.decided_by = None
    session.flush()
    audit.note(
        session, actor, "quota.ask", f"{track.code}/{unit.code}", now=now, contest_id=track.contest_id,
        details={"count": count},
    )  # fmt: skip


def may_grant(session: Session, actor: Actor, track: Track, unit: Unit) -> bool:
    """Organisers of the contest, and officers of a unit above (never the unit itself)."""
    if can_run(actor, track.contest_id):
        return True
    own = own_units(actor)
    return any(each.id in own for each in units_above(session, unit.id))


def grant(
    session: Session, track: Track, unit: Unit, count: int, *, note: str = "", actor: Actor, now: datetime
) -> None:
    """Grants `count` places, fewer or more than were asked for, also unasked; not fewer than are taken already."""
    if not may_grant(session, actor, track, unit):
        raise DomainError("forbidden", _("名额由上级单位或主办方批准，不能自己批准。"))
    lock_track(session, track.id)
    used = _used(session, [track.id]).get((track.id, unit.id), (0, 0))[0]
    if _count(count) < used:
        raise DomainError("conflict", _("已有 %(used)s 份推荐，名额不能少于这个数。", used=used), "count")
    row = _row(session, track, unit.id)
    before, row.granted = row.granted, count
    row.decided_by, row.decided_at = actor.person_id, now
    row.note = note.strip()[:500] or row.note
    session.flush()
    audit.note(
        session, actor, "quota.grant", f"{track.code}/{unit.code}", now=now, contest_id=track.contest_id,
        details={"count": count, "before": before}, reason=note,
    )  # fmt: skip
    contest = session.get_one(Contest, track.contest_id)
    kind = "quota.granted" if count else "quota.refused"
    values = {"contest": contest.title, "track": track.title, "count": count, "reason": note or "—"}
    for person_id in officers(session, [unit.id]):
        tell(session, person_id, kind, values, link=f"/unit/{unit.code}/quotas", contest_id=contest.id, now=now)


def table(session: Session, tracks: Sequence[Track], units: Sequence[Unit]) -> list[Place]:
    """A cell for every unit and track, in the order given."""
    ids = [track.id for track in tracks]
    rows = {(row.track_id, row.unit_id): row for row in session.scalars(select(Quota).where(Quota.track_id.in_(ids)))}
    used = _used(session, ids)
    found = []
    for unit in units:
        for track in tracks:
            row = rows.get((track.id, unit.id))
            taken, waiting = used.get((track.id, unit.id), (0, 0))
            found.append(
                Place(
                    unit,
                    track,
                    row.asked if row else None,
                    row.granted if row else None,
                    taken,
                    waiting,
                    row.note if row else "",
                    row is not None and row.asked is not None and row.decided_at is None,
                )
            )
    return found


def units_concerned(session: Session, contest: Contest) -> list[Unit]:
    """The units that have asked, been granted, or handed something in."""
    asked = select(Quota.unit_id).where(Quota.contest_id == contest.id)
    came = select(Registration.unit_id).where(
        Registration.contest_id == contest.id, Registration.state.in_(("submitted", "confirmed"))
    )
    return list(
        session.scalars(select(Unit).where(or_(Unit.id.in_(asked), Unit.id.in_(came))).order_by(Unit.name, Unit.id))
    )


def open_requests(session: Session, actor: Actor) -> dict[str, int]:
    """How many requests wait for the actor, by contest code."""
    rows = session.execute(
        select(Quota.unit_id, Contest.id, Contest.code)
        .join(Contest, Contest.id == Quota.contest_id)
        .where(Quota.asked.is_not(None), Quota.decided_at.is_(None))
    ).all()
    own = own_units(actor)
    below = units_below_all(session, own) - own if rows and own else set()
    found: dict[str, int] = {}
    for unit_id, contest_id, code in rows:
        if can_run(actor, contest_id) or unit_id in below:
            found[code] = found.get(code, 0) + 1
    return found


def _row(session: Session, track: Track, unit_id: int) -> Quota:
    row = session.scalar(
        select(Quota).where(Quota.track_id == track.id, Quota.unit_id == unit_id).with_for_update()
    )  # fmt: skip
    if row is None:
        row = Quota(contest_id=track.contest_id, track_id=track.id, unit_id=unit_id)
        session.add(row)
    return row


def _count(count: int) -> int:
    if not 0 <= count <= MOST:
        raise DomainError("bad_number", _("名额须为 0 至 %(most)s 的整数。", most=MOST), "count")
    return count


def _used(session: Session, track_ids: Sequence[int]) -> dict[tuple[int, int], tuple[int, int]]:
    """By (track, unit): recommended or confirmed, and waiting for the unit itself."""
    taken = or_(Registration.state == "confirmed", (Registration.state == "submitted") & (Registration.step > 0))
    waits = (Registration.state == "submitted") & (Registration.step == 0)
    rows: Any = session.execute(
        select(
            Registration.track_id,
            Registration.unit_id,
            func.count().filter(taken),
            func.count().filter(waits),
        )
        .where(Registration.track_id.in_(track_ids), Registration.unit_id.is_not(None))
        .group_by(Registration.track_id, Registration.unit_id)
    )
    return {(track, unit): (used, waiting) for track, unit, used, waiting in rows}
