"""What a password must be, and the hash of one that will do (domain.md 7.2: ten characters, a block list)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NewType

from flask_babel import gettext as _
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from competition.accounts.hashing import Hasher
from competition.shared.errors import DomainError

Hashed = NewType("Hashed", str)
"""An argon2id hash, never a password; services take nothing else, because no hash runs inside a transaction."""

SHORTEST: Final = 10
PASSPHRASE: Final = 16
"""From this length on the classes of characters do not matter."""
LONGEST: Final = 1000
CLASSES: Final = 3
_COMMON: Final = frozenset(FREQUENCY_LISTS["passwords"])
_AROUND: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_FOR_LETTERS: Final = str.maketrans("4301$5@7", "aeoissat")


def check_password(password: str, about: Iterable[str] = (), *, field: str = "password") -> None:
    """Refuses a weak password in a sentence; `about`: what others know of the person (login, name, phone, address)."""
    if len(password) > LONGEST:
        raise _weak(_("密码过长,最多 %(n)s 个字符。", n=LONGEST), field)
    plain = unicodedata.normalize("NFKC", password)
    if len(plain) < SHORTEST or (len(plain) < PASSPHRASE and classes_of(plain) < CLASSES):
        raise _weak(
            _("密码须至少 10 个字符,并含大写字母、小写字母、数字、符号中的三种;或至少 16 个字符,种类不限。"), field
        )
    if len(set(plain)) < 5:
        raise _weak(_("密码里重复的字符太多。请换一个。"), field)
    if forms_of(plain) & _COMMON:
        raise _weak(_("这个密码太常见,容易被猜到。请换一个。"), field)
    low = plain.casefold()
    for known in about:
        for part in (known.casefold(), known.casefold().partition("@")[0]):
            if len(part) >= (3 if part.isascii() else 2) and part in low:
                raise _weak(_("密码里不能有登录名、姓名、手机号或邮箱。请换一个。"), field)


def classes_of(password: str) -> int:
    """How many of upper case, lower case, digits and all other characters are there."""
    return len(
        {
            "upper" if one.isupper() else "lower" if one.islower() else "digit" if one.isdigit() else "other"
            for one in password
        }
    )


def forms_of(password: str) -> set[str]:
    """The password as a list would hold it: without what is put around a word, with letters for the usual figures."""
    low = password.casefold()
    bare = _AROUND.sub("", low)
    found = {low, low.translate(_FOR_LETTERS)}
    # What is left of a good passphrase is long; a short rest beside much else says nothing about the whole.
    if len(bare) >= 5 and len(bare) * 2 > len(low):
        found |= {bare, bare.translate(_FOR_LETTERS), _AROUND.sub("", low.translate(_FOR_LETTERS))}
    return found


def hashed(hasher: Hasher, password: str, about: Iterable[str] = (), *, field: str = "password") -> Hashed:
    """The hash of a password that passes; call it outside of any transaction."""
    check_password(password, about, field=field)
    return Hashed(hasher.hash(password))


def _weak(sentence: str, field: str) -> DomainError:
    return DomainError("bad_request", sentence, field)
