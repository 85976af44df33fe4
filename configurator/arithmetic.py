"""Writes comparisons of numbers as clauses, exactly: sums as decision diagrams or adders, the rest case by case.

A sum against a constant becomes a binary decision diagram over its terms (Eén and Sörensson, JSAT 2006), and where
that has too many nodes a chain of binary adders. A quotient of sums against a constant (an average) is a sum as well.
What multiplies, divides or rounds otherwise is worked out for all combinations of the features in it, up to a ceiling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor, gcd, lcm
from typing import Final, TypeAlias

from configurator.definitions import FALSE, TRUE, Definitions
from configurator.expressions import (
    COMPARED,
    Aggregate,
    Comparison,
    Expression,
    ExpressionFault,
    Feature,
    Number,
    Numeric,
    Product,
    Quotient,
    Rounded,
    Sum,
    Words,
    names_in_number,
    number_in,
    rewritten,
)

STATES_MAX: Final = 100_000
"""Partial sums that a diagram may tell apart; with more of them the sum is added up in binary."""
CASES_FEATURES_MAX: Final = 14
"""Features of which all combinations are tried."""

Terms: TypeAlias = list[tuple[int, int]]
"""Whole weights above zero, each with the literal that bears it."""


@dataclass(frozen=True, slots=True)
class _Linear:
    """A constant and what each feature adds to it."""

    constant: Fraction
    weights: Mapping[str, Fraction]

    def plus(self, other: _Linear, factor: Fraction) -> _Linear:
        weights = dict(self.weights)
        for name, weight in other.weights.items():
            weights[name] = weights.get(name, Fraction()) + factor * weight
        return _Linear(self.constant + factor * other.constant, {name: w for name, w in weights.items() if w})


NOTHING: Final = _Linear(Fraction(), {})


def check_size(expression: Expression) -> None:
    """Raise `ExpressionFault` where a comparison cannot be written as clauses within the ceilings."""

    def checked(comparison: Comparison) -> Expression:
        features = {*names_in_number(comparison.left), *names_in_number(comparison.right)}
        is_sum = _linear(comparison.left) is not None and _linear(comparison.right) is not None
        if len(features) > CASES_FEATURES_MAX and not is_sum and isinstance(_simplified(comparison), Comparison):
            reason = f"multiplies, divides or rounds what depends on {len(features)} features"
            raise ExpressionFault(f"{reason}; more than {CASES_FEATURES_MAX} are too many cases")
        return comparison

    rewritten(expression, Feature, Feature, checked)


def comparison_literal(comparison: Comparison, definitions: Definitions) -> int:
    """Return a literal that is true exactly in the cars for which the comparison holds."""
    simple = _simplified(comparison)
    if not isinstance(simple, Comparison):
        literals = [definitions.conjunction(comparison_literal(part, definitions) for part in case) for case in simple]
        return definitions.disjunction(literals)
    left, right = _linear(simple.left), _linear(simple.right)
    if left is None or right is None:
        return _by_cases(simple, definitions)
    return _linear_literal(simple.operator, left.plus(right, Fraction(-1)), definitions)


def _simplified(comparison: Comparison) -> Comparison | tuple[tuple[Comparison, ...], ...]:
    """Write a quotient of sums against a constant without the division, as alternatives of which each is a list."""
    compared, left, right = comparison.operator, comparison.left, comparison.right
    if isinstance(right, Quotient):
        compared, left, right = _mirrored(compared), right, left
    if not isinstance(left, Quotient):
        return comparison
    above, below, bound = _linear(left.left), _linear(left.right), _linear(right)
    if above is None or below is None or bound is None or (bound.weights and below.weights) or not below.weights:
        return comparison
    zero = Number(Fraction())
    scaled = Product(right, left.right)
    return (
        (Comparison(">", left.right, zero), Comparison(compared, left.left, scaled)),
        (Comparison("<", left.right, zero), Comparison(_mirrored(compared), left.left, scaled)),
    )


def _mirrored(compared: str) -> str:
    return {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(compared, compared)


def _linear(numeric: Numeric) -> _Linear | None:
    """Return a number as a constant and weights; None where it is not of that form, or does not exist."""
    match numeric:
        case Number(value):
            return _Linear(value, {})
        case Feature(name):
            return _Linear(Fraction(), {name: Fraction(1)})
        case Sum(operands):
            return _linear_sum(operands)
        case Product(left, right):
            one, other = _linear(left), _linear(right)
            if one is None or other is None or (one.weights and other.weights):
                return None
            factor, scaled = (other, one) if one.weights else (one, other)
            return NOTHING.plus(scaled, factor.constant)
        case Quotient(left, right):
            one, other = _linear(left), _linear(right)
            if one is None or other is None or other.weights or not other.constant:
                return None
            return NOTHING.plus(one, 1 / other.constant)
        case Rounded(operand, up):
            inner = _linear(operand)
            if inner is None or inner.weights:
                return None
            return _Linear(Fraction(-floor(-inner.constant) if up else floor(inner.constant)), {})
        case Words() | Aggregate():
            raise ExpressionFault("texts, sum, avg and len belong in the rules of the UVL file, where attributes stand")


def _linear_sum(operands: tuple[Numeric, ...]) -> _Linear | None:
    constant, weights = Fraction(), dict[str, Fraction]()
    for operand in operands:
        part = _linear(operand)
        if part is None:
            return None
        constant += part.constant
        for name, weight in part.weights.items():
            weights[name] = weights.get(name, Fraction()) + weight
    return _Linear(constant, {name: weight for name, weight in weights.items() if weight})


def _linear_literal(compared: str, difference: _Linear, definitions: Definitions) -> int:
    """Return a literal for `difference compared 0`."""
    scale = lcm(difference.constant.denominator, *(weight.denominator for weight in difference.weights.values()))
    bound = -int(difference.constant * scale)
    terms: Terms = []
    for name, weight in difference.weights.items():
        whole, literal = int(weight * scale), definitions.by_name[name]
        if whole < 0:
            bound -= whole
        terms.append((abs(whole), literal if whole > 0 else -literal))
    match compared:
        case "<=":
            return at_most(terms, bound, definitions)
        case "<":
            return at_most(terms, bound - 1, definitions)
        case ">":
            return -at_most(terms, bound, definitions)
        case ">=":
            return -at_most(terms, bound - 1, definitions)
        case "==":
            return exactly(terms, bound, definitions)
        case _:
            return -exactly(terms, bound, definitions)


def at_most(terms: Terms, bound: int, definitions: Definitions) -> int:
    """Return a literal that is true exactly where the weights of the true literals come to at most `bound`."""
    if bound < 0:
        return FALSE
    common = gcd(*(weight for weight, _ in terms)) or 1
    terms = sorted(((weight // common, literal) for weight, literal in terms), key=lambda term: (-term[0], term[1]))
    found = _diagram(terms, bound // common, definitions, exact=False)
    return found if found is not None else _added_up(terms, bound // common, definitions, exact=False)


def exactly(terms: Terms, bound: int, definitions: Definitions) -> int:
    """Return a literal that is true exactly where the weights of the true literals come to `bound`."""
    common = gcd(*(weight for weight, _ in terms)) or 1
    if bound < 0 or bound % common:
        return FALSE
    terms = sorted(((weight // common, literal) for weight, literal in terms), key=lambda term: (-term[0], term[1]))
    found = _diagram(terms, bound // common, definitions, exact=True)
    return found if found is not None else _added_up(terms, bound // common, definitions, exact=True)


def _diagram(terms: Terms, bound: int, definitions: Definitions, *, exact: bool) -> int | None:
    """Build the decision diagram of a sum from its last term up; None past `STATES_MAX` partial sums.

    Partial sums that no later term can tell apart get the same literal, so only the reduced diagram is written.
    """
    left = sum(weight for weight, _ in terms)
    levels: list[set[int]] = [{bound}]
    states = 0
    for weight, _ in terms:
        open_bounds = {rest for rest in levels[-1] if _settled(rest, left, exact=exact) is None}
        states += len(open_bounds)
        if states > STATES_MAX:
            return None
        levels[-1] = open_bounds
        left -= weight
        levels.append(open_bounds | {rest - weight for rest in open_bounds})
    known: dict[int, int] = {}
    for (weight, literal), open_bounds in zip(reversed(terms), reversed(levels[:-1]), strict=True):
        below = known
        known = {}
        for rest in open_bounds:
            ends = []
            for following in (rest - weight, rest):
                settled = _settled(following, left, exact=exact)
                ends.append(below[following] if settled is None else settled)
            known[rest] = definitions.choice(literal, *ends)
        left += weight
    settled = _settled(bound, left, exact=exact)
    return known[bound] if settled is None else settled


def _settled(rest: int, left: int, *, exact: bool) -> int | None:
    """Return the answer where it is certain already: `rest` may still be added, `left` is all that could come."""
    if rest < 0 or (exact and rest > left):
        return FALSE
    if left == 0 or (not exact and rest >= left):
        return TRUE
    return None


def _added_up(terms: Terms, bound: int, definitions: Definitions, *, exact: bool) -> int:
    """Add the weights up in binary (full adders, column by column) and compare the sum with the bound."""
    columns: list[list[int]] = [[] for _ in range(sum(weight for weight, _ in terms).bit_length() + 1)]
    for weight, literal in terms:
        for place in range(weight.bit_length()):
            if weight >> place & 1:
                columns[place].append(literal)
    digits: list[int] = []
    for place, column in enumerate(columns):
        while len(column) > 1:
            one, other, third = column.pop(0), column.pop(0), column.pop(0) if column else FALSE
            column.append(-definitions.equivalence(-definitions.equivalence(one, other), third))
            both = definitions.conjunction((one, other))
            either = definitions.disjunction((one, other))
            if place + 1 < len(columns):
                columns[place + 1].append(definitions.choice(third, either, both))
        digits.append(column[0] if column else FALSE)
    return _digits_within(digits, bound, definitions, exact=exact)


def _digits_within(digits: list[int], bound: int, definitions: Definitions, *, exact: bool) -> int:
    """Compare a binary number (lowest digit first) with a bound, from the lowest digit up."""
    if bound >= 1 << len(digits):
        return FALSE if exact else TRUE
    within = TRUE
    for place, digit in enumerate(digits):
        if bound >> place & 1:
            within = definitions.choice(digit, within, FALSE if exact else TRUE)
        else:
            within = definitions.choice(digit, FALSE, within)
    return within


def _by_cases(comparison: Comparison, definitions: Definitions) -> int:
    """Try all combinations of the features and fold them into a decision diagram, the last feature first."""
    names = list(dict.fromkeys((*names_in_number(comparison.left), *names_in_number(comparison.right))))
    assert len(names) <= CASES_FEATURES_MAX, "readers refuse comparisons of more features"
    row = []
    for case in range(1 << len(names)):
        chosen = {name for place, name in enumerate(names) if case >> place & 1}
        one, other = number_in(comparison.left, chosen), number_in(comparison.right, chosen)
        holds = one is not None and other is not None and COMPARED[comparison.operator](one, other)
        row.append(TRUE if holds else FALSE)
    for name in names:
        literal = definitions.by_name[name]
        row = [definitions.choice(literal, row[place + 1], row[place]) for place in range(0, len(row), 2)]
    return row[0]
