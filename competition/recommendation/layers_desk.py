"""Lower contests whose winners come up (层层): by a click on one server, by a signed package between two."""

from __future__ import annotations

from typing import Any, Final

import segno
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests.doors import own_contest, public_address
from competition.contests.models import Contest, Track
from competition.contests.queries import contest_by_code, get_track
from competition.extensions import limiter, services
from competition.recommendation import claiming, layering, layers, promotion
from competition.recommendation.layers import Package, PackageError
from competition.recommendation.winners import READY, on_paper, winners_of
from competition.registration.models import Layer, Registration
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow, takes

blueprint = Blueprint("layers", __name__)

PHASES: Final = {
    "notice": _l("公示中"),
    "final": _l("最终结果"),
    "archived": _l("已归档"),
}


@blueprint.get("/manage/<code>/layers")
@allow("organiser")
def desk(code: str) -> Any:
    return _page(code)


@blueprint.post("/manage/<code>/layers")
@allow("organiser")
def add(code: str) -> Any:
    form = request.form
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            top = form.get("top", "")
            layering.add_layer(
                session,
                contest,
                get_track(session, contest.id, form.get("track", "")),
                (form.get("lower_contest", "").strip(), form.get("lower_track", "").strip()),
                int(top) if top.isascii() and top.isdigit() and len(top) < 6 else 0,
                peer_id=int(form["peer"]) if form.get("peer", "").isdigit() else None,
                actor=actor(),
                now=clock.now(),
            )
    except DomainError as error:
        return _page(code, error=error)
    flash(_("已列为下级赛项。"))
    return _back(code)


@blueprint.post("/manage/<code>/layers/<int:layer_id>/remove")
@allow("organiser")
def remove(code: str, layer_id: int) -> Any:
    with services().db.transaction() as session:
        layering.remove_layer(
            session, _layer(session, own_contest(session, code), layer_id), actor=actor(), now=clock.now()
        )
    flash(_("已移除。已经上来的报名保留不变。"))
    return _back(code)


@blueprint.post("/manage/<code>/layers/<int:layer_id>/bring")
@allow("organiser")
def bring(code: str, layer_id: int) -> Any:
    """Drafts the first of a lower track on this server."""
    who: Actor = actor()
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            layer = _layer(session, contest, layer_id)
            lower, track = _lower(session, contest, layer)
            source, winners = winners_of(session, lower, track, layer.top, services().results.of(session, lower))
            done = promotion.bring_up(
                session,
                layer,
                source,
                winners,
                stamp=promotion.stamp_of(source),
                here=promotion.entries_here(session, lower.id),
                paper=request.form.get("paper", ""),
                actor=who,
                now=clock.now(),
            )
    except DomainError as error:
        return _page(code, error=error)
    return _page(code, brought=done)


@blueprint.post("/manage/<code>/layers/<int:layer_id>/package")
@takes(layers.MAX_BYTES + 64 * 1024)
@allow("organiser")
def take_package(code: str, layer_id: int) -> Any:
    """Drafts what a signed package from another server brings."""
    given = request.files.get("package")
    data = given.read(layers.MAX_BYTES + 1) if given else b""
    try:
        package = layers.read(data)
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            layer = _layer(session, contest, layer_id)
            peer = promotion.check_package(session, layer, package)
            ranked = [(winner.entry, winner.rank) for winner in sorted(package.winners, key=lambda each: each.rank)]
            among = set(layers.first(ranked, layer.top))
            done = promotion.bring_up(
                session,
                layer,
                package.source,
                [winner for winner in package.winners if winner.entry in among],
                stamp=promotion.stamp_of(package.source, peer=peer, package=package),
                paper=request.form.get("paper", ""),
                actor=actor(),
                now=clock.now(),
            )
    except PackageError as bad:
        return _page(code, error=DomainError("bad_request", " ".join(bad.problems[:20])))
    except DomainError as error:
        return _page(code, error=error)
    return _page(code, brought=done)


@blueprint.post("/manage/<code>/layers/package")
@allow("organiser")
def make_package(code: str) -> Any:
    """The first of one of this contest's tracks as a signed file for the server above."""
    top = request.form.get("top", "")
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            track = get_track(session, contest.id, request.form.get("track", ""))
            if not (top.isascii() and top.isdigit() and 1 <= int(top[:6]) <= layering.MOST):
                raise DomainError("bad_request", _("名额须为 1 至 %(most)s 的整数。", most=layering.MOST), "top")
            source, winners = winners_of(session, contest, track, int(top), services().results.of(session, contest))
            if request.form.get("paper"):
                winners = [on_paper(winner) for winner in winners]
            now = clock.now()
            key = layering.server_key(session, services().vault, now)
            package = Package(source, now.isoformat(timespec="seconds"), _server_name(), tuple(winners))
            data = layers.sign(package, key)
    except DomainError as error:
        return _page(code, error=error)
    name = f"{source.contest}-{source.track}-top{top}.json"
    return Response(
        data, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@blueprint.post("/manage/<code>/layers/peers")
@allow("organiser")
def add_peer(code: str) -> Any:
    form = request.form
    try:
        with services().db.transaction() as session:
            own_contest(session, code)
            layering.add_peer(session, form.get("name", ""), form.get("public_key", ""), actor=actor(), now=clock.now())
    except DomainError as error:
        return _page(code, error=error)
    flash(_("已登记。请再次与对方核对指纹。"))
    return _back(code)


@blueprint.post("/manage/<code>/layers/peers/<int:peer_id>/remove")
@allow("organiser")
def remove_peer(code: str, peer_id: int) -> Any:
    try:
        with services().db.transaction() as session:
            own_contest(session, code)
            layering.remove_peer(session, peer_id, actor=actor(), now=clock.now())
    except DomainError as error:
        return _page(code, error=error)
    return _back(code)


@blueprint.post("/manage/<code>/layers/claims/<number>")
@allow("organiser")
def claim_link(code: str, number: str) -> Any:
    """A link for the person a draft names, shown once."""
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            registration = session.scalar(
                select(Registration).where(Registration.number == number, Registration.contest_id == contest.id)
            )
            if registration is None:
                abort(404)
            token = claiming.claim_link(session, registration, actor=actor(), now=clock.now())
            title = registration.title
    except DomainError as error:
        return _page(code, error=error)
    address = public_address() + url_for("layers.claim", token=token)
    svg = Markup(segno.make(address, error="m").svg_inline(scale=5, border=2, omitsize=True))
    return render_template("recommendation/claim_link.html", code=code, address=address, svg=svg, title=title)


@blueprint.route("/claim/<token>", methods=["GET", "POST"])
@limiter.limit("30 per minute")
@allow("signed_in")
def claim(token: str) -> Any:
    """Takes over a draft that came up under the person's name."""
    who: Actor = actor()
    now = clock.now()
    try:
        if request.method == "POST":
            with services().db.transaction() as session:
                number = claiming.claim(session, token, actor=who, now=now).number
            return redirect(f"/registrations/{number}", 303)
        with services().db.reading() as session:
            _row, registration = claiming.claimable(session, token, now)
            contest = session.get_one(Contest, registration.contest_id)
            track = session.get_one(Track, registration.track_id)
            return render_template(
                "recommendation/claim.html",
                registration=registration,
                names=[person.name for person in registration.people],
                contest=contest,
                track=track,
                rehearsal=contest.rehearsal,
            )
    except DomainError as error:
        return render_template("recommendation/claim.html", refused=error.message), 404


def _server_name() -> str:
    return str(services().config.public_url)


def _layer(session: Session, contest: Contest, layer_id: int) -> Layer:
    layer = session.get(Layer, layer_id)
    if layer is None or layer.contest_id != contest.id:
        abort(404)
    return layer


def _lower(session: Session, contest: Contest, layer: Layer) -> tuple[Contest, Track]:
    lower = contest_by_code(session, layer.lower_contest)
    if lower is None:
        sentence = _("本服务器上没有竞赛 %(code)s。在别的服务器上的，请用上报包。", code=layer.lower_contest)
        raise DomainError("unknown", sentence)
    if lower.rehearsal != contest.rehearsal:
        raise DomainError("forbidden", _("演练与正式比赛不能互相晋级。"))
    return lower, get_track(session, lower.id, layer.lower_track)


def _page(code: str, *, error: DomainError | None = None, brought: promotion.Brought | None = None) -> Any:
    with services().db.transaction() as session:
        # The key is made here, so that its public half can be given to whoever is above.
        contest = own_contest(session, code)
        public = layering.public_text(layering.server_key(session, services().vault, clock.now()))
    with services().db.reading() as session:
        contest = own_contest(session, code)
        tracks = {track.id: track for track in contest.tracks}
        listed = []
        for layer in layering.layers_of(session, contest.id):
            lower = contest_by_code(session, layer.lower_contest) if layer.peer_id is None else None
            track = next((each for each in lower.tracks if each.code == layer.lower_track), None) if lower else None
            listed.append((layer, tracks[layer.track_id], lower, track))
        up = layering.promotions_of(session, list(tracks))
        registrations = {
            row.id: row
            for row in session.scalars(
                select(Registration).where(
                    Registration.id.in_([each.registration_id for each in up if each.registration_id])
                )
            )
        }
        unclaimed = {row.id for row in registrations.values() if any(person.person_id is None for person in row.people)}
        page = render_template(
            "recommendation/layers.html",
            contest=contest,
            listed=listed,
            peers=layering.peers(session),
            promotions=up,
            registrations=registrations,
            unclaimed=unclaimed,
            tracks=list(tracks.values()),
            ready=[track for track in tracks.values() if track.phase in READY],
            ready_phases=READY,
            phases=PHASES,
            public_key=public,
            print=layers.fingerprint,
            error=error,
            brought=brought,
            rehearsal=contest.rehearsal,
        )
    return page, {"forbidden": 403, "unknown": 404}.get(error.code, 409) if error else 200


def _back(code: str) -> Any:
    return redirect(url_for("layers.desk", code=code), 303)
