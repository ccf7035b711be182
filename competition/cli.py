"""`leitai`: a thin dispatcher. Each command imports what it needs and no more: `leitai score` knows no database.

Exit codes: 0 done, 1 the answer is no, 2 bad input (every problem on stderr, nothing changed).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from competition.cli_base import BAD_INPUT, NO, contest_and_tracks, open_database, settings
from competition.cli_work import COMMANDS
from competition.shared.errors import Refused

if TYPE_CHECKING:
    pass


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script: whatever a person may have got wrong ends in sentences, never in a traceback."""
    try:
        code = leitai.main(arguments, prog_name="leitai", standalone_mode=False)
    except Refused as refusal:
        code = _tell(refusal.code, *refusal.lines)
    except click.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = BAD_INPUT
    except BrokenPipeError:
        # Whoever read our output has left; nothing more can be told, not even at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = NO
    sys.exit(code if isinstance(code, int) else 0)


def _tell(code: int, *lines: str) -> int:
    for line in lines:
        print(line.encode("utf-8", "backslashreplace").decode("utf-8"), file=sys.stderr)
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="leitai", prog_name="leitai")
def leitai() -> None:
    """Leitai (擂台): contests from the first entry to the recommendation list."""


@leitai.command()
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Where the server listens."
)
@click.option(
    "--speed", default=1.0, show_default=True, type=click.FloatRange(0.1, 1000), help="How fast the judges mark."
)
def demo(port: int, speed: float) -> int:
    """Run three contests with simulated judges, in a folder that is gone afterwards."""
    from competition.demo import run_demo
    from judges.roster.queries import get_judge
    from judges.sections import SECTIONS

    return run_demo(port=port, speed=speed, sections=SECTIONS, find_judge=get_judge)


@leitai.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0: all.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.")
@click.option("--workers", default=1, show_default=True, type=int, help="More than one: PostgreSQL and Redis.")
@click.option("--no-jobs", is_flag=True, help="Start no job process beside the server.")
def serve(host: str, port: int, workers: int, no_jobs: bool) -> int:
    """Apply migrations and serve."""
    from competition.serve import main as run
    from competition.terminal import in_sentences

    with in_sentences():
        return run(host=host, port=port, workers=workers, jobs=not no_jobs)


@leitai.command("import")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Overwrite a contest of the same code, evidence and all.")
def import_(bundle: Path, replace: bool) -> int:
    """Read a contest from BUNDLE (- for the standard input) into the database."""
    from competition.accounts.policy import CONSOLE
    from competition.bundle.rules import BundleProblems, read_bundle
    from competition.bundle.score import read_file
    from competition.bundle.service import import_bundle
    from competition.shared import clock
    from judges.sections import SECTIONS

    most = settings().max_bundle_mb * 1024 * 1024
    try:
        read = read_bundle(read_file(str(bundle), most), max_bytes=most)
    except OSError as error:
        raise Refused(BAD_INPUT, f"{bundle}: cannot be read: {error.strerror or error}") from None
    except BundleProblems as bad:
        raise Refused(BAD_INPUT, *bad.lines()) from None
    with open_database() as database, database.transaction() as session:
        import_bundle(session, read, sections=SECTIONS, actor=CONSOLE, now=clock.now(), replace=replace)
    click.echo(f"{read.contest.code}: {len(read.entries)} entries, {len(read.marks)} marks.")
    return 0


@leitai.command()
@click.argument("contest")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of the terminal.")
def export(contest: str, output: Path | None) -> int:
    """Write CONTEST as a bundle, in canonical form."""
    from competition.bundle.rules import write_bundle
    from competition.bundle.service import export_bundle
    from competition.contests.queries import get_contest
    from competition.draw.queries import sealed_tracks
    from judges.sections import SECTIONS

    with open_database() as database, database.reading() as session:
        text = write_bundle(export_bundle(session, contest, sections=SECTIONS))
        sealed = sealed_tracks(session, get_contest(session, contest).id)
    if sealed:
        click.echo(f"Numbers without names in {', '.join(sorted(sealed))}: not decoded yet.", err=True)
    if output is None or str(output) == "-":
        click.echo(text.encode(), nl=False)
        return 0
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Refused(BAD_INPUT, f"{output}: {error.strerror}") from None
    return 0


@leitai.command()
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...")
def score(bundles: tuple[str, ...]) -> int:
    """Recompute contests from their marks alone, without a database; JSON on the standard output."""
    from competition.bundle.score import main as run

    return run(bundles, max_mb=settings().max_bundle_mb, stdout=sys.stdout, stderr=sys.stderr)


@leitai.command()
@click.argument("contest")
def check(contest: str) -> int:
    """Fold the evidence of CONTEST[/TRACK] again and compare with the stored boards."""
    from competition.awards.rules import prizes_by_entry
    from competition.leaderboard.service import check_board
    from competition.shared import clock
    from judges.ballots.reader import Reader

    found = 0
    with open_database() as database, database.reading() as session:
        row, tracks = contest_and_tracks(session, contest)
        for track in tracks:
            for difference in check_board(session, track.id, reader=Reader(), now=clock.now(), prizes=prizes_by_entry):
                found += 1
                click.echo(f"{row.code}/{track.code}: {difference}")
    click.echo("No difference." if not found else f"{found} difference(s).")
    return NO if found else 0


@leitai.command()
@click.argument("contest")
def rebuild(contest: str) -> int:
    """Fold the evidence of CONTEST[/TRACK] again and replace the stored boards; exit 1 where one differed."""
    from competition.awards.rules import prizes_by_entry
    from competition.leaderboard.service import rebuild_board
    from competition.shared import clock
    from judges.ballots.reader import Reader

    found = 0
    with open_database() as database, database.transaction() as session:
        row, tracks = contest_and_tracks(session, contest)
        for track in tracks:
            for difference in rebuild_board(
                session, track.id, reader=Reader(), now=clock.now(), prizes=prizes_by_entry
            ):
                found += 1
                click.echo(f"{row.code}/{track.code}: {difference}")
    click.echo("Rebuilt; nothing differed." if not found else f"Rebuilt; {found} difference(s).")
    return NO if found else 0


@leitai.command()
@click.argument("contest")
@click.argument("phase", required=False)
@click.option("--force", is_flag=True, help="Go back, or go on without what is missing; needs --reason.")
@click.option("--reason", default="", help="Why; kept in the log.")
def phase(contest: str, phase: str | None, force: bool, reason: str) -> int:
    """Show the phase of CONTEST[/TRACK], or move it to PHASE."""
    from competition.accounts.policy import CONSOLE
    from competition.contests import guards as contest_guards
    from competition.contests.service import move_phase
    from competition.draw import guards as draw_guards
    from competition.leaderboard import guards as board_guards
    from competition.registration import guards as entry_guards
    from competition.shared import clock
    from judges.ballots.reader import Reader

    contest_guards.register()
    entry_guards.register()
    board_guards.register(Reader())
    draw_guards.register()

    with open_database() as database:
        if phase is not None:
            with database.transaction() as session:
                row, tracks = contest_and_tracks(session, contest)
                move_phase(session, tracks, phase, actor=CONSOLE, now=clock.now(), force=force, reason=reason)
        with database.reading() as session:
            row, tracks = contest_and_tracks(session, contest)
            for track in tracks:
                click.echo(f"{row.code}/{track.code}\t{track.phase}")
    return 0


@leitai.command()
@click.argument("contest")
@click.option("--judge", metavar="CODE", help="The judge who signs in.")
@click.option("--role", metavar="ROLE", help="Any other role: organiser, recorder, chief, ...")
@click.option("--user", metavar="NAME", help="Who signs in in that role; made where there is none.")
def link(contest: str, judge: str | None, role: str | None, user: str | None) -> int:
    """Print a sign-in address for CONTEST and its QR code: good for 12 hours and one browser."""
    import segno

    from competition.accounts.policy import CONSOLE, ROLE_TABLE
    from competition.accounts.service import login_for, make_link, person_for
    from competition.contests.queries import get_contest
    from competition.shared import clock
    from judges.roster.service import link_for_judge

    roles = [name for name in ROLE_TABLE if name not in ("judge", "visitor")]
    if (judge is None) == (role is None) or (judge is not None and user is not None):
        raise Refused(BAD_INPUT, "Give either --judge CODE, or --role ROLE with or without --user NAME.")
    if role is not None and role not in roles:
        raise Refused(
            BAD_INPUT, f"There is no role {role} to sign in with; a judge's is --judge CODE. Roles: {', '.join(roles)}"
        )
    now = clock.now()
    with open_database() as database, database.transaction() as session:
        row = get_contest(session, contest)
        if judge is not None:
            token = link_for_judge(session, row, judge, now=now, actor=CONSOLE)
        else:
            assert role is not None
            scope = None if role == "admin" else row.id
            person = person_for(
                session,
                role=role,
                contest_id=scope,
                login=user or login_for(role, row.code),
                name=user or str(ROLE_TABLE[role].title),
                now=now,
                actor=CONSOLE,
            )
            token = make_link(session, contest_id=row.id, role=role, person_id=person, now=now)
    address = f"{settings().public_url}/in/{token}"
    click.echo(address)
    segno.make(address).terminal(out=sys.stdout, compact=True)
    return 0


@leitai.group()
def user() -> None:
    """People who sign in with a password."""


@user.command("add")
@click.argument("name")
@click.option("--role", required=True, help="What the person may do; see the table of roles.")
@click.option("--contest", metavar="CODE", help="The contest in which the role holds; without it, in all.")
@click.option("--unit", metavar="CODE", help="The unit for which the role holds.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the standard input instead of asking.")
def user_add(name: str, role: str, contest: str | None, unit: str | None, password_stdin: bool) -> int:
    """Make the person NAME with a role; a person who is there gets the role besides and keeps the password."""
    from competition.accounts import service
    from competition.accounts.hashing import LocalHasher
    from competition.accounts.passwords import hashed
    from competition.accounts.policy import CONSOLE, ROLE_TABLE
    from competition.accounts.queries import get_unit, person_by_login
    from competition.contests.queries import get_contest
    from competition.shared import clock

    if role not in ROLE_TABLE or role == "visitor":
        raise Refused(
            BAD_INPUT, f"There is no role {role}. Roles: {', '.join(r for r in ROLE_TABLE if r != 'visitor')}"
        )
    now = clock.now()
    with open_database() as database:
        with database.reading() as session:
            found = person_by_login(session, name)
            known = None if found is None else found.id
        password = hashed(LocalHasher(), _password(from_stdin=password_stdin), [name]) if known is None else None
        with database.transaction() as session:
            person = known or service.create_person(session, login=name, name=name, password=password, now=now)
            service.grant(
                session,
                person,
                role,
                contest_id=None if contest is None else get_contest(session, contest).id,
                unit_id=None if unit is None else get_unit(session, unit).id,
                now=now,
                actor=CONSOLE,
            )
    click.echo(
        f"{name}: {role}" + ("" if contest is None else f" of {contest}") + ("" if unit is None else f", {unit}")
    )
    return 0


@user.command("codes-off")
@click.argument("name")
@click.option("--reason", required=True, help="Why; it is logged.")
def user_codes_off(name: str, reason: str) -> int:
    """Take the one-time codes off the person NAME, who has lost phone and recovery codes; make sure who asks."""
    from competition.accounts import totp
    from competition.accounts.policy import CONSOLE
    from competition.accounts.queries import person_by_login
    from competition.shared import clock

    with open_database() as database, database.transaction() as session:
        person = person_by_login(session, name)
        if person is None:
            raise Refused(BAD_INPUT, f"There is nobody called {name}.")
        totp.take_off(session, person.id, reason=reason, actor=CONSOLE, now=clock.now())
    click.echo(f"{name}: no one-time codes; the next sign-in by password sets them up anew.")
    return 0


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@leitai.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> int:
    """Write the database and the uploads into FILE, while the server runs. Keys are not in it."""
    from competition.backup import BackupError, back_up
    from competition.shared import clock

    with open_database() as database:
        try:
            back_up(settings(), database, file, now=clock.now())
        except BackupError as error:
            raise Refused(BAD_INPUT, str(error)) from None
    click.echo(f"{file}: {file.stat().st_size:,} bytes.")
    return 0


@leitai.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Overwrite the database and the uploads that are there.")
def restore(file: Path, replace: bool) -> int:
    """Put a backup back, into an empty installation unless --replace. End the server first."""
    from competition.backup import BackupError
    from competition.backup import restore as put_back

    with open_database(any_revision=True) as database:
        try:
            manifest = put_back(settings(), database, file, replace=replace)
        except BackupError as error:
            raise Refused(BAD_INPUT, str(error)) from None
    click.echo(f"Restored what was backed up at {manifest['made_at']}.")
    return 0


@leitai.command()
def config() -> int:
    """Print each setting, its value and where it came from; secrets are masked."""
    from competition.config import in_force

    settings()
    for name, value, origin in in_force(os.environ):
        click.echo(f"{name}={value}\t({origin})")
    return 0


for _command in COMMANDS:
    leitai.add_command(_command)


if __name__ == "__main__":
    main()
