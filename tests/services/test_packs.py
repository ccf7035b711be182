"""Rule packs: published and changed by two people, applied once, refused where marks would lose their place."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts import approval_kinds
from competition.accounts.models import Approval, Audit
from competition.accounts.policy import CONSOLE, Actor, GrantInfo
from competition.accounts.service import create_person
from competition.awards.rules import prizes_by_entry
from competition.bundle import packing
from competition.bundle.rules import read_bundle
from competition.bundle.service import import_bundle
from competition.contests import guards, packs, service
from competition.contests.models import Contest, ContestHost, Criterion, RulePack, Stage, Track
from competition.contests.pack import Tree, pack_hash
from competition.contests.pack_changes import differences
from competition.contests.queries import get_contest
from competition.leaderboard.service import as_json, prepare
from competition.shared.db import Database
from competition.shared.errors import DomainError
from judges.ballots.models import Change, Mark
from judges.ballots.reader import Reader
from judges.sections import SECTIONS
from tests.conftest import DATA

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
WELDER = "weihai-2026-welder"


@pytest.fixture(autouse=True)
def wired() -> None:
    packs.wire(packing.tools(Reader()))


@dataclass
class Book:
    """A contest with two organisers and one of another contest."""

    db: Database
    contest_id: int
    first: Actor
    second: Actor
    stranger: Actor

    def contest(self, session: Session) -> Contest:
        return session.get_one(Contest, self.contest_id)

    def document(self) -> Tree:
        with self.db.reading() as session:
            return copy.deepcopy(packs.current_document(session, self.contest(session)))

    def propose(self, document: Tree, reason: str = "裁判长会议决定", actor: Actor | None = None) -> int:
        with self.db.transaction() as session:
            pack = packs.propose_change(
                session, self.contest(session), document, reason=reason, actor=actor or self.first, now=NOW
            )
            assert pack.approval_id is not None
            return pack.approval_id

    def answer(self, approval: int, actor: Actor | None = None, yes: bool = True, **more: Any) -> None:
        with self.db.transaction() as session:
            approval_kinds.answer(session, approval, yes, actor=actor or self.second, now=NOW, **more)

    def packs(self) -> list[tuple[int, str]]:
        with self.db.reading() as session:
            rows = session.scalars(select(RulePack).where(RulePack.contest_id == self.contest_id).order_by(RulePack.id))
            return [(row.version, row.state) for row in rows]


def people(session: Session, contest_id: int) -> tuple[Actor, Actor, Actor]:
    ids = [
        create_person(session, login=name, name=name, password=None, now=NOW) for name in ("first", "second", "other")
    ]
    grants = [GrantInfo("organiser", contest_id), GrantInfo("organiser", contest_id), GrantInfo("organiser", 10**6)]
    first, second, other = (
        Actor(key, name, (grant,)) for key, name, grant in zip(ids, ("甲", "乙", "丙"), grants, strict=True)
    )
    return first, second, other


@pytest.fixture
def book(database: Database, load: Callable[..., int]) -> Book:
    """The welders' contest with all its marks."""
    contest_id = load("weihai/welder.json")
    with database.transaction() as session:
        return Book(database, contest_id, *people(session, contest_id))


@pytest.fixture
def fresh(database: Database) -> Book:
    """The same contest as a draft, without people, entries and marks."""
    tree = json.loads((DATA / "weihai" / "welder.json").read_text(encoding="utf-8"))
    keep = {key: tree[key] for key in ("format", "contest", "tracks", "team_points", "schemes")}
    keep["contest"] |= {"phase": "draft"}
    with database.transaction() as session:
        bundle = read_bundle(json.dumps(keep).encode())
        contest_id = import_bundle(session, bundle, sections=SECTIONS, actor=CONSOLE, now=NOW)
        return Book(database, contest_id, *people(session, contest_id))


def evidence(session: Session) -> tuple[int, int, int]:
    marks = session.scalar(select(func.count()).select_from(Mark)) or 0
    last = session.scalar(select(func.max(Mark.seq))) or 0
    kept = session.scalar(select(func.count()).select_from(Change).where(Change.kind != "reset")) or 0
    return marks, last, kept


def theory_first(document: Tree) -> Tree:
    """The weights the other way round: theory 0.9, practice 0.1."""
    theory, practical = document["tracks"][0]["stages"]
    theory["weight"], practical["weight"] = "0.9", "0.1"
    return document


def test_what_is_imported_is_the_first_version(book: Book, load: Callable[..., int]) -> None:
    assert book.packs() == [(1, "published")]
    with book.db.reading() as session:
        contest = book.contest(session)
        pack = packs.published(session, contest.id)
        assert pack is not None and packs.in_force(session, contest)
        assert pack.hash == pack_hash(book.document()) and contest.published_at is not None
    # The same again is the same version; another file is the next one.
    load("weihai/welder.json", replace=True)
    assert book.packs() == [(1, "published")]
    tree = json.loads((DATA / "weihai" / "welder.json").read_text(encoding="utf-8"))
    tree["tracks"][0]["prizes"][3]["count"] = 4
    with book.db.transaction() as session:
        import_bundle(
            session, read_bundle(json.dumps(tree).encode()), sections=SECTIONS, actor=CONSOLE, now=NOW, replace=True
        )
    assert book.packs() == [(1, "superseded"), (2, "published")]


def test_publishing_takes_a_second_organiser(fresh: Book) -> None:
    guards.register()
    assert fresh.packs() == []
    with fresh.db.transaction() as session:
        contest = fresh.contest(session)
        track = contest.tracks[0]
        assert guards.rules_published(session, track)[0].link == f"/manage/{WELDER}/rules"
        with pytest.raises(DomainError) as refused:
            packs.ask_publish(session, contest, actor=fresh.stranger, now=NOW)
        assert refused.value.code == "forbidden"
        approval = packs.ask_publish(session, contest, actor=fresh.first, now=NOW).approval_id
        assert approval is not None
    assert fresh.packs() == [(-1, "asked")]
    for actor in (fresh.first, fresh.stranger):
        with pytest.raises(DomainError) as refused:
            fresh.answer(approval, actor)
        assert refused.value.code == "forbidden"
    fresh.answer(approval)
    assert fresh.packs() == [(1, "published")]
    with fresh.db.reading() as session:
        contest = fresh.contest(session)
        assert contest.published_at == NOW and guards.rules_published(session, contest.tracks[0]) == []
        logged = session.scalars(select(Audit).where(Audit.action == "rules.publish")).one()
        assert logged.person_id == fresh.second.person_id and logged.details["asked_by"] == fresh.first.person_id
    with pytest.raises(DomainError) as refused:
        fresh.answer(approval)
    assert refused.value.code == "conflict"


def test_what_changed_after_asking_is_not_published(fresh: Book) -> None:
    with fresh.db.transaction() as session:
        approval = packs.ask_publish(session, fresh.contest(session), actor=fresh.first, now=NOW).approval_id
        assert approval is not None
    with fresh.db.transaction() as session:
        fresh.contest(session).tracks[0].eligibility = [{"kind": "age", "min": 16}]
    with pytest.raises(DomainError) as refused:
        fresh.answer(approval)
    assert refused.value.code == "conflict"
    assert fresh.packs() == [(-1, "asked")]
    # Asked again, the first request is overtaken, and can be answered no more.
    with fresh.db.transaction() as session:
        again = packs.ask_publish(session, fresh.contest(session), actor=fresh.first, now=NOW).approval_id
        assert again is not None
    with pytest.raises(DomainError):
        fresh.answer(approval)
    fresh.answer(again)
    assert fresh.packs() == [(-1, "dropped"), (1, "published")]
    with fresh.db.reading() as session:
        pack = packs.published(session, fresh.contest_id)
        assert pack is not None and pack.document["tracks"][0]["eligibility"] == [{"kind": "age", "min": 16}]


def test_before_the_first_mark_a_change_takes_a_yes_and_no_reason(fresh: Book) -> None:
    with fresh.db.transaction() as session:
        approval = packs.ask_publish(session, fresh.contest(session), actor=fresh.first, now=NOW).approval_id
    assert approval is not None
    with pytest.raises(DomainError) as refused:
        fresh.propose(theory_first(fresh.document()))
    assert refused.value.code == "not_open"
    fresh.answer(approval)
    with pytest.raises(DomainError) as refused:
        fresh.propose(fresh.document())
    assert refused.value.code == "bad_request"
    proposed = theory_first(fresh.document())
    proposed["tracks"][0]["eligibility"] = [{"kind": "age", "min": 18}]
    fresh.answer(fresh.propose(proposed, reason=""))
    assert fresh.packs() == [(1, "superseded"), (2, "published")]
    assert pack_hash(fresh.document()) == pack_hash(proposed)


def test_a_change_after_the_first_mark_shows_what_it_moves_and_touches_no_mark(book: Book) -> None:
    document = book.document()
    proposed = theory_first(copy.deepcopy(document))
    with pytest.raises(DomainError) as refused:
        book.propose(proposed, reason=" ")
    assert refused.value.field == "reason"
    with book.db.reading() as session:
        track = book.contest(session).tracks[0]
        ids = sorted(session.scalars(select(Criterion.id))), sorted(session.scalars(select(Stage.id)))
        before = evidence(session)
        old = as_json(prepare(session, track.id, reader=Reader(), prizes=prizes_by_entry).result)
    approval = book.propose(proposed)
    assert book.packs() == [(1, "published"), (-1, "asked")]
    assert pack_hash(book.document()) == pack_hash(document), "nothing changes before the second yes"
    with book.db.reading() as session:
        pack = packs.asked(session, book.contest_id)
        assert pack is not None
        shown = pack.effects["tracks"][0]
        assert len(differences(document, pack.document)) == 2
        lines = approval_kinds.kind_of(packs.KIND).describe(session, session.get_one(Approval, approval))  # type: ignore[union-attr]
        assert any("名次" in line for line in lines)
    book.answer(approval)
    assert book.packs() == [(1, "superseded"), (2, "published")]
    with book.db.reading() as session:
        track = book.contest(session).tracks[0]
        new = as_json(prepare(session, track.id, reader=Reader(), prizes=prizes_by_entry).result)
        assert evidence(session) == before
        assert (sorted(session.scalars(select(Criterion.id))), sorted(session.scalars(select(Stage.id)))) == ids
        assert session.scalars(select(Audit).where(Audit.action == "rules.change")).one().reason == "裁判长会议决定"
    # What was shown is what came to be, to the last digit, and all of it.
    ranks = [{row["entry"]: (row["rank"], row["total"]) for row in result["rows"]} for result in (old, new)]
    said = {row["entry"]: [(row["rank"][n], row["total"][n]) for n in (0, 1)] for row in shown["rows"]}
    assert said == {
        entry: [ranks[0][entry], ranks[1][entry]] for entry in ranks[0] if ranks[0][entry] != ranks[1][entry]
    }
    assert said and shown["same"] == len(ranks[0]) - len(said)


def test_prizes_and_recommendations_are_among_the_effects(book: Book) -> None:
    proposed = book.document()
    proposed["tracks"][0]["prizes"][0]["count"] = 2
    proposed["schemes"][0]["quota"] = 4
    book.propose(proposed)
    with book.db.reading() as session:
        pack = packs.asked(session, book.contest_id)
        assert pack is not None
        rows = pack.effects["tracks"][0]["rows"]
        assert all(row["rank"][0] == row["rank"][1] for row in rows)
        assert [row["prize"] for row in rows[:2]] == [["二等奖", "金牌职工"], ["三等奖", "二等奖"]]
        assert len(pack.effects["schemes"][0]["new"]) == 1
        # Names stay out: this board knows numbers alone.
        assert all(row["title"] == "" and row["number"] for row in rows)


def test_evidence_that_moved_is_shown_again_before_a_yes(book: Book) -> None:
    approval = book.propose(theory_first(book.document()))
    with book.db.reading() as session:
        seen = approval_kinds.stamp(session, session.get_one(Approval, approval))
    with book.db.transaction() as session:
        # One paper mark less: the last revision of a theory cell is another now.
        cell = session.scalars(
            select(Mark).join(Criterion, Criterion.id == Mark.criterion_id).where(Criterion.code == "paper")
        ).first()
        assert cell is not None
        cell.value = "1"
    with pytest.raises(DomainError) as refused:
        book.answer(approval, shown=seen)
    assert refused.value.code == "conflict"
    assert book.packs()[-1] == (-1, "asked")
    with book.db.reading() as session:
        now = approval_kinds.stamp(session, session.get_one(Approval, approval))
    assert now != seen
    book.answer(approval, shown=now)
    assert book.packs()[-1] == (2, "published")


def test_a_proposal_on_rules_that_have_changed_since_is_refused(book: Book) -> None:
    approval = book.propose(theory_first(book.document()))
    with book.db.transaction() as session:
        track = session.scalars(select(Track).where(Track.contest_id == book.contest_id)).one()
        track.ranking = {**track.ranking, "ties": "dense"}
    with pytest.raises(DomainError) as refused:
        book.answer(approval)
    assert refused.value.code == "conflict"


def test_a_refused_and_a_withdrawn_proposal_leave_no_trace_in_the_rules(book: Book) -> None:
    before = pack_hash(book.document())
    first = book.propose(theory_first(book.document()))
    with pytest.raises(DomainError) as refused:
        book.answer(first, yes=False)
    assert refused.value.field == "note"
    book.answer(first, yes=False, note="比赛已经开始")
    second = book.propose(theory_first(book.document()))
    with pytest.raises(DomainError) as refused, book.db.transaction() as session:
        approval_kinds.withdraw(session, second, actor=book.second, now=NOW)
    assert refused.value.code == "forbidden"
    with book.db.transaction() as session:
        approval_kinds.withdraw(session, second, actor=book.first, now=NOW)
    assert book.packs() == [(1, "published"), (-1, "dropped"), (-2, "dropped")]
    assert pack_hash(book.document()) == before


def test_a_document_changed_behind_the_request_is_not_applied(book: Book) -> None:
    approval = book.propose(theory_first(book.document()))
    with book.db.transaction() as session:
        pack = session.scalars(select(RulePack).where(RulePack.approval_id == approval)).one()
        pack.document = {**pack.document, "counts": "saved"}
    with pytest.raises(DomainError) as refused:
        book.answer(approval)
    assert refused.value.code == "forbidden"
    with book.db.transaction() as session:
        row = session.get_one(Approval, approval)
        row.payload = {**row.payload, "base": "0" * 64}
    with pytest.raises(DomainError) as refused:
        book.answer(approval)
    assert refused.value.code == "forbidden"
    assert book.packs()[0] == (1, "published")


def test_two_who_say_yes_at_once_apply_it_once(book: Book) -> None:
    approval = book.propose(theory_first(book.document()))
    third = Actor(book.stranger.person_id, "丁", (GrantInfo("organiser", book.contest_id),))
    start, told = threading.Barrier(2), []

    def decide(actor: Actor) -> None:
        start.wait()
        try:
            book.answer(approval, actor)
            told.append("yes")
        except DomainError as error:
            told.append(error.code)

    threads = [threading.Thread(target=decide, args=(actor,)) for actor in (book.second, third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == ["conflict", "yes"]
    assert book.packs() == [(1, "superseded"), (2, "published")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda track: track["stages"].pop(0), "不能删除"),
        (lambda track: track["stages"][0]["criteria"][0].update(max="50"), "不合新的分值范围"),
        (lambda track: track["stages"][0]["criteria"][0].update(step="7"), "不合新的分值范围"),
        (lambda track: track["stages"][0]["criteria"][0].update(code="test"), "不能删除"),
        (lambda track: track["stages"][0]["criteria"][0].update(kind="judgement"), "不能改评分方式"),
        (lambda track: track.update(code="other"), "不能删除"),
        (lambda track: track["stages"][0].update(places=9), "0 到 6"),
        (lambda track: track.update(eligibility=[{"kind": "shoe size"}]), "参赛条件"),
    ],
    ids=["stage", "max", "step", "criterion", "kind", "track", "places", "eligibility"],
)
def test_what_marks_do_not_fit_is_refused(book: Book, change: Callable[[Tree], Any], said: str) -> None:
    document = book.document()
    document["tracks"][0]["ranking"]["tie_break"] = []
    change(document["tracks"][0])
    with pytest.raises(DomainError) as refused:
        book.propose(document)
    assert refused.value.code == "bad_request"
    problems: Any = refused.value.details["problems"]
    assert any(said in problem["sentence"] for problem in problems), problems
    assert book.packs() == [(1, "published")]


def test_a_contest_waits_for_what_is_missing_before_it_takes_registrations(fresh: Book) -> None:
    guards.register()
    with fresh.db.transaction() as session:
        contest = fresh.contest(session)
        track = contest.tracks[0]
        found = service.missing_for(session, track, "registration")
        assert len(found) == 3 and all(one.link.startswith(f"/manage/{WELDER}/") for one in found)
        contest.registration_opens_at, contest.registration_closes_at = NOW, NOW
        track.stages[0].rules = {**track.stages[0].rules, "weight": "0.2"}
        session.flush()
        assert len(service.missing_for(session, track, "registration")) == 4
        contest.registration_closes_at = NOW + timedelta(days=9)
        track.stages[0].rules = {**track.stages[0].rules, "weight": "0.3"}
        session.add(ContestHost(contest_id=contest.id, position=0, part="host", name="市总工会"))
        session.flush()
        assert [one.firm for one in service.missing_for(session, track, "registration")] == [True]
        # Force passes over much, and not over the second organiser.
        with pytest.raises(DomainError) as refused:
            service.move_phase(session, [track], "registration", actor=fresh.first, now=NOW, force=True, reason="急")
        assert refused.value.details["links"] == [f"/manage/{WELDER}/rules"]
        approval = packs.ask_publish(session, contest, actor=fresh.first, now=NOW).approval_id
    assert approval is not None
    fresh.answer(approval)
    with fresh.db.transaction() as session:
        track = get_contest(session, WELDER).tracks[0]
        service.move_phase(session, [track], "registration", actor=fresh.first, now=NOW)
        waits = guards.RegistrationOver(lambda: NOW)
        assert len(waits(session, track)) == 1
        assert guards.RegistrationOver(lambda: NOW + timedelta(days=9))(session, track) == []
