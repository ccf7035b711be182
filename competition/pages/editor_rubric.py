"""The rubric of a stage as a section of the editor: an outline of rows whose buttons move blocks about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from competition.bundle import editing
from competition.contests import describing, outline
from competition.contests.models import Contest, Stage, Track
from competition.pages.editor_fields import Field, Part, Rows, State
from competition.pages.editor_rules import track_place
from competition.pages.editor_sections import By, Section
from competition.shared.errors import DomainError

KINDS: Final[dict[str, Any]] = {
    "judgement": _l("评价分"),
    "grade": _l("等级 0–3"),
    "measurement": _l("测量分"),
    "heading": _l("分组标题"),
}
SAYS: Final[dict[str, Any]] = {
    "judgement": _l("每位裁判各打一个分"),
    "grade": _l("每位裁判选 0 到 3 级，按级折算成分"),
    "measurement": _l("记录员录入一个值，全体共用"),
    "heading": _l("只把下面的评分项归在一起，自己不打分"),
}
GRADE_LABELS: Final = (
    _l("0 级：低于行业标准或未做"),
    _l("1 级：达到行业标准"),
    _l("2 级：达到并在部分方面超过"),
    _l("3 级：优秀"),
)
ROW: Final = (
    Field("depth", _l("层级"), "hidden"),
    Field("code", _l("代码"), size=3, most=64, help=_l("留空自动编")),
    Field("title", _l("评分项"), size=6, most=200, required=True),
    Field("kind", _l("种类"), "choice", tuple(KINDS.items()), blank="judgement"),
    Field("max", _l("满分"), "number"),
    Field("min", _l("最低分"), "number", size=3),
    Field("step", _l("步长"), "number", size=3, help=_l("如 0.5；空：不限")),
    Field("factor", _l("系数"), "number", size=3, help=_l("空：1")),
    Field("note", _l("说明"), "area"),
    *(Field(key, label) for key, label in zip(outline.GRADES, GRADE_LABELS, strict=True)),
)


def section_for(stage: Stage) -> Section:
    """The section that edits this stage's rubric."""
    code, title = stage.code, stage.title

    def read(session: Session, contest: Contest, track: Track | None) -> State:
        assert track is not None
        document = editing.document_of(session, contest)
        return {"rows": _texts(outline.rows_of(_stage_of(document, track.code, code)["criteria"]))}

    def save(session: Session, contest: Contest, track: Track | None, state: State, by: By) -> str:
        assert track is not None
        describing.authorised(session, contest, by.actor)
        document = editing.document_of(session, contest)
        rows = _numbers(state["rows"])
        criteria, places = outline.criteria_of(rows)
        _stage_of(document, track.code, code)["criteria"] = criteria
        try:
            return editing.save_rules(session, contest, document, reason=by.reason, actor=by.actor, now=by.now)
        except DomainError as error:
            at = track_place(document, track.code)
            stages = [one["code"] for one in document["tracks"][at]["stages"]]
            raise _in_form(error, f"tracks[{at}].stages[{stages.index(code)}].criteria", places) from None

    return Section(
        "rubric",
        _("评分标准：%(stage)s", stage=title),
        _l("按 Alt+↑、Alt+↓ 移动，Alt+←、Alt+→ 改变层级；也可以用按钮，或拖动左侧的把手。"),
        (Rows("rows", _l("评分项"), _l("评分项"), ROW),),
        read,
        save,
        rules=True,
        per_track=True,
        template="editor/rubric.html",
        apply=apply,
        lines=lines,
    )


def _stage_of(document: dict[str, Any], track: str, stage: str) -> dict[str, Any]:
    stages = document["tracks"][track_place(document, track)]["stages"]
    return dict_of(next(one for one in stages if one["code"] == stage))


def dict_of(value: Any) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


def _texts(rows: list[outline.Row]) -> list[State]:
    return [{**row, "depth": str(row["depth"])} for row in rows]


def _numbers(rows: list[State]) -> list[outline.Row]:
    """Rows of a form with depths that are numbers and make an outline."""
    given = [{**row, "depth": int(row["depth"]) if re.fullmatch(r"[0-9]{1,2}", row["depth"]) else 0} for row in rows]
    return outline.settled(given)


def apply(state: State, _parts: Sequence[Part], do: str) -> bool:
    """What a button of the outline asks: add, addh, remove, up, down, in, out."""
    name, _colon, rest = do.partition(":")
    verb, _colon, at = rest.partition(":")
    if name != "rows":
        return False
    rows = _numbers(state["rows"])
    kind = "heading" if verb == "addh" else "judgement"
    if verb in ("add", "addh") and not at:
        rows.append(outline.blank(kind))
    elif not (at.isascii() and at.isdigit() and len(at) < 4 and int(at) < len(rows)):
        return False
    elif verb in ("add", "addh"):
        place = int(at)
        inside = outline.is_heading(rows[place])
        depth = rows[place]["depth"] + (1 if inside else 0)
        rows.insert(outline.end_of(rows, place), outline.blank(kind, depth))
    elif verb == "remove":
        place = int(at)
        del rows[place : outline.end_of(rows, place)]
    else:
        rows = outline.moved(rows, int(at), verb)
    state["rows"] = _texts(rows)
    return True


def lines(_parts: Sequence[Part], state: State) -> list[str]:
    """The outline as lines: its number, title, kind and maximum, then what else is said of it."""
    rows = _numbers(state["rows"])
    said = []
    for number, row in zip(outline.numbers(rows), rows, strict=True):
        line = f"{number} {row['title']}·{KINDS.get(row['kind'], row['kind'])}"
        if not outline.is_heading(row):
            line += "·" + _("%(max)s 分", max=row["max"])
        said.append(line)
        for key, label in (("min", _("最低分")), ("step", _("步长")), ("factor", _("系数")), ("note", _("说明"))):
            if row[key] and not outline.is_heading(row):
                said.append(f"  {label} {row[key]}")
        said += [f"  {at}: {row[key]}" for at, key in enumerate(outline.GRADES) if row[key]]
    return said


def shown(state: State) -> dict[str, Any]:
    """What the page shows of a state beside its rows: numbers, sums, which buttons do something."""
    rows = _numbers(state["rows"])
    held, total = outline.sums(rows)
    can = [{verb: outline.may(rows, at, verb) for verb in ("up", "down", "in", "out")} for at in range(len(rows))]
    return {
        "depths": [row["depth"] for row in rows],
        "numbers": outline.numbers(rows),
        "sums": held,
        "total": total,
        "can": can,
        "kinds": KINDS,
        "says": SAYS,
        "grade_labels": GRADE_LABELS,
        "blank": dict.fromkeys(outline.KEYS, "") | {"kind": "judgement", "depth": "0"},
    }


def _in_form(error: DomainError, at: str, places: dict[str, int]) -> DomainError:
    problems: Any = error.details.get("problems")
    if not problems:
        return error
    told = []
    for problem in problems:
        place = str(problem["place"])
        if place.startswith(at):
            # The row of the longest path that the problem's place begins with.
            path, _dot, key = place.removeprefix(at).rpartition(".")
            if path in places:
                place = f"rows.{places[path]}.{'title' if key == 'criteria' else key}"
            elif place.removeprefix(at) in places:
                place = f"rows.{places[place.removeprefix(at)]}.title"
            else:
                place = "rows"
        told.append({"place": place, "sentence": problem["sentence"]})
    return DomainError(error.code, error.message, told[0]["place"], problems=told)
