"""The house rules that a machine can keep: direction of imports, small modules, no import inside a function."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(file for package in ("competition", "judges") for file in (ROOT / package).rglob("*.py"))
PURE = [file for file in SOURCES if file.name == "rules.py"]
CLOCKS = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|monotonic|perf_counter)|random\.\w+)\(")


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_imports_run_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    program = str(lint) if lint.exists() else shutil.which("lint-imports")
    assert program, "import-linter is part of the dev group"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_long() -> None:
    lengths = {name(file): len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}
    assert {file: lines for file, lines in lengths.items() if lines > 400} == {}


def test_no_drawer_for_everything() -> None:
    drawers = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert [name(file) for file in SOURCES if file.name in drawers] == []


def test_imports_stand_at_the_top() -> None:
    found = []
    for file in SOURCES:
        if name(file).startswith("competition/cli"):
            continue  # the dispatcher: a command imports what it needs and no more
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [
                    f"{name(file)}:{inner.lineno}"
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Import | ast.ImportFrom)
                ]
    assert found == []


@pytest.mark.parametrize("file", PURE, ids=name)
def test_rules_read_no_clock_and_make_no_float(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert CLOCKS.search(text) is None
    floats = [
        f"{name(file)}:{node.lineno}"
        for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]
    assert floats == []


def test_the_map_is_true() -> None:
    text = (ROOT / "competition" / "__init__.py").read_text(encoding="utf-8")
    named = set(re.findall(r"^    (\w+\.py|\w+/|judges/\w+) ", text, re.MULTILINE))
    there = {f"{path.name}/" for path in (ROOT / "competition").iterdir() if path.is_dir() and path.name[0] not in "_."}
    there |= {f"{path.name}" for path in (ROOT / "competition").glob("*.py") if path.name != "__init__.py"}
    there |= {
        f"judges/{path.name}" for path in (ROOT / "judges").iterdir() if path.is_dir() and path.name[0] not in "_."
    }
    assert named - there == set(), "named in the map, but not there"
    assert there - named == set(), "there, but not in the map"
