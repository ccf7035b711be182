"""Signing in and out."""
from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, url_for

from competition.shared.guards import allow

blueprint = Blueprint("accounts", __name__)


def load_actor() -> Any:
    """Who the session's cookie stands for, or None."""
    return None


@blueprint.get("/sign-in")
@allow("everyone")
def sign_in() -> Any:
    return render_template("accounts/sign_in.html")


@blueprint.post("/sign-out")
@allow("everyone")
def sign_out() -> Any:
    return redirect(url_for("pages.home"))
