"""Committing, drawing, revealing, voiding by two, decoding by two; who may know whose number is whose."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import func, select

from competition.accounts.models import Audit
from competition.accounts.policy import CONSOLE, VISITOR, Actor, GrantInfo
from competition.bundle.rules import read_bundle, write_bundle
from competition.bundle.service import export_bundle
from competition.contests.models import Contest
from competition.contests.service import missing_for, set_window
from competition.draw import document, service
from competition.draw.decoding import ask_decoding
from competition.draw.layers import LayerCommand, live_draw, set_layers
from competition.draw.models import CodeNumber, Decoding, Draw
from competition.draw.public import published
from competition.draw.queries import is_decoded, mapping, may_read
from competition.draw.replay import replay, replay_file
from competition.draw.service import Conditions
from competition.draw.voiding import ask_void
from competition.registration.models import Entry
from competition.shared import bus
from competition.shared.db import Database
from competition.shared.errors import DomainError
from judges.ballots.models import Change
from judges.sections import SECTIONS
from tests.services.drawn import NAMES, UNITS, Hall


@pytest.fixture
def hall(database: Database) -> Iterator[Hall]:
    before = bus._bus
    bus.use(bus.Bus())
    yield Hall(database)
    bus.use(before)


def commit(hall: Hall, layer: str = "number", who: str = "coder", **conditions: object) -> str:
    with hall.db.transaction() as session:
        draw = service.commit(
            session,
            hall.track(session),
            hall.layer(session, layer),
            Conditions(**conditions),  # type: ignore[arg-type]
            vault=hall.vault,
            actor=hall.who(session, who),
            now=hall.now(),
        )
        return draw.commitment


def act(hall: Hall, what: Callable[..., object], layer: str = "number", who: str = "coder") -> None:
    with hall.db.transaction() as session:
        what(
            session,
            hall.track(session),
            hall.layer(session, layer),
            vault=hall.vault,
            actor=hall.who(session, who),
            now=hall.now(),
        )


def drawn(hall: Hall, **conditions: object) -> None:
    """One layer committed, everybody there, drawn."""
    hall.layers("number")
    commit(hall, **conditions)
    hall.arrive(*range(1, 10))
    hall.move("draw")
    act(hall, service.make_draw)


def refused(code: str, what: Callable[[], object]) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        what()
    assert refusal.value.code == code
    return refusal.value


def test_a_draw_gives_everybody_a_number_that_judges_see(hall: Hall) -> None:
    drawn(hall)
    with hall.db.reading() as session:
        assert sorted(hall.numbers(session).values()) == list(range(1, 10))  # type: ignore[type-var]
        assert session.get_one(Contest, hall.contest_id).identity == "number"
        by_number = {number: code for code, number in hall.numbers(session).items()}
        units = [int(by_number[number][1:]) % 3 for number in range(1, 10)]
        assert all(one != other for one, other in itertools.pairwise(units))
        # Whoever judges is told to read the numbers anew.
        assert session.scalar(select(func.count()).select_from(Change).where(Change.kind == "reset"))


def test_the_commitment_stands_before_the_check_in_and_holds_what_the_page_says(hall: Hall) -> None:
    hall.layers("number")
    made = commit(hall, fixed={"E003": 5}, groups=("worker",))
    with hall.db.reading() as session:
        draw = session.scalars(select(Draw)).one()
        assert draw.seed is None and draw.seed_sealed is not None and made == draw.commitment
        secret = service.secrets_of(draw, hall.vault)
        assert secret["seed"] not in draw.seed_sealed
        rules = document.digest(document.canonical(draw.constraints))
        assert made == document.commitment("cup/t/number", document.salt_hash(secret["salt"]), rules, secret["seed"])
        assert draw.constraints["fixed"] == [[document.tag(secret["salt"], "entry", "E003"), 5]]
    hall.arrive(*range(1, 10))
    hall.move("draw")
    act(hall, service.make_draw)
    with hall.db.reading() as session:
        assert hall.numbers(session)["E003"] == 5


def test_a_commitment_after_the_check_in_began_is_none(hall: Hall) -> None:
    hall.layers("number")
    hall.arrive(1)
    refused("not_open", lambda: commit(hall))


def test_who_is_absent_is_drawn_last_so_that_the_chief_can_rule_by_number(hall: Hall) -> None:
    hall.layers("number")
    commit(hall)
    hall.arrive(1, 2, 3, 5, 6, 7, 9)
    hall.move("draw")
    act(hall, service.make_draw)
    with hall.db.reading() as session:
        numbers = hall.numbers(session)
        assert {numbers["E004"], numbers["E008"]} == {8, 9}
        lines = mapping(session, hall.who(session, "coder"), hall.track(session), hall.layer(session))
        assert [line.code for line in lines if not line.present] == [8, 9]


def test_nobody_there_means_no_draw_unless_all_are_drawn(hall: Hall) -> None:
    hall.layers("number")
    commit(hall)
    hall.move("draw")
    refused("not_open", lambda: act(hall, service.make_draw))
    hall.answer(_asked(hall, ask_void), "org")
    commit(hall, present_only=False)
    act(hall, service.make_draw)


def _asked(hall: Hall, what: Callable[..., int], who: str = "coder", layer: str = "number") -> int:
    with hall.db.transaction() as session:
        return what(
            session, hall.track(session), hall.layer(session, layer), reason="理由", actor=hall.who(session, who),
            now=hall.now(),
        )  # fmt: skip


def test_layers_follow_each_other_and_each_coder_knows_one_step(hall: Hall) -> None:
    hall.stations(3, 3)
    hall.layers("number", "station", "work")
    commit(hall)
    commit(hall, "station", "coder2", stations=True)
    commit(hall, "work", "coder")
    hall.arrive(*range(1, 10))
    hall.move("draw")
    refused("not_open", lambda: act(hall, service.make_draw, "station", "coder2"))
    act(hall, service.make_draw)
    refused("forbidden", lambda: act(hall, service.make_draw, "station", "coder"))
    with hall.db.reading() as session:
        assert set(hall.numbers(session).values()) == {None}
    act(hall, service.make_draw, "station", "coder2")
    act(hall, service.make_draw, "work")
    with hall.db.reading() as session:
        track, coder, second = hall.track(session), hall.who(session, "coder"), hall.who(session, "coder2")
        assert sorted(hall.numbers(session).values()) == list(range(100, 109))  # type: ignore[type-var]
        first = mapping(session, coder, track, hall.layer(session))
        assert {line.before for line in first} == {f"E{n:03}" for n in range(1, 10)}
        middle = mapping(session, second, track, hall.layer(session, "station"))
        assert {line.before for line in middle} == {str(n) for n in range(1, 10)}
        assert {line.station for line in middle} == {f"{r}-{c}" for r in (1, 2, 3) for c in (1, 2, 3)}
        refused("forbidden", lambda: mapping(session, second, track, hall.layer(session)))
        refused("forbidden", lambda: mapping(session, coder, track, hall.layer(session, "station")))


def test_no_two_of_a_unit_sit_beside_each_other_at_the_stations(hall: Hall) -> None:
    hall.stations(3, 3)
    hall.layers("station")
    commit(hall, "station", stations=True)
    hall.arrive(*range(1, 10))
    hall.move("draw")
    act(hall, service.make_draw, "station")
    with hall.db.reading() as session:
        unit_at = {
            line.station: int(line.before[1:]) % 3
            for line in mapping(
                session, hall.who(session, "coder"), hall.track(session), hall.layer(session, "station")
            )
        }
        for row in (1, 2, 3):
            for column in (1, 2, 3):
                for other in (f"{row + 1}-{column}", f"{row}-{column + 1}"):
                    assert unit_at.get(other) != unit_at[f"{row}-{column}"]


@pytest.mark.parametrize("name", ["org", "admin", "supervisor", "chief"])
def test_the_mapping_is_the_coders_alone(hall: Hall, name: str) -> None:
    drawn(hall)
    with hall.db.reading() as session:
        layer, track = hall.layer(session), hall.track(session)
        assert may_read(session, hall.who(session, "coder"), hall.contest_id, layer)
        refused("forbidden", lambda: mapping(session, hall.who(session, name), track, layer))
        for actor in (CONSOLE, VISITOR, Actor(99, "other", (GrantInfo("coder", hall.contest_id + 1),))):
            refused("forbidden", lambda actor=actor: mapping(session, actor, track, layer))  # type: ignore[misc]
    for what in (service.make_draw, service.reveal):
        refused("forbidden", lambda what=what: act(hall, what, who=name))  # type: ignore[misc]


def test_a_draw_that_no_order_meets_says_what_is_in_the_way(hall: Hall) -> None:
    hall.layers("number")
    commit(hall)
    hall.arrive(1, 4, 7, 2)
    hall.move("draw")
    error = refused("conflict", lambda: act(hall, service.make_draw))
    assert "u0" in error.message and "3" in error.message and "2" in error.message
    with hall.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(CodeNumber)) == 0


def test_a_seed_is_published_once_and_the_order_comes_out_of_it_again(hall: Hall) -> None:
    drawn(hall)
    with hall.db.reading() as session:
        lines, same = replay(session, "cup/t")
        assert not same and "not been published" in " ".join(lines)
    act(hall, service.reveal)
    refused("not_open", lambda: act(hall, service.reveal))
    with hall.db.reading() as session:
        lines, same = replay(session, "cup/t")
        assert same
        # Before decoding the terminal does not tell whose number is whose either.
        assert not any(f"E{n:03}" in line for n in range(1, 10) for line in lines)


def test_what_is_published_while_blind_holds_no_names_no_units_and_no_order(hall: Hall) -> None:
    drawn(hall, fixed={"E003": 5})
    act(hall, service.reveal)
    with hall.db.reading() as session:
        contest, track = session.get_one(Contest, hall.contest_id), hall.track(session)
        text = json.dumps(published(session, contest, track, hall.vault), ensure_ascii=False)
        draw = session.scalars(select(Draw)).one()
        secret = service.secrets_of(draw, hall.vault)
        assert secret["seed"] in text and secret["salt"] not in text
        for word in (*NAMES, *UNITS, *(f"E{n:03}" for n in range(1, 10)), "u0"):
            assert word not in text
        for key, unit, _group, _present in draw.inputs["document"]["items"]:
            assert key not in text and unit not in text
    lines, same = replay_file(text)
    assert not same and any("agrees" in line for line in lines)


def test_a_void_takes_two_and_a_second_draw_takes_a_void(hall: Hall) -> None:
    drawn(hall)
    refused("conflict", lambda: commit(hall))
    refused("conflict", lambda: act(hall, service.make_draw))
    asked = _asked(hall, ask_void)
    refused("forbidden", lambda: hall.answer(asked, "coder"))
    refused("forbidden", lambda: hall.answer(asked, "chief"))
    hall.answer(asked, "supervisor")
    with hall.db.reading() as session:
        assert set(hall.numbers(session).values()) == {None}
        old = session.scalars(select(Draw)).one()
        # Its seed is out: everybody can see that it was not taken back for what came out of it.
        assert (old.state, old.reason) == ("void", "理由") and old.seed is not None
        assert live_draw(session, old.layer_id) is None
        assert "draw.void" in session.scalars(select(Audit.action)).all()
    commit(hall)
    act(hall, service.make_draw)
    with hall.db.reading() as session:
        assert sorted(hall.numbers(session).values()) == list(range(1, 10))  # type: ignore[type-var]


def test_a_void_takes_the_layers_above_with_it(hall: Hall) -> None:
    hall.layers("number", "work")
    commit(hall)
    commit(hall, "work")
    hall.arrive(*range(1, 10))
    hall.move("draw")
    act(hall, service.make_draw)
    act(hall, service.make_draw, "work")
    hall.answer(_asked(hall, ask_void), "org")
    with hall.db.reading() as session:
        assert [draw.state for draw in session.scalars(select(Draw))] == ["void", "void"]
        assert session.scalar(select(func.count()).select_from(CodeNumber)) == 0


def scored(hall: Hall) -> None:
    """Drawn, marked by nobody, handed in by force."""
    drawn(hall)
    hall.move("scoring")
    hall.move("review")


def test_decoding_takes_coder_and_supervisor_after_the_results_stand(hall: Hall) -> None:
    drawn(hall)
    act(hall, service.reveal)
    refused("not_open", lambda: _asked(hall, ask_decoding))
    hall.move("scoring")
    refused("not_open", lambda: _asked(hall, ask_decoding))
    hall.move("review")
    refused("forbidden", lambda: _asked(hall, ask_decoding, "org"))
    asked = _asked(hall, ask_decoding)
    for nobody in ("coder", "coder2", "org", "chief", "admin"):
        refused("forbidden", lambda nobody=nobody: hall.answer(asked, nobody))  # type: ignore[misc]
    hall.answer(asked, "supervisor")
    with hall.db.reading() as session:
        row = session.scalars(select(Decoding)).one()
        assert (row.coder_id, row.supervisor_id) == (hall.people["coder"], hall.people["supervisor"])
        assert len(row.results_hash) == 64 and is_decoded(session, row.layer_id)
        assert "code.decode" in session.scalars(select(Audit.action)).all()
        track, layer = hall.track(session), hall.layer(session)
        assert len(mapping(session, hall.who(session, "supervisor"), track, layer)) == 9
        refused("forbidden", lambda: mapping(session, hall.who(session, "org"), track, layer))
    refused("conflict", lambda: _asked(hall, ask_decoding))


def test_the_supervisor_may_ask_and_the_coder_answers(hall: Hall) -> None:
    scored(hall)
    asked = _asked(hall, ask_decoding, "supervisor")
    refused("forbidden", lambda: hall.answer(asked, "org"))
    hall.answer(asked, "coder")
    with hall.db.reading() as session:
        assert is_decoded(session, hall.track(session).id)


def test_layers_are_decoded_in_reverse(hall: Hall) -> None:
    hall.layers("number", "work")
    commit(hall)
    commit(hall, "work", "coder2")
    hall.arrive(*range(1, 10))
    hall.move("draw")
    act(hall, service.make_draw)
    act(hall, service.make_draw, "work", "coder2")
    hall.move("scoring")
    hall.move("review")
    refused("not_open", lambda: _asked(hall, ask_decoding))
    hall.answer(_asked(hall, ask_decoding, "coder2", "work"), "supervisor")
    hall.answer(_asked(hall, ask_decoding), "supervisor")


def test_results_that_moved_after_the_asking_are_not_decoded(hall: Hall) -> None:
    scored(hall)
    asked = _asked(hall, ask_decoding)
    with hall.db.transaction() as session:
        entry = session.scalars(select(Entry).where(Entry.contest_id == hall.contest_id).limit(1)).one()
        entry.draw = 77
    refused("conflict", lambda: hall.answer(asked, "supervisor"))
    with hall.db.reading() as session:
        assert session.scalars(select(Decoding)).all() == []


def test_no_force_brings_names_before_decoding(hall: Hall) -> None:
    scored(hall)
    error = refused("not_open", lambda: hall.move("notice", "org"))
    assert "参赛编号" in error.message
    hall.answer(_asked(hall, ask_decoding), "supervisor")
    hall.move("notice", "org")


def test_scoring_waits_for_every_layer(hall: Hall) -> None:
    hall.layers("number", "work")
    commit(hall)
    hall.arrive(*range(1, 10))
    hall.move("draw")
    act(hall, service.make_draw)
    with hall.db.reading() as session:
        found = [one for one in missing_for(session, hall.track(session), "scoring") if one.link == "/code/cup"]
        assert any("成果号" in str(one) for one in found)


def test_an_export_holds_numbers_or_names_and_never_both_before_decoding(hall: Hall) -> None:
    drawn(hall)
    hall.move("scoring")
    with hall.db.reading() as session:
        bundle = export_bundle(session, "cup", sections=SECTIONS)
    text = write_bundle(bundle)
    assert {entry.draw for entry in bundle.entries} == set(range(1, 10))
    for word in (*NAMES, *(f"E{n:03}" for n in range(1, 10))):
        assert word not in text
    assert all(entry.organisation is None and not entry.members for entry in bundle.entries)
    assert read_bundle(text.encode()).entries
    hall.move("review")
    hall.answer(_asked(hall, ask_decoding), "supervisor")
    with hall.db.reading() as session:
        assert {entry.title for entry in export_bundle(session, "cup", sections=SECTIONS).entries} == {
            f"{name}的作品" for name in NAMES
        }


def test_an_import_with_numbers_and_without_layers_goes_on_as_ever(hall: Hall) -> None:
    with hall.db.transaction() as session:
        for number, entry in enumerate(session.scalars(select(Entry).where(Entry.contest_id == hall.contest_id))):
            entry.draw = number + 1
    hall.move("scoring")
    with hall.db.reading() as session:
        bundle = export_bundle(session, "cup", sections=SECTIONS)
        assert {entry.members[0].name for entry in bundle.entries} == set(NAMES)
    hall.move("notice")


def test_the_published_file_is_whole_after_decoding_and_replays_without_a_database(hall: Hall) -> None:
    scored(hall)
    act(hall, service.reveal)
    hall.answer(_asked(hall, ask_decoding), "supervisor")
    hall.move("notice")
    with hall.db.reading() as session:
        contest, track = session.get_one(Contest, hall.contest_id), hall.track(session)
        file = published(session, contest, track, hall.vault)
        numbers = hall.numbers(session)
    lines, same = replay_file(json.dumps(file))
    assert same
    for code, number in numbers.items():
        assert f"  {number}\t{code}" in lines
    for change in (
        {"seed": "00" * 32},
        {"result": list(reversed(file["draws"][0]["result"]))},
        {"entries": dict.fromkeys(file["draws"][0]["entries"], "E001")},
    ):
        assert not replay_file(json.dumps({**file, "draws": [{**file["draws"][0], **change}]}))[1]
    assert not replay_file("{}")[1] and not replay_file("no json")[1]


def test_layers_are_said_before_the_first_commitment_only(hall: Hall) -> None:
    def say(*codes: str, who: str = "org", first: int = 1, coder: int | None = None) -> None:
        with hall.db.transaction() as session:
            set_layers(
                session,
                hall.track(session),
                [LayerCommand(code, first, coder) for code in codes],
                actor=hall.who(session, who),
                now=hall.now(),
            )

    refused("forbidden", lambda: say("number", who="chief"))
    refused("bad_request", lambda: say("work", "number"))
    refused("bad_request", lambda: say())
    refused("bad_request", lambda: say("number", first=0))
    refused("unknown", lambda: say("number", coder=hall.people["org"]))
    say("number", "work", coder=hall.people["coder2"])
    refused("forbidden", lambda: commit(hall))
    say("number")
    commit(hall)
    refused("locked", lambda: say("number", "work"))
    hall.move("scoring")
    refused("not_open", lambda: say("number"))


def test_a_window_that_is_open_keeps_the_names_shut(hall: Hall) -> None:
    drawn(hall)
    hall.move("scoring")
    with hall.db.transaction() as session:
        set_window(session, hall.track(session).stages[0], "open", actor=CONSOLE, now=hall.now())
    refused("not_open", lambda: _asked(hall, ask_decoding))
