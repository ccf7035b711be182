"""Teams: links, the last place, one team a person, leaving, removing, the lead."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from competition.accounts.models import Consent, Notice
from competition.accounts.policy import Actor
from competition.contests.models import Track
from competition.registration import drafting, teams
from competition.registration.drafting import Draft
from competition.registration.models import Invitation, Registration, RegistrationPerson
from competition.registration.own import lead_of
from competition.shared.db import Database
from competition.shared.errors import DomainError
from tests.services.registering import CLOSES, NOW, Place, add_person, begin, lay_out

ENTRANTS = {"kind": "team", "min": 2, "max": 3, "advisers": 1}


class Team:
    """A team of one that may still grow, with what tests do to it."""

    def __init__(self, database: Database, place: Place, lead: Actor, number: str) -> None:
        self.database, self.place, self.lead, self.number = database, place, lead, number

    def person(self, name: str) -> Actor:
        with self.database.transaction() as session:
            return add_person(session, name, unit_id=self.place.unit)

    def invite(self, part: str = "member", **more: Any) -> str:
        with self.database.transaction() as session:
            return teams.invite(session, self.number, part, **{"actor": self.lead, "now": NOW, **more})

    def join(self, token: str, actor: Actor, **more: Any) -> None:
        with self.database.transaction() as session:
            teams.join(session, token, **{"consent": True, "actor": actor, "now": NOW, **more})

    def people(self) -> list[tuple[str, str]]:
        with self.database.reading() as session:
            row = session.scalars(select(Registration).where(Registration.number == self.number)).one()
            return [(person.name, person.part) for person in row.people]

    def row(self, name: str) -> int:
        with self.database.reading() as session:
            return session.scalars(select(RegistrationPerson.id).where(RegistrationPerson.name == name)).one()


@pytest.fixture
def team(database: Database) -> Team:
    with database.transaction() as session:
        place = lay_out(session, entrants=ENTRANTS)
        lead = add_person(session, "领队", unit_id=place.unit)
        return Team(database, place, lead, begin(session, place, lead, "team").number)


def test_a_link_shows_the_team_before_anybody_joins_and_only_its_hash_is_kept(team: Team) -> None:
    token, other = team.invite(), team.person("甲")
    with team.database.reading() as session:
        (row,) = session.scalars(select(Invitation))
        assert token not in (row.token_hash, "") and len(row.token_hash) == 64
        assert row.expires_at == NOW + timedelta(days=7)
        shown = teams.invited(session, token, actor=other, now=NOW)
        assert (shown.lead, shown.members, shown.most, shown.refusal) == ("领队", 1, 3, None)
    assert team.people() == [("领队", "member")]


def test_joining_takes_consent_and_is_once(team: Team) -> None:
    token, other = team.invite(), team.person("甲")
    with pytest.raises(DomainError) as refused:
        team.join(token, other, consent=False)
    assert refused.value.field == "consent"
    team.join(token, other)
    team.join(token, other)
    assert team.people() == [("领队", "member"), ("甲", "member")]
    with team.database.reading() as session:
        assert session.scalars(select(Consent.person_id)).all() == [other.person_id]
        assert session.scalars(select(Notice.kind)).all() == ["team.joined"]


def test_a_link_ends_by_time_by_revoking_and_by_the_deadline(team: Team) -> None:
    token, other = team.invite(), team.person("甲")
    with pytest.raises(DomainError, match="失效"):
        team.join(token, other, now=NOW + timedelta(days=7, seconds=1))
    with team.database.transaction() as session:
        invitation = session.scalars(select(Invitation.id)).one()
        teams.revoke(session, team.number, invitation, actor=team.lead, now=NOW)
    with pytest.raises(DomainError, match="失效"):
        team.join(token, other)
    late = team.invite(now=CLOSES - timedelta(hours=1))
    with pytest.raises(DomainError):
        team.join(late, other, now=CLOSES + timedelta(seconds=1))
    with pytest.raises(DomainError, match="不对"):
        team.join("no-such-token", other)
    assert team.people() == [("领队", "member")]


def test_a_full_team_takes_nobody_but_an_adviser(team: Team) -> None:
    token = team.invite()
    for name in ("甲", "乙"):
        team.join(token, team.person(name))
    with pytest.raises(DomainError, match="已满"):
        team.join(token, team.person("丙"))
    adviser = team.invite("adviser")
    team.join(adviser, team.person("师傅"))
    with pytest.raises(DomainError, match="已满"):
        team.join(adviser, team.person("师傅二"))


def test_nobody_is_a_member_of_two_teams_of_a_track_but_may_advise(team: Team) -> None:
    other = team.person("甲")
    with team.database.transaction() as session:
        own = begin(session, team.place, other, "team").number
    with pytest.raises(DomainError) as refused:
        team.join(team.invite(), other)
    assert refused.value.code == "conflict"
    team.join(team.invite("adviser"), other)
    with team.database.transaction() as session:
        drafting.withdraw(session, own, actor=other, now=NOW)
    assert ("甲", "adviser") in team.people()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_last_place_is_given_once(team: Team) -> None:
    token = team.invite()
    team.join(token, team.person("甲"))
    racers = [team.person(name) for name in ("乙", "丙", "丁")]
    answers = race(lambda actor: team.join(token, actor), racers)
    assert sorted(answers) == ["joined", "not_open", "not_open"]
    assert len(team.people()) == 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_joins_two_teams_at_once_is_in_one(team: Team) -> None:
    with team.database.transaction() as session:
        second = add_person(session, "另一领队", unit_id=team.place.unit)
        number = begin(session, team.place, second, "team").number
    rival = Team(team.database, team.place, second, number)
    other = team.person("甲")
    tokens = [team.invite(), rival.invite()]
    answers = race(lambda token: team.join(token, other), tokens)
    assert sorted(answers) == ["conflict", "joined"]
    with team.database.reading() as session:
        held = (
            select(func.count()).select_from(RegistrationPerson).where(RegistrationPerson.person_id == other.person_id)
        )
        assert session.scalar(held) == 1


def race(act: Any, each: list[Any]) -> list[str]:
    """Everybody at once; what came of it."""
    gate = threading.Barrier(len(each))
    answers: list[str] = []

    def run(one: Any) -> None:
        gate.wait()
        try:
            act(one)
            answers.append("joined")
        except DomainError as error:
            answers.append(error.code)

    threads = [threading.Thread(target=run, args=(one,)) for one in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_members_leave_the_lead_removes_and_hands_over(team: Team) -> None:
    token, first, second = team.invite(), team.person("甲"), team.person("乙")
    team.join(token, first)
    team.join(token, second)
    with team.database.transaction() as session:
        with pytest.raises(DomainError, match="领队不能直接退出"):
            teams.leave(session, team.number, actor=team.lead, now=NOW)
        with pytest.raises(DomainError, match="只有领队"):
            teams.remove(session, team.number, team.row("乙"), actor=first, now=NOW)
    with team.database.transaction() as session:
        teams.leave(session, team.number, actor=second, now=NOW)
    with team.database.transaction() as session:
        row = teams.hand_over(session, team.number, team.row("甲"), actor=team.lead, now=NOW)
        assert lead_of(row).name == "甲"  # type: ignore[union-attr]
    with team.database.transaction() as session:
        with pytest.raises(DomainError, match="只有领队"):
            drafting.save(session, team.number, Draft(title="x"), version=2, actor=team.lead, now=NOW)
        teams.remove(session, team.number, team.row("领队"), actor=first, now=NOW)
    assert team.people() == [("甲", "member")]
    # Whoever has left may join another team of the track.
    with team.database.transaction() as session:
        begin(session, team.place, second, "team")


def test_a_team_is_handed_in_when_it_is_whole_and_locked_from_then_on(team: Team) -> None:
    def hand_in() -> None:
        with team.database.transaction() as session:
            drafting.submit(session, team.number, agreed={"registration": None}, actor=team.lead, now=NOW)

    with team.database.transaction() as session:
        drafting.save(session, team.number, Draft(title="焊花队"), version=1, actor=team.lead, now=NOW)
    with pytest.raises(DomainError, match="至少 2 人"):
        hand_in()
    token, other = team.invite(), team.person("甲")
    team.join(token, other)
    hand_in()
    with pytest.raises(DomainError):
        team.join(token, team.person("乙"))
    with team.database.transaction() as session, pytest.raises(DomainError, match="已提交"):
        teams.leave(session, team.number, actor=other, now=NOW)
    with team.database.reading() as session:
        told = session.scalars(select(Notice.person_id).where(Notice.kind == "registration.submitted")).all()
        assert set(told) == {team.lead.person_id, other.person_id}


def test_who_has_not_accepted_holds_the_submission_up(team: Team) -> None:
    other = team.person("甲")
    with team.database.transaction() as session:
        row = session.scalars(select(Registration)).one()
        row.title = "焊花队"
        row.people.append(
            RegistrationPerson(track_id=team.place.track, person_id=other.person_id, position=1, name="甲")
        )
    with team.database.transaction() as session, pytest.raises(DomainError) as refused:
        drafting.submit(session, team.number, agreed={"registration": None}, actor=team.lead, now=NOW)
    assert any("甲 还没有接受邀请" in one["sentence"] for one in refused.value.details["missing"])  # type: ignore[attr-defined]
    team.join(team.invite(), other)
    with team.database.transaction() as session:
        drafting.submit(session, team.number, agreed={"registration": None}, actor=team.lead, now=NOW)


def test_a_track_for_single_people_has_no_team_and_an_adviser_only_where_there_is_one(database: Database) -> None:
    with database.transaction() as session:
        place = lay_out(session)
        actor = add_person(session, "甲", unit_id=place.unit)
        with pytest.raises(DomainError, match="个人或团队"):
            begin(session, place, actor, "team")
        number = begin(session, place, actor).number
        for part in ("member", "adviser", "spy"):
            with pytest.raises(DomainError):
                teams.invite(session, number, part, actor=actor, now=NOW)
        session.get_one(Track, place.track).entrants = {"kind": "individual", "advisers": 1}
        session.flush()
        assert teams.invite(session, number, "adviser", actor=actor, now=NOW)
