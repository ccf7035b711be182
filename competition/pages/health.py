"""For those who watch over the server: is it alive, is it ready, what has it done."""

from __future__ import annotations

import os
from typing import Any

import redis
from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from competition.extensions import services
from competition.shared.guards import allow

blueprint = Blueprint("health", __name__)


class Metrics:
    """What one application counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sheets = Counter(
            "leitai_sheet_changes", "Marks saved, sheets submitted and reopened", registry=self.registry
        )
        self.rulings = Counter("leitai_rulings", "Rulings made", ["kind"], registry=self.registry)
        self.boards = Counter(
            "leitai_board_versions", "Versions of boards published", ["audience"], registry=self.registry
        )
        self.folds = Gauge(
            "leitai_folds", "Folds of a board since the start", registry=self.registry, multiprocess_mode="livesum"
        )
        self.viewers = Gauge(
            "leitai_viewers", "Open board streams", registry=self.registry, multiprocess_mode="livesum"
        )

    def text(self) -> bytes:
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


@blueprint.get("/healthz")
@allow("everyone")
def healthz() -> Any:
    return Response("ok\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


@blueprint.get("/readyz")
@allow("everyone")
def readyz() -> Any:
    parts = {"database": database_answers()}
    if url := services().config.redis_url:
        parts["redis"] = redis_answers(url)
    ready = all(parts.values())
    response = jsonify(ready=ready, **parts)
    response.headers["Cache-Control"] = "no-store"
    return response, 200 if ready else 503


def database_answers() -> bool:
    try:
        with services().db.reading() as session:
            session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError):
        return False
    return True


def redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


@blueprint.get("/metrics")
@allow("everyone")
def metrics() -> Any:
    counted: Metrics = current_app.extensions["leitai.metrics"]
    wired = services()
    for gauge, part, name in ((counted.viewers, wired.publisher, "viewers"), (counted.folds, wired.projector, "folds")):
        value = getattr(part, name, 0)
        gauge.set(value() if callable(value) else value)
    return Response(counted.text(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
