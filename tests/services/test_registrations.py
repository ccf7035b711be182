"""A registration from the first tap to its withdrawal: what is kept, what is refused, until when."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from competition.accounts.models import Consent, Notice, Person
from competition.accounts.policy import Actor
from competition.contests.models import AttachmentRule, Contest, Track
from competition.registration import drafting, small_entries
from competition.registration.drafting import Draft
from competition.registration.models import Entry, Quota, Registration, RegistrationPerson, ReviewStep
from competition.registration.receipt import canonical, document_of
from competition.shared.db import Database
from competition.shared.errors import DomainError
from tests.services.registering import CLOSES, NOW, Place, add_person, begin, lay_out

FIELDS = [
    {"code": "work", "label": "工作内容", "kind": "text", "required": True},
    {"code": "saved", "label": "年节约", "kind": "number", "limits": {"min": "0"}},
]


def submit(session: Any, number: str, actor: Actor, now: Any = NOW, **more: Any) -> Registration:
    return drafting.submit(session, number, agreed={"registration": None}, actor=actor, now=now, **more)


@pytest.fixture
def laid(database: Database) -> tuple[Place, Actor]:
    with database.transaction() as session:
        place = lay_out(session, fields=FIELDS, eligibility=[{"kind": "age", "min": 16}])
        return place, add_person(session, "王建国", unit_id=place.unit)


@pytest.fixture
def draft(database: Database, laid: tuple[Place, Actor]) -> str:
    with database.transaction() as session:
        return begin(session, *laid).number


def test_a_draft_is_begun_once_however_often_it_is_asked_for(database: Database, laid: tuple[Place, Actor]) -> None:
    place, actor = laid
    with database.transaction() as session:
        first = begin(session, place, actor)
        assert first.state == "draft" and first.unit_id == place.unit
        assert first.number[0] == "R" and len(first.number) == 9 and not set(first.number[1:]) & set("01OIL")
    with database.transaction() as session:
        assert begin(session, place, actor).number == first.number
        assert session.scalar(select(func.count()).select_from(Registration)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_taps_at_once_make_one_draft(database: Database, laid: tuple[Place, Actor]) -> None:
    found: list[str] = []
    gate = threading.Barrier(2)

    def tap() -> None:
        gate.wait()
        with database.transaction() as session:
            found.append(begin(session, *laid).number)

    taps = [threading.Thread(target=tap) for _ in range(2)]
    for one in taps:
        one.start()
    for one in taps:
        one.join()
    assert len(found) == 2 and len(set(found)) == 1


def test_what_is_typed_is_kept_complete_or_not(database: Database, laid: tuple[Place, Actor], draft: str) -> None:
    _place, actor = laid
    with database.transaction() as session:
        saved = drafting.save(
            session, draft, Draft(title="张力装置", answers={"saved": "一千"}), version=1, actor=actor, now=NOW
        )
        assert saved.version == 2
    with database.reading() as session:
        row = session.scalars(select(Registration)).one()
        assert (row.title, row.answers, row.state) == ("张力装置", {"saved": "一千"}, "draft")


def test_who_saves_over_another_is_told(database: Database, laid: tuple[Place, Actor], draft: str) -> None:
    _place, actor = laid
    with database.transaction() as session:
        drafting.save(session, draft, Draft(title="一"), version=1, actor=actor, now=NOW)
    with database.transaction() as session, pytest.raises(DomainError) as refused:
        drafting.save(session, draft, Draft(title="二"), version=1, actor=actor, now=NOW)
    assert refused.value.code == "conflict" and refused.value.details["version"] == 2


def test_a_stranger_finds_no_registration(database: Database, laid: tuple[Place, Actor], draft: str) -> None:
    with database.transaction() as session:
        stranger = add_person(session, "旁人")
        for attempt in (
            lambda: drafting.save(session, draft, Draft(title="x"), version=1, actor=stranger, now=NOW),
            lambda: submit(session, draft, stranger),
            lambda: drafting.withdraw(session, draft, actor=stranger, now=NOW),
        ):
            with pytest.raises(DomainError) as refused:
                attempt()
            assert refused.value.code == "unknown"


def test_what_is_missing_is_named_all_at_once(database: Database, laid: tuple[Place, Actor], draft: str) -> None:
    place, actor = laid
    with database.transaction() as session:
        session.add(AttachmentRule(contest_id=place.contest, position=0, code="photo", title="照片", required=True))
        session.get_one(Person, actor.person_id).profile = {}
        row = session.scalars(select(Registration)).one()
        row.unit_id, row.answers = None, {"saved": "-1"}
    with database.transaction() as session:
        with pytest.raises(DomainError) as refused:
            drafting.submit(session, draft, actor=actor, now=NOW)
        fields = [one["field"] for one in refused.value.details["missing"]]  # type: ignore[attr-defined]
        assert fields == ["unit", "f-saved", "f-work", "birth_date", "attachments", "consent"]
        assert session.scalars(select(Registration)).one().state == "draft"


def fill(database: Database, number: str, actor: Actor) -> None:
    with database.transaction() as session:
        row = session.scalars(select(Registration).where(Registration.number == number)).one()
        drafting.save(session, number, Draft(answers={"work": "焊接"}), version=row.version, actor=actor, now=NOW)


def test_handing_in_leaves_a_step_a_receipt_consent_and_word(
    database: Database, laid: tuple[Place, Actor], draft: str
) -> None:
    _place, actor = laid
    fill(database, draft, actor)
    with database.transaction() as session:
        row = submit(session, draft, actor)
        assert (row.state, row.step, row.submitted_at, row.title) == ("submitted", 0, NOW, "王建国")
        assert row.sha256 == hashlib.sha256(canonical(document_of(session, row))).hexdigest()
        again = submit(session, draft, actor, NOW + timedelta(hours=1))
        assert again.submitted_at == NOW
    with database.reading() as session:
        (step,) = session.scalars(select(ReviewStep))
        assert (step.step, step.action, step.person_id, step.failures) == (
            "contestant",
            "submit",
            actor.person_id,
            [],
        )
        assert session.scalar(select(func.count()).select_from(Consent)) == 1
        assert [notice.kind for notice in session.scalars(select(Notice))] == ["registration.submitted"]


def test_the_receipt_changes_with_the_content(database: Database, laid: tuple[Place, Actor], draft: str) -> None:
    _place, actor = laid
    fill(database, draft, actor)
    with database.transaction() as session:
        row = submit(session, draft, actor)
        row.answers = {"work": "切割"}
        session.flush()
        assert hashlib.sha256(canonical(document_of(session, row))).hexdigest() != row.sha256


@pytest.mark.parametrize(
    ("late", "open_"), [(timedelta(0), True), (timedelta(microseconds=1), False), (timedelta(days=-9), True)]
)
def test_the_deadline_holds_to_its_last_instant(
    database: Database, laid: tuple[Place, Actor], draft: str, late: timedelta, open_: bool
) -> None:
    _place, actor = laid
    fill(database, draft, actor)
    with database.transaction() as session:
        if open_:
            assert submit(session, draft, actor, CLOSES + late).state == "submitted"
            return
        with pytest.raises(DomainError) as refused:
            submit(session, draft, actor, CLOSES + late)
        assert refused.value.code == "not_open"
        with pytest.raises(DomainError):
            drafting.save(session, draft, Draft(title="x"), version=2, actor=actor, now=CLOSES + late)
        assert session.scalars(select(Registration)).one().answers == {"work": "焊接"}


def test_nothing_is_begun_before_the_window_nor_outside_the_phase(
    database: Database, laid: tuple[Place, Actor]
) -> None:
    place, actor = laid
    with database.transaction() as session:
        with pytest.raises(DomainError, match="还没有开始"):
            begin(session, place, actor, now=NOW - timedelta(days=8))
        session.get_one(Track, place.track).phase = "draw"
        with pytest.raises(DomainError, match="已经结束"):
            begin(session, place, actor)


def test_a_returned_one_is_corrected_after_the_deadline_while_the_phase_lasts(
    database: Database, laid: tuple[Place, Actor], draft: str
) -> None:
    place, actor = laid
    fill(database, draft, actor)
    after = CLOSES + timedelta(days=1)
    with database.transaction() as session:
        row = submit(session, draft, actor)
        row.state, row.reason = "returned", "照片不清楚"
    with database.transaction() as session:
        row = session.scalars(select(Registration)).one()
        drafting.save(session, draft, Draft(title="新"), version=row.version, actor=actor, now=after)
        assert submit(session, draft, actor, after).reason == ""
        assert [step.action for step in session.scalars(select(ReviewStep).order_by(ReviewStep.id))] == ["submit"] * 2
        row.state = "returned"
        session.get_one(Track, place.track).phase = "draw"
        with pytest.raises(DomainError):
            submit(session, draft, actor, after)


def test_withdrawing_frees_the_place_until_the_deadline(
    database: Database, laid: tuple[Place, Actor], draft: str
) -> None:
    place, actor = laid
    fill(database, draft, actor)
    with database.transaction() as session:
        submit(session, draft, actor)
        with pytest.raises(DomainError, match="联系主办方"):
            drafting.withdraw(session, draft, actor=actor, now=CLOSES + timedelta(seconds=1))
        assert drafting.withdraw(session, draft, actor=actor, now=CLOSES).state == "withdrawn"
        assert drafting.withdraw(session, draft, actor=actor, now=CLOSES).state == "withdrawn"
        assert not session.scalars(select(RegistrationPerson)).one().holds
        assert begin(session, place, actor).number != draft
        with pytest.raises(DomainError):
            drafting.save(session, draft, Draft(title="x"), version=4, actor=actor, now=NOW)


def test_withdrawing_a_confirmed_one_takes_its_entry_along_until_it_is_drawn(
    database: Database, laid: tuple[Place, Actor], draft: str
) -> None:
    place, actor = laid
    with database.transaction() as session:
        entry = Entry(contest_id=place.contest, track_id=place.track, code="E001", title="王建国", draw=7)
        session.add(entry)
        session.flush()
        row = session.scalars(select(Registration)).one()
        row.state, row.entry_id = "confirmed", entry.id
    with database.transaction() as session, pytest.raises(DomainError, match="抽签"):
        drafting.withdraw(session, draft, actor=actor, now=NOW)
    with database.transaction() as session:
        session.scalars(select(Entry)).one().draw = None
    with database.transaction() as session:
        drafting.withdraw(session, draft, actor=actor, now=NOW)
        assert session.scalars(select(Entry)).all() == []


def test_a_full_quota_is_noted_and_left_to_the_unit(database: Database) -> None:
    with database.transaction() as session:
        place = lay_out(session, eligibility=[{"kind": "quota"}])
        session.add(Quota(contest_id=place.contest, track_id=place.track, unit_id=place.unit, granted=1))
        numbers = []
        for name in ("甲", "乙"):
            actor = add_person(session, name, unit_id=place.unit)
            number = begin(session, place, actor).number
            numbers.append(number)
            row = submit(session, number, actor)
            assert row.state == "submitted"
            row.step = 1
            session.flush()
        steps = session.scalars(select(ReviewStep).order_by(ReviewStep.id)).all()
        assert [[failure["rule"] for failure in step.failures] for step in steps] == [[], ["quota"]]


def test_one_entry_a_person_counts_the_same_id_number_as_the_same_person(database: Database) -> None:
    with database.transaction() as session:
        place = lay_out(session, tracks=2, eligibility=[{"kind": "one_entry", "scope": "contest"}])
        contest = session.get_one(Contest, place.contest)
        one, two = (
            add_person(session, "王建国", unit_id=place.unit),
            add_person(session, "王建国二", unit_id=place.unit),
        )
        for actor in (one, two):
            session.get_one(Person, actor.person_id).id_index = "same"
        elsewhere = drafting.start(session, contest, contest.tracks[1], "individual", actor=one, now=NOW)
        number = begin(session, place, two).number
        with pytest.raises(DomainError, match=elsewhere.number):
            submit(session, number, two)
        drafting.withdraw(session, elsewhere.number, actor=one, now=NOW)
        assert submit(session, number, two).state == "submitted"


def improvement(op: str, **more: Any) -> small_entries.Improvement:
    values = {"title": "换刀架", "before": "换一次 20 分钟", "after": "换一次 5 分钟", "effect": "每天省一小时"}
    return small_entries.Improvement(op=op, **{**values, **more})


def test_a_small_improvement_is_handed_in_at_once_and_the_same_again_is_once(database: Database) -> None:
    with database.transaction() as session:
        place = lay_out(session, kind="suggestion", entrants={"kind": "either", "min": 1, "max": 5})
        actor = add_person(session, "王建国", unit_id=place.unit)
    numbers = set()
    for op in ("op-1", "op-1", "op-2"):
        with database.transaction() as session:
            contest, track = session.get_one(Contest, place.contest), session.get_one(Track, place.track)
            row = small_entries.hand_in(session, contest, track, improvement(op), actor=actor, now=NOW)
            assert (row.state, row.origin, row.title) == ("submitted", "small", "换刀架")
            numbers.add(row.number)
    assert len(numbers) == 2


def test_a_small_improvement_names_what_is_missing_and_keeps_nothing(database: Database) -> None:
    with database.transaction() as session:
        place = lay_out(session, kind="suggestion")
        actor = add_person(session, "王建国", unit_id=place.unit)
    with pytest.raises(DomainError) as refused, database.transaction() as session:
        contest, track = session.get_one(Contest, place.contest), session.get_one(Track, place.track)
        small_entries.hand_in(session, contest, track, improvement("op", after=" "), actor=actor, now=NOW)
    assert refused.value.field == "after"
    with database.reading() as session:
        assert session.scalars(select(Registration)).all() == []
