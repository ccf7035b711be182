"""The tree of units, their officers and flags."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("units", __name__)
