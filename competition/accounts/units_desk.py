"""The tree of units, their officers and flags."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts import service, units
from competition.accounts.models import Person, Unit
from competition.accounts.numbers import mask_phone
from competition.accounts.profile import opened
from competition.accounts.unit_queries import may_speak_for, officers_of, spoken_for, units_above
from competition.accounts.units import FLAGS, KINDS, LEVELS, PAGE, UnitCommand
from competition.extensions import services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("units", __name__)
STATUS = {"forbidden": 403, "unknown": 404, "conflict": 409}


def own_unit(session: Session, code: str) -> Unit:
    """The unit, for those who speak for it; for others there is none."""
    unit = session.scalar(select(Unit).where(Unit.code_key == code.casefold()))
    if unit is None or not may_speak_for(session, actor(), unit.id):
        abort(404)
    return unit


def page_number() -> int:
    given = request.args.get("page", "1")
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 6 else 1


@blueprint.get("/units")
@allow("admin", "unit")
def index() -> Any:
    """The units at the top of what the actor sees, or what a search finds among all of it."""
    words, kind, flag = (request.args.get(name, "").strip()[:100] for name in ("q", "kind", "flag"))
    page, archived = page_number(), request.args.get("archived") == "1"
    with services().db.reading() as session:
        within = spoken_for(session, actor())
        searching = bool(words or kind or flag or archived)
        rows, total = units.find_units(
            session, within, words=words, kind=kind, flag=flag, archived=archived, roots=not searching, page=page
        )
        shown = _rows(session, rows)
    return render_template(
        "accounts/units.html",
        rows=shown,
        total=total,
        page=page,
        size=PAGE,
        asked={"q": words, "kind": kind, "flag": flag, "archived": "1" if archived else ""},
        searching=searching,
        kinds=KINDS,
        flags=FLAGS,
        may_root=actor().has("admin"),
        address=lambda number: url_for("units.index", **{**request.args.to_dict(), "page": number}),
    )


@blueprint.get("/units/<unit_code>")
@allow("admin", "unit")
def show(unit_code: str) -> Any:
    return _page(unit_code)


@blueprint.route("/units/new", methods=["GET", "POST"])
@allow("admin", "unit")
def new() -> Any:
    if request.method == "GET":
        return _form(None, {"parent": request.args.get("parent", "")[:64]}, {})
    try:
        with services().db.transaction() as session:
            made = units.create_unit(session, _command(), vault=services().vault, actor=actor(), now=clock.now())
            code, name = made.code, made.name
    except DomainError as error:
        return _form(None, request.form, _problems(error)), STATUS.get(error.code, 400)
    flash(_("已添加“%(name)s”", name=name))
    return redirect(url_for("units.show", unit_code=code), 303)


@blueprint.route("/units/<unit_code>/edit", methods=["GET", "POST"])
@allow("admin", "unit")
def edit(unit_code: str) -> Any:
    with services().db.reading() as session:
        unit = own_unit(session, unit_code)
        manages = units.may_manage(session, actor(), unit)
        values = _values(session, unit)
    if request.method == "GET":
        return _form(unit, values, {}, manages=manages)
    try:
        with services().db.transaction() as session:
            units.edit_unit(
                session,
                own_unit(session, unit_code),
                _command(own_only=not manages),
                vault=services().vault,
                actor=actor(),
                now=clock.now(),
            )
    except DomainError as error:
        page = _form(unit, {**values, **request.form.to_dict()}, _problems(error), manages=manages)
        return page, STATUS.get(error.code, 400)
    flash(_("已保存"))
    return redirect(url_for("units.show", unit_code=unit_code), 303)


@blueprint.post("/units/<unit_code>/archive")
@allow("admin", "unit")
def archive(unit_code: str) -> Any:
    on = request.form.get("on") == "1"
    try:
        with services().db.transaction() as session:
            units.archive_unit(session, own_unit(session, unit_code), on, actor=actor(), now=clock.now())
    except DomainError as error:
        return _page(unit_code, error=error), STATUS.get(error.code, 400)
    flash(_("单位已撤销，不再出现在选择里") if on else _("单位已恢复"))
    return redirect(url_for("units.show", unit_code=unit_code), 303)


@blueprint.post("/units/<unit_code>/officers")
@allow("admin", "unit")
def officers(unit_code: str) -> Any:
    """A new officer; somebody without an account gets one, with a link that is shown once."""
    form, now = request.form, clock.now()
    try:
        with services().db.transaction() as session:
            unit = own_unit(session, unit_code)
            person_id, made = units.add_officer(
                session, unit, login=form.get("login", "")[:80], name=form.get("name", "")[:200], actor=actor(), now=now
            )
            person = session.get_one(Person, person_id)
            token = (
                service.make_link(session, contest_id=None, role="unit", person_id=person_id, now=now, actor=actor())
                if made
                else ""
            )
            name, login, unit_name = person.name, person.login, unit.name
    except DomainError as error:
        return _page(unit_code, error=error, typed=form), STATUS.get(error.code, 400)
    if not token:
        flash(_("“%(name)s”已是经办人", name=name))
        return redirect(url_for("units.show", unit_code=unit_code), 303)
    address = services().config.public_url + url_for("accounts.use_link", token=token)
    answer = render_template(
        "accounts/officer_link.html",
        code=unit_code,
        unit_name=unit_name,
        name=name,
        login=login,
        address=address,
        svg=Markup(segno.make(address, error="m").svg_inline(scale=6, border=2, omitsize=True)),
    )
    return answer, 200, {"Cache-Control": "no-store"}


@blueprint.post("/units/<unit_code>/officers/remove")
@allow("admin", "unit")
def remove_officer(unit_code: str) -> Any:
    given = request.form.get("person", "")
    person_id = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    try:
        with services().db.transaction() as session:
            unit = own_unit(session, unit_code)
            units.remove_officer(session, unit, person_id, actor=actor(), now=clock.now())
    except DomainError as error:
        return _page(unit_code, error=error), STATUS.get(error.code, 400)
    flash(_("已撤换"))
    return redirect(url_for("units.show", unit_code=unit_code), 303)


def _page(code: str, *, error: DomainError | None = None, typed: Any = None) -> str:
    with services().db.reading() as session:
        unit = own_unit(session, code)
        own = spoken_for(session, actor())
        children, total = units.find_units(session, None, parent_id=unit.id, archived=True, page=page_number())
        phone = opened(services().vault, unit.phone_sealed)
        people = {
            one.id: one for one in session.scalars(select(Person).where(Person.id.in_(officers_of(session, unit.id))))
        }
        return render_template(
            "accounts/unit.html",
            unit=unit,
            above=[(one, own is None or one.id in own) for one in reversed(units_above(session, unit.id))],
            children=_rows(session, children),
            total=total,
            page=page_number(),
            size=PAGE,
            officers=[people[key] for key in officers_of(session, unit.id)],
            phone=mask_phone(phone) if phone else "",
            people=session.scalar(select(func.count()).select_from(Person).where(Person.unit_id == unit.id)) or 0,
            manages=units.may_manage(session, actor(), unit),
            kinds=KINDS,
            flags=FLAGS,
            levels=LEVELS,
            error=error,
            typed=typed or {},
            me=actor().person_id,
            address=lambda number: url_for("units.show", unit_code=unit.code, page=number),
        )


def _form(unit: Unit | None, values: Any, problems: dict[str, str], *, manages: bool = True) -> str:
    with services().db.reading() as session:
        parent = session.scalar(select(Unit).where(Unit.code_key == values.get("parent", "").strip().casefold()))
        if parent is not None and not may_speak_for(session, actor(), parent.id):
            parent = None
    flags = values.getlist("flags") if hasattr(values, "getlist") else values.get("flags", ())
    return render_template(
        "accounts/unit_form.html",
        unit=unit,
        values=values,
        chosen=flags,
        parent=parent,
        problems=problems,
        manages=manages,
        kinds=KINDS,
        flags=FLAGS,
        levels=LEVELS,
    )


def _command(*, own_only: bool = False) -> UnitCommand:
    form = request.form

    def text(name: str) -> str | None:
        return form[name][:300] if name in form else None

    phone = text("phone")
    if phone is not None and "*" in phone:
        phone = None  # the mask that the form was filled with: not touched
    if own_only:
        return UnitCommand(contact=text("contact"), phone=phone, lead=text("lead"))
    return UnitCommand(
        code=form.get("code", "")[:64],
        name=text("name"),
        kind=text("kind"),
        parent=text("parent"),
        uscc=text("uscc"),
        flags=tuple(form.getlist("flags")) if "name" in form else None,
        contact=text("contact"),
        phone=phone,
        lead=text("lead"),
        level=text("level"),
    )


def _values(session: Session, unit: Unit) -> dict[str, Any]:
    parent = session.get(Unit, unit.parent_id) if unit.parent_id is not None else None
    phone = opened(services().vault, unit.phone_sealed)
    return {
        "code": unit.code,
        "name": unit.name,
        "kind": unit.kind,
        "parent": parent.code if parent else "",
        "uscc": unit.uscc or "",
        "flags": unit.flags,
        "contact": unit.contact,
        "phone": mask_phone(phone) if phone else "",
        "lead": unit.details.get("lead", ""),
        "level": unit.details.get("level", ""),
    }


def _problems(error: DomainError) -> dict[str, str]:
    told = error.details.get("problems")
    return dict(told) if isinstance(told, dict) else {error.field or "": error.message}


def _rows(session: Session, found: Any) -> list[dict[str, Any]]:
    """Units as a list shows them: what stands above, how many lie below, how many people."""
    ids = [unit.id for unit in found]
    below = dict(
        session.execute(
            select(Unit.parent_id, func.count())
            .where(Unit.parent_id.in_(ids), Unit.archived_at.is_(None))
            .group_by(Unit.parent_id)
        ).all()
    )
    people = dict(
        session.execute(
            select(Person.unit_id, func.count()).where(Person.unit_id.in_(ids)).group_by(Person.unit_id)
        ).all()
    )
    above = {
        row.id: row.name
        for row in session.execute(
            select(Unit.id, Unit.name).where(Unit.id.in_({unit.parent_id for unit in found if unit.parent_id}))
        )
    }
    return [
        {
            "unit": unit,
            "above": above.get(unit.parent_id, ""),
            "below": below.get(unit.id, 0),
            "people": people.get(unit.id, 0),
        }
        for unit in found
    ]
