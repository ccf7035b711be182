"""Judges as people who sign in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from competition.accounts.policy import Actor
from competition.accounts.service import login_for, make_link, person_for
from competition.contests.models import Contest
from judges.roster.queries import get_judge


def link_for_judge(session: Session, contest: Contest, code: str, *, now: datetime, actor: Actor) -> str:
    """The token of a sign-in link for a judge of the contest; their person is made with the first one."""
    judge = get_judge(session, contest.id, code)
    person_id = person_for(
        session,
        role="judge",
        contest_id=contest.id,
        judge_id=judge.id,
        login=login_for(judge.code, contest.code),
        name=judge.name,
        now=now,
        actor=actor,
    )
    judge.person_id = person_id
    return make_link(session, contest_id=contest.id, role="judge", person_id=person_id, now=now, actor=actor)
