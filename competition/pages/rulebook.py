"""The rule pack of a contest: versions, publishing, changes with what they would change."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("rulebook", __name__)
