"""The judging socket: every event answers with an acknowledgement, and what was committed is told to those concerned.

Rooms of `/judge`: a contest's (window, phase, notice), a track's chiefs (every sheet, ruling, freeze), a seat's (its
own reopened sheets). Who may hear what is decided when a desk is opened; a sign-in that ends is cut off within seconds.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import gevent
from flask import request, session
from flask_socketio import ConnectionRefusedError as Refuse
from flask_socketio import join_room
from gevent.monkey import is_module_patched
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from competition.accounts.models import SignIn
from competition.accounts.policy import Actor
from competition.accounts.service import hash_secret
from competition.contests.events import PhaseMoved
from competition.contests.models import Contest, Stage, Track
from competition.extensions import services
from competition.shared import clock
from competition.shared.bus import Bus
from competition.shared.guards import actor, on, signed_in
from judges.ballots.definition import ContestInfo
from judges.ballots.events import RulingMade, SheetSaved, WindowChanged
from judges.ballots.ledger import stamp
from judges.ballots.queries import desk_of, newest_ruling, sheet_news
from judges.ballots.sentences import Refused, refusal
from judges.desk.protocol import answer

log = logging.getLogger(__name__)

NAMESPACE: Final = "/judge"
RATE: Final = 50.0
"""Events a second of one socket, with as many at once after a pause; more are `too_many`."""
GATHER: Final = 0.05
"""Seconds in which the news of one sheet are told once."""

WHO: Final[dict[str, tuple[str, ...]]] = {
    "open": ("judge", "recorder", "chief"),
    "mark": ("judge", "recorder"),
    "submit": ("judge", "recorder"),
    "time": ("recorder", "chief"),
    "adjust": ("chief",),
    "absent": ("chief",),
    "recuse": ("chief",),
    "status": ("chief",),
    "reopen": ("chief",),
    "window": ("chief", "organiser"),
    "freeze": ("chief", "organiser"),
}

_buckets: dict[str, tuple[float, float]] = {}
_desks: dict[str, str] = {}
"""Which sign-in (the hash of its secret) each socket with an open desk belongs to."""


def contest_room(contest_id: int) -> str:
    return f"contest:{contest_id}"


def chief_room(track_id: int) -> str:
    return f"chief:{track_id}"


def seat_room(seat_id: int) -> str:
    return f"seat:{seat_id}"


@on(NAMESPACE, "connect", allow="everyone")
def connect(_auth: Any = None) -> None:
    if not signed_in(actor()):
        raise Refuse("signed_out")


@on(NAMESPACE, "disconnect", allow="everyone")
def disconnect(*_why: Any) -> None:
    _buckets.pop(request.sid, None)  # type: ignore[attr-defined]
    _desks.pop(request.sid, None)  # type: ignore[attr-defined]


def _handle(event: str) -> None:
    @on(NAMESPACE, event, allow=WHO[event])
    def handler(message: Any = None, *_more: Any) -> dict[str, Any]:
        if not within_rate(request.sid):  # type: ignore[attr-defined]
            raise refusal(Refused("too_many"))
        if not isinstance(message, dict):
            raise refusal(Refused("bad_request"))
        who: Actor = actor()
        said = answer(services(), who, {**message, "event": event}, now=clock.now())
        if event == "open" and said["ok"]:
            _desks[request.sid] = hash_secret(session["sid"])  # type: ignore[attr-defined]
            _join(services().ballots.contest(message["contest"]), who)
        return said


for _event in WHO:
    _handle(_event)


def within_rate(sid: str) -> bool:
    """Takes one of the socket's tokens, which come back at `RATE` a second."""
    now = time.monotonic()
    tokens, since = _buckets.get(sid, (RATE, now))
    tokens = min(RATE, tokens + (now - since) * RATE)
    taken = tokens >= 1
    _buckets[sid] = (tokens - taken, now)
    return taken


def _join(contest: ContestInfo, who: Actor) -> None:
    join_room(contest_room(contest.id))
    for track in contest.tracks.values():
        desk = desk_of(who, contest, track)
        if desk.chief:
            join_room(chief_room(track.id))
        for stage in track.stages.values():
            for judge, seat in stage.seats.items():
                if desk.sees(stage.code, None if judge is None else contest.judge_codes[judge]) and not desk.chief:
                    join_room(seat_room(seat))


class News:
    """Tells the desks what was committed here, and by looking once a second what was committed elsewhere."""

    def __init__(self, socketio: Any, everything: Any) -> None:
        self._socketio, self._services = socketio, everything
        self._sheets: dict[int, SheetSaved] = {}
        self._reopened: set[int] = set()
        self._gathering = False
        self._seen: dict[tuple[int, str], tuple[str, str]] = {}
        self._watch: Any = None

    def start(self) -> None:
        if self._watch is None:
            self._seen = self._states()
            self._watch = gevent.spawn(self._look)

    def stop(self) -> None:
        if self._watch is not None:
            self._watch.kill(block=False)
            self._watch = None

    def sheet_saved(self, fact: SheetSaved) -> None:
        self._sheets[fact.sheet_id] = fact
        if fact.kind == "reopen":
            self._reopened.add(fact.sheet_id)
        if not is_module_patched("threading"):
            self._tell_sheets()
        elif not self._gathering:
            self._gathering = True
            gevent.spawn_later(GATHER, self._tell_sheets)

    def _tell_sheets(self) -> None:
        self._gathering = False
        sheets, self._sheets = self._sheets, {}
        reopened, self._reopened = self._reopened, set()
        for fact in sheets.values():
            if not self._heard(chief_room(fact.track_id)) and fact.sheet_id not in reopened:
                continue
            contest = self._services.ballots.definitions.by_id(fact.contest_id)
            if contest is None:
                continue
            with self._services.db.reading() as session:
                news = sheet_news(session, fact.sheet_id, contest)
            if news is None:
                continue
            body = {**news.body, "at": stamp(clock.now())}
            self._emit("sheet", body, chief_room(news.track_id))
            if fact.sheet_id in reopened:
                self._emit("sheet", body, seat_room(news.seat_id))

    def ruling_made(self, fact: RulingMade) -> None:
        contest = self._services.ballots.definitions.by_id(fact.contest_id)
        if contest is None:
            return
        with self._services.db.reading() as session:
            found = newest_ruling(session, fact.seq, contest)
        if found is None:
            return
        track_id, body = found
        self._emit("ruling", body, chief_room(track_id))
        if fact.kind in ("absent", "recuse", "status"):
            # Whom it concerns a seat learns from its own next `open`; here only that there is something to ask.
            track = contest.tracks[body["track"]]
            seats = [seat_room(seat) for stage in track.stages.values() for seat in stage.seats.values()]
            self._emit("ruling", {"contest": contest.code, "track": track.code, "kind": fact.kind}, seats)
        if fact.kind == "freeze":
            self._emit(
                "freeze", {"contest": contest.code, "track": body["track"], "on": body["on"]}, chief_room(track_id)
            )

    def window_changed(self, fact: WindowChanged) -> None:
        with self._services.db.reading() as session:
            row = session.execute(
                select(Contest.code, Track.code, Stage.code)
                .join(Track, Track.contest_id == Contest.id)
                .join(Stage, Stage.track_id == Track.id)
                .where(Stage.id == fact.stage_id)
            ).one_or_none()
        if row is not None:
            contest, track, stage = row
            self._window(fact.contest_id, fact.track_id, contest, track, stage, fact.state, fact.reason)

    def phase_moved(self, fact: PhaseMoved) -> None:
        self._look_once()

    def _window(
        self, contest_id: int, track_id: int, contest: str, track: str, stage: str, state: str, reason: str
    ) -> None:
        if self._watch is not None:
            self._seen[track_id, stage] = (contest, state)
        self._emit(
            "window",
            {"contest": contest, "track": track, "stage": stage, "state": state, "reason": reason},
            contest_room(contest_id),
        )

    def _look(self) -> None:
        while True:
            gevent.sleep(1.0)
            try:
                self._look_once()
                self._end_revoked()
            except SQLAlchemyError:
                log.exception("the desks could not be looked after")

    def _end_revoked(self) -> None:
        """Ends the sockets of sign-ins that were revoked or have run out: nothing more is told to them."""
        desks = dict(_desks)
        if not desks:
            return
        with self._services.db.reading() as db:
            good = set(
                db.scalars(
                    select(SignIn.secret_hash).where(
                        SignIn.secret_hash.in_(set(desks.values())),
                        SignIn.revoked_at.is_(None),
                        SignIn.expires_at > clock.now(),
                    )
                )
            )
        for sid, secret in desks.items():
            if secret not in good:
                _desks.pop(sid, None)
                self._socketio.server.disconnect(sid, namespace=NAMESPACE)

    def _look_once(self) -> None:
        """Phases and windows that moved without a fact of ours: another process's, a command's."""
        for key, (contest, state) in self._states().items():
            before = self._seen.get(key)
            if before is None or before[1] == state:
                self._seen[key] = (contest, state)
                continue
            self._seen[key] = (contest, state)
            self._tell_state(key[0], key[1], state)

    def _tell_state(self, track_id: int, stage: str, state: str) -> None:
        with self._services.db.reading() as session:
            contest_id, contest, track = session.execute(
                select(Contest.id, Contest.code, Track.code)
                .join(Track, Track.contest_id == Contest.id)
                .where(Track.id == track_id)
            ).one()
        if stage:
            self._window(contest_id, track_id, contest, track, stage, state, "")
        else:
            self._emit("phase", {"contest": contest, "track": track, "phase": state}, contest_room(contest_id))

    def _states(self) -> dict[tuple[int, str], tuple[str, str]]:
        """Each track's phase under an empty stage, and each stage's window, of the tracks that may move."""
        states: dict[tuple[int, str], tuple[str, str]] = {}
        with self._services.db.reading() as session:
            for track_id, contest, phase in session.execute(
                select(Track.id, Contest.code, Track.phase)
                .join(Contest, Contest.id == Track.contest_id)
                .where(Track.phase != "archived")
            ):
                states[track_id, ""] = (contest, phase)
            for track_id, contest, stage, state in session.execute(
                select(Track.id, Contest.code, Stage.code, Stage.state)
                .join(Contest, Contest.id == Track.contest_id)
                .join(Stage, Stage.track_id == Track.id)
                .where(Track.phase != "archived")
            ):
                states[track_id, stage] = (contest, state)
        return states

    def _heard(self, room: str) -> bool:
        """Whether anybody may be in the room; with several workers only each knows its own."""
        if self._services.config.redis_url:
            return True
        rooms = self._socketio.server.manager.rooms.get(NAMESPACE, {})
        return bool(rooms.get(room))

    def _emit(self, event: str, body: dict[str, Any], room: str | list[str]) -> None:
        self._socketio.emit(event, body, namespace=NAMESPACE, to=room)


def wire(bus: Bus, socketio: Any, everything: Any) -> News:
    """Subscribes the desks' news to the facts of `bus`; the news are started and stopped with the server."""
    news = News(socketio, everything)
    bus.subscribe(SheetSaved, news.sheet_saved)
    bus.subscribe(RulingMade, news.ruling_made)
    bus.subscribe(WindowChanged, news.window_changed)
    bus.subscribe(PhaseMoved, news.phase_moved)
    return news
