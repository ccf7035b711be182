"""Go or no-go before the start."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("ready", __name__)
