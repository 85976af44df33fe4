"""Cars into parts: only what is effective, so many days before the car is built, and nothing lost on the way."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from configurator.parts_model import PartNeed, PartUse, PlannedCars, explode_parts

MONDAY: Final = date(2026, 11, 23)
BODY: Final = PartUse("A1", "BODY", 1, "steel", 14, None, None)
OLD_WHEEL: Final = PartUse("W19", "WHEEL-A", 4, "wheels", 21, None, date(2026, 11, 22))
NEW_WHEEL: Final = PartUse("W19", "WHEEL-B", 4, "wheels", 21, date(2026, 11, 23), None)


def cars(number: int, *features: str, ordered_on: date = MONDAY, weeks: int = 6) -> PlannedCars[int]:
    return PlannedCars(frozenset(features), ordered_on, ordered_on + timedelta(weeks=weeks), number)


def test_each_part_is_called_off_its_lead_time_before_the_car_is_built() -> None:
    found = explode_parts([BODY, NEW_WHEEL], [cars(10, "A1", "W19")])

    built = MONDAY + timedelta(weeks=6)
    assert found == {
        PartNeed(built - timedelta(days=21), built, "WHEEL-B", "wheels"): 40,
        PartNeed(built - timedelta(days=14), built, "BODY", "steel"): 10,
    }
    assert [need.part for need in found] == ["WHEEL-B", "BODY"]


def test_the_day_of_the_order_decides_which_part_is_effective() -> None:
    sunday = MONDAY - timedelta(days=1)

    before = explode_parts([OLD_WHEEL, NEW_WHEEL], [cars(1, "W19", ordered_on=sunday)])
    after = explode_parts([OLD_WHEEL, NEW_WHEEL], [cars(1, "W19", ordered_on=MONDAY)])

    assert [need.part for need in before] == ["WHEEL-A"]
    assert [need.part for need in after] == ["WHEEL-B"]


def test_what_two_features_take_of_one_part_adds_up() -> None:
    bolt, more = PartUse("A1", "BOLT", 2, "steel", 7, None, None), PartUse("W19", "BOLT", 20, "steel", 7, None, None)

    found = explode_parts([bolt, more], [cars(3, "A1", "W19"), cars(2, "A1")])

    assert list(found.values()) == [3 * 22 + 2 * 2]


_FEATURES = st.sampled_from(("A1", "B2", "W17", "W19"))
_DAYS = st.dates(MONDAY - timedelta(days=60), MONDAY + timedelta(days=60))
_PARTS = st.builds(
    PartUse,
    feature=_FEATURES,
    part=st.sampled_from(("X", "Y", "Z")),
    quantity=st.integers(1, 4),
    supplier=st.sampled_from(("one", "two")),
    lead_time_days=st.integers(0, 60),
    first_day=st.none() | _DAYS,
    last_day=st.none() | _DAYS,
)


def whole_cars(features: frozenset[str], ordered_on: date, built_on: date, number: int) -> PlannedCars[int]:
    return PlannedCars(features, ordered_on, built_on, number)


_CARS = st.builds(whole_cars, st.frozensets(_FEATURES), _DAYS, _DAYS, st.integers(0, 50))


@given(st.lists(_PARTS, max_size=12), st.lists(_CARS, max_size=8))
def test_an_explosion_is_what_counting_car_by_car_and_part_by_part_gives(
    parts: list[PartUse], some: list[PlannedCars[int]]
) -> None:
    counted: dict[tuple[str, str, date], int] = {}
    for car in some:
        for part in parts:
            starts, ends = part.first_day or date.min, part.last_day or date.max
            if part.feature in car.features and starts <= car.ordered_on <= ends:
                key = (part.part, part.supplier, car.built_on - timedelta(days=part.lead_time_days))
                counted[key] = counted.get(key, 0) + car.number * part.quantity

    found = explode_parts(parts, some)

    summed: dict[tuple[str, str, date], int] = {}
    for need, number in found.items():
        key = (need.part, need.supplier, need.call_off_by)
        summed[key] = summed.get(key, 0) + number
    assert summed == counted


@given(st.lists(_PARTS, max_size=12), st.lists(_CARS, max_size=8))
def test_exploding_all_cars_is_exploding_some_and_the_others(
    parts: list[PartUse], some: list[PlannedCars[int]]
) -> None:
    half = len(some) // 2
    first, second = explode_parts(parts, some[:half]), explode_parts(parts, some[half:])

    both = {need: first.get(need, 0) + second.get(need, 0) for need in first | second}
    assert explode_parts(parts, some) == both
