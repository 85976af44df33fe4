"""The formula that backends compile: its models are the cars of each context; what only shifts contexts stays out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from pysat.solvers import Solver

from configurator.catalogue import Condition, Option, PriceRule, Rule, RuleKind
from configurator.expressions import Feature, Implies, Not, holds
from configurator.feature_tree import GroupKind, TreeGroup
from configurator.model import Context, Text
from configurator.rules import RuleBook, Withdrawal, compile_rules, window_rules
from tests.configurator.test_solver import EAST, NORTH, TEXT, Problem, problems

GROUP = TreeGroup("root", GroupKind.OPTIONAL, 0, 3, ("a", "b", "c"), 0)
SPRING = Condition(regions=("east",), first_day=date(2026, 3, 1), last_day=date(2026, 5, 31))
RULE = Rule("R1", RuleKind.REGIONAL, Implies(Feature("a"), Feature("b")), SPRING, TEXT)
WITHDRAWN = Rule("R2", RuleKind.REGIONAL, Not(Feature("c")), SPRING, TEXT)
PRICE = PriceRule("P1", Implies(Feature("a"), Feature("c")), -100, TEXT)
IN_SPRING, IN_SUMMER = Context("east", date(2026, 4, 1)), Context("east", date(2026, 6, 1))


def option(first_day: date | None, last_day: date | None) -> Option:
    return Option("c", "root", False, False, first_day, last_day, "", Text("丙", "c"), Text("", ""))


def book_of(*rules: Rule, price: PriceRule = PRICE) -> RuleBook:
    return compile_rules(("root", "a", "b", "c"), (GROUP,), rules, (price,), {})


def models(book: RuleBook, context: Context) -> list[frozenset[int]]:
    """Enumerate the formula's models under the context's literals, as sets of all their true variables."""
    formula = book.formula
    with Solver(name="g4", bootstrap_with=formula.clauses) as solver:
        for variable in range(1, formula.variable_count + 1):
            solver.add_clause([variable, -variable])
        found = solver.enum_models(assumptions=book.context_literals(context))
        return [frozenset(literal for literal in model if literal > 0) for model in found]


@given(problems())
def test_under_the_contexts_literals_every_model_is_one_car_and_every_car_one_model(problem: Problem) -> None:
    book = problem.book()

    for context in (EAST, NORTH):
        cars = problem.cars(context)
        found = models(book, context)
        named = [frozenset(name for name, v in book.variables.items() if v in model) for model in found]
        assert sorted(map(sorted, named)) == sorted(map(sorted, cars))
        for model, car in zip(found, named, strict=True):
            for rule in problem.price_rules:
                literal = book.price_rules[rule.code]
                assert (abs(literal) in model) == (holds(rule.when, car) == (literal > 0))


@pytest.mark.parametrize(
    "changed",
    [
        lambda rule: replace(rule, condition=Condition(regions=("west", "north"))),
        lambda rule: replace(rule, condition=Condition(last_day=date(2027, 1, 1))),
        lambda rule: replace(rule, code=f"{rule.code}9", text=Text("另", "other")),
    ],
)
def test_a_changed_date_region_or_word_of_a_rule_changes_nothing_that_is_compiled(
    changed: Callable[[Rule], Rule],
) -> None:
    before = book_of(RULE, WITHDRAWN)
    after = book_of(changed(RULE), changed(WITHDRAWN))

    assert after.formula.content_hash == before.formula.content_hash


def test_a_changed_price_or_option_window_changes_nothing_that_is_compiled() -> None:
    before = book_of(RULE)
    windows = window_rules(option(date(2026, 3, 1), date(2026, 5, 31)))
    after = book_of(RULE, *windows, price=replace(PRICE, amount_minor=700))

    assert after.formula.content_hash == before.formula.content_hash
    assert [rule.code for rule in after.formula.rules] == ["R1"]


def test_a_changed_rule_changes_what_is_compiled() -> None:
    other = replace(RULE, expression=Implies(Feature("b"), Feature("a")))

    assert book_of(other).formula.content_hash != book_of(RULE).formula.content_hash


def test_a_context_says_of_each_guard_whether_it_holds_and_names_what_is_withdrawn() -> None:
    windows = window_rules(option(date(2026, 3, 1), date(2026, 5, 31)))
    book = book_of(RULE, WITHDRAWN, *windows)

    (guard,) = book.formula.guards
    c = book.variables["c"]

    assert book.context_literals(IN_SPRING) == (guard, -c)
    assert book.withdrawals(IN_SPRING) == (Withdrawal("R2", -c),)
    assert book.context_literals(IN_SUMMER) == (-guard, -c)
    assert book.withdrawals(IN_SUMMER) == (Withdrawal("UNTIL_c", -c),)
    assert book.withdrawals(Context("north", date(2026, 1, 1))) == (Withdrawal("FROM_c", -c),)
