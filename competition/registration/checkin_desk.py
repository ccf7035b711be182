"""Check-in at the door, on a phone, with or without a network."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("checkin", __name__)
