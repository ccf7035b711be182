"""Coming in by oneself: sign-up, a confirmed address, a forgotten password, help at a desk."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from competition.accounts import coming, consents
from competition.accounts.browser import browser_secret, sign_browser_in
from competition.accounts.contacts import read_contact
from competition.accounts.models import Person
from competition.accounts.passwords import check_password, hashed
from competition.accounts.views import agent, go, own_address, remote
from competition.extensions import limiter, services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow, signed_in

blueprint = Blueprint("joining", __name__)
STATUS = {"forbidden": 403, "unknown": 404, "conflict": 409, "not_open": 409}


@blueprint.get("/sign-up")
@allow("everyone")
def sign_up() -> Any:
    return _sign_up({})


@blueprint.post("/sign-up")
@limiter.limit("20 per minute; 200 per hour")
@allow("everyone")
def make_account() -> Any:
    """An account at once, whoever else has the number or address: the answer is the same."""
    form = request.form
    problems: dict[str, str] = {}
    contact = None
    name = " ".join(form.get("name", "").split())
    if not name or len(name) > 100 or not name.isprintable():
        problems["name"] = _("请填写姓名,最多 100 个字。")
    try:
        contact = read_contact(form.get("contact", ""))
    except DomainError as error:
        problems["contact"] = error.message
    password = form.get("password", "")
    try:
        check_password(password, [part for part in (name, contact.text if contact else "") if part])
    except DomainError as error:
        problems["password"] = error.message
    if form.get("consent") != "1":
        problems["consent"] = _("请先阅读并同意,才能注册。")
    if problems or contact is None:
        return _sign_up(problems), 400
    own, now, browser = services(), clock.now(), browser_secret()
    stored = hashed(own.hasher, password, [name, contact.text])
    with own.db.transaction() as db:
        login, result = coming.sign_up(
            db, contact, name=name, password=stored, vault=own.vault, now=now, agent=agent(), address=remote()
        )
    wanted = own_address(request.args.get("next", ""))
    return sign_browser_in(go(url_for("joining.welcome", login=login, next=wanted or None)), result.secret, browser)


@blueprint.get("/welcome")
@allow("signed_in")
def welcome() -> Any:
    """The sign-in name, to be kept, and what is still to be confirmed."""
    with services().db.reading() as db:
        person = db.get_one(Person, actor().person_id)
        return render_template(
            "accounts/welcome.html",
            login=person.login,
            email=person.email,
            sms=bool(services().config.sms_url),
            next=own_address(request.args.get("next", "")) or url_for("pages.home"),
        )


@blueprint.get("/confirm/<token>")
@allow("everyone")
def confirm_page(token: str) -> Any:
    """A button: what opens mailed links by itself confirms nothing."""
    return render_template("accounts/confirm.html", token=token, error=None)


@blueprint.post("/confirm/<token>")
@limiter.limit("30 per minute")
@allow("everyone")
def confirm(token: str) -> Any:
    try:
        with services().db.transaction() as db:
            coming.confirm_email(db, token, now=clock.now())
    except DomainError as error:
        page = render_template("accounts/confirm.html", token=token, error=error.message)
        return page, STATUS.get(error.code, 400)
    flash(_("邮箱已确认,可以用它登录了。"))
    return go(url_for("security.index" if signed_in(actor()) else "accounts.sign_in"))


@blueprint.get("/forgotten")
@allow("everyone")
def forgotten() -> Any:
    return render_template("accounts/forgotten.html", problem=None, sent=False)


@blueprint.post("/forgotten")
@limiter.limit("5 per minute; 30 per hour")
@allow("everyone")
def send_link() -> Any:
    try:
        contact = read_contact(request.form.get("contact", ""))
    except DomainError as error:
        return render_template("accounts/forgotten.html", problem=error.message, sent=False), 400
    with services().db.transaction() as db:
        coming.forgot(db, contact, services().vault, now=clock.now())
    return go(url_for("joining.sent"))


@blueprint.get("/forgotten/sent")
@allow("everyone")
def sent() -> Any:
    return render_template("accounts/forgotten.html", problem=None, sent=True)


@blueprint.get("/reset/<token>")
@limiter.limit("60 per minute")
@allow("everyone")
def reset_page(token: str) -> Any:
    with services().db.reading() as db:
        good = coming.about(db, token, clock.now(), services().vault) is not None
    return _reset(token, good)


@blueprint.post("/reset/<token>")
@limiter.limit("20 per minute")
@allow("everyone")
def reset(token: str) -> Any:
    own, now, password = services(), clock.now(), request.form.get("password", "")
    with own.db.reading() as db:
        known = coming.about(db, token, now, own.vault)
    if known is None:
        return _reset(token, False)
    try:
        stored = hashed(own.hasher, password, known)
        with own.db.transaction() as db:
            coming.reset(db, token, stored, vault=own.vault, now=now)
    except DomainError as error:
        return (_reset(token, False)) if error.code == "unknown" else (_reset(token, True, error.message)[0], 400)
    flash(_("新密码已设好,请用它登录。其他设备上的登录都已结束。"))
    return go(url_for("accounts.sign_in"))


@blueprint.post("/people/<key>/reset-link")
@limiter.limit("60 per hour")
@allow("admin", "organiser", "unit")
def help_with_password(key: str) -> Any:
    """A link for somebody who stands at the desk, shown once, as an address and as a QR code."""
    number = _number(key)
    with services().db.transaction() as db:
        try:
            token = coming.make_reset_link(db, number, actor=actor(), now=clock.now())
        except DomainError as error:
            abort(STATUS.get(error.code, 400), error.message)
        person = db.get_one(Person, number)
        name, login = person.name, person.login
    address = services().config.public_url + url_for("joining.reset_page", token=token)
    svg = Markup(segno.make(address, error="m").svg_inline(scale=6, border=2, omitsize=True))
    page = render_template("accounts/reset_link.html", name=name, login=login, address=address, svg=svg)
    return page, 200, {"Cache-Control": "no-store"}


@blueprint.post("/people/<key>/confirm/<what>")
@limiter.limit("600 per hour")
@allow("admin", "organiser", "unit")
def confirm_contact(key: str, what: str) -> Any:
    """The officer or organiser knows that the number or address is the person's."""
    with services().db.transaction() as db:
        try:
            coming.confirm_contact(db, _number(key), what, actor=actor(), now=clock.now())
        except DomainError as error:
            abort(STATUS.get(error.code, 400), error.message)
    flash(_("已确认"))
    return redirect(own_address(request.form.get("next", "")) or url_for("pages.home"), 303)


def _number(key: str) -> int:
    return int(key) if key.isascii() and key.isdigit() and len(key) < 10 else 0


def _sign_up(problems: dict[str, str]) -> Any:
    with services().db.reading() as db:
        text = consents.text_in_force(db, "account")
    return render_template(
        "accounts/sign_up.html",
        problems=problems,
        values=request.form,
        consent=text,
        next=own_address(request.args.get("next", "")),
    )


def _reset(token: str, good: bool, problem: str = "") -> Any:
    return render_template("accounts/reset.html", token=token, good=good, problem=problem), 200 if good else 404
