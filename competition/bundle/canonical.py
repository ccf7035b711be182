"""A bundle in canonical form, as a tree and as text (bundle.md: "equals x in canonical form").

Amounts are strings without trailing zeros, counts are whole numbers, numbers among attributes stay numbers. What has
no default and is not given stands nowhere. The same contest always gives the same text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from competition.bundle.records import Bundle
from competition.contests import rules as c
from competition.contests.pack import team_points_tree, track_tree
from competition.registration.rules import Entry
from competition.scoring.evidence import Mark, Panel
from competition.scoring.numbers import format_amount

FORMAT: Final = "leitai.bundle/1"
Tree = dict[str, Any]

# No text of a bundle holds U+0000, so nothing but a number that `_number` wrapped looks like this in the JSON.
_WRAPPED: Final = re.compile(r'"\\u0000(-?[0-9.]+)"')


def settle_phases(contest: c.Contest) -> c.Contest:
    """The contest with the phase of its slowest track, and tracks that name a phase only where theirs is another.

    contract.md, Phases and identity: the contest's phase is that of its slowest track.
    """
    if not contest.tracks:
        return contest
    own = [track.phase or contest.phase for track in contest.tracks]
    slowest = min(own, key=c.PHASES.index)
    tracks = tuple(
        replace(track, phase=None if phase == slowest else phase)
        for track, phase in zip(contest.tracks, own, strict=True)
    )
    return replace(contest, phase=slowest, tracks=tracks)


def _some(**values: object) -> Tree:
    """An object of what is not None, amounts as strings."""
    return {
        key: format_amount(value) if isinstance(value, Decimal) else value
        for key, value in values.items()
        if value is not None
    }


def _track(track: c.Track) -> Tree:
    """A track in the words of its rule pack, and its phase where it has one of its own."""
    tree = track_tree(track)
    return _some(code=tree.pop("code"), title=tree.pop("title"), phase=track.phase) | tree


def _scheme(scheme: c.Scheme) -> Tree:
    requires = [
        {**_some(attribute=one.attribute, min=one.min, max=one.max), **_equals(one.equals)} for one in scheme.requires
    ]
    return _some(
        code=scheme.code,
        title=scheme.title,
        quota=scheme.quota,
        requires=sorted(requires, key=json_text),
        kinds=None if scheme.kinds is None else sorted(scheme.kinds),
        prizes=None if scheme.prizes is None else list(scheme.prizes),
        per_track=scheme.per_track,
        per_organisation=scheme.per_organisation,
    )


def _equals(value: c.Scalar | None) -> Tree:
    return {} if value is None else {"equals": _scalar(value)}


def _scalar(value: c.Scalar) -> c.Scalar:
    """A text, true or false as it is; a whole number as an int, another number as a decimal without trailing zeros."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else Decimal(format_amount(value))
    return value


def _entry(entry: Entry, first: Mapping[str, str]) -> Tree:
    held = entry.status != "ok"
    return _some(
        code=entry.code,
        track=entry.track,
        title=entry.title,
        organisation=entry.organisation,
        draw=entry.draw,
        members=[{"name": member.name} for member in entry.members],
        attributes={key: _scalar(entry.attributes[key]) for key in sorted(entry.attributes)},
        status=entry.status,
        status_from=(entry.status_from or first.get(entry.track)) if held else None,
    )


def _panel_key(panel: Panel) -> tuple[object, ...]:
    return panel.track, panel.stage, sorted(panel.judges), panel.entries is not None, sorted(panel.entries or ())


def _mark_key(mark: Mark) -> tuple[object, ...]:
    return mark.track, mark.stage, mark.entry, mark.judge or "", mark.criterion, mark.attempt, mark.value


def _marks(marks: Iterable[Mark]) -> list[Tree]:
    return [
        {
            "track": mark.track,
            "stage": mark.stage,
            "entry": mark.entry,
            **({} if mark.judge is None else {"judge": mark.judge}),
            "criterion": mark.criterion,
            "attempt": mark.attempt,
            "value": format_amount(mark.value),
        }
        for mark in sorted(marks, key=_mark_key)
    ]


def canonical(bundle: Bundle) -> Tree:
    """The canonical form of a bundle as a tree of what JSON holds; attributes may be `Decimal`s besides."""
    contest = settle_phases(bundle.contest)
    first = {track.code: track.stages[0].code for track in contest.tracks if track.stages}
    return _some(
        format=FORMAT,
        contest={
            "code": contest.code,
            "title": contest.title,
            "kind": contest.kind,
            "level": contest.level,
            "year": contest.year,
            "phase": contest.phase,
            "board": {"identity": contest.identity, "public": contest.public, "counts": contest.counts},
            "rehearsal": contest.rehearsal,
        },
        organisations=[
            _some(code=unit.code, name=unit.name, kind=unit.kind, parent=unit.parent)
            for unit in sorted(bundle.organisations, key=lambda unit: unit.code)
        ],
        judges=[
            _some(code=judge.code, name=judge.name, organisation=judge.organisation)
            for judge in sorted(bundle.judges, key=lambda judge: judge.code)
        ],
        tracks=[_track(track) for track in contest.tracks],
        entries=[_entry(entry, first) for entry in sorted(bundle.entries, key=lambda entry: entry.code)],
        panels=[
            _some(
                track=panel.track,
                stage=panel.stage,
                judges=sorted(panel.judges),
                entries=None if panel.entries is None else sorted(panel.entries),
            )
            for panel in sorted(bundle.panels, key=_panel_key)
        ],
        recusals=[
            _some(judge=one.judge, entry=one.entry, reason=one.reason)
            for one in sorted(bundle.recusals, key=lambda one: (one.entry, one.judge, one.reason or ""))
        ],
        absences=[
            _some(judge=one.judge, track=one.track, stage=one.stage, entry=one.entry, reason=one.reason)
            for one in sorted(
                bundle.absences, key=lambda one: (one.track, one.stage, one.entry or "", one.judge, one.reason or "")
            )
        ],
        marks=_marks(bundle.marks),
        drafts=_marks(bundle.drafts),
        adjustments=[
            _some(track=one.track, stage=one.stage, entry=one.entry, amount=one.amount, reason=one.reason)
            for one in sorted(
                bundle.adjustments, key=lambda one: (one.track, one.stage, one.entry, one.amount, one.reason or "")
            )
        ],
        timings=[
            _some(track=one.track, stage=one.stage, entry=one.entry, seconds=one.seconds)
            for one in sorted(bundle.timings, key=lambda one: (one.track, one.stage, one.entry))
        ],
        team_points=team_points_tree(contest.team_points),
        schemes=[_scheme(scheme) for scheme in contest.schemes],
    )


def _wrapped(value: object) -> str:
    if isinstance(value, Decimal):
        return f"\x00{format_amount(value)}"
    raise TypeError(f"{type(value).__name__} is nothing a bundle holds")


def json_text(value: object) -> str:
    """Compact JSON on one line."""
    return _WRAPPED.sub(r"\1", json.dumps(value, ensure_ascii=False, default=_wrapped))


def write_bundle(bundle: Bundle) -> str:
    """The canonical form as JSON text: one line for each record, so that two exports can be compared by line."""
    parts = []
    for key, value in canonical(bundle).items():
        if isinstance(value, Sequence) and not isinstance(value, str) and value:
            body = "[\n  " + ",\n  ".join(json_text(one) for one in value) + "\n ]"
        else:
            body = json_text(value)
        parts.append(f" {json.dumps(key)}: {body}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
