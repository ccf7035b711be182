"""The year's plan of contests: proposals, approval (立项), labels."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("seasons", __name__)
