"""A new contest: from a template, from last year's, or from an approved item of the year's plan.

Definition and frame are taken over; entries, people and marks never are. Whoever makes it becomes its organiser.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit, service
from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.bundle import around
from competition.bundle.editing import checked, document_of
from competition.bundle.record import CODE
from competition.bundle.writing import write_contest, write_schemes, write_tracks
from competition.contests import queries
from competition.contests.faults import Faults
from competition.contests.models import Contest, PlanItem
from competition.contests.policy import can_found, can_run, founding_units
from competition.contests.rules import CONTEST_KINDS, LEVELS
from competition.contests.templates import Template, templates
from competition.shared.errors import DomainError

TEMPLATE_OF: Final = {
    "skill": "skill",
    "digital": "digital",
    "achievement": "achievement",
    "challenge": "challenge",
    "suggestion": "suggestion",
    "practice": "plain",
}
"""The template a plan's item of each kind begins with."""
TAKEN_WORDS: Final = frozenset(("new",))
"""Codes that would hide an address of ours."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a new contest is called. `unit`: code of the unit that hosts it, "" for none."""

    code: str
    title: str
    kind: str
    level: str
    year: str
    unit: str = ""


def from_template(session: Session, template: str, named: Named, *, actor: Actor, now: datetime) -> Contest:
    """A draft from one of the templates."""
    found = templates().get(template)
    if found is None:
        raise DomainError("unknown", _("没有这个模板。"), "start")
    if not can_found(actor):
        raise DomainError("forbidden", _("您不能新建赛事。"))
    return _from_template(session, found, named, {}, actor=actor, now=now)


def from_plan(session: Session, item_id: int, named: Named, *, actor: Actor, now: datetime) -> Contest:
    """A draft of an approved item of the plan, with its label, trade and host; once for each item."""
    item = plan_item(session, item_id, actor)
    start = templates()[TEMPLATE_OF.get(item.kind, "plain")]
    contest = _from_template(
        session, start, named, {"plan": item.id, "label": item.label}, actor=actor, now=now
    )  # fmt: skip
    contest.plan_item_id, contest.label = item.id, item.label
    track = contest.tracks[0]
    if occupation := str(item.proposal.get("occupation") or ""):
        track.occupation, track.title = occupation[:100], occupation[:100]
        track.occupation_code = str(item.proposal.get("occupation_code") or "")[:20]
    if item.season.theme and "theme" not in contest.about:
        contest.about = {**contest.about, "theme": item.season.theme}
    session.flush()
    return contest


def plan_item(session: Session, item_id: int, actor: Actor) -> PlanItem:
    """An approved item that has no contest yet and that the actor may carry out."""
    item = session.get(PlanItem, item_id)
    if item is None or item.state != "approved":
        raise DomainError("unknown", _("没有这项已获批准的计划。"), "plan")
    own = item.unit_id in founding_units(actor) or (actor.signed_in and item.proposed_by == actor.person_id)
    wide = actor.has("admin") or any(one.role == "organiser" and one.contest_id is None for one in actor.grants)
    if not own and not wide:
        raise DomainError("forbidden", _("这项计划属于别的单位。"), "plan")
    made = session.scalar(select(Contest.code).where(Contest.plan_item_id == item.id))
    if made is not None:
        raise DomainError("conflict", _("这项计划已经建了赛事：%(code)s。", code=made), "plan")
    return item


def from_contest(session: Session, source: Contest, named: Named, *, actor: Actor, now: datetime) -> Contest:
    """A clone: the definition and the frame, with dates that many years later."""
    if not can_run(actor, source.id):
        raise DomainError("forbidden", _("只有原赛事的主办方可以复制它。"))
    document = document_of(session, source)
    held = around.read_around(session, source)
    year = int(named.year) if named.year.isascii() and named.year.isdigit() and len(named.year) == 4 else source.year
    held = around.later(held, year - source.year)
    contest = _found(session, document, held, named, {"clone": source.code}, actor=actor, now=now)
    contest.identity, contest.public, contest.counts = source.identity, source.public, source.counts
    session.flush()
    return contest


def _from_template(
    session: Session, template: Template, named: Named, details: Mapping[str, Any], *, actor: Actor, now: datetime
) -> Contest:
    document, held = copy.deepcopy(template.document), copy.deepcopy(template.around)
    told = {"template": template.code, **details}
    return _found(session, document, held, named, told, actor=actor, now=now)


def _found(
    session: Session,
    document: dict[str, Any],
    held: dict[str, Any],
    named: Named,
    details: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> Contest:
    faults = Faults()
    code = faults.text("code", named.code, most=64)
    if code and (CODE.fullmatch(code) is None or code.casefold() in TAKEN_WORDS):
        faults.add("code", _("代码只能用字母、数字和 . _ -，以字母或数字开头，最多 64 位"))
    elif code and queries.contest_by_code(session, code) is not None:
        faults.add("code", _("已有代码为“%(code)s”的赛事。", code=code))
    title = faults.text("title", named.title, most=100)
    kind = faults.chosen("kind", named.kind, CONTEST_KINDS)
    level = faults.chosen("level", named.level, LEVELS)
    year = faults.whole("year", named.year, 2000, 2100)
    unit = _host(session, named.unit, actor, faults)
    faults.check()
    board = document.get("contest", {}).get("board", {"identity": "number", "public": True, "counts": "submitted"})
    record = {"code": code, "title": title, "kind": kind, "level": level, "year": year, "board": board}
    definition = checked({**document, "contest": record})
    contest = Contest(created_at=now)
    write_contest(contest, definition)
    session.add(contest)
    session.flush()
    write_tracks(session, contest, definition.tracks)
    write_schemes(session, contest.id, definition.schemes)
    around.write_around(session, contest, held)
    if unit is not None:
        around.host(session, contest, unit)
    if actor.person_id is not None:
        service.grant(session, actor.person_id, "organiser", contest_id=contest.id, now=now, actor=actor)
    audit.note(
        session, actor, "contest.found", contest.code, now=now, contest_id=contest.id, details=dict(details)
    )  # fmt: skip
    session.flush()
    session.expire_all()
    return contest


def _host(session: Session, code: str, actor: Actor, faults: Faults) -> Unit | None:
    """The unit that hosts: for an officer one of theirs, for others any or none."""
    unit = session.scalar(select(Unit).where(Unit.code_key == code.casefold())) if code else None
    if code and unit is None:
        faults.add("unit", _("没有这个单位。"))
    wide = actor.has("admin") or any(one.role == "organiser" for one in actor.grants)
    if not wide and (unit is None or unit.id not in founding_units(actor)):
        faults.add("unit", _("请选择你负责的单位作为主办单位。"))
    return unit


def free_contest_code(session: Session, wanted: str) -> str:
    """A code like `wanted` that no contest has yet."""
    code, number = wanted, 2
    while queries.contest_by_code(session, code) is not None:
        code, number = f"{wanted[:58]}-{number}", number + 1
    return code
