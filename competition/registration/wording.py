"""States and steps of a registration in plain words."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _l

STATES: Final = {
    "draft": _l("草稿"),
    "submitted": _l("审核中"),
    "returned": _l("已退回"),
    "refused": _l("未通过"),
    "confirmed": _l("已确认"),
    "withdrawn": _l("已撤回"),
}
ACTIONS: Final = {
    "submit": _l("提交"),
    "confirm": _l("通过"),
    "return": _l("退回"),
    "refuse": _l("不予通过"),
    "withdraw": _l("撤回"),
    "reopen": _l("重新打开"),
    "layer": _l("晋级"),
}
ORIGINS: Final = {
    "page": _l("网上报名"),
    "small": _l("合理化建议"),
    "sheet": _l("名册导入"),
    "layer": _l("下级晋级"),
}
