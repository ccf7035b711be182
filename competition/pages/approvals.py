"""What waits for a second person, and the answer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.accounts import approval_kinds
from competition.accounts.models import Approval, Person
from competition.extensions import services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("approvals", __name__)

REFUSED = {"forbidden": 403, "unknown": 404, "bad_request": 400}


@blueprint.get("/approvals")
@allow("signed_in")
def index() -> Any:
    """What waits for whoever is signed in, and what they have asked for themselves."""
    who = actor()
    with services().db.reading() as session:
        return render_template(
            "pages/approvals.html",
            waiting=[_shown(session, one) for one in approval_kinds.waiting_for(session, who)],
            own=[_shown(session, one) for one in approval_kinds.asked_by(session, who)],
        )


@blueprint.get("/approvals/<key>")
@allow("signed_in")
def one(key: str) -> Any:
    return _page(key)


@blueprint.post("/approvals/<key>")
@allow("signed_in")
def answer(key: str) -> Any:
    """Yes or no, with a note; a yes is carried out in the same transaction."""
    number = _number(key)
    verdict, note = request.form.get("answer", ""), request.form.get("note", "")[:1000]
    if verdict not in ("yes", "no", "withdraw"):
        return _page(key, DomainError("bad_request", _("请选择同意、不同意或撤回。"), "answer"))
    try:
        with services().db.transaction() as session:
            row = session.get(Approval, number)
            if row is None or not approval_kinds.may_see(session, actor(), row):
                abort(404)
            if verdict == "withdraw":
                approval_kinds.withdraw(session, number, actor=actor(), now=clock.now())
            else:
                shown = request.form.get("shown", "")
                yes = verdict == "yes"
                approval_kinds.answer(session, number, yes, actor=actor(), now=clock.now(), note=note, shown=shown)
    except DomainError as error:
        return _page(key, error)
    flash({"yes": _("已同意并执行"), "no": _("已回复不同意"), "withdraw": _("申请已撤回")}[verdict])
    return redirect(url_for("approvals.one", key=number), 303)


def _number(key: str) -> int:
    if not key.isdecimal() or len(key) > 18:
        abort(404)
    return int(key)


def _page(key: str, error: DomainError | None = None) -> Any:
    number, who = _number(key), actor()
    with services().db.reading() as session:
        row = session.get(Approval, number)
        if row is None or not approval_kinds.may_see(session, who, row):
            abort(404)
        page = render_template(
            "pages/approval.html",
            one=_shown(session, row),
            may_answer=row.state == "asked" and approval_kinds.may_answer(session, who, row),
            stamp=approval_kinds.stamp(session, row),
            may_withdraw=row.state == "asked" and row.asked_by == who.person_id,
            note=request.form.get("note", ""),
            error=error,
        )
    return page, REFUSED.get(error.code, 409) if error else 200


def _shown(session: Session, row: Approval) -> dict[str, Any]:
    """A decision in words, with the names of those who asked and answered."""
    kind = approval_kinds.kind_of(row.kind)
    asker = session.get(Person, row.asked_by)
    decider = session.get(Person, row.decided_by) if row.decided_by is not None else None
    return {
        "row": row,
        "title": kind.title if kind else row.kind,
        "lines": kind.describe(session, row) if kind else [],
        "link": kind.link(session, row) if kind and kind.link else "",
        "asker": asker.name if asker else "",
        "decider": decider.name if decider else "",
    }
