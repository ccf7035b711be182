"""Leitai behind Debian's nginx with the configuration of deploy/: what the hall gets is what the server said."""

from __future__ import annotations

import base64
import getpass
import json
import os
import re
import shutil
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import requests
import socketio

from competition.accounts.policy import CONSOLE
from competition.contests.queries import get_contest
from competition.shared import clock
from competition.shared.db import Database, make_engine
from competition.shared.resources import resource_dir
from judges.roster.service import link_for_judge
from tests.drafts import NUMBER, make_draft
from tests.program import ROOT, WEIHAI, Program, free_port
from tests.rules import made_files
from tests.services.judging import contest

SOON = 10.0
BOARD = "/api/v1/boards/cup/t"
NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").is_file() else None)

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx here (Debian: apt-get install nginx-light)")


@dataclass
class Front:
    """nginx on a port of its own before a server of its own."""

    program: Program
    address: str
    plain: str
    authority: Path
    config: Path

    def database(self) -> Database:
        return Database(make_engine(f"sqlite:///{self.program.environment['LEITAI_DATA_DIR']}/leitai.db"))

    def judge_token(self) -> str:
        database = self.database()
        with database.transaction() as session:
            token = link_for_judge(session, get_contest(session, "cup"), "J1", now=clock.now(), actor=CONSOLE)
        database.engine.dispose()
        return token

    @contextmanager
    def client(self, token: str = "") -> Iterator[httpx.Client]:
        """A browser; with a token, signed in."""
        context = ssl.create_default_context(cafile=str(self.authority))
        with httpx.Client(base_url=self.address, verify=context, http2=True, timeout=SOON, trust_env=False) as client:
            if token:
                assert client.get(f"/in/{token}").status_code == 303
            yield client

    def session(self, token: str) -> requests.Session:
        browser = requests.Session()
        browser.trust_env, browser.verify = False, str(self.authority)
        assert browser.get(f"{self.address}/in/{token}", allow_redirects=False, timeout=SOON).status_code == 303
        return browser


def made_config(folder: Path, program: Program, tls: int, plain: int) -> Path:
    """The shipped files with this test's ports and folders in them, and no other change."""
    made = subprocess.run(
        [ROOT / "deploy" / "hall-tls.sh", folder / "tls", "127.0.0.1", "hall.lan"], capture_output=True, text=True,
        env=os.environ | {"LEITAI_UPSTREAM": f"127.0.0.1:{program.port}"}, timeout=30,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    site = (folder / "tls" / "leitai.conf").read_text()
    site = site.replace("listen 443 ", f"listen 127.0.0.1:{tls} ")
    site = re.sub(r"listen 80\b", f"listen 127.0.0.1:{plain}", site)
    (folder / "sites").mkdir()
    (folder / "sites" / "leitai.conf").write_text(site)
    main = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text()
    temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    for said, here in (
        ("user www-data;", f"user {getpass.getuser()};" if os.geteuid() == 0 else ""),
        ("/run/nginx.pid", f"{folder}/nginx.pid"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/etc/nginx/sites-enabled/*", f"{folder}/sites/*"),
        ("    server_tokens off;\n", f"    server_tokens off;\n{temporary}"),
    ):
        assert said in main
        main = main.replace(said, here)
    (folder / "nginx.conf").write_text(main)
    return folder / "nginx.conf"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    tls, plain = free_port(), free_port()
    address = f"https://127.0.0.1:{tls}"
    program = Program(folder)
    program.environment |= {"LEITAI_PUBLIC_URL": address, "LEITAI_TRUSTED_PROXIES": "1"}
    bundle = contest()
    bundle["contest"]["code"] = "cup"
    (folder / "cup.json").write_text(json.dumps(bundle), encoding="utf-8")
    program.run("import", str(folder / "cup.json"))
    program.run("import", str(WEIHAI / "welder.json"))
    config = made_config(folder, program, tls, plain)
    program.start()
    assert NGINX is not None
    nginx = subprocess.Popen([NGINX, "-c", config, "-e", folder / "error.log", "-g", "daemon off;"])
    front = Front(program, address, f"http://127.0.0.1:{plain}", folder / "tls" / "authority.pem", config)
    try:
        until = time.monotonic() + SOON
        while not answers(front):
            assert time.monotonic() < until and nginx.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.05)
        yield front
    finally:
        nginx.terminate()
        nginx.wait(SOON)
        program.end()


def answers(front: Front) -> bool:
    with front.client() as client:
        try:
            return client.get(BOARD).status_code == 200
        except httpx.TransportError:
            return False


def test_the_shipped_configuration_is_one_that_nginx_accepts_without_a_warning(front: Front) -> None:
    assert NGINX is not None
    said = subprocess.run([NGINX, "-t", "-c", front.config], capture_output=True, text=True, timeout=SOON)
    assert said.returncode == 0
    assert "warn" not in said.stderr.replace('the "user" directive makes sense only', "")


def test_a_page_over_http_2_with_secure_cookies(front: Front) -> None:
    with front.client() as client:
        page = client.get("/")
        assert (page.status_code, page.http_version) == (200, "HTTP/2")
        assert page.headers["Strict-Transport-Security"]
        assert client.get("/static/css/tokens.css").http_version == "HTTP/2"
        entered = client.get(f"/in/{front.judge_token()}")
        cookie = next(one for one in entered.headers.get_list("Set-Cookie") if one.startswith("leitai="))
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
        assert entered.headers["Location"].startswith(("/", front.address))
        judging = client.get("/judge/cup")
        assert (judging.status_code, judging.headers["Cache-Control"]) == (200, "no-store")


def test_signing_in_by_the_form_passes_the_checks_of_origin_and_token(front: Front) -> None:
    with front.client() as client:
        page = client.get("/sign-in")
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.text)
        assert token is not None
        form = {"csrf_token": token[1], "login": "nobody", "password": "wrong wrong wrong"}
        refused = client.post("/sign-in", data=form, headers={"Referer": f"{front.address}/sign-in"})
        elsewhere = client.post("/sign-in", data=form, headers={"Referer": "https://elsewhere.example/sign-in"})
    # A wrong password is told on the sign-in page itself; a request from elsewhere does not get so far.
    assert (refused.status_code, 'name="password"' in refused.text) == (403, True)
    assert (elsewhere.status_code, 'name="password"' in elsewhere.text) == (400, False)


def test_plain_http_leads_to_tls_and_other_names_get_nothing(front: Front) -> None:
    redirect = httpx.get(f"{front.plain}/contests/cup?a=b", trust_env=False)
    assert (redirect.status_code, redirect.headers["Location"]) == (301, "https://127.0.0.1/contests/cup?a=b")
    for address in (front.plain, front.address):
        with front.client() as client, pytest.raises(httpx.RemoteProtocolError):
            client.get(f"{address}/", headers={"Host": "elsewhere.example"})


def test_what_a_client_says_of_itself_is_not_believed(front: Front) -> None:
    with front.client(front.judge_token()) as client:
        mine = client.post("/api/v1/marks", json=[], headers={"Origin": front.address})
        assert (mine.status_code, mine.json()) == (200, [])
        for name, value in (
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "http"),
            ("Forwarded", "host=evil.example"),
        ):
            other = client.post("/api/v1/marks", json=[], headers={"Origin": "https://evil.example", name: value})
            assert other.status_code == 403
            assert "evil.example" not in client.get("/", headers={name: value}).text


def test_each_event_arrives_before_the_next_change(front: Front) -> None:
    with (
        front.client(front.judge_token()) as judge,
        front.client() as viewer,
        viewer.stream("GET", f"{BOARD}/events") as stream,
    ):
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        first = event(lines)
        assert first["event"] == "snapshot"
        for base, value in enumerate((5, None, 6)):
            mark(judge, front, base, value)
            told = event(lines)
            if told["event"] == "ping":
                told = event(lines)
            assert told["event"] == "delta"
            assert json.loads(told["data"])["base"] >= int(first["id"])


def event(lines: Iterator[str]) -> dict[str, str]:
    """The next event; a stream that is held back anywhere ends in the client's read timeout."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            return fields
        else:
            fields = {}
    raise AssertionError("the stream ended")


def mark(judge: httpx.Client, front: Front, base: int, value: int | None) -> None:
    message = {
        "event": "mark", "contest": "cup", "track": "t", "op": str(uuid.uuid4()), "stage": "one", "entry": "1",
        "criterion": "j", "attempt": 1, "value": value, "base": base,
    }  # fmt: skip
    said = judge.post("/api/v1/marks", json=[message], headers={"Origin": front.address}).json()
    assert said[0]["ok"], said


def test_a_judge_marks_over_a_websocket(front: Front) -> None:
    browser = front.session(front.judge_token())
    socket = socketio.Client(http_session=browser, reconnection=False, handle_sigint=False)
    try:
        socket.connect(
            front.address, namespaces=["/judge"], transports=["websocket"],
            wait_timeout=5,
        )  # fmt: skip
        opened = socket.call("open", {"contest": "cup"}, namespace="/judge", timeout=SOON)
        assert opened["ok"]
        message = {
            "contest": "cup", "track": "t", "op": str(uuid.uuid4()), "stage": "one", "entry": "2", "criterion": "j",
            "attempt": 1, "value": 5, "base": 0,
        }  # fmt: skip
        assert socket.call("mark", message, namespace="/judge", timeout=SOON)["ok"]
    finally:
        socket.disconnect()
        browser.close()


def test_static_files_come_from_nginx_with_what_the_server_would_say(front: Front) -> None:
    with front.client() as client:
        versioned = re.findall(r'(/static/[^"?]+\?v=[0-9a-f]+)"', client.get("/contests/cup/t/board").text)
        assert len(versioned) > 2
        for address in (*versioned, "/static/js/board/page.js", "/static/js/board/page.js?v=", "/static/nothing.js"):
            through = client.get(address)
            direct = requests.get(front.program.address + address, timeout=SOON)
            assert through.status_code == direct.status_code
            if direct.status_code != 200:
                assert "immutable" not in through.headers.get("Cache-Control", "")
                continue
            assert through.content == direct.content
            for name in (
                "Cache-Control", "Content-Type", "Content-Security-Policy", "X-Content-Type-Options",
                "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Strict-Transport-Security",
            ):  # fmt: skip
                assert through.headers[name] == direct.headers[name], (address, name)
            assert "Set-Cookie" not in through.headers
            again = client.get(address, headers={"If-None-Match": through.headers["ETag"]})
            assert again.status_code == 304
        assert client.get("/static/css/components.css").headers["Content-Encoding"] == "gzip"
        assert client.get("/static/../pyproject.toml").status_code in (400, 404)
        assert client.get("/static/%2e%2e/pyproject.toml").status_code in (400, 404)
    assert (resource_dir("static") / "js" / "board" / "page.js").is_file()


def test_a_board_is_compressed_and_answered_304(front: Front) -> None:
    with front.client() as client:
        board = client.get(BOARD)
        assert board.json()["format"] == "leitai.board/1"
        assert client.get(BOARD, headers={"If-None-Match": board.headers["ETag"]}).status_code == 304
        page = client.get("/contests/cup/t/board")
        assert page.headers["Content-Encoding"] == "gzip"


def test_a_file_of_several_parts_passes_and_one_too_large_is_refused(front: Front) -> None:
    database = front.database()
    with database.transaction() as session:
        token = make_draft(session, "weihai-2026-welder", clock.now())
    database.engine.dispose()
    data = made_files.mp4()[:-150] + os.urandom(6_000_000)
    with front.client(token) as client:
        found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
        assert found is not None
        told = {"filename": "film.mp4", "registration": NUMBER, "rule": "any"}
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
        head = {"Tus-Resumable": "1.0.0", "X-CSRFToken": found[1], "Referer": f"{front.address}/"}
        begun = client.post(
            "/api/v1/uploads", headers=head | {"Upload-Length": str(len(data)), "Upload-Metadata": metadata}
        )
        assert begun.status_code == 201, begun.text
        address = begun.headers["Location"]
        part = head | {"Content-Type": "application/offset+octet-stream"}
        for start, end in ((0, 2_500_000), (2_500_000, len(data))):
            sent = client.patch(address, content=data[start:end], headers=part | {"Upload-Offset": str(start)})
            assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, str(end))
        assert client.get(address).json()["state"] in ("checking", "ready")
        declared = {**part, "Upload-Offset": "0", "Content-Length": str(66 * 1024 * 1024)}
        assert client.patch(address, content=b"", headers=declared).status_code == 413


def test_what_only_this_machine_reads_and_what_no_log_keeps(front: Front) -> None:
    with front.client() as client:
        assert client.get("/metrics").status_code == 200
        token = front.judge_token()
        client.get(f"/in/{token}")
        client.get("/contests/cup?q=secret")
    log = front.config.parent / "access.log"
    until = time.monotonic() + SOON
    while "/contests/cup" not in log.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert token not in log.read_text() and "secret" not in log.read_text()


def test_the_documented_files_and_commands_are_these() -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bdeploy/[A-Za-z0-9_./-]*[a-z]", text))
    assert {"deploy/hall-tls.sh", "deploy/nginx/nginx.conf", "deploy/nginx/leitai.conf"} <= named
    assert all((ROOT / name).exists() for name in named), named


def test_a_restart_is_a_502_that_heals_by_itself(front: Front) -> None:
    front.program.end()
    try:
        with front.client() as client:
            away = client.get("/")
            assert (away.status_code, away.headers["Retry-After"], away.headers["Cache-Control"]) == (
                502, "5", "no-store"
            )  # fmt: skip
            assert 'http-equiv="refresh"' in away.text
            assert client.get("/static/css/tokens.css").status_code == 200
    finally:
        front.program.start()
    with front.client() as client:
        assert client.get("/").status_code == 200
        with client.stream("GET", f"{BOARD}/events") as stream:
            assert event(stream.iter_lines())["event"] == "snapshot"
