"""Reviewing registrations: the chain from unit to contest, reasons, many at once, the last place, and an entry."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from competition.accounts.models import Grant, Notice, Person, Unit
from competition.accounts.policy import Actor, GrantInfo
from competition.contests.models import Contest, Organisation
from competition.registration import drafting, review
from competition.registration.models import Entry, Quota, Registration, ReviewStep
from competition.registration.turns import read_line, read_tree, turn_of
from competition.shared.db import Database
from competition.shared.errors import DomainError
from tests.services.registering import NOW, Place, add_person, begin, lay_out


@dataclass
class Hall:
    """A contest with officers of the unit and the county, an organiser, and a way to hand registrations in."""

    db: Database
    place: Place
    unit: Actor
    county: Actor
    organiser: Actor

    def hand_in(self, name: str, unit_id: int | None = None) -> str:
        with self.db.transaction() as session:
            actor = add_person(session, name, unit_id=unit_id or self.place.unit)
            number = begin(session, self.place, actor).number
        with self.db.transaction() as session:
            drafting.submit(session, number, agreed={"registration": None}, actor=actor, now=NOW)
        return number

    def decide(self, actor: Actor, *numbers: str, action: Any = "confirm", **more: Any) -> None:
        with self.db.transaction() as session:
            review.decide(session, numbers, action, actor=actor, now=more.pop("now", NOW), **more)

    def row(self, number: str) -> Registration:
        with self.db.reading() as session:
            return session.scalars(select(Registration).where(Registration.number == number)).one()

    def notices(self, kind: str) -> int:
        with self.db.reading() as session:
            return len(session.scalars(select(Notice).where(Notice.kind == kind)).all())


def officer(session: Any, name: str, unit_id: int) -> Actor:
    actor = add_person(session, name)
    assert actor.person_id is not None
    session.add(Grant(person_id=actor.person_id, role="unit", unit_id=unit_id, granted_at=NOW))
    return Actor(actor.person_id, name, (GrantInfo("unit", unit_id=unit_id),))


@pytest.fixture
def hall(database: Database, request: pytest.FixtureRequest) -> Hall:
    eligibility = getattr(request, "param", [])
    with database.transaction() as session:
        place = lay_out(session, eligibility=eligibility)
        county = session.get_one(Unit, place.unit).parent_id
        assert county is not None
        organiser = add_person(session, "主办")
        assert organiser.person_id is not None
        session.add(Grant(person_id=organiser.person_id, role="organiser", contest_id=place.contest, granted_at=NOW))
        return Hall(
            database,
            place,
            officer(session, "单位干事", place.unit),
            officer(session, "区工会", county),
            Actor(organiser.person_id, "主办", (GrantInfo("organiser", contest_id=place.contest),)),
        )


def test_three_steps_make_an_entry(hall: Hall) -> None:
    number = hall.hand_in("王磊")
    hall.decide(hall.unit, number)
    assert hall.row(number).step == 1
    hall.decide(hall.county, number)
    assert (hall.row(number).state, hall.row(number).step) == ("submitted", 2)
    hall.decide(hall.organiser, number)
    row = hall.row(number)
    assert row.state == "confirmed"
    with hall.db.reading() as session:
        entry = session.get_one(Entry, row.entry_id)
        assert (entry.code, entry.title, entry.members, entry.draw) == ("E001", "王磊", [{"name": "王磊"}], None)
        units = {unit.code: unit.parent for unit in session.scalars(select(Organisation))}
        assert units == {"ws": "huancui", "huancui": None}
        steps = [(step.step, step.action) for step in session.scalars(select(ReviewStep).order_by(ReviewStep.id))]
    assert steps == [("contestant", "submit"), ("unit", "confirm"), ("county", "confirm"), ("contest", "confirm")]
    assert hall.notices("registration.admitted") == 1


def test_nobody_acts_out_of_turn(hall: Hall) -> None:
    number = hall.hand_in("王磊")
    for actor in (hall.county, hall.organiser, Actor(None, "visitor"), Actor(1, "x", (GrantInfo("unit"),))):
        with pytest.raises(DomainError, match="轮到"):
            hall.decide(actor, number)
    hall.decide(hall.unit, number)
    with pytest.raises(DomainError, match="轮到"):
        hall.decide(hall.unit, number)


def test_organisers_act_for_a_unit_without_an_officer(hall: Hall) -> None:
    with hall.db.transaction() as session:
        orphan = Unit(code="lone", code_key="lone", name="小厂", kind="enterprise")
        session.add(orphan)
        session.flush()
        unit_id = orphan.id
    number = hall.hand_in("李娜", unit_id)
    hall.decide(hall.organiser, number)
    # It has no county above it, so the contest's own step comes next.
    assert (hall.row(number).state, hall.row(number).step) == ("submitted", 2)
    hall.decide(hall.organiser, number)
    assert hall.row(number).state == "confirmed"


def test_a_platform_workers_registration_begins_at_the_union(hall: Hall) -> None:
    with hall.db.reading() as session:
        county = session.get_one(Unit, hall.place.unit).parent_id
    number = hall.hand_in("骑手", county)
    with hall.db.reading() as session:
        turn = turn_of(read_tree(session), session.get_one(Contest, hall.place.contest), hall.row(number))
    assert turn is not None
    assert turn.step.code == "county" and [step.code for step, _ in turn.passed] == ["unit"]
    hall.decide(hall.county, number)
    hall.decide(hall.organiser, number)
    assert hall.row(number).state == "confirmed"


def test_returned_with_a_reason_and_handed_in_again(hall: Hall) -> None:
    number = hall.hand_in("王磊")
    with pytest.raises(DomainError, match="理由"):
        hall.decide(hall.unit, number, action="return", reason=" ")
    hall.decide(hall.unit, number, action="return", reason="缺少等级证书")
    row = hall.row(number)
    assert (row.state, row.reason) == ("returned", "缺少等级证书")
    assert hall.notices("registration.returned") == 1
    with hall.db.transaction() as session:
        owner = row.created_by
        drafting.submit(session, number, agreed={"registration": None}, actor=Actor(owner, "王磊"), now=NOW)
    assert (hall.row(number).state, hall.row(number).step) == ("submitted", 0)


def test_refused_frees_the_persons_place(hall: Hall) -> None:
    number = hall.hand_in("王磊")
    hall.decide(hall.unit, number, action="refuse", reason="不是本单位职工")
    with hall.db.transaction() as session:
        row = session.scalars(select(Registration).where(Registration.number == number)).one()
        assert row.state == "refused" and not any(person.holds for person in row.people)
        again = begin(session, hall.place, Actor(row.created_by, "王磊"))
        assert again.number != number


def test_many_at_once_are_all_or_none(hall: Hall) -> None:
    numbers = [hall.hand_in(name) for name in ("甲甲", "乙乙", "丙丙")]
    hall.decide(hall.unit, numbers[0])
    with pytest.raises(DomainError) as refused:
        hall.decide(hall.unit, *numbers)
    assert refused.value.details["refused"][0][0] == numbers[0]  # type: ignore[index]
    assert [hall.row(number).step for number in numbers] == [1, 0, 0]
    hall.decide(hall.unit, *numbers[1:])
    assert [hall.row(number).step for number in numbers] == [1, 1, 1]


def test_what_was_changed_meanwhile_is_not_decided_unseen(hall: Hall) -> None:
    number = hall.hand_in("王磊")
    seen = hall.row(number).version
    hall.decide(hall.unit, number, action="return", reason="x")
    with hall.db.transaction() as session:
        drafting.submit(
            session, number, agreed={"registration": None}, actor=Actor(hall.row(number).created_by, "王磊"), now=NOW
        )
    with pytest.raises(DomainError, match="变动"):
        hall.decide(hall.unit, number, versions={number: seen})
    hall.decide(hall.unit, number, versions={number: hall.row(number).version})


RULES = [{"kind": "quota"}]


@pytest.mark.parametrize("hall", [RULES], indirect=True)
def test_no_more_are_recommended_than_there_are_places(hall: Hall) -> None:
    one, two = hall.hand_in("甲甲"), hall.hand_in("乙乙")
    with pytest.raises(DomainError):
        hall.decide(hall.unit, one)
    grant(hall, 1)
    with pytest.raises(DomainError):
        hall.decide(hall.unit, one, two)
    hall.decide(hall.unit, one)
    with pytest.raises(DomainError, match="名额"):
        hall.decide(hall.unit, two)


def grant(hall: Hall, count: int) -> None:
    with hall.db.transaction() as session:
        session.add(
            Quota(contest_id=hall.place.contest, track_id=hall.place.track, unit_id=hall.place.unit, granted=count)
        )


@pytest.mark.parametrize("hall", [RULES], indirect=True)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_who_confirm_at_once_do_not_overdraw(hall: Hall) -> None:
    numbers = [hall.hand_in("甲甲"), hall.hand_in("乙乙")]
    grant(hall, 1)
    gate, refused = threading.Barrier(2), []

    def confirm(number: str) -> None:
        gate.wait()
        try:
            hall.decide(hall.unit, number)
        except DomainError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=confirm, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(hall.row(number).step for number in numbers) == [0, 1]
    assert len(refused) == 1


@pytest.mark.parametrize("hall", [[{"kind": "age", "min": 50}]], indirect=True)
def test_organisers_alone_pass_over_a_rule_and_say_why(hall: Hall) -> None:
    with hall.db.transaction() as session:
        actor = add_person(session, "老王", unit_id=hall.place.unit, birth_date="1970-01-01")
        number = begin(session, hall.place, actor).number
    with hall.db.transaction() as session:
        drafting.submit(session, number, agreed={"registration": None}, actor=actor, now=NOW)
    hall.decide(hall.unit, number)
    hall.decide(hall.county, number)
    with hall.db.transaction() as session:
        # The profile was put right meanwhile, and the rule is asked again.
        person = session.get_one(Person, actor.person_id)
        person.profile = {**person.profile, "birth_date": "1990-01-01"}
    with pytest.raises(DomainError):
        hall.decide(hall.organiser, number)
    hall.decide(hall.organiser, number, reason="经组委会研究,破格参赛")
    assert hall.row(number).state == "confirmed"
    with hall.db.reading() as session:
        last = session.scalars(select(ReviewStep).order_by(ReviewStep.id.desc())).first()
    assert last is not None and last.reason.startswith("经组委会") and last.failures


def test_a_reviewer_is_told_once_an_hour(hall: Hall) -> None:
    for name in ("甲甲", "乙乙", "丙丙"):
        hall.hand_in(name)
    assert hall.notices("registration.waiting") == 1
    number = hall.hand_in("丁丁")
    hall.decide(hall.unit, number, now=NOW + timedelta(hours=2))
    assert hall.notices("registration.waiting") == 2


def test_codes_go_on_after_the_highest(hall: Hall) -> None:
    with hall.db.transaction() as session:
        session.add(Entry(contest_id=hall.place.contest, track_id=hall.place.track, code="E041", title="x"))
    number = hall.hand_in("王磊")
    for actor in (hall.unit, hall.county, hall.organiser):
        hall.decide(actor, number)
    with hall.db.reading() as session:
        assert session.get_one(Entry, hall.row(number).entry_id).code == "E042"


def test_one_line_of_the_tree_says_the_same_as_the_whole(hall: Hall) -> None:
    with hall.db.transaction() as session:
        city = Unit(code="city", code_key="city", name="市", kind="district")
        session.add(city)
        session.flush()
        session.get_one(Unit, session.get_one(Unit, hall.place.unit).parent_id).parent_id = city.id
        lone = Unit(code="lone", code_key="lone", name="独区", kind="district")
        session.add(lone)
    with hall.db.reading() as session:
        whole = read_tree(session)
        for unit in session.scalars(select(Unit)):
            part = read_line(session, unit.id)
            assert part.line(unit.id) == whole.line(unit.id)
            assert part.officered == whole.officered & {each.id for each in whole.line(unit.id)}
        assert read_line(session, None).line(None) == ()
