"""The one place where the time is read; services take `now` as an argument."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

LOCAL: Final = timezone(timedelta(hours=8), "CST")
"""China's one time, without summer time: in it people read clocks, and a day begins and ends."""


def now() -> datetime:
    return datetime.now(UTC)


def local_day(moment: datetime) -> date:
    """The calendar day that `moment` is in here."""
    return moment.astimezone(LOCAL).date()
