"""Comparisons of numbers as clauses: on random ones every car is found once, whichever way they are written."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configurator import arithmetic
from configurator.catalogue import ALWAYS, Rule, RuleKind
from configurator.expression_reader import parse_expression
from configurator.expressions import (
    COMPARED,
    Comparison,
    Expression,
    ExpressionFault,
    Feature,
    Iff,
    Not,
    Number,
    Numeric,
    Or,
    Product,
    Quotient,
    Rounded,
    Sum,
    format_expression,
    holds,
)
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.rules import RuleBook, compile_rules
from tests.configurator.enumeration import cars_of
from tests.configurator.test_solver import TEXT

NAMES = ("a", "b", "c", "d", "e")
GROUP = TreeGroup("root", GroupKind.OPTIONAL, 0, 5, NAMES, 0)
numbers = st.fractions(min_value=-9, max_value=9, max_denominator=1) | st.sampled_from(
    (Fraction(1, 2), Fraction(-7, 4))
)


def book_of(expression: Expression) -> RuleBook:
    return compile_rules(("root", *NAMES), (GROUP,), (Rule("R1", RuleKind.REQUIRES, expression, ALWAYS, TEXT),), (), {})


def expected(expression: Expression) -> list[list[str]]:
    cars = (
        frozenset(name for name, value in zip(NAMES, values, strict=True) if value)
        for values in product((False, True), repeat=5)
    )
    return sorted(sorted({"root", *car}) for car in cars if holds(expression, car))


def found(expression: Expression) -> list[list[str]]:
    return sorted(sorted(car) for car in cars_of(book_of(expression)))


def sums() -> st.SearchStrategy[Numeric]:
    term = st.tuples(numbers, st.sampled_from(NAMES)).map(lambda pair: Product(Number(pair[0]), Feature(pair[1])))
    part = term | numbers.map(Number) | st.sampled_from(NAMES).map(Feature)
    return st.lists(part, min_size=1, max_size=8).map(lambda parts: Sum(tuple(parts)))


def any_numbers() -> st.SearchStrategy[Numeric]:
    return st.recursive(
        st.sampled_from(NAMES).map(Feature) | numbers.map(Number),
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Sum(tuple(parts))),
            st.tuples(inner, inner).map(lambda pair: Product(*pair)),
            st.tuples(inner, inner).map(lambda pair: Quotient(*pair)),
            st.tuples(inner, st.booleans()).map(lambda pair: Rounded(*pair)),
        ),
        max_leaves=6,
    )


def comparisons(numeric: st.SearchStrategy[Numeric]) -> st.SearchStrategy[Comparison]:
    return st.tuples(st.sampled_from(sorted(COMPARED)), numeric, numeric).map(lambda three: Comparison(*three))


@given(comparisons(sums()))
def test_a_sum_is_written_exactly(comparison: Comparison) -> None:
    assert found(comparison) == expected(comparison)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(comparisons(sums()))
def test_a_sum_that_is_too_wide_for_a_diagram_is_added_up_in_binary_and_is_as_exact(
    monkeypatch: pytest.MonkeyPatch, comparison: Comparison
) -> None:
    monkeypatch.setattr(arithmetic, "STATES_MAX", 0)

    assert found(comparison) == expected(comparison)


@given(comparisons(any_numbers()))
def test_products_quotients_and_roundings_are_written_exactly(comparison: Comparison) -> None:
    assert found(comparison) == expected(comparison)


@given(sums(), sums(), numbers, st.sampled_from(sorted(COMPARED)), st.booleans())
def test_a_quotient_of_sums_against_a_constant_is_written_exactly(
    above: Numeric, below: Numeric, bound: Fraction, compared: str, left: bool
) -> None:
    sides: tuple[Numeric, Numeric] = (Quotient(above, below), Number(bound))
    comparison = Comparison(compared, *(sides if left else sides[::-1]))

    assert found(comparison) == expected(comparison)


@given(comparisons(sums()), comparisons(any_numbers()))
def test_comparisons_stand_inside_other_expressions(one: Comparison, other: Comparison) -> None:
    for expression in (Iff(one, Not(other)), Or((Not(one), other)), Not(Or((one, Feature("a"))))):
        assert found(expression) == expected(expression)


@given(comparisons(any_numbers()))
def test_a_comparison_that_is_written_reads_back_with_the_same_meaning(comparison: Comparison) -> None:
    again = parse_expression(format_expression(comparison))

    assert expected(again) == expected(comparison)
    assert parse_expression(format_expression(again)) == again


def test_hundreds_of_terms_stay_small_where_few_sums_differ_and_stay_possible_where_all_do() -> None:
    names = tuple(f"f{number}" for number in range(300))
    group = TreeGroup("root", GroupKind.OPTIONAL, 0, 300, names, 0)

    def clauses(weights: list[int], bound: int) -> int:
        terms = tuple(Product(Number(Fraction(w)), Feature(name)) for w, name in zip(weights, names, strict=True))
        expression = Comparison("<=", Sum(terms), Number(Fraction(bound)))
        rule = Rule("R1", RuleKind.REQUIRES, expression, ALWAYS, TEXT)
        return len(compile_rules(("root", *names), (group,), (rule,), (), {}).formula.clauses)

    few = clauses([1 + number % 3 for number in range(300)], 40)
    all_differ = clauses([1_000_003 * (number + 1) + number * number for number in range(300)], 10**10)

    assert few < 60_000
    assert all_differ < 100_000


def test_a_product_over_too_many_features_is_refused_by_its_reason() -> None:
    many = " + ".join(f"f{number}" for number in range(15))

    with pytest.raises(ExpressionFault) as refused:
        arithmetic.check_size(parse_expression(f"({many}) * f0 > 3"))

    assert refused.value.reason == (
        "multiplies, divides or rounds what depends on 15 features; more than 14 are too many cases"
    )
