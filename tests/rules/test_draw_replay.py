"""A published draw is told again from its file alone, and a file that was changed says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from competition.draw import document
from competition.draw.records import Item
from competition.draw.replay import replay_file

ROOT = Path(__file__).resolve().parents[2]
SEED, SALT = "5e" * 32, "a1" * 32


def published() -> dict[str, Any]:
    codes = [f"E{n:02}" for n in range(1, 11)]
    rules = document.rules_document(apart=True, groups=(), fixed={}, stations=False, present_only=True)
    items = [
        Item(document.tag(SALT, "entry", code), document.tag(SALT, "unit", f"u{n % 3}"), "", n != 4)
        for n, code in enumerate(codes)
    ]
    inputs = document.inputs_document(rules, items, None)
    order = list(document.draw_from(inputs, SEED).order)
    salted, ruled = document.salt_hash(SALT), document.digest(document.canonical(rules))
    draw = {
        "name": "cup/t/number", "layer": "number", "first": 21, "state": "revealed", "seed": SEED, "salt": SALT,
        "commitment": document.commitment("cup/t/number", salted, ruled, SEED), "salt_hash": salted,
        "rules_hash": ruled, "inputs_hash": document.inputs_hash(inputs), "result_hash": document.result_hash(order),
        "inputs": inputs, "result": order, "entries": {document.tag(SALT, "entry", code): code for code in codes},
    }  # fmt: skip
    return {"format": "leitai.draw/1", "contest": "cup", "track": "t", "draws": [draw]}


def test_the_order_is_told_with_its_numbers() -> None:
    lines, same = replay_file(json.dumps(published()))
    assert same
    told = [line.split("\t") for line in lines if "\t" in line]
    assert [int(number) for number, _code in told] == list(range(21, 31))
    assert {code for _number, code in told} == {f"E{n:02}" for n in range(1, 11)}
    assert told[-1][1] == "E05"  # who was absent


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "00" * 32},
        {"commitment": "0" * 64},
        {"salt": "00" * 32},
        {"rules_hash": "0" * 64},
        {"inputs_hash": "0" * 64},
        {"result_hash": "0" * 64},
        {"name": "cup/other/number"},
        {"seed": None},
        {"inputs": None},
        {"entries": {}, "result": ["x"]},
    ],
    ids=lambda change: "-".join(change),
)
def test_whatever_was_changed_is_seen(change: dict[str, Any]) -> None:
    file = published()
    file["draws"][0] |= change
    assert not replay_file(json.dumps(file))[1]


@pytest.mark.parametrize("place", ["unit", "present", "places"])
def test_inputs_that_were_changed_are_seen(place: str) -> None:
    file = published()
    inputs = file["draws"][0]["inputs"]
    if place == "places":
        inputs["places"][0][2] = 99
    else:
        inputs["items"][0][{"unit": 1, "present": 3}[place]] = None if place == "unit" else False
    assert not replay_file(json.dumps(file))[1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"draws": 3}', '{"draws": [{}]}', '{"draws": []}'])
def test_what_is_no_draw_is_told_in_a_sentence(text: str) -> None:
    lines, same = replay_file(text)
    assert not same and lines


def test_the_command_needs_no_database(tmp_path: Path) -> None:
    file = tmp_path / "draw.json"
    file.write_text(json.dumps(published()), encoding="utf-8")

    def run(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "competition.cli", "draw", str(path), "--replay"],
            env={"LEITAI_DATABASE_URL": "sqlite:////nowhere/at/all.db", "LEITAI_DATA_DIR": "/nowhere"},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

    done = run(file)
    assert (done.returncode, done.stderr) == (0, "") and "order agrees" in done.stdout
    broken = published()
    broken["draws"][0]["seed"] = "00" * 32
    file.write_text(json.dumps(broken), encoding="utf-8")
    assert run(file).returncode == 1
