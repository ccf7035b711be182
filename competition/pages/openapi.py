"""`/api/v1/openapi.json`: which addresses there are is read from the application, what they say from the table here.

An address of `/api/v1` that has no words here fails a test, and so does a word for an address that is gone.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Flask

from competition.pages.openapi_schemas import SCHEMAS, Schema, each, ref

PREFIX: Final = "/api/v1/"
PLACE: Final = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
OWN: Final = frozenset(("HEAD", "OPTIONS"))
"""What Flask answers by itself, for every view that takes GET."""

TUS: Final[Schema] = {
    "name": "Tus-Resumable", "in": "header", "required": True, "schema": {"const": "1.0.0"},
}  # fmt: skip
OFFSET: Final[Schema] = {"Upload-Offset": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}
CHALLENGE: Final = "Origin (or Referer) must be this site's, and X-CSRFToken the token of its page."


def _json(name: str | Schema, words: str) -> Schema:
    schema = ref(name) if isinstance(name, str) else name
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _bare(words: str, headers: Schema | None = None) -> Schema:
    return {"description": words, **({"headers": headers} if headers else {})}


def _header(name: str, words: str, *, required: bool = False, pattern: str = "") -> Schema:
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"name": name, "in": "header", "required": required, "description": words, "schema": schema}


def _query(name: str, words: str, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "description": words, "schema": {"type": "string"}}


def _errors(*statuses: int) -> Schema:
    words = {
        400: "Not understood", 401: "Not signed in", 403: "Not allowed", 404: "Not there, and why",
        409: "Not as things stand now", 413: "Too large", 415: "Not of a kind that is taken",
        423: "Being sent by another", 429: "Too many requests",
    }  # fmt: skip
    return {str(status): _json("Error", words[status]) for status in statuses}


STREAM: Final[Schema] = {
    "description": "Server-sent events: `snapshot` (Board), `delta` (Delta), `reset` (Reset), `ping` (Ping, every 10 "
    "s); the id of an event is its version.",
    "content": {"text/event-stream": {"schema": ref("Event")}},
}
SINCE: Final = (
    _query("since", "The version the client has; the header Last-Event-ID goes before it."),
    _header("Last-Event-ID", "Set by the browser when it comes back."),
)

TABLE: Final[dict[tuple[str, str], Schema]] = {
    ("/api/v1/openapi.json", "GET"): {
        "summary": "This document",
        "responses": {"200": _json({"type": "object"}, "OpenAPI 3.1")},
        "security": [],
    },
    ("/api/v1/boards/{contest}/{track}", "GET"): {
        "summary": "A board",
        "parameters": [_header("If-None-Match", "The ETag of the version that the client has.")],
        "responses": {"200": _json("Board", "The board as whoever asks may see it"), "304": _bare("The same version"),
                      **_errors(404)},
        "security": [{}, {"session": []}],
    },
    ("/api/v1/boards/{contest}/{track}/events", "GET"): {
        "summary": "A board's changes as they come",
        "parameters": list(SINCE),
        "responses": {"200": STREAM, **_errors(404)},
        "security": [{}, {"session": []}],
    },
    ("/api/v1/stream", "GET"): {
        "summary": "Several boards on one connection",
        "parameters": [_query("boards", "CONTEST/TRACK,CONTEST/TRACK: 1 to 12 of them", required=True), *SINCE],
        "responses": {"200": STREAM, **_errors(400, 404)},
        "security": [{}, {"session": []}],
    },
    ("/api/v1/contests/{code}/results", "GET"): {
        "summary": "A contest's results, from the notice on",
        "responses": {"200": _json("Results", "The results"), **_errors(404)},
        "security": [{}, {"session": []}],
    },
    ("/api/v1/marks", "POST"): {
        "summary": "Messages of the judging protocol, for a tablet without a socket",
        "parameters": [_header("Origin", "This site's own address")],
        "requestBody": {"required": True, "content": {"application/json": {
            "schema": {**each(ref("Message")), "maxItems": 200}}}},
        "responses": {"200": _json(each(ref("Answer")), "The answers, in order"), **_errors(400, 401, 403, 413)},
    },
    ("/api/v1/jobs/{key}", "GET"): {
        "summary": "How far a job is",
        "responses": {"200": _json("Job", "The job"), **_errors(401, 404)},
    },
    ("/api/v1/registrations/{number}/check", "POST"): {
        "summary": "What a registration form still lacks; nothing is stored",
        "description": CHALLENGE,
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": _json("Check", "What is missing, by input"), **_errors(400, 401, 403, 404, 409, 413, 429)},
    },
    ("/api/v1/units", "GET"): {
        "summary": "Units by a part of their name",
        "parameters": [_query("q", "The part"), _query("unions", "1: those that speak for workers of platforms")],
        "responses": {"200": _json("Units", "At most eight"), **_errors(401, 429)},
    },
    ("/api/v1/uploads", "OPTIONS"): {
        "summary": "What of the tus protocol is spoken",
        "responses": {"204": _bare("In the headers", {
            "Tus-Version": {"schema": {"type": "string"}}, "Tus-Extension": {"schema": {"type": "string"}}})},
        "security": [],
    },
    ("/api/v1/uploads", "POST"): {
        "summary": "Begins an upload (tus 1.0.0, creation)",
        "description": CHALLENGE,
        "parameters": [
            _header("Upload-Length", "Bytes", pattern="^[0-9]{1,15}$", required=True),
            _header("Upload-Metadata", "filename, registration and rule, each with its value in Base64", required=True),
        ],
        "responses": {"201": _bare("Begun", {"Location": {"schema": {"type": "string"}}}),
                      **_errors(400, 401, 403, 404, 409, 413, 415, 429)},
    },
    ("/api/v1/uploads/{key}", "HEAD"): {
        "summary": "How far an upload is",
        "parameters": [TUS],
        "responses": {
            "200": _bare("In the headers", {**OFFSET, "Upload-Length": {"schema": {"type": "string"}}}),
            "401": _bare("Not signed in"), "404": _bare("Not there"), "410": _bare("Given up or refused"),
            "412": _bare("Another version of tus"), "429": _bare("Too many requests")},
    },
    ("/api/v1/uploads/{key}", "GET"): {
        "summary": "What became of an upload",
        "responses": {"200": _json("Upload", "The upload"), **_errors(401, 404, 429)},
    },
    ("/api/v1/uploads/{key}", "PATCH"): {
        "summary": "The next bytes",
        "description": CHALLENGE,
        "parameters": [TUS, _header("Upload-Offset", "Where they belong", required=True, pattern="^[0-9]{1,15}$")],
        "requestBody": {"required": True, "content": {"application/offset+octet-stream": {
            "schema": {"type": "string", "format": "binary"}}}},
        "responses": {
            "204": _bare("They are on the disk", OFFSET), "409": _bare("They belong elsewhere", OFFSET),
            "410": _bare("There is no such part any more"), "412": _bare("Another version of tus"),
            **_errors(400, 401, 404, 413, 415, 423, 429)},
    },
    ("/api/v1/uploads/{key}", "DELETE"): {
        "summary": "Gives an upload up",
        "description": CHALLENGE,
        "parameters": [TUS],
        "responses": {"204": _bare("Gone"), "412": _bare("Another version of tus"),
                      **_errors(400, 401, 404, 409, 429)},
    },
}  # fmt: skip


def operations(app: Flask) -> list[tuple[str, str]]:
    """Every address and method of `/api/v1`, as OpenAPI writes them; not what Flask answers by itself."""
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX):
            plain = rule.provide_automatic_options is not False
            methods = set(rule.methods or ()) - (OWN if plain else set())
            found |= {(PLACE.sub(r"{\1}", rule.rule), method) for method in methods}
    return sorted(found)


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of what this application answers."""
    paths: dict[str, Any] = {}
    for path, method in operations(app):
        words = TABLE.get((path, method), {"responses": {"default": _bare("Not described yet")}})
        inside = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in re.findall(r"{([^{}]+)}", path)
        ]
        name = f"{method.lower()}{path.removeprefix(PREFIX[:-1])}".replace("/", "_").replace("{", "").replace("}", "")
        paths.setdefault(path, {})[method.lower()] = {
            "operationId": name, **words, "parameters": [*inside, *words.get("parameters", ())],
        }  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Leitai",
            "version": "1",
            "description": "Boards, results, marks, uploads and jobs. Names are kept; what is here may grow.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "leitai"}},
        },
        "security": [{"session": []}],
    }
