"""Places: asked for by a unit, granted from above, never fewer than are taken."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from competition.accounts.models import Notice, Unit
from competition.accounts.policy import Actor
from competition.contests.models import Track
from competition.registration import quotas
from competition.registration.models import Quota
from competition.shared.errors import DomainError
from tests.services.registering import NOW
from tests.services.test_review import RULES, Hall, hall

__all__ = ["hall"]
pytestmark = pytest.mark.parametrize("hall", [RULES], indirect=True)


def act(hall: Hall, verb: str, count: int, actor: Actor) -> None:
    with hall.db.transaction() as session:
        track, unit = session.get_one(Track, hall.place.track), session.get_one(Unit, hall.place.unit)
        getattr(quotas, verb)(session, track, unit, count, actor=actor, now=NOW)


def row(hall: Hall) -> Quota:
    with hall.db.reading() as session:
        return session.scalars(select(Quota)).one()


def test_asked_for_and_granted(hall: Hall) -> None:
    act(hall, "ask", 5, hall.unit)
    with hall.db.reading() as session:
        assert quotas.open_requests(session, hall.county) == {"reg-2026": 1}
        assert quotas.open_requests(session, hall.organiser) == {"reg-2026": 1}
        assert quotas.open_requests(session, hall.unit) == {}
    act(hall, "grant", 3, hall.county)
    assert (row(hall).asked, row(hall).granted, row(hall).decided_by) == (5, 3, hall.county.person_id)
    with hall.db.reading() as session:
        assert quotas.open_requests(session, hall.county) == {}
        assert [notice.kind for notice in session.scalars(select(Notice))] == ["quota.granted"]


def test_nobody_grants_to_oneself_or_asks_for_another(hall: Hall) -> None:
    with pytest.raises(DomainError):
        act(hall, "grant", 3, hall.unit)
    with pytest.raises(DomainError):
        act(hall, "ask", 3, Actor(hall.organiser.person_id, "x"))


@pytest.mark.parametrize("count", [-1, 10_001])
def test_counts_are_whole_and_sane(hall: Hall, count: int) -> None:
    for verb, actor in (("ask", hall.unit), ("grant", hall.county)):
        with pytest.raises(DomainError):
            act(hall, verb, count, actor)


def test_not_fewer_than_are_taken(hall: Hall) -> None:
    act(hall, "grant", 2, hall.organiser)
    for name in ("甲甲", "乙乙"):
        hall.decide(hall.unit, hall.hand_in(name))
    hall.hand_in("丙丙")
    with pytest.raises(DomainError, match="2"):
        act(hall, "grant", 1, hall.county)
    with hall.db.reading() as session:
        unit, track = session.get_one(Unit, hall.place.unit), session.get_one(Track, hall.place.track)
        (place,) = quotas.table(session, [track], [unit])
    assert (place.granted, place.used, place.waiting, place.open) == (2, 2, 1, False)
