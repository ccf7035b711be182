"""The organiser's editor of a contest."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("editor", __name__)
