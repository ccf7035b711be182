"""What reviewers are shown: lists by unit or contest, and one registration whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from competition.accounts.models import Person, Unit
from competition.accounts.numbers import mask_id, mask_phone
from competition.accounts.policy import Actor
from competition.accounts.unit_queries import may_speak_for
from competition.contests.models import Contest, Track
from competition.contests.policy import can_run
from competition.registration.chain import Turn
from competition.registration.models import Registration
from competition.registration.turns import Tree, may_review, read_tree, turn_of
from competition.shared.errors import DomainError
from competition.shared.vault import SealError, Vault

PAGE: Final = 50
REVIEWED: Final = ("submitted", "returned", "refused", "confirmed", "withdrawn")
"""What reviewers see; a draft is its people's own."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a reviewer's list; `mine`: it waits for the reader."""

    number: str
    version: int
    title: str
    names: str
    unit: str
    contest: str
    contest_title: str
    track: str
    state: str
    turn: Turn | None
    mine: bool
    at: datetime | None
    origin: str


@dataclass(frozen=True, slots=True)
class Listed:
    rows: tuple[Line, ...]
    page: int
    pages: int
    count: int
    mine: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; "" or None: not."""

    units: Collection[int] | None = None
    contest_id: int | None = None
    track: str = ""
    state: str = ""
    words: str = ""
    mine: bool = False
    page: int = 1


def listed(session: Session, wanted: Wanted, *, actor: Actor) -> Listed:
    """The registrations that fit, those that wait for the reader first, then the newest."""
    tree = read_tree(session)
    query = (
        select(Registration, Contest, Track.title, Unit.name)
        .join(Contest, Contest.id == Registration.contest_id)
        .join(Track, Track.id == Registration.track_id)
        .outerjoin(Unit, Unit.id == Registration.unit_id)
        .where(Registration.state.in_((wanted.state,) if wanted.state in REVIEWED else REVIEWED))
        .options(selectinload(Registration.people))
        .order_by(Registration.submitted_at.desc(), Registration.id.desc())
    )
    if wanted.units is not None:
        query = query.where(Registration.unit_id.in_(list(wanted.units)))
    if wanted.contest_id is not None:
        query = query.where(Registration.contest_id == wanted.contest_id)
    if wanted.track:
        query = query.where(Track.code == wanted.track)
    if wanted.words:
        like = f"%{_plain(wanted.words)}%"
        query = query.where(
            or_(
                Registration.title.ilike(like, escape="\\"),
                Registration.number.ilike(like, escape="\\"),
                Unit.name.ilike(like, escape="\\"),
                Registration.people.any(name=wanted.words.strip()),
            )
        )
    lines = [
        _line(tree, actor, registration, contest, track, unit)
        for registration, contest, track, unit in session.execute(query)
    ]
    mine = sum(line.mine for line in lines)
    if wanted.mine:
        lines = [line for line in lines if line.mine]
    lines.sort(key=lambda line: not line.mine)
    pages = max(1, -(-len(lines) // PAGE))
    page = min(max(1, wanted.page), pages)
    return Listed(tuple(lines[(page - 1) * PAGE : page * PAGE]), page, pages, len(lines), mine)


def _line(tree: Tree, actor: Actor, registration: Registration, contest: Contest, track: str, unit: str | None) -> Line:
    turn = turn_of(tree, contest, registration)
    names = "、".join(person.name for person in registration.people if person.part == "member")
    return Line(
        registration.number,
        registration.version,
        registration.title or names,
        names,
        unit or "",
        contest.code,
        contest.title,
        track,
        registration.state,
        turn,
        turn is not None and may_review(tree, actor, contest, turn),
        registration.submitted_at,
        registration.origin,
    )


def _plain(words: str) -> str:
    return words.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def waiting_for(session: Session, actor: Actor) -> Mapping[tuple[str, str], int]:
    """How many registrations wait for the actor, by (contest code, contest title)."""
    tree = read_tree(session)
    rows = session.execute(
        select(Registration, Contest)
        .join(Contest, Contest.id == Registration.contest_id)
        .join(Track, Track.id == Registration.track_id)
        .where(Registration.state == "submitted", Track.phase == "registration")
    )
    found: dict[tuple[str, str], int] = {}
    for registration, contest in rows:
        turn = turn_of(tree, contest, registration)
        if turn is not None and may_review(tree, actor, contest, turn):
            key = (contest.code, contest.title)
            found[key] = found.get(key, 0) + 1
    return found


def count_in_review(session: Session, track_id: int) -> int:
    return session.execute(
        select(func.count())
        .select_from(Registration)
        .where(Registration.track_id == track_id, Registration.state == "submitted")
    ).scalar_one()


def seen_by_reviewer(session: Session, number: str, actor: Actor) -> Registration:
    """The registration, for who reviews it at any step; a draft for nobody but its people."""
    registration = session.scalar(
        select(Registration).where(Registration.number == number).options(selectinload(Registration.people))
    )
    allowed = registration is not None and (
        can_run(actor, registration.contest_id)
        or (registration.unit_id is not None and may_speak_for(session, actor, registration.unit_id))
    )
    if registration is None or not allowed or registration.state == "draft":
        raise DomainError("unknown", "")
    return registration


@dataclass(frozen=True, slots=True)
class PersonShown:
    """A person of a registration as reviewers see them: numbers masked, whatever else the profile says."""

    name: str
    part: str
    lead: bool
    accepted: bool
    id_number: str
    phone: str
    unit: str
    profile: Mapping[str, Any]


def people_shown(session: Session, registration: Registration, vault: Vault) -> Sequence[PersonShown]:
    ids = [person.person_id for person in registration.people if person.person_id is not None]
    people = {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(ids)))}
    units: Any = session.execute(
        select(Unit.id, Unit.name).where(Unit.id.in_([each.unit_id for each in people.values() if each.unit_id]))
    ).all()
    names = dict(units)
    shown = []
    for each in registration.people:
        person = people.get(each.person_id or 0)
        shown.append(
            PersonShown(
                each.name,
                each.part,
                each.lead,
                each.accepted_at is not None,
                _masked(vault, person.id_sealed if person else None, mask_id),
                _masked(vault, person.phone_sealed if person else None, mask_phone),
                names.get(person.unit_id, "") if person and person.unit_id else "",
                person.profile if person else {},
            )
        )
    return shown


def _masked(vault: Vault, sealed: str | None, mask: Any) -> str:
    if not sealed:
        return ""
    try:
        return str(mask(vault.open(sealed)))
    except SealError:
        return "***"
