"""A team: its people, its invitation links."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("team", __name__)
