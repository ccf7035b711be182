"""`leitai demo`: three contests, a server and simulated people in one command, and nothing left when it ends.

The server is a process of its own in a process group of its own, so that it is ended whole. Database and files stand
in a temporary folder: every start is a fresh one.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from competition.demo_judges import CHIEF, RECORDER, Chief, Marker, Person, TrackPlan, plan_tracks
from competition.demo_setup import FindJudge, Seat, fill_database
from competition.scoring.evidence import BundleSection
from competition.shared.resources import PACKAGE

SAMPLES: Final = PACKAGE / "samples"
LEFT_OUT: Final = ("marks", "timings", "adjustments")
"""What the simulated people do themselves; recusals are known before a contest."""
READY_SECONDS: Final = 60.0
CLOSING_PHASES: Final = ("review", "notice")
ROLE_TITLES: Final = {"organiser": "主办方", "chief": "裁判长", "recorder": "记录员", "judge": "裁判员"}


class DemoError(Exception):
    """Why the demonstration cannot begin, in one sentence."""


@dataclass(frozen=True)
class Links:
    """Addresses of one seat, each good for one browser: the simulated person's own, and one for people.

    The home page makes a fresh one for everybody who asks, after the pattern of the second.
    """

    seat: Seat
    simulated: str
    shown: str


def read_samples() -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(SAMPLES.glob("*.json"))]


def seats_of(sample: dict[str, Any]) -> list[Seat]:
    """Everybody who takes part in a contest: its organiser, chiefs, recorder and judges."""
    contest, title = sample["contest"]["code"], sample["contest"]["title"]
    seats = [Seat(contest, title, "organiser", ROLE_TITLES["organiser"])]
    seats += [Seat(contest, title, CHIEF, ROLE_TITLES["chief"], track=row["code"]) for row in sample["tracks"]]
    if any(mark.get("judge") is None for mark in sample["marks"]):
        seats.append(Seat(contest, title, RECORDER, ROLE_TITLES["recorder"]))
    seats += [Seat(contest, title, "judge", judge["name"], judge["code"]) for judge in sample["judges"]]
    return seats


def check_port(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            raise DemoError(f"port {port} is taken: try another, as in `leitai demo --port {port + 1}`") from None


class Server:
    """`leitai serve` over the demonstration's own folder, in a process group of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.address = f"http://127.0.0.1:{port}"
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        # Settings of this demonstration alone: none of a real installation's reach it.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("LEITAI_")} | {
            "LEITAI_DATA_DIR": str(folder),
            "LEITAI_SECRET_KEY": secrets.token_urlsafe(32),
            "LEITAI_DATA_KEY": secrets.token_urlsafe(32),
            "LEITAI_PUBLIC_URL": self.address,
            "LEITAI_DEMO_LINKS": str(folder / "links.json"),
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "competition.cli", *words]

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve", "--host", "127.0.0.1", "--port", str(self.port)),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self, stop: threading.Event) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and not stop.is_set():
            if self.process is None or self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.address}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                stop.wait(0.1)
        if not stop.is_set():
            raise DemoError(f"the server did not start:\n{self.last_words()}")

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])

    def run(self, *words: str) -> None:
        """Another command of the program beside the server."""
        done = subprocess.run(self.command(*words), env=self.environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise DemoError(f"leitai {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")

    def end(self) -> None:
        """Ends the whole group: politely, then not."""
        if self.process is None:
            return
        for sign, patience in ((signal.SIGTERM, 8.0), (signal.SIGKILL, 5.0)):
            try:
                os.killpg(self.process.pid, sign)
            except ProcessLookupError:
                break
            until = time.monotonic() + patience
            while time.monotonic() < until:
                self.process.poll()
                try:
                    os.killpg(self.process.pid, 0)
                except ProcessLookupError:
                    return
                time.sleep(0.05)


def run_demo(*, port: int, speed: float, sections: Sequence[BundleSection], find_judge: FindJudge) -> int:
    """Runs until it is interrupted; gives the exit code. What `judges` knows, the command line hands in."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    folder: Path | None = None
    server: Server | None = None
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        check_port(port)
        folder = Path(tempfile.mkdtemp(prefix="leitai-demo-"))
        server = Server(folder, port)
        say("Preparing the database and the three contests ...")
        samples = read_samples()
        links = make_links(server, samples, sections, find_judge)
        server.start()
        server.wait_ready(stop)
        if not stop.is_set():
            play(server, samples, links, speed, stop)
    except DemoError as error:
        print(f"leitai demo: {error}", file=sys.stderr, flush=True)
        return 2
    finally:
        stop.set()
        for number, handler in before.items():
            # A second Ctrl-C must not interrupt the clearing up.
            signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else handler)
        if server is not None:
            server.end()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGINT, before[signal.SIGINT])
    say("Ended; nothing is left running.")
    return 0


def say(text: str) -> None:
    print(text, flush=True)


def make_links(
    server: Server, samples: list[dict[str, Any]], sections: Sequence[BundleSection], find_judge: FindJudge
) -> list[Links]:
    """Imports the samples without what is to be marked, and makes everybody's links."""
    stripped = [{key: value for key, value in sample.items() if key not in LEFT_OUT} for sample in samples]
    bundles = [json.dumps(sample, ensure_ascii=False).encode() for sample in stripped]
    seats = [seat for sample in samples for seat in seats_of(sample)]
    tokens = fill_database(server.environment, bundles, seats, 2, sections=sections, find_judge=find_judge)
    links = [Links(seat, *(f"{server.address}/in/{token}" for token in tokens[seat])) for seat in seats]
    for_home = [
        {
            "contest": link.seat.contest,
            "contest_title": link.seat.contest_title,
            "role": link.seat.role,
            "judge": link.seat.judge,
            "track": link.seat.track,
            "name": link.seat.name,
            "url": link.shown,
        }
        for link in links
    ]
    (server.folder / "links.json").write_text(json.dumps(for_home, ensure_ascii=False, indent=1), encoding="utf-8")
    return links


def play(
    server: Server, samples: list[dict[str, Any]], links: list[Links], speed: float, stop: threading.Event
) -> None:
    """The contests from the first mark to the published results; then the server stays until it is stopped."""
    plans = [plan for sample in samples for plan in plan_tracks(sample, speed)]
    show(server, links)
    addresses = {(link.seat.contest, link.seat.judge or link.seat.role): link.simulated for link in links}
    people = [person for plan in plans for person in people_of(plan, server.address, addresses, stop)]
    for person in people:
        person.start()
    begun = time.monotonic()
    closing = list(plans)
    while not stop.wait(0.1):
        if server.process is not None and server.process.poll() is not None:
            raise DemoError(f"the server has ended:\n{server.last_words()}")
        problem = next((person.problem for person in people if person.problem), None)
        if problem:
            raise DemoError(f"a simulated judge gave up: {problem}\n{server.last_words()}")
        for plan in [plan for plan in closing if plan.finished.is_set()]:
            closing.remove(plan)
            for phase in CLOSING_PHASES:
                server.run("phase", f"{plan.contest}/{plan.track}", phase, "--force", "--reason", "演示")
            say(f"{plan.contest}/{plan.track}: all marked; the results are public.")
            if not closing:
                minutes = (time.monotonic() - begun) / 60
                say(f"The demo has finished after {minutes:.1f} min. Look around as long as you like; Ctrl-C ends it.")
    for person in people:
        person.join(timeout=5)


def people_of(plan: TrackPlan, address: str, links: dict[tuple[str, str], str], stop: threading.Event) -> list[Person]:
    markers = [Marker(address, links[plan.contest, seat], plan, seat, stop) for seat in plan.seats]
    return [Chief(address, links[plan.contest, CHIEF], plan, stop), *markers]


def show(server: Server, links: list[Links]) -> None:
    """The address and a sign-in for each role; each link is for one browser."""
    say(f"\nLeitai runs at {server.address}\n")
    contest = ""
    for link in links:
        if link.seat.contest != contest:
            contest = link.seat.contest
            say(f"{link.seat.contest_title}  {server.address}/contests/{contest}")
        who = f"{link.seat.role} {link.seat.judge or ''}".strip()
        say(f"  {who:<12} {link.shown}")
    say("\nSimulated judges are marking. Ctrl-C ends it all.\n")
