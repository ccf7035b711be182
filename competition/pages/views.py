"""Public pages that join several stages: home, a contest, its results."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests import queries as contests
from competition.contests.models import Contest
from competition.contests.policy import can_found, can_run
from competition.extensions import limiter, services
from competition.pages import demo, wording
from competition.pages.facts import facts_of
from competition.pages.queries import BoardBeside, ContestCard, card, cards, entry_counts, open_first
from competition.shared import clock
from competition.shared.guards import actor, allow

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@allow("everyone")
def home() -> Any:
    who: Actor = actor()
    with services().db.reading() as session:
        found = cards(session, drafts=who.has("admin"))
        mine = contests_run_by(session, who)
        found = open_first(found, session, clock.now())
        founds = can_found(who)
    return render_template(
        "pages/home.html", contests=found, mine=mine, founds=founds, words=wording, demo_seats=seats_by_contest()
    )


@blueprint.post("/demo/<int:number>")
@limiter.limit("60 per minute")
@allow("everyone")
def demo_sign_in(number: int) -> Any:
    """Signs in on a seat of the demonstration; elsewhere there is no such page."""
    config = services().config
    if not config.demo_links:
        abort(404)
    with services().db.transaction() as session:
        token = demo.fresh_token(session, config, number)
    return redirect(url_for("accounts.use_link", token=token), 303)


@blueprint.get("/contests/<code>")
@allow("everyone")
def contest(code: str) -> Any:
    with services().db.reading() as session:
        row = open_contest(session, code)
        counts = entry_counts(session)
        definition = contests.definition(session, row.id)
        shown = card(row, counts)
        facts = facts_of(session, row, clock.now())
        others = [each for each in cards(session) if each.live and each.code != row.code]
        manages = can_run(actor(), row.id)
    beside = [found for each in (shown, *others) if (found := board_beside(each))][:2]
    return render_template(
        "pages/contest.html",
        contest=definition,
        card=shown,
        facts=facts,
        others=others,
        manages=manages,
        rules_published=row.published_at is not None,
        beside=beside,
        words=wording,
        rehearsal=shown.rehearsal,
    )


@blueprint.get("/contests/<code>/results")
@allow("everyone")
def results(code: str) -> Any:
    with services().db.reading() as session:
        row = open_contest(session, code)
        shown = card(row, entry_counts(session))
        found = services().results.of(session, row) if shown.results else None
    if found is None:
        return render_template("pages/results_later.html", card=shown, words=wording, rehearsal=shown.rehearsal), 404
    return render_template(
        "pages/results.html",
        results=found,
        card=shown,
        words=wording,
        rehearsal=shown.rehearsal,
        tables=[table for table in found.tables if table.published],
    )


def board_beside(shown: ContestCard) -> BoardBeside | None:
    """The head of the first board of a contest that is being marked, as the public sees it."""
    for track in shown.tracks:
        if not track.board or track.phase not in ("scoring", "review"):
            continue
        topic = services().publisher.get(shown.code, track.code, "public")
        if topic is not None and topic.payload:
            rows = [row for row in topic.payload["rows"] if row.get("rank") is not None]
            return BoardBeside(shown, track, topic.payload["state"], rows[:3], len(rows), len(topic.payload["rows"]))
    return None


def open_contest(session: Session, code: str) -> Contest:
    """The contest of that code; a draft is there for those who run it alone."""
    row = contests.contest_by_code(session, code)
    if row is None or (contests.contest_phase(row) == "draft" and not can_run(actor(), row.id)):
        abort(404)
    return row


def contests_run_by(session: Session, who: Actor) -> list[Contest]:
    """The contests whose desk the person may open, rehearsals among them."""
    if not who.signed_in:
        return []
    return [each for each in contests.contests(session, rehearsals=True) if can_run(who, each.id)]


def seats_by_contest() -> dict[str, list[demo.DemoSeat]]:
    grouped: dict[str, list[demo.DemoSeat]] = {}
    for seat in demo.demo_seats(services().config):
        grouped.setdefault(seat.contest_title, []).append(seat)
    return grouped
