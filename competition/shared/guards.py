"""Who may use which door: every view and every socket event names it, and what names nobody lets nobody in.

The mark says which roles may knock; whether a role reaches this contest, track or seat is decided by the policy of the
stage behind the door.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden

from competition.shared.errors import DomainError
from competition.shared.roles import ROLES

log = logging.getLogger(__name__)

EVERYONE = "everyone"
SIGNED_IN = "signed_in"
WORDS = frozenset((EVERYONE, SIGNED_IN, *ROLES))

View = TypeVar("View", bound=Callable[..., Any])


def allow(*who: str) -> Callable[[View], View]:
    """Marks a view with those who may use it: "everyone", "signed_in", or roles. An admin may use every one."""
    unknown = set(who) - WORDS
    if unknown or not who:
        raise ValueError(f"nobody is called {sorted(unknown)}")

    def mark(view: View) -> View:
        view.allowed = frozenset(who)  # type: ignore[attr-defined]
        return view

    return mark


def takes(most: int) -> Callable[[View], View]:
    """Lets a view be sent up to `most` bytes, where others are refused after MAX_CONTENT_LENGTH."""

    def mark(view: View) -> View:
        view.takes = most  # type: ignore[attr-defined]
        return view

    return mark


def set_limit() -> None:
    """Before anything reads what was sent (the check of a form's token does)."""
    most = getattr(current_app.view_functions.get(request.endpoint or ""), "takes", None)
    if most is not None:
        request.max_content_length = most


def allowed_of(view: Any) -> frozenset[str] | None:
    """Who a view or handler lets in; None for one without a mark."""
    return getattr(view, "allowed", None)


def actor() -> Any:
    """Who is asking, read once a request or event by the loader that `create_app` wires; None for a visitor."""
    if "actor" not in g:
        g.actor = current_app.extensions["leitai.actor"]()
    return g.actor


def signed_in(who: Any) -> bool:
    return who is not None and who.person_id is not None


def may(who: Any, allowed: frozenset[str] | None) -> bool:
    """Whether the mark lets `who` knock."""
    if allowed is None:
        return False
    if EVERYONE in allowed:
        return True
    if not signed_in(who):
        return False
    if SIGNED_IN in allowed:
        return True
    roles = {grant.role for grant in who.grants}
    return "admin" in roles or bool(roles & allowed)


def wants_json() -> bool:
    return request.path.startswith("/api/")


def enforce() -> Any:
    """Before every request: reads who asks, and refuses a door that does not let them in."""
    if request.endpoint == "static":
        return None
    who = actor()
    if request.endpoint is None:
        return None
    allowed = allowed_of(current_app.view_functions.get(request.endpoint))
    if allowed is None:
        log.error("the endpoint %s names nobody who may use it", request.endpoint)
        raise Forbidden()
    if may(who, allowed):
        return None
    if signed_in(who):
        if not wants_json() and (who.withheld & allowed or "admin" in who.withheld):
            return redirect(url_for("security.codes", next=_here()))
        raise Forbidden()
    if wants_json():
        return signed_out_answer()
    return redirect(url_for("accounts.sign_in", next=_here()))


def _here() -> str | None:
    """Where to go on after signing in: this page, or the one whose form was sent."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    came = urlsplit(request.referrer or "")
    return (came.path + (f"?{came.query}" if came.query else "")) if came.netloc == request.host else None


def signed_out_answer() -> Response:
    error = DomainError("signed_out", _("请先登录"))
    answer = jsonify(ok=False, error=error.as_dict())
    answer.status_code = 401
    return answer


def same_origin() -> bool:
    """Whether a request that carries an Origin comes from one of our own pages."""
    origin = request.headers.get("Origin")
    if not origin:
        return False
    own = {request.host_url.rstrip("/")}
    if public := current_app.config.get("PUBLIC_URL"):
        parts = urlsplit(public)
        own.add(f"{parts.scheme}://{parts.netloc}")
    return origin in own


def unmarked(app: Flask) -> list[str]:
    """Endpoints that name nobody."""
    return sorted(name for name, view in app.view_functions.items() if allowed_of(view) is None)


@dataclass(frozen=True, slots=True)
class SocketEvent:
    namespace: str
    event: str
    allowed: frozenset[str]
    handler: Callable[..., Any]


SOCKET_EVENTS: dict[tuple[str, str], SocketEvent] = {}
"""Every event that a socket may send; `create_app` binds them, a test walks them."""


def on(namespace: str, event: str, *, allow: tuple[str, ...] | str = ()) -> Callable[[View], View]:
    """Registers a socket event with those who may send it; checked on every message, since no request hook runs there.

    The handler's answer is the acknowledgement. A `DomainError` becomes `{"ok": false, "error": …}`; a bug is not
    acknowledged at all, so that a client keeps what it sent and sends it again. Messages that stand
    for the connection itself (`connect`, `disconnect`) are checked by the handler.
    """
    who = frozenset((allow,) if isinstance(allow, str) else allow)
    if not who or who - WORDS:
        raise ValueError(f"{namespace} {event} names nobody who may send it")

    def register(handler: View) -> View:
        @functools.wraps(handler)
        def checked(*args: Any) -> Any:
            return _answer(handler, who, args)

        plain = event in ("connect", "disconnect")
        SOCKET_EVENTS[namespace, event] = SocketEvent(namespace, event, who, handler if plain else checked)
        return handler

    return register


def _answer(handler: Callable[..., Any], allowed: frozenset[str], args: tuple[Any, ...]) -> Any:
    try:
        who = actor()
        if not may(who, allowed):
            if signed_in(who):
                raise DomainError("forbidden", _("你的身份不能做这一步"))
            raise DomainError("signed_out", _("请先登录"))
        return handler(*args)
    except DomainError as error:
        return {"ok": False, "error": error.as_dict()}
