"""The sign-ins that a demonstration offers to anyone who opens its home page; without its setting there are none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import service
from competition.accounts.models import SignInLink
from competition.config import Config
from competition.shared import clock
from competition.shared.errors import DomainError


@dataclass(frozen=True)
class DemoSeat:
    """`number` is its place in the demonstration's file."""

    number: int
    contest: str
    contest_title: str
    role: str
    name: str
    judge: str | None
    token: str


def demo_seats(config: Config) -> list[DemoSeat]:
    if not config.demo_links:
        return []
    try:
        rows = json.loads(Path(config.demo_links).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [
        DemoSeat(
            number,
            row["contest"],
            row.get("contest_title") or row["contest"],
            row["role"],
            row.get("name") or "",
            row.get("judge"),
            urlsplit(row["url"]).path.rpartition("/")[2],
        )
        for number, row in enumerate(rows)
    ]


def fresh_token(session: Session, config: Config, number: int) -> str:
    """A new link for a seat of the demonstration: a link is good for one browser, and here many may come."""
    seat = next((seat for seat in demo_seats(config) if seat.number == number), None)
    known = seat and session.scalar(select(SignInLink).where(SignInLink.token_hash == service.hash_secret(seat.token)))
    if not known:
        raise DomainError("unknown", "no such seat")
    return service.make_link(
        session, contest_id=known.contest_id, role=known.role, person_id=known.person_id, now=clock.now()
    )
