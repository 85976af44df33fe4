"""Which cars a version breaks, held against all cars of the small brand; and that figures of them show nobody."""

from __future__ import annotations

from datetime import date
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from configurator.breaking import BreakageSearch, BrokenCar, CarRepair, KeptCar, find_broken
from configurator.catalogue import Catalogue
from configurator.catalogue_files import read_catalogue
from configurator.configuring import complete_car
from configurator.impact import HeldCar, Impact, PrivacyRule, impact_on
from configurator.model import Context
from configurator.pricing import price_of_car, price_vehicle
from configurator.rules import compile_catalogue
from configurator.sat_engine import SatEngine
from configurator.showroom import Showroom
from tests.configurator.small_brand import FOLDER, PLAIN_CAR

CATALOGUE = read_catalogue(FOLDER)
ENGINE = SatEngine(compile_catalogue(CATALOGUE))
DAY = date(2026, 12, 1)
CODES = [option.code for option in CATALOGUE.options]
RULE = PrivacyRule(k=10, rounding=5)


def all_cars(model: str) -> list[frozenset[str]]:
    found = []
    for values in product((False, True), repeat=len(CODES)):
        chosen = dict(zip(CODES, values, strict=True))
        if ENGINE.minimum({model: True, **chosen}, Context("east", DAY), {}) is not None:
            found.append(frozenset(code for code, value in chosen.items() if value))
    return found


CARS = all_cars("A1")


def search(catalogue: Catalogue = CATALOGUE) -> BreakageSearch:
    return BreakageSearch(catalogue, ENGINE, DAY)


@given(st.sets(st.sampled_from(CODES)))
def test_a_car_is_broken_exactly_where_it_is_none_and_its_repair_is_the_nearest_of_all(options: set[str]) -> None:
    car = KeptCar("1", "A1", tuple(sorted(options)), "east", 0)

    found = search().broken(car)

    if frozenset(options) in CARS:
        assert found is None
        return
    assert found is not None
    assert found.broken_by
    repair = found.repair
    assert repair is not None
    mended = frozenset(repair.options)
    best = min((len(one ^ options), price_of_car(CATALOGUE, model="A1", options=one)) for one in CARS)
    assert (len(mended ^ options), repair.price_minor) == best
    assert (options - set(repair.left_out)) | set(repair.added) == mended
    assert found.price_difference_minor == repair.price_minor


@given(st.sampled_from(CARS))
def test_a_cars_features_and_price_need_no_engine(options: frozenset[str]) -> None:
    room = Showroom(CATALOGUE, ENGINE, Context("east", DAY))
    features = complete_car(room, model="A1", options=tuple(options))

    assert CATALOGUE.car_features.of(("A1", *options)) == features
    price = price_of_car(CATALOGUE, model="A1", options=options)
    assert price == price_vehicle(CATALOGUE, model="A1", features=features).total_minor


def test_what_breaks_a_car_is_named_and_without_a_price_no_difference_is_told() -> None:
    cars = [
        KeptCar("plain", "A1", PLAIN_CAR),
        KeptCar("unknown", "A1", (*PLAIN_CAR, "SAIL")),
        KeptCar("gone", "Z9", PLAIN_CAR),
        KeptCar("open", "A1", PLAIN_CAR[1:]),
        KeptCar("clash", "A1", (*PLAIN_CAR, "ROOF", "HOOK")),
        KeptCar("cold", "A1", PLAIN_CAR, "north", 10_000_000),
    ]
    told: list[tuple[int, int]] = []

    found = find_broken(search(), cars, progress=lambda _stage, done, total: told.append((done, total)))

    assert [(one.car.id, one.broken_by) for one in found] == [
        ("unknown", ("SAIL",)),
        ("gone", ("Z9",)),
        ("open", ("Paint",)),
        ("clash", ("HOOK", "ROOF")),
        ("cold", ("options",)),
    ]
    assert [one.repair is None for one in found] == [False, True, False, False, False]
    assert [one.price_difference_minor for one in found] == [None, None, None, None, 150_000]
    assert told[-1] == (6, 6)


# --- figures that show nobody ----------------------------------------------------------------------------------------


def told(*sizes: tuple[str, int], whole: int = 0) -> Impact:
    """Tell of so many broken cars by cause, each of a person of its own, and of so many whole ones."""
    causes = [cause for cause, size in sizes for _ in range(size)]
    cars = [KeptCar(str(number), "A1", PLAIN_CAR, price_minor=0) for number in range(len(causes) + whole)]
    broken = [
        BrokenCar(car, (cause,), CarRepair(PLAIN_CAR, (cause,), (), 0))
        for car, cause in zip(cars, causes, strict=False)
    ]
    return impact_on([HeldCar(car, f"person {car.id}") for car in cars], broken, RULE)


def test_large_groups_are_shown_rounded_with_their_cause_and_change() -> None:
    found = told(("ROOF", 23), ("HOOK", 12), whole=40)

    assert (found.looked_at, found.broken, found.others) == (75, 35, False)
    assert [(one.broken_by, one.left_out, one.cars) for one in found.groups] == [
        (("ROOF",), ("ROOF",), 25),
        (("HOOK",), ("HOOK",), 10),
    ]


def test_nothing_is_told_where_too_few_break_or_too_few_do_not() -> None:
    assert told(("ROOF", 9), whole=40) == Impact(50, None, (), others=True)
    assert told(("ROOF", 40), whole=9) == Impact(50, None, (), others=True)
    assert told(whole=7) == Impact(5, None, (), others=True)
    assert told(whole=12) == Impact(10, 0)
    assert told() == Impact(0, 0)
    assert told(("ROOF", 40)).broken == 40


def test_a_single_small_group_takes_a_large_one_with_it() -> None:
    found = told(("ROOF", 30), ("HOOK", 12), ("GOLD", 3), whole=20)

    # Else the three would be the broken ones less those shown.
    assert [one.broken_by for one in found.groups] == [("ROOF",)]
    assert found.others


def test_many_cars_of_one_person_or_of_nobody_verified_make_no_group_large() -> None:
    cars = [KeptCar(str(number), "A1", PLAIN_CAR, price_minor=0) for number in range(40)]
    all_broken = [BrokenCar(car, ("ROOF",), None) for car in cars]

    one_person = impact_on([HeldCar(car, "one") for car in cars], all_broken, RULE)
    nobody = impact_on([HeldCar(car, f"account {car.id}", verified=False) for car in cars], all_broken, RULE)

    assert one_person == nobody == Impact(40, None, (), others=True)


@given(st.lists(st.integers(1, 30), max_size=8), st.integers(0, 30))
def test_what_is_hidden_is_nothing_or_at_least_two_groups_of_k_persons_together(sizes: list[int], whole: int) -> None:
    found = told(*((f"C{place}", size) for place, size in enumerate(sizes)), whole=whole)

    if found.broken is None:
        assert found.groups == ()
        assert 0 < sum(sizes) < RULE.k or 0 < whole < RULE.k
        return
    shown = {one.broken_by[0] for one in found.groups}
    hidden = [size for place, size in enumerate(sizes) if f"C{place}" not in shown]
    assert all(sizes[int(name[1:])] >= RULE.k for name in shown)
    assert hidden == [] or (not shown) or (len(hidden) > 1 and sum(hidden) >= RULE.k)
    assert found.others == bool(hidden)
    assert all(one.cars % RULE.rounding == 0 for one in found.groups)
