"""Common trades (工种) with their occupational codes (职业编码), for choosing; a contest may write in any other."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATTERN: Final = re.compile(r"[1-8]-\d{2}-\d{2}-\d{2}")
"""大类-中类-小类-细类 of 中华人民共和国职业分类大典."""
FILE: Final = Path(__file__).resolve().with_name("occupations.json")


@dataclass(frozen=True, slots=True)
class Occupation:
    code: str
    title: str
    trades: tuple[str, ...] = ()


@functools.cache
def occupations() -> tuple[Occupation, ...]:
    """The dictionary, by code."""
    records = json.loads(FILE.read_text(encoding="utf-8"))
    found = [Occupation(one["code"], one["title"], tuple(one.get("trades", ()))) for one in records]
    return tuple(sorted(found, key=lambda one: one.code))


def title_of(code: str) -> str:
    """The occupation of a code, "" for one that the dictionary does not know."""
    return next((one.title for one in occupations() if one.code == code), "")


def search(words: str, most: int = 20) -> list[Occupation]:
    """The occupations whose code begins with, or whose title or trade holds, what was typed."""
    wanted = words.strip().casefold()
    return [
        one
        for one in occupations()
        if one.code.startswith(wanted) or any(wanted in word.casefold() for word in (one.title, *one.trades))
    ][:most]
