"""A small contest to judge in tests: two judges and a recorder in the first stage, a cut, a third judge after it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sqlalchemy import func, select

from competition.accounts.policy import CONSOLE, Actor, GrantInfo
from competition.accounts.service import create_person
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.contests.models import Stage, Track
from competition.shared import clock
from competition.shared.db import Database
from judges.ballots.models import Change, Mark, Op, Ruling, Sheet, Submission
from judges.ballots.reader import Reader
from judges.ballots.store import Ballots
from judges.desk.protocol import answer
from judges.sections import SECTIONS

COUNTED = (Change, Sheet, Submission, Mark, Ruling, Op)


def contest(**more: Any) -> dict[str, Any]:
    """The bundle; `more` replaces or adds top-level keys."""
    return {
        "format": "leitai.bundle/1",
        "contest": {"code": "cup", "title": "杯赛", "kind": "skill", "level": "city", "year": 2026},
        "judges": [{"code": code, "name": code} for code in ("J1", "J2", "J3")],
        "tracks": [
            {
                "code": "t",
                "title": "赛道",
                "stages": [
                    {
                        "code": "one",
                        "title": "初赛",
                        "attempt_count": 2,
                        "advance": {"top": 1},
                        "criteria": [
                            {"code": "j", "title": "J", "min": 1, "max": 10, "step": "0.5"},
                            {
                                "code": "head",
                                "title": "H",
                                "criteria": [
                                    {"code": "g", "title": "G", "max": 30, "kind": "grade"},
                                    {"code": "m", "title": "M", "max": 100, "kind": "measurement"},
                                ],
                            },
                        ],
                    },
                    {"code": "two", "title": "决赛", "criteria": [{"code": "k", "title": "K", "max": 10}]},
                ],
            }
        ],
        "entries": [
            {"code": f"E{number}", "track": "t", "title": f"E{number}", "draw": number} for number in (1, 2, 3)
        ],
        "panels": [
            {"track": "t", "stage": "one", "judges": ["J1", "J2"]},
            {"track": "t", "stage": "two", "judges": ["J3"]},
        ],
        **more,
    }


@dataclass
class Desk:
    """One contest in a database, and people who may ask of it by name: J1, J2, J3, rec, chief, org, none."""

    db: Database
    code: str = "cup"
    bundle: dict[str, Any] = field(default_factory=contest)
    ballots: Ballots = field(init=False)
    people: dict[str, Actor] = field(init=False)
    contest_id: int = field(init=False)
    track_id: int = field(init=False)

    def __post_init__(self) -> None:
        self.ballots = Ballots(self.db)
        self.services = SimpleNamespace(db=self.db, ballots=self.ballots, reader=Reader())
        now = clock.now()
        with self.db.transaction() as session:
            bundle = read_bundle(json.dumps(self.bundle).encode())
            self.contest_id = import_bundle(session, bundle, sections=SECTIONS, actor=CONSOLE, now=now)
            self.track_id = session.scalars(select(Track.id).where(Track.contest_id == self.contest_id)).first() or 0
            persons = {
                name: create_person(session, login=f"{self.code}-{name}", name=name, password=None, now=now)
                for name in ("J1", "J2", "J3", "rec", "chief", "org", "none")
            }
            for stage in session.scalars(select(Stage).where(Stage.track_id == self.track_id)):
                stage.state = "open"
        found = self.ballots.contest(self.code)
        grants: dict[str, tuple[GrantInfo, ...]] = {
            "rec": (GrantInfo("recorder", self.contest_id),),
            "chief": (GrantInfo("chief", self.contest_id, self.track_id),),
            "org": (GrantInfo("organiser", self.contest_id),),
            "none": (),
        }
        for name, judge_id in found.judges.items():
            grants[name] = (GrantInfo("judge", self.contest_id, judge_id=judge_id),)
        self.people = {name: Actor(persons[name], name, grants[name]) for name in persons}

    def ask(self, who: str, event: str, **message: Any) -> dict[str, Any]:
        """One message, with the contest, the track, an op and an attempt where it says none."""
        message = {"contest": self.code, "track": "t", "op": str(uuid.uuid4()), **message, "event": event}
        return answer(self.services, self.people[who], message, now=clock.now())

    def mark(
        self, who: str, criterion: str, value: Any, *, base: Any = 0, entry: str = "1", stage: str = "one", **more: Any
    ) -> dict[str, Any]:
        return self.ask(who, "mark", stage=stage, entry=entry, criterion=criterion, value=value, base=base, **more)

    def fill(self, entry: str = "1", *, points: str = "5", attempt: int = 1, submit: bool = True) -> None:
        """Every sheet of an entry in the first stage."""
        for who, cells in {"J1": ("j", "g"), "J2": ("j", "g"), "rec": ("m",)}.items():
            for criterion in cells:
                value = points if criterion != "g" else 2
                assert self.mark(who, criterion, value, entry=entry, attempt=attempt)["ok"]
            if submit:
                assert self.ask(who, "submit", stage="one", entry=entry, attempt=attempt)["ok"]

    def counts(self) -> tuple[int, ...]:
        """How many rows of evidence there are, table by table."""
        with self.db.reading() as session:
            return tuple(session.scalar(select(func.count()).select_from(model)) or 0 for model in COUNTED)

    def set_phase(self, phase: str, window: str = "open") -> None:
        with self.db.transaction() as session:
            session.get_one(Track, self.track_id).phase = phase
            for stage in session.scalars(select(Stage).where(Stage.track_id == self.track_id)):
                stage.state = window
