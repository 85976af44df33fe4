"""The lower bound: what it counts, that more of anything never lowers it, and the threshold that it has to reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand.backing.bound import Backers, lower_bound
from demand.backing.model import threshold_of

NOBODY = Backers({}, 0, 0)
PRIOR = (6, 4)
draws = st.lists(st.integers(0, 1_000_000), min_size=40, max_size=40)


def bound(sizes: dict[str, int], rates: dict[str, list[int]], backers: Backers = NOBODY) -> int:
    return lower_bound(sizes, rates, backers, prior=PRIOR, seed="s")


def test_without_backers_it_is_the_fifth_percentile_of_the_market_s_wishes() -> None:
    rates = [10_000 * step for step in range(1, 101)]

    assert bound({"A": 1_000, "B": 1_000}, {"A": rates, "B": rates}) == 2 * 50


def test_backers_are_taken_out_of_their_segment_and_count_with_their_conversion() -> None:
    certain = {"A": [1_000_000] * 2_000, "B": [0] * 2_000}

    without = bound({"A": 100, "B": 100}, certain)
    with_all = bound({"A": 100, "B": 100}, certain, Backers({"A": 100}, 0, 0))
    from_elsewhere = bound({"A": 100, "B": 100}, certain, Backers({"B": 50}, 0, 0))

    assert without == 100
    # The fifth percentile of Beta(6, 4) is 0.345.
    assert with_all == pytest.approx(34.5, abs=3)
    assert from_elsewhere == pytest.approx(100 + 17.2, abs=2)


def test_outcomes_of_earlier_backers_move_the_conversion() -> None:
    nothing_else = {"A": [0] * 2_000}

    reliable = bound({"A": 1_000}, nothing_else, Backers({"A": 1_000}, 94, 0))
    unreliable = bound({"A": 1_000}, nothing_else, Backers({"A": 1_000}, 0, 90))

    assert reliable > 900
    assert unreliable < 60


@given(draws, st.integers(0, 500), st.integers(0, 50), st.integers(0, 50))
def test_more_backers_from_nowhere_and_more_orders_before_never_lower_it(
    rates: list[int], backers: int, more: int, orders: int
) -> None:
    sizes = {"A": 10_000, "new": 0}
    market = {"A": rates, "new": rates}

    fewer = bound(sizes, market, Backers({"new": backers}, 0, 0))
    greater = bound(sizes, market, Backers({"new": backers + more}, 0, 0))

    assert fewer <= greater
    assert bound(sizes, market, Backers({"new": backers}, 0, 0)) == fewer
    assert orders >= 0


@given(st.integers(1, 10**12), st.integers(2, 10**7), st.data())
def test_the_threshold_is_the_first_number_of_cars_that_pays_the_tooling(
    tooling: int, price: int, data: st.DataObject
) -> None:
    unit_cost = data.draw(st.integers(0, price - 1))

    cars = threshold_of(tooling_minor=tooling, price_minor=price, unit_cost_minor=unit_cost)

    assert cars * (price - unit_cost) >= tooling > (cars - 1) * (price - unit_cost)
