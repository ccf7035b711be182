"""Files of a registration without script, their receipts, and what a reviewer says of names found inside."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from competition.accounts.policy import Actor
from competition.accounts.views import own_address
from competition.contests.models import Contest
from competition.contests.policy import can_run
from competition.extensions import limiter, services
from competition.registration import attachments, receiving
from competition.registration.attachment_queries import attachment_by_key
from competition.registration.attachment_reading import may_read
from competition.shared import clock
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow, takes
from competition.shared.incoming import Busy, Misplaced
from competition.shared.inspection import Unfit

blueprint = Blueprint("attachments", __name__)

PLAIN: Final = 32 * attachments.MB
"""The most that a form without script may send at once; larger files need the resumable way."""


@blueprint.post("/registrations/<number>/files/<rule>")
@limiter.limit("60 per minute")
@takes(PLAIN)
@allow("signed_in")
def send(number: str, rule: str) -> Any:
    """One file from a plain form."""
    given = request.files.get("file")
    if given is None or not given.filename:
        return _back(number, _("请先选择文件。"), rule)
    stream = given.stream
    size = stream.seek(0, 2)
    stream.seek(0)
    try:
        file = receiving.begin(attachments.Wanted(number, rule, given.filename, size), actor())
        receiving.append(file, 0, stream, actor())  # type: ignore[arg-type]
    except DomainError as error:
        if error.code == "unknown":
            abort(404)
        return _back(number, error.message, rule)
    except Unfit as unfit:
        return _back(number, unfit.message, rule)
    except (Busy, Misplaced, FileNotFoundError):
        return _back(number, _("上传中断，请再传一次。"), rule)
    return _back(number, _("已收到“%(name)s”，正在检查。", name=file.name), rule)


@blueprint.post("/registrations/<number>/files/<key>/remove")
@allow("signed_in")
def remove(number: str, key: str) -> Any:
    try:
        with services().db.transaction() as session:
            attachments.remove(session, number, key, actor=actor(), now=clock.now())
    except DomainError as error:
        if error.code == "unknown":
            abort(404)
        return _back(number, error.message)
    return _back(number, _("已删除。"))


@blueprint.get("/files/<key>/receipt")
@allow("signed_in")
def receipt(key: str) -> Any:
    """When the file was received and its SHA-256: the proof of first submission, to print."""
    who: Actor = actor()
    with services().db.reading() as session:
        found = attachment_by_key(session, key)
        if found is None or may_read(session, who, found[1]) is None:
            abort(404)
        attachment, file, registration = found
        contest = session.get_one(Contest, registration.contest_id)
        return render_template(
            "registration/file_receipt.html",
            attachment=attachment,
            file=file,
            registration=registration,
            contest=contest,
            rehearsal=contest.rehearsal,
        )


@blueprint.post("/files/<key>/clear")
@allow("organiser", "unit")
def clear(key: str) -> Any:
    """Whoever runs the contest has looked through the file and lets judges read it."""
    who: Actor = actor()
    try:
        with services().db.transaction() as session:
            found = attachment_by_key(session, key)
            if found is None or not can_run(who, found[2].contest_id):
                abort(404)
            attachments.clear_flags(
                session, found[0], actor=who, now=clock.now(), reason=request.form.get("reason", "")
            )
    except DomainError as error:
        flash(error.message)
    else:
        flash(_("已标记为可以匿名评审。"))
    return redirect(own_address(request.form.get("back", "")) or url_for("pages.home"), 303)


def _back(number: str, message: str, rule: str = "") -> Any:
    flash(message)
    return redirect(f"/registrations/{number}" + (f"#file-{rule}" if rule else "#files"), 303)
