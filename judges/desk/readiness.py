"""The judges' part of the go/no-go page: panels, recusals, seats."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts.models import Grant, SignIn, SignInLink
from competition.contests.models import Contest, Stage, Track
from competition.pages.seating import Check
from competition.registration.models import Entry
from judges.ballots.models import Ruling
from judges.panels.models import Panel, PanelEntry, PanelJudge
from judges.roster.models import Judge


def readiness(session: Session, contest: Contest, now: datetime) -> list[Check]:
    return [*(_panels(session, contest, track) for track in contest.tracks), _recusals(session, contest), _seats(
        session, contest, now
    )]  # fmt: skip


def _panels(session: Session, contest: Contest, track: Track) -> Check:
    """Whether every entry has judges in every stage."""
    name = f"{track.title} " if len(contest.tracks) > 1 else ""
    entries = set(session.scalars(select(Entry.id).where(Entry.track_id == track.id)))
    lacking = []
    for stage in track.stages:
        if not any(criterion.kind in ("judgement", "grade") for criterion in stage.criteria):
            continue
        held: set[int] = set()
        for panel in session.scalars(select(Panel).where(Panel.stage_id == stage.id)):
            if panel.judges:
                held |= entries if panel.all_entries else {each.entry_id for each in panel.entries}
        if entries - held:
            lacking.append(_("“%(stage)s”有 %(n)s 个没有评审组", stage=stage.title, n=len(entries - held)))
    key, link = f"panels-{track.code}", f"/manage/{contest.code}"
    if lacking:
        return Check(key, name + _("评审组"), "bad", "；".join(lacking), link)
    return Check(key, name + _("评审组"), "ok", _("每个参赛项目在每个环节都有裁判"), link)


def _recusals(session: Session, contest: Contest) -> Check:
    """Judges who would mark their own unit's entries and have not been recused. Numbers alone: no entry is named."""
    pairs = 0
    recused: dict[tuple[int, int], bool] = {}
    for judge, entry, payload in session.execute(
        select(Ruling.judge_id, Ruling.entry_id, Ruling.payload)
        .join(Track, Track.id == Ruling.track_id)
        .where(Track.contest_id == contest.id, Ruling.kind == "recuse")
        .order_by(Ruling.seq)
    ):
        if judge is not None and entry is not None:
            recused[judge, entry] = bool(payload.get("on"))
    seen: set[tuple[int, int]] = set()
    for judge, entry in session.execute(
        select(Judge.id, Entry.id)
        .join(PanelJudge, PanelJudge.judge_id == Judge.id)
        .join(Panel, Panel.id == PanelJudge.panel_id)
        .join(Stage, Stage.id == Panel.stage_id)
        .join(Entry, Entry.track_id == Stage.track_id)
        .outerjoin(PanelEntry, (PanelEntry.panel_id == Panel.id) & (PanelEntry.entry_id == Entry.id))
        .where(
            Judge.contest_id == contest.id,
            Judge.organisation_id == Entry.organisation_id,
            Panel.all_entries | PanelEntry.entry_id.is_not(None),
        )
    ):
        if (judge, entry) not in seen:
            seen.add((judge, entry))
            pairs += not recused.get((judge, entry), False)
    link = f"/manage/{contest.code}"
    if pairs:
        said = _("%(n)s 处裁判与参赛项目同单位而没有回避，请裁判长处理", n=pairs)
        return Check("recusals", _("回避"), "bad", said, link)
    return Check("recusals", _("回避"), "ok", _("没有同单位的裁判待回避"), link)


def _seats(session: Session, contest: Contest, now: datetime) -> Check:
    """How many judges hold a link or a sign-in that is good now."""
    judges = list(session.scalars(select(Judge.id).where(Judge.contest_id == contest.id)))
    holders: dict[int, int] = {}
    for judge, person in session.execute(
        select(Grant.judge_id, Grant.person_id).where(Grant.role == "judge", Grant.judge_id.in_(judges))
    ):
        if judge is not None:
            holders[judge] = person
    people = list(holders.values())
    linked = set(
        session.scalars(
            select(SignInLink.person_id).where(SignInLink.person_id.in_(people), SignInLink.expires_at > now)
        )
    )
    inside = (
        session.scalar(
            select(func.count(func.distinct(SignIn.person_id))).where(
                SignIn.person_id.in_(people), SignIn.revoked_at.is_(None), SignIn.expires_at > now
            )
        )
        or 0
    )
    figure = _(
        "已登录 %(inside)s，有链接 %(linked)s，共 %(all)s 席", inside=inside, linked=len(linked), all=len(judges)
    )
    state = "ok" if judges and inside == len(judges) else "wait" if judges else "bad"
    link = f"/manage/{contest.code}/sheets/seats"
    return Check("seats", _("裁判席"), state, figure, link)  # type: ignore[arg-type]
