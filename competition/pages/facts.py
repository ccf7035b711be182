"""What a contest says of its frame: hosts, dates, who may enter, what to bring, whether one may register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests import about, asking
from competition.contests.entrants import KINDS, read_entrants
from competition.contests.models import AttachmentRule, Contest, ContestHost, Track
from competition.contests.queries import contest_phase
from competition.draw.queries import draws_of
from competition.registration.eligibility import describe, parse_rules
from competition.registration.eligibility_rules import Names
from competition.shared.clock import LOCAL, local_day


@dataclass(frozen=True)
class TrackFacts:
    occupation: str
    entrants: str
    rules: list[str]


@dataclass(frozen=True)
class Facts:
    """`register`: open, soon, closed or "" where nothing is known; `days`: to the deadline while it is open."""

    register: str
    deadline: str
    opens: str
    days: int
    hosts: list[tuple[Any, list[str]]]
    dates: list[tuple[str, str]]
    groups: list[str]
    texts: list[tuple[Any, str]]
    summary: str
    marks: list[Any]
    files: list[tuple[str, str]]
    tracks: dict[str, TrackFacts]
    drawn: bool
    """Whether there is anything to read about the draw: a promise at least."""


def at_local(instant: datetime) -> str:
    """An instant in a sentence, in China's time."""
    here = instant.astimezone(LOCAL)
    said: str = _("%(month)s 月 %(day)s 日 %(time)s", month=here.month, day=here.day, time=here.strftime("%H:%M"))
    # A time is not broken over two lines.
    return said.replace(" ", "\u00a0")


def registering(contest: Contest, now: datetime) -> str:
    """Whether one may register: "open", "soon", "closed", or "" where the contest is in no such phase."""
    if contest_phase(contest) != "registration":
        return ""
    if contest.registration_opens_at is not None and now < contest.registration_opens_at:
        return "soon"
    if contest.registration_closes_at is not None and now >= contest.registration_closes_at:
        return "closed"
    return "open"


def facts_of(session: Session, contest: Contest, now: datetime) -> Facts:
    opens, closes = contest.registration_opens_at, contest.registration_closes_at
    said = contest.about
    marks: list[Any] = [about.LABELS[contest.label]] if contest.label in about.LABELS else []
    if said.get("pilot"):
        marks.append(_("先行先试"))
    names = Names(groups={group["code"]: group["title"] for group in contest.groups})
    return Facts(
        register=registering(contest, now),
        deadline=at_local(closes) if closes else "",
        opens=at_local(opens) if opens else "",
        days=max(0, (local_day(closes) - local_day(now)).days) if closes else 0,
        hosts=_hosts(session, contest),
        dates=_dates(contest),
        groups=[group["title"] for group in contest.groups],
        texts=[(title, said[key]) for key, (title, _most) in about.TEXTS.items() if said.get(key) and key != "summary"],
        summary=said.get("summary", ""),
        marks=[*marks, *said.get("tags", ())],
        files=_files(session, contest),
        tracks={track.code: _track(track, names) for track in contest.tracks},
        drawn=any(draws_of(session, track.id) for track in contest.tracks),
    )


def _hosts(session: Session, contest: Contest) -> list[tuple[Any, list[str]]]:
    rows = session.execute(
        select(ContestHost.part, ContestHost.name)
        .where(ContestHost.contest_id == contest.id)
        .order_by(ContestHost.position)
    ).all()
    found = [(title, [name for part, name in rows if part == key]) for key, title in about.PARTS.items()]
    return [(title, listed) for title, listed in found if listed]


def _dates(contest: Contest) -> list[tuple[str, str]]:
    spans = (
        (_("报名"), contest.registration_opens_at, contest.registration_closes_at),
        (_("比赛"), contest.starts_at, contest.ends_at),
    )
    found = []
    for title, begin, end in spans:
        if begin and end:
            found.append((title, _("%(begin)s 至 %(end)s", begin=at_local(begin), end=at_local(end))))
        elif begin or end:
            only = begin or end
            assert only is not None
            found.append((title, at_local(only) if begin else _("%(end)s 截止", end=at_local(only))))
    return found


def _files(session: Session, contest: Contest) -> list[tuple[str, str]]:
    query = select(AttachmentRule).where(AttachmentRule.contest_id == contest.id).order_by(AttachmentRule.position)
    found = []
    for rule in session.scalars(query):
        kinds = _("、").join(str(asking.FILE_TYPES[kind]) for kind in rule.types if kind in asking.FILE_TYPES)
        need = _("必交") if rule.required else _("选交")
        found.append((rule.title, "·".join(part for part in (need, kinds, rule.help) if part)))
    return found


def _track(track: Track, names: Names) -> TrackFacts:
    bounds = read_entrants(track.entrants)
    said = str(KINDS.get(bounds.kind, ""))
    if bounds.teams:
        said += _("，每队 %(least)s 至 %(most)s 人", least=bounds.least, most=bounds.most)
    if bounds.advisers:
        said += _("，指导教师至多 %(n)s 人", n=bounds.advisers)
    if bounds.groups:
        said += "·" + names.listed(names.groups, bounds.groups).__str__()
    trade = " ".join(part for part in (track.occupation, track.occupation_code) if part)
    rules, _problems = parse_rules(track.eligibility)
    return TrackFacts(trade, said if track.entrants else "", [str(describe(rule, names)) for rule in rules])
