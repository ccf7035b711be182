"""Mail: sent once it is committed, tried again, given up, never with a header of somebody's own."""

from __future__ import annotations

import email
import email.policy
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from competition.accounts import notices
from competition.accounts.models import Notice, Person
from competition.contests.models import Contest
from competition.shared import clock
from competition.shared.db import Database
from competition.shared.mail import (
    BACK_OFF,
    GIVEN_UP,
    NO_SERVER,
    MailServer,
    MailSettingError,
    Postman,
    one_line,
    send_later,
)
from competition.shared.models import Mail
from tests.program import free_port

PUBLIC = "http://leitai.example"
START = clock.now()


class Box:
    """What the mail server took; `answers` what it says instead of taking a mail."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.to: list[str] = []
        self.signed_in: list[tuple[bytes, bytes]] = []
        self.encrypted: list[bool] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.to += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None)
        return "250 taken"

    def check(self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        self.signed_in.append((data.login, data.password))
        return AuthResult(success=data.password == b"p:ss/w@rd")


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def serve(box: Box) -> Iterator[Callable[..., str]]:
    """`serve(…)` starts a mail server on this machine and gives its host and port."""
    begun: list[Controller] = []

    def start(**options: Any) -> str:
        controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        begun.append(controller)
        return f"127.0.0.1:{controller.port}"

    yield start
    for controller in begun:
        controller.stop()


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> Any:
        return self.at


def write(database: Database, recipient: str = "li@example.com", **more: Any) -> int:
    values = {"kind": "test", "subject": "报名通过", "body": "您好。\n\n/registrations/R1\n", "now": START} | more
    with database.transaction() as session:
        mail = send_later(session, recipient, **values)
        assert mail is not None
        return mail.id


def row(database: Database, key: int) -> Mail:
    with database.reading() as session:
        return session.get_one(Mail, key)


def test_a_mail_goes_out_once_and_its_text_is_gone(database: Database, box: Box, serve: Callable[..., str]) -> None:
    key = write(database)
    postman = Postman(database, f"smtp://{serve()}?from=office@example.com&name=组委会", PUBLIC)
    assert postman.deliver() == 1
    assert postman.deliver() == 0
    [message] = box.taken
    assert box.to == ["li@example.com"]
    assert (message["Subject"], message["To"]) == ("报名通过", "li@example.com")
    assert str(message["From"]) == "组委会 <office@example.com>"
    assert message["Date"] and message["Message-ID"]
    assert message.get_content().replace("\r\n", "\n") == f"您好。\n\n{PUBLIC}/registrations/R1\n"
    sent = row(database, key)
    assert (sent.body, sent.error, sent.failed_at) == ("", "", None)
    assert sent.sent_at is not None


def test_a_rolled_back_mail_was_never_there(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        send_later(session, "li@example.com", kind="k", subject="s", body="b", now=START)
        raise ZeroDivisionError
    assert Postman(database, None, PUBLIC).deliver() == 0


@pytest.mark.parametrize("where", ["subject", "recipient", "name"])
def test_nobody_adds_a_header(database: Database, box: Box, serve: Callable[..., str], where: str) -> None:
    bad = "x@example.com\r\nBcc: spy@example.com\r\n\r\nnothing"
    url = f"smtp://{serve()}?from=o@example.com" + ("&name=A%0D%0ABcc:%20spy@example.com" if where == "name" else "")
    key = write(database, **({where: bad} if where != "name" else {}))
    Postman(database, url, PUBLIC).deliver()
    assert "spy@example.com" not in box.to
    for message in box.taken:
        assert message["Bcc"] is None
        assert message.get_content().startswith("您好")
    found = row(database, key)
    assert (found.failed_at is not None) == (where == "recipient")
    assert found.body == ""


@given(st.text())
def test_a_subject_is_always_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize(
    "address", ["", "li", "li@", "@example.com", "a@b@c", "a@example.com, b@example.com", "a b@c.d"]
)
def test_what_is_no_address_is_given_up_at_once(
    database: Database, box: Box, serve: Callable[..., str], address: str
) -> None:
    bad, good = write(database, address), write(database)
    Postman(database, f"smtp://{serve()}", PUBLIC).deliver()
    assert row(database, bad).failed_at is not None
    assert row(database, good).sent_at is not None
    assert box.to == ["li@example.com"]


def test_a_server_that_is_away_is_asked_again_and_again_for_three_days(database: Database) -> None:
    key = write(database)
    now = Clock()
    postman = Postman(database, f"smtp://127.0.0.1:{free_port()}", PUBLIC, now=now)
    tries = 0
    while row(database, key).failed_at is None:
        before = row(database, key).next_try_at
        assert before is not None
        now.at = before - timedelta(seconds=1)
        assert postman.deliver() == 0 or tries == 0
        now.at = before
        postman.deliver()
        tries += 1
        if row(database, key).failed_at is None:
            after = row(database, key).next_try_at
            assert after is not None and after - before == BACK_OFF[min(tries, len(BACK_OFF)) - 1]
        assert tries < 50
    ended = row(database, key)
    assert now.at - START >= GIVEN_UP
    assert (ended.body, ended.tries) == ("", tries)
    assert ended.error


def test_a_refused_recipient_is_no_fault_of_the_others(database: Database, box: Box, serve: Callable[..., str]) -> None:
    box.answers = {"gone@example.com": "550 no such user", "full@example.com": "452 come again"}
    gone, full, good = (write(database, f"{name}@example.com") for name in ("gone", "full", "good"))
    Postman(database, f"smtp://{serve()}", PUBLIC).deliver()
    assert row(database, gone).failed_at is not None
    assert "550" in row(database, gone).error
    assert row(database, full).failed_at is None
    assert row(database, full).sent_at is None
    assert "452" in row(database, full).error
    assert row(database, good).sent_at is not None


def test_without_a_mail_server_nothing_lies_about(database: Database) -> None:
    key = write(database, body="/reset/a-secret")
    assert Postman(database, None, PUBLIC).deliver() == 1
    found = row(database, key)
    assert (found.body, found.error) == ("", NO_SERVER)


def test_what_one_process_sends_no_other_takes(database: Database) -> None:
    key = write(database)
    now = Clock()
    first, second = (Postman(database, None, PUBLIC, now=now) for _ in range(2))
    assert [mail.id for mail in first._take()] == [key]
    assert second._take() == []
    now.at += timedelta(minutes=11)
    assert [mail.id for mail in second._take()] == [key]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    key, file = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # of the test's server, which is encrypted from the start
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_encrypted_and_signed_in(
    database: Database,
    box: Box,
    serve: Callable[..., str],
    certificate: tuple[Path, ssl.SSLContext],
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, context = certificate
    options: dict[str, Any] = {"authenticator": box.check, "auth_required": True}
    options |= (
        {"ssl_context": context, "auth_require_tls": False}
        if scheme == "smtps"
        else {"tls_context": context, "require_starttls": True}
    )
    url = f"{scheme}://office%40example.com:p%3Ass%2Fw%40rd@{serve(**options)}"
    write(database)
    postman = Postman(database, url, PUBLIC)
    # A certificate that nobody vouches for is not trusted.
    postman.deliver()
    assert (box.taken, box.signed_in) == ([], [])
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    postman.now = lambda: START + timedelta(hours=1)
    assert postman.deliver() == 1
    assert box.signed_in == [(b"office@example.com", b"p:ss/w@rd")]
    assert str(box.taken[0]["From"]) == "擂台 <office@example.com>"


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_password_never_leaves_the_machine_in_the_clear(
    database: Database, box: Box, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"smtp://u:p%3Ass%2Fw%40rd@{serve(authenticator=box.check, auth_required=True, auth_require_tls=False)}"
    assert MailServer.of(url, PUBLIC).own_machine
    assert not MailServer.of("smtp://u:p@10.0.0.1", PUBLIC).own_machine
    assert not MailServer.of("smtp://u:p@mail.example.com", PUBLIC).own_machine
    key = write(database)
    now = Clock()
    postman = Postman(database, url, PUBLIC, now=now)
    with monkeypatch.context() as patch:
        patch.setattr(MailServer, "own_machine", property(lambda _self: False))
        postman.deliver()
    assert (box.signed_in, box.taken) == ([], [])
    assert "STARTTLS" in row(database, key).error
    now.at += timedelta(hours=1)
    postman.deliver()
    assert box.signed_in == [(b"u", b"p:ss/w@rd")]


def test_the_address_of_the_server_is_read_and_refused_in_a_sentence() -> None:
    plain = MailServer.of("smtp://mail.example.com", "http://192.168.1.10:8000")
    assert (plain.port, plain.user, plain.sender.addr_spec) == (25, "", "leitai@192.168.1.10")
    assert MailServer.of("smtps://mail.example.com", PUBLIC).port == 465
    assert MailServer.of("smtp://mail:2525", PUBLIC).sender.addr_spec == "leitai@leitai.example"
    for bad in ("smtp://", "http://mail", "smtp://mail:port", "smtp://mail?from=nobody", "smtp://mail?form=a@b.c"):
        with pytest.raises(MailSettingError, match="LEITAI_SMTP_URL"):
            MailServer.of(bad, PUBLIC)


@pytest.fixture
def contest(load: Callable[..., int]) -> int:
    return load("weihai/welder.json")


def person(database: Database, **values: Any) -> int:
    with database.transaction() as session:
        row = Person(login="li", login_key="li", name="李", created_at=START, profile={}, **values)
        session.add(row)
        session.flush()
        return row.id


def tell(database: Database, person_id: int, **more: Any) -> None:
    with database.transaction() as session:
        notices.notify(session, person_id, kind="k", title="T\nT", body="B", now=START, **more)


def mails(database: Database) -> list[Mail]:
    with database.reading() as session:
        return list(session.scalars(select(Mail)))


def test_a_message_is_repeated_by_mail_to_a_confirmed_address(database: Database) -> None:
    someone = person(database, email="li@example.com", email_confirmed_at=START)
    tell(database, someone, link="/me")
    [mail] = mails(database)
    assert (mail.recipient, mail.subject, mail.body, mail.person_id) == ("li@example.com", "T T", "B\n\n/me", someone)
    tell(database, someone, mail=False)
    assert len(mails(database)) == 1
    with database.reading() as session:
        assert notices.unread(session, someone) == 2


def test_an_unconfirmed_address_gets_none(database: Database) -> None:
    tell(database, person(database, email="li@example.com"))
    assert mails(database) == []


def test_a_rehearsal_sends_nothing(database: Database, contest: int) -> None:
    with database.transaction() as session:
        session.get_one(Contest, contest).rehearsal = True
    someone = person(database, email="li@example.com", email_confirmed_at=START)
    tell(database, someone, contest_id=contest)
    assert mails(database) == []
    with database.reading() as session:
        assert notices.unread(session, someone) == 1


def test_messages_are_read_by_their_person_alone(database: Database) -> None:
    someone = person(database)
    for _ in range(3):
        tell(database, someone)
    with database.reading() as session:
        newest, middle, oldest = (notice.id for notice in notices.notices_of(session, someone))
        assert [notice.id for notice in notices.notices_of(session, someone, before=middle)] == [oldest]
        with pytest.raises(notices.DomainError):
            notices.read(session, someone + 1, newest, now=START)
    with database.transaction() as session:
        notices.read(session, someone, newest, now=START)
        notices.read_all(session, someone, up_to=oldest, now=START)
    with database.reading() as session:
        assert [notice.id for notice in session.scalars(select(Notice).where(Notice.read_at.is_(None)))] == [middle]


@pytest.mark.parametrize("link", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"])
def test_a_link_leads_nowhere_else(database: Database, link: str) -> None:
    with pytest.raises(ValueError, match="path of ours"):
        tell(database, person(database), link=link)


def test_every_template_says_what_it_is_given() -> None:
    class Given(dict[str, object]):
        def __missing__(self, name: str) -> str:
            return f"<{name}>"

    for kind in notices.TEMPLATES:
        title, body = notices.words(kind, Given())
        assert title and body
        assert "{" not in title + body
