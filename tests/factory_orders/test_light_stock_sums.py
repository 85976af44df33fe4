"""Base stock and sharing out against brute force: the level that costs least, the allocation that costs least."""

from __future__ import annotations

import math
from itertools import product

from hypothesis import assume, example, given
from hypothesis import strategies as st

from factory_orders.allocation.fairness import entitle
from factory_orders.light_stock.base_stock import CARS_MAX, StockRule, base_stock, mean_over, worth_of_cars
from factory_orders.light_stock.sharing import (
    FreeStock,
    Sharing,
    SharingCosts,
    SharingProblem,
    StorePlace,
    share_stock,
)

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


def expected_loss(rule: StockRule, cars: int) -> float:
    """Return what a stock of so many cars costs over the exposure on average: lost sales, and cars that stand."""
    probability, loss = math.exp(-rule.mean), 0.0
    for demand in range(CARS_MAX + 1):
        if demand:
            probability *= rule.mean / demand
        short, over = max(demand - cars, 0), max(cars - demand, 0)
        loss += probability * (short * rule.under_minor + over * rule.over_minor)
    return loss


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


def loss(problem: SharingProblem, chosen: tuple[str | None, ...]) -> tuple[int, int]:
    """Count from scratch how many stores wait in vain for a first car, and what sending each costs (None: it waits)."""
    costs, total = problem.costs, 0
    without = sum(store not in chosen for store in waiting_for_first(problem))
    takers = [place for place in problem.places if room(problem, place)]
    fresh = sum(car.store_id is None for car in problem.cars)
    cars = min(fresh, sum(room(problem, place) for place in takers))
    entitled = entitle(cars, {place.store_id: place.weekly_milli for place in takers}) if takers else {}
    for place in problem.places:
        has = standing(problem, place) + place.coming
        there = chosen.count(place.store_id)
        total += costs.unfair * ((there - standing(problem, place)) ** 2 - standing(problem, place) ** 2)
        total -= sum(worth_of_cars(place.rule, place.coming + there)[place.coming :])
        for car, store in zip(problem.cars, chosen, strict=True):
            if store == place.store_id != car.store_id:
                km = ROADS[car.at, store]
                lasts = has * 7_000 // place.weekly_milli if place.weekly_milli else 99
                days = costs.base_days + -(-km // costs.km_per_day)
                total += costs.move + costs.km * km + costs.late_day * max(0, days - lasts)
                if car.store_id is None and store in entitled:
                    total -= 2 * costs.unfair * (entitled[store] + place.owed) // 1_000
    return without, total


def standing(problem: SharingProblem, place: StorePlace) -> int:
    return sum(car.store_id == place.store_id for car in problem.cars)


def room(problem: SharingProblem, place: StorePlace) -> int:
    return max(base_stock(place.rule) - place.coming - standing(problem, place), 0)


def waiting_for_first(problem: SharingProblem) -> set[str]:
    """Return the stores that should have a car, have none and may get one from the plant: no other store sends one."""
    fresh_may = [car.not_to for car in problem.cars if car.store_id is None]
    return {
        place.store_id
        for place in problem.places
        if problem.costs.first and not standing(problem, place) + place.coming and room(problem, place)
        and any(place.store_id not in not_to for not_to in fresh_may)
    }  # fmt: skip


def best_by_hand(problem: SharingProblem) -> int:
    """Return what the best of all sharings out costs: first as many first cars as may be, then the least."""
    most = {place.store_id: standing(problem, place) + room(problem, place) for place in problem.places}
    waiting = waiting_for_first(problem)
    choices = [
        [
            *([None] if car.store_id is None else []),
            *(
                name
                for name in most
                if name == car.store_id or (name not in car.not_to and (car.store_id is None or name not in waiting))
            ),
        ]
        for car in problem.cars
    ]
    fits = [chosen for chosen in product(*choices) if all(chosen.count(name) <= most[name] for name in most)]
    return min(loss(problem, chosen) for chosen in fits)[1]


def car(number: int, at: str, not_to: frozenset[str] = frozenset()) -> FreeStock:
    return FreeStock(f"v{number}", "L5", None if at == "plant" else at, at, not_to - {at})


def place_of(name: str, mean: float, coming: int = 0, owed: int = 0) -> StorePlace:
    """Return a store that sells so many cars in four weeks."""
    return StorePlace(name, "L5", StockRule(mean, 800_000, 200_000), round(mean * 250), coming, owed)


places_of = st.lists(
    st.tuples(st.floats(0, 3, allow_nan=False), st.integers(0, 2), st.integers(-2_000, 2_000)), min_size=3, max_size=3
).map(lambda all_: tuple(place_of(name, *one) for name, one in zip("ABC", all_, strict=True)))
cars_of = st.lists(
    st.tuples(st.sampled_from(("plant", "A", "B", "C")), st.frozensets(st.sampled_from("ABC"), max_size=1)), max_size=4
).map(lambda all_: tuple(car(number, at, not_to) for number, (at, not_to) in enumerate(all_)))
costs_of = st.builds(
    SharingCosts,
    move=st.just(30_000),
    km=st.just(300),
    unfair=st.sampled_from((0, 5_000, 200_000)),
    late_day=st.sampled_from((0, 10_000)),
    base_days=st.integers(0, 3),
    first=st.booleans(),
)


# No car comes from the plant: that a store has none moves none of another store's cars there at a loss.
@example(
    (car(0, "A"),),
    (place_of("A", 0.0), place_of("B", 0.0), place_of("C", 1.0)),
    SharingCosts(30_000, 300, 200_000, first=True),
)
# Cars from the plant fill the place of one that goes on: were it to stay, one of them would not come.
@example(
    (car(0, "plant"), car(1, "plant"), car(2, "plant"), car(3, "C")),
    (place_of("A", 0.0), place_of("B", 0.5), place_of("C", 2.0)),
    SharingCosts(30_000, 300, 200_000),
)
@given(cars_of, places_of, costs_of)
def test_a_sharing_out_costs_what_the_best_of_all_would_and_proves_it(
    cars: tuple[FreeStock, ...], places: tuple[StorePlace, ...], costs: SharingCosts
) -> None:
    problem = SharingProblem(cars, places, ROADS, costs)

    found = share_stock(problem)

    assert found.cost_minor == found.bound_minor == best_by_hand(problem)
    assert all(one.is_first or (one.saved_minor >= one.next_minor and one.saved_minor >= 0) for one in found.sent)
    assert all(one.store_id not in cars[int(one.vin[1:])].not_to for one in found.sent)


@given(cars_of, places_of, cars_of, places_of, costs_of)
def test_mending_a_sharing_out_ends_where_a_new_one_would(
    cars: tuple[FreeStock, ...],
    places: tuple[StorePlace, ...],
    later_cars: tuple[FreeStock, ...],
    later_places: tuple[StorePlace, ...],
    costs: SharingCosts,
) -> None:
    before = share_stock(SharingProblem(cars, places, ROADS, costs))
    later = SharingProblem(later_cars, later_places[:2], ROADS, costs)

    mended = share_stock(later, before)

    assert mended.cost_minor == mended.bound_minor == share_stock(later).cost_minor


@given(st.integers(1, 9), st.tuples(*[st.integers(1, 20)] * 3), st.tuples(*[st.integers(-1_500, 1_500)] * 2))
def test_where_nothing_else_differs_cars_go_by_largest_remainder_on_share_and_deficit(
    number: int, weekly: tuple[int, int, int], owed: tuple[int, int]
) -> None:
    every_road = {("plant", name): 0 for name in "ABC"}
    rule = StockRule(30.0, 10_000_000, 1)
    places = tuple(
        StorePlace(name, "L5", rule, *one)
        for name, one in zip("ABC", zip(weekly, (0, 0, 0), (*owed, -sum(owed)), strict=True), strict=True)
    )
    cars = tuple(car(one, "plant") for one in range(number))
    claims = [part + place.owed for part, place in zip(
        entitle(number, dict(zip("ABC", weekly, strict=True))).values(), places, strict=True)]  # fmt: skip
    assume(min(claims) >= 0)

    found = share_stock(SharingProblem(cars, places, every_road, SharingCosts(0, 0, 1_000_000)))

    whole = [claim // 1_000 for claim in claims]
    by_remainder = sorted(range(3), key=lambda one: -(claims[one] % 1_000))
    for one in by_remainder[: number - sum(whole)]:
        whole[one] += 1
    got = [sum(one.store_id == name for one in found.sent) for name in "ABC"]
    apart = [
        sum((1_000 * cars - claim) ** 2 for cars, claim in zip(some, claims, strict=True)) for some in (got, whole)
    ]
    assert apart[0] == apart[1]


def share(cars: list[FreeStock], *means: float, costs: SharingCosts = COSTS) -> Sharing:
    places = tuple(place_of(name, mean) for name, mean in zip("ABC", means, strict=False))
    return share_stock(SharingProblem(tuple(cars), places, ROADS, costs))


def test_a_car_moves_between_stores_only_where_that_avoids_more_loss_than_its_way_costs() -> None:
    cars = [car(0, "A"), car(1, "A")]

    near = share(cars, 0.2, 1.0)
    even = share(cars, 1.0, 0.0)

    assert [(one.store_id, one.transport_minor) for one in near.sent] == [("B", 30_000 + 300 * 300)]
    assert even.sent == ()


def test_what_a_store_is_owed_of_the_plants_cars_takes_none_from_another_store() -> None:
    places = (place_of("A", 1.0, owed=-50_000), place_of("B", 1.0, owed=50_000))
    costs = SharingCosts(30_000, 300, 5_000)

    moved = share_stock(SharingProblem((car(0, "A"), car(1, "A")), places, ROADS, COSTS))
    owing = share_stock(SharingProblem((car(0, "A"), car(1, "A")), places, ROADS, costs))
    fresh = share_stock(SharingProblem((car(0, "plant"),), places, ROADS, costs))

    assert [one.store_id for one in owing.sent] == [one.store_id for one in moved.sent]
    assert [one.store_id for one in fresh.sent] == ["B"]


def test_a_store_without_a_car_gets_its_first_one_before_others_get_more_however_far_it_is() -> None:
    cars = [car(0, "plant"), car(1, "plant")]
    dear = SharingCosts(30_000, 3_000, 0, first=True)

    by_worth = share(cars, 3.0, 0.0, 0.5, costs=SharingCosts(30_000, 3_000, 0))
    first = share(cars, 3.0, 0.0, 0.5, costs=dear)

    assert [one.store_id for one in by_worth.sent] == ["A", "A"]
    assert sorted((one.store_id, one.is_first) for one in first.sent) == [("A", True), ("C", True)]
    assert min(one.saved_minor for one in first.sent) < 0
    # Who should have none gets none, and nothing is said to cost what only made first cars come first.
    assert first.cost_minor - by_worth.cost_minor < 3_000 * 900 + 30_000 + 800_000


def test_a_car_goes_where_it_does_not_come_too_late() -> None:
    cars = [car(0, "B")]
    places = (place_of("A", 2.0, coming=1), place_of("B", 0.0), place_of("C", 2.0, coming=1))
    roads = ROADS | {("B", "A"): 500, ("B", "C"): 500}
    slow = SharingCosts(30_000, 300, 0, late_day=10_000, base_days=14)
    sooner = (place_of("A", 2.0, coming=1), place_of("B", 0.0), StorePlace("C", "L5", places[2].rule, 400, 1, 0))

    (told,) = share_stock(SharingProblem(tuple(cars), places, roads, slow)).sent
    (other,) = share_stock(SharingProblem(tuple(cars), sooner, roads, slow)).sent

    # Both sell a car in two weeks, and it is sixteen days on its way; C sells more slowly then.
    assert (told.store_id, told.days_late) == ("A", 2)
    assert (other.store_id, other.days_late) == ("C", 0)


def test_a_car_that_nobody_wants_waits_and_one_says_why_it_goes_where_it_goes() -> None:
    found = share([car(0, "plant"), car(1, "plant")], 0.5, 0.0, 0.0)

    assert (len(found.sent), found.waiting) == (1, 1)
    (sent,) = found.sent
    assert (sent.store_id, sent.distance_km, sent.transport_minor) == ("A", 100, 60_000)
    assert sent.saved_minor >= 0
    assert sent.next_store_id is None
