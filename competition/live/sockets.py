"""Boards over Socket.IO, namespace `/board`: the messages of the event stream for clients that have a socket anyway."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext as _
from flask_socketio import join_room, leave_room

from competition.extensions import socketio
from competition.live.boards import find_board
from competition.live.publisher import Message, Publisher, Topic
from competition.shared.errors import DomainError
from competition.shared.guards import on

SPACE: Final = "/board"


@on(SPACE, "connect", allow="everyone")
def connect(*_auth: Any) -> None:
    """Anybody may listen; what they hear depends on who asks at `watch`."""


@on(SPACE, "watch", allow="everyone")
def watch(message: Any = None, *_rest: Any) -> dict[str, Any]:
    """`{contest, track, version}` answers `{ok, snapshot}` or `{ok, deltas}`; from then on come `delta` and `reset`."""
    contest, track, version = _named(message)
    topic = find_board(contest, track)[2]
    # In the room first: a delta that comes twice is told by its base, one that is missed is not.
    join_room(_room(topic))
    messages = topic.since(version)
    if version is None or messages is None or any(one.event == "reset" for one in messages):
        return {"ok": True, "snapshot": topic.payload}
    return {"ok": True, "deltas": [one.body for one in messages]}


@on(SPACE, "unwatch", allow="everyone")
def unwatch(message: Any = None, *_rest: Any) -> dict[str, Any]:
    """Stops what `watch` began."""
    contest, track, _version = _named(message)
    for audience in ("public", "staff"):
        leave_room(f"board:{contest.casefold()}/{track.casefold()}:{audience}")
    return {"ok": True}


def _named(message: Any) -> tuple[str, str, int | None]:
    if not isinstance(message, dict):
        raise DomainError("bad_request", _("消息须是一个对象。"))
    contest, track, version = message.get("contest"), message.get("track"), message.get("version")
    if not isinstance(contest, str) or not isinstance(track, str):
        raise DomainError("bad_request", _("请写明 contest 和 track。"), "contest")
    return contest, track, version if type(version) is int else None


def _room(topic: Topic) -> str:
    contest, track, audience = topic.key
    return f"board:{contest}/{track}:{audience}"


def wire(publisher: Publisher) -> None:
    """Sends what the publisher tells to the rooms of this process; every process hears of a change by itself."""

    def tell(topic: Topic, message: Message | None) -> None:
        if message is not None:
            socketio.emit(message.event, message.body, namespace=SPACE, to=_room(topic), ignore_queue=True)
        elif topic.payload:
            body = {"contest": topic.payload["contest"], "track": topic.payload["track"], "version": topic.version}
            socketio.emit("reset", body, namespace=SPACE, to=_room(topic), ignore_queue=True)

    publisher.listen(tell)
