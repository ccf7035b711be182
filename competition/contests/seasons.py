"""The year's plan of contests: proposals, approval (立项), labels."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.accounts.unit_queries import spoken_for
from competition.contests import planning
from competition.contests.about import KINDS, LABELS, LEVELS
from competition.contests.forms import ProposalForm, SeasonForm
from competition.contests.models import PlanItem, Season
from competition.extensions import limiter, services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("seasons", __name__)

REFUSED: Final = {"forbidden": 403, "unknown": 404, "bad_request": 400}
STATES: Final = {
    "draft": _l("草稿"),
    "submitted": _l("待审批"),
    "approved": _l("已立项"),
    "returned": _l("退回修改"),
    "refused": _l("不予立项"),
}
TOLD: Final = ("occupation", "occupation_code", "scope", "workers", "technology", "months", "budget", "funding", "note")


@blueprint.get("/plan")
@limiter.limit("120/minute")
@allow("everyone")
def index() -> Any:
    """Every year's plan; for an admin with the form of a new one."""
    return _index(SeasonForm())


@blueprint.post("/plan")
@allow("admin")
def create() -> Any:
    form = SeasonForm()
    if not form.validate_on_submit():
        return _index(form, 400)
    try:
        with services().db.transaction() as session:
            season = planning.create_season(
                session,
                code=str(form.code.data).strip(),
                title=str(form.title.data).strip(),
                year=int(form.year.data or 0),
                theme=str(form.theme.data or "").strip(),
                actor=actor(),
                now=clock.now(),
            )
            code = season.code
    except DomainError as error:
        _blame(form, error)
        return _index(form, REFUSED.get(error.code, 409))
    flash(_("年度计划已建立，可以申报"))
    return redirect(url_for("seasons.season", season=code), 303)


@blueprint.get("/plan/<season>")
@limiter.limit("120/minute")
@allow("everyone")
def season(season: str) -> Any:
    """What is approved, for everybody; proposals besides for those whose they are, and who decides."""
    who = _who()
    with services().db.reading() as session:
        row = _season(session, season)
        made = planning.contests_made(session, row)
        trades, units = planning.statistics(session, row)
        own = planning.seen_by(session, who, row) if who.signed_in and planning.may_propose(who) else []
        return render_template(
            "contests/season.html",
            season=row,
            approved=[item for item in row.items if item.state == "approved"],
            own=sorted(own, key=lambda item: (item.state != "submitted", item.id)),
            made=made,
            trades=trades,
            units=units,
            names=_unit_names(session, row),
            may_propose=who.signed_in and planning.may_propose(who) and row.open,
            may_decide=planning.may_decide(who),
            labels=LABELS,
            states=STATES,
            kinds=KINDS,
            levels=LEVELS,
        )


@blueprint.post("/plan/<season>/open")
@allow("admin")
def set_open(season: str) -> Any:
    """Opens or ends the taking of proposals."""
    on = request.form.get("on") == "1"
    with services().db.transaction() as session:
        row = _season(session, season)
        planning.set_open(session, row, on, actor=actor(), now=clock.now())
    flash(_("已开放申报") if on else _("已停止申报"))
    return redirect(url_for("seasons.season", season=season), 303)


@blueprint.route("/plan/<season>/propose", methods=["GET", "POST"])
@allow("unit", "organiser")
def propose(season: str) -> Any:
    """A new proposal."""
    with services().db.reading() as session:
        row = _season(session, season)
        form = _form(session)
        title, is_open = row.title, row.open
    if request.method == "POST" and form.validate_on_submit():
        try:
            with services().db.transaction() as session:
                item = planning.save(
                    session, _season(session, season), None, form.to_command(), actor=actor(), now=clock.now()
                )
                key = item.id
            flash(_("已保存。核对后请提交审批"))
            return redirect(url_for("seasons.item", key=key), 303)
        except DomainError as error:
            _blame(form, error)
            return _edit(form, season, title, is_open, None), REFUSED.get(error.code, 409)
    return _edit(form, season, title, is_open, None), 400 if form.errors else 200


@blueprint.get("/plan/items/<key>")
@allow("unit", "organiser")
def item(key: str) -> Any:
    return _item(key)


@blueprint.route("/plan/items/<key>/edit", methods=["GET", "POST"])
@allow("unit", "organiser")
def edit(key: str) -> Any:
    with services().db.reading() as session:
        row = _own(session, key)
        form = _form(session, row)
        code, title, is_open = row.season.code, row.season.title, row.season.open
        if row.state not in planning.EDITABLE:
            return redirect(url_for("seasons.item", key=key), 303)
    if request.method == "POST" and form.validate_on_submit():
        try:
            with services().db.transaction() as session:
                row = _own(session, key)
                planning.save(session, row.season, row.id, form.to_command(), actor=actor(), now=clock.now())
            flash(_("已保存。核对后请提交审批"))
            return redirect(url_for("seasons.item", key=key), 303)
        except DomainError as error:
            _blame(form, error)
            return _edit(form, code, title, is_open, key), REFUSED.get(error.code, 409)
    return _edit(form, code, title, is_open, key), 400 if form.errors else 200


@blueprint.post("/plan/items/<key>/submit")
@allow("unit", "organiser")
def submit(key: str) -> Any:
    try:
        with services().db.transaction() as session:
            planning.submit(session, _own(session, key).id, actor=actor(), now=clock.now())
    except DomainError as error:
        return _item(key, error)
    flash(_("已提交，等待审批"))
    return redirect(url_for("seasons.item", key=key), 303)


@blueprint.post("/plan/items/<key>/decide")
@allow("admin")
def decide(key: str) -> Any:
    """立项， back, or no."""
    sent = request.form
    try:
        with services().db.transaction() as session:
            planning.decide(
                session,
                _own(session, key).id,
                sent.get("verdict", ""),
                label=sent.get("label") or None,
                reason=sent.get("reason", "")[:1000],
                actor=actor(),
                now=clock.now(),
            )
    except DomainError as error:
        return _item(key, error)
    flash(_("已记录审批结果"))
    return redirect(url_for("seasons.item", key=key), 303)


def _who() -> Actor:
    return actor() or Actor(None, "visitor")


def _season(session: Session, code: str) -> Season:
    try:
        return planning.get_season(session, code)
    except DomainError:
        abort(404)


def _own(session: Session, key: str) -> PlanItem:
    """The item, for those who may see it; for others there is none."""
    if not key.isdecimal() or len(key) > 9:
        abort(404)
    row = session.get(PlanItem, int(key))
    if row is None or not planning.may_edit(session, _who(), row):
        abort(404)
    return row


def _index(form: SeasonForm, status: int = 200) -> Any:
    with services().db.reading() as session:
        rows = planning.seasons(session)
        counts = {row.id: sum(item.state == "approved" for item in row.items) for row in rows}
        may_decide = planning.may_decide(_who())
        page = render_template("contests/seasons.html", seasons=rows, counts=counts, form=form, may_decide=may_decide)
    return page, status


def _form(session: Session, row: PlanItem | None = None) -> ProposalForm:
    """The form over what is stored, or over what was sent."""
    stored: dict[str, Any] = {}
    if row is not None:
        stored = {**row.proposal, "title": row.title, "kind": row.kind, "level": row.level, "unit": row.unit_id}
    form = ProposalForm(data=stored)
    form.kind.choices = list(KINDS.items())
    form.level.choices = list(LEVELS.items())
    who = _who()
    within = None if who.has("organiser") else spoken_for(session, who)
    query = select(Unit.id, Unit.name).where(Unit.archived_at.is_(None)).order_by(Unit.name)
    if within is not None:
        query = query.where(Unit.id.in_(within))
    form.unit.choices = [(key, name) for key, name in session.execute(query)]
    return form


def _edit(form: ProposalForm, code: str, title: str, is_open: bool, key: str | None) -> Any:
    return render_template(
        "contests/proposal.html", form=form, season=code, season_title=title, is_open=is_open, key=key
    )


def _item(key: str, error: DomainError | None = None) -> Any:
    who = _who()
    with services().db.reading() as session:
        row = _own(session, key)
        lacks = planning.lacks(row)
        labels = {field.short_name: field.label.text for field in ProposalForm()}
        unit = session.get(Unit, row.unit_id) if row.unit_id is not None else None
        page = render_template(
            "contests/plan_item.html",
            item=row,
            season=row.season,
            unit=unit.name if unit else "",
            facts=[(labels[name], row.proposal.get(name)) for name in TOLD],
            lacks=[labels[name] for name in lacks],
            editable=row.state in planning.EDITABLE,
            may_decide=planning.may_decide(who) and row.state == "submitted",
            made=planning.contests_made(session, row.season).get(row.id),
            reason=request.form.get("reason", ""),
            labels=LABELS,
            states=STATES,
            kinds=KINDS,
            levels=LEVELS,
            error=error,
        )
    return page, REFUSED.get(error.code, 409) if error else 200


def _unit_names(session: Session, row: Season) -> dict[int, str]:
    keys = {item.unit_id for item in row.items if item.unit_id is not None}
    return dict(session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(keys))).all()) if keys else {}


def _blame(form: Any, error: DomainError) -> None:
    """A refusal beside its field; one without a field of the form stands beside the first."""
    field = form[error.field] if error.field in form else next(iter(form))
    field.errors = [*field.errors, error.message]
