"""Badges, seats and QR sheets to print."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("draw_sheets", __name__)
