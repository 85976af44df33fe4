"""What all cars have alike is found exactly, and the cars shown beside it are cars that show all the rest."""

from __future__ import annotations

from hypothesis import given

from configurator.cardinality import bounded
from configurator.definitions import Definitions
from configurator.engine.formula import Formula, NamedClauses
from configurator.engine.overview import overview
from configurator.engine.simplified import simplify
from tests.configurator.engine.formulas import Case, all_models, cases


@given(cases())
def test_what_features_and_guards_always_are_is_exact_and_the_cars_show_the_rest(
    case: Case,
) -> None:
    formula = case.formula
    models = all_models(formula.variable_count, formula.clauses)

    found = overview(formula, cars_max=1_000)

    assert (found is None) == (not models)
    if found is not None:
        alike, looked_at = frozenset.intersection(*models), {*range(1, formula.feature_count + 1), *formula.guards}
        assert found.always <= alike
        assert {one for one in alike if abs(one) in looked_at} <= found.always
        shown = [_literals(car, formula.variable_count) for car in found.cars]
        assert set(shown) <= set(models)
        assert {one for one in frozenset.intersection(*shown) if abs(one) in looked_at} <= alike


@given(cases())
def test_a_car_of_the_smaller_formula_has_the_value_of_each_variable_that_was_left(case: Case) -> None:
    formula = case.formula
    found = overview(formula, cars_max=1_000)
    smaller = None if found is None else simplify(formula, found.always)
    if found is None or smaller is None:
        return

    for car in found.cars:
        inner = smaller.smaller_car(car)

        literals = _literals(car, formula.variable_count)
        assert _literals(inner, smaller.variable_count) == set(smaller.translated(literals) or ())


def test_a_car_that_meets_every_rule_of_a_region_is_shown_where_there_is_one() -> None:
    rules = (NamedClauses("west", ((-1, -2),), guard=4), NamedClauses("north", ((-2, 3),), guard=5))

    found = overview(Formula(3, 5, (), rules), cars_max=1_000)

    assert found is not None
    meeting = [car for car in found.cars if car >> 4 & 1 and car >> 5 & 1]
    assert {v for v in (1, 2, 3) if any(car >> v & 1 for car in meeting)} == {1, 2, 3}
    assert {v for v in (1, 2, 3) if any(not car >> v & 1 for car in meeting)} == {1, 2, 3}


def test_a_counter_of_a_large_group_costs_no_call_for_each_of_its_helpers() -> None:
    definitions = Definitions([str(number) for number in range(1, 202)])
    clauses = bounded(1, range(2, 202), 50, 100, definitions)
    structure = ((1,), *((-member, 1) for member in range(2, 202)), *definitions.clauses, *clauses)
    formula = Formula(201, definitions.count, structure, ())

    found = overview(formula, cars_max=1_000)

    assert found is not None
    assert formula.variable_count > 20_000
    assert {one for one in found.always if abs(one) <= 201} == {1}
    assert len(found.cars) < 20


def test_no_more_cars_are_kept_than_asked_for() -> None:
    found = overview(Formula(8, 8, ((1, 2, 3), (-1, -2), (-1, -3), (-2, -3)), ()), cars_max=2)

    assert found is not None
    assert found.always == frozenset()
    assert len(found.cars) == 2


def _literals(car: int, count: int) -> frozenset[int]:
    return frozenset(v if car >> v & 1 else -v for v in range(1, count + 1))
