"""The marks in a bundle, which are most of it: a short way for sound ones, a long one that tells what is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from competition.bundle.evidence import Known, check_entry, track_and_stage
from competition.bundle.reading import quoted
from competition.bundle.record import Problems, Record, amount_of, whole_of
from competition.contests.rules import Criterion
from competition.scoring.evidence import Mark
from competition.scoring.numbers import format_amount
from competition.scoring.rules import BEST_GRADE, check_mark

MARK_KEYS: Final = frozenset(("track", "stage", "entry", "judge", "criterion", "attempt", "value"))


class Cells:
    """The cells of one leaf: which are taken, and the values already found to be sound for it."""

    __slots__ = ("attempts", "leaf", "measured", "taken", "values")

    def __init__(self, leaf: Criterion, attempts: int) -> None:
        self.leaf = leaf
        self.measured = leaf.kind == "measurement"
        self.attempts = attempts
        self.taken: dict[tuple[str, str | None, int], str] = {}
        # Judges give few different values, so most marks need no check of their own.
        self.values: dict[tuple[type, object], Decimal] = {}


class MarkReader:
    """Reads the lists `marks` and `drafts` of one file; a cell may stand once in both together."""

    def __init__(self, known: Known, problems: Problems) -> None:
        self.known = known
        self.problems = problems
        self.judges = {code: code for code in known.judges}
        self.entries = {code: (code, track) for code, track in known.entries.items()}
        self.cells = {
            (track, stage, leaf.code): Cells(leaf, found.attempt_count)
            for (track, stage), found in known.stages.items()
            for leaf in found.leaves
        }

    def read(self, top: Record, name: str) -> tuple[Mark, ...]:
        """One of the two lists."""
        marks: list[Mark] = []
        for place, value in enumerate(top.items(name) or ()):
            mark = self._sound(value, f"{name}[{place}]") if type(value) is dict else None
            if mark is None:
                self._tell(value, f"{name}[{place}]")
            else:
                marks.append(mark)
        return tuple(marks)

    def _sound(self, value: dict[str, object], path: str) -> Mark | None:
        """A mark that has nothing wrong with it, else None."""
        if not value.keys() <= MARK_KEYS:
            return None
        try:
            track, stage, criterion = value["track"], value["stage"], value["criterion"]
            cells = self.cells[track, stage, criterion]  # type: ignore[index]
            entry, home = self.entries[value["entry"]]  # type: ignore[index]
            raw = value["value"]
            judge = value.get("judge")
            named = None if judge is None else self.judges[judge]  # type: ignore[index]
            attempt = value.get("attempt")
            if attempt is None:
                attempt = 1
            elif type(attempt) is Decimal:
                attempt = whole_of(attempt)
            if home != track or type(attempt) is not int or not 1 <= attempt <= cells.attempts:
                return None
            if named is None and not cells.measured:
                return None
            key = (entry, None if cells.measured else named, attempt)
            amount = cells.values.get((type(raw), raw))
        except (KeyError, TypeError):
            # A key that is missing, a code that names nothing, a list where a text should stand: the long way tells
            # which.
            return None
        if amount is None:
            read = amount_of(raw)
            if isinstance(read, str) or cells.leaf.max is None or check_mark(read, cells.leaf) is not None:
                return None
            amount = cells.values[type(raw), raw] = read
        if cells.taken.setdefault(key, path) is not path:
            return None
        leaf = cells.leaf.code
        return Mark(home, str(stage), entry, named, leaf, attempt, amount)

    def _tell(self, value: object, path: str) -> None:
        """Everything that is wrong with one mark."""
        record = Record(value, path, self.problems)
        if not record.sound:
            return
        known = self.known
        track, stage, _ = track_and_stage(record, known)
        entry = record.text("entry", required=True)
        if entry is not None:
            check_entry(entry, record.at("entry"), track, known, record)
        judge = record.text("judge")
        if judge is not None and judge not in known.judges:
            record.wrong("judge", f"{quoted(judge)} names no judge")
        code = record.text("criterion", required=True)
        cells = self.cells.get((track, stage, code or ""))
        if cells is None and code is not None and (track, stage) in known.stages:
            heading = code in known.headings[track, stage]
            record.wrong(
                "criterion", f"{quoted(code)} " + ("is a heading" if heading else "names no criterion of the stage")
            )
        attempt = record.whole("attempt", least=1)
        attempt_number = 1 if attempt is None else attempt
        if cells is not None and attempt_number > cells.attempts:
            record.wrong("attempt", f"must be at most {cells.attempts}, the stage's attempt_count")
        raw = record.raw("value", required=True)
        record.close()
        if raw is not None:
            self._tell_value(raw, record, cells)
        if cells is None or entry is None:
            return
        if judge is None and not cells.measured and not record.has("judge"):
            record.wrong("judge", "is missing")
        elif judge is not None or cells.measured:
            key = (entry, None if cells.measured else judge, attempt_number)
            first = cells.taken.setdefault(key, path)
            if first != path:
                what = "measurement" if cells.measured else "mark"
                record.problems.add(path, f"is a second {what} of this cell, first at {first}")

    def _tell_value(self, raw: object, record: Record, cells: Cells | None) -> None:
        amount = amount_of(raw)
        if isinstance(amount, str):
            record.wrong("value", amount)
            return
        if cells is None or cells.leaf.max is None:
            return
        leaf = cells.leaf
        wrong = check_mark(amount, leaf)
        graded = leaf.kind == "grade"
        if wrong == "above_max":
            record.wrong("value", f"must be at most {BEST_GRADE if graded else format_amount(leaf.top)}")
        elif wrong == "below_min":
            record.wrong("value", f"must be {0 if graded else format_amount(leaf.min)} or more")
        elif wrong is not None and leaf.step is not None and not graded:
            steps = f"{format_amount(leaf.step)} counted from {format_amount(leaf.min)}"
            record.wrong("value", f"must be in whole steps of {steps}")
        elif wrong is not None:
            record.wrong("value", "must be a whole grade, 0 to 3")
