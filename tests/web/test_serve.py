"""The real server: gunicorn, started as `leitai serve` starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.web.conftest import WELDER

KEY = "a key for tests and for nothing else"
START = (
    "import sys; from competition.serve import main; sys.exit(main('127.0.0.1', int(sys.argv[1]), int(sys.argv[2])))"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **settings: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LEITAI_")}
    return {**plain, "LEITAI_DATA_DIR": str(folder), **settings}


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def status(address: str) -> int | None:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None


class Running:
    def __init__(self, folder: Path, url: str) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error::DeprecationWarning", "-c", START, str(self.port), "1"],
                stdout=log,
                stderr=log,
                env=environment(folder, LEITAI_SECRET_KEY=KEY, LEITAI_DATABASE_URL=url),
            )
        until(lambda: self.process.poll() is not None or status(self.address + "/healthz") == 200)
        assert self.process.poll() is None, self.log.read_text()

    def end(self, sign: signal.Signals = signal.SIGTERM) -> float:
        begun = time.monotonic()
        self.process.send_signal(sign)
        self.process.wait(timeout=30)
        return time.monotonic() - begun


@pytest.fixture
def server(filled_sqlite: Path, tmp_path: Path) -> Iterator[Running]:
    path = tmp_path / "leitai.db"
    path.write_bytes(filled_sqlite.read_bytes())
    running = Running(tmp_path, f"sqlite:///{path}")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_it_is_alive_and_ready_and_says_nothing_but_its_address(server: Running) -> None:
    assert status(server.address + "/healthz") == 200
    assert status(server.address + "/readyz") == 200
    assert status(server.address + "/metrics") == 200
    assert status(server.address + "/nothing") == 404
    assert server.log.read_text() == f"Leitai: {server.address}\n"


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_quickly_and_cleanly_with_streams_and_sockets_open(server: Running, sign: signal.Signals) -> None:
    until(lambda: status(f"{server.address}/api/v1/boards/{WELDER}/welder") == 200)
    host = f"HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    stream = f"GET /api/v1/boards/{WELDER}/welder/events {host}\r\n"
    upgrade = (
        f"GET /socket.io/?EIO=4&transport=websocket {host}Connection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    with ExitStack() as held:
        for head, answer in ((stream, "HTTP/1.1 200"), (upgrade, "HTTP/1.1 101")):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            connection.sendall(head.encode())
            said = connection.recv(4096).decode("latin-1")
            assert said.startswith(answer)
            # Browsers offer deflate; it is never agreed to.
            assert "deflate" not in said
        took = server.end(sign)
    assert server.process.returncode == 0
    assert took < 6, server.log.read_text()
    assert "Traceback" not in server.log.read_text()
    assert status(server.address + "/healthz") is None


def test_the_polling_transport_and_foreign_origins_are_refused(server: Running) -> None:
    assert status(server.address + "/socket.io/?EIO=4&transport=polling") == 400
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(
            (
                f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                "Origin: https://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ).encode()
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def refused(folder: Path, port: int, workers: int = 1, **settings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", START, str(port), str(workers)],
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(folder.iterdir())
    return done.stderr


def test_without_a_key_it_says_how_to_make_one(tmp_path: Path) -> None:
    assert "LEITAI_SECRET_KEY" in refused(tmp_path, free_port())


def test_more_workers_need_postgresql_and_redis(tmp_path: Path) -> None:
    said = refused(tmp_path, free_port(), 2, LEITAI_SECRET_KEY=KEY)
    assert "PostgreSQL" in said
    assert "Redis" in said


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} is in use" in refused(tmp_path, port, LEITAI_SECRET_KEY=KEY)


def test_wrong_settings_are_all_named(tmp_path: Path) -> None:
    said = refused(tmp_path, free_port(), LEITAI_SECRET_KEY=KEY, LEITAI_TRUSTED_PROXIES="many", LEITAI_NONSENSE="1")
    assert "LEITAI_TRUSTED_PROXIES" in said
    assert "LEITAI_NONSENSE" in said
