"""Signing in by password or by link, and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, redirect, render_template, request, session, url_for

from competition.accounts import entering, service
from competition.accounts.browser import browser_secret, forget, sign_browser_in
from competition.accounts.forms import SignInForm
from competition.accounts.policy import Actor
from competition.accounts.queries import start_address
from competition.extensions import limiter, services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import allow

blueprint = Blueprint("accounts", __name__)

AHEAD = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
"""Where browsers say that they only look ahead."""


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
@allow("everyone")
def sign_in() -> Any:
    form = SignInForm()
    wanted = own_address(request.args.get("next", ""))
    status = 200
    if form.validate_on_submit():
        browser = browser_secret()
        own = services()
        result = entering.sign_in(
            own.db, own.hasher, own.vault, **form.to_command(), now=clock.now(), agent=agent(), address=remote()
        )
        if isinstance(result, entering.SecondStep):
            session["second_step"], session["second_next"] = result.token, wanted
            return go(url_for("security.second_step"))
        if not isinstance(result, DomainError):
            return sign_browser_in(go(wanted or start_page(result.actor)), result.secret, browser)
        form.password.errors = [result.message]
        status = 429 if result.code == "too_many" else 403
    elif form.is_submitted():
        status = 400
    return render_template("accounts/sign_in.html", form=form, next=wanted), status


@blueprint.post("/sign-out")
@allow("everyone")
def sign_out() -> Any:
    secret = session.get("sid")
    if secret:
        with services().db.transaction() as db:
            service.revoke(db, service.hash_secret(secret), now=clock.now())
        forget(secret)
    return go(url_for("pages.home"))


@blueprint.get("/in/<token>")
@limiter.limit("600 per minute")
@allow("everyone")
def use_link(token: str) -> Any:
    """Signs in and goes on. What only looks ahead (HEAD, a prefetching browser) is shown a page and uses nothing up."""
    if request.method == "HEAD" or looks_ahead():
        return render_template("accounts/link.html", address=url_for("accounts.use_link", token=token))
    browser = browser_secret()
    try:
        with services().db.transaction() as db:
            result = service.use_link(
                db, token, browser_secret=browser, now=clock.now(), agent=agent(), address=remote()
            )
    except DomainError as error:
        return render_template("accounts/link_refused.html", message=error.message), 403
    return sign_browser_in(go(start_page(result.actor, result.start_url_role)), result.secret, browser)


def looks_ahead() -> bool:
    said = " ".join(request.headers.get(name, "") for name in AHEAD).lower()
    return any(word in said for word in ("prefetch", "prerender", "preview"))


def own_address(wanted: str) -> str:
    """`wanted` if it is a path of ours, else nothing: nobody is sent elsewhere after signing in."""
    parts = urlsplit(wanted)
    plain = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if plain and not parts.scheme and not parts.netloc else ""


def start_page(actor: Actor, role: str | None = None) -> str:
    with services().db.reading() as db:
        return start_address(db, actor, role) or url_for("pages.home")


def agent() -> str:
    return request.headers.get("User-Agent", "")[:200]


def remote() -> str:
    return (request.remote_addr or "")[:60]


def go(address: str) -> Response:
    answer = current_app.make_response(redirect(address, 303))
    answer.headers["Cache-Control"] = "no-store"
    return answer
