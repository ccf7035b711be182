"""A bundle of numbers without names, for tracks whose code numbers are not decoded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from competition.bundle.records import Bundle
from competition.registration.rules import Entry


def by_number(bundle: Bundle, tracks: Collection[str]) -> Bundle:
    """The same contest with the entries of `tracks` known by their numbers alone; others stay as they are.

    The scores come out the same. Codes, titles, units, people, attributes and reasons are gone: each of them can tell
    whose number it is. An entry without a number yet keeps its name, since nothing joins it to one.
    """
    if not tracks:
        return bundle
    codes = {
        entry.code: f"{entry.track}-{entry.draw}"[-64:]
        for entry in bundle.entries
        if entry.track in tracks and entry.draw is not None
    }
    return replace(
        bundle,
        entries=tuple(sorted((_entry(entry, codes) for entry in bundle.entries), key=lambda entry: entry.code)),
        panels=tuple(
            replace(
                panel, entries=None if panel.entries is None else tuple(codes.get(one, one) for one in panel.entries)
            )
            for panel in bundle.panels
        ),
        recusals=_renamed(bundle.recusals, codes, reason=None),
        absences=_renamed(bundle.absences, codes, reason=None),
        marks=_renamed(bundle.marks, codes),
        drafts=_renamed(bundle.drafts, codes),
        adjustments=_renamed(bundle.adjustments, codes, reason=None),
        timings=_renamed(bundle.timings, codes),
    )


def _entry(entry: Entry, codes: Mapping[str, str]) -> Entry:
    if entry.code not in codes:
        return entry
    return replace(entry, code=codes[entry.code], title=f"{entry.draw}", organisation=None, members=(), attributes={})


def _renamed(records: Iterable[Any], codes: Mapping[str, str], **without: Any) -> tuple[Any, ...]:
    return tuple(
        replace(record, entry=codes[record.entry], **without) if record.entry in codes else record for record in records
    )
