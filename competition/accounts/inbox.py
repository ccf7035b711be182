"""Messages to the person who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from competition.accounts import notices
from competition.extensions import services
from competition.shared import clock
from competition.shared.guards import actor, allow, signed_in

blueprint = Blueprint("inbox", __name__)

PAGE = 30


@blueprint.app_context_processor
def unread_notices() -> dict[str, Callable[[], int]]:
    """`unread_notices()` in a template: how many messages of the person wait; asked only where a page calls it."""
    return {"unread_notices": _unread}


def _unread() -> int:
    who = actor()
    if not signed_in(who):
        return 0
    with services().db.reading() as session:
        return notices.unread(session, who.person_id)


@blueprint.get("/me/notices")
@allow("signed_in")
def show() -> Any:
    """Newest first, a page at a time."""
    before = request.args.get("before", type=int)
    with services().db.reading() as session:
        found = list(notices.notices_of(session, actor().person_id, before=before, limit=PAGE + 1))
        waiting = notices.unread(session, actor().person_id)
    older = found[PAGE - 1].id if len(found) > PAGE else None
    return render_template("accounts/inbox.html", notices=found[:PAGE], older=older, before=before, waiting=waiting)


@blueprint.post("/me/notices/<int:notice>")
@allow("signed_in")
def read(notice: int) -> Any:
    """Marks one as read and goes where it leads."""
    with services().db.transaction() as session:
        link = notices.read(session, actor().person_id, notice, now=clock.now()).link
    return redirect(link or url_for("inbox.show"), 303)


@blueprint.post("/me/notices")
@allow("signed_in")
def read_all() -> Any:
    up_to = request.form.get("up_to", 0, type=int)
    with services().db.transaction() as session:
        notices.read_all(session, actor().person_id, up_to=up_to, now=clock.now())
    flash(_("已全部标为已读"))
    return redirect(url_for("inbox.show"), 303)
