"""What a contest asks of those who register: fields, files, the steps of the review; and where it is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.contests.describing import authorised, free_code, told
from competition.contests.faults import Faults
from competition.contests.models import AttachmentRule, Contest, FormField, Station, Venue
from competition.shared.localtime import read_day

Words = Mapping[str, Any]

FIELD_KINDS: Final[dict[str, Any]] = {
    "text": _l("一行文字"),
    "long_text": _l("多行文字"),
    "number": _l("数字"),
    "date": _l("日期"),
    "choice": _l("单选"),
    "choices": _l("多选"),
    "yes_no": _l("是或否"),
}
FILE_TYPES: Final[dict[str, Any]] = {
    "pdf": "PDF",
    "image": _l("图片"),
    "video": _l("视频"),
    "audio": _l("音频"),
    "document": _l("文档"),
    "sheet": _l("表格"),
    "slides": _l("幻灯片"),
    "archive": _l("压缩包"),
}
REVIEWERS: Final[dict[str, Any]] = {
    "unit": _l("推荐单位"),
    "county": _l("区市或系统"),
    "contest": _l("主办方"),
}
MOST_FIELDS, MOST_FILES, MOST_STEPS, MOST_MB = 60, 30, 5, 5120
MOST_ROWS, MOST_COLUMNS, MOST_STATIONS = 40, 40, 600


def set_fields(session: Session, contest: Contest, rows: Sequence[Words], *, actor: Actor, now: datetime) -> None:
    """The fields of the contest's own form, in this order; a field that stays keeps its code, and answers with it."""
    authorised(session, contest, actor)
    faults = Faults()
    tracks = {track.code: track.id for track in contest.tracks}
    known = {field.code: field for field in session.scalars(_of(FormField, contest))}
    if len(rows) > MOST_FIELDS:
        faults.add("fields", _("最多 %(most)s 项。", most=MOST_FIELDS))
    taken: list[str] = []
    for place, row in enumerate(rows):
        at = f"fields.{place}"
        code = row.get("code", "").strip() or free_code("f", [*taken, *known])
        if code in taken:
            faults.add(f"{at}.code", _("这个代码重复了。"))
        taken.append(code)
        field = known.get(code) or FormField(contest_id=contest.id, code=code)
        field.position, field.track_id = place, tracks.get(row.get("track", ""))
        field.label = faults.text(f"{at}.label", row["label"], most=60)
        field.kind = faults.chosen(f"{at}.kind", row["kind"], FIELD_KINDS)
        field.required, field.blind = row.get("required") == "1", row.get("blind") == "1"
        field.help = faults.text(f"{at}.help", row.get("help", ""), most=200, required=False)
        field.purpose = faults.text(f"{at}.purpose", row.get("purpose", ""), most=200)
        options = list(dict.fromkeys(line.strip() for line in row.get("options", "").splitlines() if line.strip()))
        if field.kind in ("choice", "choices") and len(options) < 2:
            faults.add(f"{at}.options", _("请至少写两个选项，每行一个。"))
        field.options = options if field.kind in ("choice", "choices") else []
        field.limits = _limits(at, field.kind, row, faults)
        session.add(field)
    faults.check()
    for code, field in known.items():
        if code not in taken:
            session.delete(field)
    told(session, contest, "fields", actor=actor, now=now, fields=taken)


def _limits(at: str, kind: str, row: Words, faults: Faults) -> dict[str, Any]:
    least, most = row.get("min", "").strip(), row.get("max", "").strip()
    limits: dict[str, Any] = {}
    if kind in ("text", "long_text"):
        if most:
            limits["max_length"] = faults.whole(f"{at}.max", most, 1, 20_000)
        return limits
    if kind not in ("number", "date"):
        return limits
    for name, value in (("min", least), ("max", most)):
        if value and _ordered(kind, value) is None:
            faults.add(f"{at}.{name}", _("请填数字。") if kind == "number" else _("请填日期，如 2027-12-31。"))
        elif value:
            limits[name] = value
    if len(limits) == 2 and _ordered(kind, least) > _ordered(kind, most):
        faults.add(f"{at}.max", _("上限小于下限。"))
    return limits


def _ordered(kind: str, value: str) -> Any:
    if kind == "date":
        return read_day(value)
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and "e" not in value.casefold() else None


def _of(model: Any, contest: Contest) -> Any:
    return select(model).where(model.contest_id == contest.id)


def set_attachments(session: Session, contest: Contest, rows: Sequence[Words], *, actor: Actor, now: datetime) -> None:
    """The files that are asked for; one that stays keeps its code."""
    authorised(session, contest, actor)
    faults = Faults()
    tracks = {track.code: track.id for track in contest.tracks}
    known = {rule.code: rule for rule in session.scalars(_of(AttachmentRule, contest))}
    if len(rows) > MOST_FILES:
        faults.add("files", _("最多 %(most)s 项。", most=MOST_FILES))
    taken: list[str] = []
    for place, row in enumerate(rows):
        at = f"files.{place}"
        code = row.get("code", "").strip() or free_code("a", [*taken, *known])
        taken.append(code)
        rule = known.get(code) or AttachmentRule(contest_id=contest.id, code=code)
        rule.position, rule.track_id = place, tracks.get(row.get("track", ""))
        rule.title = faults.text(f"{at}.title", row["title"], most=60)
        rule.required, rule.blind = row.get("required") == "1", row.get("blind") == "1"
        rule.most = faults.whole(f"{at}.most", row.get("most", ""), 1, 50, 1)
        rule.max_mb = faults.whole(f"{at}.max_mb", row.get("max_mb", ""), 1, MOST_MB, 50)
        rule.types = [kind for kind in FILE_TYPES if kind in row.get("types", ())]
        rule.help = faults.text(f"{at}.help", row.get("help", ""), most=200, required=False)
        session.add(rule)
    faults.check()
    for code, rule in known.items():
        if code not in taken:
            session.delete(rule)
    told(session, contest, "files", actor=actor, now=now, files=taken)


def set_chain(session: Session, contest: Contest, rows: Sequence[Words], *, actor: Actor, now: datetime) -> None:
    """The steps a registration passes, in order; none: the usual three. A step that stays keeps its code."""
    authorised(session, contest, actor)
    faults = Faults()
    steps: list[dict[str, str]] = []
    for place, row in enumerate(rows):
        by = faults.chosen(f"steps.{place}.by", row["by"], REVIEWERS)
        title = faults.text(f"steps.{place}.title", row["title"], most=20)
        codes = [step["code"] for step in steps]
        code = row.get("code", "").strip()
        if not code or code in codes:
            wanted = by if by not in codes else ""
            code = wanted or free_code(by[:1] or "s", [*codes, *(one.get("code", "") for one in rows)])
        steps.append({"code": code, "title": title, "by": by})
    if len(steps) > MOST_STEPS:
        faults.add("steps", _("最多 %(most)s 步。", most=MOST_STEPS))
    if steps and steps[-1]["by"] != "contest":
        faults.add("steps", _("最后一步须由主办方确认。"))
    faults.check()
    contest.review_chain = steps
    told(session, contest, "chain", actor=actor, now=now, steps=[step["by"] for step in steps])


def set_venues(session: Session, contest: Contest, rows: Sequence[Words], *, actor: Actor, now: datetime) -> None:
    """The places and their stations, laid out as rows × columns; a station that stays keeps its row in the table.

    `off`: numbers of stations that cannot be used, written one after another.
    """
    authorised(session, contest, actor)
    faults = Faults()
    known = {venue.code: venue for venue in session.scalars(_of(Venue, contest))}
    taken: list[str] = []
    for place, row in enumerate(rows):
        at = f"venues.{place}"
        code = row.get("code", "").strip() or free_code("v", [*taken, *known])
        taken.append(code)
        venue = known.get(code) or Venue(contest_id=contest.id, code=code)
        venue.name = faults.text(f"{at}.name", row["name"], most=60)
        venue.address = faults.text(f"{at}.address", row.get("address", ""), most=200, required=False)
        down = faults.whole(f"{at}.rows", row.get("rows", ""), 0, MOST_ROWS, 0)
        across = faults.whole(f"{at}.columns", row.get("columns", ""), 0, MOST_COLUMNS, 0)
        if down * across > MOST_STATIONS:
            faults.add(f"{at}.rows", _("一个场地最多 %(most)s 个工位。", most=MOST_STATIONS))
            down = across = 0
        prefix = faults.text(f"{at}.prefix", row.get("prefix", ""), most=10, required=False)
        off = set(row.get("off", "").replace("，", " ").replace("、", " ").replace(",", " ").split())
        codes = lay_out(venue, down, across, prefix, off)
        if strange := off - set(codes):
            faults.add(f"{at}.off", _("没有这些工位：%(names)s", names=_("、").join(sorted(strange))))
        session.add(venue)
    faults.check()
    for code, venue in known.items():
        if code not in taken:
            session.delete(venue)
    told(session, contest, "venues", actor=actor, now=now, venues=taken)


def lay_out(venue: Venue, down: int, across: int, prefix: str, off: set[str]) -> list[str]:
    """Stations numbered row by row from 1, `prefix` before each; those of a code that stays are kept. Gives codes."""
    known = {station.code: station for station in venue.stations}
    width = len(str(down * across))
    stations, codes = [], []
    for number in range(1, down * across + 1):
        code = f"{prefix}{number:0{width}d}"
        station = known.get(code) or Station(code=code)
        station.position, station.usable = number - 1, code not in off
        station.row, station.column = (number - 1) // across + 1, (number - 1) % across + 1
        stations.append(station)
        codes.append(code)
    venue.stations = stations
    return codes
