"""Places asked for and granted."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("quotas", __name__)
