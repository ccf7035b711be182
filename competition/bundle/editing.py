"""A contest's definition as the document that its editor works on, checked by the bundle's own reader.

A *definition document* is the bundle's JSON (docs/bundle.md) with the keys `contest`, `tracks`, `team_points` and
`schemes` alone: no people, no evidence, no phases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.policy import Actor
from competition.bundle.canonical import FORMAT, canonical, json_text
from competition.bundle.records import Bundle
from competition.bundle.rules import BundleProblems, read_bundle
from competition.bundle.writing import write_contest, write_schemes, write_tracks
from competition.contests import models, pack, packs, queries, rules
from competition.contests.policy import can_run
from competition.registration.eligibility_reading import parse_rules
from competition.shared.errors import DomainError

Document = dict[str, Any]
KEYS: Final = ("format", "contest", "tracks", "team_points", "schemes")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a document: its place (`tracks[0].stages[1].places`) and a sentence."""

    place: str
    sentence: str


def document_of(session: Session, contest: models.Contest) -> Document:
    """The definition of a contest as a document, in canonical form."""
    return document_from(queries.definition(session, contest.id))


def document_from(definition: rules.Contest) -> Document:
    """A definition as a document; read again it is the same definition, phases apart."""
    tree = canonical(Bundle(definition))
    document: Document = {key: tree[key] for key in KEYS if key in tree}
    document["contest"] = {key: value for key, value in tree["contest"].items() if key != "phase"}
    document["tracks"] = [
        {key: value for key, value in track.items() if key != "phase"} for track in document["tracks"]
    ]
    return document


def read_document(document: Mapping[str, Any]) -> rules.Contest:
    """The definition that a document holds. Raises `BundleProblems` with every problem and its place."""
    strange = [(key, "is not known here") for key in document if key not in KEYS]
    if strange:
        raise BundleProblems(strange)
    return read_bundle(json_text({"format": FORMAT, **document}).encode()).contest


def check(document: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with a document, in plain words; empty: nothing."""
    try:
        read_document(document)
    except BundleProblems as bad:
        return [Problem(place, in_plain_words(message)) for place, message in bad.problems]
    return []


def is_draft(contest: models.Contest) -> bool:
    """Whether the whole definition may still be edited: nothing is published and no track has left `draft`."""
    return contest.published_at is None and all(track.phase == "draft" for track in contest.tracks)


def save_draft(
    session: Session, contest: models.Contest, document: Mapping[str, Any], *, actor: Actor, now: datetime
) -> None:
    """Writes a document over a draft; rows keep their ids by their codes.

    Refuses with every problem (`details["problems"]`: place and sentence), a code of the contest that is another, and
    a contest that is no draft any more.
    """
    if not can_run(actor, contest.id):
        raise DomainError("forbidden", _("只有本赛事的主办方可以修改它。"))
    locked(session, contest)
    if not is_draft(contest):
        raise DomainError("locked", _("赛事已经发布，评分规则须由第二位主办方同意后才能修改。"))
    definition = checked(document)
    if definition.code.casefold() != contest.code_key:
        raise DomainError("bad_request", _("赛事代码定下后不能更改。"), "code")
    before = document_of(session, contest)
    write_contest(contest, definition)
    write_tracks(session, contest, definition.tracks)
    write_schemes(session, contest.id, definition.schemes)
    session.flush()
    session.expire_all()
    after = document_of(session, contest)
    changed = [part for part in KEYS if before.get(part) != after.get(part)]
    if changed:
        audit.note(
            session, actor, "contest.edit", contest.code, now=now, contest_id=contest.id, details={"parts": changed}
        )


def checked(document: Mapping[str, Any]) -> rules.Contest:
    """The definition of a document, or a `DomainError` that lists every problem (`problems`: place and sentence)."""
    try:
        return read_document(document)
    except BundleProblems as bad:
        problems = [{"place": place, "sentence": in_plain_words(message)} for place, message in bad.problems]
        raise DomainError(
            "bad_request", str(problems[0]["sentence"]), str(problems[0]["place"]), problems=problems
        ) from None


def locked(session: Session, contest: models.Contest) -> None:
    """Holds the contest's row until the commit, so that two who save at once come one after the other."""
    session.execute(select(models.Contest.id).where(models.Contest.id == contest.id).with_for_update())
    session.expire_all()


# What the bundle's reader says, in the words of a page. What is not here is shown as it is.
_SENTENCES: Final = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"is missing$", _l("请填写")),
        (r"must be above (\S+)$", _l("须大于 %(a)s")),
        (r"must be above drop_low \+ drop_high, (\S+)$", _l("须大于去掉的最高分与最低分个数之和 %(a)s")),
        (r"must be (\S+) or more$", _l("须不小于 %(a)s")),
        (r"must be (\S+) to (\S+)$", _l("须在 %(a)s 到 %(b)s 之间")),
        (r"must be a whole number$", _l("须是整数")),
        (r"must be a (?:number|decimal)", _l("须是数字，如 60 或 0.5")),
        (r"must be a text$", _l("须是文字")),
        (r"has more than 30 digits$", _l("数字太长")),
        (r"must hold at least one stage$", _l("至少要有一个环节")),
        (r"must hold at least one criterion$", _l("至少要有一个评分项")),
        (r"must have a count or a share$", _l("请填名额或比例")),
        (r"must not stand beside count$", _l("名额和比例只能填一个")),
        (r"must have top, min or both$", _l("请填晋级人数、最低分或两者")),
        (r"is no code", _l("代码只能用字母、数字和 . _ -，以字母或数字开头，最多 64 位")),
        (r"(\S+) stands twice", _l("%(a)s 重复了")),
        (r"judge_zscore needs an aggregate over judge$", _l("按裁判换算要求先算每位裁判的总分")),
        (r"judge_zscore needs an attempt_count of 1$", _l("按裁判换算的环节只能有一轮")),
        (r"(\S+) names no stage of the track$", _l("%(a)s 指的环节已不存在")),
        (r"(\S+) names no criterion that carries marks$", _l("%(a)s 指的评分项已不存在")),
        (r"(\S+) names no prize$", _l("%(a)s 指的奖次已不存在")),
        (r"does not belong to a heading", _l("分组标题不能有分值")),
        (r"does not belong to a grade", _l("等级评分固定为 0 到 3 级，不设下限和步长")),
        (r"holds half a surrogate pair or U\+0000$", _l("含有不能保存的字符")),
        (r"headings stand more than", _l("层级太深")),
        (r"(\S+) is none of (.+)$", _l("%(a)s 不在可选范围内")),
    )
)


def in_plain_words(message: str) -> str:
    """A problem of the bundle's reader as a sentence of the page's language."""
    if message == "must be above min":
        return str(_("须大于下限"))
    for pattern, sentence in _SENTENCES:
        found = pattern.search(message)
        if found:
            given = dict(zip("ab", (*found.groups(), "", ""), strict=False))
            return str(str(sentence) % given)
    return message


def save_rules(
    session: Session,
    contest: models.Contest,
    document: Mapping[str, Any],
    eligibility: Mapping[str, list[Any]] | None = None,
    *,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> str:
    """Saves what decides an outcome: into a draft at once ("saved"), else as a proposal to a second person ("asked").

    `eligibility` has the rules of some tracks by their codes; those of the others stay.
    """
    _check_eligibility(document, eligibility or {})
    if is_draft(contest):
        save_draft(session, contest, document, actor=actor, now=now)
        for track in session.scalars(select(models.Track).where(models.Track.contest_id == contest.id)):
            if eligibility is not None and track.code in eligibility and track.eligibility != eligibility[track.code]:
                track.eligibility = eligibility[track.code]
                audit.note(
                    session, actor, "contest.edit", f"{contest.code}/{track.code}", now=now, contest_id=contest.id,
                    details={"parts": ["eligibility"]},
                )  # fmt: skip
        session.flush()
        return "saved"
    if not can_run(actor, contest.id):
        raise DomainError("forbidden", _("只有本赛事的主办方可以修改它。"))
    locked(session, contest)
    rules_of = {track.code: list(track.eligibility) for track in contest.tracks} | dict(eligibility or {})
    proposed = pack.document_of(checked(document), rules_of)
    packs.propose_change(session, contest, proposed, reason=reason, actor=actor, now=now)
    return "asked"


def _check_eligibility(document: Mapping[str, Any], eligibility: Mapping[str, list[Any]]) -> None:
    places = {track.get("code"): place for place, track in enumerate(document.get("tracks", ()))}
    problems = [
        {"place": f"tracks[{places.get(code, 0)}].eligibility.{problem.where}", "sentence": str(problem.sentence)}
        for code, listed in eligibility.items()
        for problem in parse_rules(listed)[1]
    ]
    if problems:
        raise DomainError("bad_request", problems[0]["sentence"], problems[0]["place"], problems=problems)
