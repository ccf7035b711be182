"""Draws and code layers: the coder's desk, and what the public may check."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("draw", __name__)
