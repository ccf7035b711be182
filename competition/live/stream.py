"""Boards as an event stream (contract.md, "Board stream").

`Hub.frames` is what a view sends: here an ordinary generator for each client. A hub that hands the socket over to one
loop can take its place without touching the view or the messages.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from competition.live.producers import encode
from competition.live.publisher import Message, Publisher, Topic
from competition.shared import clock

PING: Final = 10.0
"""Seconds between two pings."""
RETRY: Final = (1000, 4000)
"""Milliseconds after which a client that lost its stream comes back: drawn for each, lest they come at once."""


class Hub:
    """Streams of the publisher's topics to clients."""

    def __init__(
        self,
        publisher: Publisher,
        *,
        now: Callable[[], datetime] = clock.now,
        seconds: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._publisher, self._now, self._seconds = publisher, now, seconds
        self._rng = rng or random.Random()

    def frames(
        self, names: Sequence[tuple[str, str]], audience: str, since: dict[str, int | None], *, named: bool = False
    ) -> Iterator[bytes]:
        """The stream of the boards `names` (contest, track), from the versions in `since` (by "contest/track").

        `named`: it is a stream of several boards (there may be just one), whose ids name the versions of all.
        """
        publisher = self._publisher
        publisher.viewers += 1
        try:
            yield f"retry: {self._rng.randint(*RETRY)}\n\n".encode()
            seen = {f"{contest}/{track}": self._known(contest, track, audience, since) for contest, track in names}
            first = True
            last = self._seconds()
            while first or publisher.running:
                sent = False
                for contest, track in names:
                    topic = publisher.get(contest, track, audience)
                    if topic is None:
                        continue
                    name = f"{contest}/{track}"
                    known = seen.get(name)
                    if known == (topic.track_id, topic.version):
                        continue
                    start = known[1] if known and known[0] == topic.track_id else None
                    for message in _messages(topic, start):
                        seen[name] = (topic.track_id, message.version)
                        yield _frame(message, self._id(names, seen, named))
                        sent = True
                    seen[name] = (topic.track_id, topic.version)
                first = False
                if sent:
                    last = self._seconds()
                rest = last + PING - self._seconds()
                if rest <= 0:
                    yield self._ping(names, seen, named)
                    last = self._seconds()
                    rest = PING
                with publisher.changed:
                    if publisher.running and not self._news(names, audience, seen):
                        publisher.changed.wait(rest)
        finally:
            publisher.viewers -= 1

    def _known(self, contest: str, track: str, audience: str, since: dict[str, int | None]) -> tuple[int, int] | None:
        """The version a client has, where deltas lead on from it; None where it needs the whole.

        Who connects gets the whole instead of a `reset`, which would only make them fetch it.
        """
        topic, version = self._publisher.get(contest, track, audience), since.get(f"{contest}/{track}")
        messages = topic.since(version) if topic is not None and version is not None else None
        if topic is None or version is None or messages is None or any(one.event == "reset" for one in messages):
            return None
        return topic.track_id, version

    def _news(self, names: Sequence[tuple[str, str]], audience: str, seen: dict[str, tuple[int, int] | None]) -> bool:
        for contest, track in names:
            # Without the database: who asks holds the lock under which changes are told.
            topic = self._publisher.peek(contest, track, audience)
            if topic is not None and seen.get(f"{contest}/{track}") != (topic.track_id, topic.version):
                return True
        return False

    def _ping(self, names: Sequence[tuple[str, str]], seen: dict[str, tuple[int, int] | None], named: bool) -> bytes:
        ident = self._id(names, seen, named)
        version: object = ident if named else int(ident)
        return b"event: ping\ndata: " + encode({"version": version, "at": self._now().isoformat()}) + b"\n\n"

    def _id(self, names: Sequence[tuple[str, str]], seen: dict[str, tuple[int, int] | None], named: bool) -> str:
        versions = {f"{contest}/{track}": (seen.get(f"{contest}/{track}") or (0, 0))[1] for contest, track in names}
        if not named:
            return str(next(iter(versions.values())))
        return ",".join(f"{name}={version}" for name, version in versions.items())


def _messages(topic: Topic, since: int | None) -> list[Message]:
    """From `since` on where that is held, else the whole; nothing where the board is not to be seen."""
    messages = topic.since(since) if since is not None else None
    if messages is not None:
        return messages
    return [topic.snapshot()] if topic.payload else []


def _frame(message: Message, ident: str) -> bytes:
    return f"id: {ident}\nevent: {message.event}\ndata: ".encode() + message.data + b"\n\n"


def read_ids(names: Sequence[tuple[str, str]], text: str) -> dict[str, int | None]:
    """The versions a client says it has: `12` for one board, `C/T=12,C/T=3` for several; unreadable: None."""
    if len(names) == 1 and "=" not in text:
        return {f"{names[0][0]}/{names[0][1]}": _version(text)}
    found: dict[str, int | None] = {}
    for part in text.split(","):
        name, _, version = part.strip().rpartition("=")
        if name:
            found[name] = _version(version)
    return found


def _version(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
