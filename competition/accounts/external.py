"""Doors to sign-in services outside: OpenID Connect, codes by SMS; off by default."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("external", __name__)
