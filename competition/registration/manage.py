"""The reviewers' desks: unit, county, contest."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("review", __name__)
