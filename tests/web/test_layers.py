"""A lower contest's winners arrive as drafts, by a click or by a signed package of another server, and are claimed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from competition.accounts import consents, service
from competition.accounts.policy import CONSOLE
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.contests.queries import get_contest
from competition.contests.records import get_attributes
from competition.registration.models import Entry, Layer, Promotion, Registration, RegistrationPerson
from competition.shared import clock
from judges.sections import SECTIONS
from tests.web.conftest import DATA, WELDER, World

UPPER = "weihai-2026-final"


def make_upper(world: World) -> None:
    """A city's contest without entries, open for registration."""
    bundle = json.loads((DATA / "welder.json").read_bytes())
    for key in ("entries", "panels", "marks", "timings", "adjustments", "recusals", "absences", "judges"):
        bundle.pop(key, None)
    bundle["contest"] |= {"code": UPPER, "title": "全市总决赛", "phase": "registration", "board": {"identity": "entry"}}
    with world.db.transaction() as session:
        read = read_bundle(json.dumps(bundle).encode())
        import_bundle(session, read, sections=SECTIONS, actor=CONSOLE, now=clock.now())


@pytest.fixture
def upper(world: World) -> FlaskClient:
    """The organiser of the upper contest."""
    world.app.config["WTF_CSRF_ENABLED"] = False
    make_upper(world)
    return world.client("organiser", UPPER)


def post(client: FlaskClient, path: str, **data: object) -> TestResponse:
    return client.post(f"/manage/{UPPER}/layers{path}", data=data)


def name_lower(world: World, client: FlaskClient, top: int = 3, **more: object) -> int:
    words = {"lower_contest": WELDER, "lower_track": "welder", "top": str(top), "track": "welder", **more}
    assert post(client, "", **words).status_code == 303
    with world.db.reading() as session:
        return session.scalars(select(Layer.id).order_by(Layer.id.desc())).first() or 0


def drafts(world: World) -> list[Registration]:
    with world.db.reading() as session:
        found = list(
            session.scalars(select(Registration).where(Registration.origin == "layer").order_by(Registration.id))
        )
        for each in found:
            _ = each.people
        return found


def publish(world: World) -> None:
    world.move(WELDER, "notice")


EXPECTED = json.loads((DATA / "welder.results.json").read_bytes())["tracks"][0]["ranking"]


def test_the_first_come_up_with_rank_score_stamp_and_consent(world: World, upper: FlaskClient) -> None:
    publish(world)
    layer = name_lower(world, upper)
    answer = post(upper, f"/{layer}/bring", paper="船厂工会档案室")
    assert answer.status_code == 200
    made = drafts(world)
    first = [row for row in EXPECTED if row["rank"] is not None and row["rank"] <= 3]
    with world.db.reading() as session:
        up = session.scalars(select(Promotion).order_by(Promotion.rank)).all()
        assert [(each.lower_entry, each.rank, each.score) for each in up] == [
            (row["entry"], row["rank"], row["total"]) for row in first
        ]
        assert {each.stamp["consent"] for each in up} == {"paper"}
        assert all(len(each.stamp["results_hash"]) == 64 for each in up)
    assert [each.state for each in made] == ["draft"] * len(first)
    attributes = get_attributes(made[0].attributes)
    told = (attributes["lower_contest"], attributes["lower_rank"], str(attributes["lower_score"]))
    assert told == (WELDER, 1, first[0]["total"])
    page = upper.get(f"/manage/{UPPER}/layers").get_data(as_text=True)
    assert first[0]["total"] in page


def test_a_second_click_makes_nothing_twice(world: World, upper: FlaskClient) -> None:
    publish(world)
    layer = name_lower(world, upper)
    post(upper, f"/{layer}/bring", paper="x")
    before = [each.number for each in drafts(world)]
    post(upper, f"/{layer}/bring", paper="x")
    assert [each.number for each in drafts(world)] == before


def test_without_consent_nobody_goes_up(world: World, upper: FlaskClient) -> None:
    publish(world)
    page = post(upper, f"/{name_lower(world, upper)}/bring").get_data(as_text=True)
    assert "同意" in page
    assert drafts(world) == []


def test_before_the_notice_nothing_goes_up(world: World, upper: FlaskClient) -> None:
    assert post(upper, f"/{name_lower(world, upper)}/bring", paper="x").status_code == 409
    assert drafts(world) == []


def test_people_who_registered_below_come_along_with_their_own_consent(world: World, upper: FlaskClient) -> None:
    publish(world)
    now = clock.now()
    with world.db.transaction() as session:
        lower = get_contest(session, WELDER)
        best = session.scalars(
            select(Entry).where(Entry.contest_id == lower.id, Entry.code == EXPECTED[0]["entry"])
        ).one()
        person = service.create_person(session, login="best", name="王磊", password=None, now=now)
        service.grant(session, person, "contestant", now=now, actor=CONSOLE)
        registration = Registration(
            contest_id=lower.id, track_id=best.track_id, number="R0000001", kind="individual", title=best.title,
            state="confirmed", entry_id=best.id, created_by=person, created_at=now, updated_at=now,
        )  # fmt: skip
        registration.people = [
            RegistrationPerson(track_id=best.track_id, person_id=person, position=0, name="王磊", lead=True)
        ]
        session.add(registration)
        session.flush()
        consents.give(
            session, person, "promotion", contest_id=lower.id, registration_id=registration.id,
            now=now,
        )  # fmt: skip
    post(upper, f"/{name_lower(world, upper)}/bring")
    (made,) = drafts(world)
    assert [(each.person_id, each.lead) for each in made.people] == [(person, True)]
    with world.db.reading() as session:
        assert session.scalars(select(Promotion)).one().stamp["consent"] == "person"


def package_of(world: World, **more: str) -> bytes:
    lower = world.client("organiser")
    answer = lower.post(f"/manage/{WELDER}/layers/package", data={"track": "welder", "top": "3", **more})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data()


@pytest.fixture
def other(build: Callable[..., World]) -> World:
    """Another server, whose welder contest is under notice."""
    world = build(LEITAI_SECRET_KEY="another key for tests", LEITAI_DATA_KEY="another")
    world.app.config["WTF_CSRF_ENABLED"] = False
    publish(world)
    return world


def test_a_signed_package_brings_them_from_another_server(world: World, upper: FlaskClient, other: World) -> None:
    data = package_of(other, paper="1")
    key = json.loads(data)["public_key"]
    shown = other.client("organiser").get(f"/manage/{WELDER}/layers").get_data(as_text=True)
    assert key in shown
    assert post(upper, "/peers", name="船厂", public_key=key).status_code == 303
    peer = re.search(
        r'<option value="(\d+)">船厂</option>', upper.get(f"/manage/{UPPER}/layers").get_data(as_text=True)
    )
    assert peer is not None
    layer = name_lower(world, upper, peer=peer[1])
    answer = post(upper, f"/{layer}/package", package=(io.BytesIO(data), "p.json"))
    assert answer.status_code == 200
    assert len(drafts(world)) == len([row for row in EXPECTED if row["rank"] is not None and row["rank"] <= 3])
    with world.db.reading() as session:
        stamp = session.scalars(select(Promotion)).first()
        assert stamp is not None and stamp.stamp["public_key"] == key and stamp.stamp["signature"]
    post(upper, f"/{layer}/package", package=(io.BytesIO(data), "p.json"))
    assert len(drafts(world)) == 3


def test_an_unknown_server_is_not_believed(world: World, upper: FlaskClient, other: World) -> None:
    layer = name_lower(world, upper)
    answer = post(upper, f"/{layer}/package", package=(io.BytesIO(package_of(other, paper="1")), "p.json"))
    assert answer.status_code == 403
    assert "指纹" in answer.get_data(as_text=True)
    assert drafts(world) == []


def test_a_changed_package_is_refused(world: World, upper: FlaskClient, other: World) -> None:
    data = package_of(other, paper="1").replace(b'"rank": 2', b'"rank": 1')
    layer = name_lower(world, upper)
    assert post(upper, f"/{layer}/package", package=(io.BytesIO(data), "p.json")).status_code == 409
    assert drafts(world) == []


def test_a_draft_is_claimed_by_the_person_it_names(world: World, upper: FlaskClient) -> None:
    publish(world)
    post(upper, f"/{name_lower(world, upper)}/bring", paper="x")
    number = drafts(world)[0].number
    page = post(upper, f"/claims/{number}").get_data(as_text=True)
    found = re.search(r"/claim/[\w-]+", page)
    assert found is not None
    contestant = world.client("contestant")
    assert contestant.get(found[0]).status_code == 200
    assert contestant.post(found[0]).headers["Location"] == f"/registrations/{number}"
    assert drafts(world)[0].people[0].person_id is not None
    assert contestant.post(found[0]).status_code == 404
    assert world.client().get(found[0]).status_code == 302


def test_what_is_entered_wrongly_is_named(world: World, upper: FlaskClient) -> None:
    assert post(upper, "", lower_contest="../", lower_track="x", top="3", track="welder").status_code == 409
    assert post(upper, "", lower_contest=UPPER, lower_track="x", top="3", track="welder").status_code == 409
    assert post(upper, "", lower_contest=WELDER, lower_track="welder", top="0", track="welder").status_code == 409
    assert post(upper, "/peers", name="x", public_key="short").status_code == 409
    name_lower(world, upper)
    assert post(upper, "", lower_contest=WELDER, lower_track="welder", top="3", track="welder").status_code == 409
