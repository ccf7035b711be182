"""Nobody finds out whether an account exists; signing up, confirming, a forgotten password, help from the desk."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from competition.accounts import coming, contacts, service
from competition.accounts.models import Audit, OneTimeToken, Person, Unit
from competition.accounts.policy import CONSOLE
from competition.contests.queries import get_contest
from competition.registration.models import Registration, RegistrationPerson
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.models import Mail
from tests.web.conftest import DIGITAL, WELDER, World
from tests.web.test_sign_in import forged, is_signed_in

GOOD = "Blue horse 7 jumps"
KNOWN, UNKNOWN = "known@example.cn", "other@example.cn"


class Counting:
    """A hasher that counts; the real one does the work."""

    def __init__(self, real: Any) -> None:
        self.real, self.calls = real, []

    def hash(self, password: str) -> str:
        self.calls.append("hash")
        return str(self.real.hash(password))

    def verify(self, stored: str | None, password: str) -> bool:
        self.calls.append("verify")
        return bool(self.real.verify(stored, password))


def work(world: World) -> None:
    """Does what the job process would."""
    world.app.extensions["leitai"].jobs.run_waiting()


def post(client: FlaskClient, address: str, form: str | None = None, **data: str) -> Any:
    return client.post(address, data={"csrf_token": forged(client, form or address), **data})


def sign_up(client: FlaskClient, contact: str, **more: str) -> Any:
    data = {"name": "李四", "contact": contact, "password": GOOD, "consent": "1", **more}
    return post(client, "/sign-up", **data)


def mails(world: World, kind: str) -> list[Mail]:
    with world.db.reading() as session:
        return list(session.scalars(select(Mail).where(Mail.kind == kind).order_by(Mail.id)))


def path_in(mail: Mail) -> str:
    found = re.search(r"^/\S+$", mail.body, re.MULTILINE)
    assert found
    return found[0]


def person(world: World, contact: str) -> Person:
    with world.db.reading() as session:
        own = session.scalars(select(Person).order_by(Person.id.desc())).all()
        vault = world.app.extensions["leitai"].vault
        return next(one for one in own if one.email_key == contact or one.phone_index == vault.index(contact))


def confirmed(world: World, contact: str = KNOWN) -> Person:
    client = world.client()
    assert sign_up(client, contact).status_code == 303
    work(world)
    address = path_in(mails(world, "account.confirm")[-1])
    assert client.get(address).status_code == 200
    assert post(client, address).status_code == 303
    found = person(world, contact)
    assert found.email_confirmed_at is not None
    return found


def plain(answer: Any) -> str:
    """The page without what was typed and what is random."""
    text = re.sub(r'name="csrf_token"[^>]*>', "", answer.text)
    return re.sub(r"(known|other)@example\.cn|w-[0-9a-z]{6}", "…", text)


def same(first: Any, second: Any) -> None:
    assert first.status_code == second.status_code
    assert re.sub(r"w-[0-9a-z]{6}", "…", first.location or "") == re.sub(r"w-[0-9a-z]{6}", "…", second.location or "")
    assert plain(first) == plain(second)


def rows(world: World) -> list[int]:
    with world.db.reading() as session:
        return [len(session.scalars(select(table.id)).all()) for table in (Mail, OneTimeToken)]


def test_every_door_answers_alike_with_the_same_hashes_and_writes(world: World) -> None:
    confirmed(world)
    services = world.app.extensions["leitai"]
    services.hasher = counting = Counting(services.hasher)
    doors = {
        "sign-in": lambda who: post(world.client(), "/sign-in", login=who, password="not the horse 7"),
        "sign-up": lambda who: sign_up(world.client(), who),
        "weak sign-up": lambda who: sign_up(world.client(), who, password="short"),
        "forgotten": lambda who: post(world.client(), "/forgotten", contact=who),
    }
    for name, door in doors.items():
        done = []
        for who in (KNOWN, UNKNOWN):
            counting.calls.clear()
            before = rows(world)
            answer = door(who)
            after = rows(world)
            assert before == after, "what differs is left to the job process"
            done.append((answer, list(counting.calls)))
        same(done[0][0], done[1][0])
        assert done[0][1] == done[1][1], name
    assert counting.calls == []
    signed = [world.client(), world.client()]
    pages = [client.get(sign_up(client, who).location) for client, who in zip(signed, (KNOWN, UNKNOWN), strict=True)]
    same(*pages)


def test_an_account_comes_at_once_with_a_login_of_its_own(world: World) -> None:
    client = world.client()
    answer = sign_up(client, "+86 138-1234-5678")
    assert answer.status_code == 303
    assert is_signed_in(client)
    found = person(world, "13812345678")
    assert found.origin == "sign_up"
    assert re.fullmatch(r"w-[2-9a-hjkmnp-z]{6}", found.login)
    assert found.login in client.get(answer.location).text
    again = world.client()
    assert post(again, "/sign-in", login=found.login, password=GOOD).status_code == 303
    assert post(world.client(), "/sign-in", login="13812345678", password=GOOD).status_code == 403
    with world.db.transaction() as session:
        coming.confirm_contact(session, found.id, "phone", actor=CONSOLE, now=clock.now())
    assert post(world.client(), "/sign-in", login="0086 138 1234 5678", password=GOOD).status_code == 303


def test_an_address_has_one_holder_and_the_owner_hears_of_a_try(world: World) -> None:
    owner = confirmed(world)
    assert sign_up(world.client(), KNOWN.upper()).status_code == 303
    work(world)
    told = mails(world, "account.tried")
    assert [mail.person_id for mail in told] == [owner.id]
    assert len(mails(world, "account.confirm")) == 1
    with world.db.transaction() as session:
        second = session.scalars(select(Person).where(Person.email_key == KNOWN, Person.id != owner.id)).one()
        with pytest.raises(DomainError) as refused:
            contacts.confirm(session, second, "email", actor=CONSOLE, now=clock.now())
        assert refused.value.code == "conflict"


def test_a_forgotten_password_is_set_anew_once_and_ends_every_sign_in(world: World) -> None:
    confirmed(world)
    old = world.client()
    assert post(old, "/sign-in", login=KNOWN, password=GOOD).status_code == 303
    assert post(world.client(), "/forgotten", contact=KNOWN).status_code == 303
    work(world)
    mail = mails(world, "account.reset")[-1]
    address = path_in(mail)
    token = address.rpartition("/")[2]
    with world.db.reading() as session:
        row = session.scalars(select(OneTimeToken).where(OneTimeToken.purpose == "reset")).one()
        assert token not in repr(row.__dict__)
        assert not [line for line in session.scalars(select(Audit)) if token in repr(line.__dict__)]
    client = world.client()
    assert post(client, address, password="password123").status_code == 400
    assert post(client, address, password="Green horse 8 jumps").status_code == 303
    assert not is_signed_in(old)
    assert client.get(address).status_code == 404
    assert post(world.client(), "/sign-in", login=KNOWN, password=GOOD).status_code == 403
    assert post(world.client(), "/sign-in", login=KNOWN, password="Green horse 8 jumps").status_code == 303


def test_a_reset_link_lasts_an_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = confirmed(world)
    with world.db.transaction() as session:
        token = coming.make_reset_link(session, found.id, actor=CONSOLE, now=clock.now())
    assert world.client().get(f"/reset/{token}").status_code == 200
    later = clock.now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert world.client().get(f"/reset/{token}").status_code == 404


def test_an_officer_helps_own_people_without_office_and_nobody_else(world: World) -> None:
    found = confirmed(world)
    officer = world.client("unit")
    token = forged(officer, "/me/security")

    def ask() -> int:
        return officer.post(f"/people/{found.id}/reset-link", data={"csrf_token": token}).status_code

    assert ask() == 403
    with world.db.transaction() as session:
        unit = Unit(code="U1", code_key="u1", name="一厂", kind="enterprise")
        session.add(unit)
        session.flush()
        session.get_one(Person, found.id).unit_id = unit.id
        own = session.scalars(select(Person).where(Person.login == f"unit@{WELDER}")).one()
        service.grant(session, own.id, "unit", unit_id=unit.id, now=clock.now(), actor=CONSOLE)
    assert ask() == 200
    with world.db.transaction() as session:
        service.grant(
            session, found.id, "recorder", contest_id=world.contest_id(WELDER), now=clock.now(), actor=CONSOLE
        )
        assert session.scalars(select(Audit).where(Audit.action == "password.reset_link")).one().person_id == own.id
    assert ask() == 403


def test_an_organiser_helps_who_has_registered_in_the_own_contest(world: World) -> None:
    found = confirmed(world)
    own, other = world.client("organiser"), world.client("organiser", DIGITAL)

    def ask(client: FlaskClient) -> Any:
        return post(client, f"/people/{found.id}/reset-link", "/me/security")

    assert ask(own).status_code == 403, "somebody who has not registered"
    with world.db.transaction() as session:
        contest = get_contest(session, WELDER)
        drafted = Registration(
            number="R2345678A", contest_id=contest.id, track_id=contest.tracks[0].id, kind="individual",
            created_by=found.id, created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        session.add(drafted)
        session.flush()
        member = RegistrationPerson(
            registration_id=drafted.id, track_id=drafted.track_id, person_id=found.id, part="member", position=0,
            name=found.name,
        )  # fmt: skip
        session.add(member)
    assert ask(other).status_code == 403
    page = ask(own)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    address = re.search(r"/reset/[\w-]+", page.text)
    assert address
    with world.db.reading() as session:
        made = session.scalars(select(Audit).where(Audit.action == "password.reset_link")).one()
        assert made.actor == "organiser"
        assert made.subject == found.login
    client = world.client()
    assert post(client, address[0], password="Green horse 8 jumps").status_code == 303
    assert post(client, "/sign-in", login=KNOWN, password="Green horse 8 jumps").status_code == 303
    assert post(world.client(), "/sign-in", login=KNOWN, password=GOOD).status_code == 403


def test_what_was_typed_stays_and_each_fault_is_said(world: World) -> None:
    answer = post(world.client(), "/sign-up", name="李四", contact="12345", password="Li四李四 12345")
    assert answer.status_code == 400
    assert 'value="李四"' in answer.text
    assert 'value="12345"' in answer.text
    assert answer.text.count('role="alert"') == 3
