"""The queues between servers and their job process: huey's, on files in the data folder, or on Redis where it is set.

Whatever lies in a queue is sealed with a key made from LEITAI_SECRET_KEY: passwords on their way to be hashed are in
the clear neither on the disk nor in Redis, and nobody who can write there can make a process unpickle what we did not
write.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import sqlite3
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import redis
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from gevent.threadpool import ThreadPool
from huey import Huey, RedisExpireHuey, RedisHuey
from huey.consumer import Consumer
from huey.serializer import Serializer
from huey.storage import SqliteStorage

log = logging.getLogger(__name__)

ALIVE: Final = "alive"
"""Where the job process writes when it was last alive."""
ALIVE_EVERY: Final = 2.0
SILENT: Final = 20.0
"""Seconds without a sign of life after which there is no job process."""
QUEUE_ERRORS: Final = (sqlite3.Error, redis.RedisError, OSError)


class SealedSerializer(Serializer):  # type: ignore[misc]
    """Pickles, sealed; what is older than `life` is no longer opened."""

    def __init__(self, secret: str, life: timedelta | None = None) -> None:
        super().__init__()
        key = HKDF(SHA256(), length=32, salt=b"leitai", info=b"queue").derive(secret.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        self._life = None if life is None else int(life.total_seconds())

    def _serialize(self, data: Any) -> bytes:
        return self._fernet.encrypt(super()._serialize(data))

    def _deserialize(self, data: Any) -> Any:
        return super()._deserialize(self._fernet.decrypt(bytes(data), ttl=self._life))


class QueueFile(SqliteStorage):  # type: ignore[misc]
    """A queue in a file that a crash cannot spoil, without waiting for the disk at each message."""

    def _create_connection(self) -> Any:
        connection = super()._create_connection()
        connection.execute("pragma synchronous=1")
        return connection


def open_queue(name: str, config: Any, *, results: bool = False, life: timedelta | None = None) -> Huey:
    """The queue `name`, made where there is none. `life` is how long a message or a result may lie there."""
    serializer = SealedSerializer(config.secret_key, life)
    if config.redis_url:
        # Several installations may share a Redis; each has a secret of its own.
        tag = hashlib.sha256(f"queue {config.secret_key}".encode()).hexdigest()[:12]
        options = {"name": f"leitai{name}{tag}", "url": config.redis_url, "serializer": serializer, "results": results}
        if results and life is not None:
            return RedisExpireHuey(expire_time=int(life.total_seconds()), **options)
        return RedisHuey(**options)
    file = Path(config.data_dir) / f"{name}.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    return Huey(
        name, results=results, serializer=serializer, storage_class=QueueFile, filename=str(file), timeout=2, cache_mb=1
    )


def open_jobs(config: Any) -> Huey:
    return open_queue("jobs", config)


def say_alive(queue: Huey) -> None:
    queue.put(ALIVE, time.time())


def last_alive(queue: Huey) -> float | None:
    """When the job process was last alive, in seconds of the system's clock."""
    try:
        at = queue.get(ALIVE, peek=True)
    except InvalidToken:
        return None
    return at if isinstance(at, float) else None


class QuietConsumer(Consumer):  # type: ignore[misc]
    """One queue's workers, as threads of a process that has others, too, and minds the signals itself."""

    def _set_signal_handlers(self) -> None:
        pass

    def leave(self) -> None:
        """Nothing more is taken from the queue."""
        self.stop_flag.set()


class Teller:
    """Tells the job process of jobs that were committed, without keeping a server's requests waiting.

    A message that is lost does no harm: the job process looks for rows that nobody took.
    """

    def __init__(self, config: Any) -> None:
        self._config = config
        self._pool = ThreadPool(1)
        self._work: Any = None

    def tell(self, key: str) -> None:
        self._pool.spawn(self._tell, key)

    def _tell(self, key: str) -> None:
        try:
            if self._work is None:
                self._work = define_work(open_jobs(self._config), None)
            self._work(key)
        except QUEUE_ERRORS as error:
            log.warning("the job process was not told of a job; it will find it: %s", error)

    def close(self) -> None:
        self._pool.kill()


def define_work(queue: Huey, run: Any) -> Any:
    """The queue's one task: `run(key)`, which only the job process has."""

    @queue.task(name="work")  # type: ignore[untyped-decorator]
    def work(key: str) -> None:
        run(key)

    return work
