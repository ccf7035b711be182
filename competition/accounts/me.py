"""A person's own page: profile, consents, one's data to see, take along, correct and erase."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts import audit, consents, privacy, profile
from competition.accounts.browser import forget
from competition.accounts.consents import KIND_TITLES
from competition.accounts.models import Person, Unit
from competition.accounts.profile import FIELDS
from competition.accounts.unit_queries import names_of
from competition.extensions import limiter, services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("me", __name__)
STATUS = {"forbidden": 403, "unknown": 404, "conflict": 409}
CANDIDATES = 5
"""Units offered where a name fits several."""


@blueprint.get("/me")
@allow("signed_in")
def index() -> Any:
    return _profile()


@blueprint.post("/me")
@limiter.limit("60 per hour")
@allow("signed_in")
def save() -> Any:
    """Stores what was changed; a number that still stands masked in its field was not touched."""
    form, vault, now = request.form, services().vault, clock.now()
    values = {
        code: form[code][:1000]
        for code, one in FIELDS.items()
        if code in form and not one.stated and not (one.sealed and "*" in form[code])
    }
    problems: dict[str, str] = {}
    changed: list[str] = []
    try:
        with services().db.transaction() as db:
            person = db.get_one(Person, actor().person_id)
            if "unit" in form and _choose_unit(db, person, form["unit"], problems):
                changed.append("unit")
                audit.note(db, actor(), "person.unit", person.login, now=now)
            if problems:
                # All that is wrong is told at once: the rest is looked at, too.
                found = profile.check(values, now.date(), known={"id_number": profile.opened(vault, person.id_sealed)})
                raise DomainError("bad_request", "", "unit", problems={**problems, **found.problems})
            changed += profile.set_profile(db, person.id, values, vault=vault, actor=actor(), now=now)
    except DomainError as error:
        told = error.details.get("problems")
        return _profile(form, told if isinstance(told, dict) else {error.field or "": error.message}), 400
    flash(_("已保存") if changed else _("没有改动"))
    return redirect(url_for("me.index"), 303)


@blueprint.get("/me/consents")
@allow("signed_in")
def given() -> Any:
    return _consents()


@blueprint.post("/me/consents/<key>/withdraw")
@allow("signed_in")
def withdraw(key: str) -> Any:
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else 0
    try:
        with services().db.transaction() as db:
            consents.withdraw(db, number, actor=actor(), now=clock.now())
    except DomainError as error:
        return _consents(error), STATUS.get(error.code, 400)
    flash(_("已撤回。撤回以前已经做的处理不受影响。"))
    return redirect(url_for("me.given"), 303)


@blueprint.get("/me/data")
@allow("signed_in")
def data() -> Any:
    """All that is kept about whoever is signed in."""
    with services().db.reading() as db:
        own = privacy.own_data(db, actor().person_id, services().vault, now=clock.now())
    return render_template("accounts/my_data.html", own=own, fields=FIELDS, kinds=KIND_TITLES)


@blueprint.post("/me/data/export")
@limiter.limit("20 per hour")
@allow("signed_in")
def export() -> Any:
    """The same as a JSON file."""
    now = clock.now()
    with services().db.transaction() as db:
        audit.note(db, actor(), "person.export", actor().name, now=now)
    with services().db.reading() as db:
        own = privacy.own_data(db, actor().person_id, services().vault, now=now)
    text = json.dumps(own, ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "no-store"}
    return Response(text, mimetype="application/json", headers=headers)


@blueprint.get("/me/erase")
@allow("signed_in")
def erase_page() -> Any:
    return _erase()


@blueprint.post("/me/erase")
@limiter.limit("10 per hour")
@allow("signed_in")
def erase() -> Any:
    """Erases the account, once its sign-in name was typed."""
    with services().db.reading() as db:
        login = db.get_one(Person, actor().person_id).login
    if request.form.get("login", "").strip().casefold() != login.casefold():
        return _erase(DomainError("bad_request", _("输入的登录名与你的不一致。"), "login")), 400
    try:
        with services().db.transaction() as db:
            privacy.erase(db, actor().person_id, files=services().files, actor=actor(), now=clock.now())
    except DomainError as error:
        return _erase(error), STATUS.get(error.code, 400)
    if secret := session.get("sid"):
        forget(secret)
    session.clear()
    return render_template("accounts/erased.html", signed_in=False)


def _profile(typed: Any = None, problems: dict[str, str] | None = None) -> str:
    vault = services().vault
    with services().db.reading() as db:
        person = db.get_one(Person, actor().person_id)
        unit = names_of(db, [person.unit_id or 0]).get(person.unit_id or 0, "")
        values = {**profile.values_of(person, vault), "unit": unit}
    if typed is not None:
        values |= {code: text for code, text in typed.items() if code in FIELDS or code == "unit"}
    return render_template(
        "accounts/me.html",
        person=person,
        values=values,
        problems=problems or {},
        fields=[(one, purpose) for one, purpose in profile.fields_to_ask()],
    )


def _consents(error: DomainError | None = None) -> str:
    with services().db.reading() as db:
        rows = consents.given_by_person(db, actor().person_id)
    return render_template("accounts/consents.html", rows=rows, kinds=KIND_TITLES, error=error)


def _erase(error: DomainError | None = None) -> str:
    with services().db.reading() as db:
        person = db.get_one(Person, actor().person_id)
        found = privacy.before_erasing(db, person.id)
    return render_template("accounts/erase.html", person=person, found=found, error=error)


def _choose_unit(db: Session, person: Person, text: str, problems: dict[str, str]) -> bool:
    """Puts the person into the unit of that name or code; whether that changed anything."""
    text = " ".join(text.split())[:200]
    current = db.get(Unit, person.unit_id) if person.unit_id is not None else None
    if current is not None and text in (current.name, current.code):
        return False
    if not text:
        person.unit_id = None
        return current is not None
    there = select(Unit).where(Unit.archived_at.is_(None))
    exact = db.scalars(there.where((Unit.code_key == text.casefold()) | (Unit.name == text)).limit(2)).all()
    if len(exact) == 1:
        person.unit_id = exact[0].id
        return True
    like = f"%{text.casefold().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
    near = db.scalars(there.where(func.lower(Unit.name).like(like, escape="!")).order_by(Unit.name).limit(CANDIDATES))
    names = [f"{unit.name}（{unit.code}）" for unit in (exact or near)]
    problems["unit"] = (
        _("请填其中一个的全称或代码：%(names)s。", names="、".join(names))
        if names
        else _("没有找到这个单位。请填全称或统一社会信用代码；单位还没有登记的，请联系本单位工会。")
    )
    return False
