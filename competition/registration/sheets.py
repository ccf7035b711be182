"""Registrations as Excel, in and out."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("registration_sheets", __name__)
