"""A small improvement (合理化建议、五小): one page, saved and handed in by one step, as often as it is sent.

A phone on a poor network sends the same page again until it hears an answer; the page's own operation id makes that
one registration: its number follows from person and operation, and numbers are unique.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests.models import AttachmentRule, Contest, Track
from competition.registration import drafting
from competition.registration.attachments import rules_of
from competition.registration.drafting import LETTERS, Draft
from competition.registration.entrants import bounds_of
from competition.registration.models import Registration
from competition.shared.errors import DomainError

TEXTS: Final = ("before", "after", "effect")
LONGEST: Final = 2000
MAX_OP: Final = 60
CO_AUTHORS: Final = 200


@dataclass(frozen=True, slots=True)
class Improvement:
    op: str
    """Made by the page when it is opened; the same one again is the same improvement."""
    title: str
    before: str
    after: str
    effect: str = ""
    co_authors: str = ""
    unit: str | None = None


def number_for(person_id: int, op: str) -> str:
    """R and eight letters that follow from the person and the operation."""
    rest = int.from_bytes(hashlib.sha256(f"{person_id}\n{op}".encode()).digest(), "big")
    letters = []
    for _place in range(8):
        rest, letter = divmod(rest, len(LETTERS))
        letters.append(LETTERS[letter])
    return "R" + "".join(letters)


def problems(improvement: Improvement) -> dict[str, str]:
    """A sentence by field for each that is not right."""
    found: dict[str, str] = {}
    if not improvement.title.strip():
        found["title"] = _("请填写改善的名称。")
    elif len(improvement.title.strip()) > drafting.MAX_TITLE:
        found["title"] = _("名称最多 %(most)s 字。", most=drafting.MAX_TITLE)
    if not improvement.before.strip():
        found["before"] = _("请写改善之前是什么样。")
    if not improvement.after.strip():
        found["after"] = _("请写改善之后是什么样。")
    for name in TEXTS:
        if len(getattr(improvement, name)) > LONGEST:
            found[name] = _("最多 %(most)s 字。", most=LONGEST)
    if len(improvement.co_authors) > CO_AUTHORS:
        found["co_authors"] = _("最多 %(most)s 字。", most=CO_AUTHORS)
    if not improvement.op.strip() or len(improvement.op) > MAX_OP:
        found["op"] = _("请刷新页面后再提交。")
    return found


def known(session: Session, person_id: int, op: str) -> Registration | None:
    """What this operation has already handed in."""
    return session.scalar(
        select(Registration).where(
            Registration.number == number_for(person_id, op), Registration.created_by == person_id
        )
    )


def hand_in(
    session: Session,
    contest: Contest,
    track: Track,
    improvement: Improvement,
    *,
    seen: str | None = None,
    actor: Actor,
    now: datetime,
) -> Registration:
    """Saves and submits; nothing of it stays where it is refused. `seen`: the mark of the consent text."""
    registration = write(session, contest, track, improvement, actor=actor, now=now)
    return drafting.submit(session, registration.number, agreed={"registration": seen}, actor=actor, now=now)


def write(
    session: Session, contest: Contest, track: Track, improvement: Improvement, *, actor: Actor, now: datetime
) -> Registration:
    """The draft of this operation, made or brought up to date; one that is handed in already stays as it is."""
    if actor.person_id is None:
        raise DomainError("signed_out", _("请先登录。"))
    there = known(session, actor.person_id, improvement.op)
    if there is not None and there.state != "draft":
        return there
    if contest.kind != "suggestion":
        raise DomainError("not_expected", _("这项赛事请用报名表提交。"))
    if found := problems(improvement):
        name, sentence = next(iter(found.items()))
        raise DomainError("bad_request", sentence, name, problems=found)
    # Somebody may hand in as many as they have ideas: none takes their place in the track.
    registration = there or drafting.start(
        session, contest, track, bounds_of(track.entrants or {}).kinds[0],
        actor=actor, now=now, number=number_for(actor.person_id, improvement.op), origin="small", holds=False,
    )  # fmt: skip
    answers: dict[str, Any] = {name: getattr(improvement, name).strip() for name in TEXTS}
    answers["co_authors"] = improvement.co_authors.strip()
    draft = Draft(
        title=improvement.title,
        unit=improvement.unit,
        answers={name: value for name, value in answers.items() if value},
    )
    return drafting.save(session, registration.number, draft, version=registration.version, actor=actor, now=now)


def photo_rule(session: Session, contest: Contest, track: Track) -> AttachmentRule | None:
    """What the contest asks for that takes a picture; None: no photo is asked for."""
    asked = Registration(contest_id=contest.id, track_id=track.id)
    return next((rule for rule in rules_of(session, asked) if not rule.types or "image" in rule.types), None)
