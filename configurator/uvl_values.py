"""Typed features (Integer, Real, String): which of a buyer's values the rules tell apart, as features of their own.

Rules compare such a value with constants only, so all values between two neighbouring constants are alike. Each such
class becomes a member of an alternative group below the feature: exact, finite, and counted once a class. The value
of a feature that is not in the car is 0, or the empty text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from configurator.expressions import (
    COMPARED,
    Aggregate,
    And,
    Comparison,
    Expression,
    Feature,
    Not,
    Number,
    Or,
    Words,
    decimal,
    rewritten,
)

ZERO: Final = Fraction()
MEMBERS_MAX: Final = 2_000_000
"""What all comparisons of a file with buyers' values may come to, written as classes that meet them."""


@dataclass(frozen=True, slots=True)
class ValueClass:
    """Values that no rule tells apart: their name, and whether a comparison holds for them."""

    name: str
    meets: Callable[[Comparison], bool]


def comparisons_with(expressions: Iterable[Expression], typed: frozenset[str]) -> dict[str, list[Comparison]]:
    """Return by typed feature the comparisons that speak of its value or of its length."""
    found: dict[str, list[Comparison]] = {name: [] for name in typed}

    def note(comparison: Comparison) -> Expression:
        if (name := _subject(comparison, typed)) is not None:
            found[name].append(comparison)
        return comparison

    for expression in expressions:
        rewritten(expression, Feature, Feature, note)
    return found


def classes_of(name: str, value_type: str, comparisons: Sequence[Comparison]) -> tuple[ValueClass, ...]:
    """Divide the values of a feature as the comparisons need it; none where they do not need it."""
    if not comparisons:
        return ()
    if value_type == "String":
        return tuple(_text_classes(name, comparisons))
    constants = sorted({item.right.value for item in comparisons if isinstance(item.right, Number)})
    classes = _number_classes(name, constants, whole=value_type == "Integer")
    return tuple(ValueClass(label, _number_meets(sample)) for label, sample in classes)


def without_values(
    expression: Expression, classes: dict[str, tuple[ValueClass, ...]], typed: frozenset[str]
) -> Expression:
    """Write each comparison with a buyer's value as the classes that meet it."""

    def decided(comparison: Comparison) -> Expression:
        name = _subject(comparison, typed)
        if name is None:
            return comparison
        met = tuple(Feature(one.name) for one in classes[name] if one.meets(comparison))
        if _absent_meets(comparison):
            return Or((*met, Not(Feature(name))))
        return Or(met) if met else And((Feature(name), Not(Feature(name))))

    return rewritten(expression, Feature, Feature, decided)


def _subject(comparison: Comparison, typed: frozenset[str]) -> str | None:
    match comparison.left:
        case Feature(name) | Aggregate("len", (name,)):
            return name if name in typed else None
        case _:
            return None


def _absent_meets(comparison: Comparison) -> bool:
    """Say whether a comparison holds in a car without the feature."""
    if isinstance(comparison.right, Words):
        return (comparison.right.text == "") == (comparison.operator == "==")
    assert isinstance(comparison.right, Number), comparison
    return COMPARED[comparison.operator](ZERO, comparison.right.value)


def _number_meets(sample: Fraction) -> Callable[[Comparison], bool]:
    def meets(comparison: Comparison) -> bool:
        assert isinstance(comparison.right, Number), comparison
        return COMPARED[comparison.operator](sample, comparison.right.value)

    return meets


def _number_classes(name: str, constants: Sequence[Fraction], *, whole: bool) -> list[tuple[str, Fraction]]:
    """Return each class by name with one of its values: the constants themselves, and what lies between and beyond."""
    classes: list[tuple[str, Fraction]] = [(f"{name} < {decimal(constants[0])}", math.ceil(constants[0]) - Fraction(1))]
    for low, high in zip(constants, [*constants[1:], None], strict=True):
        if not whole or low.denominator == 1:
            classes.append((f"{name} = {decimal(low)}", low))
        if high is None:
            classes.append((f"{name} > {decimal(low)}", math.floor(low) + Fraction(1)))
            continue
        between = math.floor(low) + Fraction(1) if whole else (low + high) / 2
        if between < high:
            classes.append((f"{decimal(low)} < {name} < {decimal(high)}", between))
    return classes


def _text_classes(name: str, comparisons: Sequence[Comparison]) -> Iterable[ValueClass]:
    """Yield each text that is named, and all others by their length as far as rules ask about it."""
    texts = sorted({item.right.text for item in comparisons if isinstance(item.right, Words)})
    # No text is shorter than the empty one, so a length below zero tells no two texts apart.
    asked = {item.right.value for item in comparisons if isinstance(item.right, Number)}
    lengths = sorted(length for length in asked if length >= 0)
    for text in texts:
        yield ValueClass(f"{name} = '{text}'".replace('"', "''"), _text_meets(text, Fraction(len(text))))
    others = "another " if texts else ""
    if not lengths:
        yield ValueClass(f"{others or 'any '}{name}", _text_meets(None, ZERO))
        return
    for label, length in _number_classes("length", lengths, whole=True):
        if length > 0 or (length == 0 and "" not in texts):
            yield ValueClass(f"{others}{name} of {label}", _text_meets(None, length))


def _text_meets(text: str | None, length: Fraction) -> Callable[[Comparison], bool]:
    def meets(comparison: Comparison) -> bool:
        if isinstance(comparison.right, Words):
            return (comparison.right.text == text) == (comparison.operator == "==")
        return _number_meets(length)(comparison)

    return meets
