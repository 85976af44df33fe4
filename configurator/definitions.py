"""Helper variables: defined in both directions, so their values follow from the features and no car counts twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from configurator.engine.formula import Clause

VARIABLES_MAX: Final = 2_000_000
TRUE: Final = 1
"""The root is in every car, so its literal stands for what is always true."""
FALSE: Final = -TRUE


class TooManyHelpers(Exception):
    """Rules that need more helper variables than there is memory for; the text says so."""


class Definitions:
    """Hands out variables and keeps the clauses that define helpers; equal definitions share one helper."""

    def __init__(self, features: Sequence[str]) -> None:
        self.by_name = {name: index for index, name in enumerate(features, start=1)}
        self.count = len(features)
        self.clauses: list[Clause] = [(TRUE,)]
        self._known: dict[tuple[object, ...], int] = {}

    def new(self) -> int:
        """Return a fresh variable; raises TooManyHelpers past the ceiling."""
        if self.count >= VARIABLES_MAX:
            raise TooManyHelpers(f"written as clauses, the rules need more than {VARIABLES_MAX:,} variables")
        self.count += 1
        return self.count

    def disjunction(self, literals: Iterable[int]) -> int:
        """Return a literal that is true exactly where at least one of the literals is."""
        found = {literal for literal in literals if literal != FALSE}
        if TRUE in found or any(-literal in found for literal in found):
            return TRUE
        distinct = sorted(found)
        if len(distinct) <= 1:
            return distinct[0] if distinct else FALSE
        key = ("or", *distinct)
        if key not in self._known:
            self._known[key] = variable = self.new()
            self.clauses.append((-variable, *distinct))
            self.clauses += [(-literal, variable) for literal in distinct]
        return self._known[key]

    def conjunction(self, literals: Iterable[int]) -> int:
        """Return a literal that is true exactly where all the literals are."""
        return -self.disjunction(-literal for literal in literals)

    def carry(self, before: int, literal: int, below: int) -> int:
        """Return a literal that is true exactly where `before`, or both `literal` and `below`, are true."""
        if before == FALSE or TRUE in (before, literal, below) or FALSE in (literal, below):
            return self.disjunction((before, self.conjunction((literal, below))))
        key = ("carry", before, literal, below)
        if key not in self._known:
            self._known[key] = variable = self.new()
            self.clauses += [(-variable, before, literal), (-variable, before, below)]
            self.clauses += [(-before, variable), (-literal, -below, variable)]
        return self._known[key]

    def choice(self, condition: int, then: int, otherwise: int) -> int:
        """Return a literal that agrees with `then` where the condition is true, else with `otherwise`."""
        if then == otherwise or condition == TRUE:
            return then
        if condition == FALSE:
            return otherwise
        if condition < 0:
            return self.choice(-condition, otherwise, then)
        if then in (TRUE, condition):
            return self.disjunction((condition, otherwise))
        if then in (FALSE, -condition):
            return self.conjunction((-condition, otherwise))
        if otherwise in (TRUE, -condition):
            return self.disjunction((-condition, then))
        if otherwise in (FALSE, condition):
            return self.conjunction((condition, then))
        if then == -otherwise:
            return self.equivalence(condition, then)
        key = ("choice", condition, then, otherwise)
        if key not in self._known:
            self._known[key] = variable = self.new()
            self.clauses += [(-condition, -then, variable), (-condition, then, -variable)]
            self.clauses += [(condition, -otherwise, variable), (condition, otherwise, -variable)]
            self.clauses += [(-then, -otherwise, variable), (then, otherwise, -variable)]
        return self._known[key]

    def equivalence(self, left: int, right: int) -> int:
        """Return a literal that is true exactly where both literals agree."""
        sign = -1 if (left < 0) != (right < 0) else 1
        low, high = sorted((abs(left), abs(right)))
        if low == high:
            return sign * TRUE
        if low == TRUE:
            return sign * high
        key = ("iff", low, high)
        if key not in self._known:
            self._known[key] = variable = self.new()
            self.clauses += [(-variable, -low, high), (-variable, low, -high)]
            self.clauses += [(variable, low, high), (variable, -low, -high)]
        return sign * self._known[key]
