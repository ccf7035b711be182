"""Messages of the judging protocol become commands; what does not fit its shape is refused before any lookup."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any, Final

from judges.ballots.commands import MarkCell, Rule, SubmitSheet
from judges.ballots.sentences import Refused

RULINGS: Final[dict[str, tuple[str, ...]]] = {
    "time": ("seconds",),
    "adjust": ("amount",),
    "absent": ("on",),
    "recuse": ("on",),
    "status": ("status", "status_from"),
    "reopen": ("attempt",),
    "window": ("state",),
    "freeze": ("on",),
}
"""The events that are rulings, with the words each kind keeps."""

EVENTS: Final = ("open", "mark", "submit", *RULINGS)
LONGEST: Final = 2000
"""Characters of a reason."""


def parse(event: str, message: Any) -> MarkCell | SubmitSheet | Rule:
    """The command of any event but `open`; raises `Refused` with `bad_request` or `bad_number`."""
    words = _Words(message)
    common = {
        "op": words.op(),
        "digest": digest(event, message),
        "contest": words.text("contest"),
        "track": words.text("track"),
    }
    if event == "mark":
        base, after = words.base()
        return MarkCell(
            **common,
            stage=words.text("stage"),
            entry=words.entry(),
            criterion=words.text("criterion"),
            attempt=words.attempt(),
            value=words.number("value"),
            base=base,
            after=after,
            judge=words.maybe("judge"),
            seat_said="judge" in message,
        )
    if event == "submit":
        return SubmitSheet(
            **common,
            stage=words.text("stage"),
            entry=words.entry(),
            attempt=words.attempt(),
            judge=words.maybe("judge"),
            seat_said="judge" in message,
        )
    if event not in RULINGS:
        raise Refused("bad_request", "event")
    fields = {name: message[name] for name in RULINGS[event] if name in message}
    for name in ("amount", "seconds"):
        if name in fields:
            fields[name] = words.number(name)
    if event == "adjust" and fields.get("amount") is None:
        raise Refused("bad_request", "amount")
    if event == "time" and "seconds" not in fields:
        raise Refused("bad_request", "seconds")
    if event == "reopen":
        fields["attempt"] = words.attempt()
    return Rule(
        **common,
        kind=event,
        stage=words.maybe("stage"),
        entry=words.entry() if message.get("entry") is not None else None,
        judge=words.maybe("judge"),
        judge_said="judge" in message,
        reason=words.reason(),
        fields=fields,
    )


def digest(event: str, message: dict[str, Any]) -> str:
    """What stands for the content of an operation: everything but its op."""
    content = {key: value for key, value in message.items() if key not in ("op", "event")}
    text = json.dumps([event, content], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class _Words:
    """The values of a message, each of the type that its word has."""

    def __init__(self, message: Any) -> None:
        if not isinstance(message, dict) or not all(isinstance(key, str) for key in message):
            raise Refused("bad_request")
        self._message = message

    def op(self) -> str:
        said = self._message.get("op")
        try:
            return str(uuid.UUID(said))
        except (ValueError, TypeError, AttributeError):
            raise Refused("bad_request", "op") from None

    def text(self, name: str) -> str:
        value = self._message.get(name)
        if not isinstance(value, str) or not value or len(value) > 100 or not value.isprintable():
            raise Refused("bad_request", name)
        return value

    def maybe(self, name: str) -> str | None:
        return None if self._message.get(name) is None else self.text(name)

    def entry(self) -> str:
        value = self._message.get("entry")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text("entry")

    def attempt(self) -> int:
        value = self._message.get("attempt", 1)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000_000:
            raise Refused("bad_request", "attempt")
        return value

    def number(self, name: str) -> str | int | None:
        if name not in self._message:
            raise Refused("bad_request", name)
        value = self._message[name]
        if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
            raise Refused("bad_number", name)
        return value

    def base(self) -> tuple[int, str | None]:
        value = self._message.get("base")
        if isinstance(value, dict) and set(value) == {"after"}:
            try:
                return 0, str(uuid.UUID(value["after"]))
            except (ValueError, TypeError, AttributeError):
                raise Refused("bad_request", "base") from None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
            raise Refused("bad_request", "base")
        return value, None

    def reason(self) -> str:
        value = self._message.get("reason")
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
            raise Refused("bad_request", "reason")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("bad_request", "reason") from None
        return value
