"""`create_app`: the one module that knows all others. Each step of it has a name and does one thing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Flask
from flask_babel import force_locale
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from competition.accounts import external, inbox, joining, me, people_desk, security, units_desk
from competition.accounts import views as accounts
from competition.accounts.browser import load_actor
from competition.accounts.hashing import Hasher, LocalHasher
from competition.accounts.policy import CONSOLE, Actor
from competition.accounts.queries import actor_for
from competition.accounts.remote_hashing import RemoteHasher, open_hashes
from competition.awards.rules import prizes_by_entry
from competition.bundle import packing
from competition.config import Config
from competition.contests import guards as contest_guards
from competition.contests import packs, seasons
from competition.contests.events import PhaseMoved
from competition.draw import decoding, voiding
from competition.draw import guards as draw_guards
from competition.draw import manage as draw_pages
from competition.draw import sheets as draw_sheets_pages
from competition.draw import task_sources as draw_tasks
from competition.draw import views as draw_views
from competition.extensions import babel, csrf, limiter, socketio
from competition.leaderboard import guards as board_guards
from competition.leaderboard.events import BoardChanged
from competition.leaderboard.projector import Projector
from competition.leaderboard.submitted import SubmittedResults
from competition.live import views as boards
from competition.live.publisher import Publisher
from competition.live.sockets import wire as wire_boards
from competition.pages import api as results_api
from competition.pages import (
    approvals,
    consent_desk,
    editor,
    health,
    jobs,
    manage,
    new_contest,
    ready,
    rulebook,
    tasks,
    uploads,
)
from competition.pages import views as pages
from competition.pages.context import breaks, moment, page_context
from competition.pages.errors import register_errors
from competition.pages.headers import secure
from competition.pages.language import chosen_language
from competition.pages.results import ResultsBook
from competition.pages.static_files import version_static
from competition.recommendation import layers_desk
from competition.registration import attachments_desk, checkin_desk, quota_desk, small, task_sources, team
from competition.registration import guards as entry_guards
from competition.registration import manage as review_pages
from competition.registration import sheets as registration_sheets_pages
from competition.registration import views as registration_pages
from competition.shared import bus as facts
from competition.shared.bus import Bus
from competition.shared.db import Database, make_engine
from competition.shared.files import Files
from competition.shared.frames import WholeFrames
from competition.shared.guards import SOCKET_EVENTS, allow, enforce, set_limit, unmarked
from competition.shared.job_line import Teller
from competition.shared.jobs import Jobs, JobWaiting
from competition.shared.resources import resource_dir
from competition.shared.turns import TakeTurns
from competition.shared.vault import Vault, open_vault
from judges.ballots.events import RulingMade, SheetSaved, WindowChanged
from judges.ballots.reader import Reader
from judges.ballots.store import Ballots
from judges.desk import views as desk
from judges.desk.seating import JudgesSeating
from judges.desk.sockets import News
from judges.desk.sockets import wire as wire_desks

log = logging.getLogger(__name__)


@dataclass
class Services:
    """What the doors need, one for each application; blueprints reach it by `competition.extensions.services()`."""

    config: Config
    db: Database
    bus: Bus
    reader: Reader
    ballots: Ballots
    projector: Projector
    publisher: Publisher
    results: ResultsBook
    vault: Vault
    hasher: Hasher
    files: Files
    jobs: Jobs
    seating: JudgesSeating = field(init=False)
    desks: News = field(init=False)
    teller: Teller | None = None

    def tell_of_job(self, key: str) -> None:
        """A command or a test has no job process to tell; whoever runs one finds the row."""
        if self.teller is not None:
            self.teller.tell(key)

    def hang_up(self) -> None:
        """Ends every open stream and socket, so that nobody waits for them when the server leaves."""
        self.publisher.stop()
        server = socketio.server
        for connection in list(server.eio.sockets.values()) if server else ():
            connection.close(wait=False)

    def start(self) -> None:
        """Starts what runs beside requests; only a server does. What takes long is the job process's from then on."""
        self.hasher = RemoteHasher(lambda: open_hashes(self.config))
        self.teller = Teller(self.config)
        self.projector.start()
        self.publisher.start()
        self.desks.start()

    def stop(self) -> None:
        """Ends what `start` began, so that a worker can leave at once."""
        self.desks.stop()
        self.publisher.stop()
        self.projector.stop()
        if isinstance(self.hasher, RemoteHasher):
            self.hasher.close()
        if self.teller is not None:
            self.teller.close()
        self.ballots.close()
        self.db.engine.dispose()


def create_app(config: Config, *, database: Database | None = None) -> Flask:
    """The application for `config`; `database` is one already open (a test's, a command's)."""
    app = Flask(
        "competition", template_folder=str(resource_dir("templates")), static_folder=str(resource_dir("static"))
    )
    configure(app, config)
    services = wire_services(app, config, database)
    speak_languages(app)
    guard(app)
    register_blueprints(app)
    register_errors(app)
    open_sockets(app, config)
    subscribe(services, app.extensions["leitai.metrics"])
    trust_proxies(app, config)
    return app


def configure(app: Flask, config: Config) -> None:
    public = (config.public_url or "").rstrip("/")
    app.config.update(
        SECRET_KEY=config.secret_key,
        PUBLIC_URL=public,
        SESSION_COOKIE_NAME="leitai",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=public.startswith("https://"),
        # A view that takes more (an upload) says so itself, by `request.max_content_length`.
        MAX_CONTENT_LENGTH=4 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        SESSION_REFRESH_EACH_REQUEST=False,
        RATELIMIT_STORAGE_URI=config.redis_url or "memory://",
        RATELIMIT_HEADERS_ENABLED=False,
        RATELIMIT_SWALLOW_ERRORS=True,
    )
    app.json.ensure_ascii = False
    app.json.sort_keys = False


def wire_services(app: Flask, config: Config, database: Database | None) -> Services:
    reader = Reader()
    db = database or Database(make_engine(config.database_url))
    vault, files = open_vault(config.data_key, config.data_dir), Files(config.uploads)
    services = Services(
        config=config,
        db=db,
        bus=Bus(),
        reader=reader,
        ballots=Ballots(db, reader),
        projector=Projector(db, reader, prizes_by_entry),
        publisher=Publisher(db),
        results=ResultsBook(reader),
        vault=vault,
        hasher=LocalHasher(),
        files=files,
        jobs=Jobs(db, config, files, vault, actor_of=who_asked, speaking=lambda language: speaking(app, language)),
    )
    services.seating = JudgesSeating(services)
    facts.use(services.bus)
    packs.wire(packing.tools(reader))
    contest_guards.register()
    entry_guards.register()
    board_guards.register(reader)
    draw_guards.register()
    voiding.register(services.vault)
    decoding.register(SubmittedResults(reader))
    ready.register()
    task_sources.register()
    draw_tasks.register()
    tasks.register()
    app.extensions["leitai"] = services
    app.extensions["leitai.actor"] = load_actor
    app.extensions["leitai.metrics"] = health.Metrics()
    return services


def who_asked(session: Session, person_id: int | None) -> Actor | None:
    """Who a job is done for: what comes by itself is done for the console."""
    return CONSOLE if person_id is None else actor_for(session, person_id)


@contextmanager
def speaking(app: Flask, language: str) -> Iterator[None]:
    with app.app_context(), force_locale(language):
        yield


def speak_languages(app: Flask) -> None:
    app.config.update(
        BABEL_DEFAULT_LOCALE="zh",
        # The zone of `clock.LOCAL`, by the name that Babel knows.
        BABEL_DEFAULT_TIMEZONE="Asia/Shanghai",
        BABEL_TRANSLATION_DIRECTORIES=str(resource_dir("translations")),
    )
    babel.init_app(app, locale_selector=chosen_language)
    app.context_processor(page_context)
    app.jinja_env.filters["breaks"] = breaks
    app.jinja_env.filters["moment"] = moment
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def guard(app: Flask) -> None:
    app.before_request(set_limit)
    limiter.init_app(app)
    # Who asks before what they send: nobody's large file is read to find a token in it.
    app.before_request(enforce)
    csrf.init_app(app)
    app.after_request(secure)
    if static := app.view_functions.get("static"):
        app.view_functions["static"] = allow("everyone")(_plain(static))
        version_static(app)


def _plain(view: Callable[..., Any]) -> Callable[..., Any]:
    """A function of our own around a view that takes no attributes."""
    return lambda **values: view(**values)


BLUEPRINTS: Final = (
    accounts.blueprint,
    pages.blueprint,
    manage.blueprint,
    results_api.blueprint,
    health.blueprint,
    boards.blueprint,
    desk.blueprint,
    joining.blueprint,
    security.blueprint,
    external.blueprint,
    me.blueprint,
    inbox.blueprint,
    units_desk.blueprint,
    people_desk.blueprint,
    seasons.blueprint,
    rulebook.blueprint,
    approvals.blueprint,
    consent_desk.blueprint,
    new_contest.blueprint,
    editor.blueprint,
    jobs.blueprint,
    tasks.blueprint,
    uploads.blueprint,
    ready.blueprint,
    registration_pages.blueprint,
    team.blueprint,
    small.blueprint,
    review_pages.blueprint,
    quota_desk.blueprint,
    registration_sheets_pages.blueprint,
    attachments_desk.blueprint,
    checkin_desk.blueprint,
    draw_pages.blueprint,
    draw_views.blueprint,
    draw_sheets_pages.blueprint,
    layers_desk.blueprint,
)


def register_blueprints(app: Flask) -> None:
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if missing := unmarked(app):
        raise RuntimeError(f"these endpoints name nobody who may use them: {', '.join(missing)}")


def open_sockets(app: Flask, config: Config) -> None:
    # One process may make several applications (tests do): each gets a server of its own, with the same events.
    socketio.server = None
    socketio.handlers = []
    socketio.server_options = {}
    for event in SOCKET_EVENTS.values():
        socketio.on(event.event, namespace=event.namespace)(event.handler)
    socketio.init_app(
        app,
        async_mode="gevent",
        transports=["websocket"],
        message_queue=config.redis_url or None,
        channel="leitai",
        ping_interval=10,
        ping_timeout=10,
        max_http_buffer_size=256 * 1024,
        manage_session=True,
    )
    turns = TakeTurns(app.wsgi_app, frozenset(("/sign-in", "/sign-up")))
    app.wsgi_app = WithoutDeflate(WholeFrames(turns))  # type: ignore[method-assign]


class WithoutDeflate:
    """Drops the offer of permessage-deflate, which every browser makes: it doubles the cost of each small message."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return self.app(environ, start_response)


def subscribe(services: Services, counted: health.Metrics) -> None:
    """Who hears of which fact."""
    bus, projector, publisher = services.bus, services.projector, services.publisher
    for kind in (SheetSaved, RulingMade, PhaseMoved, WindowChanged):
        bus.subscribe(kind, lambda fact: projector.wake(fact.track_id))
    bus.subscribe(BoardChanged, lambda _fact: publisher.wake())
    bus.subscribe(JobWaiting, lambda fact: services.tell_of_job(fact.key))
    bus.subscribe(SheetSaved, lambda _fact: counted.sheets.inc())
    bus.subscribe(RulingMade, lambda fact: counted.rulings.labels(fact.kind).inc())
    bus.subscribe(BoardChanged, lambda fact: counted.boards.labels(fact.audience).inc())
    wire_boards(publisher)
    services.desks = wire_desks(bus, socketio, services)


def trust_proxies(app: Flask, config: Config) -> None:
    if count := config.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]


def from_environment() -> Flask:
    """What gunicorn's workers load."""
    return create_app(Config.from_env(os.environ))
