"""Small real files of each kind, with something personal in each, made here so that nothing binary is kept."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfReader, PdfWriter

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def jpeg(*, author: str = "Wang Lei", orientation: int = 1, size: tuple[int, int] = (60, 40)) -> bytes:
    image = Image.new("RGB", size, (180, 40, 30))
    exif = image.getexif()
    exif[0x013B] = author
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[2] = (37.0, 30.0, 0.0)
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif, quality=90, comment=author.encode())
    return written.getvalue()


def png(*, author: str = "Wang Lei") -> bytes:
    told = PngInfo()
    told.add_text("Author", author)
    written = io.BytesIO()
    Image.new("RGB", (30, 20), (20, 90, 30)).save(written, "PNG", pnginfo=told)
    return written.getvalue()


def pdf(text: str = "Hello", *, author: str = "Wang Lei", pages: int = 1, password: str | None = None) -> bytes:
    """A PDF of one line a page; Latin letters alone, since its font is one of the fourteen."""
    objects = ["<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>"]
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    objects.append(f"<</Type/Pages/Kids[{kids}]/Count {pages}>>")
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    for page in range(pages):
        stream = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET"
        objects.append(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>"
            f"/Contents {5 + 2 * page} 0 R>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    out, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj{body}endobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF"
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(out.encode("latin-1"))))
    writer.add_metadata({"/Author": author})
    if password:
        writer.encrypt(password)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def docx(text: str = "正文", *, author: str = "王磊") -> bytes:
    return archive(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "docProps/core.xml": f"<cp:coreProperties xmlns:cp='c' xmlns:dc='d'><dc:creator>{author}</dc:creator>"
            "</cp:coreProperties>",
            "docProps/app.xml": "<Properties><Company>威海船厂</Company></Properties>",
            "word/document.xml": f'<w:document xmlns:w="{W}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r>'
            f'<w:ins w:author="{author}"><w:r><w:t>改</w:t></w:r></w:ins></w:p></w:body></w:document>',
            "word/comments.xml": f'<w:comments xmlns:w="{W}"><w:comment w:author="{author}" w:initials="WL"><w:p/>'
            "</w:comment></w:comments>",
        }
    )


def archive(parts: dict[str, Any]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return written.getvalue()


def box(name: bytes, inside: bytes) -> bytes:
    return (len(inside) + 8).to_bytes(4, "big") + name + inside


def mp4(*, author: bytes = b"Wang Lei +37.5-122.1/") -> bytes:
    times = b"\0\0\0\0" + b"\x11" * 8
    moov = box(b"mvhd", times + b"\0" * 88) + box(b"trak", box(b"tkhd", times)) + box(b"udta", box(b"\xa9xyz", author))
    return box(b"ftyp", b"isom\0\0\2\0isomiso2mp41") + box(b"moov", moov) + box(b"mdat", b"\x01\x02\x03" * 50)


def mp3(*, author: bytes = b"Wang Lei") -> bytes:
    tag = b"TPE1" + len(author).to_bytes(4, "big") + b"\0\0" + author
    size = len(tag)
    head = b"ID3\x03\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return head + tag + b"\xff\xfb\x90\x64" + b"\0" * 400 + b"TAG" + author.ljust(125, b"\0")
