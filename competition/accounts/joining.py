"""Coming in by oneself: sign-up, a confirmed address, a forgotten password."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("joining", __name__)
