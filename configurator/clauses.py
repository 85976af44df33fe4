"""Writes expressions as clauses (conjunctive normal form), over helper variables where that is shorter."""

from __future__ import annotations

from typing import Final, assert_never

from configurator.arithmetic import comparison_literal
from configurator.definitions import Definitions
from configurator.engine.formula import Clause
from configurator.expressions import And, Comparison, Expression, Feature, Iff, Implies, Not, Or

DISTRIBUTED_CLAUSES_MAX: Final = 32
"""Above this many clauses an expression gets helper variables instead of being multiplied out."""
EQUIVALENCES_MAX: Final = 2


def clauses_of(expression: Expression, definitions: Definitions) -> list[Clause]:
    """Write an expression as clauses: multiplied out while that stays short, else over defined helpers."""
    clauses = None
    if _equivalences(expression) <= EQUIVALENCES_MAX:
        clauses = _distributed(_normal(expression, positive=True), definitions)
    if clauses is None:
        return [(literal_of(expression, definitions),)]
    return clauses


def _equivalences(expression: Expression) -> int:
    """Count the `<=>` in an expression: each doubles the text when it is written with and, or."""
    match expression:
        case Feature() | Comparison():
            return 0
        case Not(operand):
            return _equivalences(operand)
        case And(operands) | Or(operands):
            return sum(_equivalences(operand) for operand in operands)
        case Implies(left, right):
            return _equivalences(left) + _equivalences(right)
        case Iff(left, right):
            return 1 + _equivalences(left) + _equivalences(right)
        case _:
            assert_never(expression)


def _normal(expression: Expression, *, positive: bool) -> Expression:
    """Push negations down to the features and write arrows with and, or (negation normal form)."""
    match expression:
        case Feature() | Comparison():
            return expression if positive else Not(expression)
        case Not(operand):
            return _normal(operand, positive=not positive)
        case And(operands):
            inner = tuple(_normal(operand, positive=positive) for operand in operands)
            return And(inner) if positive else Or(inner)
        case Or(operands):
            inner = tuple(_normal(operand, positive=positive) for operand in operands)
            return Or(inner) if positive else And(inner)
        case Implies(left, right):
            return _normal(Or((Not(left), right)), positive=positive)
        case Iff(left, right):
            both = And((Or((Not(left), right)), Or((left, Not(right)))))
            either = And((Or((left, right)), Or((Not(left), Not(right)))))
            return _normal(both if positive else either, positive=True)
        case _:
            assert_never(expression)


def _distributed(expression: Expression, definitions: Definitions) -> list[Clause] | None:
    """Multiply a normal form out; None where that takes more clauses than `DISTRIBUTED_CLAUSES_MAX`."""
    match expression:
        case Feature() | Comparison() | Not(Feature() | Comparison()):
            return [(literal_of(expression, definitions),)]
        case And(operands):
            parts = [_distributed(operand, definitions) for operand in operands]
            if any(part is None for part in parts):
                return None
            return [clause for part in parts if part is not None for clause in part]
        case Or(operands):
            return _product([_distributed(operand, definitions) for operand in operands])
        case _:
            raise AssertionError(f"not in normal form: {expression}")


def _product(parts: list[list[Clause] | None]) -> list[Clause] | None:
    product: list[Clause] = [()]
    for part in parts:
        if part is None or len(product) * len(part) > DISTRIBUTED_CLAUSES_MAX:
            return None
        product = [_merged(left, right) for left in product for right in part]
    return [clause for clause in product if not any(-literal in clause for literal in clause)]


def _merged(left: Clause, right: Clause) -> Clause:
    return left + tuple(literal for literal in right if literal not in left)


def literal_of(expression: Expression, definitions: Definitions) -> int:
    """Return a literal that is true exactly where the expression is (Tseitin's definitions, both directions)."""
    match expression:
        case Feature(name):
            return definitions.by_name[name]
        case Not(operand):
            return -literal_of(operand, definitions)
        case Or(operands):
            return definitions.disjunction([literal_of(operand, definitions) for operand in operands])
        case And(operands):
            return definitions.conjunction([literal_of(operand, definitions) for operand in operands])
        case Implies(left, right):
            return definitions.disjunction((-literal_of(left, definitions), literal_of(right, definitions)))
        case Iff(left, right):
            return definitions.equivalence(literal_of(left, definitions), literal_of(right, definitions))
        case Comparison():
            return comparison_literal(expression, definitions)
        case _:
            assert_never(expression)
