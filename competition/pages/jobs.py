"""What the job process does for a person, as it goes: a page for each job, and the same for its script."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from competition.accounts import audit
from competition.accounts.views import own_address
from competition.extensions import services
from competition.shared import clock
from competition.shared import job_queries as rows
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow
from competition.shared.models import Job, StoredFile

blueprint = Blueprint("jobs", __name__)

OPEN = ("waiting", "running")
MOST_LINES = 500
"""Lines of a result that are shown; a longer one says how many there are."""


@blueprint.get("/jobs/<key>")
@allow("signed_in")
def show(key: str) -> Any:
    """The job's progress; its end with what came of it. Without a script the page comes anew by itself."""
    with services().db.reading() as session:
        job = _own(session, key)
        told = as_json(session, job)
    back = own_address(str(job.arguments.get("back", "")))
    return render_template("pages/job.html", job=job, told=told, back=back, open=job.state in OPEN, most=MOST_LINES)


@blueprint.get("/api/v1/jobs/<key>")
@allow("signed_in")
def state(key: str) -> Any:
    """The same as JSON."""
    with services().db.reading() as session:
        told = as_json(session, _own(session, key))
    return jsonify(told)


@blueprint.post("/jobs/<key>/cancel")
@allow("signed_in")
def cancel(key: str) -> Any:
    """Calls the job off; what it has already stored stays."""
    with services().db.transaction() as session:
        job = _own(session, key)
        if not rows.call_off(session, key, now=clock.now()):
            raise DomainError("conflict", _("这项工作已经结束，不能再取消。"))
        audit.note(session, actor(), "job.cancel", job.kind, now=clock.now(), contest_id=job.contest_id)
    return redirect(url_for("jobs.show", key=key), 303)


def _own(session: Session, key: str) -> Job:
    """The job, if it is the asker's; an admin may look at every one. Whether another's exists is not said."""
    job = rows.job_by_key(session, key)
    who = actor()
    if job is None or not (who.has("admin") or (job.person_id is not None and job.person_id == who.person_id)):
        raise NotFound
    return job


def as_json(session: Session, job: Job) -> dict[str, Any]:
    """`leitai.job/1`: what its page shows. `lines` and `errors` are sentences, `file` is there once it is done."""
    file = session.get(StoredFile, job.file_id) if job.file_id is not None else None
    stands = file is not None and file.state == "ready"
    return {
        "format": "leitai.job/1",
        "key": job.key,
        "title": job.title,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "message": job.message,
        "lines": [str(line) for line in job.result.get("lines", [])],
        "errors": [str(line) for line in job.result.get("errors", [])],
        "file": {"name": file.name, "bytes": file.received, "url": url_for("uploads.download", key=file.key)}
        if file is not None and stands
        else None,
        "link": own_address(str(job.result.get("link", ""))) or None,
    }
