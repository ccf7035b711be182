"""One-time codes, own sign-ins, the idle limit of those who run contests."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from flask_babel import format_datetime
from sqlalchemy import select

from competition.accounts import service, totp
from competition.accounts.models import Audit, Notice, Person, SignIn, Unit
from competition.accounts.policy import Actor, GrantInfo
from competition.shared import clock
from competition.shared.errors import DomainError
from tests.web.conftest import WELDER, World
from tests.web.test_sign_in import forged, is_signed_in
from tests.web.test_sign_in import person as organiser

PASSWORD = "correct horse 7"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the clock on."""
    begun = clock.now()

    def move(**by: float) -> datetime:
        at = begun + timedelta(**by)
        monkeypatch.setattr(clock, "now", lambda: at)
        return at

    return move


def enter(client: FlaskClient) -> Any:
    data = {"csrf_token": forged(client, "/sign-in"), "login": "wang", "password": PASSWORD}
    return client.post("/sign-in", data=data)


def set_up(client: FlaskClient) -> tuple[pyotp.TOTP, list[str]]:
    page = client.get("/me/security/codes").text
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)<', page)
    assert found
    totp = pyotp.TOTP(found[1].replace(" ", ""))
    answer = client.post(
        "/me/security/codes", data={"csrf_token": forged(client, "/me/security/codes"), "code": totp.at(clock.now())}
    )
    assert answer.status_code == 200
    return totp, re.findall(r"<li><code>([0-9a-f-]+)</code>", answer.text)


def give(client: FlaskClient, code: str) -> Any:
    return client.post("/sign-in/code", data={"csrf_token": forged(client, "/sign-in/code"), "code": code})


def test_a_role_waits_for_its_codes_and_a_code_counts_once(world: World, later: Any) -> None:
    organiser(world)
    client = world.client()
    assert enter(client).location == f"/manage/{WELDER}"
    led = client.get(f"/manage/{WELDER}")
    assert led.location.startswith("/me/security/codes")
    totp, recovery = set_up(client)
    assert len(recovery) == 10
    assert client.get(f"/manage/{WELDER}").status_code == 200
    with world.db.reading() as session:
        stored = session.scalars(select(Person).where(Person.login == "wang")).one()
        assert totp.secret not in repr(stored.__dict__)
        assert recovery[0] not in repr(stored.__dict__)
    at = later(seconds=60)
    second = world.client()
    assert enter(second).location == "/sign-in/code"
    assert not is_signed_in(second)
    assert give(second, totp.at(at)).location == f"/manage/{WELDER}"
    assert second.get(f"/manage/{WELDER}").status_code == 200
    third = world.client()
    enter(third)
    assert "已经用过" in give(third, totp.at(at)).text
    assert give(third, recovery[0]).status_code == 303
    fourth = world.client()
    enter(fourth)
    assert give(fourth, recovery[0]).status_code == 403


def test_codes_lock_after_five_failures(world: World, later: Any) -> None:
    organiser(world)
    first = world.client()
    enter(first)
    totp, _recovery = set_up(first)
    at = later(seconds=60)
    client = world.client()
    enter(client)
    assert [give(client, "12345").status_code for _try in range(5)] == [403] * 5
    assert give(client, totp.at(at)).status_code == 429


def test_turning_codes_off_asks_for_one(world: World, later: Any) -> None:
    organiser(world)
    client = world.client()
    enter(client)
    totp, _recovery = set_up(client)
    at = later(seconds=60)
    token = forged(client, "/me/security")
    assert client.post("/me/security/codes/off", data={"csrf_token": token, "code": "0"}).status_code == 403
    assert client.post("/me/security/codes/off", data={"csrf_token": token, "code": totp.at(at)}).status_code == 303
    assert client.get(f"/manage/{WELDER}").location.startswith("/me/security/codes")


def test_another_admin_takes_lost_codes_off_and_they_are_set_up_anew(world: World, later: Any) -> None:
    organiser(world)
    client = world.client()
    enter(client)
    set_up(client)
    with world.db.transaction() as session:
        unit = Unit(code="U1", code_key="u1", name="一厂", kind="enterprise")
        session.add(unit)
        session.flush()
        lost = session.scalars(select(Person).where(Person.login == "wang")).one()
        lost.unit_id, key, contest = unit.id, lost.id, world.contest_id(WELDER)
        tablet = service.make_link(session, contest_id=contest, role="organiser", person_id=key, now=clock.now())
    at_the_desk = world.client()
    at_the_desk.get(f"/in/{tablet}")
    later(seconds=60)
    half = world.client()
    assert enter(half).location == "/sign-in/code"
    page = f"/units/U1/people/{key}"
    admin = world.client("admin")
    token = forged(admin, page)
    assert f"{page}/codes-off" in admin.get(page).text
    refused = admin.post(f"{page}/codes-off", data={"csrf_token": token, "reason": " "})
    assert refused.status_code == 400
    assert "请写明原因" in refused.text
    assert is_signed_in(client)
    data = {"csrf_token": token, "reason": "手机丢失,当面核对"}
    assert admin.post(f"{page}/codes-off", data=data).status_code == 303
    assert admin.post(f"{page}/codes-off", data=data).status_code == 409
    assert "/codes-off" not in admin.get(page).text
    assert not is_signed_in(client)
    assert is_signed_in(at_the_desk)
    assert half.get("/sign-in/code").location == "/sign-in"
    with world.db.reading() as session:
        logged = session.scalars(select(Audit).where(Audit.action == "totp.take_off")).one()
        assert (logged.subject, logged.reason) == ("wang", data["reason"])
        assert "停用了您的动态验证码" in session.scalars(select(Notice).where(Notice.person_id == key)).one().body
    again = world.client()
    assert enter(again).location == f"/manage/{WELDER}"
    assert again.get(f"/manage/{WELDER}").location.startswith("/me/security/codes")


def test_nobody_but_another_admin_takes_codes_off(world: World) -> None:
    organiser(world)
    client = world.client()
    enter(client)
    set_up(client)
    with world.db.reading() as session:
        own = session.scalars(select(Person).where(Person.login == "wang")).one().id
    for who in (
        Actor(own, "wang", (GrantInfo("admin"),)),
        Actor(own + 1, "other", (GrantInfo("organiser"), GrantInfo("unit"))),
        Actor(own + 1, "without a code", (), frozenset({"admin"})),
    ):
        with pytest.raises(DomainError) as refused, world.db.transaction() as session:
            totp.take_off(session, own, reason="lost", actor=who, now=clock.now())
        assert refused.value.code == "forbidden"
    officer = world.client("unit")
    token = forged(officer, "/me/security")
    assert officer.post(f"/units/U1/people/{own}/codes-off", data={"csrf_token": token}).status_code == 403


def test_a_setting_leaves_codes_to_each_person(build: Any) -> None:
    world: World = build(LEITAI_REQUIRE_TOTP="0")
    organiser(world)
    client = world.client()
    enter(client)
    assert client.get(f"/manage/{WELDER}").status_code == 200


def test_a_link_from_the_desk_needs_no_code(world: World) -> None:
    assert world.client("organiser").get(f"/manage/{WELDER}").status_code == 200


def test_fifteen_idle_minutes_sign_an_organiser_out_but_no_tablet(build: Any, later: Any) -> None:
    world: World = build(LEITAI_REQUIRE_TOTP="0")
    organiser(world)
    client, tablet = world.client(), world.client("judge")
    enter(client)
    later(minutes=14)
    assert client.get(f"/manage/{WELDER}").status_code == 200
    later(minutes=28)
    assert client.get(f"/manage/{WELDER}").status_code == 200, "it was used in between"
    later(minutes=44)
    asked = client.get(f"/manage/{WELDER}")
    assert asked.location == f"/sign-in?next=/manage/{WELDER}"
    assert tablet.get(f"/judge/{WELDER}").status_code == 200
    sent = client.post(
        f"/manage/{WELDER}/phase",
        data={"csrf_token": forged(client, "/sign-in")},
        headers={"Referer": f"http://localhost/manage/{WELDER}"},
    )
    assert sent.location == f"/sign-in?next=/manage/{WELDER}"


def test_own_sign_ins_end_one_by_one_and_all_others(world: World) -> None:
    organiser(world)
    first, second, third = world.client(), world.client(), world.client()
    for client in (first, second, third):
        enter(client)
    token = forged(first, "/me/security")
    with world.db.reading() as session:
        rows = session.scalars(select(SignIn).order_by(SignIn.id)).all()
    assert first.post(f"/me/security/sign-ins/{rows[1].id}/end", data={"csrf_token": token}).status_code == 303
    assert [is_signed_in(one) for one in (first, second, third)] == [True, False, True]
    stranger = world.client("judge")
    own = forged(stranger, "/me/security")
    assert stranger.post(f"/me/security/sign-ins/{rows[2].id}/end", data={"csrf_token": own}).status_code == 404
    assert first.post("/me/security/sign-ins/end-others", data={"csrf_token": token}).status_code == 303
    assert [is_signed_in(one) for one in (first, third)] == [True, False]


def test_ending_sign_ins_is_limited(world: World) -> None:
    client = world.client("judge")
    token = forged(client, "/me/security")
    for address, most in (("/me/security/sign-ins/0/end", 60), ("/me/security/sign-ins/end-others", 20)):
        answers = [client.post(address, data={"csrf_token": token}).status_code for _try in range(most + 1)]
        assert 429 not in answers[:most]
        assert answers[most] == 429


def test_own_sign_ins_show_the_readers_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 5, 1, 20, 30, tzinfo=UTC))
    page = world.client("judge").get("/me/security").text
    assert "登录于 2026-05-02 04:30" in page
    with world.app.test_request_context():
        assert format_datetime(clock.now(), "yyyy-MM-dd HH:mm") == "2026-05-02 04:30"


def test_a_new_password_asks_for_the_old_one_and_this_browser_goes_on(world: World) -> None:
    organiser(world)
    client, other = world.client(), world.client()
    enter(client)
    enter(other)
    token = forged(client, "/me/security")

    def change(old: str, new: str) -> int:
        data = {"csrf_token": token, "old": old, "password": new}
        return client.post("/me/security/password", data=data).status_code

    assert change("wrong horse 7", "Green horse 8 jumps") == 403
    assert change(PASSWORD, "wang wang wang 1") == 400
    assert change(PASSWORD, "Green horse 8 jumps") == 303
    assert is_signed_in(client)
    assert not is_signed_in(other)
