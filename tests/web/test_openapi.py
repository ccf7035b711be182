"""The API answers as its OpenAPI document says, whatever it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from competition.contests.queries import get_contest
from competition.pages.openapi import TABLE, operations
from competition.pages.openapi_schemas import EVENTS
from judges.desk.messages import EVENTS as TAKEN
from tests.web.conftest import WELDER, World

DOCUMENT = "/api/v1/openapi.json"
KNOWN = {"contest": WELDER, "code": WELDER, "track": "welder"}
CHECKED = (
    checks.not_a_server_error, openapi_checks.status_code_conformance, openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance, openapi_checks.response_schema_conformance,
)  # fmt: skip
EXAMPLES = 8


schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


def test_every_address_is_described_and_nothing_else(world: World) -> None:
    assert set(operations(world.app)) == set(TABLE)
    said = world.client().get(DOCUMENT).get_json()
    assert said["openapi"].startswith("3.1")
    assert {(path, method.upper()) for path, methods in said["paths"].items() for method in methods} == set(TABLE)
    # The rules themselves, counted apart: none is left out by the reading of the map.
    rules = {rule.rule for rule in world.app.url_map.iter_rules() if rule.rule.startswith("/api/v1")}
    assert len(rules) == len(said["paths"])
    assert EVENTS == TAKEN


@pytest.mark.parametrize("role", [None, "organiser", "judge"])
def test_whatever_is_sent_is_answered_as_described(world: World, role: str | None) -> None:
    world.move(WELDER, "notice" if role == "organiser" else "scoring")
    wired = world.app.extensions["leitai"]
    with world.db.reading() as session:
        tracks = [track.id for track in get_contest(session, WELDER).tracks]
    for track in tracks:
        wired.projector.fold(track)
    # A token of a form is tried elsewhere (test_uploads.py); here what stands behind it is.
    world.app.config["WTF_CSRF_ENABLED"] = False
    client = world.client(role)
    cookie = client.get_cookie("leitai")
    cookies = {"leitai": cookie.value} if cookie else {}
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, world.app)
    met: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        tried(operation, cookies, met.setdefault(operation.label, set()))()
    # The document itself is read by every one of these.
    assert set(met) == {f"{method} {path}" for path, method in TABLE if path != DOCUMENT}
    if role is None:
        assert 401 in met["POST /api/v1/marks"] and 401 in met["GET /api/v1/jobs/{key}"]
    else:
        assert 401 not in set().union(*met.values())
        assert 200 in met["POST /api/v1/marks"] and 200 in met["GET /api/v1/units"]
    assert 200 in met["GET /api/v1/boards/{contest}/{track}"]
    assert ({200} if role == "organiser" else {404}) & met["GET /api/v1/contests/{code}/results"]


def tried(operation: Any, cookies: dict[str, str], met: set[int]) -> Callable[[], None]:
    """A test of one operation with made-up cases, a part of them about a contest that there is."""

    @seed(20261122)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(), known=st.booleans())
    def test(case: Any, known: bool) -> None:
        if known and case.path_parameters:
            case.path_parameters = {
                **case.path_parameters,
                **{k: v for k, v in KNOWN.items() if k in case.path_parameters},
            }
        case.cookies = cookies
        more = {"Origin": "http://localhost"} if operation.path == "/api/v1/marks" else {}
        met.add(case.call_and_validate(headers=more, checks=list(CHECKED)).status_code)

    return test
