"""The judging protocol behind both doors: one message in, one answer out (contract.md, Judging)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from competition.accounts.policy import Actor
from competition.shared.errors import DomainError
from judges.ballots.commands import MarkCell, SubmitSheet
from judges.ballots.queries import open_desk
from judges.ballots.sentences import Refused, refusal
from judges.desk.messages import EVENTS, parse


def answer(services: Any, actor: Actor, message: Any, *, now: datetime) -> dict[str, Any]:
    """Does what `message["event"]` says: `{"ok": true, …}` or `{"ok": false, "error": …}`; only a bug raises."""
    try:
        if not isinstance(message, dict) or message.get("event") not in EVENTS:
            raise refusal(Refused("bad_request", "event"))
        if not actor.signed_in:
            raise refusal(Refused("signed_out"))
        return {"ok": True, **_do(services, actor, message, now)}
    except DomainError as error:
        return {"ok": False, "error": error.as_dict()}


def _do(services: Any, actor: Actor, message: dict[str, Any], now: datetime) -> dict[str, Any]:
    event = message["event"]
    if event == "open":
        return open_answer(services, actor, message)
    try:
        command = parse(event, message)
    except Refused as refused:
        raise refusal(refused) from None
    ballots = services.ballots
    if isinstance(command, MarkCell):
        return dict(ballots.mark(command, actor=actor, now=now))
    if isinstance(command, SubmitSheet):
        return dict(ballots.submit(command, actor=actor, now=now))
    return dict(ballots.rule(command, actor=actor, now=now))


def open_answer(services: Any, actor: Actor, message: dict[str, Any]) -> dict[str, Any]:
    """The whole state of a contest for a seat or a chief; nobody else has one."""
    code = message.get("contest")
    if not isinstance(code, str):
        raise refusal(Refused("bad_request", "contest"))
    contest = services.ballots.contest(code)
    with services.db.reading() as session:
        desk = open_desk(session, contest, actor, services.reader)
    if not desk["phase"]:
        raise refusal(Refused("forbidden", "contest"))
    return desk
