"""One list of all that waits for a person: each stage that knows of something registers a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from competition.accounts.policy import Actor


@dataclass(frozen=True, slots=True)
class Task:
    """What waits: how many, where it is done, until when. `urgent` ones stand first."""

    title: str
    link: str
    count: int = 1
    note: str = ""
    due: datetime | None = None
    urgent: bool = False


Source = Callable[[Session, Actor, datetime], list[Task]]
_sources: Final[list[Source]] = []


def register(source: Source) -> None:
    """Adds a source; a second time changes nothing."""
    if source not in _sources:
        _sources.append(source)


def tasks_of(session: Session, actor: Actor, now: datetime) -> list[Task]:
    """Everything that waits for the actor: the urgent first, then by when it is due, then as registered."""
    found = [task for source in _sources for task in source(session, actor, now)]
    return sorted(found, key=lambda task: (not task.urgent, task.due is None, task.due or now))
