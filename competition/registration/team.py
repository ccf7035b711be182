"""Team pages: invitation links, joining by one, leaving, removing, handing over the lead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.accounts.consents import text_in_force
from competition.extensions import limiter, services
from competition.registration import teams
from competition.registration.views import STATUS, each_person, form_page, sign_up_address
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("team", __name__)


@blueprint.post("/registrations/<number>/team/invite")
@limiter.limit("60 per minute", key_func=each_person)
@allow("signed_in")
def invite(number: str) -> Any:
    """A new link, shown once: only its hash is kept."""
    try:
        with services().db.transaction() as session:
            token = teams.invite(session, number, request.form.get("part", ""), actor=actor(), now=clock.now())
    except DomainError as error:
        return form_page(number, error=error)
    address = request.host_url.rstrip("/")
    public: str = services().config.public_url
    if public and not public.startswith(("http://localhost", "http://127.")):
        address = public.rstrip("/")
    return form_page(number, invitation=address + url_for("team.join", token=token))


@blueprint.post("/registrations/<number>/team/revoke")
@allow("signed_in")
def revoke(number: str) -> Any:
    return _change(number, lambda session, row: teams.revoke(session, number, row, actor=actor(), now=clock.now()),
                   "invitation", _("邀请链接已作废。"))  # fmt: skip


@blueprint.post("/registrations/<number>/team/remove")
@allow("signed_in")
def remove(number: str) -> Any:
    return _change(number, lambda session, row: teams.remove(session, number, row, actor=actor(), now=clock.now()),
                   "person", _("已移出团队。"))  # fmt: skip


@blueprint.post("/registrations/<number>/team/lead")
@allow("signed_in")
def lead(number: str) -> Any:
    return _change(number, lambda session, row: teams.hand_over(session, number, row, actor=actor(), now=clock.now()),
                   "person", _("领队已移交。"))  # fmt: skip


@blueprint.post("/registrations/<number>/team/leave")
@allow("signed_in")
def leave(number: str) -> Any:
    try:
        with services().db.transaction() as session:
            teams.leave(session, number, actor=actor(), now=clock.now())
    except DomainError as error:
        return form_page(number, error=error)
    flash(_("已退出团队。"))
    return redirect(url_for("registration.mine"), 303)


@blueprint.get("/join/<token>")
@limiter.limit("120 per minute", key_func=each_person)
@allow("everyone")
def join(token: str) -> Any:
    """Which team of which contest, before anybody joins."""
    return join_page(token)


@blueprint.post("/join/<token>")
@limiter.limit("30 per minute", key_func=each_person)
@allow("signed_in")
def accept(token: str) -> Any:
    form = request.form
    try:
        with services().db.transaction() as session:
            registration = teams.join(
                session, token, consent=bool(form.get("consent_registration")), seen=form.get("seen_registration"),
                actor=actor(), now=clock.now(),
            )  # fmt: skip
            number = registration.number
    except DomainError as error:
        return join_page(token, error=error)
    flash(_("已加入团队。请核对自己的信息。"))
    return redirect(url_for("registration.form", number=number), 303)


def join_page(token: str, *, error: DomainError | None = None) -> Any:
    status = STATUS.get(error.code, 400) if error else 200
    about_consent = error is not None and error.field is not None and error.field.startswith("consent")
    with services().db.reading() as session:
        try:
            found = teams.invited(session, token, actor=actor(), now=clock.now())
        except DomainError as unknown:
            return render_template("registration/join.html", found=None, error=unknown.message), 404
        page = render_template(
            "registration/join.html",
            found=found,
            consent=text_in_force(session, "registration", found.contest.id),
            error=error.message if error and not about_consent else None,
            consent_error=error.message if error and about_consent else None,
            sign_up_address=sign_up_address(),
            rehearsal=found.contest.rehearsal,
        )
    return page, status


def _change(number: str, act: Callable[[Session, int], object], what: str, done: str) -> Any:
    text = request.form.get(what, "")
    try:
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise DomainError("bad_request", _("这一页不完整，请刷新后再试。"))
        with services().db.transaction() as session:
            act(session, int(text))
    except DomainError as error:
        return form_page(number, error=error)
    flash(done)
    return redirect(url_for("registration.form", number=number) + "#people", 303)
