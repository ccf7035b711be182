"""`leitai score`: what is printed where, and the exit status."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from competition.bundle.score import main
from tests.rules.bundles import bundle, encoded, marks


def run(*paths: Path | str, max_mb: int = 128) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    status = main([str(path) for path in paths], max_mb=max_mb, stdout=stdout, stderr=stderr)
    return status, stdout.getvalue(), stderr.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, tree in (
        ("one", bundle(given=marks({"E1": {"J1": 5}}), contest={"code": "one", "title": "擂台"})),
        ("two", bundle(contest={"code": "two"})),
        ("bad", bundle(contest={"year": "x", "kind": "y"})),
        ("worse", {}),
    ):
        found[name] = tmp_path / f"{name}.json"
        found[name].write_bytes(encoded(tree))
    return found


def test_one_file_is_indented(files: dict[str, Path]) -> None:
    status, out, err = run(files["one"])
    assert (status, err) == (0, "")
    assert len(out.splitlines()) > 10 and out.endswith("}\n")
    assert json.loads(out)["contest"] == "one"


def test_several_are_a_compact_line_each_in_order(files: dict[str, Path]) -> None:
    status, out, err = run(files["two"], files["one"], files["two"])
    assert (status, err) == (0, "")
    assert [json.loads(line)["contest"] for line in out.splitlines()] == ["two", "one", "two"]
    assert ": " not in out and ", " not in out


def test_one_bad_file_is_an_error_for_all_and_every_problem_is_told(files: dict[str, Path], tmp_path: Path) -> None:
    status, out, err = run(files["one"], files["bad"], tmp_path / "none.json", files["worse"])
    assert (status, out) == (2, "")
    lines = err.splitlines()
    assert lines[0] == f"{files['bad']}: contest.kind: {lines[0].split(': ', 2)[2]}"
    assert f"{files['bad']}: contest.year: must be a whole number" in lines
    assert f"{tmp_path / 'none.json'}: cannot be read: No such file or directory" in lines
    assert f"{files['worse']}: tracks: is missing" in lines


def test_the_problems_of_one_file_stand_bare(files: dict[str, Path]) -> None:
    status, out, err = run(files["worse"])
    assert (status, out) == (2, "")
    assert err.splitlines() == ["format: is missing", "contest: is missing", "tracks: is missing"]


def test_a_folder_and_a_file_too_large(files: dict[str, Path], tmp_path: Path) -> None:
    assert run(tmp_path)[0] == 2
    assert run(files["one"], max_mb=0) == (2, "", "the file is larger than 0 bytes\n")


def test_the_standard_input(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(files["one"].read_bytes())))
    status, out, _ = run("-")
    assert status == 0 and json.loads(out)["contest"] == "one"


def test_it_needs_no_web_and_no_database() -> None:
    code = (
        "import sys, competition.bundle.score; "
        "print([name for name in ('flask', 'sqlalchemy', 'gevent', 'click') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
