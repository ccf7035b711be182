"""Everything that waits for the person who is signed in."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("tasks", __name__)
