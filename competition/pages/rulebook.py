"""The rule pack of a contest: versions, publishing, changes with what they would change."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import approval_kinds
from competition.accounts.models import Approval, Person
from competition.bundle.packing import definition_of
from competition.contests import packs
from competition.contests.doors import own_contest
from competition.contests.models import Contest, RulePack
from competition.contests.pack import pack_hash
from competition.contests.pack_changes import differences
from competition.contests.policy import can_run
from competition.contests.queries import contest_by_code, contest_phase
from competition.extensions import limiter, services
from competition.pages import rule_words, wording
from competition.registration.eligibility import Names, parse_rules
from competition.registration.facts import names_of
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("rulebook", __name__)

REFUSED = {"forbidden": 403, "unknown": 404, "bad_request": 400, "incomplete": 409}


@blueprint.get("/manage/<code>/rules")
@allow("organiser")
def desk(code: str) -> Any:
    return _desk(code)


@blueprint.post("/manage/<code>/rules")
@allow("organiser")
def ask(code: str) -> Any:
    """Puts the rules as they stand before a second organiser."""
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            packs.ask_publish(
                session, contest, reason=request.form.get("reason", "")[:1000], actor=actor(), now=clock.now()
            )
    except DomainError as error:
        return _desk(code, error)
    flash(_("已提交，等待另一位主办方同意"))
    return redirect(url_for("rulebook.desk", code=code), 303)


@blueprint.get("/manage/<code>/rules/<key>")
@allow("organiser")
def one(code: str, key: str) -> Any:
    """One version or proposal: what differs from the one before, and which ranks and prizes that changes."""
    if not key.isdecimal() or len(key) > 18:
        abort(404)
    with services().db.reading() as session:
        contest = own_contest(session, code)
        pack = session.scalar(select(RulePack).where(RulePack.id == int(key), RulePack.contest_id == contest.id))
        if pack is None:
            abort(404)
        approval = session.get(Approval, pack.approval_id) if pack.approval_id is not None else None
        before = _before(session, pack)
        return render_template(
            "pages/rules_version.html",
            contest=contest,
            pack=pack,
            people=_people(session, pack, approval),
            approval=approval,
            before=before,
            changes=_changes(session, contest, before, pack.document, pack_hash(pack.document)),
            effects=packs.effects_now(session, pack),
            waits=pack.state == "asked" and approval is not None and approval.state == "asked",
            may_answer=approval is not None and approval_kinds.may_answer(session, actor(), approval),
            marked=packs.marked(session, contest.id),
            words=rule_words,
            plain=wording,
            rehearsal=contest.rehearsal,
        )


@blueprint.get("/contests/<code>/rules")
@limiter.limit("120/minute")
@allow("everyone")
def public(code: str) -> Any:
    """The rules in force, in plain words, with version and hash."""
    with services().db.reading() as session:
        contest = contest_by_code(session, code)
        if contest is None:
            abort(404)
        pack = packs.published(session, contest.id)
        if pack is None:
            abort(404)
        names = _names(session, contest, pack.document)
        return render_template(
            "pages/rules.html",
            contest=contest,
            definition=definition_of(session, contest, pack.document),
            pack=pack,
            eligibility={
                track["code"]: rule_words.eligibility_words(track.get("eligibility", []), names)
                for track in pack.document["tracks"]
            },
            versions=[(row, _changes(session, contest, _before(session, row), row.document, row.hash))
                      for row in packs.versions(session, contest.id)],
            phase=contest_phase(contest),
            manages=(who := actor()) is not None and can_run(who, contest.id),
            words=wording,
            rehearsal=contest.rehearsal,
        )  # fmt: skip


def _desk(code: str, error: DomainError | None = None) -> Any:
    with services().db.reading() as session:
        contest = own_contest(session, code)
        stored = packs.current_document(session, contest)
        force = packs.published(session, contest.id)
        waiting = packs.asked(session, contest.id)
        page = render_template(
            "pages/rules_desk.html",
            contest=contest,
            stored_hash=pack_hash(stored),
            force=force,
            waiting=waiting,
            unpublished=_changes(session, contest, force, stored, pack_hash(stored)) if stored["tracks"] else [],
            versions=[_line(session, row) for row in packs.versions(session, contest.id)],
            proposals=[_line(session, row) for row in packs.proposals(session, contest.id)],
            marked=packs.marked(session, contest.id),
            reason=request.form.get("reason", ""),
            error=error,
            rehearsal=contest.rehearsal,
        )
    return page, REFUSED.get(error.code, 409) if error else 200


def _line(session: Session, pack: RulePack) -> dict[str, Any]:
    approval = session.get(Approval, pack.approval_id) if pack.approval_id is not None else None
    return {"pack": pack, "people": _people(session, pack, approval), "approval": approval}


def _people(session: Session, pack: RulePack, approval: Approval | None) -> tuple[str, str]:
    """Who asked and who answered; "" where it was nobody of the database (the command line)."""
    asker = session.get(Person, pack.created_by) if pack.created_by is not None else None
    decider = session.get(Person, approval.decided_by) if approval is not None and approval.decided_by else None
    return asker.name if asker else "", decider.name if decider else ""


def _before(session: Session, pack: RulePack) -> RulePack | None:
    """The version that a version followed; that a proposal would follow, or would have."""
    query = select(RulePack).where(RulePack.contest_id == pack.contest_id, RulePack.version > 0)
    if pack.version > 0:
        query = query.where(RulePack.version < pack.version)
    else:
        query = query.where(RulePack.published_at <= pack.created_at)
    return session.scalar(query.order_by(RulePack.version.desc()).limit(1))


def _names(session: Session, contest: Contest, *documents: dict[str, Any]) -> Names:
    """Titles for the codes in the eligibility rules of packs."""
    listed = [rule for document in documents for track in document["tracks"] for rule in track.get("eligibility", ())]
    return names_of(session, contest, parse_rules(listed)[0])


def _changes(
    session: Session, contest: Contest, before: RulePack | None, document: dict[str, Any], new_hash: str
) -> list[rule_words.Change]:
    if before is None or before.hash == new_hash:
        return []
    definition = definition_of(session, contest, document)
    names = _names(session, contest, before.document, document)
    return [rule_words.change(each, definition, names) for each in differences(before.document, document)]
