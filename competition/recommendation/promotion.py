"""Entries brought up from a lower contest: drafted in the upper one with rank, score, stamp and consent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from competition.accounts import audit, notices
from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.contests.models import Contest, Track
from competition.contests.records import put_attributes
from competition.contests.rules import Scalar
from competition.recommendation.layering import check_runs
from competition.recommendation.layers import Package, Source, Winner, fingerprint
from competition.registration.drafting import new_number
from competition.registration.models import (
    Entry,
    Layer,
    Peer,
    Promotion,
    Registration,
    RegistrationPerson,
    ReviewStep,
)
from competition.shared.errors import DomainError


@dataclass(frozen=True, slots=True)
class Brought:
    """What one click did: registrations made, entries that were there before, and those left out with the reason."""

    made: tuple[str, ...]
    known: int
    left: tuple[tuple[str, str], ...]


def check_package(session: Session, layer: Layer, package: Package) -> Peer:
    """The server that signed, if the layer names it and the package is of that lower track; raises DomainError."""
    peer = session.scalar(
        select(Peer).where(Peer.public_key == package.public_key, Peer.removed_at.is_(None))
    )  # fmt: skip
    if peer is None:
        raise DomainError(
            "forbidden",
            _(
                "上报包由未登记的服务器“%(name)s”签名（指纹 %(print)s）。请与对方核对指纹，登记后再导入。",
                name=package.server,
                print=fingerprint(package.public_key),
            ),
        )
    if layer.peer_id is not None and layer.peer_id != peer.id:
        raise DomainError("forbidden", _("这个上报包不是由所列的服务器签名的。"))
    told = (package.source.contest.casefold(), package.source.track.casefold())
    if told != (layer.lower_contest.casefold(), layer.lower_track.casefold()):
        raise DomainError(
            "bad_request",
            _(
                "这个上报包属于 %(found)s，不是 %(wanted)s。",
                found="/".join(told),
                wanted=f"{layer.lower_contest}/{layer.lower_track}",
            ),
        )
    if package.source.standing not in ("notice", "final"):
        raise DomainError("not_open", _("下级成绩还没有公示，不能上报。"))
    return peer


def bring_up(
    session: Session,
    layer: Layer,
    source: Source,
    winners: Sequence[Winner],
    *,
    stamp: Mapping[str, object],
    here: Mapping[str, int] | None = None,
    paper: str = "",
    actor: Actor,
    now: datetime,
) -> Brought:
    """Drafts a registration for each winner that has none yet.

    `here` gives the ids of the entries on this server, whose people come along; else names alone come, to be claimed.
    `paper` says where written consents are kept, for those who did not agree in the program; without it they stay out.
    A second call makes what the first left out and nothing twice.
    """
    contest, track = session.get_one(Contest, layer.contest_id), session.get_one(Track, layer.track_id)
    check_runs(actor, contest)
    if track.phase not in ("draft", "registration"):
        raise DomainError("not_open", _("赛项“%(track)s”的报名阶段已过，不能再收上报项目。", track=track.title))
    known = set(
        session.scalars(
            select(Promotion.lower_entry).where(
                Promotion.track_id == track.id,
                Promotion.lower_contest == source.contest,
                Promotion.lower_track == source.track,
            )
        )
    )
    made: list[str] = []
    left: list[tuple[str, str]] = []
    for winner in winners:
        if winner.entry in known:
            continue
        consent = winner.consent if winner.consent != "none" else ("paper" if paper.strip() else "")
        if not consent:
            left.append((winner.title, _("还没有同意把资料提供给上级主办方")))
            continue
        told = {**stamp, "consent": consent, **({"paper": paper.strip()} if consent == "paper" and paper else {})}
        try:
            with session.begin_nested():
                registration = _draft(session, contest, track, source, winner, (here or {}).get(winner.entry), now)
                session.add(
                    Promotion(
                        layer_id=layer.id, track_id=track.id, lower_contest=source.contest, lower_track=source.track,
                        lower_entry=winner.entry, rank=winner.rank, score=winner.score, prize=winner.prize, stamp=told,
                        registration_id=registration.id, created_by=actor.person_id, created_at=now,
                    )
                )  # fmt: skip
                session.add(
                    ReviewStep(
                        registration_id=registration.id, step="layer", action="layer", person_id=actor.person_id,
                        actor=actor.name[:120], at=now, reason=f"{source.contest_title} · {winner.rank}",
                    )
                )  # fmt: skip
                session.flush()
        except IntegrityError:
            left.append((winner.title, _("其中有人已在这个赛项报名")))
            continue
        made.append(registration.number)
        _tell(session, registration, contest, source, now)
    audit.note(
        session, actor, "layer.bring_up", f"{contest.code}/{track.code}", now=now, contest_id=contest.id,
        details={"lower": f"{source.contest}/{source.track}", "made": len(made), "left": len(left)},
    )  # fmt: skip
    return Brought(tuple(made), sum(winner.entry in known for winner in winners), tuple(left))


def stamp_of(source: Source, *, peer: Peer | None = None, package: Package | None = None) -> dict[str, object]:
    """What proves where an entry came from."""
    told: dict[str, object] = asdict(source)
    if package is not None and peer is not None:
        told |= {
            "made_at": package.made_at,
            "server": package.server,
            "peer": peer.name,
            "public_key": package.public_key,
            "signature": package.signature,
        }
    return told


def _draft(
    session: Session,
    contest: Contest,
    track: Track,
    source: Source,
    winner: Winner,
    entry_id: int | None,
    now: datetime,
) -> Registration:
    lower = None
    if entry_id is not None:
        lower = session.scalar(select(Registration).where(Registration.entry_id == entry_id))
    unit_id = lower.unit_id if lower is not None else _unit(session, winner)
    groups = {group["code"] for group in contest.groups}
    attributes: dict[str, Scalar] = {
        "lower_contest": source.contest,
        "lower_rank": winner.rank,
        "lower_score": Decimal(winner.score),
    }
    if unit_id is None and winner.organisation_name:
        attributes["lower_unit"] = winner.organisation_name
    registration = Registration(
        contest_id=contest.id,
        track_id=track.id,
        number=new_number(),
        kind=lower.kind if lower is not None else ("team" if len(winner.members) > 1 else winner.kind),
        title=winner.title,
        unit_id=unit_id,
        group=winner.group if winner.group in groups else "",
        attributes=put_attributes(attributes),
        origin="layer",
        created_by=lower.created_by if lower is not None else None,
        created_at=now,
        updated_at=now,
        people=_people(track, winner, lower),
    )
    session.add(registration)
    session.flush()
    return registration


def _people(track: Track, winner: Winner, lower: Registration | None) -> list[RegistrationPerson]:
    if lower is not None and lower.people:
        return [
            RegistrationPerson(
                track_id=track.id, person_id=each.person_id, part=each.part, position=place, name=each.name,
                holds=each.part == "member", lead=each.lead, accepted_at=each.accepted_at,
            )
            for place, each in enumerate(lower.people)
        ]  # fmt: skip
    named = [("member", name) for name in winner.members] + [("adviser", name) for name in winner.advisers]
    return [
        RegistrationPerson(
            track_id=track.id, part=part, position=place, name=name, holds=part == "member", lead=place == 0
        )
        for place, (part, name) in enumerate(named or [("member", winner.title)])
    ]


def _unit(session: Session, winner: Winner) -> int | None:
    if not winner.organisation:
        return None
    found = session.scalar(select(Unit).where(Unit.code_key == winner.organisation.casefold()))
    # Two servers may know other units by one code: the name has to agree.
    return found.id if found is not None and found.name == winner.organisation_name else None


def _tell(session: Session, registration: Registration, contest: Contest, source: Source, now: datetime) -> None:
    for person in registration.people:
        if person.person_id is not None:
            notices.notify(
                session,
                person.person_id,
                kind="layer.drafted",
                title=_("您的成绩晋级“%(contest)s”", contest=contest.title),
                body=_(
                    "您在“%(lower)s”的成绩已晋级，报名草稿 %(number)s 已为您建好。请补充材料并提交。",
                    lower=source.contest_title,
                    number=registration.number,
                ),
                link=f"/registrations/{registration.number}",
                contest_id=contest.id,
                now=now,
            )


def entries_here(session: Session, contest_id: int) -> dict[str, int]:
    """The entries of a contest on this server: code → id."""
    rows: Any = session.execute(select(Entry.code, Entry.id).where(Entry.contest_id == contest_id))
    return dict(rows.all())
