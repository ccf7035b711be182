"""The public's doors to a draw: what was committed to, the seed once it is out, and how to check."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, jsonify, render_template
from sqlalchemy.orm import Session

from competition.contests.models import Contest
from competition.contests.policy import can_run
from competition.contests.queries import contest_by_code, contest_phase, get_track
from competition.draw.public import published
from competition.extensions import services
from competition.shared.guards import actor, allow

blueprint = Blueprint("draw_public", __name__)


@blueprint.get("/contests/<code>/draw")
@allow("everyone")
def page(code: str) -> Any:
    with services().db.reading() as session:
        contest = _contest(session, code)
        tracks = [(track, published(session, contest, track, services().vault)) for track in contest.tracks]
        return render_template("draw/public.html", contest=contest, tracks=tracks, rehearsal=contest.rehearsal)


@blueprint.get("/contests/<code>/draw/<track>.json")
@allow("everyone")
def document(code: str, track: str) -> Any:
    """The file that `leitai draw FILE.json --replay` reads."""
    with services().db.reading() as session:
        contest = _contest(session, code)
        response = jsonify(published(session, contest, get_track(session, contest.id, track), services().vault))
    response.headers["Cache-Control"] = "no-cache"
    return response


def _contest(session: Session, code: str) -> Contest:
    contest = contest_by_code(session, code)
    if contest is None or (contest_phase(contest) == "draft" and not can_run(actor(), contest.id)):
        abort(404)
    return contest
