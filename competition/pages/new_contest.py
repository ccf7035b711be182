"""A new contest: from a template, a plan item, or last year's."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("new_contest", __name__)
