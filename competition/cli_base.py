"""What every module of commands opens: the settings, the database, a contest with its tracks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from competition.shared.errors import Refused

if TYPE_CHECKING:
    from competition.config import Config
    from competition.contests.models import Contest, Track
    from competition.shared.db import Database

NO: Final = 1
BAD_INPUT: Final = 2


def settings() -> Config:
    from competition.config import Config, ConfigError

    try:
        return Config.from_env(os.environ)
    except ConfigError as error:
        raise Refused(BAD_INPUT, *error.problems) from None


@contextmanager
def open_database(*, any_revision: bool = False) -> Iterator[Database]:
    from competition.terminal import open_database as opening
    from judges import sections as _tables_of_judges  # noqa: F401  (others point at them)

    with opening(settings(), any_revision=any_revision) as opened:
        yield opened


def contest_and_tracks(session: Any, name: str) -> tuple[Contest, list[Track]]:
    """A contest and, of `CONTEST/TRACK`, that track, of `CONTEST` all."""
    from competition.contests.queries import get_contest, get_track

    code, _slash, track = name.partition("/")
    contest = get_contest(session, code)
    return contest, [get_track(session, contest.id, track)] if track else list(contest.tracks)
