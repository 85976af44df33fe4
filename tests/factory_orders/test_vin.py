"""Vehicle identification numbers: structure, alphabet, check digit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_orders.errors import VinInvalid
from factory_orders.vehicles.vin import (
    ALPHABET,
    LENGTH,
    PLANT_LETTERS,
    VALUES,
    WEIGHTS,
    YEAR_CODES,
    check_digit,
    descriptor,
    make_vin,
    read_vin,
    require_same_car,
    year_code,
)

SIGNS = st.sampled_from(ALPHABET)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Draw a number as a plant would make it."""
    return make_vin(
        wmi="".join(draw(st.lists(SIGNS, min_size=3, max_size=3))),
        described="".join(draw(st.lists(SIGNS, min_size=5, max_size=5))),
        year=draw(st.integers(1980, 2100)),
        plant=draw(st.sampled_from(PLANT_LETTERS)),
        serial=draw(st.integers(1, 999_999)),
    ).text


@pytest.mark.parametrize(
    "text",
    [
        "1M8GDM9AXKP042788",  # The example of 49 CFR 565.15 in wide use; its check digit is X.
        "11111111111111111",
        "5GZCZ43D13S812715",
    ],
)
def test_known_numbers_are_read(text: str) -> None:
    assert read_vin(text).text == text


def test_the_check_digit_is_the_weighted_sum_modulo_eleven() -> None:
    text = "1M8GDM9A_KP042788".replace("_", "0")

    weighted = sum(VALUES[sign] * weight for sign, weight in zip(text, WEIGHTS, strict=True))

    assert weighted == 351
    assert weighted % 11 == 10
    assert check_digit(text) == "X"


def test_the_year_code_of_2026_is_t() -> None:
    assert [year_code(year) for year in (1980, 2001, 2009, 2010, 2026, 2039, 2040)] == list("A19AT9A")


@given(numbers())
def test_what_was_made_is_read_again(text: str) -> None:
    assert len(text) == LENGTH
    assert not set(text) & set("IOQ")
    assert read_vin(f" {text[:8].lower()} {text[8:]}").text == text


@given(numbers(), st.integers(0, LENGTH - 1), SIGNS)
def test_a_single_wrong_sign_is_found_unless_both_signs_count_the_same(text: str, place: int, sign: str) -> None:
    wrong = text[:place] + sign + text[place + 1 :]

    found = check_digit(wrong) != wrong[8]

    # Weights and 11 have no common factor and values differ by less than 11, so only signs of one value escape.
    assert found == ((sign != text[8]) if place == 8 else VALUES[sign] != VALUES[text[place]])


@given(numbers(), st.integers(11, LENGTH - 2))
def test_two_neighbouring_digits_of_the_serial_that_changed_places_are_found(text: str, place: int) -> None:
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    # Neighbouring weights differ by one, and two digits by less than 11.
    assert (check_digit(swapped) != swapped[8]) == (text[place] != text[place + 1])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1M8GDM9A1KP042788", "the check digit does not fit"),
        ("1M8GDM9AXKP04278", "it has 16 places instead of 17"),
        ("1M8GDM9AXKPO42788", "O cannot occur"),
        ("1M8GDM9AXUP042788", "U is no model year"),
        ("", "it has 0 places instead of 17"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(VinInvalid) as refused:
        read_vin(text)

    assert refused.value.reason == reason


def test_the_number_of_another_car_is_refused() -> None:
    with pytest.raises(VinInvalid) as refused:
        require_same_car("11111111111111111", "1M8GDM9AXKP042788")

    assert refused.value.reason == "it is another car's"


@given(st.text(max_size=12), st.text(max_size=40))
def test_any_model_and_powertrain_make_five_places(model: str, powertrain: str) -> None:
    described = descriptor(model, powertrain)

    assert len(described) == 5
    assert set(described) <= set(ALPHABET)


def test_year_codes_leave_out_what_the_standard_leaves_out() -> None:
    assert len(YEAR_CODES) == 30
    assert not set(YEAR_CODES) & set("IOQUZ0")
