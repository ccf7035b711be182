"""Files of a registration: receipts, flags, blind copies."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("attachments", __name__)
