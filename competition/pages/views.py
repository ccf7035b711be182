"""Public pages that join several stages."""
from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from competition.shared.guards import allow

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@allow("everyone")
def home() -> Any:
    return render_template("pages/home.html")
