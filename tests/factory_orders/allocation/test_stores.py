"""Free cars to stores, swaps of identical cars, and the ledger of what each store is owed."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_orders.allocation.fairness import MILLE, FairnessEntry, entitle, owed_after, settle, share_out
from factory_orders.allocation.stores import AllocationCosts, FreeCar, StoreNeed, StorePlan
from factory_orders.allocation.swaps import BoundCar, BuyerOrder, SwapCosts, swap_identical

ROADS = {("plant", "NEAR"): 100, ("plant", "FAR"): 900, ("yard", "NEAR"): 900, ("yard", "FAR"): 0}
COSTS = AllocationCosts(worth=2_000_000, move=30_000, km=300, late_day=10_000, unfair=0)
SWAPS = SwapCosts(late_day=10_000, move=0, km=0, change=2_500, km_per_day=450)


def plan(cars: list[FreeCar], needs: list[StoreNeed], costs: AllocationCosts = COSTS) -> StorePlan:
    return StorePlan(cars, needs, roads=ROADS, costs=costs)


def test_cars_go_the_shortest_ways_to_stores_that_want_their_kind() -> None:
    cars = [FreeCar("c1", "L5", "plant", 0), FreeCar("c2", "L5", "yard", 0), FreeCar("c3", "M7", "plant", 0)]
    needs = [StoreNeed("FAR", "L5", 1, 0, 99), StoreNeed("NEAR", "L5", 5, 0, 99)]

    found = plan(cars, needs).allocate()

    assert [(move.car_id, move.store_id) for move in found.moves] == [("c1", "NEAR"), ("c2", "FAR"), ("c3", None)]
    assert found.cost_minor == found.bound_minor == (30_000 + 100 * 300) + 30_000 - 2 * COSTS.worth


def test_a_store_that_is_owed_cars_goes_first_where_fairness_counts() -> None:
    cars = [FreeCar("c1", "L5", "plant", 0)]
    owed = [StoreNeed("FAR", "L5", 1, 2 * MILLE, 99), StoreNeed("NEAR", "L5", 1, -2 * MILLE, 99)]

    near = plan(cars, owed).allocate()
    fair = plan(cars, owed, AllocationCosts(unfair=100_000)).allocate()

    assert (near.moves[0].store_id, fair.moves[0].store_id) == ("NEAR", "FAR")


def test_a_car_that_comes_late_says_by_how_many_days() -> None:
    found = plan([FreeCar("c1", "L5", "plant", 10)], [StoreNeed("FAR", "L5", 1, 0, 9)]).allocate()

    # Two days on the road, ready one day after it is wanted.
    assert found.moves[0].days_late == 3
    assert found.cost_minor == 30_000 + 900 * 300 + 3 * 10_000 - COSTS.worth


stores = st.sampled_from(("NEAR", "FAR"))
free_cars = st.lists(
    st.tuples(st.sampled_from(("L5", "S6")), st.sampled_from(("plant", "yard")), st.integers(0, 9)), max_size=8
).map(lambda all_: [FreeCar(f"c{number}", *one) for number, one in enumerate(all_)])
wishes = st.dictionaries(
    st.tuples(stores, st.sampled_from(("L5", "S6"))),
    st.tuples(st.integers(0, 4), st.integers(-3000, 3000), st.integers(0, 9)),
    max_size=4,
).map(lambda all_: [StoreNeed(store, kind, *rest) for (store, kind), rest in all_.items()])


@given(free_cars, wishes, free_cars, wishes)
def test_mending_a_plan_ends_where_a_new_one_would(
    cars: list[FreeCar], needs: list[StoreNeed], later_cars: list[FreeCar], later_needs: list[StoreNeed]
) -> None:
    costs = AllocationCosts(unfair=70_000)
    before = plan(cars, needs, costs)
    after = plan(later_cars, later_needs, costs)

    mended = after.mend(before.allocate(), before)

    assert mended.cost_minor == mended.bound_minor == after.allocate().cost_minor


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


@given(st.integers(0, 500), shares)
def test_what_stores_are_entitled_to_adds_up_to_the_cars(cars: int, given_shares: dict[str, int]) -> None:
    parts = entitle(cars, given_shares)

    assert sum(parts.values()) == cars * MILLE
    assert all(part >= 0 for part in parts.values())


@given(st.lists(st.tuples(shares, st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 9))), max_size=6))
def test_the_ledger_owes_nothing_over_all_stores(rounds: list[tuple[dict[str, int], dict[str, int]]]) -> None:
    owed: dict[str, int] = {}
    entries: list[FairnessEntry] = []
    for given_shares, received in rounds:
        new = settle(given_shares, owed=owed, received=received)
        entries.extend(new)
        owed |= {entry.store_id: entry.owed_after for entry in new}

    assert owed_after(entries) == owed
    assert sum(owed.values()) == 0


@given(st.integers(0, 100), shares)
def test_all_cars_are_shared_out_and_everybody_gets_one_where_they_reach(
    cars: int, given_shares: dict[str, int]
) -> None:
    given_cars = share_out(cars, given_shares, owed={})

    assert sum(given_cars.values()) == cars
    if cars >= len(given_shares):
        assert min(given_cars.values()) >= 1


def test_a_store_that_went_without_is_served_first_the_next_time() -> None:
    thirds = {"A": 1, "B": 1, "C": 1}

    first = share_out(2, thirds, owed={}, minimum=0)
    owed = owed_after(settle(thirds, owed={}, received=first))
    second = share_out(1, thirds, owed=owed, minimum=0)

    assert first == {"A": 1, "B": 1, "C": 0}
    assert second == {"A": 0, "B": 0, "C": 1}
