"""Uploaded files: what they are by content, what is refused, what is taken out, which names stand inside."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from competition.shared.cleaning import clean
from competition.shared.inside import Term, look_for
from competition.shared.inspection import HEAD, KINDS, Unfit, first_look, inspect
from tests.rules import made_files

FILES = {
    "image/jpeg": made_files.jpeg(),
    "image/png": made_files.png(),
    "application/pdf": made_files.pdf(),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": made_files.docx(),
    "video/mp4": made_files.mp4(),
    "audio/mpeg": made_files.mp3(),
    "application/zip": made_files.archive({"a.txt": "hello"}),
}
NAMES = (b"Wang Lei", "王磊".encode(), "威海船厂".encode(), b"app.alert")


@pytest.fixture(autouse=True, scope="module")
def spoken() -> Iterator[None]:
    app = Flask("files")
    Babel(app, default_locale="zh")
    with app.app_context():
        yield


def put(folder: Path, data: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(data)
    return path


def plain(data: bytes) -> bytes:
    """All that stands in a file, its ZIP unpacked."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("media_type", FILES)
def test_a_type_is_told_by_content(media_type: str, tmp_path: Path) -> None:
    first_look(FILES[media_type][:HEAD])
    assert inspect(put(tmp_path, FILES[media_type])).media_type == media_type


@pytest.mark.parametrize(
    "data",
    [
        b"", b"MZ\x90\0" + b"\0" * 200, b"\x7fELF" + b"\0" * 100, b"<!doctype html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"#!/bin/sh\nrm -rf /", "王磊".encode(),
        b"Rar!\x1a\x07\0" + b"\0" * 100, b"GIF89a" + b"\0" * 50,
    ],
)  # fmt: skip
def test_what_is_not_taken_is_refused_at_first_sight(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unfit):
        first_look(data[:HEAD])
    with pytest.raises(Unfit):
        inspect(put(tmp_path, data))


def test_another_family_than_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="PDF"):
        first_look(made_files.jpeg()[:HEAD], ("pdf",))
    with pytest.raises(Unfit, match="PDF"):
        inspect(put(tmp_path, made_files.jpeg()), ("pdf",))
    # A ZIP's first bytes do not say whether it is a document; the whole file does.
    first_look(made_files.archive({"a": "b"})[:HEAD], ("document",))
    with pytest.raises(Unfit, match="Word"):
        inspect(put(tmp_path, made_files.archive({"a": "b"})), ("document",))
    with pytest.raises(Unfit):
        first_look(made_files.archive({"a": "b"})[:HEAD], ("image",))


@pytest.mark.parametrize(
    "parts",
    [
        {"big": b"\0" * 30_000_000},
        {"../up": "x"},
        {"/abs": "x"},
        {"a.zip": made_files.archive({"b": "c"})},
        {"[Content_Types].xml": "", "word/document.xml": "", "word/vbaProject.bin": b"x"},
    ],
    ids=["bomb", "up", "absolute", "nested", "macro"],
)
def test_a_dangerous_archive_is_refused(parts: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(Unfit):
        inspect(put(tmp_path, made_files.archive(parts)))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit):
        inspect(put(tmp_path, made_files.archive({str(number): "" for number in range(5_001)})))


def test_locked_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="密码"):
        inspect(put(tmp_path, made_files.pdf(password="secret")))
    for data in FILES.values():
        if data[:4] in (b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1", b"%PDF", b"PK\x03\x04"):
            with pytest.raises(Unfit):
                inspect(put(tmp_path, data[: len(data) // 3]))


def test_a_picture_of_too_many_pixels_is_refused_unseen(tmp_path: Path) -> None:
    written = io.BytesIO()
    Image.new("1", (20_000, 8_000)).save(written, "PNG")
    assert len(written.getvalue()) < 100_000
    with pytest.raises(Unfit, match="像素"):
        inspect(put(tmp_path, written.getvalue()))


@given(st.binary(max_size=400))
def test_no_bytes_are_more_than_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "f"
    for start in (b"", b"%PDF-1.4\n", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"):
        path.write_bytes(start + data)
        try:
            inspect(path)
        except Unfit:
            continue


@pytest.mark.parametrize("media_type", [each for each in FILES if each != "application/zip"])
def test_a_cleaned_copy_names_nobody_and_is_still_the_same_kind(media_type: str, tmp_path: Path) -> None:
    source, target = put(tmp_path, FILES[media_type]), tmp_path / "clean"
    assert any(name in plain(FILES[media_type]) for name in NAMES), "the sample says nothing that could be taken out"
    assert clean(source, target, KINDS[media_type])
    assert [name for name in NAMES if name in plain(target.read_bytes())] == []
    assert inspect(target).media_type == media_type


def test_an_archive_is_not_cleaned(tmp_path: Path) -> None:
    assert not clean(put(tmp_path, FILES["application/zip"]), tmp_path / "clean", KINDS["application/zip"])


def test_a_turned_picture_stands_upright_afterwards(tmp_path: Path) -> None:
    target = tmp_path / "clean"
    clean(put(tmp_path, made_files.jpeg(orientation=6)), target, KINDS["image/jpeg"])
    with Image.open(target) as image:
        assert image.size == (40, 60)
        assert dict(image.getexif()) == {}


def test_an_unturned_picture_keeps_its_pixels(tmp_path: Path) -> None:
    source, target = put(tmp_path, made_files.jpeg()), tmp_path / "clean"
    clean(source, target, KINDS["image/jpeg"])
    with Image.open(source) as before, Image.open(target) as after:
        assert max(abs(a - b) for a, b in zip(before.tobytes(), after.tobytes(), strict=True)) <= 1
        assert dict(after.getexif()) == {} and "comment" not in after.info


def test_a_film_keeps_its_length_and_its_frames(tmp_path: Path) -> None:
    target = tmp_path / "clean"
    clean(put(tmp_path, made_files.mp4()), target, KINDS["video/mp4"])
    data = target.read_bytes()
    assert len(data) == len(made_files.mp4())
    assert data.endswith(b"\x01\x02\x03" * 50)
    assert b"\x11" * 8 not in data


def test_a_cleaned_pdf_keeps_its_text_and_loses_its_script(tmp_path: Path) -> None:
    target = tmp_path / "clean"
    clean(put(tmp_path, made_files.pdf("Weld plan", pages=3)), target, KINDS["application/pdf"])
    reader = PdfReader(target)
    assert [page.extract_text() for page in reader.pages] == ["Weld plan"] * 3
    assert "/OpenAction" not in reader.trailer["/Root"]


TERMS = (Term("王磊", "person"), Term("威海船厂", "unit"), Term("Li Na", "person"))


def found(folder: Path, data: bytes, name: str = "plan.pdf") -> list[tuple[str, str]]:
    path = put(folder, data)
    return [(each.text, each.kind) for each in look_for(path, inspect(path), name, TERMS)]


def test_names_inside_are_found(tmp_path: Path) -> None:
    assert found(tmp_path, made_files.docx("作者:王 磊,威海船厂焊工")) == [("王磊", "person"), ("威海船厂", "unit")]
    assert found(tmp_path, made_files.pdf("by LI  NA and others")) == [("Li Na", "person")]
    assert found(tmp_path, made_files.docx("一种夹具")) == []
    assert found(tmp_path, made_files.docx("一种夹具"), "王磊-方案.docx") == [("王磊", "person")]


@pytest.mark.parametrize("data", [made_files.jpeg(), made_files.archive({"a.txt": "王磊"}), made_files.pdf(" ")])
def test_what_cannot_be_read_is_left_to_a_person(data: bytes, tmp_path: Path) -> None:
    assert [kind for _text, kind in found(tmp_path, data)] == ["unread"]


def test_an_entity_bomb_is_not_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "王磊">]><x>&a;</x>'
    data = made_files.archive({"[Content_Types].xml": "", "word/document.xml": bomb})
    assert found(tmp_path, data) == [("没有可检索的文字，须由人看过", "unread")]
