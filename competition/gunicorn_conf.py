"""How gunicorn runs Leitai; read by `leitai serve` (`-c python:competition.gunicorn_conf`).

Nothing of the application is imported here: this module is read by the process that forks the workers, and a worker
must be patched before it loads what opens sockets (psycopg above all). For the same reason nothing is preloaded.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gevent
from gevent.monkey import MonkeyPatchWarning
from gunicorn.workers.ggevent import GeventWorker

# gunicorn itself has imported ssl before its workers are patched; TLS ends in front of us.
warnings.filterwarnings("ignore", category=MonkeyPatchWarning)


class Worker(GeventWorker):  # type: ignore[misc]
    """gunicorn's gevent worker, which ends its open streams and sockets as soon as it is told to leave."""

    def handle_exit(self, sig: Any, frame: Any) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn(self._leave)

    def handle_quit(self, sig: Any, frame: Any) -> None:
        # Ctrl-C at a terminal reaches every process of the group: it means the same as being told by the arbiter.
        self.handle_exit(sig, frame)

    def _leave(self) -> None:
        services = self.wsgi.extensions["leitai"]
        services.hang_up()


worker_class = Worker
worker_connections = 20000
backlog = 4096
preload_app = False
timeout = 120
graceful_timeout = 2
keepalive = 15
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
proc_name = "leitai"
forwarded_allow_ips = ""
if Path("/dev/shm").is_dir():
    worker_tmp_dir = "/dev/shm"


# The job process beside the server, by way of its shepherd; its standard input ends with this process.
_shepherds: list[subprocess.Popen[bytes]] = []
SHEPHERD_PATIENCE = 6.0


def when_ready(server: Any) -> None:
    if os.environ.get("_LEITAI_JOBS_BESIDE"):
        # It counts into no worker's files.
        environ = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        command = [sys.executable, "-m", "competition.shepherd"]
        _shepherds.append(subprocess.Popen(command, stdin=subprocess.PIPE, env=environ))


def post_fork(server: Any, worker: Any) -> None:
    """A worker keeps nothing open by which the shepherd knows that the server lives."""
    for shepherd in _shepherds:
        assert shepherd.stdin is not None
        shepherd.stdin.close()
    _shepherds.clear()


def on_exit(server: Any) -> None:
    for shepherd in _shepherds:
        assert shepherd.stdin is not None
        shepherd.stdin.close()
        try:
            shepherd.wait(SHEPHERD_PATIENCE)
        except subprocess.TimeoutExpired:
            shepherd.kill()


def post_worker_init(worker: Any) -> None:
    """What stands after the start-up stays: it is taken out of every later collection, and those come seldom."""
    worker.wsgi.extensions["leitai"].start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def worker_exit(server: Any, worker: Any) -> None:
    if worker.wsgi is not None:
        worker.wsgi.extensions["leitai"].stop()


def child_exit(server: Any, worker: Any) -> None:
    """Several workers count into files; those of one that is gone count no longer where it matters."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        for path in Path(folder).glob(f"gauge_live*_{worker.pid}.db"):
            path.unlink(missing_ok=True)
