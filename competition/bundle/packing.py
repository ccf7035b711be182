"""A rule pack into a contest that may have marks: read and checked, compared with the marks, written in place.

Rows of tracks, stages and criteria keep their ids by their codes (`competition.bundle.writing`), so that marks, seats
and entries keep pointing at what they were given for; a pack in which one of them would lose its place is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.bundle.editing import checked
from competition.bundle.marked import misfits
from competition.bundle.writing import write_schemes, write_tracks
from competition.contests import models, packs, queries, records, rules
from competition.contests.changes import note_reset
from competition.contests.pack import FORMAT, Tree, document_of, get_scalar
from competition.recommendation.preview import RuleEffects
from competition.registration.eligibility import parse_rules, put_rules
from competition.scoring.evidence import EvidenceReader
from competition.shared.errors import DomainError


def tools(reader: EvidenceReader) -> packs.Tools:
    """What `contests.packs` is wired with."""
    effects = RuleEffects(reader)
    return packs.Tools(
        read=read_pack,
        effects=lambda session, contest, document: effects(session, contest, definition_of(session, contest, document)),
        write=lambda session, contest, document, actor, now: apply_pack(
            session, contest, document, actor=actor, now=now
        ),
    )


def read_pack(session: Session, contest: models.Contest, document: Mapping[str, Any]) -> Tree:
    """A proposed pack (or an editor's definition document) in canonical form.

    Refuses with every problem (`details["problems"]`: place and sentence): what the bundle's reader refuses, what is no
    eligibility rule, and what stored marks, entries and panels do not fit. A document that is no pack and gives a track
    no eligibility leaves that track's rules as they are.
    """
    kept: dict[str, list[Any]] = {}
    if document.get("format") != FORMAT:
        kept = {track.code.casefold(): list(track.eligibility) for track in packs.tracks_of(session, contest.id)}
    definition = definition_of(session, contest, document)
    eligibility: dict[str, list[Any]] = {}
    problems: list[dict[str, str]] = []
    for place, track in enumerate(document["tracks"]):
        code = str(track["code"])
        if "eligibility" not in track:
            eligibility[code] = kept.get(code.casefold(), [])
            continue
        found, wrong = parse_rules(track["eligibility"])
        eligibility[code] = put_rules(found)
        problems += [
            {"place": f"tracks[{place}].eligibility.{one.where}", "sentence": str(one.sentence)} for one in wrong
        ]
    problems += [{"place": one.place, "sentence": one.sentence} for one in misfits(session, contest, definition)]
    if problems:
        raise DomainError("bad_request", problems[0]["sentence"], problems[0]["place"], problems=problems)
    return document_of(definition, eligibility)


def definition_of(session: Session, contest: models.Contest, document: Mapping[str, Any]) -> rules.Contest:
    """The contest as a pack would make it; of the contest itself all else stays."""
    stored = queries.definition(session, contest.id)
    given = document.get("contest")
    board = given.get("board") if isinstance(given, Mapping) else None
    counts = document.get("counts") or (board.get("counts") if isinstance(board, Mapping) else None) or stored.counts
    tracks = document.get("tracks")
    if not isinstance(tracks, list) or not all(isinstance(track, Mapping) for track in tracks):
        raise DomainError("bad_request", _("规则里没有赛项。"), "tracks")
    head = {
        "code": stored.code,
        "title": stored.title,
        "kind": stored.kind,
        "level": stored.level,
        "year": stored.year,
        "board": {"identity": stored.identity, "public": stored.public, "counts": counts},
        "rehearsal": stored.rehearsal,
    }
    bare = [{key: value for key, value in track.items() if key not in ("eligibility", "phase")} for track in tracks]
    tree: dict[str, Any] = {"contest": head, "tracks": bare}
    tree |= {key: document[key] for key in ("team_points", "schemes") if document.get(key) is not None}
    if isinstance(tree.get("schemes"), list):
        tree["schemes"] = [_scheme(one) for one in tree["schemes"]]
    return checked(tree)


def _scheme(record: Any) -> Any:
    """A scheme with its marked decimals as numbers again."""
    if not isinstance(record, Mapping) or not isinstance(record.get("requires"), list):
        return record
    requires = [
        {**one, "equals": get_scalar(one["equals"])} if isinstance(one, Mapping) and "equals" in one else one
        for one in record["requires"]
    ]
    return {**record, "requires": requires}


def apply_pack(session: Session, contest: models.Contest, document: Tree, *, actor: Actor, now: datetime) -> None:
    """Makes a pack the contest's definition, with each row under its code, and has every board folded anew.

    Checked once more against marks and entries, which may have come since it was proposed. Who may is asked, and the
    log is written, by `contests.packs`.
    """
    canonical = read_pack(session, contest, document)
    definition = definition_of(session, contest, canonical)
    contest.counts = definition.counts
    contest.team_points = records.put_team_points(definition.team_points)
    written = write_tracks(session, contest, definition.tracks)
    eligibility = {track["code"]: track.get("eligibility", []) for track in canonical["tracks"]}
    for row, record in written:
        row.eligibility = eligibility[record.code]
    write_schemes(session, contest.id, definition.schemes)
    session.flush()
    for row, _record in written:
        note_reset(session, row.id, now)
    session.expire_all()
