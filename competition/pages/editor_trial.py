"""The rules that are being edited, tried out on sample marks, as the page of ranking and prizes shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from competition.bundle import trial
from competition.bundle.editing import Document, read_document
from competition.bundle.rules import BundleProblems
from competition.contests.rules import Track
from competition.pages import wording
from competition.pages.editor_fields import State
from competition.pages.editor_rules import ranked_document


def shown(document: Document, place: int, state: State, sent: Mapping[str, str]) -> dict[str, Any]:
    """The sample figures and what the rules as typed make of them; `problem` where they cannot be read."""
    try:
        # What is recommended to the level above is no part of this, and may name prizes that are being taken away.
        track = read_document({**ranked_document(document, place, state), "schemes": []}).tracks[place]
    except BundleProblems:
        return {"problem": _("规则还有没填对的地方，改好后再试算。")}
    figures = figures_of(track, sent)
    tried = trial.try_out(track, figures)
    titles = {prize.code: prize.title for prize in track.prizes}
    rows = [
        {
            "row": row,
            "prize": titles.get(tried.by_entry.get(row.entry, ""), ""),
            "why": why(track, row.decided_by) if row.rank is not None else "",
        }
        for row in tried.result.rows
    ]
    return {"track": track, "figures": figures, "names": trial.names(len(figures[0])), "rows": rows, "tried": tried}


def figures_of(track: Track, sent: Mapping[str, str]) -> trial.Figures:
    """The figures that were typed, the samples in place of what is no whole number from 0 to 100."""
    return tuple(
        tuple(
            tuple(_figure(sent.get(f"f-{stage}-{entry}-{judge}", ""), usual) for judge, usual in enumerate(row))
            for entry, row in enumerate(given)
        )
        for stage, given in enumerate(trial.sample_figures(len(track.stages)))
    )


def _figure(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= 100 else usual


def why(track: Track, decided_by: str | None) -> str:
    """What put a row below the one above it."""
    if decided_by is None:
        return ""
    if decided_by == "total":
        return _("总分")
    if decided_by == "stage":
        return _("上一名晋级了后面的环节")
    return wording.tie_key(track, decided_by)
