"""Steps with everything round them on the small brand: bounds, forced choices, repairs, completions, comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import product

import pytest

from configurator.catalogue_files import read_catalogue
from configurator.comparing import compare_cars
from configurator.completing import (
    OptionWeeks,
    cheapest_car,
    complete_nearest,
    complete_popular,
    complete_soonest,
    popularity_weights,
)
from configurator.configuring import Wishes, complete_car, price_bounds, take_step
from configurator.errors import GoalNotOffered, OptionExcluded
from configurator.explaining import RepairOrder, find_repairs
from configurator.model import Choice, Context
from configurator.pricing import price_of_car
from configurator.rules import compile_catalogue
from configurator.sat_engine import SatEngine
from configurator.showroom import Showroom
from tests.configurator.small_brand import FOLDER

CATALOGUE = read_catalogue(FOLDER)
ROOM = Showroom(CATALOGUE, SatEngine(compile_catalogue(CATALOGUE)), Context("east", date(2026, 12, 1)))
CODES = [option.code for option in CATALOGUE.options]


def all_cars(model: str = "A1") -> list[frozenset[str]]:
    """Return the options of every buildable car of a model, by trying all of them."""
    found = []
    for values in product((False, True), repeat=len(CODES)):
        chosen = dict(zip(CODES, values, strict=True))
        if ROOM.engine.minimum({model: True, **chosen}, ROOM.context, {}) is not None:
            found.append(frozenset(code for code, value in chosen.items() if value))
    return found


def price(options: frozenset[str], model: str = "A1") -> int:
    return price_of_car(CATALOGUE, model=model, options=options)


@pytest.fixture(scope="module")
def cars() -> list[frozenset[str]]:
    return all_cars()


def test_bounds_are_what_the_cheapest_cars_with_and_without_an_option_cost_more(cars: list[frozenset[str]]) -> None:
    least = min(map(price, cars))

    bounds = price_bounds(ROOM, "A1", {"A1": True})

    open_options = [code for code in CODES if any(code in car for car in cars) and any(code not in car for car in cars)]
    assert list(bounds) == open_options
    for code, bound in bounds.items():
        assert bound.with_minor == min(price(car) for car in cars if code in car) - least
        assert bound.without_minor == min(price(car) for car in cars if code not in car) - least


def test_the_nearest_car_differs_in_the_fewest_options_and_is_the_cheapest_of_those(
    cars: list[frozenset[str]],
) -> None:
    for dreamt in (frozenset(CODES), frozenset(CODES[:4]), frozenset[str]()):
        found = complete_nearest(ROOM, "A1", {"A1": True}, dreamt)

        assert found is not None
        best = min((len(car ^ dreamt), price(car)) for car in cars)
        assert (found.changes, price(frozenset(found.options))) == best


def test_the_most_popular_car_is_the_likeliest(cars: list[frozenset[str]]) -> None:
    rates = {code: (place * 7 % 10) / 10 for place, code in enumerate(CODES, start=1)}
    weights = popularity_weights(CATALOGUE, rates)

    found = complete_popular(ROOM, "A1", {"A1": True}, rates)

    assert found is not None
    best = min((sum(weights[code] for code in car), price(car)) for car in cars)
    assert (sum(weights[code] for code in found.options), price(frozenset(found.options))) == best


@pytest.mark.parametrize(("feature", "with_hook", "without"), [("Extras", 2, 0), ("Fir", 2, 2), ("unknown", 0, 0)])
def test_a_car_with_an_option_of_a_group_waits_for_what_the_group_waits_for(
    feature: str, with_hook: int, without: int
) -> None:
    weeks = OptionWeeks(date(2026, 12, 7), {feature: 0b100, "A1": 0b111})

    hooked = complete_soonest(ROOM, "A1", {"A1": True, "HOOK": True}, weeks)
    any_car = complete_soonest(ROOM, "A1", {"A1": True}, weeks)

    assert hooked is not None
    assert any_car is not None
    assert (hooked.week, any_car.week) == (with_hook, without)


def test_the_soonest_car_is_the_cheapest_of_the_first_week_in_which_any_can_be_built(
    cars: list[frozenset[str]],
) -> None:
    weeks = {code: 0b11110 << (place % 3) for place, code in enumerate(CODES)}

    found = complete_soonest(ROOM, "A1", {"A1": True}, OptionWeeks(date(2026, 12, 7), weeks))

    assert found is not None
    best = min((first_week(car, weeks), price(car)) for car in cars)
    assert (found.week, price(frozenset(found.options))) == best


def first_week(car: frozenset[str], weeks: Mapping[str, int]) -> int:
    shared = 2**64 - 1
    for code in car:
        shared &= weeks[code]
    return (shared & -shared).bit_length() - 1 if shared else 64


def test_a_goal_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(GoalNotOffered):
        complete_soonest(ROOM, "A1", {"A1": True}, None)
    with pytest.raises(GoalNotOffered):
        complete_popular(ROOM, "A1", {"A1": True}, None)
    with pytest.raises(GoalNotOffered):
        complete_soonest(ROOM, "A1", {"A1": True}, OptionWeeks(date(2026, 12, 7), dict.fromkeys(CODES, 0)))


def test_a_forced_choice_stands_and_the_step_says_what_gave_way() -> None:
    choices = [Choice("ROOF")]

    step = take_step(ROOM, model="A1", choices=choices, force=Choice("HOOK"))

    assert step.gave_way == ("ROOF",)
    assert step.states["HOOK"] == "chosen"
    assert take_step(ROOM, model="A1", choices=[], force=Choice("HOOK")).gave_way == ()


def test_what_the_model_itself_forbids_cannot_be_forced() -> None:
    excluded = [code for code in CODES if code in ROOM.engine.step({"A1": True}, ROOM.context).excluded]  # type: ignore[union-attr]  # the model has cars
    for code in excluded:
        with pytest.raises(OptionExcluded):
            take_step(ROOM, model="A1", choices=[], force=Choice(code))


def test_repairs_carry_price_and_days_and_are_ranked_as_asked() -> None:
    wanted = {"A1": True, "ROOF": True}
    weeks = OptionWeeks(date(2026, 12, 7), {"HOOK": 0b1000})
    before = cheapest_car(ROOM, "A1", wanted)
    after = cheapest_car(ROOM, "A1", {"A1": True, "HOOK": True})
    assert before is not None
    assert after is not None

    for order in RepairOrder:
        found = find_repairs(ROOM, "A1", wanted, Choice("HOOK"), order=order, weeks=weeks)

        assert found.are_all
        assert [offer.give_up for offer in found.offers] == [("ROOF",)]
        assert found.offers[0].price_difference_minor == after.price_minor - before.price_minor
        assert found.offers[0].days_difference == 21

    (explained,) = take_step(
        ROOM, model="A1", choices=[Choice("ROOF")], wishes=Wishes(explain=("HOOK",)), weeks=weeks
    ).explanations
    assert [(repair.give_up, repair.days_difference) for repair in explained.repairs] == [(("ROOF",), 21)]


def test_a_step_counts_nothing_where_there_is_no_circuit() -> None:
    step = take_step(ROOM, model="A1", choices=[], wishes=Wishes(bounds=True, count=True))

    assert step.count is None
    assert step.engine == "sat"
    assert set(step.bounds) == {code for code, state in step.states.items() if state == "open"}


def test_cars_side_by_side_differ_exactly_in_the_options_that_not_all_have(cars: list[frozenset[str]]) -> None:
    chosen = [("A1", complete_car(ROOM, model="A1", options=tuple(car))) for car in (cars[0], cars[-1])]

    found = compare_cars(ROOM, chosen)

    assert [frozenset(car.options) for car in found.cars] == [cars[0], cars[-1]]
    assert {one.option for one in found.differences} == cars[0] ^ cars[-1]
    assert all(one.has == (one.option in cars[0], one.option in cars[-1]) for one in found.differences)
    assert [car.price.total_minor for car in found.cars] == [price(cars[0]), price(cars[-1])]
