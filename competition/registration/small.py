"""A small improvement (合理化建议、五小) in two minutes on a phone."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("small", __name__)
