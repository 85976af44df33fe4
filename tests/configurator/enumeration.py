"""All cars of a rule book, found by asking a plain SAT solver for one after another."""

from __future__ import annotations

from pysat.solvers import Solver

from configurator.rules import RuleBook, compile_feature_model
from configurator.uvl import read_uvl


def models_of(book: RuleBook, literals: tuple[int, ...] = ()) -> list[frozenset[int]]:
    """Enumerate the formula's models that meet the literals, as sets of all their true variables."""
    formula = book.formula
    with Solver(name="g4", bootstrap_with=formula.clauses) as solver:
        for variable in range(1, formula.variable_count + 1):
            solver.add_clause([variable, -variable])
        found = solver.enum_models(assumptions=literals)
        return [frozenset(literal for literal in model if literal > 0) for model in found]


def cars_of(book: RuleBook) -> list[frozenset[str]]:
    """Return every model as the set of its features: a car that comes twice would be counted twice."""
    return [frozenset(name for name, v in book.variables.items() if v in model) for model in models_of(book)]


def cars_of_text(text: str) -> list[frozenset[str]]:
    """Return the cars of a UVL text that has no faults."""
    reading = read_uvl(text)
    assert reading.faults == ()
    assert reading.model is not None
    return cars_of(compile_feature_model(reading.model))
