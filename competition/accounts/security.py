"""One's own sign-ins, password and one-time codes."""

from __future__ import annotations

from typing import Any

import pyotp
import segno
from flask import Blueprint, abort, flash, render_template, request, session, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select, update

from competition.accounts import audit, coming, identities, service, totp
from competition.accounts.browser import browser_secret, sign_browser_in
from competition.accounts.models import Person, SignIn
from competition.accounts.passwords import hashed
from competition.accounts.views import agent, go, own_address, remote, start_page
from competition.extensions import limiter, services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("security", __name__)


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
@allow("everyone")
def second_step() -> Any:
    """The one-time code, after a right password."""
    token, now, own = session.get("second_step", ""), clock.now(), services()
    with own.db.reading() as db:
        waiting = bool(token) and totp.waits(db, token, now)
    if not waiting:
        return go(url_for("accounts.sign_in"))
    if request.method == "GET":
        return render_template("accounts/second_step.html", problem="")
    browser, wanted = browser_secret(), own_address(session.get("second_next", ""))
    with own.db.transaction() as db:
        result = totp.second_step(
            db, token, request.form.get("code", ""), vault=own.vault, now=now, agent=agent(), address=remote()
        )
    if result is None:
        return go(url_for("accounts.sign_in"))
    if isinstance(result, DomainError):
        page = render_template("accounts/second_step.html", problem=result.message)
        return page, 429 if result.code == "too_many" else 403
    return sign_browser_in(go(wanted or start_page(result.actor)), result.secret, browser)


@blueprint.get("/me/security")
@allow("signed_in")
def index() -> Any:
    return _page()


@blueprint.post("/me/security/password")
@limiter.limit("10 per minute; 30 per hour")
@allow("signed_in")
def password() -> Any:
    """A new one for the old one; every other sign-in ends, this browser goes on."""
    own, now, form = services(), clock.now(), request.form
    with own.db.reading() as db:
        person = db.get_one(Person, actor().person_id)
        stored, known, strong = person.password_hash, coming.known_of(person, own.vault), _strong(db)
    if not own.hasher.verify(stored, form.get("old", "")[:1000]):
        return _page({"old": _("原密码不对。忘记了可以在登录页找回。")}), 403
    try:
        anew = hashed(own.hasher, form.get("password", ""), known)
    except DomainError as error:
        return _page({"password": error.message}), 400
    browser = browser_secret()
    with own.db.transaction() as db:
        person = db.get_one(Person, actor().person_id)
        if person.password_hash != stored:
            return _page({"old": _("密码刚刚已被修改。请重新登录。")}), 409
        service.set_password(db, person.id, anew, now=now, actor=actor())
        secret = service.begin(db, person.id, now=now, agent=agent(), address=remote(), strong=strong)
    flash(_("密码已修改,其他设备上的登录都已结束。"))
    kept = session.get("_flashes")
    answer = sign_browser_in(go(url_for("security.index")), secret, browser)
    session["_flashes"] = kept
    return answer


@blueprint.post("/me/security/sign-ins/<number>/end")
@limiter.limit("60 per minute")
@allow("signed_in")
def end(number: str) -> Any:
    """Ends one of one's own sign-ins."""
    key = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    with services().db.transaction() as db:
        row = db.scalar(select(SignIn).where(SignIn.id == key, SignIn.person_id == actor().person_id))
        if row is None:
            abort(404)
        row.revoked_at = row.revoked_at or clock.now()
        audit.note(db, actor(), "sign_in.end", actor().name, now=clock.now())
    flash(_("这个登录已结束"))
    return go(url_for("security.index"))


@blueprint.post("/me/security/sign-ins/end-others")
@limiter.limit("20 per minute")
@allow("signed_in")
def end_others() -> Any:
    with services().db.transaction() as db:
        db.execute(
            update(SignIn)
            .where(
                SignIn.person_id == actor().person_id, SignIn.secret_hash != _own_hash(), SignIn.revoked_at.is_(None)
            )
            .values(revoked_at=clock.now())
        )
        audit.note(db, actor(), "sign_in.end_others", actor().name, now=clock.now())
    flash(_("其他设备上的登录都已结束"))
    return go(url_for("security.index"))


@blueprint.post("/me/security/confirm/<what>")
@limiter.limit("3 per minute; 10 per hour")
@allow("signed_in")
def confirm(what: str) -> Any:
    """Sends the link or the code again; with a code, confirms."""
    if what not in ("email", "phone"):
        abort(404)
    now = clock.now()
    if what == "phone" and "code" in request.form:
        try:
            with services().db.transaction() as db:
                right = coming.confirm_phone(db, actor().person_id, request.form["code"], actor=actor(), now=now)
        except DomainError as error:
            return _page({"phone": error.message}), 409
        if not right:
            return _page({"phone": _("验证码不对或已过期。")}), 403
        flash(_("手机号已确认,可以用它登录了。"))
        return go(url_for("security.index"))
    with services().db.transaction() as db:
        coming.ask_to_confirm(db, db.get_one(Person, actor().person_id), what, now=now)
    flash(_("已发送,请查收。") if what == "phone" else _("确认邮件已发送,请在 3 天内打开里面的地址。"))
    return go(url_for("security.index"))


@blueprint.get("/me/security/codes")
@allow("signed_in")
def codes() -> Any:
    return _codes("")


@blueprint.post("/me/security/codes")
@limiter.limit("20 per minute")
@allow("signed_in")
def turn_on() -> Any:
    """Turns codes on by the first one, and shows the recovery codes, once."""
    own = services()
    sealed = session.get("totp_new")
    if not sealed:
        return go(url_for("security.codes"))
    try:
        with own.db.transaction() as db:
            left = totp.set_up(
                db, actor().person_id, own.vault.open(sealed), request.form.get("code", ""),
                sign_in=_own_hash(), vault=own.vault, actor=actor(), now=clock.now(),
            )  # fmt: skip
    except DomainError as error:
        return _codes(error.message), 409 if error.code == "conflict" else 403
    session.pop("totp_new", None)
    wanted = own_address(request.args.get("next", "")) or url_for("security.index")
    return render_template("accounts/recovery.html", codes=left, next=wanted), 200, {"Cache-Control": "no-store"}


@blueprint.post("/me/security/codes/off")
@limiter.limit("20 per minute")
@allow("signed_in")
def turn_off() -> Any:
    own = services()
    with own.db.transaction() as db:
        refused = totp.turn_off(
            db, actor().person_id, request.form.get("code", ""), vault=own.vault, actor=actor(), now=clock.now()
        )
    if refused is not None:
        return _page({"code": refused.message}), 429 if refused.code == "too_many" else 403
    flash(_("动态验证码已停用"))
    return go(url_for("security.index"))


def _codes(problem: str) -> Any:
    own = services()
    with own.db.reading() as db:
        person = db.get_one(Person, actor().person_id)
        login, on = person.login, person.totp_sealed is not None
    if on:
        return go(url_for("security.index"))
    if not session.get("totp_new"):
        session["totp_new"] = own.vault.seal(pyotp.random_base32())
    secret = own.vault.open(session["totp_new"])
    svg = Markup(segno.make(totp.address(secret, login), error="m").svg_inline(scale=6, border=2, omitsize=True))
    parts = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return render_template(
        "accounts/codes.html",
        svg=svg,
        secret=parts,
        problem=problem,
        needed=bool(actor().withheld),
        next=own_address(request.args.get("next", "")),
    )


def _own_hash() -> str:
    return service.hash_secret(session.get("sid", ""))


def _strong(db: Any) -> bool:
    return bool(db.scalar(select(SignIn.strong).where(SignIn.secret_hash == _own_hash())))


def _page(problems: dict[str, str] | None = None) -> Any:
    now, own = clock.now(), services()
    with own.db.reading() as db:
        person = db.get_one(Person, actor().person_id)
        rows = db.scalars(
            select(SignIn)
            .where(SignIn.person_id == person.id, SignIn.revoked_at.is_(None), SignIn.expires_at > now)
            .order_by(SignIn.seen_at.desc().nulls_last(), SignIn.id.desc())
            .limit(100)
        ).all()
        return render_template(
            "accounts/security.html",
            person=person,
            rows=rows,
            own=_own_hash(),
            problems=problems or {},
            required=any(grant.role in service.CODE_ROLES for grant in actor().grants) or bool(actor().withheld),
            sms=bool(own.config.sms_url),
            linked=identities.linked(db, person.id),
            may_link=identities.may_link(db, _own_hash()),
        )
