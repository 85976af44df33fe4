"""Base stock and sharing out against brute force: the level that costs least, the allocation that costs least."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from factory_orders.light_stock.base_stock import StockRule, base_stock, expected_loss, mean_over, worth_of_cars
from factory_orders.light_stock.sharing import FreeStock, Sharing, SharingCosts, StorePlace, share_stock

ROADS = {(at, to): km for at, to, km in (
    ("plant", "A", 100), ("plant", "B", 400), ("plant", "C", 900), ("A", "B", 300), ("B", "A", 300), ("A", "C", 800),
    ("C", "A", 800), ("B", "C", 500), ("C", "B", 500), ("A", "A", 0), ("B", "B", 0), ("C", "C", 0))}  # fmt: skip
COSTS = SharingCosts(move=30_000, km=300, unfair=0)
rules = st.builds(
    StockRule,
    mean=st.floats(0, 12, allow_nan=False),
    under_minor=st.integers(1, 2_000_000),
    over_minor=st.integers(1, 2_000_000),
)


def test_a_mean_is_the_weekly_sales_over_the_exposure() -> None:
    assert mean_over(250, 28) == 1.0
    assert mean_over(0, 28) == 0.0


def test_the_shipped_numbers_give_two_cars_for_one_expected_sale() -> None:
    assert base_stock(StockRule(1.0, 800_000, 200_000)) == 2


@given(rules)
def test_base_stock_costs_least_of_all_levels(rule: StockRule) -> None:
    level = base_stock(rule)

    losses = [expected_loss(rule, cars) for cars in range(60)]

    assert losses[level] <= min(losses) + 1e-6 * (rule.under_minor + rule.over_minor)


@given(rules, st.integers(0, 20))
def test_a_car_is_worth_the_loss_it_avoids_and_the_next_never_more(rule: StockRule, cars: int) -> None:
    worth = worth_of_cars(rule, cars)

    assert list(worth) == sorted(worth, reverse=True)
    avoided = [expected_loss(rule, number) - expected_loss(rule, number + 1) for number in range(cars)]
    assert all(abs(told - exact) <= 1 for told, exact in zip(worth, avoided, strict=True))


def loss(cars: list[FreeStock], places: list[StorePlace], chosen: tuple[str | None, ...], costs: SharingCosts) -> int:
    """Count from scratch what sending each car to a store (None: it waits) costs."""
    total = 0
    for car, store in zip(cars, chosen, strict=True):
        if store not in (None, car.store_id):
            total += costs.move + costs.km * ROADS[car.at, store]
    for place in places:
        standing = sum(car.store_id == place.store_id for car in cars)
        there = sum(store == place.store_id for store in chosen)
        worth = worth_of_cars(place.rule, place.inbound + there)[place.inbound :]
        for number, one in enumerate(worth):
            total += costs.unfair * (1_000 * (2 * (number - standing) + 1) - 2 * place.owed) // 1_000 - one
    return total


def best_by_hand(cars: list[FreeStock], places: list[StorePlace], costs: SharingCosts) -> int:
    names = [place.store_id for place in places]
    most = {
        place.store_id: max(
            sum(car.store_id == place.store_id for car in cars), base_stock(place.rule) - place.inbound, 0
        )
        for place in places
    }
    choices = [[*([None] if car.store_id is None else []), *(one for one in names if one not in car.not_to)]
               for car in cars]  # fmt: skip
    fits = [chosen for chosen in product(*choices) if all(chosen.count(name) <= most[name] for name in names)]
    return min(loss(cars, places, chosen, costs) for chosen in fits)


def car(number: int, at: str, not_to: frozenset[str] = frozenset()) -> FreeStock:
    return FreeStock(f"v{number}", "L5", None if at == "plant" else at, at, not_to - {at})


places_of = st.lists(
    st.tuples(st.floats(0, 3, allow_nan=False), st.integers(0, 2), st.integers(-2_000, 2_000)), min_size=3, max_size=3
).map(
    lambda all_: [
        StorePlace(name, "L5", StockRule(mean, 800_000, 200_000), inbound, owed)
        for name, (mean, inbound, owed) in zip("ABC", all_, strict=True)
    ]
)
cars_of = st.lists(
    st.tuples(st.sampled_from(("plant", "A", "B", "C")), st.frozensets(st.sampled_from("ABC"), max_size=1)), max_size=4
).map(lambda all_: [car(number, at, not_to) for number, (at, not_to) in enumerate(all_)])


@given(cars_of, places_of, st.sampled_from((0, 5_000, 200_000)))
def test_a_sharing_out_costs_what_the_best_of_all_would_and_proves_it(
    cars: list[FreeStock], places: list[StorePlace], unfair: int
) -> None:
    costs = SharingCosts(30_000, 300, unfair)

    found = share_stock(cars, places, roads=ROADS, costs=costs)

    assert found.cost_minor == found.bound_minor == best_by_hand(cars, places, costs)
    assert all(one.saved_minor >= one.next_minor and one.saved_minor >= 0 for one in found.sent)
    assert all(one.store_id not in cars[int(one.vin[1:])].not_to for one in found.sent)


def share(cars: list[FreeStock], *means: float) -> Sharing:
    places = [
        StorePlace(name, "L5", StockRule(mean, 800_000, 200_000), 0, 0)
        for name, mean in zip("ABC", means, strict=False)
    ]
    return share_stock(cars, places, roads=ROADS, costs=COSTS)


def test_a_car_moves_between_stores_only_where_that_avoids_more_loss_than_its_way_costs() -> None:
    cars = [car(0, "A"), car(1, "A")]

    near = share(cars, 0.2, 1.0)
    even = share(cars, 1.0, 0.0)

    assert [(one.store_id, one.transport_minor) for one in near.sent] == [("B", 30_000 + 300 * 300)]
    assert even.sent == ()


def test_a_car_that_nobody_wants_waits_and_one_says_why_it_goes_where_it_goes() -> None:
    found = share([car(0, "plant"), car(1, "plant")], 0.5, 0.0, 0.0)

    assert (len(found.sent), found.waiting) == (1, 1)
    (sent,) = found.sent
    assert (sent.store_id, sent.distance_km, sent.transport_minor) == ("A", 100, 60_000)
    assert sent.saved_minor >= 0
    assert sent.next_store_id is None
