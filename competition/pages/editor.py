"""The organiser's editor: a desk of sections, each a form that is saved by itself.

What was typed is never lost: a refused form comes back as it was, and one that would overwrite what somebody else
saved in between shows the difference first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from competition.accounts.policy import ROLE_TABLE
from competition.bundle import editing
from competition.contests import occupations, staffing
from competition.contests.describing import authorised
from competition.contests.doors import own_contest
from competition.contests.models import Contest, Stage, Track
from competition.contests.queries import contest_phase
from competition.extensions import limiter, services
from competition.pages import editor_rubric, editor_trial, wording
from competition.pages.editor_asking import ASKING
from competition.pages.editor_eligibility import ELIGIBILITY
from competition.pages.editor_fields import Form, State, difference, digest, read_state
from competition.pages.editor_rule_pages import RULES
from competition.pages.editor_rules import tie_keys, track_place
from competition.pages.editor_schemes import SCHEMES
from competition.pages.editor_sections import FRAME, By, Section, choices
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("editor", __name__)

SECTIONS: Final = {one.key: one for one in (*FRAME, *RULES, ELIGIBILITY, SCHEMES, *ASKING)}
MENU: Final = (
    (_l("赛事"), ("basics", "hosts", "dates", "groups")),
    (_l("赛项与规则"), ("tracks", "teams", "schemes")),
    (_l("报名"), ("form", "files", "chain")),
    (_l("现场"), ("venues", "board")),
)
STATUS: Final = {"forbidden": 403, "unknown": 404, "conflict": 409, "locked": 409}


@dataclass(frozen=True)
class Item:
    """A line of the side menu: what is missing there, and whether it is the page that is open."""

    title: Any
    url: str
    missing: list[str]
    here: bool = False
    level: int = 0


@blueprint.get("/manage/<code>/edit")
@allow("organiser")
def overview(code: str) -> Any:
    """The editor's first page: every section with what it still lacks."""
    with services().db.reading() as session:
        row = own_contest(session, code)
        return render_template("editor/overview.html", **frame(session, row))


@blueprint.route("/manage/<code>/edit/<section>", methods=["GET", "POST"])
@allow("organiser")
def section(code: str, section: str) -> Any:
    return _answer(code, section, "", "")


@blueprint.route("/manage/<code>/edit/<section>/<track>", methods=["GET", "POST"])
@allow("organiser")
def track_section(code: str, section: str, track: str) -> Any:
    return _answer(code, section, track, "")


@blueprint.route("/manage/<code>/edit/<section>/<track>/<stage>", methods=["GET", "POST"])
@allow("organiser")
def stage_section(code: str, section: str, track: str, stage: str) -> Any:
    return _answer(code, section, track, stage)


@blueprint.get("/manage/<code>/edit/people")
@allow("organiser")
def people(code: str) -> Any:
    return _people(code)


@blueprint.post("/manage/<code>/edit/people")
@limiter.limit("60 per hour")
@allow("organiser")
def appoint(code: str) -> Any:
    """Gives a role, or takes one back."""
    sent = request.form
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            by = {"actor": actor(), "now": clock.now()}
            if sent.get("dismiss"):
                key = int(sent["dismiss"]) if re.fullmatch(r"[0-9]{1,9}", sent["dismiss"]) else 0
                name = staffing.dismiss(session, contest, key, **by)
                said = _("已收回%(name)s的任命。", name=name)
            else:
                words = (sent.get("login", ""), sent.get("role", ""), sent.get("track", ""))
                said = _("已任命%(name)s。", name=staffing.appoint(session, contest, *words, **by))
    except DomainError as error:
        return _people(code, error), STATUS.get(error.code, 422)
    flash(said)
    return redirect(request.path, 303)


def _people(code: str, error: DomainError | None = None) -> str:
    with services().db.reading() as session:
        contest = own_contest(session, code)
        found = staffing.posts(session, contest)
        return render_template(
            "editor/people.html",
            posts=found,
            missing=staffing.missing(found),
            roles=[(role, ROLE_TABLE[role].title) for role in staffing.ROLES],
            error=error,
            sent=request.form if error else {},
            **frame(session, contest),
        )


def _answer(code: str, key: str, track_code: str, stage_code: str) -> Any:
    if request.method == "GET":
        with services().db.reading() as session:
            contest = own_contest(session, code)
            found, track = _found(contest, key, track_code, stage_code)
            return _page(session, contest, found, track, Form(found.parts, found.read(session, contest, track)))
    with services().db.reading() as session:
        contest = own_contest(session, code)
        found, track = _found(contest, key, track_code, stage_code)
        form = Form(found.parts, read_state(found.parts, request.form))
        do = request.form.get("do", "save")
        if do == "try" or found.apply(form.state, found.parts, do):
            return _page(session, contest, found, track, form, typed=True)
        if do != "save":
            abort(400)
        # The page is drawn again from what was sent where it is refused, so the answer knows what it was about.
        stale = _stale(found.read(session, contest, track))
        if stale:
            return _page(session, contest, found, track, form, typed=True, stale=stale), 409
    try:
        done = _save(code, key, track_code, stage_code, form.state)
    except DomainError as error:
        return _refused(code, key, track_code, stage_code, form, error)
    if done == "asked":
        flash(_("已提请第二位主办方同意，同意后生效。"))
    else:
        flash(_("已保存：%(section)s", section=found.title))
    return redirect(request.path, 303)


def _found(contest: Contest, key: str, track_code: str, stage_code: str) -> tuple[Section, Track | None]:
    """The section of an address with its track, or a 404."""
    track = next((one for one in contest.tracks if one.code.casefold() == track_code.casefold()), None)
    if key == "rubric" and track is not None:
        stage = next((one for one in track.stages if one.code.casefold() == stage_code.casefold()), None)
        if stage is not None:
            return editor_rubric.section_for(stage), track
    found = SECTIONS.get(key)
    if found is None or stage_code or found.per_track != bool(track_code) or found.per_track != (track is not None):
        abort(404)
    return found, track


def _stale(stored: State) -> State | None:
    """What is stored, where it is neither what the form began with nor what the person chose to overwrite."""
    now = digest(stored)
    return None if now in (request.form.get("base"), request.form.get("over")) else stored


def _save(code: str, key: str, track_code: str, stage_code: str, state: State) -> str:
    with services().db.transaction() as session:
        contest = own_contest(session, code)
        # The row is held first, so that what is compared is what is overwritten.
        authorised(session, contest, actor())
        found, track = _found(contest, key, track_code, stage_code)
        stale = _stale(found.read(session, contest, track))
        if stale:
            raise DomainError("conflict", _("刚刚有人保存了这一页。"), stored=stale)
        by = By(actor(), clock.now(), request.form.get("reason", ""))
        return found.save(session, contest, track, state, by)


def _refused(code: str, key: str, track_code: str, stage_code: str, form: Form, error: DomainError) -> Any:
    problems: Any = error.details.get("problems") or [{"place": error.field or "", "sentence": error.message}]
    stored: Any = error.details.get("stored")
    for problem in [] if stored else problems:
        form.errors.setdefault(str(problem["place"]), []).append(str(problem["sentence"]))
    with services().db.reading() as session:
        contest = own_contest(session, code)
        found, track = _found(contest, key, track_code, stage_code)
        page = _page(session, contest, found, track, form, typed=True, stale=stored)
    return page, STATUS.get(error.code, 422)


def _page(
    session: Session,
    contest: Contest,
    found: Section,
    track: Track | None,
    form: Form,
    *,
    typed: bool = False,
    stale: State | None = None,
) -> str:
    """A section's page; `typed`: the form holds what was sent and is not saved; `stale`: what stands there instead."""
    stored = found.read(session, contest, track)
    lists = choices(session, contest)
    extra: dict[str, Any] = {}
    if found.key == "rubric":
        extra = {"outline": editor_rubric.shown(form.state)}
    elif found.key == "ranking" and track is not None:
        document = editing.document_of(session, contest)
        place = track_place(document, track.code)
        lists["tie_keys"] = tie_keys(document, place)
        extra = {"trial": editor_trial.shown(document, place, form.state, request.form)}
    return render_template(
        found.template,
        section=found,
        track=track,
        form=form,
        lists=lists,
        base=request.form.get("base") if typed else digest(stored),
        over=digest(stale) if stale else "",
        changes=difference(found.lines(found.parts, stale), found.lines(found.parts, form.state)) if stale else [],
        stale=bool(stale),
        typed=typed,
        occupations=occupations.occupations() if found.key == "tracks" else (),
        **extra,
        **frame(session, contest),
    )


def frame(session: Session, contest: Contest) -> dict[str, Any]:
    """What every page of the editor shows: the contest, the side menu, whether its rules are still a draft."""
    menu = []
    for title, keys in MENU:
        items = [_item(session, contest, SECTIONS[key], None) for key in keys]
        if "tracks" in keys:
            items[1:1] = [item for track in contest.tracks for item in _track_items(session, contest, track)]
        if "venues" in keys:
            url = url_for("editor.people", code=contest.code)
            items.append(Item(_("人员"), url, staffing.missing(staffing.posts(session, contest)), request.path == url))
        menu.append((title, items))
    every = [item for _title, items in menu for item in items]
    return {
        "contest": contest,
        "menu": menu,
        "lacking": sum(bool(item.missing) for item in every),
        "draft": editing.is_draft(contest),
        "phase": contest_phase(contest),
        "words": wording,
        "rehearsal": contest.rehearsal,
    }


def _track_items(session: Session, contest: Contest, track: Track) -> list[Item]:
    items = [Item(track.title, "", [], level=1)] if len(contest.tracks) > 1 else []
    items.append(_item(session, contest, SECTIONS["stages"], track))
    items += [_rubric_item(contest, track, stage) for stage in track.stages]
    items.append(_item(session, contest, SECTIONS["ranking"], track))
    items.append(_item(session, contest, ELIGIBILITY, track))
    return items


def _rubric_item(contest: Contest, track: Track, stage: Stage) -> Item:
    url = url_for("editor.stage_section", code=contest.code, section="rubric", track=track.code, stage=stage.code)
    return Item(_("评分标准：%(stage)s", stage=stage.title), url, [], request.path == url, 2)


def _item(session: Session, contest: Contest, found: Section, track: Track | None) -> Item:
    if track is None:
        url = url_for("editor.section", code=contest.code, section=found.key)
    else:
        url = url_for("editor.track_section", code=contest.code, section=found.key, track=track.code)
    return Item(
        found.title, url, found.missing(found.read(session, contest, track)), request.path == url, 2 if track else 0
    )
