"""Sign-in by password and link, roles that never meet, decisions of two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts import approval, entering, service
from competition.accounts.hashing import LocalHasher
from competition.accounts.models import Approval, Audit, SignIn, SignInLink
from competition.accounts.passwords import hashed
from competition.accounts.policy import CONSOLE, ROLE_TABLE, VISITOR, Actor, GrantInfo, check_grant
from competition.accounts.queries import actor_for, start_address
from competition.contests.models import Contest, Track
from competition.shared.db import Database
from competition.shared.errors import DomainError
from competition.shared.vault import Vault
from judges.sections import SECTIONS as _TABLES  # noqa: F401

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
RIGHT = "correct horse 7"
HASHER = LocalHasher()
VAULT = Vault(["a key for tests"])


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as session:
        yield session


def person(session: Session, login: str = "Anna", password: str | None = RIGHT) -> int:
    stored = None if password is None else hashed(HASHER, password)
    return service.create_person(session, login=login, name=login, password=stored, now=NOW)


def sign_in(session: Session, password: str, *, login: str = "anna", now: datetime = NOW) -> object:
    meant = entering.candidate(session, login, VAULT)
    return entering.enter(session, meant, HASHER.verify(meant.stored, password), now=now)


def test_a_password_signs_in_and_a_cookie_stands_for_the_person(session: Session) -> None:
    key = person(session)
    result = sign_in(session, RIGHT, login=" ANNA ")
    assert isinstance(result, service.SignInResult)
    actor = service.actor_of(session, service.hash_secret(result.secret), NOW)
    assert actor == result.actor == Actor(key, "Anna")
    assert service.actor_of(session, result.secret, NOW) is None
    assert service.actor_of(session, service.hash_secret(result.secret), NOW + service.SIGN_IN_LIFE) is None
    service.revoke(session, service.hash_secret(result.secret), now=NOW)
    assert service.actor_of(session, service.hash_secret(result.secret), NOW) is None


def test_no_secret_is_stored(session: Session) -> None:
    key = person(session)
    result = sign_in(session, RIGHT)
    assert isinstance(result, service.SignInResult)
    token = service.make_link(session, contest_id=None, role="admin", person_id=key, now=NOW)
    session.flush()
    assert session.scalars(select(SignIn.secret_hash)).one() != result.secret
    assert session.scalars(select(SignInLink.token_hash)).one() != token
    for row in session.scalars(select(Audit)):
        assert token not in repr(row.__dict__)
        assert RIGHT not in repr(row.__dict__)


def test_the_same_answer_for_a_wrong_password_and_an_unknown_login(session: Session) -> None:
    person(session)
    person(session, "linked", None)
    answers = [sign_in(session, "wrong", login=login) for login in ("anna", "nobody", "linked")]
    said = {(answer.code, answer.message, answer.field) for answer in answers if isinstance(answer, DomainError)}
    assert [type(answer) for answer in answers] == [DomainError] * 3
    assert len(said) == 1


@pytest.mark.parametrize("login", ["anna", "nobody"])
def test_five_failures_lock_the_login(session: Session, login: str) -> None:
    person(session)
    for _ in range(service.FAILURES):
        refused = sign_in(session, "wrong", login=login)
        assert isinstance(refused, DomainError)
        assert refused.code == "forbidden"
    for late in (timedelta(0), service.LOCKED - timedelta(seconds=1)):
        locked = sign_in(session, RIGHT, login=login, now=NOW + late)
        assert isinstance(locked, DomainError)
        assert locked.code == "too_many"
    after = sign_in(session, RIGHT, login=login, now=NOW + service.LOCKED)
    assert isinstance(after, DomainError) == (login == "nobody")


def test_a_success_forgets_failures(session: Session) -> None:
    person(session)
    for _ in range(2):
        for _ in range(service.FAILURES - 1):
            sign_in(session, "wrong")
        assert isinstance(sign_in(session, RIGHT), service.SignInResult)


def test_a_link_is_for_one_browser_and_twelve_hours(session: Session) -> None:
    key = person(session)
    token = service.make_link(session, contest_id=None, role="judge", person_id=key, now=NOW)
    late = NOW + service.LINK_LIFE - timedelta(seconds=1)
    first = service.use_link(session, token, browser_secret="browser one", now=NOW)
    assert first.start_url_role == "judge"
    assert service.use_link(session, token, browser_secret="browser one", now=late).actor == first.actor
    for other, when, code in (("browser two", NOW, "forbidden"), ("browser one", NOW + service.LINK_LIFE, "forbidden")):
        with pytest.raises(DomainError) as refused:
            service.use_link(session, token, browser_secret=other, now=when)
        assert refused.value.code == code
    with pytest.raises(DomainError):
        service.use_link(session, token + "x", browser_secret="browser one", now=NOW)


def test_a_new_password_ends_what_stood_on_the_old_one(session: Session) -> None:
    key = person(session)
    result = sign_in(session, RIGHT)
    assert isinstance(result, service.SignInResult)
    service.set_password(session, key, hashed(HASHER, "another horse 7"), now=NOW, actor=CONSOLE)
    assert service.actor_of(session, service.hash_secret(result.secret), NOW) is None
    assert isinstance(sign_in(session, "another horse 7"), service.SignInResult)


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
def test_a_password_that_will_not_do(session: Session, password: str) -> None:
    with pytest.raises(DomainError) as refused:
        person(session, password=password)
    assert refused.value.field == "password"


def test_a_login_is_one_person_ignoring_case(session: Session) -> None:
    person(session, "Anna")
    with pytest.raises(DomainError) as refused:
        person(session, "aNNA")
    assert refused.value.code == "conflict"


NEVER = [(role.name, other) for role in ROLE_TABLE.values() for other in sorted(role.never)]


@pytest.mark.parametrize(("role", "other"), NEVER)
def test_roles_that_never_meet(role: str, other: str) -> None:
    for first, second in ((role, other), (other, role)):
        with pytest.raises(DomainError):
            check_grant(second, 1, [GrantInfo(first, contest_id=1)])
        with pytest.raises(DomainError):
            check_grant(second, 1, [GrantInfo(first)])
        with pytest.raises(DomainError):
            check_grant(second, None, [GrantInfo(first, contest_id=1)])
        check_grant(second, 2, [GrantInfo(first, contest_id=1)])


def test_the_table_says_what_the_contract_says() -> None:
    assert {name: set(role.never) for name, role in ROLE_TABLE.items() if role.never} == {
        "contestant": {"judge", "arbiter"},
        "coder": {"recorder", "judge", "chief"},
        "recorder": {"coder"},
        "judge": {"contestant", "coder", "arbiter"},
        "chief": {"coder", "supervisor", "arbiter"},
        "supervisor": {"chief"},
        "arbiter": {"judge", "chief", "contestant"},
    }


def test_a_grant_covers_its_scope_and_what_is_below() -> None:
    actor = Actor(
        1,
        "x",
        (
            GrantInfo("chief", contest_id=1, track_id=2),
            GrantInfo("organiser", contest_id=1),
            GrantInfo("judge", contest_id=1, judge_id=9),
        ),
    )
    assert actor.has("chief", contest_id=1, track_id=2)
    assert not actor.has("chief", contest_id=1, track_id=3)
    assert not actor.has("chief", contest_id=2)
    assert actor.has("organiser", contest_id=1, track_id=3)
    assert actor.judge_ids(1) == {9}
    assert actor.judge_ids(2) == frozenset()
    assert CONSOLE.has("admin", contest_id=5)
    assert not VISITOR.has("admin")


def contest(session: Session) -> Contest:
    row = Contest(
        code="c", code_key="c", title="C", kind="skill", level="city", year=2026, identity="entry", created_at=NOW
    )
    row.tracks = [Track(position=0, code="t", title="T", phase="scoring", ranking={}, prizes=[])]
    session.add(row)
    session.flush()
    return row


@pytest.mark.parametrize(
    ("role", "address"),
    [("recorder", "/recorder/c"), ("chief", "/chief/c/t"), ("organiser", "/manage/c"), ("awards", None)],
)
def test_each_role_starts_on_its_own_page(session: Session, role: str, address: str | None) -> None:
    row = contest(session)
    key = service.person_for(session, role=role, contest_id=row.id, login="x", name="x", now=NOW, actor=CONSOLE)
    assert key == service.person_for(session, role=role, contest_id=row.id, login="x", name="x", now=NOW, actor=CONSOLE)
    actor = actor_for(session, key)
    assert actor is not None
    assert len(actor.grants) == 1
    assert start_address(session, actor, role) == start_address(session, actor) == address


def test_long_codes_are_different_people() -> None:
    assert service.login_for("J1", "c") == "J1@c"
    logins = {service.login_for("J" * 64, "c" * 63 + end) for end in "abc"}
    assert len(logins) == 3
    assert max(map(len, logins)) == service.MAX_LOGIN


def two(session: Session) -> tuple[Actor, Actor]:
    return Actor(person(session, "one", None), "one"), Actor(person(session, "two", None), "two")


def ask(session: Session, actor: Actor, payload: dict[str, object]) -> int:
    return approval.ask(session, kind="rule", subject="c/t", payload=payload, reason="why", actor=actor, now=NOW)


def test_what_two_approve_is_done_once(session: Session) -> None:
    one, two_ = two(session)
    key = ask(session, one, {"places": 2, "ties": "shared"})
    do = {"kind": "rule", "subject": "c/t", "actor": one, "now": NOW}
    with pytest.raises(DomainError):
        approval.apply_once(session, key, payload={"places": 2, "ties": "shared"}, **do)  # type: ignore[arg-type]
    with pytest.raises(DomainError) as own:
        approval.decide(session, key, True, actor=one, now=NOW)
    assert own.value.code == "forbidden"
    approval.decide(session, key, True, actor=two_, now=NOW)
    with pytest.raises(DomainError) as other:
        approval.apply_once(session, key, payload={"places": 3, "ties": "shared"}, **do)  # type: ignore[arg-type]
    assert other.value.code == "forbidden"
    approval.apply_once(session, key, payload={"ties": "shared", "places": 2}, **do)  # type: ignore[arg-type]
    with pytest.raises(DomainError) as again:
        approval.apply_once(session, key, payload={"places": 2, "ties": "shared"}, **do)  # type: ignore[arg-type]
    assert again.value.code == "conflict"
    assert session.scalar(select(func.count()).select_from(Audit).where(Audit.action.startswith("approval."))) == 3


def test_what_is_refused_is_not_done(session: Session) -> None:
    one, two_ = two(session)
    key = ask(session, one, {"a": 1})
    approval.decide(session, key, False, actor=two_, now=NOW)
    with pytest.raises(DomainError):
        approval.apply_once(session, key, kind="rule", subject="c/t", payload={"a": 1}, actor=two_, now=NOW)
    with pytest.raises(DomainError):
        approval.decide(session, key, True, actor=two_, now=NOW)


def test_a_payload_changed_in_the_database_is_not_done(session: Session) -> None:
    one, two_ = two(session)
    key = ask(session, one, {"a": 1})
    approval.decide(session, key, True, actor=two_, now=NOW)
    session.get_one(Approval, key).payload = {"a": 2}
    session.flush()
    with pytest.raises(DomainError):
        approval.apply_once(session, key, kind="rule", subject="c/t", payload={"a": 2}, actor=two_, now=NOW)


def test_asking_anew_drops_what_was_open(session: Session) -> None:
    one, two_ = two(session)
    first, second = ask(session, one, {"a": 1}), ask(session, one, {"a": 2})
    assert [row.id for row in approval.open_for(session, subject="c/t")] == [second]
    with pytest.raises(DomainError):
        approval.decide(session, first, True, actor=two_, now=NOW)


def test_nobody_asks_from_the_command_line(session: Session) -> None:
    with pytest.raises(DomainError):
        ask(session, CONSOLE, {})
