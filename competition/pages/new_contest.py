"""A new contest: from a template, a plan item, or last year's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.bundle import founding
from competition.bundle.founding import Named
from competition.contests import queries
from competition.contests.models import Contest
from competition.contests.policy import can_found, can_run, founding_units
from competition.contests.rules import CONTEST_KINDS, LEVELS
from competition.contests.templates import TITLES
from competition.extensions import limiter, services
from competition.pages import wording
from competition.pages.editor_fields import Form
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("new_contest", __name__)


@blueprint.get("/manage/new")
@allow("organiser", "unit")
def new() -> Any:
    """The form; `?plan=` and `?clone=` choose what it begins with."""
    who: Actor = actor()
    with services().db.reading() as session:
        _knock(session, who)
        start = request.args.get("start", "")
        named = _suggested(session, who)
        if plan := request.args.get("plan"):
            start = f"plan:{plan}"
        elif source := request.args.get("clone"):
            start = f"clone:{source}"
        return _page(session, who, named, start or "skill")


@blueprint.post("/manage/new")
@limiter.limit("30 per hour")
@allow("organiser", "unit")
def make() -> Any:
    who: Actor = actor()
    sent = request.form
    words = {name: sent.get(name, "").strip() for name in ("code", "title", "kind", "level", "year", "unit")}
    named, start = Named(**words), sent.get("start", "")
    now = clock.now()
    try:
        with services().db.transaction() as session:
            _knock(session, who)
            how, _colon, which = start.partition(":")
            if how == "plan":
                contest = founding.from_plan(session, _number(which), named, actor=who, now=now)
            elif how == "clone":
                contest = founding.from_contest(session, _source(session, which), named, actor=who, now=now)
            else:
                contest = founding.from_template(session, start, named, actor=who, now=now)
            code = contest.code
    except DomainError as error:
        with services().db.reading() as session:
            page = _page(session, who, named, start, error)
        return page, {"forbidden": 403, "unknown": 404}.get(error.code, 422)
    flash(_("赛事已经建好，你是它的主办方。下面逐页补齐就可以发布。"))
    return redirect(url_for("editor.overview", code=code), 303)


def _knock(session: Session, who: Actor) -> None:
    if not can_found(who) and not _own(session, who):
        abort(403)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _source(session: Session, code: str) -> Contest:
    source = queries.contest_by_code(session, code)
    if source is None:
        raise DomainError("unknown", _("没有代码为“%(code)s”的赛事。", code=code), "start")
    return source


def _own(session: Session, who: Actor) -> list[Contest]:
    """The contests that may be cloned."""
    return [each for each in queries.contests(session) if can_run(who, each.id)]


def _suggested(session: Session, who: Actor) -> Named:
    """Names that the form begins with."""
    year = clock.now().year
    if plan := request.args.get("plan"):
        try:
            item = founding.plan_item(session, _number(plan), who)
        except DomainError as error:
            abort({"forbidden": 403, "conflict": 409}.get(error.code, 404))
        unit = session.get(Unit, item.unit_id) if item.unit_id else None
        code = founding.free_contest_code(session, f"{item.kind}-{item.season.year}-{item.id}")
        return Named(code, item.title, item.kind, item.level, str(item.season.year), unit.code if unit else "")
    if clone := request.args.get("clone"):
        source = queries.contest_by_code(session, clone)
        if source is None or not can_run(who, source.id):
            abort(404)
        old, new = str(source.year), str(max(source.year + 1, year))
        code = source.code.replace(old, new) if old in source.code else f"{source.code}-{new}"
        code = founding.free_contest_code(session, code[:60])
        return Named(code, source.title.replace(old, new), source.kind, source.level, new)
    return Named("", "", request.args.get("start", "skill"), "city", str(year))


def _page(session: Session, who: Actor, named: Named, start: str, error: DomainError | None = None) -> str:
    units = session.execute(select(Unit.id, Unit.code, Unit.name).where(Unit.archived_at.is_(None)).order_by(Unit.name))
    own = founding_units(who)
    wide = who.has("admin") or any(grant.role == "organiser" for grant in who.grants)
    form = Form((), asdict(named))
    if error is not None:
        problems: Any = error.details.get("problems") or [{"place": error.field or "", "sentence": error.message}]
        for problem in problems:
            form.errors.setdefault(str(problem["place"]), []).append(str(problem["sentence"]))
    return render_template(
        "editor/new.html",
        named=named,
        start=start,
        form=form,
        fixed=start if start.startswith(("plan:", "clone:")) else "",
        templates=TITLES if can_found(who) else {},
        sources=_own(session, who)[:60],
        units=[(code, name) for key, code, name in units if wide or key in own],
        wide=wide,
        kinds=CONTEST_KINDS,
        levels=LEVELS,
        words=wording,
    )
