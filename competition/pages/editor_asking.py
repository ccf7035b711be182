"""The sections of the editor about registering and the day itself: the form, files, the review, places."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests import asking
from competition.contests.models import AttachmentRule, Contest, FormField, Track, Venue
from competition.pages.editor_fields import Field, Rows, State
from competition.pages.editor_sections import CODE, YES_NO, By, Section


def _fields(session: Session, contest: Contest, _track: Track | None) -> State:
    tracks = {track.id: track.code for track in contest.tracks}
    query = select(FormField).where(FormField.contest_id == contest.id).order_by(FormField.position, FormField.id)
    return {
        "fields": [
            {
                "code": field.code,
                "label": field.label,
                "kind": field.kind,
                "required": "1" if field.required else "",
                "purpose": field.purpose,
                "options": "\n".join(field.options),
                "min": str(field.limits.get("min", "")),
                "max": str(field.limits.get("max", field.limits.get("max_length", ""))),
                "track": tracks.get(field.track_id or 0, ""),
                "help": field.help,
                "blind": "1" if field.blind else "",
            }
            for field in session.scalars(query)
        ]
    }


def _save_fields(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    asking.set_fields(session, contest, state["fields"], actor=by.actor, now=by.now)
    return "saved"


def _files(session: Session, contest: Contest, _track: Track | None) -> State:
    tracks = {track.id: track.code for track in contest.tracks}
    query = select(AttachmentRule).where(AttachmentRule.contest_id == contest.id)
    return {
        "files": [
            {
                "code": rule.code,
                "title": rule.title,
                "required": "1" if rule.required else "",
                "types": list(rule.types),
                "most": str(rule.most),
                "max_mb": str(rule.max_mb),
                "track": tracks.get(rule.track_id or 0, ""),
                "help": rule.help,
                "blind": "1" if rule.blind else "",
            }
            for rule in session.scalars(query.order_by(AttachmentRule.position, AttachmentRule.id))
        ]
    }


def _save_files(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    asking.set_attachments(session, contest, state["files"], actor=by.actor, now=by.now)
    return "saved"


def _chain(_session: Session, contest: Contest, _track: Track | None) -> State:
    return {"steps": [{key: step[key] for key in ("code", "by", "title")} for step in contest.review_chain]}


def _save_chain(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    asking.set_chain(session, contest, state["steps"], actor=by.actor, now=by.now)
    return "saved"


def _venues(session: Session, contest: Contest, _track: Track | None) -> State:
    query = select(Venue).where(Venue.contest_id == contest.id).order_by(Venue.id)
    return {"venues": [_venue(venue) for venue in session.scalars(query)]}


def _venue(venue: Venue) -> State:
    stations = venue.stations
    first = stations[0].code if stations else ""
    return {
        "code": venue.code,
        "name": venue.name,
        "address": venue.address,
        "rows": str(max((station.row for station in stations), default=0) or ""),
        "columns": str(max((station.column for station in stations), default=0) or ""),
        "prefix": first.rstrip("0123456789"),
        "off": " ".join(station.code for station in stations if not station.usable),
    }


def _save_venues(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    asking.set_venues(session, contest, state["venues"], actor=by.actor, now=by.now)
    return "saved"


LIMITED: Final = ("number", "date", "text", "long_text")
ASKING: Final = (
    Section(
        "form",
        _l("报名表"),
        _l("除姓名、单位等基本资料外，这项赛事另外要填什么。每一项都要写明用途，会显示给填表的人。"),
        (
            Rows(
                "fields",
                _l("填写项"),
                _l("填写项"),
                (
                    CODE,
                    Field("label", _l("问什么"), size=5, most=60, required=True),
                    Field("kind", _l("怎么答"), "choice", tuple(asking.FIELD_KINDS.items()), size=4, blank="text"),
                    Field("required", _l("必填"), "choice", YES_NO, size=3),
                    Field(
                        "purpose",
                        _l("用途"),
                        most=200,
                        required=True,
                        help=_l("为什么要问（个人信息保护法要求最小必要）"),
                    ),
                    Field("options", _l("选项"), "area", help=_l("每行一个"), when=("choice", "choices")),
                    Field("min", _l("最小"), size=3, help=_l("数字或日期"), when=("number", "date")),
                    Field("max", _l("最大"), size=3, help=_l("文字：最多字数"), when=LIMITED),
                    Field("track", _l("哪个赛项"), "choice", "tracks", size=3),
                    Field("blind", _l("评委可见"), "choice", YES_NO, size=3),
                    Field("help", _l("填写提示"), most=200),
                ),
            ),
        ),
        _fields,
        _save_fields,
    ),
    Section(
        "files",
        _l("报名材料"),
        _l("要上传哪些文件。评委可见的材料会检查其中是否写有姓名和单位。"),
        (
            Rows(
                "files",
                _l("材料"),
                _l("材料"),
                (
                    CODE,
                    Field("title", _l("名称"), size=5, most=60, required=True),
                    Field("required", _l("必交"), "choice", YES_NO, size=2),
                    Field("most", _l("最多几个"), "number", size=2, blank="1"),
                    Field("max_mb", _l("每个不超过（MB）"), "number", size=3, blank="50"),
                    Field("types", _l("类型"), "several", tuple(asking.FILE_TYPES.items()), help=_l("都不选则不限")),
                    Field("track", _l("哪个赛项"), "choice", "tracks", size=4),
                    Field("blind", _l("评委可见"), "choice", YES_NO, size=3, blank="1"),
                    Field("help", _l("说明"), most=200),
                ),
            ),
        ),
        _files,
        _save_files,
    ),
    Section(
        "chain",
        _l("审核步骤"),
        _l("报名依次经过谁确认。不设则为：推荐单位 → 区市或系统 → 主办方。"),
        (
            Rows(
                "steps",
                _l("步骤"),
                _l("步骤"),
                (
                    CODE,
                    Field("by", _l("由谁"), "choice", tuple(asking.REVIEWERS.items()), size=4, blank="unit"),
                    Field("title", _l("叫什么"), size=5, most=20),
                ),
            ),
        ),
        _chain,
        _save_chain,
    ),
    Section(
        "venues",
        _l("场地与工位"),
        _l("工位按排 × 列编号；抽签时同一单位不会排在相邻工位。"),
        (
            Rows(
                "venues",
                _l("场地"),
                _l("场地"),
                (
                    CODE,
                    Field("name", _l("名称"), size=5, most=60, required=True),
                    Field("address", _l("地址"), size=7, most=200),
                    Field("rows", _l("排"), "number", size=2),
                    Field("columns", _l("列"), "number", size=2),
                    Field("prefix", _l("编号前缀"), size=3, most=10, help=_l("如 A")),
                    Field("off", _l("不用的工位"), size=5, help=_l("写编号，用空格分开")),
                ),
                ordered=False,
            ),
        ),
        _venues,
        _save_venues,
    ),
)
