"""Numbers of any length in digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.digits import AT_ONCE, written


@given(st.integers(min_value=0, max_value=10**40))
def test_a_number_is_written_as_python_writes_it(number: int) -> None:
    assert written(number) == str(number)
    assert written(number, grouped=True) == f"{number:,}"


@pytest.mark.parametrize("digits", [AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE, 3 * AT_ONCE + 2])
def test_a_number_with_more_digits_than_python_writes_is_written_whole(digits: int) -> None:
    number = 10**digits + 7

    assert written(number) == "1" + "0" * (digits - 1) + "7"
    assert written(number, grouped=True).replace(",", "") == written(number)
    assert {len(part) for part in written(number, grouped=True).split(",")[1:]} == {3}
