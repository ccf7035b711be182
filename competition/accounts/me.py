"""A person's own page: profile, consents, one's data to see, take along, correct and erase."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("me", __name__)
