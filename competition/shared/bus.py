"""Facts: past-tense records of what was committed, told to subscribers only after the commit.

Subscribers belong to an application (`Bus`), never to a module list, so that two applications in one process (as in
tests) do not hear each other. The bus in force is held in a context variable set by `use()`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

log = logging.getLogger(__name__)


class Bus:
    """Who hears of which kind of fact."""

    def __init__(self) -> None:
        self._subscribers: dict[type, list[Callable[[Any], None]]] = defaultdict(list)

    def subscribe(self, kind: type, subscriber: Callable[[Any], None]) -> None:
        self._subscribers[kind].append(subscriber)

    def tell(self, fact: object) -> None:
        """Hands `fact` to each subscriber; one that fails is logged and keeps no other from hearing."""
        for subscriber in self._subscribers[type(fact)]:
            try:
                subscriber(fact)
            except Exception:
                log.exception("a subscriber failed on %r", fact)


_bus: Bus = Bus()
_facts: ContextVar[list[object] | None] = ContextVar("facts", default=None)


def use(bus: Bus) -> None:
    """Makes `bus` the one that committed facts go to; called once by create_app() or a command."""
    global _bus
    _bus = bus


def record(fact: object) -> None:
    """Notes a fact inside a transaction; it is dispatched after the commit, or forgotten on a rollback."""
    facts = _facts.get()
    if facts is None:
        raise RuntimeError("a fact is recorded inside a transaction only")
    facts.append(fact)


@contextmanager
def collecting() -> Iterator[list[object]]:
    facts: list[object] = []
    token = _facts.set(facts)
    try:
        yield facts
    finally:
        _facts.reset(token)


def dispatch(facts: list[object]) -> None:
    for fact in facts:
        _bus.tell(fact)
