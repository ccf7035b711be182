"""Messages to a person: in the program always, by mail too where the person's address is confirmed.

What happens often has a template (`TEMPLATES`), so that the same thing is said in the same words everywhere. A message
is written in the language the person has chosen in the profile, else in Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from competition.accounts.models import Notice, Person
from competition.shared import mail as post
from competition.shared.errors import DomainError


@dataclass(frozen=True, slots=True)
class Template:
    """The words of one kind of message; `{name}` stands for a value."""

    title: Any
    body: Any

    def filled(self, values: Mapping[str, object]) -> tuple[str, str]:
        return str(self.title).format_map(values), str(self.body).format_map(values)


TEMPLATES: Final[dict[str, Template]] = {
    "registration.submitted": Template(
        _l("报名已提交：{title}"),
        _l("“{title}”（{number}）已提交到 {contest}，等待{step}审核。审核结果会在这里通知您。"),
    ),
    "registration.waiting": Template(
        _l("有报名等您审核：{title}"), _l("{contest} 的报名“{title}”（{number}）在等{step}审核。")
    ),
    "registration.confirmed": Template(
        _l("报名通过{step}审核：{title}"), _l("“{title}”（{number}）已通过{step}审核，转到下一步：{next}。")
    ),
    "registration.returned": Template(
        _l("报名被退回：{title}"),
        _l("{step}退回了“{title}”（{number}）。原因：{reason}\n请改正后在 {deadline} 前重新提交。"),
    ),
    "registration.refused": Template(
        _l("报名未通过：{title}"), _l("{step}没有通过“{title}”（{number}）。原因：{reason}")
    ),
    "registration.admitted": Template(
        _l("报名成功：{title}"),
        _l("“{title}”（{number}）已通过全部审核，正式参赛，参赛编号 {entry}。请留意抽签和检录的时间。"),
    ),
    "registration.withdrawn": Template(_l("报名已撤回：{title}"), _l("“{title}”（{number}）已从 {contest} 撤回。")),
    "team.invited": Template(_l("邀请您加入团队：{title}"), _l("{name} 邀请您加入“{title}”，参加 {contest}。")),
    "team.joined": Template(_l("{name} 加入了团队"), _l("{name} 加入了“{title}”。")),
    "team.left": Template(_l("{name} 退出了团队"), _l("{name} 退出了“{title}”。")),
    "quota.granted": Template(_l("名额已批准：{track}"), _l("{contest} {track} 批准贵单位 {count} 个名额。")),
    "quota.refused": Template(_l("名额申请未批准：{track}"), _l("{contest} {track} 的名额申请未批准。原因：{reason}")),
    "approval.asked": Template(_l("有事项等您批准：{title}"), _l("{name} 提出“{title}”，需要第二个人批准。")),
    "approval.decided": Template(_l("事项已有结果：{title}"), _l("{name} 对“{title}”作出了决定：{decision}。")),
    "draw.published": Template(
        _l("抽签结果已公布：{track}"), _l("{contest} {track} 的抽签结果已公布，请到竞赛页查看。")
    ),
    "layer.drafted": Template(
        _l("作品已推荐到上一级：{title}"),
        _l("“{title}”在 {lower} 中被推荐到 {contest}，已为您建好报名草稿。请补全后提交。"),
    ),
    "account.reset": Template(
        _l("重设密码"),
        _l("请在 {minutes} 分钟内打开下面的链接设定新密码：\n{link}\n\n如果不是您本人申请的，不用理会这封邮件。"),
    ),
    "account.confirm_email": Template(
        _l("确认邮箱地址"),
        _l("请打开下面的链接，确认这是您的邮箱：\n{link}\n\n如果不是您本人填写的，不用理会这封邮件。"),
    ),
    "account.roster": Template(
        _l("单位已为您建立账号"),
        _l("{unit}已在擂台为您建立账号，登录名 {login}。请打开下面的链接设定密码：\n{link}"),
    ),
    "account.changed": Template(_l("账号安全设置有变动"), _l("{what}。如果不是您本人操作的，请尽快联系组委会。")),
}
"""Kinds of messages; the values that each needs stand in its words."""


def language_of(person: Person | None) -> str:
    chosen = (person.profile or {}).get("language") if person is not None else None
    return "en" if chosen == "en" else "zh"


def words(kind: str, values: Mapping[str, object], person: Person | None = None) -> tuple[str, str]:
    """Title and text of a kind, in the person's language."""
    with force_locale(language_of(person)):
        return TEMPLATES[kind].filled(values)


def notify(
    session: Session,
    person_id: int,
    *,
    kind: str,
    title: str,
    body: str,
    link: str = "",
    contest_id: int | None = None,
    now: datetime,
    mail: bool = True,
) -> Notice:
    """Writes a message to a person and, where the address is confirmed and the contest no rehearsal, the same by mail.

    `link` is a path of ours. Nothing secret belongs here: it can be read as long as the account lives.
    """
    if link and (not link.startswith("/") or link.startswith("//") or "\\" in link):
        raise ValueError("a message's link is a path of ours")
    notice = Notice(
        person_id=person_id,
        contest_id=contest_id,
        kind=kind,
        title=post.one_line(title),
        body=body,
        link=link,
        created_at=now,
    )
    session.add(notice)
    session.flush()
    person = session.get(Person, person_id)
    if mail and person is not None and person.active and person.email and person.email_confirmed_at is not None:
        post.send_later(
            session,
            person.email,
            kind=kind,
            subject=title,
            body=f"{body}\n\n{link}" if link else body,
            now=now,
            person_id=person_id,
            contest_id=contest_id,
        )
    return notice


def tell(
    session: Session,
    person_id: int,
    kind: str,
    values: Mapping[str, object],
    *,
    link: str = "",
    contest_id: int | None = None,
    now: datetime,
    mail: bool = True,
) -> Notice:
    """`notify` in the words of a template."""
    title, body = words(kind, values, session.get(Person, person_id))
    return notify(
        session, person_id, kind=kind, title=title, body=body, link=link, contest_id=contest_id, now=now, mail=mail
    )


def tell_of_change(session: Session, person_id: int, what: object, *, now: datetime) -> Notice:
    """Word of a change in how the person signs in; `what` is a lazy sentence without its full stop."""
    with force_locale(language_of(session.get(Person, person_id))):
        said = str(what)
    return tell(session, person_id, "account.changed", {"what": said}, link="/me/security", now=now)


def unread(session: Session, person_id: int) -> int:
    """How many messages wait to be read: one look into an index."""
    return (
        session.scalar(
            select(func.count()).select_from(Notice).where(Notice.person_id == person_id, Notice.read_at.is_(None))
        )
        or 0
    )


def notices_of(session: Session, person_id: int, *, before: int | None = None, limit: int = 30) -> Sequence[Notice]:
    """A person's messages, newest first; `before` is the id of the last one of the page before."""
    query = select(Notice).where(Notice.person_id == person_id)
    if before is not None:
        query = query.where(Notice.id < before)
    return session.scalars(query.order_by(Notice.id.desc()).limit(limit)).all()


def read(session: Session, person_id: int, notice_id: int, *, now: datetime) -> Notice:
    """Marks one message of the person as read and gives it; an error for people where it is not theirs."""
    notice = session.scalar(select(Notice).where(Notice.id == notice_id, Notice.person_id == person_id))
    if notice is None:
        raise DomainError("unknown", _("没有这条消息，可能已经删除。"))
    if notice.read_at is None:
        notice.read_at = now
    return notice


def read_all(session: Session, person_id: int, *, up_to: int, now: datetime) -> None:
    """Marks as read what the person has been shown: nothing that came in the meantime."""
    session.execute(
        update(Notice)
        .where(Notice.person_id == person_id, Notice.id <= up_to, Notice.read_at.is_(None))
        .values(read_at=now)
        .execution_options(synchronize_session=False)
    )
