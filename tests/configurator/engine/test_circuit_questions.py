"""What one pass over a circuit tells is what brute force over all cars finds: counts, weights, weeks, draws."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.engine.backend import Bounds, Car, Weights
from configurator.engine.circuit import compile_circuit
from configurator.engine.circuit_backend import CircuitBackend
from configurator.engine.formula import Formula
from tests.configurator.engine.naive_compiler import compile_naively, features_of, formulas, models

NUMBERS = st.lists(st.integers(-20, 20), min_size=9, max_size=9)


def backend_of(formula: Formula) -> CircuitBackend:
    return CircuitBackend(compile_circuit(compile_naively(formula), formula))


def fixed(formula: Formula, drawn: list[int], *, guard: bool) -> tuple[int, ...]:
    """Return the drawn literals that name features, and a value for every guard."""
    chosen = {abs(v): v for v in drawn if 0 < abs(v) <= formula.feature_count}
    return (*(v if guard else -v for v in formula.guards), *chosen.values())


def weigh(numbers: dict[int, int], model: int) -> int:
    return sum(weight for variable, weight in numbers.items() if model >> variable & 1)


def numbered(formula: Formula, drawn: list[int]) -> dict[int, int]:
    return {variable: drawn[variable - 1] for variable in range(1, formula.variable_count + 1)}


@given(formulas(), st.lists(st.integers(-7, 7), max_size=3), st.booleans())
def test_cars_are_counted_exactly(formula: Formula, drawn: list[int], guard: bool) -> None:
    literals = fixed(formula, drawn, guard=guard)

    counted = backend_of(formula).count(literals)

    assert counted == len({features_of(formula, model) for model in models(formula, literals)})


@given(formulas(), st.lists(st.integers(-7, 7), max_size=2), NUMBERS, st.booleans())
def test_the_lightest_car_is_proven_and_ties_decide_between_equals(
    formula: Formula, drawn: list[int], numbers: list[int], guard: bool
) -> None:
    literals = fixed(formula, drawn, guard=guard)
    weights = {variable: weight // 8 for variable, weight in numbered(formula, numbers).items()}
    ties = {feature: 1 << feature for feature in range(1, formula.feature_count + 1)}

    car = backend_of(formula).lightest(literals, Weights(weights, ties))

    cars = models(formula, literals)
    best = min(cars, key=lambda model: (weigh(weights, model), weigh(ties, model)), default=None)
    assert car == (None if best is None else Car(features_of(formula, best), weigh(weights, best)))


@given(formulas(), st.lists(st.integers(-7, 7), max_size=2), NUMBERS, st.booleans())
def test_bounds_are_the_least_weights_with_and_without_each_open_feature(
    formula: Formula, drawn: list[int], numbers: list[int], guard: bool
) -> None:
    literals = fixed(formula, drawn, guard=guard)
    weights = numbered(formula, numbers)

    bounds = backend_of(formula).bounds(literals, Weights(weights))

    cars = models(formula, literals)
    if not cars:
        assert bounds is None
        return
    present: dict[int, int] = {}
    absent: dict[int, int] = {}
    for feature in range(1, formula.feature_count + 1):
        having = [weigh(weights, car) for car in cars if car >> feature & 1]
        missing = [weigh(weights, car) for car in cars if not car >> feature & 1]
        if having and missing:
            present[feature], absent[feature] = min(having), min(missing)
    assert bounds == Bounds(min(weigh(weights, car) for car in cars), present, absent)


@given(
    formulas(),
    st.lists(st.integers(-7, 7), max_size=2),
    st.lists(st.integers(0, 2**64 - 1), min_size=9, max_size=9),
    st.booleans(),
)
def test_a_car_can_be_built_in_the_weeks_that_all_its_features_share(
    formula: Formula, drawn: list[int], sets: list[int], guard: bool
) -> None:
    literals = fixed(formula, drawn, guard=guard)
    weeks = {feature: sets[feature - 1] for feature in range(1, formula.feature_count + 1, 2)}

    found = backend_of(formula).soonest(literals, weeks)

    expected = 0
    for car in models(formula, literals):
        shared = 2**64 - 1
        for feature, possible in weeks.items():
            shared &= possible if car >> feature & 1 else shared
        expected |= shared
    assert found == expected


def chi_square_limit(freedom: int) -> float:
    """Return what one in a thousand uniform samples exceeds (Wilson and Hilferty's approximation, PNAS 1931)."""
    spread = 2 / (9 * freedom)
    return freedom * float((1 - spread + 3.0902 * spread**0.5) ** 3)


def test_draws_are_uniform_by_a_chi_square_test() -> None:
    formula = Formula(6, 6, ((-1, -2), (-3, 1), (4, 5), (-6, 4, 1)), ())
    cars = sorted({features_of(formula, model) for model in models(formula, (-3,))})
    backend = backend_of(formula)
    number = 400 * len(cars)

    drawn = Counter(backend.sample((-3,), number=number, seed=11))

    expected = number / len(cars)
    chi_square = sum((drawn[car] - expected) ** 2 / expected for car in cars)
    assert sorted(drawn) == cars
    assert len(cars) > 10
    assert chi_square < chi_square_limit(len(cars) - 1)
    assert backend.sample((-3,), number=5, seed=3) == backend.sample((-3,), number=5, seed=3)


@given(formulas(), st.lists(st.integers(-7, 7), max_size=2), st.booleans(), st.integers(0, 100))
def test_what_is_drawn_is_a_car(formula: Formula, drawn: list[int], guard: bool, seed: int) -> None:
    literals = fixed(formula, drawn, guard=guard)
    cars = {features_of(formula, model) for model in models(formula, literals)}

    found = backend_of(formula).sample(literals, number=3, seed=seed)

    assert set(found) <= cars
    assert len(found) == (3 if cars else 0)


def test_weights_that_no_pass_can_add_up_are_refused() -> None:
    formula = Formula(2, 2, ((1, 2),), ())

    with pytest.raises(OverflowError):
        backend_of(formula).lightest((), Weights({1: 1 << 60, 2: 1 << 60}))


def test_weights_of_a_variable_that_was_taken_out_are_our_own_mistake() -> None:
    formula = Formula(1, 2, ((-2, 1), (2, -1)), ())
    backend = CircuitBackend(compile_circuit(compile_naively(formula), formula, named=()))

    with pytest.raises(KeyError):
        backend.lightest((), Weights({2: 5}))
