"""Circuit and SAT give the same answer to every question, and it is the one that brute force finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configurator.engine.backend import WEIGHT_MAX, Backend, Bounds, Car, Domains, Weights
from configurator.engine.circuit import compile_circuit
from configurator.engine.circuit_backend import CircuitBackend
from configurator.engine.decomposition import compile_here
from configurator.engine.formula import Formula, NamedClauses
from configurator.engine.nnf import Budget
from configurator.engine.reasons import Reasons
from configurator.engine.repairs import corrections
from configurator.engine.sat_backend import SatBackend
from tests.configurator.engine.formulas import Case, cases, choices, domains_of, pigeons

FEATURES = 6
SIGNED = st.sampled_from([sign * v for v in range(1, FEATURES + 1) for sign in (1, -1)])
PRICES = st.lists(st.integers(-20, 20), min_size=FEATURES, max_size=FEATURES)
HUGE = st.lists(st.integers(-(1 << 57), 1 << 57), min_size=FEATURES, max_size=FEATURES)
TIES = {feature: (1 << feature) + 7 for feature in range(1, FEATURES + 1)}
"""Ties that tell any two cars apart: sums of distinct powers of two, and of sevens by the number of features."""


def circuit_of(formula: Formula) -> CircuitBackend:
    nnf = compile_here(formula, Budget(60, 1_024, lambda: 0.0))
    assert nnf is not None
    return CircuitBackend(compile_circuit(nnf, formula))


def both(formula: Formula) -> tuple[CircuitBackend, SatBackend]:
    return circuit_of(formula), SatBackend(formula)


def weigh(prices: dict[int, int], car: int) -> int:
    return sum(price for feature, price in prices.items() if car >> feature & 1)


def by_feature(numbers: Sequence[int]) -> dict[int, int]:
    return dict(enumerate(numbers, start=1))


@given(st.data())
def test_domains_and_sessions_are_alike(data: st.DataObject) -> None:
    case = data.draw(cases())
    decided = data.draw(choices(case))
    cars = case.cars(decided)
    expected = Domains(*domains_of(case, cars)) if cars else None

    for backend in both(case.formula):
        session = backend.open(case.guards)
        if session is not None:
            deltas = [session.decide(literal) for literal in decided]
            assert (None in deltas) == (not cars)
        assert backend.domains([*case.guards, *decided]) == expected
        assert backend.has_car([*case.guards, *decided]) == bool(cars)


@given(st.data())
def test_reasons_are_sufficient_and_minimal_whichever_backend_finds_the_choices(data: st.DataObject) -> None:
    case = data.draw(cases())
    decided = data.draw(choices(case, most=5))
    wanted = data.draw(SIGNED)
    circuit, sat = both(case.formula)
    reasons = Reasons(case.formula)

    found = [reasons.cause([wanted], decided, (), case.guards, backend.minimal_choices) for backend in (circuit, sat)]

    assert [cause is None for cause in found] == [bool(case.cars([*decided, wanted]))] * 2
    for cause in found:
        if cause is None:
            continue
        codes = frozenset(case.formula.rules[rule].code for rule in cause.rules)
        assert not case.cars([wanted, *cause.choices], rules=codes)
        assert all(case.cars([wanted, *cause.choices], rules=codes - {code}) for code in codes)
        assert all(case.cars([wanted, *(set(cause.choices) - {one})]) for one in cause.choices)


@given(st.data())
def test_repairs_are_all_smallest_ones_and_the_same(data: st.DataObject) -> None:
    case = data.draw(cases())
    decided = data.draw(choices(case, most=4))
    wanted = data.draw(SIGNED)
    always = [*case.guards, wanted]

    found = [corrections(decided, always, backend.has_car, limit=100) for backend in both(case.formula)]

    possible = [
        frozenset(dropped)
        for size in range(len(decided) + 1)
        for dropped in combinations(decided, size)
        if case.cars([wanted, *(one for one in decided if one not in dropped)])
    ]
    smallest = {one for one in possible if not any(other < one for other in possible)}
    for repairs in found:
        assert repairs.are_all
        assert {frozenset(one) for one in repairs.found} == smallest
        assert [len(one) for one in repairs.found] == sorted(len(one) for one in repairs.found)


@given(st.data(), st.sampled_from((None, 1)))
def test_the_lightest_car_is_the_same_by_weight_and_then_by_ties(data: st.DataObject, branches: int | None) -> None:
    """Also where the sums exceed 64 bits for SAT, and where it has to fall back on MaxSAT at once."""
    case = data.draw(cases())
    decided = data.draw(choices(case, most=2))
    prices = by_feature(data.draw(st.one_of(PRICES, HUGE)))
    ties = {feature: tie << 30 for feature, tie in TIES.items()}
    circuit, sat = both(case.formula)
    sat.search_at_most(branches=branches)

    found = [backend.lightest([*case.guards, *decided], Weights(prices, ties)) for backend in (circuit, sat)]

    best = min(case.cars(decided), key=lambda car: (weigh(prices, car), weigh(ties, car)), default=None)
    assert found == [None if best is None else Car(best, weigh(prices, best))] * 2


@given(st.data())
def test_the_nearest_car_is_the_same(data: st.DataObject) -> None:
    case = data.draw(cases())
    dream = data.draw(st.integers(0, (1 << FEATURES) - 1)) << 1
    # A feature that the dream has and the car has not costs one, and so does one that it has not.
    distance = {feature: -1 if dream >> feature & 1 else 1 for feature in range(1, FEATURES + 1)}

    found = [backend.lightest(case.guards, Weights(distance, TIES)) for backend in both(case.formula)]

    cars = case.cars()
    nearest = min((((car ^ dream).bit_count(), weigh(TIES, car), car) for car in cars), default=None)
    assert [None if car is None else car.features for car in found] == [nearest and nearest[2]] * 2


@given(st.data())
def test_bounds_are_the_same(data: st.DataObject) -> None:
    case = data.draw(cases())
    decided = data.draw(choices(case, most=2))
    prices = by_feature(data.draw(PRICES))

    found = [backend.bounds([*case.guards, *decided], Weights(prices)) for backend in both(case.formula)]

    assert found == [_bounds(case.cars(decided), prices)] * 2


def _bounds(cars: Sequence[int], prices: dict[int, int]) -> Bounds | None:
    if not cars:
        return None
    having = {v: [weigh(prices, car) for car in cars if car >> v & 1] for v in prices}
    missing = {v: [weigh(prices, car) for car in cars if not car >> v & 1] for v in prices}
    still_open = [v for v in prices if having[v] and missing[v]]
    return Bounds(
        min(weigh(prices, car) for car in cars),
        {v: min(having[v]) for v in still_open},
        {v: min(missing[v]) for v in still_open},
    )


@given(st.data(), st.lists(st.integers(0, 2**64 - 1), min_size=FEATURES, max_size=FEATURES))
def test_the_weeks_in_which_a_car_can_be_built_are_the_same(data: st.DataObject, sets: list[int]) -> None:
    case = data.draw(cases())
    decided = data.draw(choices(case, most=2))
    weeks = {feature: sets[feature - 1] for feature in range(1, FEATURES + 1, 2)}

    found = [backend.soonest([*case.guards, *decided], weeks) for backend in both(case.formula)]

    expected = 0
    for car in case.cars(decided):
        shared = (1 << 64) - 1
        for feature, possible in weeks.items():
            shared &= possible if car >> feature & 1 else shared
        expected |= shared
    assert found == [expected] * 2


@given(st.data())
def test_cars_are_counted_exactly_and_what_is_drawn_is_one(data: st.DataObject) -> None:
    case = data.draw(cases())
    decided = data.draw(choices(case, most=2))
    circuit = circuit_of(case.formula)
    cars = case.cars(decided)

    assert circuit.count([*case.guards, *decided]) == len(cars)
    assert set(circuit.sample([*case.guards, *decided], number=4, seed=1)) <= set(cars)


def chi_square_limit(freedom: int) -> float:
    """Return what one in a million uniform samples exceeds (Wilson and Hilferty's approximation, PNAS 1931)."""
    spread = 2 / (9 * freedom)
    return freedom * float((1 - spread + 4.7534 * spread**0.5) ** 3)


@settings(max_examples=15, deadline=None)
@given(cases())
def test_draws_are_uniform_by_a_chi_square_test_on_random_formulas(case: Case) -> None:
    cars = sorted(set(case.cars()))
    if len(cars) < 2:
        return
    number = 40 * len(cars)

    drawn = Counter(circuit_of(case.formula).sample(case.guards, number=number, seed=5))

    expected = number / len(cars)
    assert sum((drawn[car] - expected) ** 2 / expected for car in cars) < chi_square_limit(len(cars) - 1)


NO_CAR: Final = Formula(
    6,
    9,
    ((-7, -5), (-7, -5), (7, 5, 5)),
    (NamedClauses("R0", ((-5, 6),)), NamedClauses("R1", ((-6, -5),)), NamedClauses("R2", ((-7, 5),))),
)


@pytest.mark.parametrize("formula", [NO_CAR, pigeons(3)])
def test_where_only_a_search_sees_that_there_is_no_car_both_say_so(formula: Formula) -> None:
    circuit, sat = both(formula)

    for backend in (circuit, sat):
        assert backend.open(()) is None
        assert not backend.has_car(())
        assert backend.domains(()) is None
        assert backend.lightest((), Weights({1: 1}, TIES)) is None
        assert backend.bounds((), Weights({1: 1})) is None
        assert backend.soonest((), {1: 3}) == 0
    assert circuit.count(()) == 0
    assert circuit.sample((), number=4, seed=1) == ()


@pytest.mark.parametrize("make", [circuit_of, SatBackend])
def test_weights_that_do_not_fit_are_refused_by_both(make: type[SatBackend]) -> None:
    backend: Backend = make(Formula(2, 2, ((1, 2),), ()))

    for weights in (Weights({1: WEIGHT_MAX}), Weights({}, {1: WEIGHT_MAX})):
        with pytest.raises(OverflowError):
            backend.lightest((), weights)
