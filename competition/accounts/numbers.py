"""Personal and unit numbers: checked, brought into one form for the keyed index, and masked for every screen.

The check digit of an ID number is the library's (GB 11643, ISO 7064 MOD 11-2). Its list of places is left aside: it
refuses a place younger than the birth it numbers, and who was born before 1984 got the number of a later year.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from flask_babel import gettext as _
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from competition.shared.errors import DomainError

PROVINCES: Final = frozenset(
    f"{first}{second}"
    for first, seconds in {
        1: "12345",
        2: "123",
        3: "1234567",
        4: "123456",
        5: "01234",
        6: "12345",
        7: "1",
        8: "123",
    }.items()
    for second in seconds
)
"""First two digits (GB/T 2260), and 81–83 of residence permits; a foreigner's permanent one begins with 9."""
OLDEST: Final = 120
MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
LANDLINE: Final = re.compile(r"0[0-9]{2,3}[0-9]{7,8}|400[0-9]{7}")
_SEPARATORS: Final = re.compile(r"[\s\-\u2010-\u2015\u2212()]+")


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A checked ID number (18 characters, a last X in capitals) and what it says; `sex` is male or female."""

    number: str
    born: date
    sex: str


def normalise(text: str) -> str:
    """One form for equal numbers: half-width, capitals, no spaces, hyphens or brackets, no country code of China."""
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    for prefix in ("+86", "0086"):
        if plain.startswith(prefix):
            return plain.removeprefix(prefix)
    return plain.removeprefix("86") if re.fullmatch(r"861[3-9][0-9]{9}", plain) else plain


def check_id(text: str, today: date) -> IdNumber:
    """The number of a resident ID card or residence permit; DomainError says which part is wrong."""
    number = normalise(text)
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        raise _wrong(_("身份证号码须为 18 位：17 位数字加 1 位数字或 X。请对照证件核对。"))
    if number[:2] not in PROVINCES and number[0] != "9":
        raise _wrong(_("身份证号码的前两位不是已知的地区代码。请对照证件核对。"))
    try:
        born = ric.get_birth_date(number)
    except ValidationError:
        born = None
    if born is None or born > today or born.year < today.year - OLDEST:
        raise _wrong(_("身份证号码第 7 至 14 位不是有效的出生日期。请对照证件核对。"))
    if number[-1] != ric.calc_check_digit(number):
        raise _wrong(_("身份证号码的校验位不对，可能有一位输错了。请对照证件核对。"))
    return IdNumber(number, born, "male" if int(number[16]) % 2 else "female")


def check_phone(text: str, *, landline: bool = False) -> str:
    """A mobile number of 11 digits; with `landline` also a fixed one with its area code, as digits alone."""
    number = normalise(text)
    if MOBILE.fullmatch(number) or (landline and LANDLINE.fullmatch(number)):
        return number
    if landline:
        raise DomainError("bad_request", _("电话须为 11 位手机号，或带区号的固定电话，如 0631-5231234。"), "phone")
    raise DomainError("bad_request", _("手机号须为 11 位数字，以 13 至 19 开头。"), "phone")


def check_uscc(text: str) -> str:
    """A 统一社会信用代码 (GB 32100): 18 characters with a check digit."""
    plain = unicodedata.normalize("NFKC", text)
    try:
        return str(uscc.validate(plain))
    except ValidationError:
        pass
    number = normalise(text)
    if len(number) != 18:
        raise DomainError("bad_request", _("统一社会信用代码须为 18 位，现有 %(n)s 位。", n=len(number)), "uscc")
    raise DomainError("bad_request", _("统一社会信用代码不对，可能有一位输错了。请对照证照核对。"), "uscc")


def mask_phone(number: str) -> str:
    """`138****5678`; of anything but a mobile number the last two digits alone."""
    if MOBILE.fullmatch(number):
        return f"{number[:3]}****{number[-4:]}"
    return "*" * (len(number) - 2) + number[-2:] if len(number) >= 8 else "*" * len(number)


def mask_id(number: str) -> str:
    """`3710**********34`: the first four and the last two; of anything but 18 characters nothing."""
    return f"{number[:4]}**********{number[-2:]}" if len(number) == 18 else "*" * len(number)


def _wrong(sentence: str) -> DomainError:
    return DomainError("bad_request", sentence, "id_number")
