"""One's own sign-ins, password and one-time codes."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("security", __name__)
