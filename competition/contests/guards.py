"""What a contest must have before it takes registrations and before they are closed, each with where to mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.contests import packs
from competition.contests.missing import Missing
from competition.contests.models import Contest, ContestHost, Track
from competition.contests.queries import track_definition
from competition.contests.rules import CONTEST_KINDS, LEVELS
from competition.contests.service import register_guard
from competition.shared import clock


def described(session: Session, track: Track) -> list[Missing]:
    """Guard of `registration`: the contest says what it is, when it takes registrations and who holds it."""
    contest = session.get_one(Contest, track.contest_id)
    edit = f"/manage/{contest.code}/edit"
    found = []
    if not contest.title.strip():
        found.append(Missing(_("赛事还没有名称。"), f"{edit}/basics"))
    if contest.kind not in CONTEST_KINDS or contest.level not in LEVELS:
        found.append(Missing(_("请选择赛事的类别和级别。"), f"{edit}/basics"))
    opens, closes = contest.registration_opens_at, contest.registration_closes_at
    if opens is None or closes is None:
        found.append(Missing(_("请填写报名开始和截止时间。"), f"{edit}/dates"))
    elif closes <= opens:
        found.append(Missing(_("报名截止时间须晚于开始时间。"), f"{edit}/dates"))
    hosts = select(ContestHost.id).where(ContestHost.contest_id == contest.id, ContestHost.part == "host").limit(1)
    if session.scalar(hosts) is None:
        found.append(Missing(_("请至少填写一个主办单位。"), f"{edit}/hosts"))
    return found


def judged(session: Session, track: Track) -> list[Missing]:
    """Guard of `registration`: the track has something to be judged by, and its weights make sense.

    Where every weight is at most 1 and one is less, they are parts of a whole and must make 1.
    """
    code = session.get_one(Contest, track.contest_id).code
    link = f"/manage/{code}/edit/stages/{track.code}"
    stages = track_definition(track).stages
    if not stages:
        return [Missing(_("赛项“%(track)s”还没有环节。", track=track.title), link)]
    found = [
        Missing(_("环节“%(stage)s”还没有评分项。", stage=stage.title), link) for stage in stages if not stage.leaves
    ]
    weights = [stage.weight for stage in stages]
    total = sum(weights, Decimal(0))
    if total == 0:
        found.append(Missing(_("赛项“%(track)s”各环节的权重都是 0。", track=track.title), link))
    elif len(weights) > 1 and max(weights) <= 1 and min(weights) < 1 and total != 1:
        said = {"track": track.title, "sum": f"{total:f}"}
        found.append(Missing(_("赛项“%(track)s”各环节的权重合计 %(sum)s，应为 1。", **said), link))
    return found


def rules_published(session: Session, track: Track) -> list[Missing]:
    """Guard of `registration`: what is stored is exactly what two people have published."""
    contest = session.get_one(Contest, track.contest_id)
    if packs.in_force(session, contest):
        return []
    if packs.asked(session, contest.id) is not None:
        sentence = _("规则已提交发布，等待第二位主办方同意。")
    elif packs.published(session, contest.id) is None:
        sentence = _("规则还没有发布：请提交，由第二位主办方同意。")
    else:
        sentence = _("规则在发布之后有改动：请重新提交发布。")
    return [Missing(sentence, f"/manage/{contest.code}/rules", firm=True)]


@dataclass(frozen=True, slots=True)
class RegistrationOver:
    """Guard of `draw`: the time for registering has passed."""

    now: Callable[[], datetime] = field(default=clock.now, compare=False)

    def __call__(self, session: Session, track: Track) -> list[Missing]:
        contest = session.get_one(Contest, track.contest_id)
        closes = contest.registration_closes_at
        if closes is None or closes <= self.now():
            return []
        return [Missing(_("报名还没有截止。"), f"/manage/{contest.code}/edit/dates")]


def register() -> None:
    """Called when the program is put together."""
    for guard in (described, judged, rules_published):
        register_guard("registration", guard)
    register_guard("draw", RegistrationOver())
