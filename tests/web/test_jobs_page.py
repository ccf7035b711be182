"""A job's page and a person's messages: for their owners alone, without a script too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from competition.accounts import notices
from competition.accounts.models import Person
from competition.accounts.policy import Actor
from competition.accounts.queries import actor_for, person_by_login
from competition.shared import clock, jobs
from competition.shared.jobs import JobContext
from competition.shared.models import Job, Mail
from tests.web.conftest import WELDER, World


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[JobContext], Any]], str]:
    def register(work: Callable[[JobContext], Any]) -> str:
        monkeypatch.setitem(jobs.HANDLERS, "test", work)
        return "test"

    return register


def actor(world: World, role: str) -> Actor:
    world.token(role)
    with world.db.reading() as session:
        person = person_by_login(session, f"{role}@{WELDER}")
        assert person is not None
        found = actor_for(session, person.id)
        assert found is not None
        return found


def ask(world: World, kind: str, role: str = "organiser", **arguments: Any) -> str:
    with world.db.transaction() as session:
        return jobs.enqueue(
            session, kind, title="导出<报名表>", arguments=arguments, actor=actor(world, role), now=clock.now()
        )


def told(client: FlaskClient, key: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/jobs/{key}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def test_from_waiting_to_the_file(world: World, kind: Callable[..., str]) -> None:
    def work(context: JobContext) -> dict[str, Any]:
        assert (context.actor.name, context.vault is not None) == ("organiser", True)
        with context.db.transaction() as session:
            file = context.files.store(
                session, b"abc", name="报名表.xlsx", purpose="export", media_type="text/plain",
                person_id=context.actor.person_id, now=context.now(),
            )  # fmt: skip
        return {"lines": ["共 3 行<b>"], "file": file}

    client = world.client("organiser")
    key = ask(world, kind(work), back="/manage/x")
    page = client.get(f"/jobs/{key}")
    assert page.status_code == 200
    html = page.get_data(as_text=True)
    assert '<noscript><meta http-equiv="refresh"' in html
    assert "导出&lt;报名表&gt;" in html
    assert "style=" not in html and "onclick" not in html
    assert told(client, key)["state"] == "waiting"
    assert world.app.extensions["leitai"].jobs.run_waiting() == 1
    done = told(client, key)
    assert (done["state"], done["lines"], done["file"]["name"]) == ("done", ["共 3 行<b>"], "报名表.xlsx")
    html = client.get(f"/jobs/{key}").get_data(as_text=True)
    assert "refresh" not in html
    assert "共 3 行&lt;b&gt;" in html
    assert f'href="{done["file"]["url"]}"' in html
    assert 'href="/manage/x"' in html


def test_a_way_back_leads_nowhere_else(world: World, kind: Callable[..., str]) -> None:
    key = ask(world, kind(lambda context: None), back="//evil.example")
    assert "evil" not in world.client("organiser").get(f"/jobs/{key}").get_data(as_text=True)


def test_errors_are_listed(world: World, kind: Callable[..., str]) -> None:
    def work(context: JobContext) -> None:
        raise jobs.DomainError("bad_request", "名册有错", errors=[f"第 {n} 行" for n in range(600)])

    key = ask(world, kind(work))
    world.app.extensions["leitai"].jobs.run_waiting()
    html = world.client("organiser").get(f"/jobs/{key}").get_data(as_text=True)
    assert "名册有错" in html and "第 499 行" in html
    assert "第 500 行" not in html and "600" in html


def test_nobody_but_its_owner_and_an_admin_sees_it(world: World, kind: Callable[..., str]) -> None:
    key = ask(world, kind(lambda context: None))
    paths = [("get", f"/jobs/{key}"), ("get", f"/api/v1/jobs/{key}"), ("post", f"/jobs/{key}/cancel")]
    world.app.config["WTF_CSRF_ENABLED"] = False
    for method, path in paths:
        assert getattr(world.client("chief"), method)(path).status_code == 404
        assert getattr(world.client(), method)(path).status_code in (303, 302, 401)
    assert world.client("admin").get(f"/jobs/{key}").status_code == 200


def test_it_is_called_off_once(world: World, kind: Callable[..., str]) -> None:
    done: list[int] = []
    key = ask(world, kind(lambda context: done.append(1)))
    client = world.client("organiser")
    world.app.config["WTF_CSRF_ENABLED"] = False
    assert client.post(f"/jobs/{key}/cancel").status_code == 303
    assert client.post(f"/jobs/{key}/cancel").status_code == 409
    assert world.app.extensions["leitai"].jobs.run_waiting() == 0
    assert done == []
    with world.db.reading() as session:
        assert session.scalar(select(Job.state).where(Job.key == key)) == "cancelled"


def test_its_sentences_are_in_the_language_of_who_asked(world: World, kind: Callable[..., str]) -> None:
    def work(context: JobContext) -> None:
        raise RuntimeError("x")

    name = kind(work)
    with world.app.test_request_context("/?lang=en"):
        key = ask(world, name)
    with world.db.reading() as session:
        job = session.scalar(select(Job).where(Job.key == key))
        assert job is not None and job.arguments == {jobs.LANGUAGE: "en"}


def test_messages_are_counted_read_and_lead_on(world: World) -> None:
    someone = actor(world, "organiser").person_id
    assert someone is not None
    client = world.client("organiser")
    assert "还没有消息" in client.get("/me/notices").get_data(as_text=True)
    with world.db.transaction() as session:
        session.get_one(Person, someone).email = "li@example.com"
        first = notices.notify(session, someone, kind="k", title="甲<b>", body="一\n二", now=clock.now())
        second = notices.notify(session, someone, kind="k", title="乙", body="三", link="/manage/x", now=clock.now())
        ids = (first.id, second.id)
    html = client.get("/me/notices").get_data(as_text=True)
    assert "甲&lt;b&gt;" in html and html.index("乙") < html.index("甲")
    assert html.count('class="unread"') == 2
    assert 'chip-red num">2' in client.get("/").get_data(as_text=True)
    assert "chip-red num" not in world.client("chief").get("/").get_data(as_text=True)
    world.app.config["WTF_CSRF_ENABLED"] = False
    assert world.client("chief").post(f"/me/notices/{ids[1]}").status_code == 404
    went = client.post(f"/me/notices/{ids[1]}")
    assert (went.status_code, went.location) == (303, "/manage/x")
    assert client.get("/me/notices").get_data(as_text=True).count('class="unread"') == 1
    assert client.post("/me/notices", data={"up_to": ids[1]}).status_code == 303
    assert 'class="unread"' not in client.get("/me/notices").get_data(as_text=True)
    with world.db.reading() as session:
        assert session.scalars(select(Mail)).all() == []


def test_many_messages_come_a_page_at_a_time(world: World) -> None:
    someone = actor(world, "organiser").person_id
    assert someone is not None
    with world.db.transaction() as session:
        for number in range(31):
            notices.notify(session, someone, kind="k", title=f"消息{number:02}", body="", now=clock.now())
    client = world.client("organiser")
    first = client.get("/me/notices").get_data(as_text=True)
    assert first.count('class="unread"') == 30 and "消息00" not in first
    older = first.partition('href="/me/notices?before=')[2].partition('"')[0]
    assert "消息00" in client.get(f"/me/notices?before={older}").get_data(as_text=True)
