"""A contest before its draw: nine entries of three units, and people who may ask by their names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import approval_kinds, service
from competition.accounts.policy import CONSOLE, Actor
from competition.accounts.queries import actor_for
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.contests.models import Station, Track, Venue
from competition.contests.queries import get_contest, get_track
from competition.contests.service import move_phase
from competition.draw import decoding, guards, voiding
from competition.draw.layers import LayerCommand, set_layers
from competition.draw.models import CodeLayer
from competition.draw.queries import get_layer
from competition.leaderboard import guards as board_guards
from competition.leaderboard.submitted import SubmittedResults
from competition.registration import guards as entry_guards
from competition.registration.checkin import check_in
from competition.registration.models import Entry
from competition.shared.db import Database
from competition.shared.vault import Vault
from judges.ballots.reader import Reader
from judges.sections import SECTIONS

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
UNITS = ("威高集团", "三角轮胎", "黄海造船")
NAMES = ("王海燕", "李建军", "张秀兰", "刘洪波", "陈玉梅", "杨志强", "赵春晖", "孙立新", "周桂芳")


def bundle(count: int = 9, phase: str = "registration") -> dict[str, Any]:
    return {
        "format": "leitai.bundle/1",
        "contest": {"code": "cup", "title": "焊工赛", "kind": "skill", "level": "city", "year": 2026, "phase": phase},
        "organisations": [{"code": f"u{n}", "name": name, "kind": "enterprise"} for n, name in enumerate(UNITS)],
        "judges": [{"code": code, "name": f"裁判{code}"} for code in ("J1", "J2")],
        "tracks": [
            {
                "code": "t",
                "title": "焊接",
                "stages": [{"code": "one", "title": "实操", "criteria": [{"code": "q", "title": "质量", "max": 100}]}],
            }
        ],
        "entries": [
            {
                "code": f"E{n + 1:03}",
                "track": "t",
                "title": f"{NAMES[n % 9]}的作品",
                "organisation": f"u{n % 3}",
                "members": [{"name": NAMES[n % 9]}],
            }
            for n in range(count)
        ],
        "panels": [{"track": "t", "stage": "one", "judges": ["J1", "J2"]}],
    }


@dataclass
class Hall:
    db: Database
    count: int = 9
    phase: str = "registration"
    vault: Vault = field(default_factory=lambda: Vault(["a key of the tests"]))
    people: dict[str, int] = field(default_factory=dict)
    clock: datetime = NOW

    def __post_init__(self) -> None:
        entry_guards.register()
        board_guards.register(Reader())
        guards.register()
        voiding.register(self.vault)
        decoding.register(SubmittedResults(Reader()))
        with self.db.transaction() as session:
            read = read_bundle(json.dumps(bundle(self.count, self.phase)).encode())
            self.contest_id = import_bundle(session, read, sections=SECTIONS, actor=CONSOLE, now=NOW)
            for name, role, scope in (
                ("coder", "coder", self.contest_id),
                ("coder2", "coder", self.contest_id),
                ("supervisor", "supervisor", self.contest_id),
                ("org", "organiser", self.contest_id),
                ("chief", "chief", self.contest_id),
                ("admin", "admin", None),
            ):
                person = service.create_person(session, login=name, name=name, password=None, now=NOW)
                service.grant(session, person, role, contest_id=scope, now=NOW, actor=CONSOLE)
                self.people[name] = person

    def now(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def who(self, session: Session, name: str) -> Actor:
        actor = actor_for(session, self.people[name])
        assert actor is not None
        return actor

    def track(self, session: Session) -> Track:
        return get_track(session, self.contest_id, "t")

    def layer(self, session: Session, code: str = "number") -> CodeLayer:
        return get_layer(session, self.track(session), code)

    def layers(self, *codes: str, first: int = 1) -> None:
        with self.db.transaction() as session:
            set_layers(
                session,
                self.track(session),
                [LayerCommand(code, first * 10**place) for place, code in enumerate(codes)],
                actor=self.who(session, "org"),
                now=self.now(),
            )

    def move(self, phase: str, name: str | None = None) -> None:
        """By force: as the command line does, or as somebody who is signed in."""
        with self.db.transaction() as session:
            actor = CONSOLE if name is None else self.who(session, name)
            move_phase(session, [self.track(session)], phase, actor=actor, now=self.now(), force=True, reason="test")

    def arrive(self, *numbers: int) -> None:
        with self.db.transaction() as session:
            contest = get_contest(session, "cup")
            for number in numbers:
                check_in(
                    session, contest, entry=f"E{number:03}", op=f"arrival-{number:03}",
                    actor=self.who(session, "org"), now=self.now(),
                )  # fmt: skip

    def stations(self, rows: int, columns: int) -> None:
        with self.db.transaction() as session:
            venue = Venue(contest_id=self.contest_id, code="hall", name="一号厂房")
            venue.stations = [
                Station(position=row * columns + column, code=f"{row + 1}-{column + 1}", row=row + 1, column=column + 1)
                for row in range(rows)
                for column in range(columns)
            ]
            session.add(venue)

    def numbers(self, session: Session) -> dict[str, int | None]:
        rows = session.execute(select(Entry.code, Entry.draw).where(Entry.contest_id == self.contest_id)).all()
        return {code: draw for code, draw in rows}  # noqa: C416

    def answer(self, approval_id: int, name: str, *, yes: bool = True) -> None:
        with self.db.transaction() as session:
            approval_kinds.answer(
                session, approval_id, yes, actor=self.who(session, name), now=self.now(), note="看过了"
            )
