"""The thinnest margin of a class against every legal car, and the engine under several threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import product
from operator import attrgetter

from hypothesis import given
from hypothesis import strategies as st

from configurator.catalogue import Catalogue
from configurator.model import Context, PoolingClass, member_price_minor
from configurator.pooling import class_options, pooling_class, thinnest_margin
from configurator.pricing import price_vehicle, price_weights
from configurator.rules import compile_catalogue
from configurator.sat_engine import SatEngine
from configurator.solver import Step
from tests.configurator.small_brand import small_catalogue

CATALOGUE = small_catalogue()
ENGINE = SatEngine(compile_catalogue(CATALOGUE))
EAST = Context("east", date(2026, 11, 23))
NORTH = Context("north", date(2026, 11, 23))


def all_cars(context: Context) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield every legal car: its model and its true features."""
    singles = product(
        ("A1", "B2"), ("RED", "BLUE", "GOLD"), ("W17", "W19"), ("PT_SMALL", "PT_BIG"), ("TR_BASE", "TR_PLUS")
    )
    abstract = {"Fir", "Model", "Paint", "Wheels", "Powertrain", "Trim"}
    for single in singles:
        for extras in product((False, True), repeat=3):
            chosen = {name for name, has in zip(("HOOK", "ROOF", "HEAT"), extras, strict=True) if has}
            car = frozenset({*single, *chosen, *abstract, *(("Extras",) if chosen else ())})
            if ENGINE.is_buildable(car, context):
                yield single[0], car


def cost_minor(catalogue: Catalogue, model: str, car: frozenset[str]) -> int:
    prices = [catalogue.price_of(model=model, option=option.code) for option in catalogue.options if option.code in car]
    return catalogue.model_by_code[model].cost_minor + sum(price.cost_minor for price in prices if price is not None)


def margin_minor(model: str, car: frozenset[str], discount_bp: int) -> int:
    price = price_vehicle(CATALOGUE, model=model, features=car).total_minor
    return member_price_minor(price, discount_bp) - cost_minor(CATALOGUE, model, car)


CARS = {context: list(all_cars(context)) for context in (EAST, NORTH)}
CLASSES = sorted(
    {pooling_class(CATALOGUE, model=model, features=car) for cars in CARS.values() for model, car in cars},
    key=lambda cls: cls.l1_key,
)


@given(cls=st.sampled_from(CLASSES), contexts=st.sampled_from([[EAST], [NORTH], [EAST, NORTH]]), any_trim=st.booleans())
def test_what_all_and_what_some_cars_of_a_class_have_is_so_of_its_legal_cars(
    cls: PoolingClass, contexts: list[Context], any_trim: bool
) -> None:
    key = attrgetter("l2_key" if any_trim else "l1_key")
    codes = {option.code for option in CATALOGUE.options}
    cars = [
        car & codes
        for context in contexts
        for model, car in CARS[context]
        if key(pooling_class(CATALOGUE, model=model, features=car)) == key(cls)
    ]

    found = class_options(CATALOGUE, ENGINE, cls, contexts=contexts, any_trim=any_trim)

    every = frozenset.intersection(*cars) if cars else frozenset()
    assert found.every == every
    assert found.some == frozenset().union(*cars) - every


@given(cls=st.sampled_from(CLASSES), discount_bp=st.integers(0, 10_000))
def test_the_thinnest_margin_is_that_of_the_worst_of_all_legal_cars(cls: PoolingClass, discount_bp: int) -> None:
    found = thinnest_margin(CATALOGUE, ENGINE, cls, discount_bp=discount_bp, contexts=(EAST, NORTH))

    members = {
        (model, car)
        for cars in CARS.values()
        for model, car in cars
        if pooling_class(CATALOGUE, model=model, features=car) == cls
    }
    assert found is not None
    assert found.margin_minor == min(margin_minor(model, car, discount_bp) for model, car in members)


@given(st.sets(st.sampled_from(("RED", "W19", "HOOK", "HEAT", "TR_PLUS"))))
def test_the_price_of_the_cheapest_car_is_its_price_line_by_line(wanted: set[str]) -> None:
    choices = dict.fromkeys(wanted, True) | {"A1": True}

    cheapest = ENGINE.minimum(choices, EAST, price_weights(CATALOGUE, model="A1"))

    legal = [car for model, car in CARS[EAST] if model == "A1" and wanted <= car]
    prices = [price_vehicle(CATALOGUE, model="A1", features=car).total_minor for car in legal]
    if cheapest is None:
        assert not legal
        return
    own = price_vehicle(CATALOGUE, model="A1", features=cheapest.features).total_minor
    assert own == CATALOGUE.model_by_code["A1"].base_price_minor + cheapest.weight == min(prices)


def test_threads_that_share_an_engine_get_the_answers_of_one() -> None:
    walks = [
        {"A1": True} | {option: number % 3 > 0 for number, option in enumerate(("BLUE", "W19", "HOOK"), start=start)}
        for start in range(12)
    ]
    alone = SatEngine(compile_catalogue(CATALOGUE))
    expected = [alone.step(walk, EAST) for walk in walks]
    shared = SatEngine(compile_catalogue(CATALOGUE))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda walk: shared.step(walk, EAST), walks * 20))

    assert all(isinstance(answer, Step) for answer in expected)
    assert answers == expected * 20
