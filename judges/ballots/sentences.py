"""What is said to a person whose operation was refused; the ledger itself speaks in codes, since it runs anywhere."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from competition.shared.errors import DomainError


class Refused(Exception):
    """An operation that cannot be done: the protocol's code, the field it is about and what a client needs to know."""

    def __init__(self, code: str, field: str | None = None, **details: Any) -> None:
        super().__init__(code)
        self.code, self.field, self.details = code, field, details


def refusal(refused: Refused) -> DomainError:
    """The same with a sentence in the language of whoever asks; `why` picks it where a code has several reasons."""
    details = dict(refused.details)
    why = details.pop("why", None)
    return DomainError(refused.code, _sentence(refused.code, why, details), refused.field, **details)


def _sentence(code: str, why: str | None, details: dict[str, Any]) -> Any:
    if code == "not_expected":
        return {
            "standing": _("该选手不参加本环节,无需评分"),
            "status": _("该选手已缺席、退赛或被取消资格,无需评分"),
        }.get(why or "", _("这个席位不需要为该选手评分"))
    if code == "conflict":
        return _("这一项已有更新的分数(%(value)s),请核对后再改", value=details.get("value") or _("空"))
    if code == "incomplete":
        return _("还有 %(count)s 项未评分,不能提交", count=len(details.get("missing", ())))
    if code == "above_max":
        return _("分数不能高于 %(max)s", max=details.get("max"))
    if code == "below_min":
        return _("分数不能低于 %(min)s", min=details.get("min"))
    if code == "off_step":
        return _("分数须以 %(step)s 为一档", step=details.get("step") or 1)
    if code == "bad_request" and why == "reason":
        return _("请写明理由")
    if code == "unknown" and why == "sheet":
        return _("没有可以重新开放的评分表")
    return {
        "bad_number": _("请填写十进制数"),
        "not_open": _("本环节现在不接受评分"),
        "locked": _("评分表已提交;如需修改,请裁判长重新开放"),
        "op_reused": _("同一操作编号已用于别的内容"),
        "unknown": _("找不到所指的对象"),
        "forbidden": _("你的身份不能做这一步"),
        "signed_out": _("登录已失效,请重新登录"),
        "too_many": _("操作太快,请稍候再试"),
        "bad_request": _("消息格式不正确"),
    }[code]
