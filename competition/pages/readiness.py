"""What has to be right before a contest starts: each point with its state, its figure and where it is put right."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from competition.accounts.remote_hashing import open_hashes
from competition.contests import packs
from competition.contests.models import Contest, Track
from competition.draw.layers import layers_of, live_draw
from competition.draw.models import Draw
from competition.draw.queries import numbers_complete
from competition.pages.seating import Check
from competition.registration.checkin import present_in
from competition.registration.models import CheckIn, Entry, Registration
from competition.registration.queries import missing_draws
from competition.shared.job_line import last_alive

BACKUP: Final = "last-backup.json"
"""Written in the data folder by `leitai backup`."""
FRESH_BACKUP: Final = timedelta(hours=24)
LEAST_FREE: Final = 2 * 1024**3
ALIVE: Final = 60
"""Seconds within which the job process gave a sign of life."""


def checks(session: Session, contest: Contest, services: Any, now: datetime) -> list[Check]:
    """Every point, in the order of the day."""
    found = [_pack(session, contest), _registrations(session, contest)]
    for track in contest.tracks:
        name = f"{track.title} " if len(contest.tracks) > 1 else ""
        found += _entries(session, contest, track, name, services)
        found += _draws(session, contest, track, name)
    found += services.seating.readiness(session, contest, now)
    found += _machine(services, now)
    return found


def _pack(session: Session, contest: Contest) -> Check:
    link = f"/manage/{contest.code}/rules"
    pack = packs.published(session, contest.id)
    title = _("规则包")
    if pack is None:
        return Check("pack", title, "bad", _("还没有发布"), link)
    if not packs.in_force(session, contest):
        return Check("pack", title, "bad", _("第 %(n)s 版发布之后又有改动", n=pack.version), link)
    return Check(
        "pack", title, "ok", _("第 %(n)s 版 %(hash)s，与现行规则一致", n=pack.version, hash=pack.hash[:12]), link
    )


def _registrations(session: Session, contest: Contest) -> Check:
    waiting = session.scalar(
        select(func.count())
        .select_from(Registration)
        .where(Registration.contest_id == contest.id, Registration.state.in_(("submitted", "returned")))
    )
    link = f"/review/{contest.code}"
    if waiting:
        return Check("review", _("报名审核"), "bad", _("%(n)s 份还没有审完", n=waiting), link)
    return Check("review", _("报名审核"), "ok", _("没有待审的报名"), link)


def _entries(session: Session, contest: Contest, track: Track, name: str, services: Any) -> Iterable[Check]:
    rows: Any = session.execute(select(Entry.id, Entry.code).where(Entry.track_id == track.id)).all()
    entries: dict[int, str] = dict(rows)
    yield Check(
        f"entries-{track.code}", name + _("参赛项目"), "ok" if entries else "bad", _("%(n)s 个", n=len(entries))
    )
    here = present_in(session, track.id)
    ruled = {entry.code for entry in services.reader.read(session, track.id).entries if entry.status != "ok"}
    open_ = [code for key, code in entries.items() if key not in here and code not in ruled]
    figure = _(
        "到场 %(here)s，裁定缺席或退赛 %(ruled)s，共 %(all)s", here=len(here), ruled=len(ruled), all=len(entries)
    )
    link = f"/checkin/{contest.code}/absent" if open_ and here else f"/checkin/{contest.code}"
    yield Check(
        f"checkin-{track.code}", name + _("检录"), "bad" if open_ else "ok",
        figure + (_("；%(n)s 个既没有到场也没有裁定", n=len(open_)) if open_ else ""), link,
    )  # fmt: skip


def _draws(session: Session, contest: Contest, track: Track, name: str) -> Iterable[Check]:
    link = f"/contests/{contest.code}/draw#{track.code}"
    first = session.scalar(
        select(func.min(CheckIn.at)).join(Entry, Entry.id == CheckIn.entry_id).where(Entry.track_id == track.id)
    )
    for layer in layers_of(session, track.id):
        draw = live_draw(session, layer.id)
        title = name + layer.title
        key = f"draw-{track.code}-{layer.code}"
        if draw is None:
            yield Check(key, title, "bad", _("还没有公布承诺"), link)
        elif draw.drawn_at is None:
            yield Check(key, title, "bad", _("还没有抽签"), link)
        elif not numbers_complete(session, layer):
            yield Check(key, title, "bad", _("有参赛项目没有编号，须作废重抽"), link)
        elif first is not None and draw.committed_at > first:
            again = session.scalar(
                select(func.count()).select_from(Draw).where(Draw.layer_id == layer.id, Draw.state == "void")
            )
            said = _("承诺在检录开始之后公布") + (_("（前 %(n)s 次作废）", n=again) if again else "")
            yield Check(key, title, "wait", said, link)
        elif draw.seed is None:
            yield Check(key, title, "wait", _("已抽签，种子还没有公布"), link)
        else:
            yield Check(key, title, "ok", _("承诺在检录之前，已抽签，种子已公布"), link)
    if not layers_of(session, track.id):
        missing = len(missing_draws(session, track))
        if missing:
            said = _("%(n)s 个参赛项目没有编号", n=missing)
            yield Check(f"numbers-{track.code}", name + _("编号"), "bad", said, f"/manage/{contest.code}/draw")
        elif contest.identity == "entry" and track.blind:
            said = _("没有设置编码层，裁判看到的是参赛项目代码")
            yield Check(f"numbers-{track.code}", name + _("编号"), "wait", said, f"/manage/{contest.code}/draw")
    closed = [stage.title for stage in track.stages[:1] if stage.state != "open"]
    yield Check(
        f"window-{track.code}", name + _("第一环节的评分窗口"), "info",
        _("未开放（开赛时由裁判长开放）") if closed else _("已开放"), f"/manage/{contest.code}#{track.code}",
    )  # fmt: skip


def _machine(services: Any, now: datetime) -> Iterable[Check]:
    config = services.config
    free = shutil.disk_usage(_existing(Path(config.data_dir))).free
    yield Check("disk", _("磁盘余量"), "ok" if free >= LEAST_FREE else "bad", _("%(n)s GB", n=f"{free / 1024**3:.1f}"))
    yield _backup(Path(config.data_dir), now)
    yield _jobs(config)
    if config.smtp_url:
        yield Check("mail", _("邮件"), "ok", _("已设置"))
    else:
        yield Check("mail", _("邮件"), "info", _("没有设置邮件服务器；消息只在系统内显示"))


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _backup(folder: Path, now: datetime) -> Check:
    try:
        made = datetime.fromisoformat(json.loads((folder / BACKUP).read_text(encoding="utf-8"))["made_at"])
        age = now - made
    except (OSError, ValueError, KeyError, TypeError):
        return Check("backup", _("备份"), "bad", _("没有找到备份记录；请运行 leitai backup"))
    hours = int(age.total_seconds() // 3600)
    return Check(
        "backup", _("备份"), "ok" if age <= FRESH_BACKUP else "bad",
        _("%(n)s 小时前", n=hours) if hours else _("不到 1 小时前"),
    )  # fmt: skip


def _jobs(config: Any) -> Check:
    queue = open_hashes(config)
    try:
        at = last_alive(queue)
    finally:
        if hasattr(queue.storage, "close"):
            queue.storage.close()
    age = None if at is None else time.time() - at
    if age is not None and age <= ALIVE:
        return Check("jobs", _("后台任务进程"), "ok", _("%(n)s 秒前有应答", n=int(age)))
    return Check("jobs", _("后台任务进程"), "bad", _("没有应答；请检查 leitai jobs 是否在运行"))
