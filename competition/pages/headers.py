"""The headers that every answer carries."""

from __future__ import annotations

from flask import Response, current_app, g, request

from competition.pages.language import remember_language
from competition.shared.guards import EVERYONE, allowed_of, signed_in

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def secure(response: Response) -> Response:
    """Adds what protects a page, and keeps every private one out of every cache."""
    headers = response.headers
    # A page that reads QR codes says itself that its reader runs in a worker.
    headers.setdefault("Content-Security-Policy", "; ".join((POLICY, *g.get("policy_besides", ()))))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        g.secure_cookies = True
    if request.endpoint != "static":
        allowed = allowed_of(current_app.view_functions.get(request.endpoint or "")) or frozenset()
        if EVERYONE not in allowed or signed_in(g.get("actor")):
            headers.setdefault("Cache-Control", "no-store")
        headers.add("Vary", "Cookie")
        remember_language(response)
    return response
