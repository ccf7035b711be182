"""`leitai`: what it does, how it ends, and what it loads."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from competition import cli
from competition.accounts import audit, entering
from competition.accounts import service as accounts
from competition.accounts.hashing import LocalHasher
from competition.accounts.models import Audit, Grant, Person
from competition.accounts.policy import CONSOLE
from competition.bundle.rules import read_bundle, write_bundle
from competition.contests.models import Contest
from competition.leaderboard.models import Board
from competition.shared import clock, schema
from competition.shared.db import Database, make_engine
from competition.shared.vault import Vault
from judges.ballots.models import Change
from tests.services.rich import rich_bundle

ROOT = Path(__file__).resolve().parents[2]
WEIHAI = ROOT / "tests" / "data" / "weihai"
WELDER = "weihai-2026-welder"


@dataclass
class Ended:
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command against the test's database and gives how it ended."""
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setenv("LEITAI_DATABASE_URL", database_url)
    monkeypatch.setenv("LEITAI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LEITAI_PUBLIC_URL", "https://leitai.example/")

    def run(*words: str | Path, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        printed = capsys.readouterr()
        return Ended(int(end.value.code or 0), printed.out, printed.err)

    return run


def test_import_and_export(run: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "rich.json", tmp_path / "out.json"
    source.write_text(rich_bundle(), encoding="utf-8")
    expected = write_bundle(read_bundle(source.read_bytes()))
    assert run("import", source) == Ended(0, "rich: 5 entries, 10 marks.\n", "")
    assert run("export", "Rich", "-o", target) == Ended(0, "", "")
    assert target.read_text(encoding="utf-8") == expected
    assert run("export", "rich").out == expected
    again = run("import", source)
    assert (again.code, again.out) == (2, "")
    assert "--replace" in again.err
    assert run("import", "-", "--replace", stdin=rich_bundle()).code == 0
    assert run("export", "rich").out == expected


def test_a_bad_bundle_is_told_whole_and_nothing_is_stored(run: Run, tmp_path: Path, database_url: str) -> None:
    source = tmp_path / "bad.json"
    bad = json.loads(rich_bundle())
    bad["tracks"][0]["stages"][0]["criteria"][0]["criteria"][0]["max"] = 0
    bad["marks"][0]["judge"] = "J9"
    bad["surprise"] = 1
    source.write_text(json.dumps(bad), encoding="utf-8")
    ended = run("import", source)
    assert (ended.code, ended.out) == (2, "")
    for place in ("tracks[0].stages[0].criteria[0].criteria[0].max", "marks[0].judge", "surprise"):
        assert any(line.startswith(place) for line in ended.err.splitlines()), ended.err
    database = Database(make_engine(database_url))
    with database.reading() as session:
        assert session.scalars(select(Contest)).all() == []
    database.engine.dispose()


@pytest.mark.parametrize("words", [
    ("import", "nowhere.json"), ("import", "/"), ("export", "nowhere"), ("check", "nowhere"), ("rebuild", "nowhere"),
    ("phase", "nowhere"), ("link", "nowhere", "--role", "chief"), ("link", "nowhere"), ("restore", "nowhere.tgz"),
    ("backup", "/nowhere/b.tgz"), ("user", "add", "x", "--role", "king"), ("link", "x", "--role", "king"), ("nothing",),
    ("export",), ("score",), ("score", "nowhere.json"), ("serve", "--port", "x"),
])  # fmt: skip
def test_bad_input_is_two_and_a_sentence(run: Run, words: tuple[str, ...]) -> None:
    ended = run(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.strip()
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("url", [
    "postgresql://127.0.0.1:1/leitai", "sqlite:////nowhere/at/all.db", "mysql://x", "postgresql://[::1", "x",
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_cannot_be_reached_gives_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("LEITAI_DATABASE_URL", url)
    monkeypatch.setenv("LEITAI_SECRET_KEY", "x" * 32)
    for words in (("export", "x"), ("serve", "--port", "18999")):
        ended = run(*words)
        assert (ended.code, ended.out) == (2, "")
        assert len(ended.err.strip().splitlines()) == 1


def test_phase(run: Run) -> None:
    run("import", WEIHAI / "welder.json")
    shown = f"{WELDER}/welder\t"
    assert run("phase", WELDER).out == shown + "scoring\n"
    refused = run("phase", WELDER, "notice")
    assert (refused.code, refused.out) == (1, "")
    assert "理论(机考)" in refused.err
    assert run("phase", WELDER, "notice", "--force").code == 2
    assert run("phase", f"{WELDER}/welder", "notice", "--force", "--reason", "x") == Ended(0, shown + "notice\n", "")
    assert run("phase", f"{WELDER}/nothing").code == 2
    assert run("phase", WELDER, "judging").code == 2


def test_link(run: Run, database_url: str) -> None:
    run("import", WEIHAI / "welder.json")
    database = Database(make_engine(database_url))
    roles = []
    for words in (("--judge", "j1"), ("--judge", "J1"), ("--role", "chief"), ("--role", "recorder", "--user", "王芳")):
        ended = run("link", WELDER, *words)
        address, *code = ended.out.splitlines()
        assert address.startswith("https://leitai.example/in/")
        assert len(code) > 15, "no QR code"
        with database.transaction() as session:
            token = address.rpartition("/")[2]
            result = accounts.use_link(session, token, browser_secret="b", now=clock.now())
            roles.append((result.start_url_role, result.actor.name))
    assert roles[0] == roles[1]
    assert roles[2:] == [("chief", "裁判长"), ("recorder", "王芳")]
    with database.reading() as session:
        grants = session.scalars(select(Grant).where(Grant.role == "judge")).all()
        assert len(grants) == 1
        assert grants[0].judge_id is not None
    assert run("link", WELDER, "--role", "coder", "--user", "王芳").code == 1, "a recorder is no coder"
    assert run("link", WELDER, "--judge", "J99").code == 2
    database.engine.dispose()


def test_user_add(run: Run, database_url: str) -> None:
    run("import", WEIHAI / "welder.json")
    words = ("user", "add", "anna", "--role", "organiser", "--contest", WELDER, "--password-stdin")
    assert run(*words, stdin="short\n").code == 2
    assert run(*words, stdin="correct horse 7\n").code == 0
    assert run("user", "add", "Anna", "--role", "awards", "--password-stdin", stdin="ignored horse\n").code == 0
    nowhere = ("user", "add", "x", "--role", "unit", "--unit", "nowhere", "--password-stdin")
    assert run(*nowhere, stdin="long enough 77\n").code == 2
    database = Database(make_engine(database_url))
    result = entering.sign_in(
        database, LocalHasher(), Vault(["any"]), login="anna", password="correct horse 7", now=clock.now()
    )
    with database.transaction() as session:
        assert isinstance(result, accounts.SignInResult)
        assert {grant.role for grant in result.actor.grants} == {"organiser", "awards"}
        assert session.scalars(select(Person.login)).all() == ["anna"], "a refused command made someone"
        assert session.scalars(select(Audit.actor).where(Audit.action == "role.grant")).all() == ["console", "console"]
    database.engine.dispose()


def test_user_codes_off(run: Run, database_url: str) -> None:
    run("import", WEIHAI / "welder.json")
    made = ("user", "add", "anna", "--role", "organiser", "--password-stdin")
    assert run(*made, stdin="correct horse 7\n").code == 0
    off = ("user", "codes-off", "anna", "--reason", "phone lost")
    assert run(*off).code == 2, "there are none"
    database = Database(make_engine(database_url))
    with database.transaction() as session:
        session.scalars(select(Person)).one().totp_sealed = "sealed"
    assert run("user", "codes-off", "nobody", "--reason", "phone lost").code == 2
    assert run(*off).code == 0
    with database.reading() as session:
        assert session.scalars(select(Person.totp_sealed)).one() is None
        assert session.scalars(select(Audit.reason).where(Audit.action == "totp.take_off")).one() == "phone lost"
    database.engine.dispose()


def test_check_finds_what_a_board_says_otherwise(run: Run, database_url: str) -> None:
    run("import", WEIHAI / "welder.json")
    assert run("rebuild", WELDER).code == 0
    assert run("check", WELDER) == Ended(0, "No difference.\n", "")
    database = Database(make_engine(database_url))
    with database.transaction() as session:
        board = session.scalars(select(Board)).one()
        rows = [dict(row) for row in board.result["rows"]]
        rows[0]["total"] = "99.99"
        board.result = {**board.result, "rows": rows}
    with database.reading() as session:
        assert session.scalars(select(Board)).one().covers == session.scalar(select(func.max(Change.id)))
    database.engine.dispose()
    found = run("check", f"{WELDER}/welder")
    assert (found.code, found.err) == (1, "")
    assert "99.99" in found.out
    assert run("rebuild", WELDER).code == 1
    assert run("check", WELDER).code == 0
    # A board of what was overwritten is no difference; it is gone until the next fold.
    assert run("import", WEIHAI / "welder.json", "--replace").code == 0
    assert run("check", WELDER).code == 0
    assert run("rebuild", WELDER).code == 0
    assert run("check", WELDER).code == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_config_names_every_setting_and_masks_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEITAI_SECRET_KEY", "do not show this")
    monkeypatch.setenv("LEITAI_DATABASE_URL", "postgresql://u:do-not@h:5433/d?password=not")
    monkeypatch.setenv("LEITAI_REDIS_URL", "redis://:do-not@h/1")
    ended = run("config")
    assert ended.code == 0
    assert "not" not in ended.out
    assert "LEITAI_DATABASE_URL=postgresql://u:***@h:5433/d?***\t(environment)" in ended.out
    assert "LEITAI_MAX_BUNDLE_MB=128\t(default)" in ended.out
    monkeypatch.setenv("LEITAI_MAX_BUNDLE_MB", "a lot")
    monkeypatch.setenv("LEITAI_PUBLIC_ADDRESS", "http://x")
    ended = run("config")
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 2)


def test_an_older_database_is_left_to_serve(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "head", lambda: "9999")
    ended = run("export", "x")
    assert ended.code == 2
    assert "leitai serve" in ended.err


def test_a_newer_database_is_left_alone(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEITAI_SECRET_KEY", "x" * 32)
    database = Database(make_engine(database_url))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for words in (("export", "x"), ("serve", "--port", "18999")):
        ended = run(*words)
        assert (ended.code, ended.out) == (2, "")
        assert "newer" in ended.err
    assert schema.current(database) == "9999"
    database.engine.dispose()


def test_a_new_database_is_made(run: Run, database_url: str) -> None:
    database = Database(make_engine(database_url))
    schema.downgrade(database)
    database.engine.dispose()
    assert run("import", WEIHAI / "welder.json").code == 0


def test_score_loads_no_web_and_no_database() -> None:
    script = (
        "import sys; from competition.cli import main\n"
        "try: main(['score', sys.argv[1]])\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'flask', 'werkzeug', 'sqlalchemy', 'alembic', 'gevent', 'jinja2', 'psycopg', 'babel', 'judges'}\n"
        "print(code, sorted(heavy & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(WEIHAI / "welder.json")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stderr.strip() == "0 []"
    assert json.loads(done.stdout) == json.loads((WEIHAI / "welder.results.json").read_text(encoding="utf-8"))


def test_backup_and_restore(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEITAI_SECRET_KEY", "the-secret-key")
    run("import", WEIHAI / "welder.json")
    run("rebuild", WELDER)
    before = run("export", WELDER).out
    uploads = tmp_path / "data" / "uploads"
    (uploads / "a").mkdir(parents=True)
    (uploads / "a" / "报告.pdf").write_bytes(b"%PDF")
    archive = tmp_path / "backup.tar.gz"
    made = run("backup", archive)
    assert (made.code, made.err) == (0, "")
    with tarfile.open(archive) as tar:
        names = set(tar.getnames())
        assert not any(b"the-secret-key" in tar.extractfile(name).read() for name in names)  # type: ignore[union-attr]
    assert {"manifest.json", "uploads/a/报告.pdf"} < names
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".leitai")] == []

    run("import", WEIHAI / "digital.json")
    run("phase", WELDER, "final", "--force", "--reason", "x")
    (uploads / "a" / "报告.pdf").write_bytes(b"other")
    refused = run("restore", archive)
    assert refused.code == 2
    assert "--replace" in refused.err
    assert run("phase", WELDER).out.endswith("final\n")

    assert run("restore", archive, "--replace").code == 0
    assert run("export", WELDER).out == before
    assert run("check", WELDER) == Ended(0, "No difference.\n", "")
    assert run("export", "weihai-2026-digital").code == 2
    assert (uploads / "a" / "报告.pdf").read_bytes() == b"%PDF"
    # What is restored goes on: numbers continue where they stopped.
    assert run("import", WEIHAI / "welder.json", "--replace").code == 0
    assert run("export", WELDER).out == before


def test_a_backup_is_consistent_while_others_write(run: Run, database_url: str, tmp_path: Path) -> None:
    """Every transaction writes two rows; a backup that had taken half of one would hold an odd number."""
    archive, ended, begun = tmp_path / "backup.tar.gz", threading.Event(), threading.Event()
    database = Database(make_engine(database_url))
    written = 0

    def write() -> None:
        nonlocal written
        while not ended.is_set():
            with database.transaction() as session:
                for _ in range(2):
                    audit.note(session, CONSOLE, "test.write", "x", now=clock.now())
                    session.flush()
            written += 2
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(10)
        before = written
        assert run("backup", archive).code == 0
    finally:
        ended.set()
        writer.join()
    assert run("restore", archive, "--replace").code == 0
    with database.reading() as session:
        kept = session.scalar(select(func.count()).select_from(Audit)) or 0
    database.engine.dispose()
    assert before <= kept <= written
    assert kept % 2 == 0


def test_restore_into_an_empty_installation(run: Run, database_url: str, tmp_path: Path) -> None:
    run("import", WEIHAI / "welder.json")
    before = run("export", WELDER).out
    archive = tmp_path / "backup.tar.gz"
    assert run("backup", archive).code == 0
    database = Database(make_engine(database_url))
    schema.downgrade(database)
    database.engine.dispose()
    assert run("restore", archive).code == 0
    assert run("export", WELDER).out == before


def test_a_damaged_backup_changes_nothing(run: Run, tmp_path: Path) -> None:
    run("import", WEIHAI / "welder.json")
    before = run("export", WELDER).out
    archive, broken = tmp_path / "backup.tar.gz", tmp_path / "broken.tar.gz"
    run("backup", archive)
    whole = archive.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"not at all", whole[:300] + b"\x00" + whole[301:]):
        broken.write_bytes(data)
        ended = run("restore", broken, "--replace")
        assert (ended.code, ended.out) == (2, "")
        assert "Traceback" not in ended.err
    for name, change in (("manifest.json", b'{"format": "other"}'), ("database", b"x"), ("evil", b"x")):
        with tarfile.open(archive) as old, tarfile.open(broken, "w:gz") as new:
            for member in old:
                data = old.extractfile(member).read()  # type: ignore[union-attr]
                if member.name.startswith(name):
                    data, member.size = change, len(change)
                new.addfile(member, io.BytesIO(data))
            if name == "evil":
                outside = tarfile.TarInfo("../../evil")
                outside.size = 1
                new.addfile(outside, io.BytesIO(b"x"))
        assert run("restore", broken, "--replace").code == 2
    assert not list(tmp_path.rglob("evil"))
    assert run("export", WELDER).out == before


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_the_tools_of_postgresql(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = run("backup", tmp_path / "b.tgz")
    assert (ended.code, ended.out) == (2, "")
    assert "postgresql-client" in ended.err
    assert not (tmp_path / "b.tgz").exists()
