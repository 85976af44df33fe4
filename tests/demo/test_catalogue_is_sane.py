"""Every car that the demo promises can be built, nothing in the catalogue is dead weight, no car is sold at a loss."""

from __future__ import annotations

import pytest
from pysat.solvers import Solver

from tests.demo.buildable_cars import Brand, Place
from tests.demo.plain_files import BOREALIS, QILAN

BRANDS = [Brand(QILAN / "catalogue"), Brand(BOREALIS / "catalogue")]
QILAN_CARS = BRANDS[0]
PRICE_RANGES = {"L5": (129_800, 189_800), "S6": (159_800, 239_800), "M7": (229_800, 329_800)}
IDS = ["qilan", "borealis"]
of_each_brand = pytest.mark.parametrize("brand", BRANDS, ids=IDS)


@of_each_brand
def test_every_model_can_be_had_in_every_region_on_every_day(brand: Brand) -> None:
    for place in brand.places:
        with Solver("glucose4", bootstrap_with=brand.clauses_at(place)) as solver:
            assert solver.solve(), place


@pytest.mark.parametrize(("brand", "not_yet"), [(BRANDS[0], {"RF_DIMMING"}), (BRANDS[1], set())], ids=IDS)
def test_every_option_can_be_had_somewhere_from_its_first_day_on(brand: Brand, not_yet: set[str]) -> None:
    missing = {day: set(brand.category_of) for day in brand.days}
    for place in brand.places:
        missing[place.day] -= brand.possible_options(place)

    assert missing.pop(brand.days[0]) == not_yet
    assert set().union(*missing.values()) == set()


def test_nothing_is_forced_on_a_buyer_but_preheating_on_an_electric_sedan_in_the_cold() -> None:
    forced = {
        (place.model, place.region, option)
        for place in QILAN_CARS.places
        for option in QILAN_CARS.forced_options(place)
    }

    assert forced == {("S6", "northeast", "CG_BATTERY_HEATER")}


@of_each_brand
def test_no_rule_follows_from_the_others(brand: Brand) -> None:
    idle = set(brand.constraints)
    for place in brand.places:
        for rule in sorted(idle):
            if brand.in_force(rule, place) and _bites(brand, rule, place):
                idle.discard(rule)

    assert idle == set()


def test_each_model_has_its_own_powertrains_and_trims() -> None:
    last_day = QILAN_CARS.days[-1]
    found: dict[tuple[str, str], set[str]] = {}
    for place in QILAN_CARS.places:
        if place.day == last_day:
            for option in QILAN_CARS.possible_options(place):
                found.setdefault((place.model, QILAN_CARS.category_of[option]), set()).add(option)

    assert found["L5", "Powertrain"] == {"PT_BEV_50", "PT_BEV_62", "PT_PHEV_18", "PT_PHEV_30"}
    assert found["S6", "Powertrain"] == {"PT_BEV_62", "PT_BEV_78", "PT_BEV_78_AWD"}
    assert found["M7", "Powertrain"] == {"PT_BEV_78", "PT_BEV_100", "PT_PHEV_30"}
    assert found["L5", "Trim"] == {"T_PURE", "T_PLUS", "T_PRO", "T_MAX", "T_TRAIL"}
    assert found["S6", "Trim"] == {"T_PLUS", "T_PRO", "T_MAX", "T_SPORT"}
    assert found["M7", "Trim"] == {"T_PRO", "T_MAX", "T_EXECUTIVE", "T_LOUNGE"}


@pytest.mark.parametrize("model", PRICE_RANGES)
def test_the_cars_of_a_model_span_exactly_the_promised_prices(model: str) -> None:
    ranges = [QILAN_CARS.price_range(place) for place in QILAN_CARS.places if place.model == model]

    assert (min(low for low, _ in ranges), max(high for _, high in ranges)) == PRICE_RANGES[model]


@of_each_brand
def test_no_car_of_any_pooling_class_is_sold_below_cost_at_the_deepest_tier(brand: Brand) -> None:
    thinnest = {place: brand.thinnest_margin(place, discount_percent=8) for place in brand.places}

    assert min(thinnest.values()) > 0
    if brand is QILAN_CARS:
        by_model = {model: min(m for place, m in thinnest.items() if place.model == model) for model in brand.models}
        assert by_model == {"L5": 1_301_600, "S6": 1_681_600, "M7": 2_461_600}


def _bites(brand: Brand, rule: str, place: Place) -> bool:
    """Say whether some car at a place keeps every rule but this one."""
    with Solver("glucose4", bootstrap_with=brand.clauses_at(place, without=rule)) as solver:
        return any(
            solver.solve(assumptions=[-literal for literal in clause])
            for clause in brand.clauses_of(brand.constraints[rule])
        )
