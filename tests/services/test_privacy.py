"""Erasure by oneself and by a contest's retention date; consents keep their words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel
from sqlalchemy import select

from competition.accounts import consents, privacy, retention
from competition.accounts.models import Audit, Consent, ConsentText, Notice, Person
from competition.accounts.policy import CONSOLE, Actor
from competition.accounts.service import create_person
from competition.contests.models import Contest
from competition.registration.models import Attachment, Entry, Registration, RegistrationPerson
from competition.shared.db import Database
from competition.shared.errors import DomainError
from competition.shared.files import Files
from competition.shared.models import StoredFile
from competition.shared.vault import Vault

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
VAULT = Vault(["key"])


@pytest.fixture(autouse=True)
def sentences() -> Iterator[None]:
    app = Flask("privacy")
    Babel(app, default_locale="zh")
    with app.test_request_context():
        yield


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "uploads")


class Scene:
    """A contest with Zhang's own registration (a file with it) and one of a team with Li."""

    def __init__(self, database: Database, contest_id: int, files: Files) -> None:
        self.db, self.contest_id, self.files = database, contest_id, files
        with database.transaction() as session:
            contest = session.get_one(Contest, contest_id)
            track = contest.tracks[0]
            self.code = contest.code
            self.zhang = create_person(session, login="zhang", name="张三", password=None, now=NOW)
            self.li = create_person(session, login="li", name="李四", password=None, now=NOW)
            self.own, self.team = (
                Registration(
                    contest_id=contest_id, track_id=track.id, number=number, kind=kind, title=f"{number} 的题目",
                    answers={"note": "张三的话"}, state="draft", created_by=self.zhang, created_at=NOW, updated_at=NOW,
                )
                for number, kind in (("R1", "individual"), ("R2", "team"))
            )  # fmt: skip
            session.add_all((self.own, self.team))
            session.flush()
            for registration, person, name, holds in (
                (self.own, self.zhang, "张三", True),
                (self.team, self.zhang, "张三", False),
                (self.team, self.li, "李四", True),
            ):
                session.add(
                    RegistrationPerson(
                        registration_id=registration.id, track_id=track.id, person_id=person, position=1, name=name,
                        holds=holds,
                    )
                )  # fmt: skip
            self.file = files.store(
                session, b"secret", name="张三.pdf", purpose="attachment", media_type="application/pdf",
                person_id=self.zhang, contest_id=contest_id, now=NOW,
            )  # fmt: skip
            session.add(
                Attachment(registration_id=self.own.id, rule="paper", file_id=self.file.id, received_at=NOW, flags=[])
            )
            session.add(
                Notice(person_id=self.zhang, contest_id=contest_id, kind="x", title="张三", body="", created_at=NOW)
            )

    def confirm(self, phase: str) -> None:
        """Zhang's own registration became an entry, in a contest that stands in that phase."""
        with self.db.transaction() as session:
            contest = session.get_one(Contest, self.contest_id)
            for track in contest.tracks:
                track.phase = phase
            entry = Entry(
                contest_id=contest.id,
                track_id=contest.tracks[0].id,
                code="Z1",
                title="作品",
                members=[{"name": "张三"}],
            )
            session.add(entry)
            session.flush()
            row = session.get_one(Registration, self.own.id)
            row.state, row.entry_id = "confirmed", entry.id

    def erase(self) -> privacy.Erasure:
        with self.db.transaction() as session:
            actor = Actor(self.zhang, "张三")
            return privacy.erase(session, self.zhang, files=self.files, actor=actor, now=NOW)


@pytest.fixture
def scene(database: Database, load: Callable[..., int], files: Files) -> Scene:
    return Scene(database, load("weihai/welder.json"), files)


def test_drafts_go_with_their_files_and_the_team_keeps_what_is_its_own(scene: Scene) -> None:
    scene.erase()
    with scene.db.reading() as session:
        person = session.get_one(Person, scene.zhang)
        assert (person.name, person.login, person.active, person.erased_at) == (
            "已删除",
            f"erased-{scene.zhang}",
            False,
            NOW,
        )
        own, team = session.get_one(Registration, scene.own.id), session.get_one(Registration, scene.team.id)
        assert (own.answers, own.title, own.state) == ({}, "", "withdrawn")
        assert (team.answers, team.title) == ({"note": "张三的话"}, "R2 的题目")
        assert [one.name for one in team.people] == ["", "李四"]
        assert session.scalars(select(Notice)).all() == []
        assert session.get_one(StoredFile, scene.file.id).state == "deleted"
        logged = session.scalars(select(Audit).where(Audit.action == "person.erase")).one()
        assert "张三" not in f"{logged.actor} {logged.subject} {logged.details}"
    assert not scene.files.path(scene.file).exists()


@pytest.mark.parametrize("phase", ["registration", "scoring", "notice"])
def test_a_running_contest_stands_against_it(scene: Scene, phase: str) -> None:
    scene.confirm(phase)
    with pytest.raises(DomainError) as refused:
        scene.erase()
    assert refused.value.code == "conflict"
    assert ("先撤回报名" if phase == "registration" else "还没有结束") in refused.value.message
    with scene.db.reading() as session:
        assert session.get_one(Person, scene.zhang).name == "张三"


def test_a_published_result_keeps_the_name_and_all_else_goes(scene: Scene) -> None:
    scene.confirm("final")
    found = scene.erase()
    assert any("已公布的成绩" in sentence for sentence in found.stays)
    with scene.db.reading() as session:
        entry = session.scalars(select(Entry).where(Entry.code == "Z1")).one()
        assert entry.members == [{"name": "张三"}]
        own = session.get_one(Registration, scene.own.id)
        assert (own.answers, own.state, own.people[0].name) == ({}, "confirmed", "张三")


def test_after_the_retention_date_a_contest_is_emptied_once(scene: Scene) -> None:
    scene.confirm("archived")
    with scene.db.transaction() as session:
        session.get_one(Contest, scene.contest_id).retention_until = date(2026, 11, 21)
    with scene.db.reading() as session:
        assert retention.due(session, date(2026, 11, 21)) == []
        assert retention.due(session, date(2026, 11, 22)) == [scene.contest_id]
    with scene.db.transaction() as session:
        gone = retention.erase_contest(session, scene.contest_id, files=scene.files, actor=CONSOLE, now=NOW)
    assert gone == {"registrations": 2, "people": 3, "files": 1, "notices": 1}
    with scene.db.reading() as session:
        assert retention.due(session, date(2026, 11, 23)) == []
        team = session.get_one(Registration, scene.team.id)
        assert (team.answers, team.title, [one.person_id for one in team.people]) == ({}, "", [None, None])
        assert session.scalars(select(Entry).where(Entry.code == "Z1")).one().members == [{"name": "张三"}]
        assert session.get_one(Person, scene.zhang).name == "张三"
        logged = session.scalars(select(Audit).where(Audit.action == "contest.retention")).one()
        assert logged.details == {"until": "2026-11-21", **gone} and logged.subject == scene.code
    with scene.db.transaction() as session:
        assert retention.erase_contest(session, scene.contest_id, files=scene.files, actor=CONSOLE, now=NOW) == {}


def test_nothing_goes_before_the_date(scene: Scene) -> None:
    with scene.db.transaction() as session:
        session.get_one(Contest, scene.contest_id).retention_until = date(2026, 11, 22)
    with scene.db.transaction() as session:
        assert retention.erase_contest(session, scene.contest_id, files=scene.files, actor=CONSOLE, now=NOW) == {}
        assert session.get_one(Registration, scene.own.id).answers == {"note": "张三的话"}


def test_a_consent_keeps_the_words_it_was_given_to(scene: Scene) -> None:
    with scene.db.transaction() as session:
        shown = consents.text_in_force(session, "registration", scene.contest_id)
        assert shown.version is None and "十二个月" in shown.body and "English" in shown.body
        first = consents.give(
            session, scene.zhang, "registration", contest_id=scene.contest_id, registration_id=scene.own.id, now=NOW,
            seen=shown.mark,
        )  # fmt: skip
        again = consents.give(
            session, scene.zhang, "registration", contest_id=scene.contest_id, registration_id=scene.own.id, now=NOW
        )
        assert first == again
        session.get_one(Contest, scene.contest_id).retention_until = date(2027, 12, 31)
        session.flush()
        with pytest.raises(DomainError) as refused:
            consents.give(session, scene.li, "registration", contest_id=scene.contest_id, now=NOW, seen=shown.mark)
        assert refused.value.code == "conflict"
        consents.give(session, scene.li, "registration", contest_id=scene.contest_id, now=NOW)
    with scene.db.reading() as session:
        texts = session.scalars(select(ConsentText).order_by(ConsentText.version)).all()
        assert [text.version for text in texts] == [1, 2] and "2027-12-31" in texts[1].body
        assert consents.given_by_person(session, scene.zhang)[0].body == shown.body
        assert session.get_one(Consent, first).registration_id == scene.own.id
