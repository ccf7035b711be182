"""What the draw demands of a track: numbers of every layer before marking, decoding before names."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from competition.contests.missing import Missing
from competition.contests.models import Track
from competition.contests.service import register_guard
from competition.draw.layers import layers_of, live_draw
from competition.draw.queries import numbers_complete, sealed_layers


def layers_drawn(session: Session, track: Track) -> list[Missing]:
    """Guard of `scoring`: each layer is drawn, for every entry."""
    link = f"/code/{track.contest.code}"
    found = []
    for layer in layers_of(session, track.id):
        draw = live_draw(session, layer.id)
        if draw is None or draw.state == "committed":
            found.append(Missing(_("“%(layer)s”还没有抽签。", layer=layer.title), link))
        elif not numbers_complete(session, layer):
            found.append(Missing(_("“%(layer)s”抽签之后又有参赛项目加入，须作废重抽。", layer=layer.title), link))
    return found


def layers_decoded(session: Session, track: Track) -> list[Missing]:
    """Guard of `notice`, where names appear: firm, since otherwise one person's force would decode alone."""
    return [
        Missing(
            _("“%(layer)s”还没有由加密员和监督员共同解密。", layer=layer.title),
            f"/code/{track.contest.code}",
            firm=True,
        )
        for layer in sealed_layers(session, [track.id])
    ]


def register() -> None:
    """Called when the program is put together."""
    register_guard("scoring", layers_drawn)
    register_guard("notice", layers_decoded)
