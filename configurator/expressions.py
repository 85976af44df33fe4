"""Expressions over features as UVL writes them: `A & !B => C | D`, `2 * A + 3 * B <= 4`, as values, written, evaluated.

In arithmetic a feature counts 1 in a car that has it, else 0. A quotient by zero does not exist, and no comparison
with it holds.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias, assert_never


@dataclass(frozen=True, slots=True)
class Feature:
    """True in a car that has the feature; in arithmetic 1 there, else 0."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """True where the operand is false."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class And:
    """True where all operands are."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where at least one operand is."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Implies:
    """False only where the left is true and the right is false."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Iff:
    """True where both sides agree."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Comparison:
    """True where both numbers exist and compare so; `operator` is one of == != < <= > >=."""

    operator: str
    left: Numeric
    right: Numeric


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number, kept exactly."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Sum:
    """All operands added."""

    operands: tuple[Numeric, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Two numbers multiplied."""

    left: Numeric
    right: Numeric


@dataclass(frozen=True, slots=True)
class Quotient:
    """The left divided by the right, exactly; it does not exist where the right is zero."""

    left: Numeric
    right: Numeric


@dataclass(frozen=True, slots=True)
class Rounded:
    """The nearest whole number that is not above (`up`: not below) the operand."""

    operand: Numeric
    up: bool


@dataclass(frozen=True, slots=True)
class Words:
    """A text in single quotes; stands in a file only, the reader decides what compares with it."""

    text: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`sum`, `avg` or `len` of attributes; stands in a file only, the reader writes it out."""

    function: str
    arguments: tuple[str, ...]


Numeric: TypeAlias = Number | Feature | Sum | Product | Quotient | Rounded | Words | Aggregate
Expression: TypeAlias = Feature | Not | And | Or | Implies | Iff | Comparison

COMPARED: Final[dict[str, Callable[[Fraction, Fraction], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
MINUS_ONE: Final = Number(Fraction(-1))


class ExpressionFault(Exception):
    """The text is no expression that can be used; `reason` says why and where."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS_OF_UVL: Final = frozenset(("requires", "excludes", "sum", "avg", "len", "floor", "ceil"))


def quoted_name(name: str) -> str:
    """Write a feature's name as UVL wants it: plain where it may, else in quotes."""
    return name if _PLAIN_NAME.match(name) and name not in _WORDS_OF_UVL else f'"{name}"'


def format_expression(expression: Expression) -> str:
    """Write an expression so that reading it again gives one that is written the same; nested operands are enclosed.

    All that is alone in an `And`, an `Or` or a sum is written as what it is.
    """
    match expression:
        case Feature(name):
            return quoted_name(name)
        case Not(operand):
            return "!" + _enclosed(operand)
        case And((operand,)) | Or((operand,)):
            return format_expression(operand)
        case And(operands):
            return " & ".join(_enclosed(operand) for operand in operands)
        case Or(operands):
            return " | ".join(_enclosed(operand) for operand in operands)
        case Implies(left, right):
            return f"{_enclosed(left)} => {_enclosed(right)}"
        case Iff(left, right):
            return f"{_enclosed(left)} <=> {_enclosed(right)}"
        case Comparison(compared, first, second):
            return f"{_format_number(first)} {compared} {_format_number(second)}"
        case _:
            assert_never(expression)


def _enclosed(expression: Expression) -> str:
    match expression:
        case And((operand,)) | Or((operand,)):
            return _enclosed(operand)
        case Feature() | Not():
            return format_expression(expression)
        case _:
            return f"({format_expression(expression)})"


def _format_number(numeric: Numeric) -> str:
    match numeric:
        case Number(value):
            return decimal(value)
        case Feature(name):
            return quoted_name(name)
        case Sum((operand,)):
            return _format_number(operand)
        case Sum(operands):
            return " + ".join(_enclosed_number(operand) for operand in operands)
        case Product(left, right):
            return f"{_enclosed_number(left)} * {_enclosed_number(right)}"
        case Quotient(left, right):
            return f"{_enclosed_number(left)} / {_enclosed_number(right)}"
        case Rounded(operand, up):
            return f"{'ceil' if up else 'floor'}({_format_number(operand)})"
        case Words(text):
            return f"'{text}'"
        case Aggregate(function, arguments):
            return f"{function}({', '.join(quoted_name(argument) for argument in arguments)})"
        case _:
            assert_never(numeric)


def _enclosed_number(numeric: Numeric) -> str:
    match numeric:
        case Sum((operand,)):
            return _enclosed_number(operand)
        case Sum() | Product() | Quotient():
            return f"({_format_number(numeric)})"
        case _:
            return _format_number(numeric)


def decimal(value: Fraction) -> str:
    """Write a number with its decimal places, as it was read; one that has no end of them (1/3) as a fraction."""
    rest, places = value.denominator, 0
    for factor in (2, 5):
        times = 0
        while rest % factor == 0:
            rest, times = rest // factor, times + 1
        places = max(places, times)
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(int(value * 10**places))).rjust(places + 1, "0")
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :]
    return ("-" if value < 0 else "") + (f"{whole}.{part}" if part else whole)


def holds(expression: Expression, features: Container[str]) -> bool:
    """Say whether an expression is true in a car that has exactly these features."""
    match expression:
        case Feature(name):
            return name in features
        case Not(operand):
            return not holds(operand, features)
        case And(operands):
            return all(holds(operand, features) for operand in operands)
        case Or(operands):
            return any(holds(operand, features) for operand in operands)
        case Implies(left, right):
            return not holds(left, features) or holds(right, features)
        case Iff(left, right):
            return holds(left, features) == holds(right, features)
        case Comparison(compared, first, second):
            one, other = number_in(first, features), number_in(second, features)
            return one is not None and other is not None and COMPARED[compared](one, other)
        case _:
            assert_never(expression)


def number_in(numeric: Numeric, features: Container[str]) -> Fraction | None:
    """Return what a number comes to in a car; None where it does not exist."""
    match numeric:
        case Number(value):
            return value
        case Feature(name):
            return Fraction(name in features)
        case Sum(operands):
            found = [number_in(operand, features) for operand in operands]
            return None if None in found else sum((value for value in found if value is not None), Fraction())
        case Product(left, right):
            one, other = number_in(left, features), number_in(right, features)
            return None if one is None or other is None else one * other
        case Quotient(left, right):
            one, other = number_in(left, features), number_in(right, features)
            return None if one is None or not other else one / other
        case Rounded(operand, up):
            return rounded(number_in(operand, features), up=up)
        case Words() | Aggregate():
            raise AssertionError("the reader writes texts and aggregates out")
        case _:
            assert_never(numeric)


def rounded(value: Fraction | None, *, up: bool) -> Fraction | None:
    """Round to a whole number, up or down; what does not exist stays so."""
    return None if value is None else Fraction(math.ceil(value) if up else math.floor(value))


def height(expression: Expression) -> int:
    """Return how many operators stand one inside the other at most; without recursion, whatever was read."""
    highest = 0
    waiting: list[tuple[Expression | Numeric, int]] = [(expression, 1)]
    while waiting:
        at, depth = waiting.pop()
        highest = max(highest, depth)
        waiting += [(below, depth + 1) for below in _operands(at)]
    return highest


def _operands(part: Expression | Numeric) -> tuple[Expression | Numeric, ...]:
    match part:
        case Not(operand) | Rounded(operand):
            return (operand,)
        case And(operands) | Or(operands) | Sum(operands):
            return operands
        case Implies(left, right) | Iff(left, right) | Comparison(_, left, right):
            return (left, right)
        case Product(left, right) | Quotient(left, right):
            return (left, right)
        case Feature() | Number() | Words() | Aggregate():
            return ()
        case _:
            assert_never(part)


def feature_names(expression: Expression) -> Iterator[str]:
    """Yield the features an expression speaks of, repeats included, from left to right."""
    match expression:
        case Feature(name):
            yield name
        case Not(operand):
            yield from feature_names(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from feature_names(operand)
        case Implies(left, right) | Iff(left, right):
            yield from feature_names(left)
            yield from feature_names(right)
        case Comparison(_, first, second):
            yield from names_in_number(first)
            yield from names_in_number(second)
        case _:
            assert_never(expression)


def names_in_number(numeric: Numeric) -> Iterator[str]:
    """Yield the features that a number speaks of, repeats included; texts and aggregates speak of none yet."""
    match numeric:
        case Feature(name):
            yield name
        case Sum(operands):
            for operand in operands:
                yield from names_in_number(operand)
        case Product(left, right) | Quotient(left, right):
            yield from names_in_number(left)
            yield from names_in_number(right)
        case Rounded(operand):
            yield from names_in_number(operand)
        case Number() | Words() | Aggregate():
            return
        case _:
            assert_never(numeric)


def renamed(expression: Expression, name_of: Callable[[str], str]) -> Expression:
    """Return the expression over other names; its aggregates are written out already."""
    return rewritten(expression, lambda name: Feature(name_of(name)), lambda name: Feature(name_of(name)))


def rewritten(
    expression: Expression,
    feature: Callable[[str], Expression],
    number: Callable[[str], Numeric],
    comparison: Callable[[Comparison], Expression] | None = None,
) -> Expression:
    """Put something else in the place of each feature, as a condition and as a number, or of whole comparisons."""

    def again(inner: Expression) -> Expression:
        return rewritten(inner, feature, number, comparison)

    match expression:
        case Feature(name):
            return feature(name)
        case Not(operand):
            return Not(again(operand))
        case And(operands):
            return And(tuple(map(again, operands)))
        case Or(operands):
            return Or(tuple(map(again, operands)))
        case Implies(left, right):
            return Implies(again(left), again(right))
        case Iff(left, right):
            return Iff(again(left), again(right))
        case Comparison(compared, first, second):
            if comparison is not None:
                return comparison(expression)
            return Comparison(compared, rewritten_number(first, number), rewritten_number(second, number))
        case _:
            assert_never(expression)


def rewritten_number(numeric: Numeric, number: Callable[[str], Numeric]) -> Numeric:
    """Put another number in the place of each feature."""

    def again(inner: Numeric) -> Numeric:
        return rewritten_number(inner, number)

    match numeric:
        case Feature(name):
            return number(name)
        case Sum(operands):
            return Sum(tuple(map(again, operands)))
        case Product(left, right):
            return Product(again(left), again(right))
        case Quotient(left, right):
            return Quotient(again(left), again(right))
        case Rounded(operand, up):
            return Rounded(again(operand), up)
        case Aggregate("len", (name,)) if isinstance(placed := number(name), Feature):
            return Aggregate("len", (placed.name,))
        case Number() | Words() | Aggregate():
            return numeric
        case _:
            assert_never(numeric)
