"""What a change of the rules would change of a contest: ranks, prizes, scores, teams, recommendations; nothing stored.

The answer is plain JSON, so that it can stand with the decision that it was shown for:
`{tracks: [{code, title, complete: [b, a], same, rows: [{entry, number, title, rank: [b, a], total, status, prize,
stages: [{title, score: [b, a]}]}]}], teams, schemes: [{title, new, gone}]}`; b is before, a after. Only what changes
is listed, `same` counts the rest; `teams` counts the units whose place or points change. Where the board knows numbers
alone, `title` is empty and rows are known by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from competition.awards.rules import allot_prizes, team_points
from competition.contests import models, queries, rules
from competition.leaderboard.preview import Preview, preview_rules
from competition.leaderboard.records import Row
from competition.recommendation.rules import Outcome, nominate
from competition.registration.rules import Entry
from competition.scoring.evidence import EvidenceReader

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RuleEffects:
    """Folds by the reader that the program is wired with."""

    reader: EvidenceReader

    def __call__(self, session: Session, contest: models.Contest, new: rules.Contest) -> Tree:
        """What the definition `new` would change. Tracks that it does not have, and new ones, have no rows."""
        old = queries.definition(session, contest.id)
        previews: dict[str, Preview] = {}
        for track in contest.tracks:
            record = new.track(track.code)
            if record is not None:
                previews[track.code] = preview_rules(session, track, record, reader=self.reader)
        before = _outcome(old, previews, False)
        after = _outcome(new, previews, True)
        numbered = contest.identity == "number"
        return {
            "tracks": [_track(preview, before, after, numbered) for preview in previews.values()],
            "teams": _teams(before, after),
            "schemes": _schemes(before, after, numbered),
        }


def _outcome(contest: rules.Contest, previews: Mapping[str, Preview], new: bool) -> Outcome:
    results = {code: one.after if new else one.before for code, one in previews.items()}
    tracks = {code: one.new_rules if new else one.rules for code, one in previews.items()}
    prizes = {code: allot_prizes(tracks[code], result) for code, result in results.items()}
    return Outcome(contest, tuple(entry for one in previews.values() for entry in one.entries), results, prizes)


def _track(preview: Preview, before: Outcome, after: Outcome, numbered: bool) -> Tree:
    code = preview.rules.code
    entries = {entry.code: entry for entry in preview.entries}
    rows, same = [], 0
    for row in preview.after.rows:
        earlier = preview.before.row(row.entry)
        assert earlier is not None, "the same evidence has the same entries"
        one = _row(preview, earlier, row, before, after)
        if one is None:
            same += 1
        else:
            rows.append((_order(row, entries[row.entry]), _named(entries[row.entry], numbered) | one))
    return {
        "code": code,
        "title": preview.new_rules.title,
        "complete": [preview.before.complete, preview.after.complete],
        "same": same,
        "rows": [one for _key, one in sorted(rows, key=lambda pair: pair[0])],
    }


def _order(row: Row, entry: Entry) -> tuple[int, int, str]:
    """By the new rank; without one by number, so that nothing of the order comes from codes."""
    return row.rank or 10**9, entry.draw or 0, entry.code


def _named(entry: Entry, numbered: bool) -> Tree:
    known = numbered and entry.draw is not None
    return {"entry": entry.code, "number": entry.draw if known else None, "title": "" if known else entry.title}


def _row(preview: Preview, old: Row, new: Row, before: Outcome, after: Outcome) -> Tree | None:
    code = preview.rules.code
    prizes = [_prize(before, code, old.entry), _prize(after, code, new.entry)]
    titles = {stage.code: stage.title for stage in (*preview.rules.stages, *preview.new_rules.stages)}
    stages = [
        {"title": title, "score": [_text(old.stages.get(stage)), _text(new.stages.get(stage))]}
        for stage, title in titles.items()
        if _text(old.stages.get(stage)) != _text(new.stages.get(stage))
    ]
    values: Tree = {
        "rank": [old.rank, new.rank],
        "total": [_text(old.total), _text(new.total)],
        "status": [old.status, new.status],
        "prize": prizes,
    }
    if not stages and all(first == then for first, then in values.values()):
        return None
    return values | {"stages": stages}


def _prize(outcome: Outcome, track: str, entry: str) -> str | None:
    """The title of the prize that an entry takes."""
    allotment, record = outcome.prizes[track], outcome.contest.track(track)
    code = allotment.by_entry.get(entry)
    if code is None or record is None:
        return None
    return next(prize.title for prize in record.prizes if prize.code == code)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _teams(before: Outcome, after: Outcome) -> int:
    """How many units change their place or their points."""
    old, new = _places(before), _places(after)
    return sum(old.get(unit) != new.get(unit) for unit in old.keys() | new.keys())


def _places(outcome: Outcome) -> dict[str, tuple[int, Decimal]]:
    rows = team_points(outcome.contest, outcome.results.values(), outcome.entries)
    return {row.organisation: (row.rank, row.points) for row in rows}


def _schemes(before: Outcome, after: Outcome, numbered: bool) -> list[Tree]:
    """For each scheme who would come onto its list and who would leave it."""
    old = {scheme.code: _listed(scheme, before, numbered) for scheme in before.contest.schemes}
    found = []
    for scheme in after.contest.schemes:
        held, then = old.get(scheme.code, {}), _listed(scheme, after, numbered)
        new = [one for code, one in then.items() if code not in held]
        gone = [one for code, one in held.items() if code not in then]
        if new or gone:
            found.append({"title": scheme.title, "new": new, "gone": gone})
    return found


def _listed(scheme: rules.Scheme, outcome: Outcome, numbered: bool) -> dict[str, Tree]:
    lines = nominate(scheme, [outcome]).of("recommended")
    return {
        f"{line.candidate.track}/{line.candidate.entry.code}": _named(line.candidate.entry, numbered) for line in lines
    }
