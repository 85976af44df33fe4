"""Puts values in the place of attribute names in a rule: afterwards it speaks of features and numbers alone.

An attribute counts its value in a car that has the feature, else 0 (a text: the empty text). `sum` adds it up over the
features that have it, `avg` divides that by their number. Typed features stay, for `uvl_values` to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import product
from typing import Final

from configurator.expressions import (
    Aggregate,
    And,
    Comparison,
    Expression,
    ExpressionFault,
    Feature,
    Not,
    Number,
    Numeric,
    Or,
    Product,
    Quotient,
    Rounded,
    Sum,
    Words,
    names_in_number,
    number_in,
    rewritten,
)
from configurator.uvl_attributes import Value, value_of
from configurator.uvl_tree import ReadFeature

ZERO: Final = Number(Fraction())
TERMS_MAX: Final = 1_000_000
"""What all sums of a file may come to, written out: a short line can ask for one over every feature."""
CONSTANT_BITS_MAX: Final = 400


class UnknownFeature(ExpressionFault):
    """An expression names a feature that stands nowhere in the tree."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown feature '{name}'; it stands nowhere under `features`")
        self.name = name


class References:
    """What the names in the rules of one file may mean; raises `ExpressionFault` for those that mean nothing."""

    def __init__(self, features: Iterable[ReadFeature], below: Callable[[str], frozenset[str]]) -> None:
        self._features: Mapping[str, ReadFeature] = {feature.name: feature for feature in features}
        self._below = below
        self._roots: list[str] = []
        self._terms = 0

    def resolved(self, expression: Expression) -> tuple[Expression, tuple[str, ...]]:
        """Return the expression over features alone, and the features below which its sums and averages look."""
        self._roots = []
        return rewritten(expression, self._condition, _never, self._comparison), tuple(self._roots)

    def _condition(self, name: str) -> Expression:
        if name in self._features:
            return Feature(name)
        feature, value = self._attribute(name)
        if not isinstance(value, bool):
            raise ExpressionFault(f"'{name}' is neither true nor false; compare it with something")
        return Feature(feature) if value else _constant(feature, value=False)

    def _attribute(self, name: str) -> tuple[str, Value]:
        """Split `feature.attribute`; a feature's name may have dots itself."""
        feature = name
        while "." in feature:
            feature = feature.rpartition(".")[0]
            if feature in self._features:
                attribute = name[len(feature) + 1 :]
                written = self._features[feature].values.get(attribute)
                if written is None:
                    raise ExpressionFault(f"feature '{feature}' has no attribute '{attribute}'")
                return feature, value_of(written)
        raise UnknownFeature(name)

    def _comparison(self, comparison: Comparison) -> Expression:
        for side in (comparison.left, comparison.right):
            for name in names_in_number(side):
                if name not in self._features:
                    self._attribute(name)
        if any(self._is_typed(side) for side in (comparison.left, comparison.right)):
            return self._about_typed(comparison)
        sides = self._as_text(comparison.left), self._as_text(comparison.right)
        if sides[0] is not None and sides[1] is not None:
            return _texts_compared(comparison.operator, sides[0], sides[1])
        return Comparison(comparison.operator, self._number(comparison.left), self._number(comparison.right))

    def _is_typed(self, numeric: Numeric) -> bool:
        """Say whether a buyer's own value, or its length, stands alone on a side."""
        match numeric:
            case Feature(name):
                return name in self._features and self._features[name].value_type != "Boolean"
            case Aggregate("len", (name,)):
                return name in self._features and self._features[name].value_type == "String"
            case _:
                return False

    def _about_typed(self, comparison: Comparison) -> Expression:
        """Keep `feature op constant`, the feature to the left; anything else about a buyer's own value is refused."""
        left, right, compared = comparison.left, comparison.right, comparison.operator
        if not self._is_typed(left):
            left, right, compared = right, left, _mirrored(compared)
        name = left.name if isinstance(left, Feature) else left.arguments[0] if isinstance(left, Aggregate) else ""
        if self._is_typed(right) or any(True for _ in names_in_number(right)) or isinstance(right, Aggregate):
            raise ExpressionFault(f"'{name}' is a value that the buyer gives; it can only be compared with a constant")
        if isinstance(left, Feature) and self._features[name].value_type == "String":
            if not isinstance(right, Words) or compared not in ("==", "!="):
                raise ExpressionFault(f"'{name}' is a text; it can only be equal (==) or not (!=) to a text")
            return Comparison(compared, left, right)
        return Comparison(compared, left, Number(_constant_value(self._number(right))))

    def _as_text(self, numeric: Numeric) -> tuple[str | None, str] | None:
        """Return the feature on which a text depends (None for one in quotes) and the text; None where it is none."""
        if isinstance(numeric, Words):
            return None, numeric.text
        if isinstance(numeric, Feature) and numeric.name not in self._features:
            feature, value = self._attribute(numeric.name)
            return (feature, value) if isinstance(value, str) else None
        return None

    def _number(self, numeric: Numeric) -> Numeric:
        match numeric:
            case Number():
                return numeric
            case Feature(name):
                return self._feature_number(name)
            case Sum(operands):
                return Sum(tuple(self._number(operand) for operand in operands))
            case Product(left, right):
                return Product(self._number(left), self._number(right))
            case Quotient(_, Number(value)) if value == 0:
                raise ExpressionFault("divides by 0")
            case Quotient(left, right):
                return Quotient(self._number(left), self._number(right))
            case Rounded(operand, up):
                return Rounded(self._number(operand), up)
            case Words(text):
                raise ExpressionFault(f"the text '{text}' stands where a number is needed")
            case Aggregate():
                return self._aggregate(numeric)

    def _feature_number(self, name: str) -> Numeric:
        if (known := self._features.get(name)) is not None:
            if known.value_type != "Boolean":
                raise ExpressionFault(
                    f"'{name}' is a value that the buyer gives; it can only be compared with a constant"
                )
            return Feature(name)
        feature, value = self._attribute(name)
        if not isinstance(value, Fraction):
            raise ExpressionFault(f"'{name}' is no number")
        return Product(Number(value), Feature(feature))

    def _aggregate(self, aggregate: Aggregate) -> Numeric:
        if aggregate.function == "len":
            return self._length(aggregate.arguments[0])
        roots = [argument for argument in aggregate.arguments if argument in self._features]
        attributes = [argument for argument in aggregate.arguments if argument not in self._features]
        if (len(aggregate.arguments) == 2 and len(roots) != 1) or len(attributes) != 1:
            raise ExpressionFault(f"{aggregate.function} needs an attribute, and if it is to look below one, a feature")
        self._roots.append(roots[0] if roots else next(iter(self._features)))
        within = self._below(roots[0]) if roots else self._features.keys()
        written = {name: feature.values.get(attributes[0]) for name, feature in self._features.items()}
        values = {name: value_of(text) for name, text in written.items() if text is not None and name in within}
        terms = [(value, name) for name, value in values.items() if isinstance(value, Fraction)]
        if not terms:
            raise ExpressionFault(f"no feature has a number as attribute '{attributes[0]}'")
        if len(terms) < len(values):
            other = next(name for name, value in values.items() if not isinstance(value, Fraction))
            raise ExpressionFault(f"the attribute '{attributes[0]}' of '{other}' is no number, of others it is one")
        self._terms += len(terms)
        if self._terms > TERMS_MAX:
            raise ExpressionFault(f"the sums of this file come to more than {TERMS_MAX:,} terms")
        total = Sum(tuple(Product(Number(value), Feature(name)) for value, name in terms))
        if aggregate.function == "sum":
            return total
        return Quotient(total, Sum(tuple(Feature(name) for _, name in terms)))

    def _length(self, name: str) -> Numeric:
        if name in self._features:
            raise ExpressionFault(f"'{name}' has no length; len is asked about texts")
        feature, value = self._attribute(name)
        if not isinstance(value, str):
            raise ExpressionFault(f"'{name}' has no length; len is asked about texts")
        return Product(Number(Fraction(len(value))), Feature(feature))


def _never(name: str) -> Numeric:
    raise AssertionError(f"comparisons are rewritten as a whole: {name}")


def _mirrored(compared: str) -> str:
    return {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(compared, compared)


def _constant_value(numeric: Numeric) -> Fraction:
    """Work out a number in which no feature stands."""
    value = number_in(numeric, frozenset())
    if value is None:
        raise ExpressionFault("divides by zero")
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > CONSTANT_BITS_MAX:
        raise ExpressionFault("compares with a number of more than a hundred digits")
    return value


def _constant(feature: str, *, value: bool) -> Expression:
    return Or((Feature(feature), Not(Feature(feature)))) if value else And((Feature(feature), Not(Feature(feature))))


def _texts_compared(compared: str, left: tuple[str | None, str], right: tuple[str | None, str]) -> Expression:
    """Compare two texts of which each is empty in a car without its feature."""
    if compared not in ("==", "!="):
        raise ExpressionFault("texts can only be equal (==) or not (!=)")
    features = list(dict.fromkeys(feature for feature, _ in (left, right) if feature is not None))
    if not features:
        raise ExpressionFault("compares two texts that never change")
    cases: list[Expression] = []
    for present in product((True, False), repeat=len(features)):
        chosen = dict(zip(features, present, strict=True))
        texts = [text if feature is None or chosen[feature] else "" for feature, text in (left, right)]
        if (texts[0] == texts[1]) == (compared == "=="):
            literals = [Feature(name) if value else Not(Feature(name)) for name, value in chosen.items()]
            cases.append(And(tuple(literals)))
    return Or(tuple(cases)) if cases else _constant(features[0], value=False)
