"""Registrations as Excel, in and out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.accounts.unit_queries import may_speak_for, units_below
from competition.contests.doors import own_contest
from competition.contests.models import Contest, Track
from competition.contests.policy import can_run
from competition.contests.queries import contest_by_code, get_track
from competition.extensions import limiter, services
from competition.registration import sheet_export, sheet_jobs, sheet_plan
from competition.registration.own import shut
from competition.shared import clock, excel
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow, takes

blueprint = Blueprint("registration_sheets", __name__)


@blueprint.get("/manage/<code>/registrations.xlsx")
@allow("organiser")
def export_contest(code: str) -> Any:
    with services().db.reading() as session:
        contest = own_contest(session, code)
        data = sheet_export.workbook(session, contest.title, contest_id=contest.id, vault=services().vault)
    return _workbook(data, f"{contest.code}-registrations.xlsx")


@blueprint.get("/unit/<unit_code>/registrations.xlsx")
@allow("unit")
def export_unit(unit_code: str) -> Any:
    with services().db.reading() as session:
        unit = _unit(session, unit_code)
        if not may_speak_for(session, actor(), unit.id):
            abort(403)
        units = sorted(units_below(session, unit.id))
        data = sheet_export.workbook(session, unit.name, units=units, vault=services().vault)
    return _workbook(data, f"{unit.code}-registrations.xlsx")


@blueprint.get("/unit/<unit_code>/sheet")
@allow("unit")
def unit_tracks(unit_code: str) -> Any:
    """The tracks that take registrations now."""
    now = clock.now()
    with services().db.reading() as session:
        unit = _unit(session, unit_code)
        if not may_speak_for(session, actor(), unit.id):
            abort(403)
        rows = session.execute(
            select(Contest, Track)
            .join(Track, Track.contest_id == Contest.id)
            .where(Track.phase == "registration")
            .order_by(Contest.id, Track.position)
        ).all()
        found = [(contest, track) for contest, track in rows if shut(contest, track, now) is None]
        return render_template("registration/sheet_tracks.html", unit=unit, found=found, rehearsal=False)


@blueprint.route("/manage/<code>/sheet/<track>", methods=["GET", "POST"])
@allow("organiser")
def desk(code: str, track: str) -> Any:
    """The organiser says for which unit."""
    with services().db.reading() as session:
        contest = own_contest(session, code)
        row = _track(session, contest, track)
        problem = ""
        if request.method == "POST":
            unit = session.scalar(select(Unit).where(Unit.code_key == request.form.get("unit", "").strip().casefold()))
            if unit is not None:
                return redirect(_sheet(unit.code, contest.code, row.code), 303)
            problem = _("没有这个单位。请填写单位代码。")
        page = render_template(
            "registration/sheet_unit.html", contest=contest, track=row, problem=problem, rehearsal=contest.rehearsal
        )
    return page, 404 if problem else 200


@blueprint.route("/unit/<unit_code>/sheet/<code>/<track>", methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
@takes(excel.MAX_BYTES + 64 * 1024)
@allow("unit", "organiser")
def sheet(unit_code: str, code: str, track: str) -> Any:
    """The template, and the upload of a filled one."""
    if request.method == "GET":
        return _upload(unit_code, code, track)
    given = request.files.get("file")
    data = given.read(excel.MAX_BYTES + 1) if given else b""
    now = clock.now()
    try:
        with services().db.reading() as session:
            unit, contest, row = _place(session, unit_code, code, track)
            rows = sheet_plan.read(session, contest, row, data)
        with services().db.transaction() as session:
            file = sheet_plan.keep(
                session, _subject(unit, row), data, files=services().files, vault=services().vault,
                actor=actor(), now=now,
            )  # fmt: skip
            key = file.key
            waits = len(rows) > sheet_jobs.IN_REQUEST
            if waits:
                job = sheet_jobs.ask(session, "sheet.check", file, unit, contest, row, actor=actor(), now=now)
        if waits:
            return redirect(url_for("jobs.show", key=job), 303)
        sheet_jobs.check(services(), key, unit.id, row.id, now=now)
    except excel.SheetError as error:
        return _upload(unit_code, code, track, error.problems), 400
    except DomainError as error:
        return _upload(unit_code, code, track, [error.message]), 409
    return redirect(_sheet(unit_code, code, track) + f"/{key}", 303)


@blueprint.get("/unit/<unit_code>/sheet/<code>/<track>/template")
@allow("unit", "organiser")
def template(unit_code: str, code: str, track: str) -> Any:
    with services().db.reading() as session:
        _unit_row, contest, row = _place(session, unit_code, code, track)
        data = sheet_plan.template(session, contest, row)
    return _workbook(data, f"{contest.code}-{row.code}.xlsx")


@blueprint.route("/unit/<unit_code>/sheet/<code>/<track>/<key>", methods=["GET", "POST"])
@allow("unit", "organiser")
def preview(unit_code: str, code: str, track: str, key: str) -> Any:
    """What a sheet would do, or everything that is wrong with it; then done."""
    problem = ""
    now = clock.now()
    if request.method == "POST":
        try:
            with services().db.transaction() as session:
                unit, contest, row = _place(session, unit_code, code, track)
                file = _kept(session, key, unit, row)
                waits = int(file.details.get("plan", {}).get("rows", 0)) > sheet_jobs.IN_REQUEST
                if waits:
                    job = sheet_jobs.ask(session, "sheet.apply", file, unit, contest, row, actor=actor(), now=now)
            if waits:
                return redirect(url_for("jobs.show", key=job), 303)
            count = sheet_jobs.carry_out(services(), key, unit.id, row.id, actor=actor(), now=now)
        except DomainError as error:
            problem = error.message
        else:
            flash(ngettext("已提交 %(num)s 份报名。", "已提交 %(num)s 份报名。", count))
            if may_unit(unit_code):
                return redirect(url_for("review.unit_desk", unit_code=unit_code), 303)
            return redirect(url_for("review.contest_desk", code=code), 303)
    with services().db.reading() as session:
        unit, contest, row = _place(session, unit_code, code, track)
        file = _kept(session, key, unit, row)
        page = render_template(
            "registration/sheet_preview.html", unit=unit, contest=contest, track=row, plan=file.details.get("plan"),
            problem=problem, back=_sheet(unit.code, contest.code, row.code), rehearsal=contest.rehearsal,
        )  # fmt: skip
    return page, 409 if problem else 200


def may_unit(unit_code: str) -> bool:
    with services().db.reading() as session:
        return may_speak_for(session, actor(), _unit(session, unit_code).id)


def _upload(unit_code: str, code: str, track: str, problems: list[str] | None = None) -> str:
    with services().db.reading() as session:
        unit, contest, row = _place(session, unit_code, code, track)
        return render_template(
            "registration/sheet.html", unit=unit, contest=contest, track=row, problems=problems or [],
            asked=sheet_plan.columns(session, contest, row), shut=shut(contest, row, clock.now()),
            most=sheet_plan.MOST, rehearsal=contest.rehearsal,
        )  # fmt: skip


def _place(session: Session, unit_code: str, code: str, track: str) -> tuple[Unit, Contest, Track]:
    """Unit, contest and track, for the unit's officers and the contest's organisers."""
    who: Actor = actor()
    unit = session.scalar(select(Unit).where(Unit.code_key == unit_code.casefold()))
    contest = contest_by_code(session, code)
    allowed = (unit is not None and may_speak_for(session, who, unit.id)) or (
        contest is not None and can_run(who, contest.id)
    )
    if not allowed:
        abort(403)
    if unit is None or contest is None:
        abort(404)
    return unit, contest, _track(session, contest, track)


def _track(session: Session, contest: Contest, code: str) -> Track:
    try:
        return get_track(session, contest.id, code)
    except DomainError:
        abort(404)


def _kept(session: Session, key: str, unit: Unit, track: Track) -> Any:
    file = sheet_plan.kept(session, key, _subject(unit, track))
    if file is None:
        abort(404)
    return file


def _subject(unit: Unit, track: Track) -> str:
    return sheet_jobs.subject(unit.id, track.id)


def _sheet(unit_code: str, code: str, track: str) -> str:
    return url_for("registration_sheets.sheet", unit_code=unit_code, code=code, track=track)


def _unit(session: Session, unit_code: str) -> Unit:
    unit = session.scalar(select(Unit).where(Unit.code_key == unit_code.casefold()))
    if unit is None:
        who: Actor = actor()
        abort(404 if who.has("admin") else 403)
    return unit


def _workbook(data: bytes, name: str) -> Response:
    return Response(data, mimetype=excel.MEDIA_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'})
