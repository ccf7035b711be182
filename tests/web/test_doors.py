"""Every route and every socket event, with every role: who may, and that nothing is open by forgetting."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from competition.app import register_blueprints
from competition.shared.guards import SOCKET_EVENTS, actor, allow, allowed_of, may
from competition.shared.roles import ROLES
from tests.web.conftest import DIGITAL, WELDER, World

# What each door is for. A new one must be written down here by whoever opens it.
PUBLIC = {
    "static",
    "accounts.sign_in",
    "accounts.sign_out",
    "accounts.use_link",
    "pages.home",
    "pages.demo_sign_in",
    "pages.contest",
    "pages.results",
    "results_api.openapi",
    "results_api.results",
    "health.healthz",
    "health.readyz",
    "health.metrics",
}
ORGANISER = {"manage.contest", "manage.phase", "manage.window", "manage.freeze", "manage.link"}
VALUES = {
    "code": WELDER,
    "contest": WELDER,
    "contest_code": WELDER,
    "track": "welder",
    "track_code": "welder",
    "token": "none",
    "filename": "css/tokens.css",
    "number": "0",
}


def doors(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and an address of every rule."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda found: VALUES.get(found[1], "0"), rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            yield rule.endpoint, method, path


def knock(client: FlaskClient, method: str, path: str) -> int:
    # Streams are not read: the head of the answer says all that is asked here.
    answer = client.open(path, method=method, buffered=False)
    answer.close()
    return answer.status_code


def test_every_endpoint_names_who_may_use_it(world: World) -> None:
    for endpoint, view in world.app.view_functions.items():
        assert allowed_of(view), endpoint


def test_the_table_of_public_and_organiser_doors_is_complete(world: World) -> None:
    named = {endpoint: allowed_of(view) for endpoint, view in world.app.view_functions.items()}
    own = ("static", "accounts.", "pages.", "manage.", "results_api.", "health.")
    assert {name for name, who in named.items() if who == {"everyone"} and name.startswith(own)} == PUBLIC
    assert {name for name, who in named.items() if who == {"organiser"} and name.startswith(own)} == ORGANISER


@pytest.mark.parametrize("role", [None, *ROLES])
def test_a_closed_door_opens_for_those_it_names_alone(world: World, role: str | None) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    client = world.client(role)
    for endpoint, method, path in doors(world.app):
        allowed = allowed_of(world.app.view_functions[endpoint])
        assert allowed
        if "everyone" in allowed or endpoint == "accounts.sign_out":
            continue
        status = knock(client, method, path)
        assert status < 500, (endpoint, method)
        if role is None:
            # A page sends to the sign-in, the API says so.
            assert status == (401 if path.startswith("/api/") else 302), (endpoint, method)
        elif role == "admin" or "signed_in" in allowed or role in allowed:
            assert status != 401, (endpoint, method)
        else:
            assert status == 403, (endpoint, method)


@pytest.mark.parametrize("role", ["organiser", "chief", "judge", "recorder"])
def test_a_role_in_one_contest_opens_nothing_in_another(world: World, role: str) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = False
    client = world.client(role, DIGITAL if role != "judge" else WELDER)
    other = WELDER if role != "judge" else DIGITAL
    for endpoint, method, path in doors(world.app):
        allowed = allowed_of(world.app.view_functions[endpoint]) or frozenset()
        if "everyone" in allowed or "signed_in" in allowed or WELDER not in path or role not in allowed:
            continue
        assert knock(client, method, path.replace(WELDER, other)) in (403, 404), (endpoint, method)


def test_an_endpoint_that_names_nobody_is_refused_at_the_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Flask("forgetful")
    app.view_functions.clear()
    app.add_url_rule("/open", "open", lambda: "come in")
    monkeypatch.setattr("competition.app.BLUEPRINTS", ())
    with pytest.raises(RuntimeError, match="open"):
        register_blueprints(app)


def test_an_unmarked_endpoint_lets_nobody_in_at_run_time(world: World) -> None:
    world.app.view_functions["pages.home"] = lambda: "come in"
    assert world.client().get("/").status_code == 403


def test_a_mark_for_nobody_known_is_no_mark() -> None:
    with pytest.raises(ValueError, match="jude"):
        allow("jude")
    with pytest.raises(ValueError):
        allow()


def test_every_socket_event_names_who_may_send_it() -> None:
    assert SOCKET_EVENTS
    for (namespace, event), door in SOCKET_EVENTS.items():
        assert door.allowed, (namespace, event)
    judging = {event: door.allowed for (namespace, event), door in SOCKET_EVENTS.items() if namespace == "/judge"}
    assert judging["mark"] == {"judge", "recorder"}
    for ruling in ("adjust", "absent", "recuse", "status", "reopen"):
        assert judging[ruling] == {"chief"}
    for conduct in ("window", "freeze"):
        assert judging[conduct] == {"chief", "organiser"}


@pytest.mark.parametrize("role", [None, *ROLES])
def test_a_socket_event_is_refused_to_those_it_does_not_name(world: World, role: str | None) -> None:
    client = world.client(role)
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in client._cookies.values())
    for (namespace, event), door in SOCKET_EVENTS.items():
        if event in ("connect", "disconnect"):
            continue
        with world.app.test_request_context("/", headers={"Cookie": cookies}):
            admitted = may(actor(), door.allowed)
            named = "everyone" in door.allowed or role == "admin" or role in door.allowed
            assert admitted == named, (namespace, event)
            if admitted:
                continue
            answer = door.handler({"contest": WELDER})
        assert answer["error"]["code"] == ("forbidden" if role else "signed_out"), (namespace, event)
