"""The reviewers' desks over the web: who sees what, one and many, places, Excel, and the list of all that waits."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import event, select

from competition.accounts import service
from competition.accounts.models import Person, Unit
from competition.accounts.policy import CONSOLE, Actor
from competition.contests.models import Contest, Track
from competition.registration import drafting
from competition.registration.models import Entry, Registration
from competition.shared import clock
from competition.shared.excel import Column, write_workbook
from tests.services.registering import begin, lay_out
from tests.web.conftest import World


@dataclass
class Office:
    """A contest in registration, its unit under a county, and a browser for each who reviews."""

    world: World
    contest: int
    track: int
    unit: int
    county: int
    clients: dict[str, FlaskClient]

    def hand_in(self, name: str) -> str:
        now = clock.now()
        with self.world.db.transaction() as session:
            person = Person(
                login=name, login_key=name, name=name, created_at=now, unit_id=self.unit, profile={"sex": "male"}
            )
            session.add(person)
            session.flush()
            actor = Actor(person.id, name)
            place = type("Place", (), {"contest": self.contest, "track": self.track})()
            number = begin(session, place, actor, now=now).number
            drafting.submit(session, number, agreed={"registration": None}, actor=actor, now=now)
        return number

    def row(self, number: str) -> Registration:
        with self.world.db.reading() as session:
            return session.scalars(select(Registration).where(Registration.number == number)).one()

    def page(self, who: str, path: str, status: int = 200) -> str:
        answer = self.clients[who].get(path)
        assert answer.status_code == status, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, who: str, path: str, status: int = 303, **data: object) -> str:
        answer = self.clients[who].post(path, data=data)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_data(as_text=True)


@pytest.fixture
def office(world: World) -> Office:
    world.app.config["WTF_CSRF_ENABLED"] = False
    now = clock.now()
    with world.db.transaction() as session:
        place = lay_out(session, code="reg", eligibility=[{"kind": "quota"}])
        contest = session.get_one(Contest, place.contest)
        contest.registration_opens_at = contest.registration_closes_at = None
        county = session.get_one(Unit, place.unit).parent_id
        assert county is not None
        other = Unit(code="else", code_key="else", name="别的单位", kind="enterprise")
        session.add(other)
        session.flush()
        tokens = {}
        for who, role, scope in (
            ("unit", "unit", {"unit_id": place.unit}),
            ("county", "unit", {"unit_id": county}),
            ("other", "unit", {"unit_id": other.id}),
            ("organiser", "organiser", {"contest_id": place.contest}),
        ):
            person = service.create_person(session, login=who, name=who, password=None, now=now)
            service.grant(session, person, role, now=now, actor=CONSOLE, **scope)
            tokens[who] = service.make_link(
                session, contest_id=scope.get("contest_id"), role=role, person_id=person, now=now
            )
    clients = {}
    for who, token in tokens.items():
        clients[who] = world.app.test_client()
        assert clients[who].get(f"/in/{token}").status_code == 303
    return Office(world, place.contest, place.track, place.unit, county, clients)


def grant(office: Office, count: int) -> None:
    office.post("county", "/unit/huancui/quotas", contest="reg", track="welder", unit="ws", act="grant", count=count)


def test_each_desk_shows_its_own_people_alone(office: Office) -> None:
    number = office.hand_in("王磊")
    assert "王磊" in office.page("unit", "/unit/ws/registrations")
    assert "王磊" in office.page("county", "/unit/huancui/registrations")
    assert "王磊" in office.page("organiser", "/manage/reg/registrations")
    assert "王磊" not in office.page("other", "/unit/else/registrations")
    office.page("other", "/unit/ws/registrations", 403)
    office.page("unit", "/unit/huancui/registrations", 403)
    office.page("other", f"/review/{number}", 404)
    office.page("unit", "/manage/reg/registrations", 403)


def test_one_is_confirmed_returned_and_its_history_read(office: Office) -> None:
    number = office.hand_in("王磊")
    page = office.page("unit", f"/review/{number}")
    assert "名额" in page
    assert "名额" in office.post("unit", f"/review/{number}", 409, action="confirm")
    office.post("unit", f"/review/{number}", 400, action="return", reason="")
    grant(office, 1)
    office.post("unit", f"/review/{number}", action="confirm", version=office.row(number).version)
    assert office.row(number).step == 1
    office.post("county", f"/review/{number}", action="return", reason="照片不清楚")
    assert office.row(number).state == "returned"
    page = office.page("organiser", f"/review/{number}")
    assert "照片不清楚" in page and "county" in page
    office.post("county", f"/review/{number}", 409, action="confirm")


def test_many_need_the_count_typed(office: Office) -> None:
    grant(office, 5)
    numbers = [office.hand_in(name) for name in ("甲甲", "乙乙", "丙丙")]
    office.post("unit", f"/review/{numbers[0]}", action="confirm")
    page = office.post("unit", "/review/many", 200, number=numbers, action="confirm", back="/unit/ws/registrations")
    assert "不能处理" in page and page.count('type="hidden" name="number"') == 2
    versions = {f"v-{number}": office.row(number).version for number in numbers[1:]}
    office.post("unit", "/review/many", 409, number=numbers[1:], action="confirm", typed="3", **versions)
    assert office.row(numbers[1]).step == 0
    office.post("unit", "/review/many", number=numbers[1:], action="confirm", typed="2", **versions)
    assert [office.row(number).step for number in numbers] == [1, 1, 1]
    # The same form sent again finds them changed.
    office.post("unit", "/review/many", 409, number=numbers[1:], action="confirm", typed="2", **versions)
    office.post("other", "/review/many", 404, number=numbers, action="confirm")
    office.post("unit", "/review/many", 400, number=numbers, action="praise")


def test_many_without_what_was_seen_are_not_decided(office: Office) -> None:
    grant(office, 5)
    number = office.hand_in("王磊")
    for seen in ("", "new"):
        values = {"number": number, "action": "confirm", "typed": "1", f"v-{number}": seen}
        office.post("unit", "/review/many", 409, **values)
    assert office.row(number).step == 0


def test_the_last_yes_makes_an_entry(office: Office) -> None:
    grant(office, 1)
    number = office.hand_in("王磊")
    for who in ("unit", "county", "organiser"):
        office.post(who, f"/review/{number}", action="confirm")
    with office.world.db.reading() as session:
        assert session.get_one(Entry, office.row(number).entry_id).code == "E001"


def test_numbers_are_masked_for_reviewers(office: Office) -> None:
    number = office.hand_in("王磊")
    vault = office.world.app.extensions["leitai"].vault
    with office.world.db.transaction() as session:
        person = session.scalars(select(Person).where(Person.name == "王磊")).one()
        person.id_sealed, person.phone_sealed = vault.seal("371002199001010015"), vault.seal("13812345678")
    page = office.page("unit", f"/review/{number}")
    assert "3710**********15" in page and "138****5678" in page
    assert "371002199001010015" not in page and "13812345678" not in page


def test_places_are_asked_for_and_granted(office: Office) -> None:
    office.post("unit", "/unit/ws/quotas", contest="reg", track="welder", act="ask", count="4")
    assert "名额申请待批准" in office.page("county", "/tasks")
    office.post("unit", "/unit/ws/quotas", 403, contest="reg", track="welder", act="grant", count="4")
    office.post("organiser", "/manage/reg/quotas", track="welder", unit="WS", act="grant", count="2")
    office.post("organiser", "/manage/reg/quotas", 404, track="welder", unit="nobody", act="grant", count="2")
    office.post("organiser", "/manage/reg/quotas", 400, track="welder", unit="ws", act="grant", count="many")
    assert "名额申请待批准" not in office.page("county", "/tasks")
    office.page("other", "/unit/ws/quotas", 403)


def test_what_waits_stands_in_one_list(office: Office) -> None:
    office.hand_in("王磊")
    assert "报名待审核" in office.page("unit", "/tasks")
    assert "报名待审核" not in office.page("county", "/tasks")
    page = office.page("organiser", "/tasks")
    assert "报名待审核" not in page and "还缺" in page
    links = re.findall(r'class="task" href="([^"]+)"', page + office.page("unit", "/tasks"))
    assert links
    for link in links:
        status = {client.get(link.replace("&amp;", "&")).status_code for client in office.clients.values()}
        assert 200 in status, link


def test_the_list_costs_no_more_for_many(office: Office) -> None:
    office.hand_in("王磊")
    with office.world.db.transaction() as session:
        session.get_one(Track, office.track).eligibility = []

    def statements() -> int:
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        event.listen(office.world.db.engine, "before_cursor_execute", note)
        office.page("unit", "/tasks")
        event.remove(office.world.db.engine, "before_cursor_execute", note)
        return len(seen)

    few = statements()
    for name in ("甲甲", "乙乙", "丙丙", "丁丁"):
        office.hand_in(name)
    assert statements() == few


def test_excel_in_and_out(office: Office) -> None:
    data = office.clients["unit"].get("/unit/ws/sheet/reg/welder/template").get_data()
    head = [cell.value for cell in load_workbook(io.BytesIO(data)).worksheets[0][1]]
    assert "姓名*" in head
    columns = [Column(title, title.rstrip("*")) for title in head]
    from_people = write_workbook("t", columns, [["新人" if title == "姓名*" else None for title in head]])
    page = "/unit/ws/sheet/reg/welder"
    answer = office.clients["unit"].post(page, data={"file": (io.BytesIO(from_people), "a.xlsx")})
    assert answer.status_code == 303
    preview = answer.headers["Location"]
    assert "新人" in office.page("unit", preview)
    office.page("other", preview, 403)
    office.post("unit", preview)
    assert "新人" in office.page("unit", "/unit/ws/registrations")
    for who, path in (("unit", "/unit/ws/registrations.xlsx"), ("organiser", "/manage/reg/registrations.xlsx")):
        sheet = load_workbook(io.BytesIO(office.clients[who].get(path).get_data())).worksheets[0]
        assert "新人" in [cell.value for cell in sheet[2]]
    assert office.clients["other"].get("/unit/ws/registrations.xlsx").status_code == 403
    bad = office.clients["unit"].post(page, data={"file": (io.BytesIO(b"no workbook"), "a.xlsx")})
    assert bad.status_code == 400 and "xlsx" in bad.get_data(as_text=True)
    office.page("unit", "/unit/ws/sheet")
    office.page("organiser", "/manage/reg/sheet/welder")
    office.post("organiser", "/manage/reg/sheet/welder", unit="ws")
