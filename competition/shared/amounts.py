"""Exact amounts as text, for every part of the program that writes one down."""

from __future__ import annotations

from decimal import Decimal


def format_amount(amount: Decimal) -> str:
    """The canonical text of a finite amount: no exponent, no trailing zeros, no "-0"."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
