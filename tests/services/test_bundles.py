"""Bundles into both databases and out again: what goes in comes out, in canonical form."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from competition.accounts import service as accounts
from competition.accounts.models import Audit, Grant, Unit
from competition.accounts.policy import CONSOLE, VISITOR
from competition.bundle.rules import canonical, read_bundle, write_bundle
from competition.bundle.service import export_bundle, import_bundle
from competition.contests.models import Contest, Organisation, Stage, Track
from competition.contests.queries import get_contest
from competition.leaderboard.models import BoardView
from competition.shared import clock
from competition.shared.db import Database
from competition.shared.errors import DomainError
from judges.ballots.models import Change, Mark, Ruling
from judges.panels.models import Seat
from judges.roster.models import Judge
from judges.sections import SECTIONS
from tests.rules.made_contests import bundle as made_bundle
from tests.services.rich import large_bundle, rich_bundle

DATA = Path(__file__).resolve().parent.parent / "data"
SAMPLES = sorted(path for path in DATA.glob("*/*.json") if not path.name.endswith((".results.json", ".official.json")))
Load = Callable[..., int]


def exported(database: Database, code: str) -> str:
    with database.reading() as session:
        return write_bundle(export_bundle(session, code, sections=SECTIONS))


def put(database: Database, text: str, *, replace: bool = False) -> int:
    with database.transaction() as session:
        return import_bundle(
            session, read_bundle(text.encode()), sections=SECTIONS, actor=CONSOLE, now=clock.now(), replace=replace
        )


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_comes_out_as_it_went_in(database: Database, load: Load, path: Path) -> None:
    bundle = read_bundle(path.read_bytes())
    load(path)
    assert exported(database, bundle.contest.code) == write_bundle(bundle)


def test_a_contest_with_everything_comes_out_as_it_went_in(database: Database) -> None:
    text = rich_bundle()
    bundle = read_bundle(text.encode())
    put(database, text)
    assert canonical(bundle)["drafts"], "the made-up contest has lost what it is there for"
    assert exported(database, bundle.contest.code) == write_bundle(bundle)


def test_what_comes_out_goes_in_again(database: Database) -> None:
    put(database, rich_bundle())
    out = exported(database, "rich")
    put(database, out, replace=True)
    assert exported(database, "rich") == out


def test_an_import_stands_in_scoring_with_the_first_stages_open(database: Database) -> None:
    put(database, rich_bundle())
    with database.reading() as session:
        states = {
            (track, stage): (phase, state)
            for track, stage, phase, state in session.execute(
                select(Track.code, Stage.code, Track.phase, Stage.state).join(Stage)
            )
        }
    assert states["solo", "theory"] == ("scoring", "open")
    assert states["solo", "final"] == ("scoring", "closed")
    assert states["team", "show"] == ("review", "closed")


def test_a_second_import_needs_replace(database: Database) -> None:
    put(database, rich_bundle())
    with pytest.raises(DomainError, match="--replace") as refused:
        put(database, rich_bundle())
    assert refused.value.code == "conflict"
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Contest)) == 1


def test_only_who_runs_contests_may_import(database: Database) -> None:
    bundle = read_bundle(rich_bundle().encode())
    with pytest.raises(DomainError) as refused, database.transaction() as session:
        import_bundle(session, bundle, sections=SECTIONS, actor=VISITOR, now=clock.now())
    assert refused.value.code == "forbidden"
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Contest)) == 0


def test_replace_leaves_nothing_behind_and_keeps_roles_and_versions(database: Database) -> None:
    put(database, rich_bundle())
    with database.transaction() as session:
        contest = get_contest(session, "RICH")
        track = contest.tracks[0]
        stage = track.stages[0]
        judge = session.scalars(select(Judge).where(Judge.code == "J1")).one()
        kept = (contest.id, track.id, judge.id)
        person = accounts.create_person(session, login="recorder", name="R", password=None, now=clock.now())
        accounts.grant(
            session,
            person,
            "recorder",
            contest_id=contest.id,
            track_id=track.id,
            stage_id=stage.id,
            now=clock.now(),
            actor=CONSOLE,
        )
        session.add(BoardView(track_id=track.id, audience="public", version=7, payload={}, as_of=clock.now()))
        highest = session.scalar(select(func.max(Change.id)))
    bundle = read_bundle(rich_bundle().encode())
    put(database, rich_bundle(without_evidence=True), replace=True)
    with database.reading() as session:
        contest = get_contest(session, "rich")
        assert (contest.id, contest.tracks[0].id) == kept[:2]
        assert session.scalars(select(Judge.id).where(Judge.code == "J1")).one() == kept[2]
        for table in (Mark, Ruling):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert session.scalar(select(func.count()).select_from(Organisation)) == len(bundle.organisations)
        grant = session.scalars(select(Grant).where(Grant.role == "recorder")).one()
        assert grant.stage_id == contest.tracks[0].stages[0].id
        assert session.scalars(select(BoardView.version)).all() == [7]
        # Boards that were folded before are behind again.
        assert highest is not None
        assert session.scalars(select(func.min(Change.id))).one() > highest
        assert session.scalar(select(func.count()).select_from(Audit).where(Audit.action == "contest.import")) == 2


def test_every_judge_and_recorder_has_a_seat(database: Database) -> None:
    put(database, rich_bundle(without_evidence=True))
    with database.reading() as session:
        seats = set(
            session.execute(select(Stage.code, Judge.code).select_from(Seat).join(Stage).outerjoin(Judge)).all()
        )
    assert seats == {
        ("theory", "J1"),
        ("theory", "J2"),
        ("theory", "J3"),
        ("theory", None),
        ("final", "J1"),
        ("final", "J2"),
        ("show", "J3"),
    }


def test_two_contests_share_a_unit(database: Database) -> None:
    put(database, rich_bundle())
    put(database, rich_bundle().replace('"code": "rich"', '"code": "rich-2"'))
    with database.reading() as session:
        units = session.scalars(select(Organisation.unit_id).where(Organisation.code == "ws")).all()
    assert len(units) == 2
    assert len(set(units)) == 1


def test_two_contests_that_see_units_the_other_way_round_make_no_loop(database: Database) -> None:
    upside_down = json.loads(rich_bundle(without_evidence=True))
    upside_down["contest"]["code"] = "rich-2"
    ws, huancui = upside_down["organisations"]
    del ws["parent"]
    huancui["parent"] = "ws"
    put(database, rich_bundle())
    put(database, json.dumps(upside_down))
    assert json.loads(exported(database, "rich-2"))["organisations"] == sorted(
        upside_down["organisations"], key=lambda unit: unit["code"]
    )
    with database.reading() as session:
        parents = dict(session.execute(select(Unit.code, Unit.parent_id)).all())
        ids = dict(session.execute(select(Unit.code, Unit.id)).all())
    assert parents == {"ws": ids["huancui"], "huancui": None}


@pytest.mark.parametrize("seeds", [range(n, n + 10) for n in range(0, 60, 10)], ids=lambda seeds: f"{seeds[0]}")
def test_made_up_contests_come_out_as_they_went_in(database: Database, seeds: range) -> None:
    """Each over the one before it, so that nothing of that may shine through."""
    for seed in seeds:
        text = json.dumps(made_bundle(random.Random(seed)))
        bundle = read_bundle(text.encode())
        put(database, text, replace=True)
        assert exported(database, bundle.contest.code) == write_bundle(bundle), f"seed {seed}"


def test_a_large_contest_goes_in_and_out(database: Database) -> None:
    """90,000 marks: rows are written by the thousand, or this would take minutes."""
    text = large_bundle(entries=500, judges=9, criteria=20)
    bundle = read_bundle(text.encode())
    with database.transaction() as session:
        import_bundle(session, bundle, sections=SECTIONS, actor=CONSOLE, now=clock.now())
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Mark)) == 90_000
    assert exported(database, "large") == write_bundle(bundle)
