"""What every template may use."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import request
from markupsafe import Markup, escape

from competition.pages.language import chosen_language, other_language
from competition.shared import clock, guards


def page_context() -> dict[str, Any]:
    who = guards.actor()
    return {
        "actor": who,
        "signed_in": guards.signed_in(who),
        "lang": chosen_language(),
        "language_url": _in_other_language(),
    }


def breaks(title: str) -> Markup:
    """A title that may break after its year and after the place that it names, and nowhere inside a word."""
    return Markup(re.sub(r"(?<=[年省市区县届杯])(?=\w)", "<wbr>", str(escape(title))))


def moment(at: datetime | None) -> str:
    """An instant as its reader's clock shows it, to the minute; nothing for None."""
    return "" if at is None else at.astimezone(clock.LOCAL).strftime("%Y-%m-%d %H:%M")


def _in_other_language() -> str:
    """This page in the other language; from an answer to a form, the page that asked."""
    path = request.path if request.method in ("GET", "HEAD") else "/"
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return path + "?" + urlencode([*query, ("lang", other_language())])
