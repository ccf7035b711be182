"""What an uploaded file really is: its type by content, and whether it may be opened at all.

Nothing here believes a name or a header that a browser sent. What would unpack to far more than it weighs is refused by
what its directory says, before a byte of it is unpacked.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import filetype
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from PIL import Image, UnidentifiedImageError
from pypdf import PdfReader
from pypdf.errors import PyPdfError

HEAD: Final = 8192
"""Bytes from which a type is told; enough for an early refusal after the first part."""
MAX_PARTS: Final = 5_000
MAX_UNPACKED: Final = 2 * 1024**3
MAX_RATIO: Final = 100
SMALL: Final = 10 * 1024**2
"""An archive that unpacks to less is never a bomb, whatever its ratio."""
MAX_PIXELS: Final = 120_000_000
MAX_PAGES: Final = 2_000

# Pillow's own limit only warns at first; `_look_at_image` says it in a sentence, before a pixel is read.
Image.MAX_IMAGE_PIXELS = None

FAMILIES: Final = {
    "pdf": _l("PDF"),
    "image": _l("图片"),
    "video": _l("视频"),
    "audio": _l("音频"),
    "document": _l("Word 文档"),
    "sheet": _l("Excel 表格"),
    "slides": _l("PowerPoint 演示"),
    "archive": _l("ZIP 压缩包"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type that is taken: its media type, its family, and the ending a copy of it is handed out with."""

    media_type: str
    family: str
    ending: str


_OOXML = "application/vnd.openxmlformats-officedocument."
KINDS: Final = {
    kind.media_type: kind
    for kind in (
        Kind("application/pdf", "pdf", "pdf"),
        Kind("image/jpeg", "image", "jpg"),
        Kind("image/png", "image", "png"),
        Kind("image/webp", "image", "webp"),
        Kind("video/mp4", "video", "mp4"),
        Kind("video/quicktime", "video", "mov"),
        Kind("audio/mpeg", "audio", "mp3"),
        Kind("audio/mp4", "audio", "m4a"),
        Kind(_OOXML + "wordprocessingml.document", "document", "docx"),
        Kind(_OOXML + "spreadsheetml.sheet", "sheet", "xlsx"),
        Kind(_OOXML + "presentationml.presentation", "slides", "pptx"),
        Kind("application/zip", "archive", "zip"),
    )
}
_MAIN_PARTS: Final = {
    "word/document.xml": _OOXML + "wordprocessingml.document",
    "xl/workbook.xml": _OOXML + "spreadsheetml.sheet",
    "ppt/presentation.xml": _OOXML + "presentationml.presentation",
}
_SAME: Final = {"video/x-m4v": "video/mp4", "audio/x-m4a": "audio/mp4", "audio/aac": "audio/mp4"}


class Unfit(Exception):
    """A file that is not taken, with the sentence that says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def taken() -> str:
    """What is taken, for people."""
    return _(
        "PDF、图片（JPG、PNG、WebP）、视频（MP4、MOV）、音频（MP3、M4A）、Word、Excel、PowerPoint（.docx、.xlsx、.pptx）、ZIP"
    )


def first_look(head: bytes, families: tuple[str, ...] = ()) -> None:
    """Refuses by the first bytes (up to HEAD) what cannot become a file of `families` (empty: any that is taken).

    An office document begins as the ZIP that it is, so it passes here wherever one of them is asked for.
    """
    guessed = _guess(head)
    if guessed is None or (guessed.family == "archive" and _zip_may_do(families)):
        if guessed is None:
            raise Unfit(_("不能识别这个文件的类型。可以上传：%(taken)s。", taken=taken()))
        return
    _wanted(guessed, families)


def inspect(path: Path, families: tuple[str, ...] = ()) -> Kind:
    """The type of a whole file, looked through as far as its type allows; raises Unfit."""
    with path.open("rb") as file:
        kind = _guess(file.read(HEAD))
    if kind is None:
        raise Unfit(_("不能识别这个文件的类型。可以上传：%(taken)s。", taken=taken()))
    if kind.family == "archive":
        kind = _look_into_zip(path)
    _wanted(kind, families)
    if kind.family == "image":
        _look_at_image(path)
    elif kind.family == "pdf":
        _look_into_pdf(path)
    return kind


def _zip_may_do(families: tuple[str, ...]) -> bool:
    return not families or bool({"archive", "document", "sheet", "slides"} & set(families))


def _guess(head: bytes) -> Kind | None:
    found = filetype.guess(head)
    if found is None:
        # Some writers put a few bytes before the header; readers allow the first kilobyte.
        return KINDS["application/pdf"] if b"%PDF-" in head[:1024] else None
    named = _SAME.get(found.mime, found.mime)
    if named.startswith(_OOXML):
        named = "application/zip"
    return KINDS.get(named)


def _wanted(kind: Kind, families: tuple[str, ...]) -> None:
    if families and kind.family not in families:
        wanted = "、".join(str(FAMILIES[family]) for family in families if family in FAMILIES)
        raise Unfit(
            _(
                "这里要的是：%(wanted)s；这个文件按内容看是%(found)s。请换一个文件。",
                wanted=wanted,
                found=str(FAMILIES[kind.family]),
            )
        )


def _look_into_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise Unfit(_("这个压缩包已损坏或不完整。请重新压缩后再上传。")) from None
    unpacked, packed = sum(part.file_size for part in parts), path.stat().st_size
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED or (unpacked > SMALL and unpacked > MAX_RATIO * packed):
        raise Unfit(_("这个文件解压后过大（%(mb)s MB），已拒绝。", mb=unpacked // 1024**2))
    if any(part.flag_bits & 0x1 for part in parts):
        raise Unfit(_("这个文件有密码，评审无法打开。请去掉密码后再上传。"))
    names = {part.filename for part in parts}
    if any(name.startswith(("/", "\\")) or ".." in Path(name.replace("\\", "/")).parts for name in names):
        raise Unfit(_("压缩包里有不安全的路径，已拒绝。请重新压缩后再上传。"))
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Unfit(_("文档里有宏，已拒绝。请另存为不含宏的格式。"))
    nested = [name for name in names if name.lower().endswith((".zip", ".rar", ".7z", ".gz", ".bz2", ".xz"))]
    if "[Content_Types].xml" in names:
        for main, media_type in _MAIN_PARTS.items():
            if main in names:
                return KINDS[media_type]
    if nested:
        raise Unfit(_("压缩包里还有压缩包（%(name)s）。请解开后只压缩一层。", name=nested[0][:60]))
    return KINDS["application/zip"]


def _look_at_image(path: Path) -> None:
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise Unfit(_("图片过大（%(w)s × %(h)s 像素）。请缩小后再上传。", w=width, h=height))
            image.verify()
    except Unfit:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Unfit(_("这张图片已损坏。请重新导出后再上传。")) from None


def _look_into_pdf(path: Path) -> None:
    try:
        reader = PdfReader(path)
        if reader.is_encrypted:
            raise Unfit(_("这个文件有密码，评审无法打开。请去掉密码后再上传。"))
        pages = len(reader.pages)
    except Unfit:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        raise Unfit(_("这个 PDF 已损坏。请重新导出后再上传。")) from None
    if not 0 < pages <= MAX_PAGES:
        raise Unfit(_("这个 PDF 有 %(n)s 页；可以上传 1 至 %(most)s 页。", n=pages, most=MAX_PAGES))
