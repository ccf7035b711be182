"""Text messages, by whatever gateway takes an HTTPS post; off until LEITAI_SMS_URL names one."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import requests


class Sender(Protocol):
    def send(self, phone: str, text: str) -> None:
        """Hands the text over for 11 digits, or raises; the job that sends is tried again."""
        ...


class NoSender:
    """Nothing is set: nothing is sent."""

    def send(self, phone: str, text: str) -> None:
        return None


class PostingSender:
    """Posts `{"phone": …, "text": …}`; a user name and password in the address go as Basic, never in the address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self.auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self.url = urlunsplit(parts._replace(netloc=host + (f":{parts.port}" if parts.port else "")))

    def send(self, phone: str, text: str) -> None:
        answer = requests.post(
            self.url, json={"phone": phone, "text": text}, auth=self.auth, timeout=10, allow_redirects=False
        )
        if answer.status_code >= 300:
            # The address may hold a key, the text a code: neither belongs in a log.
            raise RuntimeError(f"the SMS gateway answered {answer.status_code}")


def sender(config: Any) -> Sender:
    return PostingSender(config.sms_url) if config.sms_url else NoSender()
