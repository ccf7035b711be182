"""The worked contests and the official results, to the last digit."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from competition.bundle.rules import canonical, read_bundle, results, write_bundle
from competition.bundle.score import main

DATA = Path(__file__).resolve().parents[1] / "data"
SAMPLES = Path(__file__).resolve().parents[2] / "competition" / "samples"
WEIHAI = ("achievement", "digital", "welder")
OFFICIAL = {
    "isu-gp-2016-progressive-skate-america": 78,
    "isu-gp-2016-skate-canada-international": 80,
    "olympic-halfpipe-2026": 12,
}


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", WEIHAI)
def test_the_worked_results_of_weihai(name: str) -> None:
    path = DATA / "weihai" / f"{name}.json"
    want = load(DATA / "weihai" / f"{name}.results.json")
    assert results(read_bundle(path.read_bytes())) == want
    stdout, stderr = io.StringIO(), io.StringIO()
    assert main([str(path)], stdout=stdout, stderr=stderr) == 0
    assert (json.loads(stdout.getvalue()), stderr.getvalue()) == (want, "")


@pytest.mark.parametrize("name", WEIHAI)
def test_the_program_carries_the_same_contests(name: str) -> None:
    assert (SAMPLES / f"{name}.json").read_bytes() == (DATA / "weihai" / f"{name}.json").read_bytes()


@pytest.mark.parametrize(("name", "performances"), OFFICIAL.items())
def test_the_official_results(name: str, performances: int) -> None:
    found = results(read_bundle((DATA / "official" / f"{name}.json").read_bytes()))
    assert all(track["complete"] for track in found["tracks"])
    rows = {(track["code"], row["entry"]): row for track in found["tracks"] for row in track["ranking"]}
    want = load(DATA / "official" / f"{name}.official.json")
    assert len(want) == len(rows) == performances
    for one in want:
        row = rows[one["track"], one["entry"]]
        assert (row["rank"], row["total"]) == (one["rank"], one["total"]), one
        if "components" in one:
            assert row["stages"]["components"] == one["components"], one


BUNDLES = [f"weihai/{name}" for name in WEIHAI] + [f"official/{name}" for name in OFFICIAL]


@pytest.mark.parametrize("name", BUNDLES)
def test_canonical_form_is_a_fixed_point(name: str) -> None:
    first = read_bundle((DATA / f"{name}.json").read_bytes())
    text = write_bundle(first)
    again = read_bundle(text.encode())
    assert write_bundle(again) == text
    assert canonical(again) == canonical(first)
    assert results(again) == results(first)
