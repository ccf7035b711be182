"""The first of a lower track with what they bring along: rank, score, prize, people, and who agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import consents
from competition.contests.models import Contest, RulePack, Track
from competition.recommendation import layers
from competition.recommendation.layers import Source, Winner
from competition.registration.models import Entry, Registration, RegistrationPerson
from competition.shared.errors import DomainError

READY: Final = ("notice", "final", "archived")
"""The phases in which a track's result may go up."""


def winners_of(session: Session, contest: Contest, track: Track, top: int, results: Any) -> tuple[Source, list[Winner]]:
    """The first of a track whose results are out; raises DomainError before.

    `results` are the contest's, as `Services.results` gives them.
    """
    if track.phase not in READY:
        raise DomainError("not_open", _("“%(track)s”的成绩还没有公示，公示后才能上报。", track=track.title))
    table = next(each for each in results.tables if each.track.code == track.code)
    ranked = [row for row in table.result.rows if row.rank is not None]
    among = set(layers.first([(row.entry, row.rank) for row in ranked], top))
    people = _people(session, contest)
    agreed = _agreed(session, contest, people)
    winners = []
    for row in ranked:
        if row.entry not in among:
            continue
        entry = results.entries[row.entry]
        registered = people.get(entry.code)
        prize = table.prize_of(row)
        winners.append(
            Winner(
                entry=entry.code,
                title=entry.title,
                rank=row.rank,
                score=f"{row.total:.{table.track.ranking.places}f}",
                prize=prize.title if prize else "",
                kind=registered[0].kind if registered else ("team" if len(entry.members) > 1 else "individual"),
                group=registered[0].group if registered else str(entry.attributes.get("group", "")),
                organisation=entry.organisation or "",
                organisation_name=results.unit(entry),
                members=tuple(_named(registered, "member") or (member.name for member in entry.members)),
                advisers=tuple(_named(registered, "adviser")),
                consent="person" if entry.code in agreed else "none",
            )
        )
    pack = session.scalar(
        select(RulePack.hash).where(RulePack.contest_id == contest.id, RulePack.state == "published").limit(1)
    )
    return (
        Source(
            contest=contest.code,
            contest_title=contest.title,
            level=contest.level,
            year=contest.year,
            track=track.code,
            track_title=track.title,
            standing="notice" if track.phase == "notice" else "final",
            results_hash=layers.hash_of(results.as_json()),
            rules_hash=pack or "",
        ),
        winners,
    )


def _people(session: Session, contest: Contest) -> dict[str, tuple[Registration, list[RegistrationPerson]]]:
    """Of each entry that came by registration, that and its people."""
    found: dict[str, tuple[Registration, list[RegistrationPerson]]] = {}
    rows = session.execute(
        select(Entry.code, Registration)
        .join(Registration, Registration.entry_id == Entry.id)
        .where(Entry.contest_id == contest.id)
    )
    for code, registration in rows:
        found[code] = (registration, list(registration.people))
    return found


def _agreed(
    session: Session, contest: Contest, people: Mapping[str, tuple[Registration, list[RegistrationPerson]]]
) -> set[str]:
    """The entries all of whose members agreed that the level above is given their data (PIPL 23)."""
    return {
        code
        for code, (_registration, persons) in people.items()
        if (members := [each for each in persons if each.part == "member"])
        and all(
            each.person_id is not None and consents.holds(session, each.person_id, "promotion", contest.id)
            for each in members
        )
    }


def _named(registered: tuple[Registration, list[RegistrationPerson]] | None, part: str) -> list[str]:
    return [person.name for person in registered[1] if person.part == part] if registered else []


def on_paper(winner: Winner) -> Winner:
    return replace(winner, consent="paper") if winner.consent == "none" else winner
