"""Resumable uploads (the tus protocol, tus.io, 1.0.0: core, creation, termination) and files handed out.

An upload is bound to the person who began it. What can be told from its size, its name's place or its first bytes is
refused before the rest is sent. A part that was told as received is on the disk.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, abort, jsonify, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from competition.accounts.policy import Actor
from competition.extensions import limiter, services
from competition.registration import attachments, receiving
from competition.registration.attachment_queries import attachment_by_key, blind_files
from competition.registration.attachment_reading import may_read
from competition.shared.errors import DomainError
from competition.shared.guards import actor, allow, takes
from competition.shared.incoming import Busy, Misplaced
from competition.shared.inspection import KINDS, Unfit
from competition.shared.models import StoredFile

blueprint = Blueprint("uploads", __name__)

TUS: Final = "1.0.0"
PART: Final = 64 * attachments.MB
"""The most that one request may carry; a client sends less and asks again."""
STATUS: Final = {"unknown": 404, "too_large": 413, "too_many": 429, "not_open": 409, "locked": 409, "conflict": 409}


@blueprint.after_request
def _speak_tus(answer: Response) -> Response:
    if request.path.startswith("/api/v1/uploads"):
        answer.headers["Tus-Resumable"] = TUS
        answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/api/v1/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@allow("everyone")
def options() -> Any:
    """What this server speaks."""
    return Response(status=204, headers={"Tus-Version": TUS, "Tus-Extension": "creation,termination"})


@blueprint.post("/api/v1/uploads")
@limiter.limit("240 per minute")
@allow("signed_in")
def create() -> Any:
    """Begins an upload: `Upload-Length`, and in `Upload-Metadata` filename, registration and rule."""
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    length = _whole(request.headers.get("Upload-Length"))
    if length is None or not {"filename", "registration", "rule"} <= set(told):
        return _no(400, _("缺少文件的大小或名称。请刷新页面再试。"))
    wanted = attachments.Wanted(told["registration"], told["rule"], told["filename"], length)
    try:
        key = receiving.begin(wanted, actor()).key
    except DomainError as error:
        return _refused(error)
    return Response(status=201, headers={"Location": url_for("uploads.resource", key=key)})


@blueprint.route("/api/v1/uploads/<key>", methods=["HEAD", "GET", "PATCH", "DELETE"], provide_automatic_options=False)
@limiter.limit("6000 per minute")
@takes(PART)
@allow("signed_in")
def resource(key: str) -> Any:
    """HEAD: how far it is. PATCH: the next bytes. DELETE: given up. GET: what became of it, as JSON."""
    if request.method != "GET" and request.headers.get("Tus-Resumable") != TUS:
        return Response(status=412, headers={"Tus-Version": TUS})
    try:
        with services().db.reading() as session:
            file = attachments.own_upload(session, key, actor=actor())
        return {"HEAD": _where, "GET": _state, "PATCH": _append, "DELETE": _give_up}[request.method](file)
    except DomainError as error:
        return _refused(error)


def _where(file: StoredFile) -> Any:
    at = receiving.incoming_parts().size(file.key) if file.state == "uploading" else file.received
    if at is None or file.state == "refused":
        return Response(status=410)
    return Response(status=200, headers={"Upload-Offset": str(at), "Upload-Length": str(file.declared)})


def _state(file: StoredFile) -> Any:
    return jsonify(
        key=file.key, state=file.state, size=file.declared, sha256=file.sha256, problems=file.problems, name=file.name
    )


def _append(file: StoredFile) -> Any:
    if request.content_type != "application/offset+octet-stream":
        return _no(415, _("缺少文件的大小或名称。请刷新页面再试。"))
    offset = _whole(request.headers.get("Upload-Offset"))
    if offset is None:
        return _no(400, _("缺少文件的大小或名称。请刷新页面再试。"))
    if file.state != "uploading":
        return _no(410, " ".join(file.problems) or _("这个文件已经传完。"))
    if (request.content_length or 0) > min(PART, file.declared - offset):
        return _no(413, _("这一段比说好的长。请刷新页面再试。"))
    try:
        at = receiving.append(file, offset, request.stream, actor())
    except Misplaced as error:
        return Response(status=409, headers={"Upload-Offset": str(error.at)})
    except Busy:
        return _no(423, _("这个文件正在另一个窗口上传。"))
    except FileNotFoundError:
        return Response(status=410)
    except Unfit as unfit:
        return _no(415, unfit.message)
    return Response(status=204, headers={"Upload-Offset": str(at)})


def _give_up(file: StoredFile) -> Any:
    if file.state != "uploading":
        return _no(409, _("这个文件已经传完。"))
    receiving.give_up(file)
    return Response(status=204)


@blueprint.get("/files/<key>")
@allow("signed_in")
def download(key: str) -> Any:
    """A file, for its owner and for those who review what it belongs to."""
    who: Actor = actor()
    with services().db.reading() as session:
        file = session.scalar(select(StoredFile).where(StoredFile.key == key))
        allowed = None if file is None else may_read(session, who, file)
    if file is None or allowed is None:
        abort(404)
    path: Path = services().files.path(file)
    if allowed == "clean" and file.clean_sha256:
        path = services().files.clean_copy(file.key)
    return hand_out(path, file.media_type, file.name, file.clean_sha256 if allowed == "clean" else file.sha256)


@blueprint.get("/judge/<code>/<track>/<number>/files/<name>")
@allow("judge", "chief")
def blind(code: str, track: str, number: str, name: str) -> Any:
    """A file of an entry as its judges are given it: the copy without metadata, under a name that says nobody's."""
    who: Actor = actor()
    with services().db.reading() as session:
        row = services().seating.judged_track(session, who, code, track, number)
        if row is None:
            abort(404)
        wanted = next((file for file in blind_files(session, row, int(number)) if file.name == name), None)
        found = None if wanted is None else attachment_by_key(session, wanted.key)
    if wanted is None or found is None:
        abort(404)
    file = found[1]
    path = services().files.path(file)
    if file.clean_sha256:
        path = services().files.clean_copy(file.key)
    return hand_out(path, file.media_type, wanted.name, file.clean_sha256 or file.sha256)


def hand_out(path: Path, media_type: str, name: str, etag: str | None) -> Response:
    """The bytes, never run as a page of ours."""
    if not path.is_file():
        abort(404)
    known = media_type in KINDS
    answer = send_file(
        path,
        mimetype=media_type if known else "application/octet-stream",
        as_attachment=True,
        download_name=name,
        conditional=True,
        etag=etag or False,
        max_age=0,
    )
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _metadata(header: str) -> dict[str, str]:
    told = {}
    for pair in header.split(","):
        name, _space, value = pair.strip().partition(" ")
        try:
            told[name] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
    return {name: value for name, value in told.items() if value}


def _whole(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 16 else None


def _refused(error: DomainError) -> Any:
    return _no(STATUS.get(error.code, 400), error.message)


def _no(status: int, message: str) -> Any:
    answer = jsonify(ok=False, error={"message": message})
    answer.status_code = status
    return answer
