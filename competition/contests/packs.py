"""Versions of a contest's rule pack: published by two people, changed by two people, never edited.

Version numbers count what was published: 1, 2, 3. A proposal carries a number below 0 until a second person has said
yes; one that is refused, withdrawn or overtaken keeps it. Marks are never touched by any of this: a change is refused
where a stored mark would no longer fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts import approval as approvals
from competition.accounts import approval_kinds, audit
from competition.accounts.approval_kinds import ApprovalKind
from competition.accounts.models import Approval, Grant
from competition.accounts.notices import tell
from competition.accounts.policy import Actor
from competition.contests import queries
from competition.contests.changes import change_table
from competition.contests.locks import lock_track
from competition.contests.models import Contest, RulePack, Track
from competition.contests.pack import Tree, document_of, pack_hash
from competition.contests.pack_changes import differences
from competition.contests.policy import can_run
from competition.shared.errors import DomainError

KIND: Final = "rule_pack"


@dataclass(frozen=True, slots=True)
class Tools:
    """What stands above contests and packs need; `create_app` wires it.

    `read` gives a proposed document in canonical form, or refuses it with every problem. `effects` says which ranks
    and prizes it would change (its words: `competition.recommendation.preview`). `write` makes it the definition.
    """

    read: Callable[[Session, Contest, Tree], Tree]
    effects: Callable[[Session, Contest, Tree], Tree]
    write: Callable[[Session, Contest, Tree, Actor, datetime], None]


_wired: Final[list[Tools]] = []


def wire(tools: Tools) -> None:
    """Called when the program is put together; makes the kind of decision known, too."""
    _wired[:] = [tools]
    approval_kinds.register(
        ApprovalKind(KIND, _l("赛事规则"), _may_decide, describe, _apply, link=_link, drop=_drop, shown=shown_hash)
    )


def _tools() -> Tools:
    if not _wired:
        raise RuntimeError("nobody has wired the rule packs")
    return _wired[0]


def current_document(session: Session, contest: Contest) -> Tree:
    """The rule pack that the stored definition is."""
    rules = {track.code: track.eligibility for track in tracks_of(session, contest.id)}
    return document_of(queries.definition(session, contest.id), rules)


def tracks_of(session: Session, contest_id: int) -> list[Track]:
    return list(session.scalars(select(Track).where(Track.contest_id == contest_id).order_by(Track.position)))


def versions(session: Session, contest_id: int) -> list[RulePack]:
    """What was published, newest first."""
    query = select(RulePack).where(RulePack.contest_id == contest_id, RulePack.version > 0)
    return list(session.scalars(query.order_by(RulePack.version.desc())))


def published(session: Session, contest_id: int) -> RulePack | None:
    """The version in force."""
    return session.scalar(select(RulePack).where(RulePack.contest_id == contest_id, RulePack.state == "published"))


def proposals(session: Session, contest_id: int) -> list[RulePack]:
    """What was proposed and did not come to be a version (or not yet), newest first."""
    query = select(RulePack).where(RulePack.contest_id == contest_id, RulePack.version < 0)
    return list(session.scalars(query.order_by(RulePack.version)))


def asked(session: Session, contest_id: int) -> RulePack | None:
    """The proposal that waits for a second person."""
    return session.scalar(
        select(RulePack)
        .where(RulePack.contest_id == contest_id, RulePack.state == "asked")
        .order_by(RulePack.id.desc())
        .limit(1)
    )


def in_force(session: Session, contest: Contest) -> bool:
    """Whether what is stored is exactly what was published."""
    pack = published(session, contest.id)
    return pack is not None and pack.hash == pack_hash(current_document(session, contest))


def marked(session: Session, contest_id: int) -> bool:
    """Whether the contest has its first mark."""
    tracks = select(Track.id).where(Track.contest_id == contest_id)
    query = select(change_table.c.id).where(change_table.c.track_id.in_(tracks), change_table.c.kind == "mark").limit(1)
    return session.execute(query).first() is not None


def ask_publish(session: Session, contest: Contest, *, reason: str = "", actor: Actor, now: datetime) -> RulePack:
    """Puts the definition as it stands before a second organiser, who publishes it by a yes."""
    _check_may(actor, contest)
    document = current_document(session, contest)
    if not document["tracks"]:
        raise DomainError("incomplete", _("还没有赛项，请先编写赛项和评分标准。"))
    document = _tools().read(session, contest, document)
    if in_force(session, contest):
        raise DomainError("conflict", _("现行规则已经发布，没有要发布的改动。"))
    if marked(session, contest.id) and not reason.strip():
        raise DomainError("bad_request", _("已有评分，发布规则须填写理由。"), "reason")
    return _ask(session, contest, document, {}, reason, actor, now)


def propose_change(
    session: Session, contest: Contest, document: Tree, *, reason: str, actor: Actor, now: datetime
) -> RulePack:
    """Puts changed rules before a second organiser; nothing changes until their yes.

    `document` is a rule pack (`contests.pack.document_of`) or an editor's definition document; where that has no
    eligibility the rules stay. After the first mark a reason must be given, and the proposal carries which ranks and
    prizes it would change. An open proposal of the contest is overtaken.
    """
    _check_may(actor, contest)
    if published(session, contest.id) is None:
        raise DomainError("not_open", _("规则还没有发布，请直接修改，不必提出变更。"))
    document = _tools().read(session, contest, document)
    if pack_hash(document) == pack_hash(current_document(session, contest)):
        raise DomainError("bad_request", _("与现行规则没有差别，没有要变更的内容。"))
    effects: Tree = {}
    if marked(session, contest.id):
        if not reason.strip():
            raise DomainError("bad_request", _("已有评分，变更规则须填写理由。"), "reason")
        effects = _tools().effects(session, contest, document)
    return _ask(session, contest, document, effects, reason, actor, now)


def effects_now(session: Session, pack: RulePack) -> Tree:
    """What a proposal would change as the evidence stands now; of a version what its deciders were shown."""
    if pack.state != "asked":
        return pack.effects
    contest = session.get_one(Contest, pack.contest_id)
    if not pack.effects and (published(session, contest.id) is None or not marked(session, contest.id)):
        return {}
    return _tools().effects(session, contest, pack.document)


def record_imported(session: Session, contest: Contest, *, actor: Actor, now: datetime) -> RulePack | None:
    """After an import that stands past its draft: what was imported is the version in force, without a second yes.

    Imports are made by the command line and by those who run the contest, of rules decided elsewhere.
    """
    session.flush()
    if queries.contest_phase(contest) == "draft":
        return None
    document = current_document(session, contest)
    before = published(session, contest.id)
    if before is not None and before.hash == pack_hash(document):
        return before
    drop_asked(session, contest.id)
    pack = RulePack(
        contest_id=contest.id,
        version=_lowest(session, contest.id),
        hash=pack_hash(document),
        document=document,
        reason=_("随赛事文件导入"),
        created_by=actor.person_id,
        created_at=now,
    )
    session.add(pack)
    _publish(session, contest, pack, now)
    return pack


def drop_asked(session: Session, contest_id: int) -> None:
    """Overtakes what waits for a second person."""
    for pack in session.scalars(select(RulePack).where(RulePack.contest_id == contest_id, RulePack.state == "asked")):
        pack.state = "dropped"
        approval = session.get(Approval, pack.approval_id) if pack.approval_id is not None else None
        if approval is not None and approval.state == "asked":
            approval.state = "dropped"
    session.flush()


def _check_may(actor: Actor, contest: Contest) -> None:
    if not can_run(actor, contest.id):
        raise DomainError("forbidden", _("只有主办方可以发布或变更规则。"))


def _lowest(session: Session, contest_id: int) -> int:
    lowest = session.scalar(select(func.min(RulePack.version)).where(RulePack.contest_id == contest_id))
    return min(lowest or 0, 0) - 1


def _ask(
    session: Session, contest: Contest, document: Tree, effects: Tree, reason: str, actor: Actor, now: datetime
) -> RulePack:
    session.execute(select(Contest.id).where(Contest.id == contest.id).with_for_update())
    drop_asked(session, contest.id)
    pack = RulePack(
        contest_id=contest.id,
        version=_lowest(session, contest.id),
        hash=pack_hash(document),
        document=document,
        state="asked",
        reason=reason.strip(),
        effects=effects,
        created_by=actor.person_id,
        created_at=now,
    )
    session.add(pack)
    session.flush()
    base = pack_hash(current_document(session, contest))
    pack.approval_id = approvals.ask(
        session,
        kind=KIND,
        subject=contest.code,
        payload={"pack": pack.id, "hash": pack.hash, "base": base},
        reason=reason.strip() or _("发布规则"),
        contest_id=contest.id,
        actor=actor,
        now=now,
    )
    session.flush()
    _call(session, contest, pack.approval_id, actor, now)
    return pack


def _call(session: Session, contest: Contest, approval: int, actor: Actor, now: datetime) -> None:
    """A message to everybody else who runs the contest: one of them is to answer."""
    others = select(Grant.person_id).where(
        Grant.role == "organiser", Grant.contest_id == contest.id, Grant.person_id != actor.person_id
    )
    values = {"name": actor.name, "title": _("%(contest)s的规则", contest=contest.title)}
    for person_id in sorted(set(session.scalars(others))):
        link = f"/approvals/{approval}"
        tell(session, person_id, "approval.asked", values, link=link, contest_id=contest.id, now=now)


def _publish(session: Session, contest: Contest, pack: RulePack, now: datetime) -> None:
    before = published(session, contest.id)
    newest = session.scalar(select(func.max(RulePack.version)).where(RulePack.contest_id == contest.id))
    if before is not None:
        before.state = "superseded"
    pack.version, pack.state, pack.published_at = max(newest or 0, 0) + 1, "published", now
    contest.published_at = contest.published_at or now
    session.flush()


def pack_of(session: Session, approval: Approval) -> RulePack:
    """The rule pack that an approval is about; refuses one whose document is not what was asked for."""
    pack = session.scalar(
        select(RulePack).where(RulePack.id == int(approval.payload["pack"]), RulePack.approval_id == approval.id)
    )
    if pack is None:
        raise DomainError("unknown", _("没有这个规则版本。"))
    if not approval.payload["hash"] == pack.hash == pack_hash(pack.document):
        raise DomainError("forbidden", _("要执行的内容与批准的内容不一致。"))
    return pack


def _may_decide(_session: Session, actor: Actor, approval: Approval) -> bool:
    return approval.contest_id is not None and can_run(actor, approval.contest_id)


def _link(session: Session, approval: Approval) -> str:
    return f"/manage/{approval.subject}/rules/{int(approval.payload['pack'])}"


def describe(session: Session, approval: Approval) -> list[str]:
    """What is asked for: which contest and rules, how much changes, and how many ranks and prizes with it."""
    contest = session.get(Contest, approval.contest_id)
    pack = session.get(RulePack, int(approval.payload["pack"]))
    if contest is None or pack is None:
        return []
    before = published(session, contest.id)
    lines = [_("%(contest)s的规则，校验码 %(hash)s", contest=contest.title, hash=pack.hash[:12])]
    if pack.state == "published":
        lines.append(_("已发布为第 %(n)s 版。", n=pack.version))
        return lines
    if before is None:
        lines.append(_("首次发布：同意后规则对外公布，赛项可以开始报名。"))
        return lines
    number = len(differences(before.document, pack.document))
    lines.append(_("在第 %(n)s 版上改动 %(count)s 处，同意后成为新的一版。", n=before.version, count=number))
    if pack.state == "asked" and marked(session, contest.id):
        lines += effect_lines(effects_now(session, pack))
    return lines


def effect_lines(effects: Tree) -> list[str]:
    """How many ranks and prizes would change, a line for each track."""
    lines = []
    for track in effects.get("tracks", ()):
        ranks = sum(row["rank"][0] != row["rank"][1] for row in track["rows"])
        prizes = sum(row["prize"][0] != row["prize"][1] for row in track["rows"])
        lines.append(
            _(
                "“%(track)s”将有 %(ranks)s 个名次、%(prizes)s 个奖次变化。",
                track=track["title"],
                ranks=ranks,
                prizes=prizes,
            )
        )
    return lines


def shown_hash(session: Session, approval: Approval) -> str:
    """A stamp of what a decider is shown; one who decides on another is shown the new effects first."""
    pack = session.get(RulePack, int(approval.payload["pack"]))
    return "" if pack is None else pack_hash({"effects": effects_now(session, pack), "tracks": [], "hash": pack.hash})


def _apply(session: Session, approval: Approval, actor: Actor, now: datetime) -> None:
    session.execute(select(Contest.id).where(Contest.id == approval.contest_id).with_for_update())
    # What was read before the lock may be of before another's commit.
    session.flush()
    session.expire_all()
    pack = pack_of(session, approval)
    contest = session.get_one(Contest, pack.contest_id)
    if pack.state != "asked":
        raise DomainError("conflict", _("这项申请已有结论。"))
    current = pack_hash(current_document(session, contest))
    if current != approval.payload["base"]:
        raise DomainError("conflict", _("提出之后规则又有改动，请撤回后按现在的规则重新提出。"))
    changed = pack.hash != current
    details: dict[str, Any] = {"hash": pack.hash, "base": approval.payload["base"], "asked_by": approval.asked_by}
    if changed and not pack.reason and marked(session, contest.id):
        raise DomainError("bad_request", _("提出之后已有评分，变更须写明理由，请重新提出。"))
    if changed:
        # The fold that is kept is one of evidence that cannot move until the commit.
        for track in tracks_of(session, contest.id):
            lock_track(session, track.id)
        pack.effects = effects_now(session, pack)
        _tools().write(session, contest, pack.document, actor, now)
        if pack_hash(current_document(session, contest)) != pack.hash:
            raise RuntimeError("what was written is not the rule pack that was approved")
    _publish(session, contest, pack, now)
    audit.note(
        session,
        actor,
        "rules.change" if changed else "rules.publish",
        contest.code,
        now=now,
        contest_id=contest.id,
        reason=approval.reason,
        details={**details, "version": pack.version},
    )


def _drop(session: Session, approval: Approval, _actor: Actor, _now: datetime) -> None:
    pack = session.scalar(select(RulePack).where(RulePack.approval_id == approval.id))
    if pack is not None and pack.state == "asked":
        pack.state = "dropped"
        session.flush()
