"""The judges' side of the organiser's desk: who has a seat, their sign-in links, windows and the freeze."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.accounts.queries import person_by_login
from competition.accounts.service import create_person, grant, make_link, person_for
from competition.contests.models import Contest, Criterion, Stage, Track
from competition.pages.seating import Check, Seat
from competition.registration.models import Entry
from competition.shared.errors import DomainError
from judges.desk.protocol import answer
from judges.desk.readiness import readiness
from judges.panels.models import Panel, PanelEntry, PanelJudge
from judges.roster.queries import judges_of
from judges.roster.service import link_for_judge


class JudgesSeating:
    """Implements `competition.pages.seating.Seating`."""

    def __init__(self, services: Any) -> None:
        self._services = services

    def seats(self, session: Session, contest: Contest) -> list[Seat]:
        found = [Seat("judge", judge.name, code=judge.code) for judge in judges_of(session, contest.id)]
        tracks = [track.id for track in contest.tracks]
        if (
            session.scalar(
                select(Criterion.id)
                .join(Stage, Stage.id == Criterion.stage_id)
                .where(Stage.track_id.in_(tracks), Criterion.kind == "measurement")
                .limit(1)
            )
            is not None
        ):
            found.append(Seat("recorder", ""))
        return found + [Seat("chief", track.title, track=track.code) for track in contest.tracks]

    def link(self, session: Session, contest: Contest, seat: Seat, *, actor: Actor, now: datetime) -> str:
        if seat.role == "judge":
            return link_for_judge(session, contest, seat.code, now=now, actor=actor)
        login = f"{seat.role}{'-' + seat.track if seat.track else ''}@{contest.code}"[:80]
        track = next((track for track in contest.tracks if track.code == seat.track), None)
        if track is None:
            person = person_for(
                session, role=seat.role, contest_id=contest.id, login=login, name=login, now=now, actor=actor
            )
        else:
            person = _chief(session, contest, track.id, login, now=now, actor=actor)
        return make_link(session, contest_id=contest.id, role=seat.role, person_id=person, now=now, actor=actor)

    def judged_track(self, session: Session, actor: Actor, contest: str, track: str, number: str) -> Track | None:
        row = session.scalar(
            select(Track)
            .join(Contest, Contest.id == Track.contest_id)
            .where(Contest.code_key == contest.casefold(), Track.code == track)
        )
        if row is None or not number.isdigit():
            return None
        if actor.has("admin") or actor.has("chief", contest_id=row.contest_id, track_id=row.id):
            return row
        judges = actor.judge_ids(row.contest_id)
        if not judges:
            return None
        panels = (
            select(Panel.id)
            .join(Stage, Stage.id == Panel.stage_id)
            .join(PanelJudge, PanelJudge.panel_id == Panel.id)
            .where(Stage.track_id == row.id, PanelJudge.judge_id.in_(judges))
        )
        entry = select(Entry.id).where(Entry.track_id == row.id, Entry.draw == int(number))
        held = select(PanelEntry.panel_id).where(PanelEntry.entry_id.in_(entry))
        seen = session.scalar(
            select(Panel.id).where(Panel.id.in_(panels), or_(Panel.all_entries.is_(True), Panel.id.in_(held)))
        )
        return None if seen is None else row

    def readiness(self, session: Session, contest: Contest, now: datetime) -> list[Check]:
        return readiness(session, contest, now)

    def decide(self, kind: str, words: dict[str, object], *, actor: Actor, now: datetime) -> None:
        said = answer(self._services, actor, {"event": kind, "op": str(uuid.uuid4()), **words}, now=now)
        if not said["ok"]:
            error = said["error"]
            raise DomainError(error["code"], error["message"], error.get("field"))


def _chief(session: Session, contest: Contest, track_id: int, login: str, *, now: datetime, actor: Actor) -> int:
    """The person who leads one track, with that track alone as the scope."""
    known = person_by_login(session, login)
    person = known.id if known else create_person(session, login=login, name=login, password=None, now=now, actor=actor)
    grant(session, person, "chief", contest_id=contest.id, track_id=track_id, now=now, actor=actor)
    return person
