"""What the organiser's desk asks of the judges' side, which stands above it; `create_app` wires who answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests.models import Contest, Track


@dataclass(frozen=True)
class Seat:
    """Somebody a sign-in link can be made for: a judge by `code`, a chief by `track`, else the contest's one."""

    role: str
    title: str
    code: str = ""
    track: str = ""

    @property
    def key(self) -> str:
        return ":".join((self.role, self.code or self.track))


@dataclass(frozen=True)
class Check:
    """A point of the go/no-go page. `state` info: worth knowing, nothing to wait for. `link`: a path of ours, or ""."""

    key: str
    title: str
    state: Literal["ok", "wait", "bad", "info"]
    figure: str
    link: str = ""


class Seating(Protocol):
    def seats(self, session: Session, contest: Contest) -> list[Seat]:
        """Everybody of the contest who marks, records or leads."""
        ...

    def link(self, session: Session, contest: Contest, seat: Seat, *, actor: Actor, now: datetime) -> str:
        """The token of a new sign-in link for a seat."""
        ...

    def judged_track(self, session: Session, actor: Actor, contest: str, track: str, number: str) -> Track | None:
        """The track, where the actor judges or leads the entry of that draw number."""
        ...

    def readiness(self, session: Session, contest: Contest, now: datetime) -> list[Check]:
        """What of panels, recusals and seats has to be right before marking begins."""
        ...

    def decide(self, kind: str, words: dict[str, object], *, actor: Actor, now: datetime) -> None:
        """A ruling `window` or `freeze` in the words of the judging protocol; raises what keeps it from being made."""
        ...
