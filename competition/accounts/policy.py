"""Who may do what: the roles, what each is for, which never meet in one contest, and the actor a service is given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from competition.shared.errors import DomainError


@dataclass(frozen=True, slots=True)
class Role:
    """One row of the table: `scope` is all, contest, track, stage, unit, seat, own or case; `never` in one contest."""

    name: str
    title: str
    scope: str
    may: str
    never: frozenset[str] = frozenset()


ROLE_TABLE: Final[dict[str, Role]] = {
    role.name: role
    for role in (
        Role("admin", _l("系统管理员"), "all", _l("设置与用户")),
        Role("organiser", _l("主办方"), "contest", _l("定义赛事、发布(须第二位主办方批准)、推进阶段、封榜")),
        Role("unit", _l("推荐单位"), "unit", _l("为本单位及下级单位人员报名、确认,查看其成绩")),
        Role("contestant", _l("参赛者"), "own", _l("自己的参赛项目、成绩与申诉"), frozenset({"judge", "arbiter"})),
        Role(
            "coder",
            _l("加密员"),
            "contest",
            _l("编码及其对应关系;不接触评分"),
            frozenset({"recorder", "judge", "chief"}),
        ),
        Role("recorder", _l("记录员"), "stage", _l("按编号录入测量值与用时"), frozenset({"coder"})),
        Role(
            "judge", _l("裁判员"), "seat", _l("按编号填写自己的评分表"), frozenset({"contestant", "coder", "arbiter"})
        ),
        Role(
            "chief",
            _l("裁判长"),
            "track",
            _l("按编号查看全部评分、作出裁定、开关评分窗口"),
            frozenset({"coder", "supervisor", "arbiter"}),
        ),
        Role("supervisor", _l("监督员"), "contest", _l("查看日志、第二签名、与加密员共同解密"), frozenset({"chief"})),
        Role("arbiter", _l("仲裁员"), "case", _l("处理申诉"), frozenset({"judge", "chief", "contestant"})),
        Role("awards", _l("评奖办公室"), "all", _l("获奖名单与推荐工作")),
        Role("visitor", _l("访客"), "", _l("查看已公开的内容")),
    )
}
"""Every role (contract.md, Roles); the documentation is written from it."""


@dataclass(frozen=True, slots=True)
class GrantInfo:
    """A role of an actor with its scope; None: not limited in that respect."""

    role: str
    contest_id: int | None = None
    track_id: int | None = None
    stage_id: int | None = None
    unit_id: int | None = None
    judge_id: int | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person with their roles, a visitor, or the command line. Services write it in the audit."""

    person_id: int | None
    name: str
    grants: tuple[GrantInfo, ...] = ()
    withheld: frozenset[str] = frozenset()
    """Roles that the person holds and may use once they have given a one-time code."""

    def has(self, role: str, *, contest_id: int | None = None, track_id: int | None = None) -> bool:
        """Whether the actor has the role there; a grant without a scope covers all."""
        return any(
            grant.role == role
            and (contest_id is None or grant.contest_id is None or grant.contest_id == contest_id)
            and (track_id is None or grant.track_id is None or grant.track_id == track_id)
            for grant in self.grants
        )

    def judge_ids(self, contest_id: int) -> frozenset[int]:
        """The judges of the contest on whose seats the actor marks."""
        return frozenset(
            grant.judge_id
            for grant in self.grants
            if grant.role == "judge" and grant.contest_id == contest_id and grant.judge_id is not None
        )

    @property
    def signed_in(self) -> bool:
        return self.person_id is not None


VISITOR: Final = Actor(None, "visitor")
CONSOLE: Final = Actor(None, "console", (GrantInfo("admin"),))
"""The command line: whoever can run it can read the database anyway."""


def conflicts(role: str, held: Collection[str]) -> tuple[str, ...]:
    """The roles among `held` that never meet `role` in one contest, in the table's order."""
    never = ROLE_TABLE[role].never
    return tuple(name for name in ROLE_TABLE if name in held and (name in never or role in ROLE_TABLE[name].never))


def check_grant(role: str, contest_id: int | None, held: Collection[GrantInfo]) -> None:
    """Refuses a role that never meets one already held in the same contest (a grant for all contests is in each)."""
    if role not in ROLE_TABLE or role == "visitor":
        raise DomainError("unknown", _("没有“%(role)s”这个角色。", role=role), "role")
    near = {grant.role for grant in held if contest_id is None or grant.contest_id in (None, contest_id)}
    against = conflicts(role, near)
    if against:
        names = "、".join(str(ROLE_TABLE[name].title) for name in against)
        raise DomainError(
            "forbidden",
            _("同一赛事中,%(role)s不能兼任%(others)s。", role=str(ROLE_TABLE[role].title), others=names),
            "role",
        )
