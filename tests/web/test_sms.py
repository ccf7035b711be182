"""Codes by text message: a gateway on this machine, and what is said where there is none."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from competition.accounts.models import Audit, OneTimeToken, Person
from competition.accounts.sms import sender
from competition.extensions import limiter
from competition.shared import clock
from competition.shared.models import Job
from tests.web.conftest import World
from tests.web.test_joining import GOOD, confirmed, person, post, sign_up, work
from tests.web.test_sign_in import forged

PHONE = "13812345678"


class Gateway:
    """What it was sent, and the status with which it answers."""

    def __init__(self) -> None:
        self.taken: list[dict[str, str]] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.status = 204

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        assert request.method == "POST"
        self.paths.append(request.full_path)
        self.keys.append(request.headers.get("Authorization", ""))
        self.taken.append(request.get_json())
        headers = {"Location": "http://127.0.0.1:1/elsewhere"} if 300 <= self.status < 400 else {}
        return Response(status=self.status, headers=headers)(environ, start_response)

    def code(self) -> str:
        found = re.search(r"\b\d{6}\b", self.taken[-1]["text"])
        assert found
        return found[0]


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def gateway() -> Iterator[tuple[Gateway, str]]:
    made = Gateway()
    server = make_server("127.0.0.1", 0, made, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made, f"http://leitai:a%20key@127.0.0.1:{server.server_port}/send?sign=1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def texting(build: Callable[..., World], gateway: tuple[Gateway, str]) -> World:
    return build(LEITAI_SMS_URL=gateway[1])


@pytest.fixture
def sent(gateway: tuple[Gateway, str]) -> Gateway:
    return gateway[0]


def give(client: FlaskClient, code: str) -> Any:
    return post(client, "/me/security/confirm/phone", "/me/security", code=code)


def is_confirmed(world: World) -> bool:
    return person(world, PHONE).phone_confirmed_at is not None


def test_a_code_comes_by_text_and_confirms_the_number(texting: World, sent: Gateway) -> None:
    client = texting.client()
    assert sign_up(client, "+86 138-1234-5678").status_code == 303
    assert sent.taken == [], "the request waits for no gateway"
    work(texting)
    assert [one["phone"] for one in sent.taken] == [PHONE]
    assert sent.paths == ["/send?sign=1"]
    assert base64.b64decode(sent.keys[0].removeprefix("Basic ")).decode() == "leitai:a key"
    code = sent.code()
    with texting.db.reading() as session:
        kept = [repr(row.__dict__) for table in (OneTimeToken, Audit, Job) for row in session.scalars(select(table))]
        assert not [row for row in kept if code in row or PHONE in row]
    assert 'name="code"' in client.get("/me/security").text
    wrong = give(client, "000000" if code != "000000" else "111111")
    assert wrong.status_code == 403
    assert "验证码不对或已过期" in wrong.text
    assert not is_confirmed(texting)
    assert give(client, f" {code} ").status_code == 303
    assert is_confirmed(texting)
    assert post(texting.client(), "/sign-in", login=PHONE, password=GOOD).status_code == 303
    assert give(client, code).status_code == 403, "it was used"


@pytest.mark.parametrize(("wrong_ones", "then"), [(4, 303), (5, 403)])
def test_five_wrong_tries_end_a_code(
    texting: World, sent: Gateway, monkeypatch: pytest.MonkeyPatch, wrong_ones: int, then: int
) -> None:
    client = texting.client()
    sign_up(client, PHONE)
    work(texting)
    code = sent.code()
    wrong = "000000" if code != "000000" else "111111"
    monkeypatch.setattr(limiter, "enabled", False)
    assert {give(client, wrong).status_code for _try in range(wrong_ones)} == {403}
    assert give(client, code).status_code == then
    assert is_confirmed(texting) == (then == 303)


def test_a_code_lasts_fifteen_minutes_and_a_new_one_ends_it(
    texting: World, sent: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = texting.client()
    sign_up(client, PHONE)
    work(texting)
    first = sent.code()
    token = forged(client, "/me/security")
    assert client.post("/me/security/confirm/phone", data={"csrf_token": token}).status_code == 303
    work(texting)
    second = sent.code()
    assert len(sent.taken) == 2
    if first != second:
        assert give(client, first).status_code == 403
    begun = clock.now()
    monkeypatch.setattr(clock, "now", lambda: begun + timedelta(minutes=15, seconds=1))
    assert give(client, second).status_code == 403
    assert not is_confirmed(texting)


def test_sending_is_limited(texting: World) -> None:
    client = texting.client()
    sign_up(client, PHONE)
    token = forged(client, "/me/security")
    data = {"csrf_token": token}
    assert [client.post("/me/security/confirm/phone", data=data).status_code for _try in range(4)] == [303] * 3 + [429]


def test_the_holder_of_a_number_hears_of_a_try_and_no_code_goes_out(texting: World, sent: Gateway) -> None:
    first, second = texting.client(), texting.client()
    sign_up(first, PHONE)
    work(texting)
    assert give(first, sent.code()).status_code == 303
    assert sign_up(second, PHONE).status_code == 303
    work(texting)
    assert "有人用您的手机号注册" in sent.taken[-1]["text"]
    assert not re.search(r"\d{6}", sent.taken[-1]["text"])


@pytest.mark.parametrize("status", [302, 401, 500])
def test_a_gateway_that_refuses_is_tried_again_and_nothing_secret_is_said(
    texting: World, sent: Gateway, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    sent.status = status
    config = texting.app.extensions["leitai"].config
    with pytest.raises(RuntimeError) as refused:
        sender(config).send(PHONE, "123456")
    assert str(refused.value) == f"the SMS gateway answered {status}"
    assert len(sent.taken) == 1, "a redirection is not followed"
    sign_up(texting.client(), PHONE)
    work(texting)
    with texting.db.reading() as session:
        job = session.scalars(select(Job).where(Job.kind == "accounts.confirm")).one()
        assert job.state != "done"
        said = repr(job.__dict__) + caplog.text
    assert PHONE not in said
    assert sent.code() not in said
    assert "a key" not in said
    assert "a%20key" not in said


def test_without_a_gateway_nothing_is_sent_and_the_page_says_who_confirms(world: World) -> None:
    client = world.client()
    assert sign_up(client, PHONE).status_code == 303
    work(world)
    page = client.get("/me/security").text
    assert "请单位经办人或主办方确认" in page
    assert "发送短信验证码" not in page
    with world.db.reading() as session:
        assert not session.scalars(select(OneTimeToken).where(OneTimeToken.purpose == "confirm_phone")).all()
    assert give(client, "123456").status_code == 403


def test_a_number_confirmed_by_another_in_the_meantime_is_refused(texting: World, sent: Gateway) -> None:
    client = texting.client()
    sign_up(client, PHONE)
    work(texting)
    code = sent.code()
    other = confirmed(texting)
    with texting.db.transaction() as session:
        mine = session.scalars(select(Person).where(Person.phone_index.is_not(None))).one()
        held = session.get_one(Person, other.id)
        held.phone_index, held.phone_sealed, held.phone_confirmed_at = mine.phone_index, mine.phone_sealed, clock.now()
    answer = give(client, code)
    assert answer.status_code == 409
    assert "已由另一个账号确认" in answer.text
