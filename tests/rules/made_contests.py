"""Random small contests that reach the rarer sentences of bundle.md: cuts, attempts, ties, statuses, absent judges."""

from __future__ import annotations

import random
from typing import Any


def bundle(rng: random.Random) -> dict[str, Any]:
    judges = [f"J{i}" for i in range(1, rng.randint(2, 6))]
    orgs = ["oa", "ob", "oc"]
    tracks, entries, panels, marks, absences, recusals, adjustments, timings = [], [], [], [], [], [], [], []
    number = 0
    for t in range(rng.choice([1, 1, 2])):
        track: dict[str, Any] = {"code": f"t{t}", "title": "t", "stages": []}
        codes = [f"{'EFG'[t]}{i:02}" for i in range(rng.randint(1, 9))]
        for code in codes:
            number += 1
            entry: dict[str, Any] = {"code": code, "track": track["code"], "title": code}
            if rng.random() < 0.8:
                entry["organisation"] = rng.choice(orgs)
            if rng.random() < 0.8:
                entry["draw"] = number
            if rng.random() < 0.5:
                entry["attributes"] = {
                    "months": rng.choice([1, 24, "24.0", "x", True, None, 30]),
                    "ok": rng.choice([True, False, 1, "true"]),
                }
            entries.append(entry)
        tie_keys = ["draw"]
        # Few distinct values, so that ties, equal means and halves at the rounding come often.
        full = rng.random() < 0.6
        for s in range(rng.randint(1, 3)):
            stage: dict[str, Any] = {"code": f"s{s}", "title": "s", "criteria": []}
            kinds = []
            for c in range(rng.randint(1, 3)):
                kind = rng.choice(["judgement", "judgement", "measurement", "grade"])
                leaf: dict[str, Any] = {"code": f"c{c}", "title": "c", "max": rng.choice([3, 5, 10]), "kind": kind}
                if kind != "grade":
                    leaf["step"] = rng.choice(["0.5", "0.25", 1])
                    if rng.random() < 0.2:
                        leaf["min"] = -1
                if rng.random() < 0.4:
                    leaf["factor"] = rng.choice(["1.2", "0.5", "0.333", 2])
                kinds.append(leaf)
                stage["criteria"].append(
                    {"code": f"h{c}", "title": "h", "criteria": [leaf]} if rng.random() < 0.2 else leaf
                )
                tie_keys.append(f"criterion:s{s}/c{c}")
            tie_keys += [f"stage:s{s}", f"elapsed:s{s}"]
            over = rng.choice(["judge", "criterion"])
            method = rng.choice(["mean", "median", "trimmed_mean"])
            aggregate: dict[str, Any] = {"over": over, "method": method}
            if method == "trimmed_mean" and rng.random() < 0.5:
                low, high = rng.randint(0, 2), rng.randint(0, 2)
                aggregate |= {"drop_low": low, "drop_high": high}
                if rng.random() < 0.5:
                    aggregate["trim_from"] = low + high + rng.randint(1, 3)
            if rng.random() < 0.9:
                stage["aggregate"] = aggregate
            else:
                over = "judge"
            stage["weight"] = rng.choice([1, "0.3", "0.7", 0])
            stage["places"] = rng.choice([0, 1, 2, 3])
            stage["rounding"] = rng.choice(["half_up", "half_even"])
            count = rng.choice([1, 1, 2, 3])
            split = rng.random() < 0.3 and len(codes) > 1
            choices = ["none", "none", "panel_ratio", "panel_zscore"] + (
                ["judge_zscore"] if over == "judge" and count == 1 else []
            )
            stage["normalise"] = rng.choice(choices)
            stage["attempt_count"] = count
            stage["attempts"] = rng.choice(["best", "last", "mean", "sum"])
            if rng.random() < 0.4:
                advance: dict[str, Any] = {"by": rng.choice(["stage", "total"])}
                if rng.random() < 0.7:
                    advance["top"] = rng.randint(1, 5)
                if rng.random() < 0.4 or "top" not in advance:
                    advance["min"] = rng.choice([1, 3, "4.5"])
                stage["advance"] = advance
            track["stages"].append(stage)
            if split:
                k = rng.randint(0, len(codes))
                groups = [codes[:k], codes[k:]]
                for g in groups:
                    panels.append(
                        {
                            "track": track["code"],
                            "stage": f"s{s}",
                            "judges": rng.sample(judges, rng.randint(1, len(judges))),
                            "entries": g,
                        }
                    )
            else:
                panels.append(
                    {
                        "track": track["code"],
                        "stage": f"s{s}",
                        "judges": rng.sample(judges, rng.randint(1, len(judges))),
                    }
                )
                if rng.random() < 0.3 and not stage["normalise"].startswith("panel"):
                    panels.append(
                        {
                            "track": track["code"],
                            "stage": f"s{s}",
                            "judges": rng.sample(judges, 1),
                            "entries": codes[:2],
                        }
                    )
            for code in codes:
                for attempt in range(1, count + 1):
                    if attempt > 1 and rng.random() < 0.5:
                        continue
                    for leaf in kinds:
                        lo = int(leaf.get("min", 0))
                        step = {"0.5": 0.5, "0.25": 0.25, 1: 1}.get(leaf.get("step"), 1)
                        for j in [None] if leaf["kind"] == "measurement" else judges:
                            if not full and rng.random() < 0.02:
                                continue
                            value = (
                                rng.randint(0, 3)
                                if leaf["kind"] == "grade"
                                else str(lo + step * rng.randint(0, min(6, int((leaf["max"] - lo) / step))))
                            )
                            mark = {
                                "track": track["code"],
                                "stage": f"s{s}",
                                "entry": code,
                                "criterion": leaf["code"],
                                "attempt": attempt,
                                "value": value,
                            }
                            if j:
                                mark["judge"] = j
                            marks.append(mark)
                if rng.random() < 0.15:
                    adjustments.append(
                        {
                            "track": track["code"],
                            "stage": f"s{s}",
                            "entry": code,
                            "amount": rng.choice(["-5", "0.005", "-0.5", 1]),
                            "reason": "r",
                        }
                    )
                if rng.random() < 0.4:
                    timings.append(
                        {
                            "track": track["code"],
                            "stage": f"s{s}",
                            "entry": code,
                            "seconds": rng.choice([10, "10.5", 20]),
                        }
                    )
            if rng.random() < 0.2:
                absence = {"judge": rng.choice(judges), "track": track["code"], "stage": f"s{s}"}
                if rng.random() < 0.5:
                    absence["entry"] = rng.choice(codes)
                absences.append(absence)
        for entry in entries:
            if entry["track"] == track["code"] and rng.random() < 0.12:
                entry["status"] = rng.choice(["absent", "withdrawn", "disqualified"])
                if rng.random() < 0.6:
                    entry["status_from"] = rng.choice(track["stages"])["code"]
        for code in codes:
            if rng.random() < 0.08:
                recusals.append({"judge": rng.choice(judges), "entry": code, "reason": "r"})
        track["ranking"] = {
            "places": rng.choice([0, 1, 2]),
            "rounding": rng.choice(["half_up", "half_even"]),
            "tie_break": rng.sample(tie_keys, rng.randint(0, min(2, len(tie_keys)))),
            "ties": rng.choice(["shared", "dense"]),
        }
        track["prizes"] = []
        for p in range(rng.randint(0, 4)):
            prize: dict[str, Any] = {"code": f"p{p}", "title": "p", "ties": rng.choice(["extend", "pass"])}
            if rng.random() < 0.5:
                prize["count"] = rng.randint(0, 3)
            else:
                prize |= {"share": rng.choice(["0.1", "0.25", "0.5"]), "round": rng.choice(["up", "down", "half_up"])}
            if rng.random() < 0.4:
                prize["min_score"] = rng.choice([2, "4.5", 8])
            track["prizes"].append(prize)
        tracks.append(track)
    out: dict[str, Any] = {
        "format": "leitai.bundle/1",
        "contest": {
            "code": "x",
            "title": "x",
            "kind": rng.choice(["skill", "digital"]),
            "level": "city",
            "year": 2026,
            "board": {"identity": "entry"},
        },
        "organisations": [{"code": o, "name": o, "kind": "enterprise"} for o in orgs],
        "judges": [{"code": j, "name": j} for j in judges],
        "tracks": tracks,
        "entries": entries,
        "panels": panels,
        "recusals": recusals,
        "absences": absences,
        "marks": marks,
        "adjustments": adjustments,
        "timings": timings,
    }
    if rng.random() < 0.5:
        out["team_points"] = {"points": [3, "2.5", 1], "others": rng.choice([0, 1])}
    if rng.random() < 0.7:
        scheme: dict[str, Any] = {"code": "z", "title": "z"}
        if rng.random() < 0.5:
            scheme["quota"] = rng.randint(0, 3)
        if rng.random() < 0.4:
            scheme["requires"] = [
                rng.choice(
                    [
                        {"attribute": "months", "min": 24},
                        {"attribute": "ok", "equals": True},
                        {"attribute": "ok", "equals": 1},
                    ]
                )
            ]
        if rng.random() < 0.3:
            scheme["kinds"] = ["skill"]
        if rng.random() < 0.3 and all(t["prizes"] for t in tracks):
            scheme["prizes"] = ["p0"]
        if rng.random() < 0.3:
            scheme["per_track"] = 1
        if rng.random() < 0.4:
            scheme["per_organisation"] = 1
        out["schemes"] = [scheme]
    return out
