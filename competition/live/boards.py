"""The board that whoever asks may see, or the reason why there is none."""

from __future__ import annotations

from flask_babel import gettext as _

from competition.contests.models import Contest, Track
from competition.contests.queries import contest_by_code, get_track
from competition.extensions import services
from competition.live.audience import audience_of
from competition.live.publisher import Topic
from competition.shared import guards
from competition.shared.errors import DomainError


def find_board(contest: str, track: str) -> tuple[Contest, Track, Topic]:
    """The board of these codes for the actor of this request or event; `unknown` and why where there is none."""
    wired = services()
    with wired.db.reading() as session:
        found = contest_by_code(session, contest)
        if found is None:
            raise DomainError("unknown", _("没有这项竞赛。"), "contest")
        row = get_track(session, found.id, track)
    audience = audience_of(guards.actor(), found.id, row.id)
    topic = wired.publisher.get(found.code, row.code, audience)
    if topic is None or not topic.payload:
        raise DomainError("unknown", _why_not(found, row, audience), "track")
    return found, row, topic


def _why_not(contest: Contest, track: Track, audience: str) -> str:
    if audience == "public" and not contest.public:
        return _("这项竞赛不公开榜单。")
    if track.phase in ("draft", "registration", "draw"):
        return _("评分还没有开始，榜单从评分开始时公布。")
    if audience == "public" and track.frozen_at is not None:
        return _("榜单已冻结，解除后再公布。")
    return _("榜单正在准备，请过几秒再看。")
