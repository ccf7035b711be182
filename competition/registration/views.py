"""The contestant's way in: which track, the form, what stands after it, the receipt."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from sqlalchemy.orm import Session

from competition.accounts import profile
from competition.accounts.models import Person
from competition.accounts.policy import Actor
from competition.contests.queries import get_track
from competition.extensions import limiter, services
from competition.registration import complete, drafting, teams
from competition.registration import forms as registration_forms
from competition.registration.drafting import Draft, contest_and_track
from competition.registration.entrants import bounds_of
from competition.registration.facts import rules_of
from competition.registration.form_page import ACTIONS, STATES, Page, read_page
from competition.registration.models import Registration
from competition.registration.open_contests import open_contest, tracks_shown
from competition.registration.own import chain_titles, fields_of, my_registrations, own_registration
from competition.registration.receipt import canonical, document_of
from competition.registration.unit_search import UNIONS, find_units
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("registration", __name__)


def each_person() -> str:
    """Limits count people, not addresses: a whole yard may hand in behind one."""
    return str(actor().person_id or get_remote_address())


STATUS: Final = {"unknown": 404, "forbidden": 403, "conflict": 409, "locked": 409, "not_open": 409}


@blueprint.get("/contests/<code>/register")
@allow("everyone")
def start(code: str) -> Any:
    return start_page(code)


@blueprint.post("/contests/<code>/register")
@limiter.limit("60 per minute", key_func=each_person)
@allow("signed_in")
def begin(code: str) -> Any:
    """A draft in the chosen track; asked for again, the one there is."""
    now = clock.now()
    try:
        with services().db.transaction() as session:
            contest = open_contest(session, code, actor())
            track = get_track(session, contest.id, request.form.get("track", ""))
            if contest.kind == "suggestion":
                return redirect(url_for("small.page", code=contest.code, track=track.code), 303)
            kinds = bounds_of(track.entrants or {}).kinds
            kind = request.form.get("kind") or kinds[0]
            number = drafting.start(session, contest, track, kind, actor=actor(), now=now).number
    except DomainError as error:
        return start_page(code, error=error)
    return redirect(url_for("registration.form", number=number), 303)


@blueprint.get("/registrations")
@allow("signed_in")
def mine() -> Any:
    who: Actor = actor()
    with services().db.reading() as session:
        assert who.person_id is not None
        rows = [(row, *contest_and_track(session, row)) for row in my_registrations(session, who.person_id)]
        shown = [
            (row, contest, track, chain_titles(contest), registration_waits(row, who)) for row, contest, track in rows
        ]
        return render_template("registration/mine.html", rows=shown, states=STATES)


@blueprint.get("/registrations/<number>")
@allow("signed_in")
def form(number: str) -> Any:
    return form_page(number)


@blueprint.post("/registrations/<number>")
@limiter.limit("120 per minute", key_func=each_person)
@allow("signed_in")
def save(number: str) -> Any:
    """Saves what was typed; with `do=submit` hands it in too, with `do=find` looks for units."""
    now, who, typed = clock.now(), actor(), request.form
    refused: DomainError | None = None
    try:
        with services().db.transaction() as session:
            registration = own_registration(session, number, who, lock=True)
            contest, track = contest_and_track(session, registration)
            fields = fields_of(session, contest.id, track.id)
            person = registration_forms.profile_fields(rules_of(track))
            sent = registration_forms.read_form(typed, fields, person)
            wrong = save_profile(session, sent.profile, who, now)
            errors = {**sent.errors, **{registration_forms.PROFILE + code: words for code, words in wrong.items()}}
            if typed.get("part") != "mine":
                drafting.save(session, number, sent.draft, version=version_of(typed), actor=who, now=now)
            if typed.get("part") == "mine" and typed.get("consent_registration"):
                teams.agree(session, registration, typed.get("seen_registration"), actor=who, now=now)
            if typed.get("do") == "submit" and not errors:
                refused = _hand_in(session, number, who, now)
    except DomainError as error:
        # Nothing was stored; what was typed is shown again.
        return form_page(number, error=error, typed=True)
    if typed.get("do") == "find":
        return form_page(number, errors=errors, search=typed.get("search", ""), typed=bool(wrong))
    if refused is not None or errors:
        return form_page(number, error=refused, errors=errors, typed=bool(errors), asked=typed.get("do") == "submit")
    if typed.get("do") == "submit":
        flash(_("报名已提交。"))
    else:
        flash(_("已保存"))
    return redirect(url_for("registration.form", number=number), 303)


def _hand_in(session: Session, number: str, who: Actor, now: datetime) -> DomainError | None:
    """What stands against it; what was saved before stays saved."""
    agreed = {
        kind: request.form.get(f"seen_{kind}")
        for kind in registration_forms.CONSENTS
        if request.form.get(f"consent_{kind}")
    }
    try:
        drafting.submit(session, number, agreed=agreed, actor=who, now=now)
    except DomainError as error:
        return error
    return None


@blueprint.post("/registrations/<number>/withdraw")
@limiter.limit("30 per minute", key_func=each_person)
@allow("signed_in")
def withdraw(number: str) -> Any:
    now = clock.now()
    try:
        with services().db.transaction() as session:
            drafting.withdraw(session, number, actor=actor(), now=now, reason=request.form.get("reason", "")[:500])
    except DomainError as error:
        return form_page(number, error=error)
    flash(_("报名已撤回。"))
    return redirect(url_for("registration.form", number=number), 303)


@blueprint.get("/registrations/<number>/receipt")
@allow("signed_in")
def receipt(number: str) -> Any:
    """To keep and to print: number, time, hash of the content, and of each file."""
    with services().db.reading() as session:
        page = page_of(session, number)
        if page.registration.submitted_at is None:
            return redirect(url_for("registration.form", number=number), 303)
        return render_template("registration/receipt.html", page=page, states=STATES, rehearsal=page.contest.rehearsal)


@blueprint.get("/registrations/<number>/receipt.json")
@allow("signed_in")
def receipt_document(number: str) -> Any:
    """The very bytes that the receipt's SHA-256 is of, while nothing has changed since."""
    with services().db.reading() as session:
        registration = own_registration(session, number, actor())
        body = canonical(document_of(session, registration))
    answer = Response(body, mimetype="application/json")
    answer.headers["Content-Disposition"] = f"attachment; filename={registration.number}.json"
    return answer


@blueprint.post("/api/v1/registrations/<number>/check")
@limiter.limit("240 per minute", key_func=each_person)
@allow("signed_in")
def check(number: str) -> Any:
    """While somebody types: what is still missing, by input; nothing is stored."""
    told = request.get_json(silent=True)
    if not isinstance(told, dict):
        raise DomainError("bad_request", _("请刷新页面后再试。"))
    who, now = actor(), clock.now()
    with services().db.reading() as session, session.no_autoflush:
        page = page_of(session, number)
        sent = registration_forms.read_form(
            registration_forms.JsonTyped(told), page.fields, [one.field for one in page.person]
        )
        errors = dict(sent.errors)
        values = _looked_at(session, sent.profile, who, now, errors)
        if page.leads:
            _as_typed(session, page.registration, sent.draft, errors)
        page.look = complete.look(
            session, page.registration, page.contest, page.track, now=now,
            typed={who.person_id: values} if who.person_id else None, consents=False,
        )  # fmt: skip
        said, notes = page.said, page.notes
        session.rollback()
    for name, sentence in errors.items():
        said[name] = [str(sentence)]
    return jsonify(ok=True, missing=said, notes=notes, count=sum(len(words) for words in said.values()))


@blueprint.get("/api/v1/units")
@limiter.limit("240 per minute", key_func=each_person)
@allow("signed_in")
def units() -> Any:
    """Units by a part of their name; `unions=1`: those that speak for workers of platforms."""
    kinds = UNIONS if request.args.get("unions") == "1" else ()
    with services().db.reading() as session:
        found = find_units(session, request.args.get("q", "")[:100], kinds)
    return jsonify(units=[unit.as_dict() for unit in found])


def start_page(code: str, *, error: DomainError | None = None) -> Any:
    who, now = actor(), clock.now()
    with services().db.reading() as session:
        contest = open_contest(session, code, actor())
        tracks = tracks_shown(session, contest, who, now)
        page = render_template(
            "registration/start.html",
            contest=contest,
            tracks=tracks,
            chain=chain_titles(contest),
            groups=contest.groups or [],
            states=STATES,
            error=error,
            sign_up_address=sign_up_address(),
            rehearsal=contest.rehearsal,
        )
    return page, STATUS.get(error.code, 400) if error else 200


def form_page(
    number: str,
    *,
    error: DomainError | None = None,
    errors: dict[str, Any] | None = None,
    search: str | None = None,
    typed: bool = False,
    asked: bool = False,
    invitation: str = "",
) -> Any:
    """The registration's page. `typed`: what the request carries is shown in place of what is stored."""
    with services().db.reading() as session, session.no_autoflush:
        page = page_of(session, number, typed=typed)
        if typed:
            _put_back(session, page)
        page.errors = {**(errors or {}), **_beside(error)}
        editable = page.editable
        searched = search is not None
        search = search if search is not None else (request.form.get("search", "") if typed else "")
        found = find_units(session, search) if search else []
        answer = render_template(
            "registration/form.html" if editable else "registration/state.html",
            page=page,
            registration=page.registration,
            attachment_rules=page.attachment_rules,
            attachments=page.attachment_rules,
            may_attach=page.shut is None,
            states=STATES,
            actions=ACTIONS,
            error=error,
            asked=asked or error is not None,
            search=search,
            found=found,
            invitation=invitation,
            rehearsal=page.contest.rehearsal,
            now=clock.now(),
        )
        session.rollback()
    status = STATUS.get(error.code, 400) if error else (400 if errors and not searched else 200)
    return answer, status


def page_of(session: Session, number: str, *, typed: bool = False) -> Page:
    person = (
        {
            name.removeprefix(registration_forms.PROFILE): value
            for name, value in request.form.items()
            if name.startswith(registration_forms.PROFILE)
        }
        if typed
        else None
    )
    return read_page(session, number, actor=actor(), now=clock.now(), vault=services().vault, typed=person)


def _put_back(session: Session, page: Page) -> None:
    """What was typed, over what is stored; the session is never written."""
    sent = registration_forms.read_form(request.form, page.fields, [])
    page.answers = dict(sent.draft.answers or {})
    if sent.draft.title is not None:
        page.registration.title = sent.draft.title
    if sent.draft.group is not None:
        page.registration.group = sent.draft.group


def _beside(error: DomainError | None) -> dict[str, Any]:
    if error is None or not error.field or error.code == "incomplete":
        return {}
    return {error.field: error.message}


def _looked_at(
    session: Session, values: dict[str, str], who: Actor, now: datetime, errors: dict[str, Any]
) -> dict[str, Any]:
    """Typed profile values as they would be stored; what is wrong goes into `errors`."""
    person = session.get_one(Person, who.person_id)
    known = {"id_number": profile.opened(services().vault, person.id_sealed)}
    checked = profile.check(values, clock.local_day(now), known=known)
    for code, sentence in checked.problems.items():
        errors[registration_forms.PROFILE + code] = sentence
    return checked.values


def _as_typed(session: Session, registration: Registration, draft: Draft, errors: dict[str, Any]) -> None:
    """The typed draft over the stored one, in a session that is thrown away."""
    if draft.title is not None:
        registration.title = draft.title
    if draft.group is not None:
        registration.group = draft.group
    if draft.answers is not None:
        registration.answers = dict(draft.answers)
    if draft.unit is not None:
        try:
            registration.unit_id = drafting.unit_of(session, draft.unit)
        except DomainError as error:
            errors["unit"] = error.message


def save_profile(session: Session, values: dict[str, str], who: Actor, now: datetime) -> dict[str, str]:
    """Stores what is right; gives a sentence for each value that is wrong."""
    assert who.person_id is not None
    wrong: dict[str, str] = {}
    for _try in range(2):
        try:
            profile.set_profile(
                session,
                who.person_id,
                {code: value for code, value in values.items() if code not in wrong},
                vault=services().vault,
                actor=who,
                now=now,
            )
            break
        except DomainError as error:
            problems = error.details.get("problems")
            if not isinstance(problems, dict):
                raise
            wrong |= problems
    return wrong


def sign_up_address() -> str:
    """Where somebody without an account gets one and comes back from."""
    return url_for("joining.sign_up", next=request.path)


def version_of(typed: Any) -> int:
    text = typed.get("version", "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise DomainError("bad_request", _("这一页不完整，请刷新后再试。"))
    return int(text)


def registration_waits(registration: Registration, who: Actor) -> bool:
    """Whether it is the person's turn."""
    return registration.state in ("draft", "returned")
