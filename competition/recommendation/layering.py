"""Which lower tracks come up into which track, the servers whose packages are believed, and this server's own key."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.policy import Actor
from competition.contests.models import Contest, Track
from competition.contests.policy import can_run
from competition.recommendation.layers import CODE, fingerprint
from competition.registration.models import Layer, Peer, Promotion, ServerKey
from competition.shared.errors import DomainError
from competition.shared.vault import Vault

MOST: Final = 1_000


def add_layer(
    session: Session,
    contest: Contest,
    track: Track,
    lower: tuple[str, str],
    top: int,
    *,
    peer_id: int | None,
    actor: Actor,
    now: datetime,
) -> Layer:
    """Names a lower track (contest code, track code) whose first `top` (1 to 1,000) come up into `track`."""
    check_runs(actor, contest)
    if not all(CODE.fullmatch(code) for code in lower):
        raise DomainError("bad_request", _("请填写下级竞赛和赛项的代码。"), "lower_contest")
    if not 1 <= top <= MOST:
        raise DomainError("bad_request", _("名额须为 1 至 %(most)s 的整数。", most=MOST), "top")
    if peer_id is None and lower[0].casefold() == contest.code_key:
        raise DomainError("bad_request", _("竞赛不能以自己为下级。"), "lower_contest")
    if peer_id is not None:
        peer = session.get(Peer, peer_id)
        if peer is None or peer.removed_at is not None:
            raise DomainError("unknown", _("没有这台已登记的服务器。"), "peer")
    twin = session.scalar(
        select(Layer.id).where(
            Layer.track_id == track.id,
            func.lower(Layer.lower_contest) == lower[0].lower(),
            func.lower(Layer.lower_track) == lower[1].lower(),
        )
    )
    if twin is not None:
        raise DomainError("conflict", _("这个下级赛项已经列出。"), "lower_contest")
    layer = Layer(
        contest_id=contest.id,
        track_id=track.id,
        lower_contest=lower[0],
        lower_track=lower[1],
        top=top,
        peer_id=peer_id,
        created_at=now,
    )
    session.add(layer)
    session.flush()
    audit.note(
        session, actor, "layer.add", f"{contest.code}/{track.code}", now=now, contest_id=contest.id,
        details={"lower": "/".join(lower), "top": top, "peer": peer_id},
    )  # fmt: skip
    return layer


def remove_layer(session: Session, layer: Layer, *, actor: Actor, now: datetime) -> None:
    """Takes a lower track off the list; what came from it stays, with its stamp."""
    contest = session.get_one(Contest, layer.contest_id)
    check_runs(actor, contest)
    audit.note(
        session, actor, "layer.remove", contest.code, now=now, contest_id=contest.id,
        details={"lower": f"{layer.lower_contest}/{layer.lower_track}"},
    )  # fmt: skip
    session.delete(layer)
    session.flush()


def add_peer(session: Session, name: str, public_key: str, *, actor: Actor, now: datetime) -> Peer:
    """Believes packages signed with that key from now on; the caller has compared the fingerprint with its owner."""
    name, public_key = name.strip(), "".join(public_key.split())
    try:
        whole = len(base64.b64decode(public_key, validate=True)) == 32
    except ValueError:
        whole = False
    if not whole:
        raise DomainError("bad_request", _("公钥不完整。请让对方从“层层选拔”页复制。"), "public_key")
    if not name or len(name) > 200:
        raise DomainError("bad_request", _("请填写对方服务器的名称。"), "name")
    peer = session.scalar(select(Peer).where(Peer.public_key == public_key))
    if peer is None:
        peer = Peer(public_key=public_key, name=name, added_by=actor.person_id, added_at=now)
        session.add(peer)
    peer.name, peer.removed_at = name, None
    session.flush()
    audit.note(session, actor, "peer.add", name, now=now, details={"fingerprint": fingerprint(public_key)})
    return peer


def remove_peer(session: Session, peer_id: int, *, actor: Actor, now: datetime) -> None:
    peer = session.get(Peer, peer_id)
    if peer is None:
        raise DomainError("unknown", _("没有这台已登记的服务器。"), "peer")
    peer.removed_at = peer.removed_at or now
    audit.note(session, actor, "peer.remove", peer.name, now=now)


def peers(session: Session) -> Sequence[Peer]:
    return session.scalars(select(Peer).where(Peer.removed_at.is_(None)).order_by(Peer.name)).all()


def layers_of(session: Session, contest_id: int) -> Sequence[Layer]:
    return session.scalars(select(Layer).where(Layer.contest_id == contest_id).order_by(Layer.id)).all()


def promotions_of(session: Session, track_ids: Sequence[int]) -> Sequence[Promotion]:
    return session.scalars(
        select(Promotion).where(Promotion.track_id.in_(track_ids)).order_by(Promotion.lower_contest, Promotion.rank)
    ).all()


def server_key(session: Session, vault: Vault, now: datetime) -> Ed25519PrivateKey:
    """The key with which this server signs, made when it is first needed."""
    row = session.scalar(select(ServerKey).order_by(ServerKey.id.desc()).limit(1))
    if row is not None:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(vault.open(row.key_sealed)))
    key = Ed25519PrivateKey.generate()
    session.add(
        ServerKey(
            key_sealed=vault.seal(base64.b64encode(key.private_bytes_raw()).decode()),
            public_key=public_text(key),
            made_at=now,
        )
    )
    session.flush()
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def check_runs(actor: Actor, contest: Contest) -> None:
    if not can_run(actor, contest.id):
        raise DomainError("forbidden", _("只有主办方可以设置层层选拔。"))
