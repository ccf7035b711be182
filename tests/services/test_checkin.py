"""Check-in: by code or by receipt, sent again without effect, undone, late; who is there for the draw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from competition.accounts.models import Audit
from competition.accounts.policy import CONSOLE, VISITOR, Actor, GrantInfo
from competition.contests.queries import get_contest
from competition.registration.checkin import arrivals, check_in, present_in
from competition.registration.models import CheckIn, Entry, Registration
from competition.shared import bus
from competition.shared.db import Database
from competition.shared.errors import DomainError
from tests.services.drawn import NOW, Hall


@pytest.fixture
def hall(database: Database) -> Iterator[Hall]:
    before = bus._bus
    bus.use(bus.Bus())
    yield Hall(database)
    bus.use(before)


def arrive(hall: Hall, entry: str, op: str, *, present: bool = True, who: Actor | None = None, **more: object) -> bool:
    with hall.db.transaction() as session:
        return check_in(
            session, get_contest(session, "cup"), entry=entry, op=op, present=present,
            actor=who or hall.who(session, "org"), now=hall.now(), **more,  # type: ignore[arg-type]
        )  # fmt: skip


def there(hall: Hall) -> set[str]:
    with hall.db.reading() as session:
        here = present_in(session, hall.track(session).id)
        return set(session.scalars(select(Entry.code).where(Entry.id.in_(here))))


def test_an_operation_counts_once_however_often_it_is_sent(hall: Hall) -> None:
    assert arrive(hall, "E001", "aaaaaaaa-1")
    assert not arrive(hall, "E001", "aaaaaaaa-1")
    with hall.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(CheckIn)) == 1
        assert session.scalars(select(Audit.action).where(Audit.action.like("checkin%"))).all() == ["checkin.present"]
    with pytest.raises(DomainError) as reused:
        arrive(hall, "E002", "aaaaaaaa-1")
    assert reused.value.code == "op_reused"
    with pytest.raises(DomainError) as turned:
        arrive(hall, "E001", "aaaaaaaa-1", present=False)
    assert turned.value.code == "op_reused"
    assert there(hall) == {"E001"}


def test_a_mistake_is_taken_back_and_the_newest_holds(hall: Hall) -> None:
    arrive(hall, "e001", "aaaaaaaa-1")
    arrive(hall, "E001", "aaaaaaaa-2", present=False)
    assert there(hall) == set()
    # The first one comes once more, from a phone that never heard the answer: it changes nothing.
    assert not arrive(hall, "E001", "aaaaaaaa-1")
    assert there(hall) == set()
    arrive(hall, "E001", "aaaaaaaa-3")
    assert there(hall) == {"E001"}


def test_a_receipts_number_finds_the_entry(hall: Hall) -> None:
    with hall.db.transaction() as session:
        entry = session.scalars(select(Entry).where(Entry.code == "E004")).one()
        session.add(
            Registration(
                contest_id=hall.contest_id,
                track_id=entry.track_id,
                number="RABCD2345",
                kind="individual",
                entry_id=entry.id,
                state="confirmed",
                created_at=NOW,
                updated_at=NOW,
            )
        )
    arrive(hall, " rabcd2345 ", "aaaaaaaa-1")
    assert there(hall) == {"E004"}
    with hall.db.reading() as session:
        row = next(one for one in arrivals(session, get_contest(session, "cup")) if one.code == "E004")
        assert (row.number, row.present, row.unit) == ("RABCD2345", True, "威高集团")
    with pytest.raises(DomainError) as unknown:
        arrive(hall, "RNOBODY00", "aaaaaaaa-2")
    assert unknown.value.code == "unknown"


def test_only_organisers_stand_at_the_door(hall: Hall) -> None:
    with hall.db.reading() as session:
        others = [hall.who(session, name) for name in ("chief", "coder", "supervisor")]
    elsewhere = Actor(99, "other", (GrantInfo("organiser", hall.contest_id + 1),))
    for who in (*others, elsewhere, VISITOR):
        with pytest.raises(DomainError) as refused:
            arrive(hall, "E001", "aaaaaaaa-1", who=who)
        assert refused.value.code == "forbidden"
    assert arrive(hall, "E001", "aaaaaaaa-1", who=CONSOLE)


def test_late_arrivals_are_taken_until_marking_ends(hall: Hall) -> None:
    hall.move("scoring")
    assert arrive(hall, "E001", "aaaaaaaa-1")
    hall.move("review")
    with pytest.raises(DomainError) as late:
        arrive(hall, "E002", "aaaaaaaa-2")
    assert late.value.code == "not_open"


def test_a_phones_own_clock_is_noted_and_never_believed_from_the_future(hall: Hall) -> None:
    early = NOW - timedelta(minutes=3)
    arrive(hall, "E001", "aaaaaaaa-1", device_at=early)
    arrive(hall, "E002", "aaaaaaaa-2", device_at=NOW + timedelta(days=1))
    with hall.db.reading() as session:
        assert [row.device_at for row in session.scalars(select(CheckIn).order_by(CheckIn.id))] == [early, None]
        assert all(row.at > NOW for row in session.scalars(select(CheckIn)))


@pytest.mark.parametrize("op", ["", "short", "x" * 41, "with space in it", "日期日期日期日期"])
def test_an_operation_has_an_id(hall: Hall, op: str) -> None:
    with pytest.raises(DomainError) as refused:
        arrive(hall, "E001", op)
    assert refused.value.code == "bad_request"
