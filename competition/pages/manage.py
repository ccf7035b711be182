"""The organiser's desk: the same tables at any phase, phases, windows, the freeze, sign-in links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import segno
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from competition.contests.doors import own_contest, public_address
from competition.contests.missing import Missing
from competition.contests.models import PHASES, Track
from competition.contests.queries import get_track
from competition.contests.service import missing_for, move_phase
from competition.extensions import services
from competition.pages import wording
from competition.pages.queries import card, entry_counts
from competition.pages.seating import Seat
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("manage", __name__)

REFUSED = {"forbidden": 403, "unknown": 404, "bad_request": 400}


@dataclass(frozen=True)
class TrackDesk:
    """A track as its row of the desk: where it stands, what comes next and what that still lacks."""

    row: Track
    next: str | None
    missing: list[Missing]


@blueprint.get("/manage/<code>")
@allow("organiser")
def contest(code: str) -> Any:
    return desk(code)


@blueprint.post("/manage/<code>/phase")
@allow("organiser")
def phase(code: str) -> Any:
    form = request.form
    try:
        with services().db.transaction() as session:
            row = own_contest(session, code)
            track = get_track(session, row.id, form.get("track", ""))
            move_phase(
                session,
                [track],
                form.get("phase", ""),
                actor=actor(),
                now=clock.now(),
                force=form.get("force") == "1",
                reason=form.get("reason", ""),
            )
            flash(_("“%(track)s”已进入：%(phase)s", track=track.title, phase=wording.PHASES[track.phase]))
    except DomainError as error:
        return desk(code, error=error)
    return back(code)


@blueprint.post("/manage/<code>/window")
@allow("organiser")
def window(code: str) -> Any:
    form = request.form
    words = {name: form.get(name, "") for name in ("track", "stage", "state", "reason")}
    return _decide(code, "window", words, _("评分窗口已改为：%(state)s", state=wording.WINDOWS.get(words["state"], "")))


@blueprint.post("/manage/<code>/freeze")
@allow("organiser")
def freeze(code: str) -> Any:
    form = request.form
    on = form.get("on") == "1"
    words = {"track": form.get("track", ""), "on": on, "reason": form.get("reason", "")}
    return _decide(code, "freeze", words, _("已封榜，公众看到的榜单停在这一刻") if on else _("已解除封榜"))


@blueprint.post("/manage/<code>/link")
@allow("organiser")
def link(code: str) -> Any:
    """A new sign-in link, shown once, as an address and as a QR code."""
    with services().db.transaction() as session:
        row = own_contest(session, code)
        wanted = request.form.get("seat")
        seat = next((seat for seat in services().seating.seats(session, row) if seat.key == wanted), None)
        if seat is None:
            abort(404)
        token = services().seating.link(session, row, seat, actor=actor(), now=clock.now())
        title, rehearsal = row.title, row.rehearsal
    address = public_address() + url_for("accounts.use_link", token=token)
    code_svg = Markup(segno.make(address, error="m").svg_inline(scale=6, border=2, omitsize=True))
    return render_template(
        "pages/ticket.html",
        code=code,
        title=title,
        seat=seat,
        address=address,
        svg=code_svg,
        words=wording,
        rehearsal=rehearsal,
    )


def desk(code: str, *, error: DomainError | None = None) -> Any:
    """The whole desk; with `error` what was refused stands at its head, and the answer says so."""
    with services().db.reading() as session:
        row = own_contest(session, code)
        shown = card(row, entry_counts(session))
        results = services().results.of(session, row)
        tracks = [_track_desk(session, track) for track in row.tracks]
        seats: list[Seat] = services().seating.seats(session, row)
        page = render_template(
            "pages/manage.html",
            card=shown,
            results=results,
            tracks=tracks,
            seats=seats,
            words=wording,
            phases=PHASES,
            error=error,
            rehearsal=row.rehearsal,
        )
    return page, REFUSED.get(error.code, 409) if error else 200


def _track_desk(session: Session, track: Track) -> TrackDesk:
    place = PHASES.index(track.phase) + 1
    following = PHASES[place] if place < len(PHASES) else None
    return TrackDesk(track, following, missing_for(session, track, following) if following else [])


def _decide(code: str, kind: str, words: dict[str, Any], done: str) -> Any:
    with services().db.reading() as session:
        own = own_contest(session, code).code
    try:
        services().seating.decide(kind, {"contest": own, **words}, actor=actor(), now=clock.now())
    except DomainError as error:
        return desk(code, error=error)
    flash(done)
    return back(code)


def back(code: str) -> Any:
    return redirect(url_for("manage.contest", code=code), 303)
