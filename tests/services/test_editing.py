"""The definition document: read out, checked, written back over a draft without losing what points at its rows."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from competition.accounts.models import Audit
from competition.accounts.policy import CONSOLE, Actor, GrantInfo
from competition.bundle import editing
from competition.bundle.canonical import json_text
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.contests.models import Criterion, Stage, Track
from competition.contests.queries import get_contest
from competition.shared import clock
from competition.shared.db import Database
from competition.shared.errors import DomainError
from tests.conftest import DATA
from tests.rules import made_contests


def draft(database: Database, bundle: dict[str, Any]) -> str:
    """A contest of this definition that is still being prepared; gives its code."""
    document = {key: bundle[key] for key in editing.KEYS if key in bundle}
    document["contest"] = {**bundle["contest"], "phase": "draft"}
    with database.transaction() as session:
        read = read_bundle(json_text(document).encode())
        import_bundle(session, read, sections=(), actor=CONSOLE, now=clock.now(), replace=True)
    return str(document["contest"]["code"])


def welder(database: Database) -> str:
    return draft(database, read_json("weihai/welder.json"))


def read_json(name: str) -> dict[str, Any]:
    return dict(json.loads((DATA / name).read_text(encoding="utf-8")))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seeds=st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_saved_is_what_is_read_out(database: Database, seeds: tuple[int, int]) -> None:
    """save_draft(document_of(x)) = x, and another definition over the first one leaves nothing of it."""
    first, second = (made_contests.bundle(random.Random(seed)) for seed in seeds)
    code = draft(database, first)
    other = editing.document_from(read_bundle(json_text(second).encode()).contest)
    with database.transaction() as session:
        contest = get_contest(session, code)
        own = editing.document_of(session, contest)
        editing.save_draft(session, contest, own, actor=CONSOLE, now=clock.now())
        assert editing.document_of(session, contest) == own
        editing.save_draft(session, contest, other, actor=CONSOLE, now=clock.now())
        assert editing.document_of(session, contest) == other


def test_the_same_on_both_engines(database: Database) -> None:
    code = welder(database)
    with database.transaction() as session:
        contest = get_contest(session, code)
        own = editing.document_of(session, contest)
        ids = dict(session.execute(select(Criterion.code, Criterion.id)).all())  # type: ignore[arg-type]
        editing.save_draft(session, contest, own, actor=CONSOLE, now=clock.now())
        assert editing.document_of(session, contest) == own
        assert dict(session.execute(select(Criterion.code, Criterion.id)).all()) == ids  # type: ignore[arg-type]
        assert session.scalars(select(Audit).where(Audit.action == "contest.edit")).all() == []


def test_rows_keep_their_ids_when_the_tree_is_turned_over(database: Database) -> None:
    """A criterion that moves from one heading to another, which then goes, is the same criterion."""
    leaf = {"code": "kept", "title": "k", "max": "10"}
    bundle = made_contests.bundle(random.Random(1))
    bundle["tracks"] = [
        {
            "code": "t",
            "title": "t",
            "stages": [
                {"code": "s", "title": "s", "criteria": [{"code": "old", "title": "o", "criteria": [leaf]}]},
                {"code": "gone", "title": "g", "criteria": [{"code": "h", "title": "h", "criteria": [leaf]}]},
            ],
        }
    ]
    bundle.pop("schemes", None)
    code = draft(database, bundle)
    with database.transaction() as session:
        contest = get_contest(session, code)
        track = session.scalars(select(Track.id)).one()
        stage = session.scalars(select(Stage.id).where(Stage.code == "s")).one()
        kept = session.scalars(select(Criterion.id).where(Criterion.stage_id == stage, Criterion.code == "kept")).one()
        document = editing.document_of(session, contest)
        document["tracks"][0]["stages"] = [
            {"code": "s", "title": "s", "criteria": [{"code": "new", "title": "n", "criteria": [leaf]}]}
        ]
        editing.save_draft(session, contest, document, actor=CONSOLE, now=clock.now())
        assert session.scalars(select(Track.id)).one() == track
        assert session.scalars(select(Stage.id)).one() == stage
        assert dict(session.execute(select(Criterion.code, Criterion.id)).all())["kept"] == kept  # type: ignore[arg-type]
        assert session.scalars(select(Criterion.code).order_by(Criterion.position)).all() == ["new", "kept"]
        assert session.scalars(select(Audit.details).where(Audit.action == "contest.edit")).one() == {
            "parts": ["tracks"]
        }


def test_every_problem_is_told_with_its_place(database: Database) -> None:
    code = welder(database)
    with database.transaction() as session:
        contest = get_contest(session, code)
        document = editing.document_of(session, contest)
        leaf = document["tracks"][0]["stages"][0]["criteria"][0]
        leaf["max"], leaf["factor"] = "0", "x"
        document["tracks"][0]["prizes"] = [{"code": "p", "title": "p"}]
        places = {problem.place for problem in editing.check(document)}
        assert places >= {
            "tracks[0].stages[0].criteria[0].max",
            "tracks[0].stages[0].criteria[0].factor",
            "tracks[0].prizes[0]",
        }
        with pytest.raises(DomainError) as refused:
            editing.save_draft(session, contest, document, actor=CONSOLE, now=clock.now())
        assert {problem["place"] for problem in refused.value.details["problems"]} == places  # type: ignore[attr-defined]


def test_nobody_else_saves_and_nothing_published_is_a_draft(database: Database) -> None:
    code = welder(database)
    with database.transaction() as session:
        contest = get_contest(session, code)
        document = editing.document_of(session, contest)
        stranger = Actor(1, "x", (GrantInfo("organiser", contest_id=contest.id + 1),))
        with pytest.raises(DomainError, match="主办方"):
            editing.save_draft(session, contest, document, actor=stranger, now=clock.now())
        renamed = {**document, "contest": {**document["contest"], "code": "other"}}
        with pytest.raises(DomainError, match="代码"):
            editing.save_draft(session, contest, renamed, actor=CONSOLE, now=clock.now())
        contest.published_at = clock.now()
        session.flush()
        with pytest.raises(DomainError) as refused:
            editing.save_draft(session, contest, document, actor=CONSOLE, now=clock.now())
        assert refused.value.code == "locked"


def test_the_readers_sentences_are_told_in_the_language_of_the_page() -> None:
    """All that the reader says of a definition has a sentence of ours: no English stands on a Chinese page."""
    bad: dict[str, Any] = {
        "contest": {"code": "-", "title": 1, "kind": "x", "level": "city", "year": "y", "board": {"identity": "no"}},
        "tracks": [
            {
                "code": "t",
                "title": "t",
                "stages": [
                    {"code": "s", "title": "s", "criteria": [], "places": 9, "advance": {}, "weight": "-1"},
                    {
                        "code": "S",
                        "title": "s",
                        "normalise": "judge_zscore",
                        "attempt_count": 2,
                        "aggregate": {"method": "trimmed_mean", "over": "criterion", "trim_from": 1},
                        "criteria": [
                            {"code": "a", "title": "a", "max": "1", "min": "2"},
                            {"code": "b", "title": "b", "max": "x"},
                            {"code": "c", "title": "c", "max": 1, "kind": "grade", "step": 1},
                            {"code": "d", "title": "d", "max": 1, "criteria": [{"code": "e", "title": "e"}]},
                        ],
                    },
                ],
                "prizes": [{"code": "p", "title": "p"}, {"code": "q", "title": "q", "count": 1, "share": "0.1"}],
                "ranking": {"tie_break": ["stage:no", "criterion:s/no", "x"]},
            }
        ],
        "schemes": [{"code": "z", "title": "z", "prizes": ["no"]}],
    }
    problems = editing.check(bad)
    assert len(problems) > 15
    for problem in problems:
        assert any("一" <= letter <= "鿿" for letter in problem.sentence), problem
