"""Whatever judges and a chief do, in any order, the export says what a plain model of the sheets says."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from competition.bundle.service import export_bundle
from competition.shared.db import Database
from judges.sections import SECTIONS
from tests.services.judging import Desk, contest

SEATS = {"J1": ("j", "g"), "J2": ("j", "g"), "rec": ("m",)}
CELLS = [(seat, criterion) for seat, cells in SEATS.items() for criterion in cells]
sheet = st.tuples(st.sampled_from(sorted(SEATS)), st.sampled_from(["1", "2"]), st.just(1))
step = st.one_of(
    st.tuples(
        st.just("mark"), st.sampled_from(CELLS), st.sampled_from(["1", "2"]),
        st.sampled_from([None, "1", "2", "3"]), st.sampled_from(["base", "after", "stale", "again"])),
    st.tuples(st.just("submit"), sheet),
    st.tuples(st.just("reopen"), sheet),
)  # fmt: skip


class Model:
    """Sheets as plain dictionaries: values and revisions of the cells, the state, and what was last submitted."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str, str], tuple[str | None, int, str]] = {}
        self.states: dict[tuple[str, str], str] = {}
        self.submitted: dict[tuple[str, str], dict[str, str]] = {}

    def values(self, seat: str, entry: str) -> dict[str, str]:
        return {
            criterion: value for (who, where, criterion), (value, _, _) in self.cells.items()
            if (who, where) == (seat, entry) and value is not None}  # fmt: skip

    def marks(self) -> set[tuple[str, str, str, Decimal]]:
        return {
            (seat, entry, criterion, Decimal(value))
            for (seat, entry), cells in self.submitted.items() for criterion, value in cells.items()}  # fmt: skip

    def drafts(self) -> set[tuple[str, str, str, Decimal]]:
        return {
            (seat, entry, criterion, Decimal(value)) for (seat, entry, criterion), (value, _, _) in self.cells.items()
            if value is not None and criterion not in self.submitted.get((seat, entry), {})}  # fmt: skip


def do(desk: Desk, model: Model, action: tuple[Any, ...]) -> None:
    """One step on both; what the model refuses the ballots must refuse, with the same code."""
    if action[0] == "mark":
        _, (seat, criterion), entry, value, how = action
        stored, revision, op = model.cells.get((seat, entry, criterion), (None, 0, ""))
        base: Any = revision + 1 if how == "stale" else {"after": op} if how == "after" and op else revision
        message = {"op": str(uuid.uuid4()), "value": value, "base": base, "entry": entry}
        said = desk.mark(seat, criterion, **message)
        if model.states.get((seat, entry)) == "submitted":
            assert said["error"]["code"] == "locked"
        elif how == "stale":
            assert said["error"]["code"] == "conflict"
            assert (said["error"]["value"], said["error"]["revision"]) == (stored, revision)
        else:
            assert said["revision"] == revision + 1
            model.cells[seat, entry, criterion] = (value, revision + 1, message["op"])
            if how == "again":
                assert desk.mark(seat, criterion, **message) == said
    elif action[0] == "submit":
        seat, entry, attempt = action[1]
        said = desk.ask(seat, "submit", stage="one", entry=entry, attempt=attempt)
        missing = [criterion for criterion in SEATS[seat] if criterion not in model.values(seat, entry)]
        if model.states.get((seat, entry)) == "submitted":
            assert said["error"]["code"] == "locked"
        elif missing:
            assert (said["error"]["code"], said["error"]["missing"]) == ("incomplete", missing)
        else:
            assert said["ok"]
            model.states[seat, entry] = "submitted"
            model.submitted[seat, entry] = model.values(seat, entry)
    else:
        seat, entry, attempt = action[1]
        judge = None if seat == "rec" else seat
        said = desk.ask("chief", "reopen", stage="one", entry=entry, attempt=attempt, judge=judge, reason="复核")
        assert said["ok"] == (model.states.get((seat, entry)) == "submitted")
        if said["ok"]:
            model.states[seat, entry] = "reopened"


def exported(desk: Desk, name: str) -> set[tuple[str, str, str, Decimal]]:
    with desk.db.reading() as session:
        bundle = export_bundle(session, desk.code, sections=SECTIONS)
    return {
        (mark.judge or "rec", mark.entry.removeprefix("E"), mark.criterion, mark.value)
        for mark in getattr(bundle, name)}  # fmt: skip


@pytest.fixture
def fresh(database: Database) -> Callable[[], Desk]:
    """A contest of its own for each example, in one database."""
    numbers = count(1)

    def make() -> Desk:
        code = f"cup-{next(numbers)}"
        bundle = contest()
        return Desk(database, code, {**bundle, "contest": {**bundle["contest"], "code": code}})

    return make


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(step, max_size=25))
def test_the_export_is_what_a_plain_model_says(fresh: Callable[[], Desk], actions: list[tuple[Any, ...]]) -> None:
    desk, model = fresh(), Model()
    try:
        for action in actions:
            do(desk, model, action)
        assert exported(desk, "marks") == model.marks()
        assert exported(desk, "drafts") == model.drafts()
    finally:
        desk.ballots.close()
