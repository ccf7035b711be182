"""What a new contest may begin with: the templates that come with the program, as data (samples/templates/*.json).

A template holds a definition document's tracks, team points and schemes, and what stands around them: texts, groups,
entrants and eligibility by track, fields, files, the steps of the review. No people, no marks, no dates.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flask_babel import lazy_gettext as _l

FOLDER: Final = Path(__file__).resolve().parent.parent / "samples" / "templates"
TITLES: Final[dict[str, tuple[Any, Any]]] = {
    "plain": (_l("空白赛事"), _l("一个赛项、一个环节、一项评分，其余自己写。")),
    "skill": (_l("职业技能竞赛"), _l("理论加实操，评价分与测量分，按用时分先后，积团体分。依焊工赛。")),
    "digital": (_l("数字变革创新大赛"), _l("书面初赛加路演决赛，团队参赛，按比例设奖。")),
    "achievement": (_l("创新创效成果竞赛"), _l("书面评审加答辩，看效益与应用，向省里推荐。")),
    "challenge": (_l("揭榜攻关"), _l("发榜、揭榜方案评审、验收评审；看解题，不看资历。")),
    "suggestion": (_l("合理化建议与五小"), _l("手机上两分钟填完：改前、改后、效果、照片。")),
}
"""Every template: what it is called, and what it is good for."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template by its code; `document` lacks the contest's own record, `around` is all that is no rule."""

    code: str
    kind: str
    document: dict[str, Any]
    around: dict[str, Any]


@functools.cache
def templates() -> dict[str, Template]:
    """All templates by code, in the order in which they are offered."""
    found = {}
    for code in TITLES:
        data = json.loads((FOLDER / f"{code}.json").read_text(encoding="utf-8"))
        document = {key: data[key] for key in ("tracks", "team_points", "schemes") if key in data}
        found[code] = Template(code, data["kind"], document, data.get("around", {}))
    return found
