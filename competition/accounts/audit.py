"""The one way in which a service writes who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from competition.accounts.models import Audit
from competition.accounts.policy import Actor


def note(
    session: Session,
    actor: Actor,
    action: str,
    subject: str,
    *,
    now: datetime,
    contest_id: int | None = None,
    details: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Appends one line to the log. `action` is `thing.verb`; `subject` names the thing by its codes."""
    session.add(
        Audit(
            at=now,
            person_id=actor.person_id,
            actor=actor.name[:120],
            action=action,
            contest_id=contest_id,
            subject=subject[:200],
            details=details or {},
            reason=reason,
        )
    )
