"""The words inside a file, as far as they can be read, and where given names stand among them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from flask_babel import gettext as _
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from competition.shared.inspection import Kind

MOST: Final = 2_000_000
"""Characters that are read of one file; more than any work's description."""
_TEXT_PARTS: Final = {
    "document": re.compile(r"^word/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml$"),
    "sheet": re.compile(r"^xl/(sharedStrings|comments\d*|worksheets/sheet\d+|drawings/drawing\d+)\.xml$"),
    "slides": re.compile(r"^ppt/(slides/slide\d+|notesSlides/notesSlide\d+|comments/\w+)\.xml$"),
}
_BREAKS: Final = frozenset(("p", "br", "tab", "si", "row", "tr", "c"))


@dataclass(frozen=True, slots=True)
class Term:
    """A name that must not stand in a blind work: `kind` is person or unit."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Found:
    """A term, where it stands, in words for people, and what it is."""

    where: str
    text: str
    kind: str


def look_for(path: Path, kind: Kind, name: str, terms: Sequence[Term]) -> list[Found]:
    """Every term that stands in the file's name or text, each once a place; what cannot be read is said as `unread`."""
    found = [Found(_("文件名"), term.text, term.kind) for term in _within(name, terms)]
    read_anything = False
    for where, text in _texts(path, kind):
        read_anything = read_anything or bool(text.strip())
        found += [Found(where, term.text, term.kind) for term in _within(text, terms)]
    if kind.family in ("image", "video", "audio", "archive") or not read_anything:
        found.append(Found(_("内容"), _("没有可检索的文字，须由人看过"), "unread"))
    return list(dict.fromkeys(found))


def _within(text: str, terms: Iterable[Term]) -> list[Term]:
    # Spaces between the letters of a name, as in a title, do not hide it.
    plain = re.sub(r"\s+", "", text).casefold()
    return [term for term in terms if (wanted := re.sub(r"\s+", "", term.text).casefold()) and wanted in plain]


def _texts(path: Path, kind: Kind) -> Iterator[tuple[str, str]]:
    if kind.family == "pdf":
        yield from _pages(path)
    elif kind.family in _TEXT_PARTS:
        yield from _parts(path, _TEXT_PARTS[kind.family])
    elif kind.family == "archive":
        with zipfile.ZipFile(path) as archive:
            yield _("压缩包目录"), "\n".join(archive.namelist())[:MOST]


def _pages(path: Path) -> Iterator[tuple[str, str]]:
    left = MOST
    try:
        for number, page in enumerate(PdfReader(path).pages, 1):
            text = page.extract_text()[:left]
            left -= len(text)
            yield _("第 %(n)s 页", n=number), text
            if left <= 0:
                return
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        return


def _parts(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not wanted.match(name):
                continue
            try:
                root = ElementTree.fromstring(archive.read(name))
            except (ElementTree.ParseError, DefusedXmlException):
                continue
            letters: list[str] = []
            for element in root.iter():
                if element.tag.rpartition("}")[2] in _BREAKS:
                    letters.append("\n")
                if element.text:
                    letters.append(element.text)
            yield name.rpartition("/")[2].removesuffix(".xml"), "".join(letters)[:MOST]
