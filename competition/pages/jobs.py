"""What the job process does for a person, as it goes."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("jobs", __name__)
