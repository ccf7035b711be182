"""Hashes over the queue: right, sealed on the way, bounded, and with a sentence where nobody answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
import redis
from cryptography.fernet import InvalidToken

from competition.accounts import remote_hashing
from competition.accounts.hashing import AT_ONCE, LocalHasher, outdated
from competition.accounts.remote_hashing import RemoteHasher, define_hashing, open_hashes
from competition.shared import job_line
from competition.shared.errors import DomainError
from competition.shared.job_line import QuietConsumer, Teller, define_work, open_jobs, say_alive
from tests.program import free_port

PASSWORD = "correct horse battery staple 擂台"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if url := os.environ.get("LEITAI_TEST_REDIS"):
        yield url
        return
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    with subprocess.Popen(
        [program, "--port", str(port), "--save", "", "--dir", str(folder), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
    ) as server:
        url = f"redis://127.0.0.1:{port}/0"
        with redis.Redis.from_url(url) as client:
            until = time.monotonic() + 10
            while True:
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    assert time.monotonic() < until
                    time.sleep(0.02)
        yield url
        server.terminate()


@pytest.fixture(params=["file", "redis"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    # A secret of its own for each test, so that no test meets another's queue.
    return SimpleNamespace(redis_url=url, data_dir=tmp_path, secret_key=f"secret of {tmp_path}")


@pytest.fixture
def hasher(config: Any) -> Iterator[Callable[..., RemoteHasher]]:
    made: list[RemoteHasher] = []

    def make(**options: Any) -> RemoteHasher:
        made.append(RemoteHasher(lambda: open_hashes(config), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def consumer(config: Any) -> Iterator[Callable[[Any], None]]:
    begun: list[QuietConsumer] = []

    def start(local: Any) -> None:
        queue = open_hashes(config)
        define_hashing(queue, local)
        say_alive(queue)
        begun.append(
            QuietConsumer(queue, workers=AT_ONCE, periodic=False, initial_delay=0.01, max_delay=0.02, backoff=1.0)
        )
        begun[-1].start()

    yield start
    for each in begun:
        each.stop(graceful=True)
        each.huey.storage.close()


def test_the_answers_are_those_of_the_hasher_itself(
    hasher: Callable[..., RemoteHasher], consumer: Callable[[Any], None]
) -> None:
    local = LocalHasher()
    consumer(local)
    remote = hasher()
    stored = remote.hash(PASSWORD)
    assert local.verify(stored, PASSWORD)
    assert not outdated(stored)
    assert remote.verify(stored, PASSWORD) is True
    assert remote.verify(stored, PASSWORD + " ") is False
    assert remote.verify(None, PASSWORD) is False
    assert remote.verify("no hash at all", PASSWORD) is False


def test_never_more_than_two_at_once(hasher: Callable[..., RemoteHasher], consumer: Callable[[Any], None]) -> None:
    at_work: set[int] = set()
    most: list[int] = []

    class Slow:
        def verify(self, stored: str | None, password: str) -> bool:
            at_work.add(int(password))
            most.append(len(at_work))
            time.sleep(0.02)
            at_work.discard(int(password))
            return int(password) % 2 == 0

        def hash(self, password: str) -> str:
            raise AssertionError

    consumer(Slow())
    remote = hasher()
    asked = [gevent.spawn(remote.verify, "x", str(n)) for n in range(40)]
    gevent.joinall(asked, timeout=20)
    assert [each.value for each in asked] == [n % 2 == 0 for n in range(40)]
    assert max(most) == 2


def test_neither_password_nor_hash_lies_in_the_clear(config: Any, hasher: Callable[..., RemoteHasher]) -> None:
    queue = open_hashes(config)
    say_alive(queue)
    stored = LocalHasher().hash(PASSWORD)
    remote = hasher(patience=0.3)
    with pytest.raises(DomainError):
        remote.verify(stored, PASSWORD)
    [message] = queue.storage.enqueued_items()
    raw = bytes(message)
    if config.redis_url is None:
        raw += b"".join(file.read_bytes() for file in config.data_dir.glob("hashes.db*"))
    assert len(raw) > 100
    for secret in (PASSWORD, stored, "verify"):
        assert secret.encode() not in raw
    define_hashing(queue, None)
    task = queue.deserialize_task(message)
    assert task.args == (stored, PASSWORD, True)
    queue.storage.close()


def test_what_another_secret_sealed_is_not_opened(config: Any) -> None:
    queue = open_hashes(config)
    strange = open_hashes(SimpleNamespace(**{**vars(config), "secret_key": "x"}))
    queue.storage.put_data("k", strange.serializer.serialize(1))
    with pytest.raises(InvalidToken):
        queue.get("k")
    strange.storage.close()
    queue.storage.close()


def test_too_many_and_too_slow_are_told_to_come_again(config: Any, hasher: Callable[..., RemoteHasher]) -> None:
    queue = open_hashes(config)
    say_alive(queue)
    remote = hasher(patience=0.5, most=2)
    asked = [gevent.spawn(remote.hash, "x") for _ in range(3)]
    gevent.joinall(asked)
    begun = [each.exception for each in asked]
    assert [error.code for error in begun if isinstance(error, DomainError)] == ["too_many"] * 3
    queue.storage.close()


def test_without_a_job_process_it_says_so_at_once(
    hasher: Callable[..., RemoteHasher], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module in (remote_hashing, job_line):
        monkeypatch.setattr(module, "SILENT", 0.05)
    remote = hasher()
    time.sleep(0.06)
    begun = time.monotonic()
    with pytest.raises(DomainError) as raised:
        remote.verify("x", PASSWORD)
    assert raised.value.code == "not_open"
    assert time.monotonic() - begun < 5
    assert "no job process" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_server_tells_the_queue_of_a_job(config: Any) -> None:
    teller = Teller(config)
    teller.tell("a key")
    queue = open_jobs(config)
    heard: list[str] = []
    define_work(queue, heard.append)
    until = time.monotonic() + 10
    while not queue.storage.queue_size():
        assert time.monotonic() < until
        gevent.sleep(0.01)
    queue.execute(queue.dequeue())
    assert heard == ["a key"]
    teller.close()
    queue.storage.close()
