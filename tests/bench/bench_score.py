"""How long `leitai score` takes beside `json.loads` of the same file, in the same run, and how it grows.

    python tests/bench/bench_score.py [ENTRIES]

A bundle of 500 entries, 9 judges and 20 criteria (90,000 marks) is scored in a process of its own, start-up and
reading included, then one of ten times the entries. Prints; asserts nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (
    "import sys; sys.path.insert(0, sys.argv[1]); from competition.bundle.score import main; "
    "sys.exit(main(sys.argv[2:], max_mb=1024, stdout=sys.stdout, stderr=sys.stderr))"
)
LOADS = "import json, sys; json.loads(open(sys.argv[2], encoding='utf-8').read())"
JUDGES, CRITERIA = 9, 20


def make(entries: int) -> dict[str, object]:
    """A bundle in which every judge marks every entry."""
    criteria = [{"code": f"c{n}", "title": f"标准 {n}", "max": 10, "step": "0.25"} for n in range(CRITERIA)]
    aggregate = {"over": "judge", "method": "trimmed_mean"}
    codes = [f"E{n:05d}" for n in range(entries)]
    judges = [f"J{n}" for n in range(JUDGES)]
    return {
        "format": "leitai.bundle/1",
        "contest": {"code": "bench", "title": "Bench", "kind": "skill", "level": "city", "year": 2026},
        "judges": [{"code": code, "name": code} for code in judges],
        "tracks": [
            {
                "code": "t",
                "title": "T",
                "stages": [{"code": "s", "title": "S", "criteria": criteria, "aggregate": aggregate}],
                "ranking": {"tie_break": ["criterion:s/c0", "draw"]},
                "prizes": [{"code": "first", "title": "一等奖", "share": "0.1"}],
            }
        ],
        "entries": [{"code": code, "track": "t", "title": code, "draw": n} for n, code in enumerate(codes)],
        "panels": [{"track": "t", "stage": "s", "judges": judges}],
        "marks": [
            {
                "track": "t",
                "stage": "s",
                "entry": code,
                "judge": judge,
                "criterion": f"c{c}",
                "attempt": 1,
                "value": f"{(n * 7 + j * 3 + c * 5) % 41 / 4}",
            }
            for n, code in enumerate(codes)
            for j, judge in enumerate(judges)
            for c in range(CRITERIA)
        ],
    }


def best(command: str, path: Path, rounds: int) -> float:
    """The least wall-clock seconds of a process of its own."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", command, str(ROOT), str(path)], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - begun)
    return min(times)


def main() -> None:
    """Prints one line for each size, and the ratio."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for count, rounds in ((entries, 5), (entries * 10, 2)):
            path = Path(folder, f"{count}.json")
            path.write_text(json.dumps(make(count), ensure_ascii=False), encoding="utf-8")
            score, loads = best(COMMAND, path, rounds), best(LOADS, path, rounds)
            measured.append(score)
            marks, size = count * JUDGES * CRITERIA, path.stat().st_size / 2**20
            print(
                f"{marks:>9,} marks {size:7.1f} MB: score {score:6.2f} s, json.loads alone {loads:6.2f} s "
                f"({score / loads:.1f} times)"
            )
    print(f"ten times the marks take {measured[1] / measured[0]:.1f} times as long")


if __name__ == "__main__":
    main()
