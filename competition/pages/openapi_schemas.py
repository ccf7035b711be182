"""The forms that `/api/v1` speaks, as JSON Schema (2020-12): the component schemas of its OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

EVENTS: Final = (
    "open", "mark", "submit", "time", "adjust", "absent", "recuse", "status", "reopen", "window", "freeze",
)  # fmt: skip
"""The messages of `POST /api/v1/marks`; a test compares them with those the desk takes."""


def thing(must: Schema, may: Schema | None = None, *, closed: bool = False) -> Schema:
    made: Schema = {"type": "object", "properties": {**must, **(may or {})}, "required": list(must)}
    return {**made, "additionalProperties": False} if closed else made


def each(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def only(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
YES_NO: Final[Schema] = {"type": "boolean"}
MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
MAYBE_COUNT: Final[Schema] = {"type": ["integer", "null"], "minimum": 0}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
AMOUNT: Final[Schema] = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
MAYBE_AMOUNT: Final[Schema] = {"type": ["string", "null"], "pattern": r"^-?\d+(\.\d+)?$"}
ANY_AMOUNT: Final[Schema] = {"type": ["string", "integer", "null"]}
UUID: Final[Schema] = {"type": "string", "format": "uuid"}
STATE: Final = only("live", "frozen", "final")

BESIDE: Final[Schema] = {
    "ties": TEXT,
    "tie_break": each(TEXT),
    "complete": YES_NO,
    "stages": each(thing({"code": TEXT, "title": TEXT, "weight": AMOUNT})),
}
DELTA: Final[Schema] = {
    "contest": TEXT, "track": TEXT, "base": COUNT, "version": COUNT, "state": STATE, "as_of": MOMENT,
    "rows": each(ref("BoardRow")), "gone": each(TEXT),
}  # fmt: skip
MESSAGE: Final[Schema] = {
    "op": {**UUID, "description": "Made by the client; the same op again gets the same answer. Not for `open`."},
    "track": TEXT, "stage": TEXT, "entry": {"type": ["string", "integer", "null"]},
    "criterion": TEXT, "attempt": {"type": "integer", "minimum": 1}, "judge": MAYBE_TEXT, "value": ANY_AMOUNT,
    "base": {"oneOf": [COUNT, thing({"after": UUID}, closed=True)]},
    "seconds": ANY_AMOUNT, "amount": ANY_AMOUNT, "on": YES_NO, "status": TEXT, "status_from": MAYBE_TEXT,
    "state": TEXT, "reason": MAYBE_TEXT,
}  # fmt: skip

SCHEMAS: Final[dict[str, Schema]] = {
    "Error": thing({"ok": {"const": False}, "error": ref("ErrorWords")}),
    "ErrorWords": {
        **thing({"message": TEXT}, {"code": TEXT, "field": MAYBE_TEXT}),
        "description": "A sentence that says what to do; `code` and `field` for programs (uploads tell the sentence "
        "alone). A refusal may carry more: a conflict the stored value and revision.",
    },
    "Board": {
        "title": "leitai.board/1",
        **thing(
            {"format": {"const": "leitai.board/1"}, "contest": TEXT, "track": TEXT, "version": COUNT, "state": STATE,
             "as_of": MOMENT, **BESIDE, "rows": each(ref("BoardRow"))},
            {"freeze": ref("Freeze")},
        ),
    },
    "Freeze": thing({"at": MOMENT, "reason": TEXT}),
    "BoardRow": thing(
        {"key": TEXT, "rank": MAYBE_COUNT, "order": TEXT, "status": TEXT, "number": MAYBE_COUNT,
         "total": MAYBE_AMOUNT, "so_far": AMOUNT, "stages": {"type": "object", "additionalProperties": MAYBE_AMOUNT},
         "progress": thing({"marked": COUNT, "expected": COUNT}), "reopened": YES_NO},
        {"title": TEXT, "organisation": MAYBE_TEXT, "prize": thing({"code": TEXT, "title": TEXT})},
    ),
    "Delta": thing(DELTA, {**BESIDE, "freeze": {"oneOf": [ref("Freeze"), {"type": "null"}]}}),
    "Event": {
        "description": "One event of a stream; `data` is JSON of the form that `event` names.",
        "oneOf": [
            thing({"event": {"const": event}, "data": {
                "type": "string", "contentMediaType": "application/json", "contentSchema": ref(form)}}, {"id": TEXT})
            for event, form in (("snapshot", "Board"), ("delta", "Delta"), ("reset", "Reset"), ("ping", "Ping"))
        ],
    },
    "Reset": thing({"version": COUNT}),
    "Ping": thing({"version": {"type": ["integer", "string"]}, "at": MOMENT}),
    "Results": {
        "title": "leitai.results/1",
        **thing(
            {"format": {"const": "leitai.results/1"}, "contest": TEXT,
             "tracks": each(thing({"code": TEXT, "complete": YES_NO, "ranking": each(ref("ResultRow"))}))},
            {"teams": each(thing({"rank": WHOLE, "organisation": TEXT, "points": AMOUNT})),
             "recommendations": each(thing({
                 "scheme": TEXT, "recommended": each(TEXT), "reserve": each(TEXT),
                 "excluded": each(thing({"entry": TEXT, "reason": MAYBE_TEXT}))}))},
        ),
    },
    "ResultRow": thing({
        "rank": MAYBE_COUNT, "entry": TEXT, "status": TEXT, "total": MAYBE_AMOUNT,
        "stages": {"type": "object", "additionalProperties": MAYBE_AMOUNT}, "prize": MAYBE_TEXT}),
    "Message": {
        **thing({"event": only(*EVENTS), "contest": TEXT}, MESSAGE),
        "description": "A message of the judging protocol; docs/protocol.md says which words each event has and who "
        "may send it. Amounts are decimal strings or integers, never JSON fractions.",
    },
    "Answer": {
        "oneOf": [
            {**thing({"ok": {"const": True}}, {"op": UUID, "revision": COUNT, "at": MOMENT}),
             "description": "`mark`: op, revision, at, after the durable commit. `open`: the whole state of the desk."},
            ref("Error"),
        ]
    },
    "Upload": thing({
        "key": TEXT, "name": TEXT, "state": only("uploading", "checking", "ready", "refused", "deleted"),
        "size": COUNT, "sha256": MAYBE_TEXT, "problems": each(TEXT)}),
    "Job": {
        "title": "leitai.job/1",
        **thing({
            "format": {"const": "leitai.job/1"}, "key": TEXT, "title": TEXT,
            "state": only("waiting", "running", "done", "failed", "cancelled"), "done": COUNT, "total": MAYBE_COUNT,
            "message": TEXT, "lines": each(TEXT), "errors": each(TEXT),
            "file": {"oneOf": [thing({"name": TEXT, "bytes": COUNT, "url": TEXT}), {"type": "null"}]},
            "link": MAYBE_TEXT}),
    },
    "Check": thing({
        "ok": {"const": True}, "missing": {"type": "object", "additionalProperties": each(TEXT)}, "notes": {},
        "count": COUNT}),
    "Units": thing({"units": each(thing({"code": TEXT, "name": TEXT, "above": TEXT, "kind": TEXT}))}),
}  # fmt: skip
