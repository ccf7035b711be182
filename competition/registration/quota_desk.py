"""Places asked for and granted."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.accounts.unit_queries import may_speak_for, units_below
from competition.contests.doors import own_contest
from competition.contests.models import Contest, Track
from competition.contests.queries import contest_by_code, get_track
from competition.extensions import services
from competition.registration import quotas
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("quotas", __name__)


@blueprint.get("/unit/<unit_code>/quotas")
@allow("unit")
def unit_desk(unit_code: str) -> Any:
    return _unit_page(unit_code)


@blueprint.post("/unit/<unit_code>/quotas")
@allow("unit")
def unit_answer(unit_code: str) -> Any:
    """The unit asks for itself, or grants to one below it."""
    form = request.form
    try:
        with services().db.transaction() as session:
            unit = _own_unit(session, unit_code)
            contest = contest_by_code(session, form.get("contest", ""))
            if contest is None:
                abort(404)
            track = get_track(session, contest.id, form.get("track", ""))
            whom = session.scalar(select(Unit).where(Unit.code_key == form.get("unit", unit.code).casefold()))
            if whom is None or whom.id not in units_below(session, unit.id):
                abort(404)
            _answer(session, track, whom)
    except DomainError as error:
        return _unit_page(unit_code, error)
    return redirect(url_for("quotas.unit_desk", unit_code=unit_code), 303)


@blueprint.get("/manage/<code>/quotas")
@allow("organiser")
def contest_desk(code: str) -> Any:
    return _contest_page(code)


@blueprint.post("/manage/<code>/quotas")
@allow("organiser")
def contest_answer(code: str) -> Any:
    form = request.form
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            track = get_track(session, contest.id, form.get("track", ""))
            unit = session.scalar(select(Unit).where(Unit.code_key == form.get("unit", "").strip().casefold()))
            if unit is None:
                raise DomainError("unknown", _("没有这个单位。请填写单位代码。"), "unit")
            _answer(session, track, unit)
    except DomainError as error:
        return _contest_page(code, error)
    return redirect(url_for("quotas.contest_desk", code=code), 303)


def _answer(session: Session, track: Track, unit: Unit) -> None:
    form = request.form
    text = form.get("count", "").strip()
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    act = quotas.ask if form.get("act") == "ask" else quotas.grant
    act(session, track, unit, count, note=form.get("note", ""), actor=actor(), now=clock.now())
    flash(_("已申请。") if form.get("act") == "ask" else _("已批准 %(n)s 个名额。", n=count))


def _unit_page(unit_code: str, error: DomainError | None = None) -> Any:
    who: Actor = actor()
    with services().db.reading() as session:
        unit = _own_unit(session, unit_code)
        below = units_below(session, unit.id)
        tracks = [track for track in _tracks_open(session) if quotas.has_quota(track)]
        units = session.scalars(select(Unit).where(Unit.id.in_(below), Unit.archived_at.is_(None)).order_by(Unit.name))
        concerned = [each for each in units if each.id != unit.id]
        own = quotas.table(session, tracks, [unit])
        others = [
            place
            for place in quotas.table(session, tracks, concerned)
            if place.asked is not None or place.granted is not None or place.used or place.waiting
        ]
        page = render_template(
            "registration/quotas.html", unit=unit, contest=None, own=own, others=others, tracks=tracks, error=error,
            may_grant=lambda place: quotas.may_grant(session, who, place.track, place.unit), rehearsal=False,
        )  # fmt: skip
    return page, _status(error)


def _contest_page(code: str, error: DomainError | None = None) -> Any:
    with services().db.reading() as session:
        contest = own_contest(session, code)
        tracks = [track for track in contest.tracks if quotas.has_quota(track)]
        places = quotas.table(session, tracks, quotas.units_concerned(session, contest))
        page = render_template(
            "registration/quotas.html", unit=None, contest=contest, own=[], others=places, tracks=tracks, error=error,
            may_grant=lambda _place: True, rehearsal=contest.rehearsal,
        )  # fmt: skip
    return page, _status(error)


def _tracks_open(session: Session) -> list[Track]:
    """Tracks that take registrations now, of real contests."""
    return list(
        session.scalars(
            select(Track)
            .join(Contest, Contest.id == Track.contest_id)
            .where(Track.phase == "registration", Contest.rehearsal.is_(False))
            .order_by(Contest.id, Track.position)
        )
    )


def _own_unit(session: Session, unit_code: str) -> Unit:
    who: Actor = actor()
    unit = session.scalar(select(Unit).where(Unit.code_key == unit_code.casefold()))
    if unit is None or not may_speak_for(session, who, unit.id):
        abort(404 if who.has("admin") else 403)
    return unit


def _status(error: DomainError | None) -> int:
    return {"forbidden": 403, "unknown": 404, "bad_number": 400}.get(error.code, 409) if error else 200
