"""Confirming, returning and refusing registrations, one or many: each on record, eligibility asked again each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from competition.accounts import audit
from competition.accounts.policy import Actor
from competition.contests.locks import lock_track
from competition.contests.models import Contest, Track
from competition.registration import messages
from competition.registration.admission import admit
from competition.registration.chain import Turn, chain_of, turn_at
from competition.registration.facts import eligibility_of
from competition.registration.models import Registration, ReviewStep
from competition.registration.turns import Tree, may_review, read_tree, turn_of
from competition.shared.errors import DomainError

Action = Literal["confirm", "return", "refuse"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What an action would do with one registration: its turn, what stands in the way ("" nothing), what comes next."""

    registration: Registration
    turn: Turn | None
    refusal: str
    failures: tuple[dict[str, Any], ...]
    next: str


def judge(
    session: Session,
    registrations: Sequence[Registration],
    action: Action,
    *,
    actor: Actor,
    now: datetime,
    override: str = "",
    tree: Tree | None = None,
) -> list[Judged]:
    """What the action would do with each, without doing it. `override`: why a rule that is not met is passed over."""
    tree = tree or read_tree(session)
    contests: dict[int, Contest] = {}
    tracks: dict[int, Track] = {}
    found = []
    for registration in registrations:
        contest = contests.setdefault(registration.contest_id, session.get_one(Contest, registration.contest_id))
        track = tracks.setdefault(registration.track_id, session.get_one(Track, registration.track_id))
        found.append(_judge(session, registration, contest, track, action, tree, actor, now, override))
    return found


def _judge(
    session: Session,
    registration: Registration,
    contest: Contest,
    track: Track,
    action: Action,
    tree: Tree,
    actor: Actor,
    now: datetime,
    override: str,
) -> Judged:
    turn = turn_of(tree, contest, registration)
    if turn is None:
        return Judged(registration, None, _("现在不在审核中，可能刚被处理。请刷新。"), (), "")
    if not may_review(tree, actor, contest, turn):
        return Judged(registration, turn, _("现在轮到“%(step)s”，不是您这一级。", step=str(turn.step.title)), (), "")
    if track.phase != "registration":
        return Judged(registration, turn, _("这个赛项的报名阶段已过。"), (), "")
    if action != "confirm":
        return Judged(registration, turn, "", (), _("退回给报名人") if action == "return" else _("不予通过"))
    failures = tuple(failure.as_dict() for failure in eligibility_of(session, registration, contest, track, now=now))
    after = turn_at(chain_of(contest.review_chain), tree.line(registration.unit_id), turn.index + 1)
    coming = str(after.step.title) if after else _("正式参赛")
    passes = override.strip() and turn.step.by == "contest"
    if failures and not passes:
        return Judged(registration, turn, " ".join(str(one["sentence"]) for one in failures), failures, coming)
    return Judged(registration, turn, "", failures, coming)


def decide(
    session: Session,
    numbers: Sequence[str],
    action: Action,
    *,
    versions: dict[str, int] | None = None,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> list[Registration]:
    """Does it for all or for none; raises DomainError with what stands in the way (`details["refused"]`).

    `versions`: what the reviewer saw, by number; one that was changed meanwhile refuses all. For `return` and `refuse`
    a reason is needed; for `confirm` it is why rules that are not met are passed over, at the organisers' step alone.
    """
    if action not in ("confirm", "return", "refuse"):
        raise DomainError("bad_request", _("没有这个操作。"), "action")
    if action != "confirm" and not reason.strip():
        raise DomainError("bad_request", _("请填写理由，报名人会看到。"), "reason")
    rows = _locked(session, numbers)
    if len(rows) != len(set(numbers)) or not rows:
        raise DomainError("unknown", _("有报名不存在或不在您的范围内。请刷新后再选。"))
    if versions and (stale := [row for row in rows if versions.get(row.number, row.version) != row.version]):
        raise DomainError(
            "conflict",
            _("这些报名刚有变动，请重新核对：") + "、".join(row.title or row.number for row in stale),
            refused=[(row.number, "") for row in stale],
        )
    tree = read_tree(session)
    done = []
    for row in rows:
        # One after the other: a place that the first takes is no longer there for the second.
        (judged,) = judge(session, [row], action, actor=actor, now=now, override=reason, tree=tree)
        if judged.refusal:
            raise DomainError(
                "forbidden",
                f"{row.title or row.number}：{judged.refusal}",
                refused=[(row.number, judged.refusal)],
            )
        _apply(session, judged, action, reason.strip(), tree, actor, now)
        done.append(row)
    return done


def _locked(session: Session, numbers: Sequence[str]) -> list[Registration]:
    query = (
        select(Registration).where(Registration.number.in_(list(numbers))).options(selectinload(Registration.people))
    )
    for track_id in sorted({row.track_id for row in session.scalars(query)}):
        # Two who confirm at once must not both take the last place, nor give two entries one code.
        lock_track(session, track_id)
    rows = session.scalars(query.order_by(Registration.id).with_for_update().execution_options(populate_existing=True))
    return list(rows)


def _apply(
    session: Session, judged: Judged, action: Action, reason: str, tree: Tree, actor: Actor, now: datetime
) -> None:
    registration, turn = judged.registration, judged.turn
    assert turn is not None
    contest = session.get_one(Contest, registration.contest_id)
    registration.version += 1
    registration.updated_at = now
    session.add(
        ReviewStep(
            registration_id=registration.id,
            step=turn.step.code[:20],
            action=action,
            person_id=actor.person_id,
            actor=actor.name[:120],
            at=now,
            reason=reason,
            failures=list(judged.failures),
        )
    )
    if action == "confirm":
        _confirm(session, registration, contest, turn, tree, now)
    elif action == "return":
        registration.state, registration.reason = "returned", reason
        messages.returned(session, registration, contest, str(turn.step.title), reason, now=now)
    else:
        registration.state, registration.reason = "refused", reason
        for person in registration.people:
            person.holds = False
        messages.refused(session, registration, contest, str(turn.step.title), reason, now=now)
    session.flush()
    audit.note(
        session, actor, f"registration.{action}", registration.number, now=now, contest_id=contest.id, reason=reason,
        details={"step": turn.step.code, "failures": [one["rule"] for one in judged.failures]},
    )  # fmt: skip


def _confirm(
    session: Session, registration: Registration, contest: Contest, turn: Turn, tree: Tree, now: datetime
) -> None:
    after = turn_at(chain_of(contest.review_chain), tree.line(registration.unit_id), turn.index + 1)
    if after is not None:
        registration.step = after.index
        messages.confirmed(session, registration, contest, str(turn.step.title), str(after.step.title), now=now)
        messages.waiting(session, registration, contest, after, now=now)
        return
    registration.state, registration.reason = "confirmed", ""
    # Codes count over the contest, not the track.
    session.execute(select(Contest.id).where(Contest.id == contest.id).with_for_update())
    entry = admit(session, contest, registration, now=now)
    messages.admitted(session, registration, contest, entry.code, now=now)


def history(session: Session, registration_id: int) -> Sequence[ReviewStep]:
    return session.scalars(
        select(ReviewStep).where(ReviewStep.registration_id == registration_id).order_by(ReviewStep.id)
    ).all()
