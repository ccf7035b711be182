"""A contest's results as JSON, and the document that describes all of `/api/v1`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, jsonify
from flask_babel import gettext as _

from competition.contests.queries import contest_by_code, contest_phase
from competition.extensions import services
from competition.pages.openapi import document
from competition.pages.results import PUBLISHED
from competition.shared.errors import DomainError
from competition.shared.guards import allow

blueprint = Blueprint("results_api", __name__)


@blueprint.get("/api/v1/contests/<code>/results")
@allow("everyone")
def results(code: str) -> Any:
    """`leitai.results/1` from the notice on; before it, 404 with the reason."""
    with services().db.reading() as session:
        contest = contest_by_code(session, code)
        phase = contest_phase(contest) if contest else "draft"
        if contest is None or phase == "draft":
            raise DomainError("unknown", _("没有这项竞赛"), "contest")
        if phase not in PUBLISHED:
            error = DomainError("not_open", _("这项竞赛的结果从公示起公布，现在还没有公示"))
            response = jsonify(ok=False, error=error.as_dict(), phase=phase)
            response.status_code = 404
        else:
            response = jsonify(services().results.of(session, contest).as_json())
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/api/v1/openapi.json")
@allow("everyone")
def openapi() -> Any:
    """The OpenAPI 3.1 document."""
    response = jsonify(document(current_app))
    response.headers["Cache-Control"] = "no-cache"
    return response
