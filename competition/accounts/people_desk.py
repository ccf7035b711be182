"""A unit's people and its roster."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import people, profile, roster, roster_jobs, totp
from competition.accounts.models import Person, Unit
from competition.accounts.profile import FIELDS
from competition.accounts.queries import grants_of
from competition.accounts.unit_queries import may_speak_for, names_of, units_below
from competition.accounts.units_desk import STATUS, own_unit, page_number
from competition.extensions import limiter, services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.excel import MAX_BYTES, MEDIA_TYPE, SheetError
from competition.shared.guards import actor, allow, takes
from competition.shared.jobs import enqueue

blueprint = Blueprint("people", __name__)


@blueprint.get("/units/<unit_code>/people")
@allow("admin", "unit")
def index(unit_code: str) -> Any:
    """The people of the unit and below, with a search."""
    return _people(unit_code)


@blueprint.get("/units/<unit_code>/people/<key>")
@allow("admin", "unit")
def show(unit_code: str, key: str) -> Any:
    """One person: the profile with masked numbers."""
    return _one(unit_code, key)


@blueprint.post("/units/<unit_code>/people/<key>/codes-off")
@limiter.limit("30 per hour")
@allow("admin")
def codes_off(unit_code: str, key: str) -> Any:
    """The way back for whoever has lost the phone with the one-time codes."""
    try:
        with services().db.transaction() as session:
            own_unit(session, unit_code)
            person = _person(session, key)
            totp.take_off(session, person.id, reason=request.form.get("reason", ""), actor=actor(), now=clock.now())
    except DomainError as error:
        return _one(unit_code, key, problem=error.message), STATUS.get(error.code, 400)
    flash(_("动态验证码已停用。下次用密码登录时要重新设置。"))
    return redirect(url_for("people.show", unit_code=unit_code, key=key), 303)


@blueprint.post("/units/<unit_code>/people/links")
@allow("admin", "unit")
def links(unit_code: str) -> Any:
    """A sheet with a sign-in link and QR code for each chosen person, shown once."""
    chosen = [int(key) for key in request.form.getlist("people") if key.isascii() and key.isdigit() and len(key) < 10]
    try:
        with services().db.transaction() as session:
            unit = own_unit(session, unit_code)
            handed = people.hand_links(session, chosen, actor=actor(), now=clock.now())
            name = unit.name
    except DomainError as error:
        return _people(unit_code, error=error), STATUS.get(error.code, 400)
    base = services().config.public_url
    tickets = []
    for one in handed:
        address = base + url_for("accounts.use_link", token=one.token)
        tickets.append(
            (one, address, Markup(segno.make(address, error="m").svg_inline(scale=4, border=2, omitsize=True)))
        )
    page = render_template("accounts/links.html", code=unit_code, unit_name=name, tickets=tickets)
    return page, 200, {"Cache-Control": "no-store"}


@blueprint.get("/units/<unit_code>/roster")
@allow("admin", "unit")
def upload_page(unit_code: str) -> Any:
    return _upload(unit_code)


@blueprint.get("/units/<unit_code>/roster/template")
@allow("admin", "unit")
def template(unit_code: str) -> Any:
    with services().db.reading() as session:
        unit = own_unit(session, unit_code)
        data = roster.template(unit)
    headers = {"Content-Disposition": f'attachment; filename="roster-{unit.code}.xlsx"'}
    return Response(data, mimetype=MEDIA_TYPE, headers=headers)


@blueprint.post("/units/<unit_code>/roster")
@allow("admin", "unit")
@takes(MAX_BYTES + 100_000)
def upload(unit_code: str) -> Any:
    """Takes the sheet in: a short one is checked at once, a long one by the job process."""
    now, vault, files = clock.now(), services().vault, services().files
    with services().db.reading() as session:
        unit = own_unit(session, unit_code)
    given = request.files.get("file")
    data = given.read(MAX_BYTES + 1) if given else b""
    if not data:
        return _upload(unit_code, [_("请选择填好的名册文件（.xlsx）。")]), 400
    try:
        rows = roster.read(data)
    except SheetError as error:
        return _upload(unit_code, error.problems), 400
    address = ""
    with services().db.transaction() as session:
        key = roster_jobs.keep(session, unit, data, files=files, vault=vault, actor=actor(), now=now).key
        address = url_for("people.preview", unit_code=unit.code, key=key)
        if len(rows) > roster.IN_REQUEST:
            job = enqueue(
                session,
                "roster.check",
                title=_("检查名册：%(unit)s", unit=unit.name),
                arguments={"file": key, "unit": unit.id, "back": address},
                actor=actor(),
                now=now,
            )
            address = url_for("jobs.show", key=job)
    if len(rows) <= roster.IN_REQUEST:
        roster_jobs.check(services().db, key, unit.id, files=files, vault=vault, now=now)
    return redirect(address, 303)


@blueprint.get("/units/<unit_code>/roster/<key>")
@allow("admin", "unit")
def preview(unit_code: str, key: str) -> Any:
    """What the roster would do, or everything that is wrong with it."""
    return _preview(unit_code, key)


@blueprint.post("/units/<unit_code>/roster/<key>")
@allow("admin", "unit")
def apply(unit_code: str, key: str) -> Any:
    """All of it, or nothing."""
    now, vault, files = clock.now(), services().vault, services().files
    with services().db.reading() as session:
        unit = own_unit(session, unit_code)
        file = roster_jobs.kept(session, key, unit.id)
        plan = file.details.get("plan") if file else None
    if plan is None:
        abort(404)
    if plan["rows"] > roster.IN_REQUEST:
        with services().db.transaction() as session:
            job = enqueue(
                session,
                "roster.apply",
                title=_("导入名册：%(unit)s", unit=unit.name),
                arguments={
                    "file": key,
                    "unit": unit.id,
                    "back": url_for("people.index", unit_code=unit.code),
                },
                actor=actor(),
                now=now,
            )
        return redirect(url_for("jobs.show", key=job), 303)
    try:
        counts = roster_jobs.carry_out(services().db, key, unit.id, files=files, vault=vault, actor=actor(), now=now)
    except DomainError as error:
        return _preview(unit_code, key, error), STATUS.get(error.code, 400)
    flash(roster_jobs.told(counts))
    return redirect(url_for("people.index", unit_code=unit.code), 303)


def _people(unit_code: str, *, error: DomainError | None = None) -> str:
    words, new, page = request.args.get("q", "").strip()[:100], request.args.get("new") == "1", page_number()
    vault = services().vault
    with services().db.reading() as session:
        unit = own_unit(session, unit_code)
        found, total = people.find_people(
            session, units_below(session, unit.id), vault, words=words, new=new, page=page
        )
        names = names_of(session, {person.unit_id for person in found if person.unit_id})
        rows = [
            {
                "person": person,
                "unit": names.get(person.unit_id or 0, ""),
                "phone": profile.masked(person, vault).get("phone", ""),
                "occupation": person.profile.get("occupation", ""),
                "level": profile.shown(FIELDS["skill_level"], person.profile.get("skill_level")),
                "may_link": people.may_hand_link(session, actor(), person),
            }
            for person in found
        ]
        return render_template(
            "accounts/people.html",
            unit=unit,
            rows=rows,
            total=total,
            page=page,
            size=people.PAGE,
            asked={"q": words, "new": new},
            error=error,
            address=lambda number: url_for(
                "people.index", unit_code=unit.code, q=words or None, new="1" if new else None, page=number
            ),
        )


def _one(unit_code: str, key: str, *, problem: str = "") -> str:
    vault = services().vault
    with services().db.reading() as session:
        unit = own_unit(session, unit_code)
        person = _person(session, key)
        values = profile.values_of(person, vault)
        return render_template(
            "accounts/person.html",
            unit=unit,
            person=person,
            values=values,
            where=names_of(session, [person.unit_id or 0]).get(person.unit_id or 0, ""),
            lines=[
                (one, profile.shown(one, values.get(code)) if one.kind != "words" else values.get(code, ""))
                for code, one in FIELDS.items()
                if values.get(code) and code != "name"
            ],
            roles=grants_of(session, person.id),
            may_take_codes=person.totp_sealed is not None and actor().has("admin") and actor().person_id != person.id,
            problem=problem,
            may_link=people.may_hand_link(session, actor(), person),
        )


def _person(session: Session, key: str) -> Person:
    """Somebody of a unit that the actor speaks for."""
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else 0
    person = session.scalar(select(Person).where(Person.id == number, Person.erased_at.is_(None)))
    if person is None or person.unit_id is None or not may_speak_for(session, actor(), person.unit_id):
        abort(404)
    return person


def _upload(unit_code: str, problems: list[str] | None = None) -> str:
    with services().db.reading() as session:
        unit: Unit = own_unit(session, unit_code)
    return render_template(
        "accounts/roster.html", unit=unit, problems=problems or [], most=roster.MOST, asked=roster.columns()
    )


def _preview(unit_code: str, key: str, error: DomainError | None = None) -> str:
    with services().db.reading() as session:
        unit = own_unit(session, unit_code)
        file = roster_jobs.kept(session, key, unit.id)
        if file is None:
            abort(404)
        return render_template(
            "accounts/roster_preview.html", unit=unit, key=key, plan=file.details.get("plan"), error=error
        )
