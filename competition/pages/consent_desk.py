"""The texts that a contest's people agree to, as its organiser writes them; every save is a new version."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from competition.accounts import consents
from competition.accounts.consents import KIND_TITLES
from competition.contests.doors import own_contest
from competition.extensions import services
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow

blueprint = Blueprint("consent_desk", __name__)
KINDS = ("registration", "publication", "promotion")


@blueprint.get("/manage/<code>/consents")
@allow("organiser")
def index(code: str) -> Any:
    return _page(code, request.args.get("kind", KINDS[0]))


@blueprint.post("/manage/<code>/consents")
@allow("organiser")
def save(code: str) -> Any:
    form = request.form
    kind = form.get("kind", "")
    try:
        with services().db.transaction() as session:
            contest = own_contest(session, code)
            if kind not in KINDS:
                abort(400)
            row = consents.write_text(
                session,
                kind,
                contest.id,
                title=form.get("title", ""),
                body=form.get("body", ""),
                actor=actor(),
                now=clock.now(),
            )
            version = row.version
    except DomainError as error:
        return _page(code, kind if kind in KINDS else KINDS[0], error), 400
    flash(_("已保存为第 %(n)s 版。已经同意的人，仍以当时的版本为准。", n=version))
    return redirect(url_for("consent_desk.index", code=code, kind=kind), 303)


def _page(code: str, kind: str, error: DomainError | None = None) -> str:
    if kind not in KINDS:
        abort(404)
    with services().db.reading() as session:
        contest = own_contest(session, code)
        text = consents.text_in_force(session, kind, contest.id)
        older = consents.versions(session, kind, contest.id)
        return render_template(
            "pages/consent_texts.html",
            code=contest.code,
            contest_title=contest.title,
            kind=kind,
            kinds={each: KIND_TITLES[each] for each in KINDS},
            text=text,
            title=request.form.get("title", text.title),
            body=request.form.get("body", text.body),
            older=older,
            error=error,
            rehearsal=contest.rehearsal,
        )
