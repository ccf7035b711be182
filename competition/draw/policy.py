"""Who may draw, and who may know whose number is whose: nobody by being organiser or administrator."""

from __future__ import annotations

from competition.accounts.policy import Actor
from competition.draw.models import CodeLayer


def can_code(actor: Actor, contest_id: int) -> bool:
    """Whether the actor is a coder of the contest. An administrator is not: they would have to be given the role,
    which the log shows and which never meets a judge's.
    """
    return actor.has("coder", contest_id=contest_id)


def holds_layer(actor: Actor, contest_id: int, layer: CodeLayer) -> bool:
    """Whether the layer is this coder's: the one it was given to, or, of a layer that nobody has yet, any."""
    return can_code(actor, contest_id) and layer.coder_id in (None, actor.person_id)


def can_watch(actor: Actor, contest_id: int) -> bool:
    """Whether the actor supervises the contest: the second of the two who decode."""
    return actor.has("supervisor", contest_id=contest_id)
