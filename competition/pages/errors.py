"""Pages that say what went wrong and what to do; JSON for the API."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, jsonify, render_template
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from competition.shared.errors import DomainError
from competition.shared.guards import wants_json

log = logging.getLogger(__name__)

STATUS = {
    "signed_out": 401,
    "forbidden": 403,
    "unknown": 404,
    "conflict": 409,
    "locked": 409,
    "not_open": 409,
    "too_many": 429,
}
CODES = {
    400: "bad_request",
    401: "signed_out",
    403: "forbidden",
    404: "unknown",
    405: "bad_request",
    413: "bad_request",
    415: "bad_request",
    429: "too_many",
}


def words(status: int) -> tuple[str, str]:
    """What happened, and what to do."""
    known = {
        400: (_("这个请求不完整"), _("回到上一页，刷新后再试一次。")),
        401: (_("请先登录"), _("登录后再打开这一页。")),
        403: (_("你没有权限打开这一页"), _("如果你认为应该有，请联系组委会，或换一个身份登录。")),
        404: (_("没有找到这一页"), _("地址可能抄错了，或者这项竞赛还没有公布。从首页重新找。")),
        405: (_("这个地址不接受这种操作"), _("回到上一页，用页面上的按钮操作。")),
        413: (_("文件太大"), _("请压缩或拆分后再传。")),
        429: (_("操作太频繁"), _("请等一分钟再试。")),
        500: (_("服务器出了问题"), _("你提交的内容可能没有保存。请过一会儿再试；若仍不行，请告诉组委会出错的时间。")),
        503: (_("服务器正忙"), _("请过一会儿再试。")),
    }
    return known.get(status, known[500] if status >= 500 else known[400])


def answer(status: int, title: str, advice: str, *, code: str | None = None, field: str | None = None) -> Any:
    if wants_json():
        error = {"code": code or CODES.get(status, "bad_request"), "message": title, "field": field}
        response: Response = jsonify(ok=False, error=error)
        response.status_code = status
        return response
    return render_template("errors/error.html", status=status, title=title, advice=advice), status


def register_errors(app: Flask) -> None:
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(Exception, _bug)


def _stale_form(error: CSRFError) -> Any:
    return answer(400, _("这一页放得太久了"), _("为了安全，请回到上一页刷新，再提交一次。"))


def _http(error: HTTPException) -> Any:
    if error.response is not None or (error.code or 500) < 400:
        return error
    return answer(error.code or 500, *words(error.code or 500))


def _domain(error: DomainError) -> Any:
    status = STATUS.get(error.code, 400)
    return answer(status, error.message, _("回到上一页，改正后再试。"), code=error.code, field=error.field)


def _bug(error: Exception) -> Any:
    log.exception("a request failed")
    return answer(500, *words(500))
