"""What the draw has waiting for a coder: a promise to publish, lots to draw, a seed to tell."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import tasks
from competition.accounts.policy import Actor
from competition.accounts.tasks import Task
from competition.contests.models import Contest, Track
from competition.draw.layers import live_draw
from competition.draw.models import CodeLayer
from competition.draw.policy import holds_layer


def to_draw(session: Session, actor: Actor, now: datetime) -> list[Task]:
    """The next step of each layer that is this coder's, before the marking."""
    own = {grant.contest_id for grant in actor.grants if grant.role == "coder"}
    if not own:
        return []
    query = (
        select(CodeLayer, Track, Contest)
        .join(Track, Track.id == CodeLayer.track_id)
        .join(Contest, Contest.id == Track.contest_id)
        .where(Track.phase.in_(("registration", "draw")))
        .order_by(Contest.id, Track.position, CodeLayer.position)
    )
    if None not in own:
        query = query.where(Contest.id.in_(own))
    found = []
    for layer, track, contest in session.execute(query):
        if not holds_layer(actor, contest.id, layer):
            continue
        draw = live_draw(session, layer.id)
        if draw is None:
            title = _("公布承诺：%(layer)s", layer=layer.title)
        elif draw.state == "committed" and track.phase == "draw":
            title = _("抽签：%(layer)s", layer=layer.title)
        elif draw.state == "drawn":
            title = _("公布种子：%(layer)s", layer=layer.title)
        else:
            continue
        place = f"/code/{contest.code}#{track.code}-{layer.code}"
        found.append(Task(title, place, note=f"{contest.title}·{track.title}"))
    return found


def register() -> None:
    """Called when the program is put together."""
    tasks.register(to_draw)
