"""What a bundle's marks come to: `leitai.results/1` (bundle.md, "What `leitai score` prints")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from competition.awards.rules import PrizeAllotment, allot_prizes, team_points
from competition.bundle.records import Bundle
from competition.leaderboard.records import Row, TrackResult
from competition.leaderboard.rules import fold
from competition.recommendation.rules import Nomination, Outcome, nominate
from competition.scoring.numbers import format_amount

FORMAT = "leitai.results/1"


def outcome(bundle: Bundle) -> Outcome:
    """The bundle's contest with its tracks folded and its prizes allotted."""
    evidence = bundle.by_track()
    folded = {track.code: fold(track, evidence[track.code]) for track in bundle.contest.tracks}
    prizes = {track.code: allot_prizes(track, folded[track.code]) for track in bundle.contest.tracks}
    return Outcome(bundle.contest, bundle.entries, folded, prizes)


def results(bundle: Bundle) -> dict[str, Any]:
    """A bundle recomputed from its marks alone, in the form `leitai score` prints."""
    return results_of(outcome(bundle))


def results_of(came: Outcome) -> dict[str, Any]:
    """The same form for a contest whose outcome is known already."""
    contest = came.contest
    printed: dict[str, Any] = {
        "format": FORMAT,
        "contest": contest.code,
        "tracks": [_track(came.results[track.code], came.prizes[track.code]) for track in contest.tracks],
    }
    if contest.team_points is not None:
        teams = team_points(contest, came.results.values(), came.entries)
        printed["teams"] = [
            {"rank": row.rank, "organisation": row.organisation, "points": format_amount(row.points)} for row in teams
        ]
    if contest.schemes:
        printed["recommendations"] = [_nomination(nominate(scheme, [came])) for scheme in contest.schemes]
    return printed


def _track(result: TrackResult, allotment: PrizeAllotment) -> dict[str, Any]:
    return {
        "code": result.track,
        "complete": result.complete,
        "ranking": [_row(row, allotment.by_entry) for row in result.rows],
    }


def _row(row: Row, prizes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "entry": row.entry,
        "status": row.status,
        "total": None if row.total is None else format(row.total, "f"),
        "stages": {code: None if score is None else format(score, "f") for code, score in row.stages.items()},
        "prize": prizes.get(row.entry),
    }


def _nomination(nomination: Nomination) -> dict[str, Any]:
    return {
        "scheme": nomination.scheme.code,
        "recommended": [line.candidate.entry.code for line in nomination.of("recommended")],
        "reserve": [line.candidate.entry.code for line in nomination.of("reserve")],
        "excluded": [{"entry": line.candidate.entry.code, "reason": line.reason} for line in nomination.of("excluded")],
    }
