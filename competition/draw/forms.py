"""What the coder types, read: conditions of a draw, layers of a track."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask_babel import gettext as _

from competition.draw.layers import TITLES, LayerCommand
from competition.draw.service import Conditions
from competition.shared.errors import DomainError


def read_conditions(form: Mapping[str, str], groups: tuple[str, ...]) -> Conditions:
    """`groups` are the contest's; `fixed` has one `E003=5` a line."""
    fixed: dict[str, int] = {}
    for line in re.split(r"[\n,，;；]+", form.get("fixed", "")):
        if not line.strip():
            continue
        found = re.fullmatch(r"\s*([A-Za-z0-9][A-Za-z0-9._-]{0,63})\s*[=＝:：]\s*([0-9]{1,4})\s*", line)
        if found is None:
            raise DomainError(
                "bad_request", _("固定位置每行写一个，如 E003=5；看不懂“%(line)s”。", line=line.strip()[:40]), "fixed"
            )
        if found[1] in fixed:
            raise DomainError("bad_request", _("%(code)s 固定了两次。", code=found[1]), "fixed")
        fixed[found[1]] = int(found[2])
    wanted = tuple(code for code in re.split(r"[\s,，、]+", form.get("groups", "")) if code)
    if unknown := [code for code in wanted if code not in groups]:
        raise DomainError("bad_request", _("本竞赛没有组别 %(codes)s。", codes="、".join(unknown)), "groups")
    return Conditions(
        apart=form.get("apart") == "1",
        groups=tuple(dict.fromkeys(wanted)),
        fixed=fixed,
        stations=form.get("places") == "stations",
        present_only=form.get("who") != "all",
    )


def read_layers(form: Mapping[str, str]) -> list[LayerCommand]:
    """One row for each layer that is ticked: its first number and its coder."""
    commands = []
    for code in TITLES:
        if form.get(f"use-{code}") != "1":
            continue
        first, coder = form.get(f"first-{code}", "1").strip() or "1", form.get(f"coder-{code}", "")
        if not first.isascii() or not first.isdigit() or len(first) > 5:
            raise DomainError("bad_request", _("起始号须在 1 至 9000 之间。"), f"first-{code}")
        commands.append(LayerCommand(code, int(first), int(coder) if coder.isascii() and coder.isdigit() else None))
    return commands
