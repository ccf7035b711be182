"""A contest told to people, and its frame: texts, hosts, groups, dates, the board, who may enter a track.

None of this is in the rule pack: it may be changed at any time, each change with a line in the log. Only which marks
count (`counts`) is a rule and is left alone once the rules are out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Unit
from competition.accounts.policy import Actor
from competition.contests import about, entrants, occupations
from competition.contests.faults import Faults
from competition.contests.models import Contest, ContestHost, Track
from competition.contests.policy import can_run
from competition.contests.rules import CONTEST_KINDS, COUNTS, IDENTITIES, LEVELS
from competition.shared.errors import DomainError
from competition.shared.localtime import read_day, read_local

Words = Mapping[str, Any]
KEPT_AT_LEAST: Final = timedelta(days=30)
"""How long after the end a retention date lies at the least: appeals and the notice come first."""


def authorised(session: Session, contest: Contest, actor: Actor) -> None:
    """Refuses who may not run the contest, and holds its row, so that two who save come one after the other."""
    if not can_run(actor, contest.id):
        raise DomainError("forbidden", _("只有本赛事的主办方可以修改它。"))
    session.execute(select(Contest.id).where(Contest.id == contest.id).with_for_update())


def told(session: Session, contest: Contest, part: str, *, actor: Actor, now: datetime, **details: Any) -> None:
    """The line in the log of one part of a contest that was changed."""
    audit.note(
        session, actor, "contest.describe", contest.code, now=now, contest_id=contest.id,
        details={"part": part, **details},
    )  # fmt: skip
    session.flush()


def describe(session: Session, contest: Contest, words: Words, *, actor: Actor, now: datetime) -> None:
    """Title, kind, level, year, label and the texts of `contests.about`; the code stays what it is."""
    authorised(session, contest, actor)
    faults = Faults()
    title = faults.text("title", words["title"], most=100)
    kind = faults.chosen("kind", words["kind"], CONTEST_KINDS)
    level = faults.chosen("level", words["level"], LEVELS)
    year = faults.whole("year", words["year"], 2000, 2100)
    label = faults.chosen("label", words.get("label", ""), ("", *about.LABELS)) or None
    texts: dict[str, Any] = {}
    for key, (_title, most) in about.TEXTS.items():
        if text := faults.text(key, words.get(key, "").replace("\r\n", "\n"), most=most, required=False):
            texts[key] = text
    tags = about.tags_of(words.get("tags", ""))
    if len(tags) > about.MAX_TAGS or any(len(tag) > 20 for tag in tags):
        faults.add("tags", _("最多 %(most)s 个标签，每个最多 20 个字。", most=about.MAX_TAGS))
    faults.check()
    contest.title, contest.kind, contest.level, contest.year, contest.label = title, kind, level, year, label
    # What this form does not know (another page's keys) stays.
    kept = {key: value for key, value in contest.about.items() if key not in (*about.TEXTS, "tags", "pilot")}
    contest.about = kept | texts | ({"tags": tags} if tags else {}) | ({"pilot": True} if words.get("pilot") else {})
    told(session, contest, "basics", actor=actor, now=now)


def set_hosts(session: Session, contest: Contest, rows: Sequence[Words], *, actor: Actor, now: datetime) -> None:
    """The units with their parts, in this order: of the platform by their code, or by name alone."""
    authorised(session, contest, actor)
    faults = Faults()
    units = {unit.code_key: unit for unit in session.scalars(select(Unit))}
    found: list[ContestHost] = []
    for place, row in enumerate(rows):
        part = faults.chosen(f"hosts.{place}.part", row["part"], about.PARTS)
        unit = units.get(row.get("unit", "").casefold())
        if row.get("unit") and unit is None:
            faults.add(f"hosts.{place}.unit", _("没有这个单位。"))
        name = row.get("name", "").strip() or (unit.name if unit else "")
        name = faults.text(f"hosts.{place}.name", name, most=100)
        found.append(
            ContestHost(contest_id=contest.id, position=place, part=part, unit_id=unit.id if unit else None, name=name)
        )
    if sum(host.part == "host" for host in found) > 5:
        faults.add("hosts", _("主办单位最多 5 个。"))
    faults.check()
    for old in session.scalars(select(ContestHost).where(ContestHost.contest_id == contest.id)):
        session.delete(old)
    session.flush()
    session.add_all(found)
    told(session, contest, "hosts", actor=actor, now=now, hosts=len(found))


def set_groups(session: Session, contest: Contest, rows: Sequence[Words], *, actor: Actor, now: datetime) -> None:
    """The groups entrants are in; one that a track names does not go."""
    authorised(session, contest, actor)
    faults = Faults()
    groups: list[dict[str, str]] = []
    for place, row in enumerate(rows):
        title = faults.text(f"groups.{place}.title", row["title"], most=30)
        code = row.get("code", "").strip() or free_code("g", [group["code"] for group in groups] + _codes(rows))
        if any(group["title"] == title or group["code"] == code for group in groups):
            faults.add(f"groups.{place}.title", _("这个组别重复了。"))
        groups.append({"code": code, "title": title})
    known = {group["code"] for group in groups}
    for track in contest.tracks:
        if set(entrants.read_entrants(track.entrants).groups) - known:
            faults.add("groups", _("赛项“%(track)s”还限定着被删去的组别，请先改赛项。", track=track.title))
    faults.check()
    contest.groups = groups
    told(session, contest, "groups", actor=actor, now=now)


def _codes(rows: Sequence[Words]) -> list[str]:
    return [row.get("code", "") for row in rows]


def free_code(prefix: str, taken: Sequence[str]) -> str:
    """The first code of a prefix and a number that is not taken, ignoring case."""
    known = {code.casefold() for code in taken}
    number = 1
    while f"{prefix}{number}" in known:
        number += 1
    return f"{prefix}{number}"


def set_dates(session: Session, contest: Contest, words: Words, *, actor: Actor, now: datetime) -> None:
    """The registration's window, the contest's days and the day on which personal data goes; entered in China's time.

    An empty one is not fixed yet. Each comes after the one before it.
    """
    authorised(session, contest, actor)
    faults = Faults()
    names = ("registration_opens_at", "registration_closes_at", "starts_at", "ends_at")
    titles = (_("报名开始"), _("报名截止"), _("比赛开始"), _("比赛结束"))
    times: dict[str, datetime | None] = {}
    before: tuple[str, datetime] | None = None
    for name, title in zip(names, titles, strict=True):
        given = words.get(name, "").strip()
        times[name] = at = read_local(given) if given else None
        if given and at is None:
            faults.add(name, _("请填日期和时间，如 2026-05-01 09:00。"))
        if at is not None:
            if before is not None and at <= before[1]:
                faults.add(name, _("须晚于%(before)s。", before=before[0]))
            before = (title, at)
    kept = words.get("retention_until", "").strip()
    until = read_day(kept) if kept else None
    if kept and until is None:
        faults.add("retention_until", _("请填日期，如 2027-12-31。"))
    ends = times["ends_at"]
    if until is not None and ends is not None and until < (ends + KEPT_AT_LEAST).date():
        faults.add("retention_until", _("须至少在比赛结束 30 天之后：申诉和公示还要用到这些信息。"))
    faults.check()
    for name, at in times.items():
        setattr(contest, name, at)
    contest.retention_until = until
    told(session, contest, "dates", actor=actor, now=now)


def set_board(
    session: Session, contest: Contest, words: Words, *, rules_open: bool, actor: Actor, now: datetime
) -> None:
    """What the public sees of the board; `rules_open`: whether what counts, a rule, may still be changed."""
    authorised(session, contest, actor)
    faults = Faults()
    identity = faults.chosen("identity", words["identity"], IDENTITIES)
    counts = faults.chosen("counts", words["counts"], COUNTS)
    if counts != contest.counts and not rules_open:
        faults.add("counts", _("哪些评分计入榜单属于评分规则，发布后须由第二位主办方同意才能改。"))
    faults.check()
    contest.identity, contest.counts = identity, counts
    contest.public = bool(words.get("public"))
    told(session, contest, "board", actor=actor, now=now)


def set_entrants(session: Session, track: Track, place: int, row: Words, faults: Faults) -> None:
    """Trade, entrants and blindness of one track; `place` is its row in the form, `faults` takes what is wrong."""
    at = f"tracks.{place}"
    code = row.get("occupation_code", "").strip()
    if code and occupations.PATTERN.fullmatch(code) is None:
        faults.add(f"{at}.occupation_code", _("职业编码形如 6-18-02-04。"))
    occupation = faults.text(f"{at}.occupation", row.get("occupation", ""), most=60, required=False)
    if code and not occupation:
        occupation = occupations.title_of(code)
    kind = faults.chosen(f"{at}.kind", row["kind"], entrants.KINDS)
    least = faults.whole(f"{at}.min", row.get("min", ""), 1, entrants.MOST_MEMBERS, 2 if kind == "team" else 1)
    most = faults.whole(f"{at}.max", row.get("max", ""), 1, entrants.MOST_MEMBERS, max(5, least))
    if kind != "individual" and most < least:
        faults.add(f"{at}.max", _("人数上限小于下限。"))
    advisers = faults.whole(f"{at}.advisers", row.get("advisers", ""), 0, entrants.MOST_ADVISERS, 0)
    known = {group["code"] for group in track.contest.groups}
    chosen = tuple(group for group in row.get("groups", ()) if group in known)
    track.occupation_code, track.occupation = code, occupation
    track.entrants = entrants.put_entrants(entrants.Entrants(kind, least, most, advisers, chosen))
    track.blind = row.get("blind", "1") == "1"
