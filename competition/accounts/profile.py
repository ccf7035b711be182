"""The profile of a person: every field with why it is asked, who sees it and whether it may stay empty (PIPL 6, 17).

ID and phone numbers never lie in `Person.profile`: they are sealed, with a keyed index beside them where equality is
looked for. 民族 and 政治面貌 are asked only where a contest states a purpose for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from competition.accounts import audit
from competition.accounts.models import Person
from competition.accounts.numbers import check_id, check_phone, mask_id, mask_phone
from competition.accounts.policy import Actor
from competition.shared.errors import DomainError
from competition.shared.vault import SealError, Vault

SKILL_LEVELS: Final[dict[str, Any]] = {
    "apprentice": _l("学徒工"),
    "junior": _l("初级工"),
    "intermediate": _l("中级工"),
    "senior": _l("高级工"),
    "technician": _l("技师"),
    "senior_technician": _l("高级技师"),
    "special_technician": _l("特级技师"),
    "chief_technician": _l("首席技师"),
}
"""新八级工, lowest first: the words of `registration.eligibility`."""
SEXES: Final[dict[str, Any]] = {"male": _l("男"), "female": _l("女")}
EDUCATIONS: Final[dict[str, Any]] = {
    "junior_school": _l("初中及以下"),
    "high_school": _l("高中、中专、技校"),
    "college": _l("大专、高职"),
    "bachelor": _l("本科"),
    "master": _l("硕士"),
    "doctor": _l("博士"),
}
EMPLOYMENTS: Final[dict[str, Any]] = {
    "employee": _l("单位职工"),
    "platform": _l("新就业形态劳动者"),
    "student": _l("学生"),
    "teacher": _l("教师"),
}
LANGUAGES: Final[dict[str, Any]] = {"zh": "中文", "en": "English"}

OWN: Final = _l("本人")
UNIT: Final = _l("本人、所在单位和上级单位的经办人")
REVIEW: Final = _l("本人、所在单位和各级审核人、主办方")
NOTICE: Final = _l("本人、各级审核人、主办方；公示时按你单独同意的内容公开")


@dataclass(frozen=True, slots=True)
class ProfileField:
    """One field. `kind`: text, date, choice, words (several, divided by commas), id, phone, email.

    `sealed`: lies encrypted and is shown masked alone. `stated`: asked only where a contest states a purpose.
    """

    code: str
    title: Any
    purpose: Any
    seen: Any
    kind: str = "text"
    choices: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = True
    sealed: bool = False
    stated: bool = False
    longest: int = 100


FIELDS: Final[dict[str, ProfileField]] = {
    one.code: one
    for one in (
        ProfileField("name", _l("姓名"), _l("报名、检录、公示和证书上的名字。"), NOTICE, optional=False),
        ProfileField(
            "id_number",
            _l("身份证号"),
            _l("核对是不是本人、有没有重复报名、年龄和性别。加密保存，页面上只显示前四位和后两位。"),
            REVIEW,
            "id",
            sealed=True,
        ),
        ProfileField(
            "phone",
            _l("手机号"),
            _l("登录、通知检录时间和找回密码。加密保存，页面上只显示前三位和后四位。"),
            REVIEW,
            "phone",
            sealed=True,
        ),
        ProfileField(
            "email", _l("电子邮箱"), _l("收报名结果和找回密码的邮件。确认以后才会使用。"), REVIEW, "email", longest=254
        ),
        ProfileField("sex", _l("性别"), _l("按性别规定的年龄上限、团体项目的组队要求。"), REVIEW, "choice", SEXES),
        ProfileField("birth_date", _l("出生日期"), _l("核对参赛年龄。"), REVIEW, "date"),
        ProfileField("education", _l("学历"), _l("技能等级晋升和推荐表要用。"), REVIEW, "choice", EDUCATIONS),
        ProfileField("occupation", _l("岗位或工种"), _l("核对与赛项对应的职业。"), REVIEW),
        ProfileField("work_since", _l("在本地工作或学习的开始日期"), _l("核对本地从业时间够不够。"), REVIEW, "date"),
        ProfileField(
            "skill_level",
            _l("现有技能等级"),
            _l("核对赛项的等级要求；获奖后晋升等级要用。"),
            REVIEW,
            "choice",
            SKILL_LEVELS,
        ),
        ProfileField("certificate_no", _l("等级证书编号"), _l("核对等级证书。"), REVIEW, longest=40),
        ProfileField("title", _l("职称"), _l("推荐表要用。"), REVIEW, longest=60),
        ProfileField("employment", _l("就业形式"), _l("决定能参加哪个组别、由谁审核。"), REVIEW, "choice", EMPLOYMENTS),
        ProfileField(
            "platform",
            _l("所在平台"),
            _l("没有单位工会的新就业形态劳动者，据此确定由哪个工会推荐。"),
            REVIEW,
            longest=60,
        ),
        ProfileField(
            "honours",
            _l("曾获称号"),
            _l("有的赛项限制已获某些称号的人参加。没有的填“无”，几项之间用逗号分开。"),
            REVIEW,
            "words",
            longest=300,
        ),
        ProfileField("emergency_name", _l("紧急联系人"), _l("比赛当天出现意外时联系。"), UNIT, longest=60),
        ProfileField(
            "emergency_phone", _l("紧急联系电话"), _l("比赛当天出现意外时联系。加密保存。"), UNIT, "phone", sealed=True
        ),
        ProfileField("size", _l("服装尺码"), _l("准备比赛服装。"), UNIT, longest=20),
        ProfileField("diet", _l("饮食要求"), _l("安排比赛当天的工作餐。"), UNIT, longest=60),
        ProfileField("language", _l("通知的语言"), _l("站内通知和邮件用这种语言。"), OWN, "choice", LANGUAGES),
        ProfileField("ethnicity", _l("民族"), _l("只有竞赛写明用途时才收集。"), REVIEW, stated=True, longest=20),
        ProfileField("politics", _l("政治面貌"), _l("只有竞赛写明用途时才收集。"), REVIEW, stated=True, longest=20),
    )
}
"""In the order in which a page asks; the codes are what `Person.profile`, rosters and eligibility go by."""
COLUMNS: Final = ("name", "id_number", "phone", "email", "emergency_phone")
"""Those that lie in columns of their own, not in `Person.profile`."""
EMAIL: Final = re.compile(r"[^@\s\"<>,;]{1,64}@[^@\s\"<>,;]+\.[^@\s\"<>,;.]{2,}")
NONE_WORDS: Final = frozenset(("无", "没有", "none", "no"))
_DIVIDERS: Final = re.compile(r"[,，、;；\n]+")
_DATE: Final = re.compile(r"([0-9]{4})[-./年]?([0-9]{1,2})[-./月]?([0-9]{1,2})日?")


@dataclass
class Checked:
    """Values as they may be stored ("" was given: None), and for each field that is wrong one sentence."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def fields_to_ask(stated: Mapping[str, str] | None = None) -> list[tuple[ProfileField, str]]:
    """The fields that may be asked, each with its purpose; `stated`: code → why a contest asks for a field that is
    asked only then (an empty reason is none)."""
    given = {code: reason.strip() for code, reason in (stated or {}).items()}
    return [
        (one, given.get(one.code) or str(one.purpose))
        for one in FIELDS.values()
        if not one.stated or given.get(one.code)
    ]


def check(values: Mapping[str, str], today: date, *, known: Mapping[str, Any] | None = None) -> Checked:
    """Looks at every given field at once. Sex and birthday must be those of the ID number, and come from it where they
    are not given. `known` holds what is stored already: `id_number` (opened), `sex`, `birth_date`."""
    found = Checked()
    for code, text in values.items():
        one = FIELDS.get(code)
        if one is None:
            raise ValueError(f"the profile has no field {code}")
        try:
            found.values[code] = _value(one, text.strip(), today)
        except DomainError as error:
            found.problems[code] = error.message
    number = found.values["id_number"] if "id_number" in found.values else (known or {}).get("id_number")
    if number is not None and "id_number" not in found.problems:
        said = check_id(number, today)
        for code, right in (("sex", said.sex), ("birth_date", said.born.isoformat())):
            if code in found.problems:
                continue
            given = found.values.get(code)
            if given is None:
                found.values[code] = right
            elif given != right:
                found.problems[code] = _("与身份证号不一致：证件上是%(right)s。", right=shown(FIELDS[code], right))
    return found


def set_profile(
    session: Session, person_id: int, values: Mapping[str, str], *, vault: Vault, actor: Actor, now: datetime
) -> list[str]:
    """Stores the given fields ("" empties one) and gives the codes of those that changed; the log names no values.

    Raises DomainError with `problems` (code → sentence) in its details where any is wrong; then nothing is stored.
    A changed phone or e-mail is no longer confirmed.
    """
    person = session.get_one(Person, person_id)
    found = check(values, now.date(), known={"id_number": opened(vault, person.id_sealed)})
    if found.problems:
        field_, sentence = next(iter(found.problems.items()))
        raise DomainError("bad_request", sentence, field_, problems=found.problems)
    changed = store(person, found.values, vault)
    if changed:
        audit.note(session, actor, "person.profile", person.login, now=now, details={"fields": changed})
    return changed


def store(person: Person, values: Mapping[str, Any], vault: Vault) -> list[str]:
    """Puts checked values in their places and gives the codes of those that changed."""
    changed: list[str] = []
    profile = dict(person.profile)
    for code, value in values.items():
        if code == "name":
            different = value != person.name
            person.name = value
        elif code == "email":
            different = value != person.email
            if different:
                person.email, person.email_key = value, value.casefold() if value else None
                person.email_confirmed_at = None
        elif code in ("phone", "id_number", "emergency_phone"):
            different = _store_sealed(person, code, value, vault)
        else:
            different = profile.get(code) != value
            if value is None:
                profile.pop(code, None)
            else:
                profile[code] = value
        if different:
            changed.append(code)
    if profile != person.profile:
        person.profile = profile
    return changed


def _store_sealed(person: Person, code: str, value: str | None, vault: Vault) -> bool:
    column = {"phone": "phone_sealed", "id_number": "id_sealed", "emergency_phone": "emergency_sealed"}[code]
    if opened(vault, getattr(person, column)) == value:
        return False
    setattr(person, column, vault.seal(value) if value else None)
    if code == "phone":
        person.phone_index, person.phone_confirmed_at = (vault.index(value) if value else None), None
    elif code == "id_number":
        person.id_index = vault.index(value) if value else None
    return True


def opened(vault: Vault, sealed: str | None) -> str | None:
    """The value, or None where there is none or no key opens it (it may then be given anew)."""
    if sealed is None:
        return None
    try:
        return vault.open(sealed)
    except SealError:
        return None


def masked(person: Person, vault: Vault) -> dict[str, str]:
    """The sealed numbers as every screen shows them; absent where there is none."""
    found: dict[str, str] = {}
    for code, sealed, mask in (
        ("id_number", person.id_sealed, mask_id),
        ("phone", person.phone_sealed, mask_phone),
        ("emergency_phone", person.emergency_sealed, mask_phone),
    ):
        number = opened(vault, sealed)
        if number is not None:
            found[code] = mask(number)
    return found


def values_of(person: Person, vault: Vault) -> dict[str, str]:
    """Every field that is known as a form or a sheet may hold it: sealed ones masked."""
    plain = {"name": person.name, "email": person.email or ""}
    rest = {
        code: "、".join(value) or _("无") if isinstance(value, list) else str(value)
        for code, value in person.profile.items()
        if code in FIELDS
    }
    return {**plain, **rest, **masked(person, vault)}


def shown(one: ProfileField, value: Any) -> str:
    """A stored value in words."""
    if value is None or value == "":
        return ""
    if isinstance(value, list):
        return "、".join(value) or _("无")
    return str(one.choices.get(value, value)) if one.kind == "choice" else str(value)


def same_id(session: Session, person_id: int) -> list[int]:
    """Other people who gave the same ID number: the same person twice, for whoever counts entries of a person."""
    index = session.scalar(select(Person.id_index).where(Person.id == person_id))
    if index is None:
        return []
    return list(session.scalars(select(Person.id).where(Person.id_index == index, Person.id != person_id)))


def _value(one: ProfileField, text: str, today: date) -> Any:
    if not text:
        if not one.optional:
            raise DomainError("bad_request", _("请填写%(title)s。", title=one.title), one.code)
        return None
    if len(text) > one.longest or not all(letter.isprintable() or letter == "\n" for letter in text):
        raise DomainError("bad_request", _("%(title)s最多 %(n)s 个字。", title=one.title, n=one.longest), one.code)
    match one.kind:
        case "id":
            return check_id(text, today).number
        case "phone":
            return check_phone(text, landline=one.code == "emergency_phone")
        case "date":
            return read_date(text, one.code, today).isoformat()
        case "choice":
            return _choice(one, text)
        case "words":
            words = [word.strip() for word in _DIVIDERS.split(text) if word.strip()]
            return [word for word in words if word.casefold() not in NONE_WORDS]
        case "email":
            if not EMAIL.fullmatch(text):
                raise DomainError("bad_request", _("电子邮箱应写成 名字@域名 的样子。"), one.code)
    return text


def _choice(one: ProfileField, text: str) -> str:
    """By its code, or by its title in the reader's language or in Chinese as a sheet holds it."""
    for code, title in one.choices.items():
        if text in (code, str(title)):
            return code
    allowed = "、".join(str(title) for title in one.choices.values())
    raise DomainError(
        "bad_request", _("%(title)s须为其中之一：%(allowed)s。", title=one.title, allowed=allowed), one.code
    )


def read_date(text: str, code: str, today: date) -> date:
    """A day of the past, as people write one: 1990-05-01, 1990/5/1, 19900501, 1990年5月1日."""
    match = _DATE.fullmatch(text.replace(" ", ""))
    try:
        day = date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        day = None
    if day is None:
        raise DomainError("bad_request", _("日期应写成 1990-05-01 的样子，并且是日历上有的一天。"), code)
    if not date(1900, 1, 1) <= day <= today:
        raise DomainError("bad_request", _("日期须在 1900 年之后，不晚于今天。"), code)
    return day
