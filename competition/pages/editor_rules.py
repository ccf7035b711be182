"""What decides an outcome, between the editor's forms and the definition document: tracks, stages, ranking, prizes."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.bundle import editing
from competition.contests import describing, entrants
from competition.contests.faults import Faults
from competition.contests.models import Contest, Track
from competition.pages.editor_fields import State
from competition.pages.editor_sections import By
from competition.shared.errors import DomainError

Document = dict[str, Any]


def whole(text: str) -> Any:
    """A count as the document has it; what is no count stays a text, which the reader refuses with its place."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text


def given(**values: Any) -> Document:
    """An object of what was filled in."""
    return {key: value for key, value in values.items() if value not in ("", None, [])}


def track_place(document: Document, code: str) -> int:
    return next(place for place, one in enumerate(document["tracks"]) if one["code"] == code)


def moved(error: DomainError, places: tuple[tuple[str, str], ...]) -> DomainError:
    """The same error with the document's places turned into those of the form."""
    problems: Any = error.details.get("problems")
    if not problems:
        return error
    told = []
    for problem in problems:
        place = problem["place"]
        for pattern, field in places:
            found = re.fullmatch(pattern, place)
            if found:
                place = found.expand(field)
                break
        told.append({"place": place, "sentence": problem["sentence"]})
    return DomainError(error.code, error.message, told[0]["place"], problems=told)


def entrants_state(track: Track) -> State:
    """A track as its row of the form."""
    bounds = entrants.read_entrants(track.entrants)
    return {
        "code": track.code,
        "title": track.title,
        "occupation_code": track.occupation_code,
        "occupation": track.occupation,
        "kind": bounds.kind,
        "min": str(bounds.least) if bounds.teams else "",
        "max": str(bounds.most) if bounds.teams else "",
        "advisers": str(bounds.advisers),
        "groups": list(bounds.groups),
        "blind": "1" if track.blind else "",
    }


def read_tracks(_session: Session, contest: Contest, _track: Track | None) -> State:
    return {"tracks": [entrants_state(track) for track in contest.tracks]}


def new_stage(code: str, title: str) -> Document:
    """A stage that is complete as it stands: one criterion of 100, the mean of the judges."""
    return {"code": code, "title": title, "criteria": [{"code": "c1", "title": _("总评"), "max": "100", "step": "0.5"}]}


def new_track(code: str, title: str) -> Document:
    return {"code": code, "title": title, "stages": [new_stage("final", _("决赛"))]}


def save_tracks(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    describing.authorised(session, contest, by.actor)
    document = editing.document_of(session, contest)
    known = {one["code"]: one for one in document["tracks"]}
    taken = [row["code"] for row in state["tracks"] if row["code"]]
    tracks = []
    for row in state["tracks"]:
        code = row["code"] or describing.free_code("t", [*taken, *known])
        row["code"] = code
        taken.append(code)
        tracks.append({**known.get(code, new_track(code, row["title"])), "title": row["title"] or None})
    changed = {**document, "tracks": tracks}
    done = "saved"
    if changed != document:
        try:
            done = editing.save_rules(session, contest, changed, reason=by.reason, actor=by.actor, now=by.now)
        except DomainError as error:
            raise moved(error, ((r"tracks\[(\d+)\]\.(\w+)", r"tracks.\1.\2"),)) from None
    faults = Faults()
    rows = {track.code: track for track in contest.tracks}
    for place, row in enumerate(state["tracks"]):
        # A track that waits for a second person's yes is not there yet.
        if row["code"] in rows:
            describing.set_entrants(session, rows[row["code"]], place, row, faults)
    faults.check()
    describing.told(
        session, contest, "tracks", actor=by.actor, now=by.now, tracks=[row["code"] for row in state["tracks"]]
    )
    return done


def read_stages(session: Session, contest: Contest, track: Track | None) -> State:
    assert track is not None
    document = editing.document_of(session, contest)
    return {"stages": [_stage_row(stage) for stage in document["tracks"][track_place(document, track.code)]["stages"]]}


def _stage_row(stage: Document) -> State:
    aggregate, advance = stage["aggregate"], stage.get("advance", {})
    trimmed = aggregate["method"] == "trimmed_mean"
    return {
        "code": stage["code"],
        "title": stage["title"],
        "weight": stage["weight"],
        "over": aggregate["over"],
        "method": aggregate["method"],
        **{key: str(aggregate[key]) if trimmed else "" for key in ("drop_high", "drop_low", "trim_from")},
        "places": str(stage["places"]),
        "rounding": stage["rounding"],
        "attempt_count": str(stage["attempt_count"]),
        "attempts": stage["attempts"],
        "normalise": stage["normalise"],
        "top": str(advance.get("top", "")),
        "min": advance.get("min", ""),
        "by": advance.get("by", "total"),
    }


def stage_document(row: State, stage: Document) -> Document:
    """A stage with the rules of a row."""
    trimmed = row["method"] == "trimmed_mean"
    drops = {key: whole(row[key]) if trimmed else "" for key in ("drop_low", "drop_high", "trim_from")}
    advance = given(top=whole(row["top"]), min=row["min"])
    return {
        **{key: stage[key] for key in ("code", "criteria")},
        **given(
            title=row["title"],
            weight=row["weight"],
            aggregate=given(over=row["over"], method=row["method"], **drops),
            places=whole(row["places"]),
            rounding=row["rounding"],
            attempt_count=whole(row["attempt_count"]),
            attempts=row["attempts"],
            normalise=row["normalise"],
            advance={**advance, "by": row["by"]} if advance else None,
        ),
    }


def save_stages(session: Session, contest: Contest, track: Track | None, state: State, by: By) -> str:
    assert track is not None
    describing.authorised(session, contest, by.actor)
    document = editing.document_of(session, contest)
    place = track_place(document, track.code)
    known = {stage["code"]: stage for stage in document["tracks"][place]["stages"]}
    taken = [row["code"] for row in state["stages"] if row["code"]]
    stages = []
    for row in state["stages"]:
        code = row["code"] or describing.free_code("s", [*taken, *known])
        row["code"] = code
        taken.append(code)
        stages.append(stage_document(row, known.get(code) or new_stage(code, row["title"])))
    document["tracks"][place] = {**document["tracks"][place], "stages": stages}
    at = rf"tracks\[{place}\]\.stages"
    places = (
        (at, "stages"),
        (rf"{at}\[(\d+)\]\.aggregate\.(\w+)", r"stages.\1.\2"),
        (rf"{at}\[(\d+)\]\.advance", r"stages.\1.top"),
        (rf"{at}\[(\d+)\]\.advance\.(\w+)", r"stages.\1.\2"),
        (rf"{at}\[(\d+)\]\.(\w+)", r"stages.\1.\2"),
    )
    try:
        return editing.save_rules(session, contest, document, reason=by.reason, actor=by.actor, now=by.now)
    except DomainError as error:
        raise moved(error, places) from None


def read_ranking(session: Session, contest: Contest, track: Track | None) -> State:
    assert track is not None
    document = editing.document_of(session, contest)
    found = document["tracks"][track_place(document, track.code)]
    ranking = found["ranking"]
    return {
        "places": str(ranking["places"]),
        "rounding": ranking["rounding"],
        "ties": ranking["ties"],
        "keys": [{"key": key} for key in ranking["tie_break"]],
        "prizes": [_prize_row(prize) for prize in found["prizes"]],
    }


def _prize_row(prize: Document) -> State:
    return {
        "code": prize["code"],
        "title": prize["title"],
        "count": str(prize.get("count", "")),
        "share": prize.get("share", ""),
        "round": prize["round"],
        "min_score": prize.get("min_score", ""),
        "ties": prize["ties"],
    }


def ranked_document(document: Document, place: int, state: State) -> Document:
    """A document with the ranking and the prizes of a form."""
    taken = [row["code"] for row in state["prizes"] if row["code"]]
    prizes = []
    for row in state["prizes"]:
        code = row["code"] or describing.free_code("p", taken)
        row["code"] = code
        taken.append(code)
        count, share = whole(row["count"]), row["share"]
        rounding = row["round"] if share else ""
        prizes.append(given(
            code=code, title=row["title"], count=count, share=share, round=rounding,
            min_score=row["min_score"], ties=row["ties"],
        ))  # fmt: skip
    ranking = given(
        places=whole(state["places"]), rounding=state["rounding"], ties=state["ties"],
        tie_break=[row["key"] for row in state["keys"] if row["key"]],
    )  # fmt: skip
    tracks = list(document["tracks"])
    tracks[place] = {**tracks[place], "ranking": ranking, "prizes": prizes}
    return {**document, "tracks": tracks}


def ranking_places(place: int) -> tuple[tuple[str, str], ...]:
    at = rf"tracks\[{place}\]"
    return (
        (rf"{at}\.ranking\.tie_break\[(\d+)\]", r"keys.\1.key"),
        (rf"{at}\.ranking\.(\w+)", r"\1"),
        (rf"{at}\.prizes\[(\d+)\]", r"prizes.\1.count"),
        (rf"{at}\.prizes\[(\d+)\]\.(\w+)", r"prizes.\1.\2"),
    )


def save_ranking(session: Session, contest: Contest, track: Track | None, state: State, by: By) -> str:
    assert track is not None
    describing.authorised(session, contest, by.actor)
    document = editing.document_of(session, contest)
    place = track_place(document, track.code)
    try:
        changed = ranked_document(document, place, state)
        return editing.save_rules(session, contest, changed, reason=by.reason, actor=by.actor, now=by.now)
    except DomainError as error:
        raise moved(error, ranking_places(place)) from None


def tie_keys(document: Document, place: int) -> list[tuple[str, str]]:
    """Everything that equal totals may be told apart by, in words."""
    track = document["tracks"][place]
    found = [("", _("请选择"))]
    for stage in track["stages"]:
        found.append((f"stage:{stage['code']}", _("%(stage)s成绩", stage=stage["title"])))
        found.append((f"elapsed:{stage['code']}", _("%(stage)s用时（短的在前）", stage=stage["title"])))
        found += [
            (f"criterion:{stage['code']}/{leaf['code']}",
             _("%(stage)s中的“%(criterion)s”", stage=stage["title"], criterion=leaf["title"]))
            for leaf in leaves(stage["criteria"])
        ]  # fmt: skip
    return [*found, ("draw", _("抽签号（小的在前）"))]


def leaves(criteria: list[Document]) -> list[Document]:
    """The criteria of a document that carry marks, in order."""
    found = []
    for one in criteria:
        found += leaves(one["criteria"]) if "criteria" in one else [one]
    return found


def read_points(session: Session, contest: Contest, _track: Track | None) -> State:
    points = editing.document_of(session, contest).get("team_points")
    if points is None:
        return {"on": "", "points": "", "others": ""}
    return {"on": "1", "points": " ".join(points["points"]), "others": points["others"]}


def save_points(session: Session, contest: Contest, _track: Track | None, state: State, by: By) -> str:
    describing.authorised(session, contest, by.actor)
    document = editing.document_of(session, contest)
    document.pop("team_points", None)
    if state["on"]:
        listed = re.split(r"[\s,，、]+", state["points"].strip()) if state["points"].strip() else []
        document["team_points"] = given(points=listed or None, others=state["others"])
    try:
        return editing.save_rules(session, contest, document, reason=by.reason, actor=by.actor, now=by.now)
    except DomainError as error:
        raise moved(error, ((r"team_points\.points.*", "points"), (r"team_points\.others", "others"))) from None
