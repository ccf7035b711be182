"""Files of a registration over the wire: begun, broken off, gone on with, refused early, looked through, receipted."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from competition.contests.queries import get_contest
from competition.registration.models import Attachment, Entry, Registration
from competition.shared import clock
from competition.shared.jobs import Jobs
from competition.shared.models import Job, StoredFile
from tests.drafts import NAME, NUMBER, UNIT, make_draft
from tests.rules import made_files
from tests.web.conftest import WELDER, World

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass
class Desk:
    """A contestant with an open draft, and the browser they are signed in with."""

    world: World
    client: FlaskClient
    number: str = NUMBER

    def begin(self, size: int, *, name: str = "report.pdf", rule: str = "report", **headers: str) -> TestResponse:
        told = {"filename": name, "registration": self.number, "rule": rule}
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
        return self.client.post(
            "/api/v1/uploads", headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata, **headers}
        )

    def part(self, address: str, offset: int, data: bytes) -> TestResponse:
        return self.client.patch(address, data=data, headers={**BYTES, "Upload-Offset": str(offset)})

    def send(self, data: bytes, **more: str) -> str:
        """A whole file in one part; gives its address."""
        address = self.begin(len(data), **more).headers["Location"]
        assert self.part(address, 0, data).status_code == 204
        return address

    def work(self) -> None:
        jobs: Jobs = self.world.app.extensions["leitai"].jobs
        jobs.run_waiting()

    def files(self) -> list[StoredFile]:
        with self.world.db.reading() as session:
            return list(session.scalars(select(StoredFile).order_by(StoredFile.id)))


def fetch(client: FlaskClient, address: str) -> TestResponse:
    """A file's answer, read and closed."""
    with client.get(address) as answer:
        answer.get_data()
        return answer


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    world.app.config["WTF_CSRF_ENABLED"] = False
    with world.db.transaction() as session:
        token = make_draft(session, WELDER, clock.now())
    client = world.app.test_client()
    assert client.get(f"/in/{token}").status_code == 303
    yield Desk(world, client)


def test_a_broken_upload_is_gone_on_with_where_it_stopped(desk: Desk) -> None:
    data = made_files.pdf("Weld plan") + b"\n%" + b"x" * 50_000
    address = desk.begin(len(data)).headers["Location"]
    assert desk.part(address, 0, data[:20_000]).headers["Upload-Offset"] == "20000"
    # The answer was lost: the client sends the same part again, is told where the file ends, and asks.
    assert desk.part(address, 0, data[:20_000]).status_code == 409
    asked = desk.client.head(address, headers=TUS)
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Length"]) == ("20000", str(len(data)))
    assert desk.part(address, 20_000, data[20_000:]).headers["Upload-Offset"] == str(len(data))
    desk.work()
    (file,) = desk.files()
    assert (file.state, file.media_type, file.sha256) == ("ready", "application/pdf", hashlib.sha256(data).hexdigest())
    assert desk.client.get(address).get_json()["sha256"] == file.sha256
    assert fetch(desk.client, f"/files/{file.key}").data == data


def test_five_gigabytes_are_refused_before_a_byte_is_sent(desk: Desk) -> None:
    answer = desk.begin(5 * 1024**3, rule="any", name="film.mp4")
    assert answer.status_code == 413
    assert "200 MB" in answer.get_json()["error"]["message"]
    assert desk.files() == []


def test_more_than_was_said_is_refused(desk: Desk) -> None:
    address = desk.begin(100, rule="any").headers["Location"]
    assert desk.part(address, 0, b"%PDF-1.4" + b"x" * 200).status_code == 413


@pytest.mark.parametrize(
    ("data", "name", "word"),
    [
        (b"MZ" + b"\0" * 20_000, "report.pdf", "类型"),
        (b"<html><script>alert(1)</script>" + b" " * 20_000, "report.pdf", "类型"),
        (made_files.jpeg(), "report.pdf", "PDF"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_its_first_part(
    desk: Desk, data: bytes, name: str, word: str
) -> None:
    address = desk.begin(50_000_000, name=name).headers["Location"]
    answer = desk.part(address, 0, (data + b"\0" * 10_000)[:10_000])
    assert answer.status_code == 415
    assert word in answer.get_json()["error"]["message"]
    assert [file.state for file in desk.files()] == ["refused"]
    assert desk.client.head(address, headers=TUS).status_code == 410


def test_a_zip_bomb_is_refused_unpacked_by_nobody(desk: Desk) -> None:
    desk.send(made_files.archive({"big": b"\0" * 50_000_000}), rule="any", name="a.zip")
    desk.work()
    (file,) = desk.files()
    assert file.state == "refused"
    assert "解压" in file.problems[0]
    assert file.sha256


def test_what_is_not_asked_for_or_not_ones_own_is_refused(desk: Desk) -> None:
    assert desk.begin(10, rule="nothing").status_code == 404
    assert desk.begin(0).status_code == 400
    assert desk.client.post("/api/v1/uploads", headers=TUS).status_code == 400
    address = desk.begin(1000).headers["Location"]
    stranger = desk.world.client("organiser")
    assert stranger.patch(address, data=b"x", headers={**BYTES, "Upload-Offset": "0"}).status_code == 404
    assert stranger.head(address, headers=TUS).status_code == 404
    assert desk.world.client().head(address, headers=TUS).status_code == 401
    assert desk.client.head(address).status_code == 412


def test_an_upload_may_be_given_up(desk: Desk) -> None:
    address = desk.begin(1000).headers["Location"]
    assert desk.client.delete(address, headers=TUS).status_code == 204
    assert desk.client.head(address, headers=TUS).status_code == 404
    assert desk.files() == []


def test_unfinished_uploads_are_counted(desk: Desk) -> None:
    answers = [desk.begin(1000, rule="any").status_code for _ in range(21)]
    assert answers == [201] * 20 + [429]


def test_one_file_takes_the_place_of_the_one_before_whose_receipt_stays(desk: Desk) -> None:
    first, second = made_files.pdf("first"), made_files.pdf("second")
    desk.send(first)
    desk.work()
    desk.send(second)
    desk.work()
    before, after = desk.files()
    page = desk.client.get(f"/files/{before.key}/receipt").get_data(as_text=True)
    assert hashlib.sha256(first).hexdigest() in page
    assert "已被替换" in page
    assert "已被替换" not in desk.client.get(f"/files/{after.key}/receipt").get_data(as_text=True)


def test_no_more_files_than_asked_for(desk: Desk) -> None:
    for _ in range(2):
        desk.send(made_files.png(), rule="photos", name="a.png")
    assert desk.begin(100, rule="photos").status_code == 409


def test_a_file_is_removed_until_the_registration_is_submitted(desk: Desk) -> None:
    desk.send(made_files.pdf())
    desk.work()
    (file,) = desk.files()
    with desk.world.db.transaction() as session:
        session.scalars(select(Registration)).one().state = "submitted"
    address = f"/registrations/{desk.number}/files/{file.key}/remove"
    desk.client.post(address)
    assert desk.begin(100).status_code == 409
    with desk.world.db.transaction() as session:
        assert session.scalars(select(Attachment)).one().replaced_at is None
        session.scalars(select(Registration)).one().state = "draft"
    desk.client.post(address)
    with desk.world.db.reading() as session:
        assert session.scalars(select(Attachment)).one().replaced_at is not None


def test_after_the_deadline_nothing_comes(desk: Desk) -> None:
    address = desk.begin(len(made_files.pdf())).headers["Location"]
    with desk.world.db.transaction() as session:
        get_contest(session, WELDER).registration_closes_at = clock.now()
    assert desk.part(address, 0, made_files.pdf()).status_code == 409
    assert desk.begin(100).status_code == 409
    with desk.world.db.reading() as session:
        assert session.scalars(select(Attachment)).all() == []


def test_a_form_without_script_sends_a_file_too(desk: Desk) -> None:
    answer = desk.client.post(
        f"/registrations/{desk.number}/files/report",
        data={"file": (io.BytesIO(made_files.pdf()), "报告.pdf")},
    )
    assert answer.status_code == 303
    desk.work()
    assert [(file.state, file.name) for file in desk.files()] == [("ready", "报告.pdf")]


def judged(desk: Desk) -> FlaskClient:
    """The registration has become the entry with number 1, and a judge's browser."""
    with desk.world.db.transaction() as session:
        contest = get_contest(session, WELDER)
        entry = session.scalars(select(Entry).where(Entry.track_id == contest.tracks[0].id, Entry.draw == 1)).one()
        session.scalars(select(Registration)).one().entry_id = entry.id
    return desk.world.client("judge")


def test_judges_are_given_a_copy_that_names_nobody(desk: Desk) -> None:
    desk.send(made_files.pdf("A jig", author="Wang Lei"), name="方案.pdf")
    desk.work()
    judge = judged(desk)
    answer = fetch(judge, f"/judge/{WELDER}/welder/1/files/1-report-1.pdf")
    assert answer.status_code == 200
    assert b"Wang Lei" not in answer.data
    assert "方案" not in str(answer.headers)
    assert fetch(judge, f"/judge/{WELDER}/welder/2/files/1-report-1.pdf").status_code == 404
    assert desk.world.client("judge").get(f"/files/{desk.files()[0].key}").status_code == 404
    assert desk.client.get(f"/judge/{WELDER}/welder/1/files/1-report-1.pdf").status_code == 403


def test_a_name_inside_keeps_a_file_from_judges_until_somebody_answers_for_it(desk: Desk) -> None:
    desk.send(made_files.docx(f"作者 {NAME},{UNIT}"), name="方案.docx")
    desk.work()
    with desk.world.db.reading() as session:
        flags = session.scalars(select(Attachment)).one().flags
    assert [(flag["text"], flag["kind"]) for flag in flags] == [(NAME, "person"), (UNIT, "unit")]
    judge, (file,) = judged(desk), desk.files()
    address = f"/judge/{WELDER}/welder/1/files/1-report-1.docx"
    assert fetch(judge, address).status_code == 404
    organiser = desk.world.client("organiser")
    assert organiser.post(f"/files/{file.key}/clear", data={"reason": ""}).status_code == 303
    assert fetch(judge, address).status_code == 404
    organiser.post(f"/files/{file.key}/clear", data={"reason": "已遮盖封面,正文提及的是引用文献作者"})
    assert fetch(judge, address).status_code == 200
    assert desk.world.client("organiser", "weihai-2026-digital").post(f"/files/{file.key}/clear").status_code == 404


def test_reviewers_read_once_it_is_submitted(desk: Desk) -> None:
    desk.send(made_files.pdf(author="Wang Lei"))
    desk.work()
    (file,) = desk.files()
    organiser = desk.world.client("organiser")
    assert fetch(organiser, f"/files/{file.key}").status_code == 404
    with desk.world.db.transaction() as session:
        session.scalars(select(Registration)).one().state = "submitted"
    answer = fetch(organiser, f"/files/{file.key}")
    assert answer.status_code == 200
    assert b"Wang Lei" not in answer.data
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_job_that_runs_twice_changes_nothing(desk: Desk) -> None:
    desk.send(made_files.pdf())
    desk.work()
    (before,) = desk.files()
    with desk.world.db.transaction() as session:
        for job in session.execute(select(Job)).scalars():
            job.state = "waiting"
    desk.work()
    (after,) = desk.files()
    assert (before.state, before.sha256, before.clean_sha256) == (after.state, after.sha256, after.clean_sha256)
