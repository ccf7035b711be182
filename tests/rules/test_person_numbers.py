"""ID, phone and unit numbers against a second reckoning, and masks that never show more than they may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given, settings
from hypothesis import strategies as st

from competition.accounts.numbers import PROVINCES, check_id, check_phone, check_uscc, mask_id, mask_phone, normalise
from competition.shared.errors import DomainError

TODAY = date(2026, 11, 22)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.fixture(autouse=True, scope="module")
def sentences() -> Iterator[None]:
    app = Flask("numbers")
    Babel(app)
    with app.test_request_context():
        yield


def last_of(body: str) -> str:
    """The check character as GB 11643 tabulates it: weights, remainder, table; not the library's way."""
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]


def refused(text: str) -> bool:
    try:
        check_id(text, TODAY)
    except DomainError as error:
        assert error.field == "id_number"
        return True
    return False


births = st.dates(date(1910, 1, 1), TODAY)
bodies = st.builds(
    lambda province, place, born, order: f"{province}{place:04d}{born:%Y%m%d}{order:03d}",
    st.sampled_from(sorted(PROVINCES)),
    st.integers(0, 9999),
    births,
    st.integers(0, 999),
)


@given(bodies)
def test_a_number_made_by_the_table_is_taken_and_says_birthday_and_sex(body: str) -> None:
    said = check_id(body + last_of(body), TODAY)
    assert said.number == body + last_of(body)
    assert f"{said.born:%Y%m%d}" == body[6:14]
    assert said.sex == ("male" if body[16] in "13579" else "female")


@given(bodies, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_found(body: str, place: int, other: str) -> None:
    number = body + last_of(body)
    if number[place] != other:
        assert refused(number[:place] + other + number[place + 1 :])


@given(bodies, st.integers(0, 16))
def test_two_neighbours_that_changed_places_are_found(body: str, place: int) -> None:
    number = body + last_of(body)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or refused(swapped)


@given(st.integers(0, 10**17 - 1))
@settings(max_examples=300)
def test_what_is_taken_is_what_the_second_reckoning_takes(number: int) -> None:
    body = f"{number:017d}"
    try:
        born = date(int(body[6:10]), int(body[10:12]), int(body[12:14]))
    except ValueError:
        born = None
    right = (body[:2] in PROVINCES or body[0] == "9") and born is not None and born.year >= 1906 and born <= TODAY
    assert refused(body + last_of(body)) != right


def test_a_worker_born_before_the_town_had_its_code_is_taken() -> None:
    # 371002 is as old as the city of Weihai (1987); whoever was born in 1970 carries it all the same.
    assert check_id("37100219700101001" + last_of("37100219700101001"), TODAY).born == date(1970, 1, 1)


@pytest.mark.parametrize(
    "text", ["", "371002", "37100219990230001X", "3710021999010100١٢", "371002203001010017", "A" * 18]
)
def test_what_is_no_id_number(text: str) -> None:
    assert refused(text)


@given(bodies)
def test_spaces_width_and_a_small_x_make_no_difference(body: str) -> None:
    number = body + last_of(body)
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in number)
    spaced = f" {number[:6]} {number[6:14]}-{number[14:].lower()} "
    assert check_id(wide, TODAY).number == check_id(spaced, TODAY).number == number


@given(st.text(max_size=30))
def test_normalising_twice_changes_nothing_more_for_what_is_taken(text: str) -> None:
    try:
        once = check_phone(text)
    except DomainError:
        return
    assert normalise(once) == check_phone(once) == once


@pytest.mark.parametrize(
    "text", ["13812345678", "138 1234 5678", "+86 138-1234-5678", "0086 13812345678", "8613812345678", "138 1234 5678"]
)
def test_one_mobile_number_in_many_dresses(text: str) -> None:
    assert check_phone(text) == "13812345678"


@pytest.mark.parametrize("text", ["", "1381234567", "12812345678", "138123456789", "1381234567x", "0631-5231234"])
def test_what_is_no_mobile_number(text: str) -> None:
    with pytest.raises(DomainError):
        check_phone(text)


def test_a_unit_may_have_a_fixed_line() -> None:
    assert check_phone("0631-5231234", landline=True) == "06315231234"
    with pytest.raises(DomainError):
        check_phone("5231234", landline=True)


@given(st.sampled_from("159"), st.integers(0, 10**7 - 1), st.text(ALPHABET, min_size=9, max_size=9))
def test_a_unit_number_is_checked_as_the_standard_says(first: str, region: int, rest: str) -> None:
    body = f"{first}{region:07d}{rest}"
    total = sum(ALPHABET.index(letter) * weight for letter, weight in zip(body, USCC_WEIGHTS, strict=True))
    right = ALPHABET[(31 - total % 31) % 31]
    assert check_uscc(body + right) == check_uscc(f" {body.lower()} {right}") == body + right
    for other in ALPHABET.replace(right, ""):
        with pytest.raises(DomainError):
            check_uscc(body + other)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_a_masked_phone_shows_three_and_four(number: str) -> None:
    masked = mask_phone(number)
    assert (masked[:3], masked[3:7], masked[7:]) == (number[:3], "****", number[7:])


@given(st.text("0123456789X+", max_size=24).filter(lambda number: len(number) != 18))
def test_no_mask_shows_more_than_it_may(number: str) -> None:
    assert mask_id(number) == "*" * len(number)
    masked = mask_phone(number)
    assert len(masked) == len(number)
    assert all(shown in ("*", was) for shown, was in zip(masked, number, strict=True))
    assert sum(letter != "*" for letter in masked) * 3 <= len(number) * 2


@given(bodies)
def test_a_masked_id_shows_four_and_two_and_no_birthday(body: str) -> None:
    number = body + last_of(body)
    assert mask_id(number) == number[:4] + "*" * 10 + number[-2:]
