"""The section of the editor about recommendation to the level above."""

from __future__ import annotations

import re
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from competition.bundle import editing
from competition.contests import describing
from competition.contests.models import Contest, Track
from competition.contests.rules import CONTEST_KINDS
from competition.pages import wording
from competition.pages.editor_fields import Field, Rows, State
from competition.pages.editor_rules import given, moved, whole
from competition.pages.editor_sections import CODE, By, Section
from competition.shared.errors import DomainError

LIMITS: Final = ("quota", "per_track", "per_organisation")


def _read(session: Session, contest: Contest, _track: Track | None) -> State:
    schemes = editing.document_of(session, contest).get("schemes", [])
    return {"schemes": [_row(scheme) for scheme in schemes]}


def _row(scheme: dict[str, Any]) -> State:
    requires = {one["attribute"]: one for one in scheme.get("requires", ())}
    return {
        "code": scheme["code"],
        "title": scheme["title"],
        **{name: str(scheme.get(name, "")) for name in LIMITS},
        "kinds": list(scheme.get("kinds", ())),
        "prizes": list(scheme.get("prizes", ())),
        "requires": "\n".join(_said(one) for one in requires.values()),
    }


def _said(one: dict[str, Any]) -> str:
    """A condition as it is written: `months_in_use >= 24`, `registered = yes`."""
    said = []
    if "min" in one:
        said.append(f"{one['attribute']} >= {one['min']}")
    if "max" in one:
        said.append(f"{one['attribute']} <= {one['max']}")
    if "equals" in one:
        value = one["equals"]
        written = ("yes" if value else "no") if isinstance(value, bool) else value
        said.append(f"{one['attribute']} = {written}")
    return ", ".join(said)


def requirements(text: str) -> list[dict[str, Any]]:
    """What is written, a condition a line; what is none becomes one that the reader refuses."""
    found: dict[str, dict[str, Any]] = {}
    for part in re.split(r"[\n,]+", text):
        if not part.strip():
            continue
        read = re.fullmatch(r"\s*(\S+?)\s*(>=|<=|=)\s*(\S.*?)\s*", part)
        if read is None:
            found[part] = {"attribute": part.strip(), "min": "?"}
            continue
        name, sign, value = read.groups()
        one = found.setdefault(name, {"attribute": name})
        if sign == "=":
            plain = whole(value)
            one["equals"] = {"yes": True, "no": False}.get(value, plain)
        else:
            one["min" if sign == ">=" else "max"] = value
    return list(found.values())


def _save(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    describing.authorised(session, contest, by.actor)
    document = editing.document_of(session, contest)
    taken = [row["code"] for row in state["schemes"] if row["code"]]
    schemes = []
    for row in state["schemes"]:
        row["code"] = row["code"] or describing.free_code("r", taken)
        taken.append(row["code"])
        limits = {name: whole(row[name]) for name in LIMITS}
        requires = requirements(row["requires"])
        schemes.append(
            given(
                code=row["code"],
                title=row["title"],
                kinds=row["kinds"],
                prizes=row["prizes"],
                requires=requires,
                **limits,
            )
        )
    changed = {**document, "schemes": schemes}
    places = (
        (r"schemes\[(\d+)\]\.requires.*", r"schemes.\1.requires"),
        (r"schemes\[(\d+)\]\.(\w+).*", r"schemes.\1.\2"),
    )
    try:
        return editing.save_rules(session, contest, changed, reason=by.reason, actor=by.actor, now=by.now)
    except DomainError as error:
        raise moved(error, places) from None


SCHEMES: Final = Section(
    "schemes",
    _l("向上推荐"),
    _l("获奖后按什么规则推荐参评上一级奖项；奖次、类别都不选则不限。"),
    (
        Rows(
            "schemes",
            _l("推荐去向"),
            _l("去向"),
            (
                CODE,
                Field("title", _l("名称"), size=6, most=60, required=True),
                Field("quota", _l("名额"), "number", size=2),
                Field("per_track", _l("每赛项至多"), "number", size=2),
                Field("per_organisation", _l("每单位至多"), "number", size=2),
                Field("prizes", _l("哪些奖次"), "several", "prizes"),
                Field(
                    "kinds",
                    _l("哪些类别的赛事"),
                    "several",
                    tuple((kind, wording.KINDS[kind]) for kind in CONTEST_KINDS),
                ),
                Field(
                    "requires",
                    _l("条件"),
                    "area",
                    help=_l("每行一条，如 months_in_use >= 24 或 registered = yes；名字是报名表填写项的代码"),
                ),
            ),
        ),
    ),
    _read,
    _save,
    rules=True,
)
