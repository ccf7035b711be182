"""Mail: written in the transaction of what it tells of, sent by the job process, tried again for three days.

A mail that is lost costs a person a look into the program, one that is sent twice costs nothing: where it is not known
whether the server took it (the process died in between), it is sent again. The text is emptied as soon as it is sent or
given up, because it may hold a link that signs in; the subject never does.
"""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from sqlalchemy import Boolean, CursorResult, Integer, column, delete, select, table, update
from sqlalchemy.orm import Session

from competition.shared import clock
from competition.shared.db import Database
from competition.shared.jobs import JobContext, daily
from competition.shared.models import Mail

log = logging.getLogger(__name__)

BACK_OFF: Final = tuple(timedelta(minutes=count) for count in (1, 5, 15, 60, 180, 360, 720))
"""How long after each failure the next try comes; the last one repeats."""
GIVEN_UP: Final = timedelta(days=3)
LEASE: Final = timedelta(minutes=10)
"""How long a mail is one process's to send."""
BATCH: Final = 20
PATIENCE: Final = 30
"""Seconds that the mail server has for each answer."""
KEPT: Final = timedelta(days=90)
OWN_PATH: Final = re.compile(r"^/\S*$", re.MULTILINE)
NO_SERVER: Final = "no mail server is set (LEITAI_SMTP_URL)"

# Contests stand above mail; whether one is a rehearsal is all that is asked of them.
_contest = table("contest", column("id", Integer()), column("rehearsal", Boolean()))


class MailSettingError(Exception):
    """LEITAI_SMTP_URL cannot be used: why, in a sentence."""


def send_later(
    session: Session,
    recipient: str,
    *,
    kind: str,
    subject: str,
    body: str,
    now: datetime,
    person_id: int | None = None,
    contest_id: int | None = None,
) -> Mail | None:
    """Writes a mail in the caller's transaction; a contest that is a rehearsal sends none (None).

    `body` is plain text; a line of it that is nothing but a path of ours is sent as a whole address. What breaks a line
    in the subject becomes a space, and an address that is not one is refused when it is sent: neither adds a header.
    """
    if contest_id is not None and session.scalar(select(_contest.c.rehearsal).where(_contest.c.id == contest_id)):
        return None
    mail = Mail(
        recipient=recipient.strip()[:254],
        person_id=person_id,
        contest_id=contest_id,
        kind=kind,
        subject=one_line(subject),
        body=body,
        created_at=now,
        next_try_at=now,
    )
    session.add(mail)
    session.flush()
    return mail


def one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).strip()


@dataclass(frozen=True, slots=True)
class MailServer:
    """LEITAI_SMTP_URL, read: `smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS&name=NAME`, or `smtps://`."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    sender: Address
    public_url: str

    @classmethod
    def of(cls, url: str, public_url: str) -> MailServer:
        """Without `from` the sender is the user where that is an address, else leitai@ the host of the public
        address."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise MailSettingError(f"LEITAI_SMTP_URL: {error}") from None
        if parts.scheme not in ("smtp", "smtps") or not host:
            raise MailSettingError("LEITAI_SMTP_URL names no host")
        asked = parse_qs(parts.query)
        if strange := set(asked) - {"from", "name"}:
            raise MailSettingError(
                f"LEITAI_SMTP_URL: there is no {', '.join(sorted(strange))}; from and name are known"
            )
        user = unquote(parts.username or "")
        own = urlsplit(public_url).hostname or "localhost"
        address = asked.get("from", [user if "@" in user else f"leitai@{own}"])[0]
        try:
            sender = Address(one_line(asked.get("name", ["擂台"])[0]), addr_spec=address)
        except Exception:
            raise MailSettingError(f"LEITAI_SMTP_URL: {address!r} is no address to send from") from None
        tls = parts.scheme == "smtps"
        return cls(host, port or (465 if tls else 25), tls, user, unquote(parts.password or ""), sender, public_url)

    @property
    def own_machine(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @contextmanager
    def connected(self) -> Iterator[smtplib.SMTP]:
        """A connection, encrypted where the server can; a password never goes to another machine in the clear."""
        context = ssl.create_default_context()
        smtp = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=PATIENCE, context=context)
            if self.tls
            else smtplib.SMTP(self.host, self.port, timeout=PATIENCE)
        )
        with smtp:
            smtp.ehlo_or_helo_if_needed()
            if not self.tls and smtp.has_extn("starttls"):
                smtp.starttls(context=context)
                smtp.ehlo()
            elif not self.tls and self.user and not self.own_machine:
                raise smtplib.SMTPException("the mail server offers no STARTTLS, and a password would go in the clear")
            if self.user:
                smtp.login(self.user, self.password)
            yield smtp

    def message(self, mail: Mail, now: datetime) -> EmailMessage:
        """Raises ValueError for a recipient that is not exactly one address."""
        message = EmailMessage()
        try:
            message["To"] = Address(addr_spec=mail.recipient)
        except Exception:
            raise ValueError("this is not an address") from None
        message["From"] = self.sender
        message["Subject"] = one_line(mail.subject)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = make_msgid(domain=self.sender.domain.encode("idna").decode() or None)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(OWN_PATH.sub(lambda found: self.public_url + found[0], mail.body))
        return message


class Postman:
    """Sends what is due; one thread of the job process calls `deliver` again and again."""

    def __init__(
        self, db: Database, smtp_url: str | None, public_url: str, *, now: Callable[[], datetime] = clock.now
    ) -> None:
        """Raises MailSettingError for an address that cannot be used."""
        self.db, self.now = db, now
        self.server = MailServer.of(smtp_url, public_url) if smtp_url else None

    def deliver(self) -> int:
        """Tries a batch of what is due; gives how many were tried, so that more than none means: call again."""
        batch = self._take()
        if not batch:
            return 0
        if self.server is None:
            for mail in batch:
                self._gave_up(mail, NO_SERVER)
            return len(batch)
        left = list(batch)
        try:
            with self.server.connected() as smtp:
                while left:
                    self._send(smtp, left[0])
                    left.pop(0)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("mail cannot be sent: %s", _said(error))
            for mail in left:
                self._failed(mail, _said(error))
        return len(batch)

    def _take(self) -> list[Mail]:
        """Mails that are now this process's to send for a while; what was not answered for comes up again."""
        now = self.now()
        due = (Mail.sent_at.is_(None), Mail.failed_at.is_(None), Mail.next_try_at <= now)
        with self.db.reading() as session:
            ids = session.scalars(select(Mail.id).where(*due).order_by(Mail.next_try_at, Mail.id).limit(BATCH)).all()
        if not ids:
            return []
        taken = []
        with self.db.transaction() as session:
            for key in ids:
                done = session.execute(
                    update(Mail)
                    .where(Mail.id == key, *due)
                    .values(next_try_at=now + LEASE, tries=Mail.tries + 1)
                    .execution_options(synchronize_session=False)
                )
                if isinstance(done, CursorResult) and done.rowcount == 1:
                    taken.append(key)
            return list(session.scalars(select(Mail).where(Mail.id.in_(taken)).order_by(Mail.id)))

    def _send(self, smtp: smtplib.SMTP, mail: Mail) -> None:
        """One mail; raises where the connection or the account is at fault, so that the rest waits, too."""
        assert self.server is not None
        try:
            message = self.server.message(mail, self.now())
            smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            self._failed(mail, f"{code} {text.decode(errors='replace')}", final=500 <= code < 600)
        except smtplib.SMTPDataError as error:
            self._failed(mail, _said(error), final=500 <= error.smtp_code < 600)
        except (smtplib.SMTPNotSupportedError, ValueError, UnicodeError) as error:
            self._gave_up(mail, str(error))
        else:
            self._change(mail, sent_at=self.now(), next_try_at=None, body="", error="")

    def _failed(self, mail: Mail, error: str, *, final: bool = False) -> None:
        now = self.now()
        if final or now - mail.created_at >= GIVEN_UP:
            self._gave_up(mail, error)
        else:
            wait = BACK_OFF[min(mail.tries, len(BACK_OFF)) - 1]
            self._change(mail, next_try_at=now + wait, error=error[:500])

    def _gave_up(self, mail: Mail, error: str) -> None:
        self._change(mail, failed_at=self.now(), next_try_at=None, body="", error=error[:500])

    def _change(self, mail: Mail, **values: object) -> None:
        with self.db.transaction() as session:
            session.execute(
                update(Mail).where(Mail.id == mail.id).values(**values).execution_options(synchronize_session=False)
            )


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return str(error) or type(error).__name__


@daily("mail.sweep", hour=18, title="清理旧邮件记录")
def sweep(context: JobContext) -> None:
    """Forgets mails that went out, or did not, three months ago: their addresses are personal."""
    with context.db.transaction() as session:
        session.execute(
            delete(Mail).where(
                Mail.created_at < context.now() - KEPT, Mail.sent_at.is_not(None) | Mail.failed_at.is_not(None)
            )
        )
