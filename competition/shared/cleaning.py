"""A copy of a file without what its program wrote into it about people and places: EXIF, authors, GPS, comments.

What the sender sent is kept as it is (its hash is on the receipt); the copy is what reviewers and judges are given.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject

from competition.shared.inspection import Kind

_PROPERTIES: Final = re.compile(r"^(docProps/|customXml/)")
_EMPTY: Final = {
    "docProps/core.xml": (
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
    ),
    "docProps/app.xml": (
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"/>'
    ),
    "docProps/custom.xml": (
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"/>'
    ),
}
# Who wrote a comment or a tracked change stands in attributes and elements of its part.
_AUTHORS: Final = re.compile(rb'((?:w:author|w:initials|userId|initials|name)=")[^"]*(")')
_SHEET_AUTHORS: Final = re.compile(rb"(<author>)[^<]*(</author>)")
_BOXES: Final = frozenset((b"moov", b"trak", b"mdia", b"minf"))
_TELLING: Final = frozenset((b"udta", b"meta", b"uuid"))


def clean(source: Path, target: Path, kind: Kind) -> bool:
    """Writes the cleaned copy and says whether it is one; False: nothing of this kind is taken out (a ZIP)."""
    if kind.family == "image":
        _clean_image(source, target)
    elif kind.family == "pdf":
        _clean_pdf(source, target)
    elif kind.family in ("document", "sheet", "slides"):
        _clean_office(source, target)
    elif kind.ending in ("mp4", "mov", "m4a"):
        _clean_boxes(source, target)
    elif kind.ending == "mp3":
        _clean_mp3(source, target)
    else:
        return False
    return True


def _clean_image(source: Path, target: Path) -> None:
    """Pixels, colour profile and nothing else; a picture that was only turned by its EXIF is turned in fact."""
    with Image.open(source) as image:
        written = image.format or "PNG"
        turned = ImageOps.exif_transpose(image)
        assert turned is not None
        options: dict[str, object] = {"icc_profile": image.info.get("icc_profile")}
        if written == "JPEG":
            same = image.getexif().get(0x0112, 1) == 1
            # "keep" takes over the tables of the original, so that nothing visible is lost.
            options |= {"quality": "keep"} if same else {"quality": 95, "subsampling": 0}
            if same:
                image.info.pop("comment", None)
                image.save(target, "JPEG", exif=b"", **options)  # type: ignore[arg-type]
                return
        turned.info = {}
        turned.save(target, written, **options)  # type: ignore[arg-type]


def _clean_pdf(source: Path, target: Path) -> None:
    writer = PdfWriter(clone_from=PdfReader(source))
    writer.metadata = None
    root = writer.root_object
    # Besides the description: what runs by itself, and files inside the file.
    for name in ("/Metadata", "/OpenAction", "/AA", "/PieceInfo"):
        root.pop(NameObject(name), None)
    names = root.get("/Names")
    if isinstance(resolved := names.get_object() if names is not None else None, DictionaryObject):
        for name in ("/JavaScript", "/EmbeddedFiles"):
            resolved.pop(NameObject(name), None)
    for page in writer.pages:
        for name in ("/Metadata", "/PieceInfo", "/AA"):
            page.pop(NameObject(name), None)
        for note in page.get("/Annots", ()) or ():
            annotation = note.get_object()
            if isinstance(annotation, DictionaryObject):
                annotation.pop(NameObject("/T"), None)
    with target.open("wb") as file:
        writer.write(file)


def _clean_office(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for part in given.infolist():
            name = part.filename
            if name in _EMPTY:
                data = _EMPTY[name]
            elif name.startswith("docProps/"):
                continue  # a thumbnail
            else:
                data = given.read(part)
                if re.search(r"(comments|commentAuthors|people|authors|document|footnotes|persons?)\w*\.xml$", name):
                    data = _SHEET_AUTHORS.sub(rb"\1\2", data)
                    if re.search(r"(omments|uthors|eople|ersons?)\w*\.xml$", name):
                        data = _AUTHORS.sub(rb"\1\2", data)
                    else:
                        data = re.sub(rb'(w:author=")[^"]*(")', rb"\1\2", data)
            # A time of its own would tell when the sender worked.
            made.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def _clean_boxes(source: Path, target: Path) -> None:
    """MP4 and its kin: boxes of user data and tags become free space of the same length, so no offset moves."""
    shutil.copyfile(source, target)
    end = target.stat().st_size
    with target.open("r+b") as file:
        spans = [(0, end)]
        while spans:
            place, stop = spans.pop()
            while place + 8 <= stop:
                file.seek(place)
                head = file.read(16)
                size, name = int.from_bytes(head[:4], "big"), head[4:8]
                inside = place + 8
                if size == 1:
                    size, inside = int.from_bytes(head[8:16], "big"), place + 16
                elif size == 0:
                    size = stop - place
                if size < 8 or place + size > stop:
                    break
                if name in _TELLING:
                    file.seek(place + 4)
                    file.write(b"free")
                    file.seek(inside)
                    _blank(file, place + size - inside)
                elif name in _BOXES:
                    spans.append((inside, place + size))
                elif name in (b"mvhd", b"tkhd", b"mdhd"):
                    # When it was filmed: creation and modification time, of 4 or 8 bytes by the box's version.
                    file.seek(inside)
                    wide = file.read(1) == b"\x01"
                    file.seek(inside + 4)
                    file.write(b"\0" * (16 if wide else 8))
                place += size


def _blank(file: object, length: int) -> None:
    while length > 0:
        part = min(length, 65536)
        file.write(b"\0" * part)  # type: ignore[attr-defined]
        length -= part


def _clean_mp3(source: Path, target: Path) -> None:
    """Without ID3v2 tags before the sound and the ID3v1 tag after it."""
    with source.open("rb") as given, target.open("wb") as made:
        start = 0
        while (head := given.read(10)).startswith(b"ID3") and len(head) == 10:
            size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            start += 10 + size + (10 if head[5] & 0x10 else 0)
            given.seek(start)
        given.seek(0, 2)
        end = given.tell()
        if end >= 128:
            given.seek(end - 128)
            if given.read(3) == b"TAG":
                end -= 128
        given.seek(start)
        left = max(0, end - start)
        while left and (part := given.read(min(left, 1 << 20))):
            made.write(part)
            left -= len(part)
