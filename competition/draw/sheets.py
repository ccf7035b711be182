"""Badges, seat sheets and QR sheets to print.

What carries names is for the door and its organisers; what carries codes is for the coder. No sheet carries both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from flask import Blueprint, abort, render_template, request, url_for

from competition.accounts.policy import Actor
from competition.contests.doors import own_contest, public_address
from competition.contests.queries import contest_by_code, get_track
from competition.draw.policy import can_code
from competition.draw.queries import get_layer, mapping
from competition.extensions import services
from competition.registration.checkin import arrivals
from competition.shared import clock
from competition.shared.guards import actor, allow

blueprint = Blueprint("draw_sheets", __name__)
KINDS = ("list", "badges")
Thing = TypeVar("Thing")


@blueprint.get("/manage/<code>/sheets/door")
@allow("organiser")
def door(code: str) -> Any:
    """The check-in list to sign, or name badges with the QR code that the door reads."""
    kind = request.args.get("kind", "list")
    with services().db.reading() as session:
        contest = own_contest(session, code)
        rows = arrivals(session, contest)
        chosen = request.args.get("track", "")
        return render_template(
            "draw/sheet_door.html",
            contest=contest,
            kind=kind if kind in KINDS else "list",
            tracks=[
                (track, [row for row in rows if row.track == track.code])
                for track in contest.tracks
                if chosen in ("", track.code)
            ],
            now=clock.now(),
            rehearsal=contest.rehearsal,
        )


@blueprint.get("/code/<code>/<track>/sheets")
@allow("coder")
def codes(code: str, track: str) -> Any:
    """A layer's numbers as cards and seat labels: numbers and stations, nothing that was before."""
    who: Actor = actor()
    with services().db.reading() as session:
        contest = contest_by_code(session, code)
        if contest is None or not can_code(who, contest.id):
            abort(403)
        row = get_track(session, contest.id, track)
        layer = get_layer(session, row, request.args.get("layer", ""))
        lines = mapping(session, who, row, layer)
        return render_template(
            "draw/sheet_codes.html", contest=contest, track=row, layer=layer, lines=lines, rehearsal=contest.rehearsal
        )


@blueprint.get("/manage/<code>/sheets/seats")
@allow("organiser")
def seats(code: str) -> Any:
    """What the QR sheet of the judges' seats will hold, and the button that makes it."""
    return _seats(code, made=False)


@blueprint.post("/manage/<code>/sheets/seats")
@allow("organiser")
def make_seats(code: str) -> Any:
    """A fresh sign-in link for each seat that was ticked, shown this once to be printed."""
    return _seats(code, made=True)


def _seats(code: str, *, made: bool) -> Any:
    tickets: list[tuple[Any, str]] = []
    wanted = set(request.form.getlist("seat"))
    with services().db.transaction() if made else services().db.reading() as session:
        contest = own_contest(session, code)
        everybody = services().seating.seats(session, contest)
        for seat in everybody if made else ():
            if seat.key in wanted:
                token = services().seating.link(session, contest, seat, actor=actor(), now=clock.now())
                tickets.append((seat, public_address() + url_for("accounts.use_link", token=token)))
        return render_template(
            "draw/sheet_seats.html",
            contest=contest,
            seats=everybody,
            tickets=tickets,
            made=made,
            now=clock.now(),
            rehearsal=contest.rehearsal,
        )


@blueprint.app_template_filter("in_eights")
def in_eights(things: list[Thing]) -> Iterator[list[Thing]]:
    """Pages of a sheet with eight cards each."""
    for start in range(0, len(things), 8):
        yield things[start : start + 8]
