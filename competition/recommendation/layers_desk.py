"""Lower contests whose winners come up (层层)."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("layers", __name__)
