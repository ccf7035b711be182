"""The tree of units: made, changed, moved, archived; their flags; their officers.

An admin may do everything. An officer of a unit may add units below it and change those below it; of the unit itself
the contact and the studio's leader alone, since name, number, place and flags are for whoever stands above to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from competition.accounts import audit, service
from competition.accounts.models import Grant, Person, Unit
from competition.accounts.numbers import check_phone, check_uscc
from competition.accounts.policy import Actor
from competition.accounts.profile import opened
from competition.accounts.queries import person_by_login
from competition.accounts.unit_queries import may_speak_for, spoken_for, units_above, units_below
from competition.shared.errors import DomainError
from competition.shared.vault import Vault

KINDS: Final[dict[str, Any]] = {
    "district": _l("市、区市"),
    "system": _l("系统、行业"),
    "union": _l("工会"),
    "department": _l("部门"),
    "enterprise": _l("企业"),
    "school": _l("院校"),
    "platform": _l("平台企业"),
    "studio": _l("创新工作室"),
}
"""Kinds of units, as in bundle.md. The topmost district is the city."""
FLAGS: Final[dict[str, Any]] = {
    "innovation": _l("全员创新企业"),
    "school_partner": _l("产教融合型企业"),
    "tech_leader": _l("科技领军企业"),
    "high_tech": _l("高新技术企业"),
    "tech_sme": _l("科技型中小企业"),
    "specialised": _l("专精特新"),
    "alliance": _l("创新工作室联盟"),
    "service_station": _l("职工创新创效服务工作站"),
}
"""What the guideline names (items 12, 15); the rule `unit` of eligibility reads these codes."""
LEVELS: Final[dict[str, Any]] = {
    "enterprise": _l("企业级"),
    "county": _l("区市级"),
    "city": _l("市级"),
    "province": _l("省级"),
}
CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DEEPEST: Final = 12
"""More levels than any union has; it keeps the tree readable."""
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class UnitCommand:
    """A unit as its form holds it; `parent` is a code ("" none). None: leave as it is."""

    code: str = ""
    name: str | None = None
    kind: str | None = None
    parent: str | None = None
    uscc: str | None = None
    flags: tuple[str, ...] | None = None
    contact: str | None = None
    phone: str | None = None
    lead: str | None = None
    level: str | None = None


OWN_PART: Final = frozenset(("contact", "phone", "lead"))
"""What an officer may change of the unit itself."""


def may_manage(session: Session, actor: Actor, unit: Unit) -> bool:
    """Whether the actor stands above the unit: may rename, move, archive it and say its flags."""
    if actor.has("admin"):
        return True
    return unit.parent_id is not None and may_speak_for(session, actor, unit.parent_id)


def create_unit(session: Session, command: UnitCommand, *, vault: Vault, actor: Actor, now: datetime) -> Unit:
    """A new unit; without `code` it goes by its 统一社会信用代码, else by a number. All faults are told at once."""
    problems: dict[str, str] = {}
    parent = _parent(session, command.parent or "", None, actor, problems)
    unit = Unit(kind="", name="", flags=[], details={}, contact="")
    _fill(session, unit, command, vault, problems)
    for field, value in (("name", command.name), ("kind", command.kind)):
        if not value and field not in problems:
            problems[field] = _("请填写单位名称。") if field == "name" else _("请选择单位类型。")
    code = command.code.strip() or unit.uscc or ""
    if not code:
        code = _next_code(session)
    if not CODE.fullmatch(code) or code.casefold() == "new":  # that is the address of the form
        problems["code"] = _("代码以字母或数字开头，只含字母、数字和 . _ -，最多 64 个字符。")
    elif session.scalar(select(Unit.id).where(Unit.code_key == code.casefold())) is not None:
        problems["code"] = _("代码“%(code)s”已有单位使用。", code=code)
    _refuse(problems)
    unit.code, unit.code_key, unit.parent_id = code, code.casefold(), parent.id if parent else None
    session.add(unit)
    session.flush()
    audit.note(session, actor, "unit.create", code, now=now, details={"parent": parent.code if parent else ""})
    return unit


def edit_unit(session: Session, unit: Unit, command: UnitCommand, *, vault: Vault, actor: Actor, now: datetime) -> None:
    """Changes what the command names; a new parent moves the unit with all below it."""
    given = {name for name in UnitCommand.__dataclass_fields__ if name != "code" and getattr(command, name) is not None}
    manages = may_manage(session, actor, unit)
    if not manages and not (may_speak_for(session, actor, unit.id) and given <= OWN_PART):
        raise DomainError("forbidden", _("单位的名称、类型、代码和标识由上级单位维护。"))
    problems: dict[str, str] = {}
    before = _state(unit)
    if command.parent is not None:
        parent = _parent(session, command.parent, unit, actor, problems)
        unit.parent_id = parent.id if parent else (unit.parent_id if "parent" in problems else None)
    _fill(session, unit, command, vault, problems)
    _refuse(problems)
    session.flush()
    changed = sorted(name for name, value in _state(unit).items() if value != before[name])
    if changed:
        audit.note(session, actor, "unit.edit", unit.code, now=now, details={"fields": changed})


def archive_unit(session: Session, unit: Unit, on: bool, *, actor: Actor, now: datetime) -> None:
    """Takes a unit out of every choice, or brings it back; what it took part in stays. Units below must go first."""
    if not may_manage(session, actor, unit):
        raise DomainError("forbidden", _("撤销单位须由上级单位操作。"))
    if on == (unit.archived_at is not None):
        return
    if on:
        below = session.scalar(
            select(func.count()).select_from(Unit).where(Unit.parent_id == unit.id, Unit.archived_at.is_(None))
        )
        if below:
            raise DomainError("conflict", _("下面还有 %(n)s 个单位。请先移走或撤销它们。", n=below))
    elif any(above.archived_at is not None for above in units_above(session, unit.id)):
        raise DomainError("conflict", _("上级单位已撤销。请先恢复上级，或把它移到别的单位下面。"))
    unit.archived_at = now if on else None
    session.flush()
    audit.note(session, actor, "unit.archive" if on else "unit.restore", unit.code, now=now)


def add_officer(
    session: Session, unit: Unit, *, login: str = "", name: str = "", actor: Actor, now: datetime
) -> tuple[int, bool]:
    """Makes somebody an officer of the unit, by sign-in name or as a new person; gives their id and whether new.

    An officer finds people of the units that they speak for alone; others are made anew, so that nobody learns who
    else has an account.
    """
    if not may_speak_for(session, actor, unit.id):
        raise DomainError("forbidden", _("只有本单位或上级单位的经办人可以任命经办人。"))
    if unit.archived_at is not None:
        raise DomainError("conflict", _("单位已撤销，不能任命经办人。"))
    login, name = login.strip(), " ".join(name.split())
    made = False
    if login:
        person = person_by_login(session, login)
        own = spoken_for(session, actor)
        if person is None or not person.active or (own is not None and person.unit_id not in own):
            raise DomainError("unknown", _("你管理的单位里没有这个登录名的人。可以改填姓名，新建一个账号。"), "login")
    elif name:
        person_id = service.create_person(
            session, login=_login(session, unit), name=name, password=None, now=now, actor=actor
        )
        person, made = session.get_one(Person, person_id), True
        person.unit_id = unit.id
    else:
        raise DomainError("bad_request", _("请填写登录名，或填写姓名新建账号。"), "login")
    service.grant(session, person.id, "unit", unit_id=unit.id, now=now, actor=actor)
    return person.id, made


def remove_officer(session: Session, unit: Unit, person_id: int, *, actor: Actor, now: datetime) -> None:
    """Takes the role back. Nobody takes it from themselves: somebody has to stay who can."""
    if not may_speak_for(session, actor, unit.id):
        raise DomainError("forbidden", _("只有本单位或上级单位的经办人可以撤换经办人。"))
    if person_id == actor.person_id:
        raise DomainError("conflict", _("不能撤换自己，请由另一位经办人或上级单位操作。"))
    grants = session.scalars(
        select(Grant).where(Grant.person_id == person_id, Grant.role == "unit", Grant.unit_id == unit.id)
    ).all()
    if not grants:
        raise DomainError("unknown", _("这个人不是本单位的经办人。"))
    for one in grants:
        session.delete(one)
    session.flush()
    person = session.get_one(Person, person_id)
    audit.note(session, actor, "role.revoke", person.login, now=now, details={"role": "unit", "unit_id": unit.id})


def find_units(
    session: Session,
    within: set[int] | None,
    *,
    words: str = "",
    parent_id: int | None = None,
    roots: bool = False,
    kind: str = "",
    flag: str = "",
    archived: bool = False,
    page: int = 1,
) -> tuple[Sequence[Unit], int]:
    """One page of units and how many there are: by words in name, code or number, or the children of one.

    `within` None: all. `roots`: those without a parent among `within`.
    """
    query = select(Unit)
    if within is not None:
        query = query.where(Unit.id.in_(within))
    if not archived:
        query = query.where(Unit.archived_at.is_(None))
    for word in words.split()[:5]:
        like = f"%{word.casefold().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        query = query.where(
            or_(
                func.lower(Unit.name).like(like, escape="!"),
                Unit.code_key.like(like, escape="!"),
                func.lower(Unit.uscc).like(like, escape="!"),
            )
        )
    if kind:
        query = query.where(Unit.kind == kind)
    if parent_id is not None:
        query = query.where(Unit.parent_id == parent_id)
    elif roots:
        top = Unit.parent_id.is_(None)
        query = query.where(top if within is None else or_(top, Unit.parent_id.not_in(within)))
    if flag:
        # Flags are JSON and few: what holds the text is looked at again here.
        wanted = [unit.id for unit in session.scalars(query) if flag in unit.flags]
        query = select(Unit).where(Unit.id.in_(wanted))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(Unit.kind, Unit.name, Unit.id).offset((page - 1) * PAGE).limit(PAGE)).all()
    return rows, total


def _parent(session: Session, code: str, unit: Unit | None, actor: Actor, problems: dict[str, str]) -> Unit | None:
    """The unit that is to stand above, if the actor speaks for it and no loop comes of it."""
    if not code.strip():
        if not actor.has("admin") and (unit is None or unit.parent_id is not None):
            problems["parent"] = _("请选择上级单位。只有系统管理员可以建立没有上级的单位。")
        return None
    parent = session.scalar(select(Unit).where(Unit.code_key == code.strip().casefold()))
    own = unit is not None and parent is not None and unit.parent_id == parent.id
    if parent is None or (parent.archived_at is not None and not own):
        problems["parent"] = _("没有代码为“%(code)s”的单位。", code=code.strip())
    elif not own and not may_speak_for(session, actor, parent.id):
        problems["parent"] = _("只能放在你管理的单位下面。")
    elif unit is not None and parent.id in units_below(session, unit.id):
        problems["parent"] = _("上级不能是它自己，也不能是它下面的单位。")
    elif len(units_above(session, parent.id)) + 2 > DEEPEST:
        problems["parent"] = _("单位最多 %(n)s 级。", n=DEEPEST)
    else:
        return parent
    return None


def _fill(session: Session, unit: Unit, command: UnitCommand, vault: Vault, problems: dict[str, str]) -> None:
    if command.name is not None:
        name = " ".join(command.name.split())
        if not 1 <= len(name) <= 200 or not name.isprintable():
            problems["name"] = _("请填写单位名称。") if not name else _("单位名称最多 200 个字。")
        unit.name = name[:200]
    if command.kind is not None:
        if command.kind not in KINDS:
            problems["kind"] = _("请选择单位类型。")
        else:
            unit.kind = command.kind
    if command.uscc is not None:
        _fill_uscc(session, unit, command.uscc, problems)
    if command.flags is not None:
        if set(command.flags) - set(FLAGS):
            problems["flags"] = _("没有这种标识。")
        unit.flags = [flag for flag in FLAGS if flag in command.flags]
    if command.contact is not None:
        unit.contact = " ".join(command.contact.split())[:200]
    if command.phone is not None:
        try:
            number = check_phone(command.phone, landline=True) if command.phone.strip() else None
        except DomainError as error:
            problems["phone"] = error.message
        else:
            if opened(vault, unit.phone_sealed) != number:
                unit.phone_sealed = vault.seal(number) if number else None
    details = dict(unit.details)
    for key, value in (("lead", command.lead), ("level", command.level)):
        if value is None:
            continue
        if key == "level" and value and value not in LEVELS:
            problems["level"] = _("没有这个级别。")
        details[key] = " ".join(value.split())[:100]
    unit.details = {key: value for key, value in details.items() if value}


def _fill_uscc(session: Session, unit: Unit, text: str, problems: dict[str, str]) -> None:
    if not text.strip():
        unit.uscc = None
        return
    try:
        number = check_uscc(text)
    except DomainError as error:
        problems["uscc"] = error.message
        return
    if number != unit.uscc:
        with session.no_autoflush:
            other = session.execute(select(Unit.id, Unit.name).where(Unit.uscc == number)).first()
        if other is not None and other.id != unit.id:
            problems["uscc"] = _("这个统一社会信用代码已登记在“%(name)s”名下。", name=other.name)
            return
    unit.uscc = number


def _state(unit: Unit) -> dict[str, Any]:
    names = ("name", "kind", "parent_id", "uscc", "flags", "contact", "phone_sealed", "details")
    return {name: getattr(unit, name) for name in names}


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        field, sentence = next(iter(problems.items()))
        raise DomainError("bad_request", sentence, field, problems=problems)


def _next_code(session: Session) -> str:
    number = (session.scalar(select(func.max(Unit.id))) or 0) + 1
    while session.scalar(select(Unit.id).where(Unit.code_key == f"u{number}")) is not None:
        number += 1
    return f"U{number}"


def _login(session: Session, unit: Unit) -> str:
    """A readable sign-in name that nobody has: officer-1@the-unit."""
    for number in range(1, 1000):
        login = service.login_for(f"officer-{number}", unit.code)
        if person_by_login(session, login) is None:
            return login
    raise DomainError("too_many", _("这个单位的经办人太多了。"))
