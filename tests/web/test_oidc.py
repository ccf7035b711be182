"""Signing in through an OpenID Connect service: one on this machine, that can also lie."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from competition.accounts import identities, service
from competition.accounts.hashing import LocalHasher
from competition.accounts.identities import Identity
from competition.accounts.models import Audit, ExternalIdentity, Notice, Person
from competition.accounts.passwords import hashed
from competition.accounts.policy import CONSOLE
from competition.accounts.privacy import erase
from competition.config import Config, ConfigError
from competition.shared import clock
from tests.web.conftest import WELDER, World
from tests.web.test_sign_in import forged, is_signed_in

PASSWORD = "correct horse 7"
ID, SECRET = "leitai", "the secret of the service"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


@dataclass
class Provider:
    """The service; `lies` are claims instead of the true ones, None leaves a claim out."""

    issuer: str = ""
    lies: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    down: bool = False

    def authorise(self, address: str, **claims: Any) -> dict[str, str]:
        """What the service's own pages do: somebody has signed in there. Gives what comes back by the browser."""
        sent = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?")
        assert sent["response_type"] == "code"
        assert sent["code_challenge_method"] == "S256"
        assert sent["redirect_uri"] == "http://127.0.0.1:8000/external/return"
        code = f"code-{len(self.asked)}"
        self.asked[code] = {**sent, "claims": claims}
        return {"code": code, "state": sent["state"]}

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        if self.down:
            return Response("down", status=502)
        if request.path == "/.well-known/openid-configuration":
            return json_of(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                    "userinfo_endpoint": f"{self.issuer}/userinfo",
                    "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],
                    **self.document,
                }
            )
        if request.path == "/keys":
            return json_of({"keys": [KEY.as_dict(private=False)]})
        if request.path == "/userinfo":
            return json_of(self.more)
        assert request.path == "/token"
        asked = self.asked.pop(request.form["code"], None)
        verifier = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        basic = base64.b64encode(f"{ID}:{SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
        if (
            asked is None
            or base64.urlsafe_b64encode(verifier).decode().rstrip("=") != asked["code_challenge"]
            or request.headers.get("Authorization") not in (f"Basic {basic}", f"Basic {plain}")
        ):
            return json_of({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer, "aud": ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            **asked["claims"], **self.lies,
        }  # fmt: skip
        true = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, true, self.key)
        return json_of({"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})


def json_of(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    server = make_server("127.0.0.1", 0, made, threaded=True, request_handler=Quiet)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def outside(build: Callable[..., World], provider: Provider) -> World:
    return build(LEITAI_OIDC_URL=provider.issuer + "/", LEITAI_OIDC_ID=ID, LEITAI_OIDC_SECRET=SECRET)


def person(world: World, login: str = "li", email: str | None = "li@example.cn", role: str = "") -> int:
    with world.db.transaction() as session:
        key = service.create_person(
            session, login=login, name=login, password=hashed(LocalHasher(), PASSWORD), now=clock.now()
        )
        one = session.get_one(Person, key)
        if email:
            one.email, one.email_key, one.email_confirmed_at = email, email.casefold(), clock.now()
        if role:
            service.grant(session, key, role, contest_id=world.contest_id(WELDER), now=clock.now(), actor=CONSOLE)
        return key


def enter(client: FlaskClient, login: str = "li") -> FlaskClient:
    data = {"csrf_token": forged(client, "/sign-in"), "login": login, "password": PASSWORD}
    assert client.post("/sign-in", data=data).status_code == 303
    return client


def go(client: FlaskClient, provider: Provider, start: str = "/external/start", **claims: Any) -> Any:
    """There and back."""
    led = client.get(start)
    assert led.status_code == 303, led.text
    return client.get("/external/return", query_string=provider.authorise(led.location, **claims))


def rows(world: World) -> list[tuple[int, str]]:
    with world.db.reading() as session:
        return [(row.person_id, row.subject) for row in session.scalars(select(ExternalIdentity))]


def said(answer: Any) -> str:
    found = re.search(r'role="alert">.*?<strong>(.*?)</strong>', answer.text, re.DOTALL)
    assert found, answer.text
    return found[1]


VERIFIED: dict[str, Any] = {"sub": "u-1", "email": "Li@Example.cn", "email_verified": True}


def test_off_by_default(world: World) -> None:
    client = world.client()
    assert "/external/start" not in client.get("/sign-in").text
    assert "/external/start" not in world.client("judge").get("/me/security").text
    assert client.get("/external/start").status_code == 404
    assert client.get("/external/return").status_code == 404


@pytest.mark.parametrize(
    "more",
    [
        {"LEITAI_OIDC_URL": "https://id.example.cn"},
        {"LEITAI_OIDC_ID": "leitai", "LEITAI_OIDC_SECRET": "s"},
        {"LEITAI_OIDC_URL": "http://id.example.cn", "LEITAI_OIDC_ID": "l", "LEITAI_OIDC_SECRET": "s"},
        {"LEITAI_OIDC_URL": "https://me:it@id.example.cn", "LEITAI_OIDC_ID": "l", "LEITAI_OIDC_SECRET": "s"},
    ],
)
def test_the_settings_are_all_three_or_none_and_the_service_is_under_https(more: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_env(more)
    assert len(refused.value.problems) == 1
    assert "LEITAI_OIDC_URL" in refused.value.problems[0]


def test_a_verified_address_of_one_person_signs_in_and_the_account_stays_linked(
    outside: World, provider: Provider
) -> None:
    key = person(outside)
    client = outside.client()
    assert "/external/start?next=/contests" in client.get("/sign-in?next=/contests").text
    answer = go(client, provider, f"/external/start?next=/contests/{WELDER}", **VERIFIED)
    assert (answer.status_code, answer.location) == (303, f"/contests/{WELDER}")
    assert is_signed_in(client)
    assert rows(outside) == [(key, "u-1")]
    with outside.db.reading() as session:
        done = [row.action for row in session.scalars(select(Audit).where(Audit.person_id == key).order_by(Audit.id))]
        assert done == ["external.link", "sign_in.external"]
        assert "外部账号" in session.scalars(select(Notice).where(Notice.person_id == key)).one().body
    # From now on the account counts, whatever address it has.
    again = outside.client()
    assert go(again, provider, sub="u-1", email="new@example.cn", email_verified=False).status_code == 303
    assert is_signed_in(again)


def test_an_address_in_the_userinfo_counts_for_the_same_account_alone(outside: World, provider: Provider) -> None:
    person(outside)
    provider.more = {**VERIFIED, "sub": "somebody else"}
    assert go(outside.client(), provider, sub="u-1").status_code == 403
    provider.more = {}
    assert "还没有关联" in said(go(outside.client(), provider, sub="u-1"))
    provider.more = VERIFIED
    assert go(outside.client(), provider, sub="u-1").status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "li@example.cn"},
        {"email": "li@example.cn", "email_verified": False},
        {"email": "li@example.cn", "email_verified": "true"},
        {"email": "nobody@example.cn", "email_verified": True},
        {"email": "claimed@example.cn", "email_verified": True},
        {"email": "gone@example.cn", "email_verified": True},
        {"email": "twice@example.cn", "email_verified": True},
        {"email": "before@example.cn", "email_verified": True},
        {},
    ],
)
def test_whoever_is_not_linked_gets_one_answer_and_no_session(
    outside: World, provider: Provider, claims: dict[str, Any]
) -> None:
    person(outside)
    claimed, gone = person(outside, "claimed", "claimed@example.cn"), person(outside, "gone", "gone@example.cn")
    before = person(outside, "before", "before@example.cn")
    for login in ("twice-1", "twice-2"):
        person(outside, login, "twice@example.cn")
    with outside.db.transaction() as session:
        session.get_one(Person, claimed).email_confirmed_at = None
        session.get_one(Person, gone).active = False
        earlier = Identity(provider.issuer, "u-0")
        identities.link(session, before, earlier, actor=CONSOLE, now=clock.now())
    client = outside.client()
    answer = go(client, provider, sub="u-1", **claims)
    assert answer.status_code == 403
    assert "还没有关联" in said(answer)
    assert "先用密码登录" in said(answer)
    assert not is_signed_in(client)
    assert rows(outside) == [(before, "u-0")]


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": "another", "azp": ID},
        {"iss": "https://id.example.cn"},
        {"exp": 1},
        {"sub": None},
    ],
)
def test_a_token_that_was_not_made_for_this_is_refused(
    outside: World, provider: Provider, lies: dict[str, Any]
) -> None:
    person(outside)
    provider.lies = lies
    client = outside.client()
    answer = go(client, provider, **VERIFIED)
    assert answer.status_code == 403
    assert "没有通过核对" in said(answer)
    assert not is_signed_in(client)
    assert rows(outside) == []


def test_a_forged_signature_is_refused(outside: World, provider: Provider) -> None:
    person(outside)
    provider.key = STRANGER
    client = outside.client()
    assert "没有通过核对" in said(go(client, provider, **VERIFIED))
    assert not is_signed_in(client)


def test_a_return_without_its_start_a_second_one_and_a_late_one_are_refused(
    outside: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(outside)
    first, second = outside.client(), outside.client()
    came = provider.authorise(first.get("/external/start").location, **VERIFIED)
    stolen = second.get("/external/return", query_string=came)
    assert stolen.status_code == 403
    assert "不是从这个浏览器开始" in said(stolen)
    second.get("/external/start")
    assert second.get("/external/return", query_string=came).status_code == 403, "a state of another browser"
    assert first.get("/external/return", query_string=came).status_code == 303
    assert first.get("/external/return", query_string=came).status_code == 403, "used up"
    led = outside.client()
    came = provider.authorise(led.get("/external/start").location, **VERIFIED)
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    late = led.get("/external/return", query_string=came)
    assert "已过期" in said(late)
    assert not is_signed_in(led)


def test_denied_there_and_unreachable_are_said_as_what_they_are(outside: World, provider: Provider) -> None:
    client = outside.client()
    came = provider.authorise(client.get("/external/start").location)
    denied = client.get("/external/return", query_string={"error": "access_denied", "state": came["state"]})
    assert denied.status_code == 403
    assert "取消" in said(denied)
    came = provider.authorise(client.get("/external/start").location, **VERIFIED)
    provider.down = True
    assert "连不上" in said(client.get("/external/return", query_string=came))
    started = client.get("/external/start")
    assert started.status_code == 503
    assert "用密码登录" in said(started)
    provider.down = False
    for document in ({"issuer": "https://id.example.cn"}, {"token_endpoint": None}, {"jwks_uri": "file:///etc/passwd"}):
        provider.document = document
        assert client.get("/external/start").status_code == 503, document


def test_an_office_still_gives_its_code(outside: World, provider: Provider) -> None:
    key = person(outside, role="organiser")
    client = outside.client()
    assert go(client, provider, **VERIFIED).status_code == 303
    assert client.get(f"/manage/{WELDER}").location.startswith("/me/security/codes")
    secret = pyotp.random_base32()
    with outside.db.transaction() as session:
        session.get_one(Person, key).totp_sealed = outside.app.extensions["leitai"].vault.seal(secret)
    second = outside.client()
    assert go(second, provider, f"/external/start?next=/manage/{WELDER}", **VERIFIED).location == "/sign-in/code"
    assert not is_signed_in(second)
    data = {"csrf_token": forged(second, "/sign-in/code"), "code": pyotp.TOTP(secret).at(clock.now())}
    assert second.post("/sign-in/code", data=data).location == f"/manage/{WELDER}"
    assert second.get(f"/manage/{WELDER}").status_code == 200


def test_an_account_is_linked_by_its_holders_yes_and_unlinked_again(outside: World, provider: Provider) -> None:
    key = person(outside, email=None)
    client = enter(outside.client())
    assert "/external/start?link=1" in client.get("/me/security").text
    shown = go(client, provider, "/external/start?link=1", sub="u-7", email="other@example.cn")
    assert shown.status_code == 200
    assert "other@example.cn" in shown.text
    assert rows(outside) == [], "opening an address links nothing"
    assert client.post("/external/link").status_code == 400
    token = forged(client, "/me/security")
    assert client.post("/external/link", data={"csrf_token": token}).status_code == 303
    assert rows(outside) == [(key, "u-7")]
    assert client.post("/external/link", data={"csrf_token": token}).status_code == 403, "a yes counts once"
    page = client.get("/me/security").text
    assert "other@example.cn" in page
    address = re.search(r"/external/\d+/unlink", page)
    assert address
    assert is_signed_in(client)
    assert go(outside.client(), provider, sub="u-7").status_code == 303
    person(outside, "wu", None)
    stranger = enter(outside.client(), "wu")
    assert stranger.post(address[0], data={"csrf_token": forged(stranger, "/me/security")}).status_code == 404
    shown = go(stranger, provider, "/external/start?link=1", sub="u-7")
    taken = stranger.post("/external/link", data={"csrf_token": forged(stranger, "/me/security")})
    assert taken.status_code == 409
    assert "已经关联" in said(taken)
    assert client.post(address[0], data={"csrf_token": token}).status_code == 303
    assert rows(outside) == []
    assert go(outside.client(), provider, sub="u-7").status_code == 403


def test_nothing_is_linked_to_somebody_else_or_from_a_tablet(outside: World, provider: Provider) -> None:
    person(outside, email=None)
    person(outside, "wu", None)
    tablet = outside.client("judge")
    assert "/external/start?link=1" not in tablet.get("/me/security").text
    assert "先用密码登录" in said(tablet.get("/external/start?link=1"))
    assert outside.client().get("/external/start?link=1").status_code == 403
    client = enter(outside.client())
    came = provider.authorise(client.get("/external/start?link=1").location, sub="u-7")
    with client.session_transaction() as session:
        kept = dict(session)
    enter(client, "wu")
    with client.session_transaction() as session:
        session.update({name: value for name, value in kept.items() if name.startswith(("external", "_state"))})
    changed = client.get("/external/return", query_string=came)
    assert "已经换了" in said(changed)
    assert rows(outside) == []


def test_erasing_a_person_ends_the_link_and_the_account_may_be_linked_anew(outside: World, provider: Provider) -> None:
    key = person(outside)
    assert go(outside.client(), provider, **VERIFIED).status_code == 303
    own = outside.app.extensions["leitai"]
    with outside.app.test_request_context(), outside.db.transaction() as session:
        erase(session, key, files=own.files, actor=CONSOLE, now=clock.now())
    assert rows(outside) == []
    assert go(outside.client(), provider, **VERIFIED).status_code == 403
