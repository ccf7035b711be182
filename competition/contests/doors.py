"""What the doors to a contest's desks have in common: whose contest it is, and the address that links begin with."""

from __future__ import annotations

from flask import abort, request
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.config import SETTINGS
from competition.contests.models import Contest
from competition.contests.policy import can_run
from competition.contests.queries import contest_by_code
from competition.extensions import services
from competition.shared.guards import actor


def own_contest(session: Session, code: str) -> Contest:
    """The contest, for those who run it."""
    who: Actor = actor()
    row = contest_by_code(session, code)
    if row is None:
        # Who may run no such contest need not learn which there are.
        abort(404 if who.has("admin") else 403)
    if not can_run(who, row.id):
        abort(403)
    return row


def public_address() -> str:
    """What links begin with: the setting where it was given, else the address the desk itself was opened at."""
    given: str = services().config.public_url
    default = next(setting.default for setting in SETTINGS if setting.name == "LEITAI_PUBLIC_URL")
    return given if given and given != default else request.host_url.rstrip("/")
