"""The year's plan: proposed by units, approved once with a label, told by trade and unit."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Audit, Notice, Unit
from competition.accounts.policy import CONSOLE, VISITOR, Actor, GrantInfo
from competition.accounts.service import create_person
from competition.contests import planning
from competition.contests.models import Contest, PlanItem, Season
from competition.contests.planning import Proposal
from competition.shared.db import Database
from competition.shared.errors import DomainError

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)


class Year:
    """A season, a district with a works below it, another works, and an officer of each."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.transaction() as session:
            district = Unit(code="d", code_key="d", name="环翠区", kind="district")
            session.add(district)
            session.flush()
            works = Unit(code="w", code_key="w", name="机床厂", kind="enterprise", parent_id=district.id)
            other = Unit(code="o", code_key="o", name="船厂", kind="enterprise")
            session.add_all([works, other])
            session.flush()
            self.works, self.other = works.id, other.id
            ids = [create_person(session, login=n, name=n, password=None, now=NOW) for n in ("d", "w", "o", "a")]
            self.district_officer, self.officer, self.outsider = (
                Actor(key, name, (GrantInfo("unit", unit_id=unit),))
                for key, name, unit in zip(ids, "dwo", (district.id, works.id, other.id), strict=False)
            )
            self.admin = Actor(ids[3], "a", (GrantInfo("admin"),))
            planning.create_season(session, code="2026", title="2026 年计划", year=2026, actor=CONSOLE, now=NOW)

    def season(self, session: Session) -> Season:
        return planning.get_season(session, "2026")

    def save(self, actor: Actor, item: int | None = None, **more: Any) -> int:
        with self.db.transaction() as session:
            return planning.save(session, self.season(session), item, self.proposal(**more), actor=actor, now=NOW).id

    def proposal(self, **more: Any) -> Proposal:
        return Proposal(
            **{
                "title": "焊工竞赛",
                "kind": "skill",
                "level": "city",
                "unit_id": self.works,
                "occupation": "焊工",
                "occupation_code": "6-18-02-04",
                "scope": "船舶、压力容器",
                "workers": 6200,
                "technology": "全位置焊",
                "months": "9 月",
                "budget": Decimal("85000.50"),
                **more,
            }
        )

    def submit(self, item: int, actor: Actor) -> None:
        with self.db.transaction() as session:
            planning.submit(session, item, actor=actor, now=NOW)

    def decide(self, item: int, verdict: str, actor: Actor | None = None, **more: Any) -> None:
        with self.db.transaction() as session:
            planning.decide(session, item, verdict, actor=actor or self.admin, now=NOW, **more)

    def item(self, key: int) -> PlanItem:
        with self.db.reading() as session:
            return session.get_one(PlanItem, key)


@pytest.fixture
def year(database: Database) -> Year:
    return Year(database)


def refused(code: str, field: str | None = None) -> Any:
    return pytest.raises(DomainError, check=lambda error: (error.code, error.field) == (code, field or error.field))


def test_a_proposal_goes_from_its_unit_to_approval_with_a_label(year: Year) -> None:
    key = year.save(year.officer)
    assert year.item(key).proposal["budget"] == "85000.50"
    year.submit(key, year.officer)
    with refused("locked"):
        year.save(year.officer, key, title="别的")
    with refused("bad_request", "reason"):
        year.decide(key, "return")
    year.decide(key, "return", reason="请写明范围")
    year.save(year.officer, key, title="焊工技能竞赛")
    year.submit(key, year.officer)
    year.decide(key, "approve", label="model")
    item = year.item(key)
    assert (item.state, item.label, item.title, item.decided_by) == (
        "approved", "model", "焊工技能竞赛", year.admin.person_id,
    )  # fmt: skip
    with refused("conflict"):
        year.decide(key, "refuse", reason="晚了")
    with year.db.reading() as session:
        said = session.scalars(select(Notice).where(Notice.person_id == year.officer.person_id)).all()
        assert [notice.link for notice in said] == [f"/plan/items/{key}"] * 2
        actions = [row.action for row in session.scalars(select(Audit).order_by(Audit.id)) if row.action[:5] == "plan."]
    assert actions == ["plan.save", "plan.submit", "plan.return", "plan.save", "plan.submit", "plan.approve"]


def test_who_may_propose_for_whom_and_who_decides(year: Year) -> None:
    for actor in (year.outsider, VISITOR):
        with refused("forbidden"):
            year.save(actor)
    key = year.save(year.district_officer)
    with refused("forbidden"):
        year.submit(key, year.outsider)
    year.submit(key, year.officer)
    for actor in (year.officer, year.outsider):
        with refused("forbidden"):
            year.decide(key, "approve", actor)
    with year.db.reading() as session:
        season = year.season(session)
        seen = {who.name: [item.id for item in planning.seen_by(session, who, season)]
                for who in (year.admin, year.district_officer, year.officer, year.outsider)}  # fmt: skip
    assert seen == {"a": [key], "d": [key], "w": [key], "o": []}


def test_what_is_wrong_with_a_proposal_is_said_by_its_field(year: Year) -> None:
    for field, more in {
        "kind": {"kind": "raffle"},
        "unit": {"unit_id": None},
        "occupation_code": {"occupation_code": "welder"},
    }.items():
        with refused("bad_request", field):
            year.save(year.officer, **more)
    key = year.save(year.officer, scope="", workers=None)
    with pytest.raises(DomainError) as told:
        year.submit(key, year.officer)
    assert told.value.details["fields"] == ["scope", "workers"]
    with refused("bad_request"):
        year.decide(key, "perhaps")
    with refused("bad_request", "label"):
        year.decide(key, "approve", label="best")
    with refused("conflict"):
        year.decide(key, "approve")


def test_a_closed_season_takes_nothing_new_but_what_was_returned(year: Year) -> None:
    returned, draft = year.save(year.officer), year.save(year.officer)
    year.submit(returned, year.officer)
    year.decide(returned, "return", reason="补充")
    with year.db.transaction() as session:
        with refused("forbidden"):
            planning.set_open(session, year.season(session), False, actor=year.officer, now=NOW)
        planning.set_open(session, year.season(session), False, actor=year.admin, now=NOW)
    with refused("not_open"):
        year.save(year.officer)
    with refused("not_open"):
        year.submit(draft, year.officer)
    year.submit(returned, year.officer)
    with year.db.transaction() as session, refused("conflict", "code"):
        planning.create_season(session, code="2026", title="又一份", year=2026, actor=CONSOLE, now=NOW)


def test_the_plan_in_figures(year: Year) -> None:
    first, second, third = (year.save(year.officer) for _ in range(3))
    foreign = year.save(year.outsider, unit_id=year.other, occupation="钳工", workers=900)
    for key in (first, second, foreign):
        year.submit(key, year.officer if key != foreign else year.outsider)
    year.decide(first, "approve", label="leading")
    year.decide(second, "refuse", reason="重复")
    year.decide(foreign, "approve")
    with year.db.transaction() as session:
        session.add(
            Contest(code="w", code_key="w", title="焊", kind="skill", level="city", year=2026, identity="entry",
                    created_at=NOW, plan_item_id=first)
        )  # fmt: skip
    with year.db.reading() as session:
        trades, units = planning.statistics(session, year.season(session))
        assert planning.contests_made(session, year.season(session)) == {first: "w"}
    assert [(line.name, line.proposed, line.approved, line.made, line.workers) for line in trades] == [
        ("焊工", 2, 1, 1, 6200),
        ("钳工", 1, 1, 0, 900),
    ]
    assert [(line.name, line.proposed) for line in units] == [("机床厂", 2), ("船厂", 1)]
    assert year.item(third).state == "draft"


def test_two_who_decide_at_once_decide_once(year: Year) -> None:
    key = year.save(year.officer)
    year.submit(key, year.officer)
    start, told = threading.Barrier(2), []

    def decide(verdict: str) -> None:
        start.wait()
        try:
            year.decide(key, verdict, reason="x")
            told.append("done")
        except DomainError as error:
            told.append(error.code)

    threads = [threading.Thread(target=decide, args=(verdict,)) for verdict in ("approve", "refuse")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == ["conflict", "done"]
