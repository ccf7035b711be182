"""Links, passwords, cookies, forged forms."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from competition.accounts import service
from competition.accounts.hashing import LocalHasher
from competition.accounts.passwords import hashed
from competition.accounts.policy import CONSOLE
from competition.shared import clock
from tests.web.conftest import WELDER, World


def forged(client: FlaskClient, address: str) -> str:
    """The token that the form on a page carries."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(address).text)
    assert found
    return found[1]


def is_signed_in(client: FlaskClient) -> bool:
    return "/sign-out" in client.get("/").text


@pytest.mark.parametrize(
    ("role", "page"),
    [
        ("judge", f"/judge/{WELDER}"),
        ("recorder", f"/recorder/{WELDER}"),
        ("chief", f"/chief/{WELDER}/welder"),
        ("organiser", f"/manage/{WELDER}"),
        ("supervisor", f"/code/{WELDER}"),
    ],
)
def test_a_link_signs_in_and_goes_on_to_the_roles_own_page(world: World, role: str, page: str) -> None:
    client = world.client()
    answer = client.get(f"/in/{world.token(role)}")
    assert (answer.status_code, answer.location) == (303, page)
    assert is_signed_in(client)


def test_a_link_is_good_for_the_browser_that_used_it_first_and_that_one_may_come_back(world: World) -> None:
    address = f"/in/{world.token('judge')}"
    first, second = world.client(), world.client()
    assert first.get(address).status_code == 303
    refused = second.get(address)
    assert refused.status_code == 403
    assert "另一台设备" in refused.text
    assert not is_signed_in(second)
    with first.session_transaction() as session:
        session.clear()
    assert not is_signed_in(first)
    assert first.get(address).status_code == 303
    assert is_signed_in(first)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"X-Purpose": "preview"},
    ],
)
def test_looking_ahead_uses_no_link_up(world: World, headers: dict[str, str]) -> None:
    address = f"/in/{world.token('judge')}"
    ahead = world.client()
    answer = ahead.get(address, headers=headers)
    assert answer.status_code == 200
    assert address in answer.text
    assert not is_signed_in(ahead)
    assert world.client().get(address).status_code == 303


def test_head_uses_no_link_up(world: World) -> None:
    address = f"/in/{world.token('judge')}"
    ahead = world.client()
    assert ahead.head(address).status_code == 200
    assert not is_signed_in(ahead)
    assert world.client().get(address).status_code == 303


def test_a_link_ends_after_twelve_hours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/in/{world.token('judge')}"
    later = clock.now() + timedelta(hours=12, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    refused = world.client().get(address)
    assert refused.status_code == 403
    assert "过期" in refused.text


def test_a_wrong_link_says_what_to_do(world: World) -> None:
    refused = world.client().get("/in/never-made")
    assert refused.status_code == 403
    assert "无效" in refused.text
    assert "新的链接" in refused.text


def test_signing_in_begins_a_fresh_session(world: World) -> None:
    client = world.client("judge")
    with client.session_transaction() as session:
        before = session["sid"]
        session["left"] = "behind"
    client.get(f"/in/{world.token('organiser')}")
    with client.session_transaction() as session:
        assert session["sid"] != before
        assert "left" not in session


def person(world: World, login: str = "wang", password: str = "correct horse 7") -> None:
    with world.db.transaction() as session:
        key = service.create_person(
            session, login=login, name="王", password=hashed(LocalHasher(), password), now=clock.now()
        )
        service.grant(session, key, "organiser", contest_id=world_contest(world), now=clock.now(), actor=CONSOLE)


def world_contest(world: World) -> int:
    return world.contest_id(WELDER)


def sign_in(client: FlaskClient, login: str, password: str, address: str = "/sign-in") -> object:
    return client.post(address, data={"csrf_token": forged(client, address), "login": login, "password": password})


def test_a_password_signs_in_and_goes_where_one_wanted_to_go(world: World) -> None:
    person(world)
    client = world.client()
    asked = client.get(f"/manage/{WELDER}")
    assert asked.status_code == 302
    answer = sign_in(client, "WANG", "correct horse 7", asked.location)
    assert answer.status_code == 303  # type: ignore[attr-defined]
    assert answer.location == f"/manage/{WELDER}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere_after_signing_in(world: World, next_: str) -> None:
    person(world)
    client = world.client()
    answer = client.post(
        "/sign-in",
        query_string={"next": next_},
        data={"csrf_token": forged(client, "/sign-in"), "login": "wang", "password": "correct horse 7"},
    )
    assert answer.location == f"/manage/{WELDER}"


def test_the_same_answer_for_a_wrong_password_and_an_unknown_login(world: World) -> None:
    person(world)
    wrong = sign_in(world.client(), "wang", "incorrect horse")
    unknown = sign_in(world.client(), "nobody", "incorrect horse")
    assert wrong.status_code == unknown.status_code == 403  # type: ignore[attr-defined]
    said = [re.findall(r'role="alert">.*?</p>', answer.text) for answer in (wrong, unknown)]  # type: ignore[attr-defined]
    assert said[0] == said[1] != []


def test_failures_lock_the_login_and_the_count_outlives_the_request(world: World) -> None:
    person(world)
    client = world.client()
    for _ in range(5):
        assert sign_in(client, "wang", "incorrect horse").status_code == 403  # type: ignore[attr-defined]
    assert sign_in(client, "wang", "correct horse 7").status_code == 429  # type: ignore[attr-defined]


def test_too_many_tries_from_one_place_are_refused(world: World) -> None:
    client = world.client()
    token = forged(client, "/sign-in")
    answers = [
        client.post("/sign-in", data={"csrf_token": token, "login": "", "password": ""}).status_code for _ in range(31)
    ]
    assert set(answers[:30]) == {400}
    assert answers[30] == 429


def test_signing_out_ends_the_sign_in_itself_not_the_cookie_alone(world: World) -> None:
    client = world.client("organiser")
    with client.session_transaction() as session:
        kept = session["sid"]
    assert client.post("/sign-out", data={"csrf_token": forged(client, "/")}).status_code == 303
    with client.session_transaction() as session:
        assert "sid" not in session
        session["sid"] = kept
    assert client.get(f"/manage/{WELDER}").status_code == 302


def test_no_form_is_taken_without_its_token(world: World) -> None:
    # An admin may knock at every door, so that the token alone decides.
    client = world.client("admin")
    for rule in world.app.url_map.iter_rules():
        if "POST" in (rule.methods or set()) and not rule.rule.startswith("/api/"):
            address = re.sub(r"<[^>]+>", "0", rule.rule.replace("<code>", WELDER))
            # A phone that was offline holds an old token: there the page's origin is asked for.
            refused = 403 if rule.endpoint == "checkin.operations" else 400
            assert client.post(address).status_code == refused, address
    assert is_signed_in(client)


def test_the_cookies_are_closed_to_scripts_and_other_sites(world: World) -> None:
    answer = world.client().get(f"/in/{world.token('judge')}")
    cookies = {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}
    assert set(cookies) == {"leitai", "leitai_browser"}
    for line in cookies.values():
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Secure" not in line


def test_under_https_the_cookies_are_secure(build: object) -> None:
    world: World = build(LEITAI_PUBLIC_URL="https://leitai.example")  # type: ignore[operator]
    answer = world.client().get(f"/in/{world.token('judge')}")
    for line in answer.headers.getlist("Set-Cookie"):
        assert "Secure" in line
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_page_for_one_person_is_kept_by_no_cache(world: World) -> None:
    client = world.client("organiser")
    for address in (f"/manage/{WELDER}", "/", f"/contests/{WELDER}"):
        assert client.get(address).headers["Cache-Control"] == "no-store"
    assert world.client().get(f"/in/{world.token('judge')}").headers["Cache-Control"] == "no-store"
