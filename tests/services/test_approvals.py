"""Kinds of two-person decisions: one asks, another answers, a yes is carried out at once and once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import approval, approval_kinds
from competition.accounts.approval_kinds import ApprovalKind
from competition.accounts.models import Approval, Audit, Unit
from competition.accounts.policy import Actor, GrantInfo
from competition.accounts.service import create_person
from competition.shared.db import Database
from competition.shared.errors import DomainError

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


class Office:
    """A kind that makes a unit; organisers may answer."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.dropped: list[int] = []
        self.asked = 0
        with db.transaction() as session:
            ids = [create_person(session, login=n, name=n, password=None, now=NOW) for n in ("a", "b", "c", "visitor")]
        self.a, self.b, self.c = (Actor(key, str(key), (GrantInfo("organiser"),)) for key in ids[:3])
        self.nobody = Actor(ids[3], "nobody")
        approval_kinds.register(
            ApprovalKind(
                "make_unit",
                "建立单位",
                lambda _session, actor, _approval: actor.has("organiser"),
                lambda _session, row: [str(row.payload["name"])],
                self.make,
                drop=lambda _session, row, _actor, _now: self.dropped.append(row.id),
            )
        )

    def make(self, session: Session, row: Approval, _actor: Actor, _now: datetime) -> None:
        if row.payload["name"] == "坏":
            raise DomainError("conflict", "不能建立")
        session.add(Unit(code="u", code_key="u", name=row.payload["name"], kind="union"))

    def ask(self, name: str = "工会") -> int:
        self.asked += 1
        when = NOW + timedelta(minutes=self.asked)
        with self.db.transaction() as session:
            return approval.ask(
                session, kind="make_unit", subject="u", payload={"name": name}, reason="需要", actor=self.a, now=when
            )

    def answer(self, key: int, actor: Actor, yes: bool = True, note: str = "") -> None:
        with self.db.transaction() as session:
            approval_kinds.answer(session, key, yes, actor=actor, now=NOW, note=note)

    def state(self, key: int) -> tuple[str, int]:
        with self.db.reading() as session:
            return session.get_one(Approval, key).state, len(session.scalars(select(Unit)).all())


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_another_person_of_the_right_role_says_yes_once(office: Office) -> None:
    key = office.ask()
    with office.db.reading() as session:
        waits = {who: [one.id for one in approval_kinds.waiting_for(session, actor)]
                 for who, actor in {"a": office.a, "b": office.b, "nobody": office.nobody}.items()}  # fmt: skip
        row = session.get_one(Approval, key)
        assert [approval_kinds.may_see(session, who, row) for who in (office.a, office.b, office.nobody)] == [
            True, True, False,
        ]  # fmt: skip
    assert waits == {"a": [], "b": [key], "nobody": []}
    for actor in (office.a, office.nobody):
        with pytest.raises(DomainError) as refused:
            office.answer(key, actor)
        assert refused.value.code == "forbidden" and office.state(key) == ("asked", 0)
    office.answer(key, office.b, note="同意")
    assert office.state(key) == ("applied", 1)
    with pytest.raises(DomainError) as refused:
        office.answer(key, office.c)
    assert refused.value.code == "conflict" and office.state(key) == ("applied", 1)
    with office.db.reading() as session:
        logged = session.scalars(select(Audit).where(Audit.action.startswith("approval.")).order_by(Audit.id)).all()
    assert [(line.action, line.person_id) for line in logged] == [
        ("approval.ask", office.a.person_id),
        ("approval.approved", office.b.person_id),
        ("approval.apply", office.b.person_id),
    ]


def test_a_yes_that_cannot_be_carried_out_is_none(office: Office) -> None:
    key = office.ask("坏")
    with pytest.raises(DomainError):
        office.answer(key, office.b)
    assert office.state(key) == ("asked", 0)


def test_a_no_says_why_and_a_request_can_be_taken_back(office: Office) -> None:
    key = office.ask()
    with pytest.raises(DomainError) as refused:
        office.answer(key, office.b, yes=False)
    assert refused.value.field == "note"
    office.answer(key, office.b, yes=False, note="不需要")
    again = office.ask()
    with office.db.transaction() as session:
        with pytest.raises(DomainError):
            approval_kinds.withdraw(session, again, actor=office.b, now=NOW)
        approval_kinds.withdraw(session, again, actor=office.a, now=NOW)
    with pytest.raises(DomainError):
        office.answer(again, office.b)
    assert (office.state(key), office.state(again)) == (("refused", 0), ("dropped", 0))
    assert office.dropped == [key, again]
    with pytest.raises(DomainError), office.db.transaction() as session:
        approval_kinds.withdraw(session, again, actor=office.a, now=NOW)


def test_what_was_changed_behind_the_request_is_not_done(office: Office) -> None:
    key = office.ask()
    with office.db.transaction() as session:
        session.get_one(Approval, key).payload = {"name": "别的"}
    with pytest.raises(DomainError) as refused:
        office.answer(key, office.b)
    assert refused.value.code == "forbidden" and office.state(key) == ("asked", 0)


def test_two_who_answer_at_once_are_heard_once(office: Office) -> None:
    key = office.ask()
    start, told = threading.Barrier(2), []

    def answer(actor: Actor, yes: bool) -> None:
        start.wait()
        try:
            office.answer(key, actor, yes, note="x")
            told.append("heard")
        except DomainError as error:
            told.append(error.code)

    threads = [threading.Thread(target=answer, args=one) for one in ((office.b, True), (office.c, False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == ["conflict", "heard"]
    assert office.state(key) in (("applied", 1), ("refused", 0))


def test_a_kind_nobody_knows_is_answered_by_nobody(office: Office) -> None:
    with office.db.transaction() as session:
        key = approval.ask(session, kind="lost", subject="u", payload={}, reason="x", actor=office.a, now=NOW)
        assert approval_kinds.kind_of("lost") is None and approval_kinds.waiting_for(session, office.b) == []
    with pytest.raises(DomainError) as refused:
        office.answer(key, office.b)
    assert refused.value.code == "unknown"
