"""The reviewers' desks: unit, county, contest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.accounts.profile import FIELDS
from competition.accounts.profile import shown as profile_shown
from competition.accounts.unit_queries import may_speak_for, units_below
from competition.accounts.views import own_address
from competition.contests.doors import own_contest
from competition.contests.models import Contest, Track
from competition.contests.policy import can_run
from competition.extensions import services
from competition.registration import review
from competition.registration.answers import Field
from competition.registration.answers import shown as answer_shown
from competition.registration.attachment_queries import shown as attachments_shown
from competition.registration.chain import chain_of
from competition.registration.models import Registration
from competition.registration.own import fields_of, groups_of
from competition.registration.review_queries import Wanted, listed, people_shown, seen_by_reviewer
from competition.registration.turns import may_review, read_tree, turn_of
from competition.registration.wording import ACTIONS, ORIGINS, STATES
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("review", __name__)

STATUS = {"unknown": 404, "forbidden": 409, "conflict": 409, "bad_request": 400}


@blueprint.get("/unit/<unit_code>/registrations")
@allow("unit")
def unit_desk(unit_code: str) -> Any:
    """What a unit and those below it have handed in."""
    who: Actor = actor()
    with services().db.reading() as session:
        unit = session.scalar(select(Unit).where(Unit.code_key == unit_code.casefold()))
        if unit is None or not may_speak_for(session, who, unit.id):
            abort(404 if who.has("admin") else 403)
        units = units_below(session, unit.id)
        ours = select(Registration.contest_id).where(Registration.unit_id.in_(units))
        contests = session.scalars(select(Contest).where(Contest.id.in_(ours)).order_by(Contest.id.desc())).all()
        contest = next((each for each in contests if each.code == request.args.get("contest")), None)
        found = listed(
            session,
            _wanted(units=units, contest_id=contest.id if contest else None),
            actor=who,
        )
        return render_template(
            "registration/review_list.html", found=found, unit=unit, contest=None, contests=contests,
            tracks=[], states=STATES, origins=ORIGINS, chosen=request.args, pages_at=_address, rehearsal=False,
        )  # fmt: skip


@blueprint.get("/manage/<code>/registrations")
@allow("organiser")
def contest_desk(code: str) -> Any:
    """All that was handed in for a contest."""
    who: Actor = actor()
    with services().db.reading() as session:
        contest = own_contest(session, code)
        found = listed(session, _wanted(contest_id=contest.id), actor=who)
        return render_template(
            "registration/review_list.html", found=found, unit=None, contest=contest, contests=[],
            tracks=list(contest.tracks), states=STATES, origins=ORIGINS, chosen=request.args, pages_at=_address,
            rehearsal=contest.rehearsal,
        )  # fmt: skip


@blueprint.route("/review/<number>", methods=["GET", "POST"])
@allow("unit", "organiser")
def one(number: str) -> Any:
    """A registration as its reviewers see it, and their answer."""
    if request.method == "GET":
        return _one(number)
    form = request.form
    version = form.get("version", "")
    try:
        with services().db.transaction() as session:
            seen_by_reviewer(session, number, actor())
            review.decide(
                session,
                [number],
                form.get("action", ""),  # type: ignore[arg-type]
                versions={number: int(version)} if version.isdigit() else None,
                reason=form.get("reason", ""),
                actor=actor(),
                now=clock.now(),
            )
    except DomainError as error:
        return _one(number, error)
    flash(DONE[form["action"]])
    return redirect(url_for("review.one", number=number), 303)


DONE = {
    "confirm": ACTIONS["confirm"],
    "return": ACTIONS["return"],
    "refuse": ACTIONS["refuse"],
}


@blueprint.post("/review/many")
@allow("unit", "organiser")
def many() -> Any:
    """Several at once: first what it would do, then, with the count typed, done for all."""
    form = request.form
    who: Actor = actor()
    numbers = list(dict.fromkeys(form.getlist("number")))[:500]
    action = form.get("action", "confirm")
    if action not in DONE:
        abort(400)
    back = own_address(form.get("back", "")) or url_for("pages.home")
    if not numbers:
        flash(_("请先勾选报名。"))
        return redirect(back, 303)
    typed, problem = form.get("typed"), ""
    if typed is not None:
        # What was not shown to the reviewer counts as changed.
        versions = {number: form.get(f"v-{number}", 0, type=int) for number in numbers}
        if typed.strip() != str(len(numbers)):
            problem = _("请输入要处理的数量 %(n)s，以示确认。", n=len(numbers))
        else:
            try:
                with services().db.transaction() as session:
                    for number in numbers:
                        seen_by_reviewer(session, number, who)
                    done = review.decide(
                        session,
                        numbers,
                        action,  # type: ignore[arg-type]
                        versions=versions,
                        reason=form.get("reason", ""),
                        actor=who,
                        now=clock.now(),
                    )
            except DomainError as error:
                problem = error.message
            else:
                flash(ngettext("已处理 %(num)s 份报名。", "已处理 %(num)s 份报名。", len(done)))
                return redirect(back, 303)
    with services().db.reading() as session:
        try:
            rows = [seen_by_reviewer(session, number, who) for number in numbers]
        except DomainError:
            abort(404)
        judged = review.judge(session, rows, action, actor=who, now=clock.now())  # type: ignore[arg-type]
        page = render_template(
            "registration/review_many.html", judged=judged, able=[each for each in judged if not each.refusal],
            action=action, actions=ACTIONS, back=back, problem=problem, reason=form.get("reason", ""), rehearsal=False,
        )  # fmt: skip
    return page, 409 if problem else 200


def _one(number: str, error: DomainError | None = None) -> Any:
    who: Actor = actor()
    with services().db.reading() as session:
        try:
            registration = seen_by_reviewer(session, number, who)
        except DomainError:
            abort(404)
        contest = session.get_one(Contest, registration.contest_id)
        track = session.get_one(Track, registration.track_id)
        tree = read_tree(session)
        turn = turn_of(tree, contest, registration)
        mine = turn is not None and may_review(tree, who, contest, turn)
        (judged,) = review.judge(session, [registration], "confirm", actor=who, now=clock.now(), tree=tree)
        page = render_template(
            "registration/review_one.html",
            registration=registration,
            contest=contest,
            track=track,
            unit=session.get(Unit, registration.unit_id) if registration.unit_id else None,
            turn=turn,
            mine=mine,
            judged=judged,
            chain=chain_of(contest.review_chain),
            people=people_shown(session, registration, services().vault),
            profile_words=_profile_words,
            answers=_answers(session, registration),
            group=dict(groups_of(contest, track)).get(registration.group, registration.group),
            history=review.history(session, registration.id),
            attachment_rules=attachments_shown(session, registration),
            may_attach=False,
            may_clear=can_run(who, contest.id),
            states=STATES,
            actions=ACTIONS,
            error=error,
            reason=request.form.get("reason", ""),
            rehearsal=contest.rehearsal,
        )
    return page, STATUS.get(error.code, 400) if error else 200


def _answers(session: Session, registration: Registration) -> list[tuple[str, str]]:
    given = registration.answers or {}
    fields = fields_of(session, registration.contest_id, registration.track_id)
    return [(field.label, _words(field, given.get(field.code))) for field in fields]


def _words(field: Field, value: Any) -> str:
    return "" if value in (None, "", []) else str(answer_shown(field, value))


def _profile_words(profile: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a profile says, in the catalogue's order; nothing that is sealed is in it."""
    return [
        (str(field.title), profile_shown(field, profile[code]))
        for code, field in FIELDS.items()
        if not field.sealed and profile.get(code) not in (None, "", [])
    ]


def _wanted(**more: Any) -> Wanted:
    asked = request.args
    return Wanted(
        track=asked.get("track", ""),
        state=asked.get("state", ""),
        words=asked.get("q", "")[:100],
        mine=asked.get("mine") == "1",
        page=asked.get("page", 1, type=int) or 1,
        **more,
    )


def _address(page: int) -> str:
    return f"{request.path}?" + "&".join(
        [f"{key}={value}" for key, value in request.args.items() if key != "page" and value] + [f"page={page}"]
    )
