"""Times as people in China enter and read them; stored and compared in UTC."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final

from competition.shared.clock import LOCAL

_ENTERED: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::\d{2})?")


def read_local(text: str) -> datetime | None:
    """The instant that a form's `2026-05-01T09:00` names in China; None where it names none."""
    found = _ENTERED.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute = (int(part) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, tzinfo=LOCAL)
    except ValueError:
        return None


def put_local(instant: datetime | None) -> str:
    """The value of a form's field for an instant; "" for none."""
    return "" if instant is None else instant.astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M")


def read_day(text: str) -> date | None:
    """The day that `2026-05-01` names; None where it names none."""
    try:
        return date.fromisoformat(text.strip()) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()) else None
    except ValueError:
        return None
