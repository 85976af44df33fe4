"""Swaps of identical cars, and the ledger of what each store is owed."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_orders.allocation.fairness import MILLE, entitle, settle
from factory_orders.allocation.swaps import BoundCar, BuyerOrder, SwapCosts, swap_identical

ROADS = {("plant", "NEAR"): 100, ("plant", "FAR"): 900, ("yard", "NEAR"): 900, ("yard", "FAR"): 0}
SWAPS = SwapCosts(late_day=10_000, move=0, km=0, change=2_500, km_per_day=450)


def bound_cars(ready: list[int]) -> list[BoundCar]:
    return [BoundCar(f"v{number}", "same", "yard", day, f"o{number}") for number, day in enumerate(ready)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=5))
def test_swaps_save_as_much_as_any_exchange_could(days: list[tuple[int, int]]) -> None:
    cars = bound_cars([ready for ready, _ in days])
    orders = [BuyerOrder(f"o{number}", "same", "FAR", due) for number, (_, due) in enumerate(days)]

    found = swap_identical(cars, orders, roads=ROADS, costs=SWAPS)

    def cost(order: tuple[int, ...]) -> int:
        return sum(
            max(0, days[car][0] - days[number][1]) * SWAPS.late_day + (car != number) * SWAPS.change
            for number, car in enumerate(order)
        )

    own = tuple(range(len(days)))
    assert found.saved_minor == found.saved_at_most_minor == cost(own) - min(map(cost, permutations(own)))


@pytest.mark.parametrize(
    ("costs", "ready", "due"),
    [(SwapCosts(change=0), [9] * 8, [0] * 8), (SwapCosts(late_day=40_000, change=20_000), [0, 2], [3, 1])],
    ids=["a change costs nothing", "the gain is what the changes cost"],
)
def test_cars_stay_where_they_are_when_changing_places_saves_nothing(
    costs: SwapCosts, ready: list[int], due: list[int]
) -> None:
    orders = [BuyerOrder(f"o{number}", "same", "FAR", day) for number, day in enumerate(due)]

    found = swap_identical(bound_cars(ready), orders, roads=ROADS, costs=costs)

    assert (found.swaps, found.saved_minor, found.days_late_after) == ((), 0, found.days_late_before)


def test_an_early_buyer_gets_the_car_that_is_ready_and_nobody_else_is_moved() -> None:
    cars = [*bound_cars([20, 5, 7]), BoundCar("other", "another kind", "yard", 0, None)]
    orders = [BuyerOrder(f"o{number}", "same", "FAR", due) for number, due in enumerate((6, 30, 7))]

    found = swap_identical(cars, orders, roads=ROADS, costs=SWAPS)

    assert [(swap.order_id, swap.from_car_id, swap.to_car_id) for swap in found.swaps] == [
        ("o0", "v0", "v1"),
        ("o1", "v1", "v0"),
    ]
    assert (found.days_late_before, found.days_late_after) == (14, 0)


shares = st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 50), min_size=1)


@given(st.integers(-500, 500), shares)
def test_what_stores_are_entitled_to_adds_up_to_the_cars(cars: int, given_shares: dict[str, int]) -> None:
    parts = entitle(cars, given_shares)

    assert sum(parts.values()) == cars * MILLE
    assert all(part * cars >= 0 for part in parts.values())


@given(st.lists(st.tuples(shares, st.dictionaries(st.sampled_from("ABCDE"), st.integers(-3, 9))), max_size=6))
def test_the_ledger_carries_deficits_on_and_owes_nothing_over_all_stores(
    rounds: list[tuple[dict[str, int], dict[str, int]]],
) -> None:
    owed: dict[str, int] = {}
    for given_shares, received in rounds:
        entries = settle(given_shares, owed=owed, received=received)
        assert all(entry.owed_before == owed.get(entry.store_id, 0) for entry in entries)
        owed |= {entry.store_id: entry.owed_after for entry in entries}

    assert sum(owed.values()) == 0
