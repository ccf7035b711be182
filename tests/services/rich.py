"""A made-up contest that holds a bit of everything a bundle can say."""

from __future__ import annotations

import json
from typing import Any


def rich_bundle(*, without_evidence: bool = False) -> str:
    where = {"track": "solo", "stage": "theory"}

    def mark(entry: str, judge: str | None, criterion: str, value: object, attempt: int = 1) -> dict[str, Any]:
        return {**where, "entry": entry, "judge": judge, "criterion": criterion, "attempt": attempt, "value": value}

    evidence = {
        "recusals": [{"judge": "J1", "entry": "B", "reason": "同单位"}, {"judge": "J2", "entry": "T1"}],
        "absences": [
            {"judge": "J2", **where, "entry": "A", "reason": "离席"},
            {"judge": "J3", "track": "solo", "stage": "theory"},
        ],
        "marks": [
            mark("A", "J1", "fit", "12.50"),
            mark("A", "J1", "polish", 3),
            mark("A", None, "length", "-0.25"),
            mark("A", "J1", "fit", "13", 2),
            mark("A", "J1", "polish", 0, 2),
            mark("A", "J2", "length", 7, 2),
            mark("B", "J2", "fit", 20),
            mark("B", "J2", "polish", 2),
            # Of a judge in no panel, kept and not counted.
            {"track": "team", "stage": "show", "entry": "T1", "judge": "J1", "criterion": "whole", "value": "1.005"},
            {"track": "team", "stage": "show", "entry": "T1", "judge": "J3", "criterion": "whole", "value": 100},
        ],
        "drafts": [
            # A sheet never submitted, and a cell that a submitted one had left empty.
            mark("C", "J1", "fit", "0.5"),
            mark("C", None, "length", 1),
            mark("B", None, "length", "2.5"),
            mark("B", "J2", "fit", 19, 2),
        ],
        "adjustments": [
            {**where, "entry": "A", "amount": "-5", "reason": "超时"},
            {**where, "entry": "A", "amount": "-5", "reason": "超时"},
            {**where, "entry": "B", "amount": 2},
        ],
        "timings": [{**where, "entry": "A", "seconds": "3541.20"}, {**where, "entry": "B", "seconds": 0}],
    }
    standing = {"status": "disqualified", "status_from": "final"}
    return json.dumps(
        {
            "format": "leitai.bundle/1",
            "contest": {
                "code": "rich",
                "title": "样样都有 <&>",
                "kind": "challenge",
                "level": "county",
                "year": 2026,
                "board": {"identity": "entry", "public": False, "counts": "submitted"},
                "rehearsal": True,
            },
            "organisations": [
                {"code": "ws", "name": "威海船厂", "kind": "enterprise", "parent": "huancui"},
                {"code": "huancui", "name": "环翠区", "kind": "district"},
            ],
            "judges": [
                {"code": "J1", "name": "甲", "organisation": "ws"},
                {"code": "J2", "name": "乙"},
                {"code": "J3", "name": "丙"},
            ],
            "tracks": [
                {
                    "code": "solo",
                    "title": "单人",
                    "stages": [
                        {
                            "code": "theory",
                            "title": "理论",
                            "weight": "0.30",
                            "criteria": [
                                {
                                    "code": "work",
                                    "title": "作业",
                                    "note": "按件评",
                                    "criteria": [
                                        {
                                            "code": "fit",
                                            "title": "配合",
                                            "min": "0.5",
                                            "max": 20,
                                            "step": "0.5",
                                            "factor": "1.5",
                                        },
                                        {
                                            "code": "deep",
                                            "title": "细处",
                                            "criteria": [
                                                {
                                                    "code": "polish",
                                                    "title": "光洁",
                                                    "max": 9,
                                                    "kind": "grade",
                                                    "descriptors": ["差", "中", "良", "优"],
                                                }
                                            ],
                                        },
                                    ],
                                },
                                {
                                    "code": "length",
                                    "title": "长度",
                                    "min": -1,
                                    "max": 10,
                                    "kind": "measurement",
                                    "note": "",
                                },
                            ],
                            "aggregate": {"over": "judge", "method": "trimmed_mean"},
                            "attempts": "mean",
                            "attempt_count": 2,
                            "places": 3,
                            "rounding": "half_even",
                            "advance": {"by": "stage", "top": 2, "min": "10.50"},
                        },
                        {
                            "code": "final",
                            "title": "决赛",
                            "criteria": [{"code": "all", "title": "总评", "max": 10}],
                            "aggregate": {"over": "criterion", "method": "median"},
                            "normalise": "panel_ratio",
                        },
                    ],
                    "ranking": {
                        "places": 1,
                        "tie_break": ["stage:final", "criterion:theory/fit", "elapsed:theory", "draw"],
                        "ties": "dense",
                    },
                    "prizes": [
                        {"code": "gold", "title": "金奖", "count": 1, "ties": "pass"},
                        {"code": "silver", "title": "银奖", "share": "0.50", "round": "half_up", "min_score": "60.0"},
                    ],
                },
                {
                    "code": "team",
                    "title": "团体",
                    "phase": "review",
                    "stages": [
                        {
                            "code": "show",
                            "title": "展示",
                            "criteria": [{"code": "whole", "title": "整体", "max": 100}],
                            "normalise": "judge_zscore",
                        }
                    ],
                },
            ],
            "entries": [
                {
                    "code": "B",
                    "track": "solo",
                    "title": "乙作",
                    "draw": 2,
                    "organisation": "ws",
                    "members": [{"name": "张三"}, {"name": "李四"}],
                    "attributes": {
                        "months": 26,
                        "ratio": 2.50,
                        "text": "2.5",
                        "yes": True,
                        "big": 123456789012345678901234567890,
                    },
                },
                {"code": "A", "track": "solo", "title": "甲作", "draw": 1, "attributes": {"months": 12}},
                {"code": "C", "track": "solo", "title": "丙作", **({} if without_evidence else standing)},
                {"code": "T1", "track": "team", "title": "一队"},
                {"code": "T2", "track": "team", "title": "二队", **({} if without_evidence else {"status": "absent"})},
            ],
            "panels": [
                {**where, "judges": ["J2", "J1"], "entries": ["B", "A"]},
                {**where, "judges": ["J3"], "entries": ["C"]},
                {"track": "solo", "stage": "final", "judges": ["J1", "J2"]},
                {"track": "team", "stage": "show", "judges": ["J3"], "entries": []},
            ],
            **({} if without_evidence else evidence),
            "team_points": {"points": [10, "7.50", 1]},
            "schemes": [
                {
                    "code": "province",
                    "title": "省级",
                    "quota": 1,
                    "kinds": ["skill", "challenge"],
                    "prizes": ["silver", "gold"],
                    "requires": [
                        {"attribute": "months", "min": 24, "max": "36.5"},
                        {"attribute": "ratio", "equals": 2.5},
                        {"attribute": "text", "equals": "2.5"},
                        {"attribute": "yes", "equals": True},
                    ],
                    "per_track": 1,
                    "per_organisation": 0,
                },
                {"code": "open", "title": "不限", "kinds": []},
            ],
        },
        ensure_ascii=False,
    )


def large_bundle(*, entries: int, judges: int, criteria: int) -> str:
    """A contest in which every judge marks every entry by every criterion."""
    where = {"track": "t", "stage": "s"}
    return json.dumps(
        {
            "format": "leitai.bundle/1",
            "contest": {"code": "large", "title": "大", "kind": "skill", "level": "city", "year": 2026},
            "judges": [{"code": f"J{j}", "name": f"J{j}"} for j in range(judges)],
            "tracks": [
                {
                    "code": "t",
                    "title": "T",
                    "stages": [
                        {
                            "code": "s",
                            "title": "S",
                            "criteria": [
                                {"code": f"c{c}", "title": "c", "max": 10, "step": "0.5"} for c in range(criteria)
                            ],
                        }
                    ],
                }
            ],
            "entries": [{"code": f"E{e:04}", "track": "t", "title": "e", "draw": e} for e in range(1, entries + 1)],
            "panels": [{**where, "judges": [f"J{j}" for j in range(judges)]}],
            "marks": [
                {
                    **where,
                    "entry": f"E{e:04}",
                    "judge": f"J{j}",
                    "criterion": f"c{c}",
                    "attempt": 1,
                    "value": f"{(e * 7 + j * 3 + c) % 20 / 2}",
                }
                for e in range(1, entries + 1)
                for j in range(judges)
                for c in range(criteria)
            ],
        }
    )
