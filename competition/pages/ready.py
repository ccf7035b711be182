"""Go or no-go: what has to be right before the start, and the decision of two people with what they saw."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import approval, audit
from competition.accounts.approval_kinds import ApprovalKind
from competition.accounts.approval_kinds import register as register_kind
from competition.accounts.models import Approval, Person
from competition.accounts.policy import Actor
from competition.contests.doors import own_contest
from competition.contests.models import Contest
from competition.contests.policy import can_run
from competition.extensions import services
from competition.pages.readiness import checks
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("ready", __name__)
KIND: Final = "ready.start"


@blueprint.get("/manage/<code>/ready")
@allow("organiser")
def page(code: str) -> Any:
    return _page(code)


@blueprint.post("/manage/<code>/ready")
@allow("organiser")
def ask(code: str) -> Any:
    """One person's verdict with all they saw; a second person confirms it."""
    verdict, reason = request.form.get("verdict", ""), request.form.get("reason", "").strip()
    now = clock.now()
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            if verdict not in ("go", "no-go"):
                raise DomainError("bad_request", _("请选择开赛或暂不开赛。"), "verdict")
            seen = checks(session, contest, services(), now)
            green = all(check.state in ("ok", "info") for check in seen)
            if not reason and not (green and verdict == "go"):
                raise DomainError("bad_request", _("有未就绪的项目，或决定暂不开赛，须写明理由。"), "reason")
            approval.ask(
                session,
                kind=KIND,
                subject=contest.code,
                payload={"verdict": verdict, "at": now.isoformat(), "checks": [asdict(check) for check in seen]},
                reason=reason or _("全部就绪"),
                contest_id=contest.id,
                actor=actor(),
                now=now,
            )
    except DomainError as error:
        return _page(code, error=error)
    flash(_("已提交，等另一位主办方或监督员确认。"))
    return redirect(url_for("ready.page", code=code), 303)


@blueprint.get("/manage/<code>/ready/<int:key>")
@allow("organiser", "supervisor")
def protocol(code: str, key: int) -> Any:
    """The decision as it is printed and filed."""
    who: Actor = actor()
    with services().db.reading() as session:
        row = session.get(Approval, key)
        if row is None or row.kind != KIND or row.contest_id is None:
            abort(404 if who.has("admin") else 403)
        contest = session.get_one(Contest, row.contest_id)
        if contest.code.casefold() != code.casefold() or not _may_see(who, contest.id):
            abort(403)
        return render_template(
            "pages/ready_protocol.html",
            contest=contest,
            row=row,
            at=datetime.fromisoformat(row.payload["at"]),
            asker=_name(session, row.asked_by),
            decider=_name(session, row.decided_by),
            rehearsal=contest.rehearsal,
        )


def _page(code: str, *, error: DomainError | None = None) -> Any:
    now = clock.now()
    with services().db.reading() as session:
        contest = own_contest(session, code)
        found = checks(session, contest, services(), now)
        rows = session.scalars(
            select(Approval)
            .where(Approval.kind == KIND, Approval.contest_id == contest.id)
            .order_by(Approval.id.desc())
        ).all()
        page = render_template(
            "pages/ready.html",
            contest=contest,
            checks=found,
            green=all(check.state in ("ok", "info") for check in found),
            decisions=rows[:10],
            now=now,
            error=error,
            typed=request.form if error else {},
            rehearsal=contest.rehearsal,
        )
    return page, 400 if error else 200


def _may_see(who: Actor, contest_id: int) -> bool:
    return can_run(who, contest_id) or who.has("supervisor", contest_id=contest_id)


def _name(session: Session, person_id: int | None) -> str:
    person = session.get(Person, person_id) if person_id is not None else None
    return person.name if person else ""


def _describe(_session: Session, asked: Approval) -> list[str]:
    open_ = [check for check in asked.payload["checks"] if check["state"] in ("bad", "wait")]
    verdict = _("开赛") if asked.payload["verdict"] == "go" else _("暂不开赛")
    lines = [_("决定：%(verdict)s", verdict=verdict), _("未就绪 %(n)s 项", n=len(open_))]
    return lines + [_("%(title)s：%(figure)s", title=check["title"], figure=check["figure"]) for check in open_]


def _apply(session: Session, asked: Approval, who: Actor, now: datetime) -> None:
    audit.note(
        session,
        who,
        "ready.decide",
        asked.subject,
        now=now,
        contest_id=asked.contest_id,
        reason=asked.reason,
        details={"verdict": asked.payload["verdict"], "approval": asked.id},
    )


def register() -> None:
    """Called when the program is put together."""
    register_kind(
        ApprovalKind(
            KIND,
            _l("开赛决定"),
            lambda _session, who, asked: asked.contest_id is not None and _may_see(who, asked.contest_id),
            _describe,
            _apply,
            link=lambda _session, asked: f"/manage/{asked.subject}/ready/{asked.id}",
        )
    )
