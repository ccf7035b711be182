"""A unit's people and its roster."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("people", __name__)
