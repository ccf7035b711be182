"""Exact amounts: read, printed and rounded (bundle.md, "Numbers"). Nothing here passes through a binary float."""

from __future__ import annotations

import re
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from math import gcd, isqrt
from typing import Final

from competition.contests.rules import Rounding
from competition.shared.amounts import format_amount as format_amount

MAX_DIGITS: Final = 30
ROOT_DIGITS: Final = 28

# Products and sums of amounts of at most 30 digits stay far below this precision; where one ever did not, it raises
# instead of rounding in silence.
EXACT: Final = Context(prec=2000, Emax=99999, Emin=-99999, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])

_AMOUNT: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class BadNumber(ValueError):
    """A value that is no amount; `code` is the word the protocols use for it."""

    code: Final = "bad_number"


def parse_amount(raw: object) -> Decimal:
    """The exact amount that `raw` writes: an int, or a string `-?[0-9]+(\\.[0-9]+)?`, of at most 30 digits.

    Raises `BadNumber` for anything else: a float, a bool, an exponent, more digits (bundle.md, Numbers; What is
    refused).
    """
    if isinstance(raw, str):
        # The length is looked at first, so that a text of any size costs nothing.
        if len(raw) > MAX_DIGITS + 2 or _AMOUNT.fullmatch(raw) is None:
            raise BadNumber("must be a decimal of at most 30 digits")
        digits = len(raw) - raw.count("-") - raw.count(".")
    elif isinstance(raw, int) and not isinstance(raw, bool):
        if not -(10**MAX_DIGITS) < raw < 10**MAX_DIGITS:
            raise BadNumber("must be a decimal of at most 30 digits")
        return Decimal(raw)
    else:
        raise BadNumber("must be a decimal string or a whole number")
    if digits > MAX_DIGITS:
        raise BadNumber("must be a decimal of at most 30 digits")
    return Decimal(raw)


def is_decimal_text(text: str) -> bool:
    """Whether a text is a decimal as bundle.md, "Numbers", writes it, of whatever length."""
    return _AMOUNT.fullmatch(text) is not None


def round_to(value: Fraction | Decimal | int, places: int, rounding: Rounding = "half_up") -> Decimal:
    """`value` rounded to `places` (0 to 6) decimals, half away from zero or half to even (bundle.md, Numbers).

    The result has exactly `places` decimals, so `format(result, "f")` prints them all.
    """
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(abs(numerator) * 10**places, denominator)
    rest *= 2
    if rest > denominator or (rest == denominator and (rounding == "half_up" or whole % 2)):
        whole += 1
    # Made from text, because arithmetic would round to the precision of whatever context is in force.
    return Decimal(f"{'-' if numerator < 0 and whole else ''}{whole}E-{places}")


def root_of_ratio(upper: Fraction, lower: Fraction) -> Fraction:
    """The square root of `upper` ÷ `lower` to 28 significant digits, half even; `upper` 0 or more, `lower` above 0.

    bundle.md, Normalising: S ÷ s is the square root of the exact fraction S² ÷ s².
    """
    square = upper / lower
    if square == 0:
        return Fraction(0)
    # The first guess of the exponent may be one off either way; the loops put it right.
    shift = ROOT_DIGITS - (len(str(square.numerator)) - len(str(square.denominator))) // 2
    low, high = 10 ** (2 * ROOT_DIGITS - 2), 10 ** (2 * ROOT_DIGITS)
    scaled = square * Fraction(100) ** shift
    while scaled >= high:
        shift, scaled = shift - 1, scaled / 100
    while scaled < low:
        shift, scaled = shift + 1, scaled * 100
    root = isqrt(scaled.numerator // scaled.denominator)
    middle = Fraction(2 * root + 1, 2) ** 2
    if scaled > middle or (scaled == middle and root % 2):
        root += 1
    return Fraction(root) / Fraction(10) ** shift


def mean_and_variance(values: list[Fraction]) -> tuple[Fraction, Fraction]:
    """The mean and the population variance of a list that is not empty (bundle.md, Normalising)."""
    # Brought to one denominator once: adding fractions pair by pair would reduce each sum anew.
    common = 1
    for value in values:
        common = common * value.denominator // gcd(common, value.denominator)
    units = [value.numerator * (common // value.denominator) for value in values]
    count, total, squares = len(units), sum(units), sum(unit * unit for unit in units)
    return Fraction(total, count * common), Fraction(count * squares - total * total, (count * common) ** 2)
