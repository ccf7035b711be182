"""What waits for a second person, and the answer."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("approvals", __name__)
