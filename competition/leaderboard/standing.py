"""Who stands in which stage, and who goes on (bundle.md, "Who stands in a stage", "From stage scores to ranks", 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from competition.contests.rules import ZERO, Advance, Track
from competition.registration.rules import Entry, leaves_at
from competition.scoring.evidence import Panel
from competition.scoring.numbers import EXACT, round_to
from competition.scoring.records import UNMARKED, EntryStage
from competition.scoring.rules import normalise_stage


@dataclass(frozen=True, slots=True)
class Standing:
    """For each stage of a track, in order: who stands in it and with what result, evened out where the stage is."""

    stages: tuple[Mapping[str, EntryStage], ...]

    @property
    def complete(self) -> bool:
        """Whether no stage is pending for anyone who stands in it, whatever their status."""
        return all(result.state == "complete" for stage in self.stages for result in stage.values())


def stand(
    track: Track,
    entries: Sequence[Entry],
    results: Mapping[tuple[str, str], EntryStage],
    panels: Sequence[Panel] = (),
) -> Standing:
    """Who stands in each stage of a track. `results` have step 6 of scoring by (stage, entry); without one: pending."""
    ends = {entry.code: leaves_at(track, entry) for entry in entries}
    standing = [entry.code for entry in entries if ends[entry.code] > 0]
    sums = dict.fromkeys(standing, ZERO)
    waiting: set[str] = set()
    stages: list[Mapping[str, EntryStage]] = []
    for place, stage in enumerate(track.stages):
        here = {code: results.get((stage.code, code), UNMARKED) for code in standing}
        here = normalise_stage(stage, here, panels)
        stages.append(here)
        with localcontext(EXACT):
            for code, result in here.items():
                if result.score is None:
                    waiting.add(code)
                else:
                    sums[code] += stage.weight * result.score
        if stage.advance is not None and place + 1 < len(track.stages):
            if not waiting.isdisjoint(standing):
                standing = []
            elif stage.advance.by == "stage":
                standing = cut(stage.advance, {code: here[code].score or ZERO for code in standing})
            else:
                ranking = track.ranking
                standing = cut(
                    stage.advance, {code: round_to(sums[code], ranking.places, ranking.rounding) for code in standing}
                )
        standing = [code for code in standing if ends[code] > place + 1]
    return Standing(tuple(stages))


def cut(advance: Advance, values: Mapping[str, Decimal]) -> list[str]:
    """Those of `values` who go on: the best `top` and all who tie with the last of them, those with `min`, or both."""
    floor = advance.min
    if advance.top is not None and advance.top < len(values):
        last = sorted(values.values(), reverse=True)[advance.top - 1]
        floor = last if floor is None else max(floor, last)
    return [code for code, value in values.items() if floor is None or value >= floor]
