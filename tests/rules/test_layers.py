"""Going up a layer: who is among the first, and a package that nobody can change unseen."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from competition.recommendation.layers import (
    MAX_BYTES,
    Package,
    PackageError,
    Source,
    Winner,
    fingerprint,
    first,
    read,
    sign,
)

SOURCE = Source("yard-2026", "船厂选拔", "enterprise", 2026, "weld", "焊工", "final", "ab" * 32)
WINNERS = (
    Winner("E1", "王磊", 1, "93.40", prize="一等奖", members=("王磊",), consent="person"),
    Winner("E2", "李娜", 2, "90.00", kind="team", members=("李娜", "张伟"), advisers=("赵师傅",)),
)
PACKAGE = Package(SOURCE, "2026-05-04T08:00:00+00:00", "https://yard.example", WINNERS)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(autouse=True, scope="module")
def spoken() -> Iterator[None]:
    app = Flask("layers")
    Babel(app, default_locale="zh")
    with app.app_context():
        yield


@pytest.mark.parametrize(
    ("ranks", "top", "expected"),
    [
        ([], 3, ""), ([1, 2, 3, 4], 3, "abc"), ([1, 2, 3], 5, "abc"), ([1, 2, 2, 4], 2, "abc"), ([1, 1, 1], 1, "abc"),
        ([1, 2, 3], 0, ""), ([1, 2, 2, 3], 3, "abc"), ([1, 2, 3, 3, 3], 3, "abcde"),
    ],
)  # fmt: skip
def test_the_first_and_who_ties_with_the_last_of_them(ranks: list[int], top: int, expected: str) -> None:
    assert "".join(first(list(zip("abcdefgh", ranks, strict=False)), top)) == expected


@given(st.lists(st.integers(1, 6), max_size=8), st.integers(1, 8))
def test_nobody_left_out_is_as_good_as_somebody_taken(steps: list[int], top: int) -> None:
    ranks = sorted(steps)
    ranked = [(str(place), rank) for place, rank in enumerate(ranks)]
    taken = first(ranked, top)
    assert len(taken) >= min(top, len(ranks))
    left = [rank for entry, rank in ranked if entry not in taken]
    assert not left or min(left) > max(rank for entry, rank in ranked if entry in taken)


def test_a_package_is_read_as_it_was_signed() -> None:
    read_again = read(sign(PACKAGE, KEY))
    assert replace(read_again, public_key="") == PACKAGE
    assert fingerprint(read_again.public_key).count(" ") == 7


text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
winners = st.builds(
    Winner,
    entry=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    title=text,
    rank=st.integers(1, 500),
    score=st.decimals(0, 1000, places=2).map(str),
    prize=text,
    members=st.lists(text.filter(bool), max_size=3).map(tuple),
    consent=st.sampled_from(("person", "paper", "none")),
)


@given(st.lists(winners, min_size=1, max_size=4, unique_by=lambda winner: winner.entry))
def test_any_package_comes_back(made: list[Winner]) -> None:
    package = replace(PACKAGE, winners=tuple(made))
    assert replace(read(sign(package, KEY)), public_key="") == package


@given(st.data())
def test_no_change_goes_unseen(data: st.DataObject) -> None:
    signed = bytearray(sign(PACKAGE, KEY))
    place = data.draw(st.integers(0, len(signed) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != signed[place]))
    signed[place] = other
    try:
        changed = read(bytes(signed))
    except PackageError:
        return
    # Space between the parts of JSON means nothing.
    assert replace(changed, public_key="") == PACKAGE


def change(**changes: object) -> bytes:
    """A package with other content, signed by its maker all the same."""
    document = json.loads(sign(PACKAGE, KEY))
    document.pop("signature")
    document |= changes
    from_maker = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    signature = base64.b64encode(KEY.sign(from_maker)).decode()
    return json.dumps(document | {"signature": signature}).encode()


W = json.loads(sign(PACKAGE, KEY))["winners"][0]


@pytest.mark.parametrize(
    "changes",
    [
        {"winners": []}, {"winners": [W, W]}, {"winners": [W | {"rank": 0}]}, {"winners": [W | {"rank": True}]},
        {"winners": [W | {"score": "much"}]}, {"winners": [W | {"entry": "../x"}]}, {"winners": [W | {"extra": 1}]},
        {"winners": [W | {"members": [1]}]}, {"winners": [W | {"consent": "yes"}]}, {"winners": "all"},
        {"source": None},
        {"source": {"contest": "x"}}, {"other": 1}, {"winners": [{}]}, {"winners": [W | {"title": "x" * 3000}]},
    ],
)  # fmt: skip
def test_content_that_does_not_fit_is_refused_though_signed(changes: dict[str, object]) -> None:
    with pytest.raises(PackageError):
        read(change(**changes))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"format":"leitai.promotion/1"}', b"[" * 100_000])
def test_what_is_no_package_is_refused(data: bytes) -> None:
    with pytest.raises(PackageError):
        read(data)


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(PackageError):
        read(b" " * (MAX_BYTES + 1))
