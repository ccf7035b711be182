"""Resumable uploads (the tus protocol) and files handed out."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("uploads", __name__)
