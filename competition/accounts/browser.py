"""What a browser holds: the secret of its sign-in, in the session's cookie, and one of its own that links bind to."""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask import Response, current_app, has_request_context, request, session

from competition.accounts import service
from competition.accounts.policy import VISITOR, Actor
from competition.extensions import services
from competition.shared import clock

BROWSER_COOKIE = "leitai_browser"
FRESH = 1.0
"""Seconds for which a socket's messages take who is asking from memory: a revoked sign-in ends within them."""


def load_actor() -> Actor:
    """Who the request's or the socket event's cookie stands for."""
    secret = session.get("sid")
    if not secret:
        return VISITOR
    if not hasattr(request, "namespace"):
        return _read(secret, page=True)
    seen: dict[str, tuple[float, Actor]] = current_app.extensions.setdefault("leitai.actors", {})
    known = seen.get(secret)
    at = time.monotonic()
    if known and at - known[0] < FRESH:
        return known[1]
    if len(seen) > 1000:
        seen.clear()
    actor = _read(secret)
    seen[secret] = (at, actor)
    return actor


def _read(secret: str, *, page: bool = False) -> Actor:
    hashed, now = service.hash_secret(secret), clock.now()
    with services().db.reading() as db:
        actor, stale = service.who_asks(db, hashed, now, require_code=services().config.require_totp)
    # Messages of a socket write nothing beside what they are for.
    if actor is not None and stale and page:
        with services().db.transaction() as db:
            service.seen(db, hashed, now=now)
    return actor or VISITOR


def browser_secret() -> str:
    """The secret this browser already has, or a new one for it."""
    known = request.cookies.get(BROWSER_COOKIE, "")
    return known if 20 <= len(known) <= 100 else secrets.token_urlsafe(24)


def sign_browser_in(response: Response, secret: str, browser: str) -> Response:
    """Begins a fresh session for `secret`, whoever was signed in before, and lets the browser keep its own secret."""
    session.clear()
    session["sid"] = secret
    session.permanent = True
    response.set_cookie(
        BROWSER_COOKIE,
        browser,
        max_age=400 * 86400,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


def forget(secret: Any) -> None:
    if has_request_context():
        session.clear()
    current_app.extensions.get("leitai.actors", {}).pop(secret, None)
