"""A small improvement (合理化建议、五小), written on a phone in two minutes: one page, one step."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.consents import text_in_force
from competition.accounts.models import Person
from competition.accounts.policy import Actor
from competition.contests.models import Contest, Track
from competition.contests.queries import get_track
from competition.extensions import limiter, services
from competition.registration import drafting, receiving, small_entries
from competition.registration.attachments import MB, Wanted
from competition.registration.models import Attachment
from competition.registration.open_contests import open_contest
from competition.registration.own import shut
from competition.registration.small_entries import Improvement
from competition.registration.unit_search import find_units, unit_shown
from competition.registration.views import STATUS, each_person, sign_up_address
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow
from competition.shared.inspection import Unfit

blueprint = Blueprint("small", __name__)

PHOTO: Final = 10 * MB
PAGE: Final = PHOTO + MB
"""What the whole form may be, the photo in it."""


@blueprint.get("/contests/<code>/<track>/suggest")
@allow("everyone")
def page(code: str, track: str) -> Any:
    return small_page(code, track)


@blueprint.post("/contests/<code>/<track>/suggest")
@limiter.limit("30 per minute", key_func=each_person)
@allow("signed_in")
def hand_in(code: str, track: str) -> Any:
    """Saved and handed in; sent again with the same `op`, once. A script asks for JSON, a plain form gets pages."""
    request.max_content_length = PAGE
    now, who, form = clock.now(), actor(), request.form
    improvement = Improvement(
        op=form.get("op", ""),
        title=form.get("title", ""),
        before=form.get("before", ""),
        after=form.get("after", ""),
        effect=form.get("effect", ""),
        co_authors=form.get("co_authors", ""),
        unit=form.get("unit"),
    )
    if form.get("do") == "find":
        return small_page(code, track, search=form.get("search", ""))
    try:
        number = _write_and_submit(code, track, improvement, who, now)
    except DomainError as error:
        told = error.details.get("problems")
        problems = told if isinstance(told, dict) else ({error.field: error.message} if error.field else {})
        if wants_answer():
            answer = jsonify(ok=False, message=error.message, problems=problems)
            answer.status_code = STATUS.get(error.code, 400)
            return answer
        return small_page(code, track, error=error, problems=problems)
    address = url_for("registration.form", number=number)
    flash(_("已收到，谢谢你的建议。"))
    if wants_answer():
        return jsonify(ok=True, number=number, location=address)
    return redirect(address, 303)


def _write_and_submit(code: str, track_code: str, improvement: Improvement, who: Actor, now: datetime) -> str:
    """Short transactions: the words, the photo beside them, the submission. Sent again, it goes on where it stopped."""
    with services().db.transaction() as session:
        contest, track = _place(session, code, track_code, who)
        if not request.form.get("consent_registration"):
            raise DomainError("incomplete", _("请勾选同意个人信息处理说明。"), "consent")
        registration = small_entries.write(session, contest, track, improvement, actor=who, now=now)
        number, state = registration.number, registration.state
        rule = small_entries.photo_rule(session, contest, track)
        there = session.scalar(select(Attachment.id).where(Attachment.registration_id == registration.id).limit(1))
    if state != "draft":
        return number
    photo = request.files.get("photo")
    if photo is not None and photo.filename and rule is not None and there is None:
        _receive(photo, number, rule.code, who)
    with services().db.transaction() as session:
        agreed = {"registration": request.form.get("seen_registration")}
        drafting.submit(session, number, agreed=agreed, actor=who, now=now)
    return number


def _receive(photo: Any, number: str, rule: str, who: Actor) -> None:
    photo.stream.seek(0, 2)
    size = photo.stream.tell()
    photo.stream.seek(0)
    if size > PHOTO:
        raise DomainError("too_large", _("照片最大 10 MB，请用手机的小尺寸重拍一张。"), "photo")
    try:
        file = receiving.begin(Wanted(number, rule, photo.filename, size), who)
        receiving.append(file, 0, photo.stream, who)
    except Unfit as unfit:
        raise DomainError("bad_request", unfit.message, "photo") from None
    except DomainError as error:
        raise DomainError(error.code, error.message, "photo") from None


def small_page(
    code: str,
    track_code: str,
    *,
    error: DomainError | None = None,
    problems: dict[str, str] | None = None,
    search: str = "",
) -> Any:
    who, now, form = actor(), clock.now(), request.form
    with services().db.reading() as session:
        contest, track = _place(session, code, track_code, who)
        person = session.get(Person, who.person_id) if who.person_id else None
        rule = small_entries.photo_rule(session, contest, track)
        answer = render_template(
            "registration/small.html",
            contest=contest,
            track=track,
            shut=shut(contest, track, now),
            unit=unit_shown(session, person.unit_id if person else None),
            found=find_units(session, search) if search else [],
            search=search,
            consent=text_in_force(session, "registration", contest.id),
            photo=rule,
            typed=form,
            op=form.get("op") or secrets.token_urlsafe(16),
            error=error,
            problems=problems or {},
            refused=bool(error) or bool(search),
            sign_up_address=sign_up_address(),
            rehearsal=contest.rehearsal,
        )
    return answer, STATUS.get(error.code, 400) if error else 200


def _place(session: Session, code: str, track_code: str, who: Actor) -> tuple[Contest, Track]:
    contest = open_contest(session, code, who)
    track = get_track(session, contest.id, track_code)
    if contest.kind != "suggestion":
        raise DomainError("unknown", _("这项赛事没有这种表，请用报名表。"))
    return contest, track


def wants_answer() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
