"""Small random formulas with all their cars, found by trying every combination of features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from hypothesis import strategies as st

from configurator.engine.formula import Clause, Formula, NamedClauses


@dataclass(frozen=True)
class Case:
    """A formula and its cars under one choice of its guards; a car is a bit set over the features."""

    formula: Formula
    guards: tuple[int, ...]
    """The guards' values, as literals."""

    def cars(self, literals: Sequence[int] = (), *, rules: frozenset[str] | None = None) -> list[int]:
        """Return the cars that meet the literals, under all rules or only those named."""
        clauses = list(self.formula.structure)
        for rule in self.formula.rules:
            if rules is None or rule.code in rules:
                clauses += rule.guarded
        return [
            sum(1 << literal for literal in values if 0 < literal <= self.formula.feature_count)
            for values in all_models(self.formula.variable_count, clauses)
            if {*literals, *self.guards} <= values
        ]


def all_models(count: int, clauses: Sequence[Clause]) -> list[frozenset[int]]:
    """Return every assignment of the variables 1..count that meets the clauses, as sets of literals."""
    found = []
    for signs in product((-1, 1), repeat=count):
        values = frozenset(sign * variable for variable, sign in enumerate(signs, start=1))
        if all(not values.isdisjoint(clause) for clause in clauses):
            found.append(values)
    return found


def clauses_over(literals: Sequence[int], *, longest: int = 3) -> st.SearchStrategy[Clause]:
    return st.lists(st.sampled_from(literals), min_size=1, max_size=longest, unique_by=abs).map(tuple)


@st.composite
def cases(draw: st.DrawFn, *, features: int = 6, guards: int = 2) -> Case:
    """Draw rules over the features, one helper that the structure defines, and guards with their values."""
    helper, first_guard = features + 1, features + 2
    literals = [sign * variable for variable in range(1, features + 1) for sign in (1, -1)]
    left, right = draw(st.sampled_from(literals)), draw(st.sampled_from(literals))
    structure: list[Clause] = [(-helper, left), (-helper, right), (helper, -left, -right)]
    structure += draw(st.lists(clauses_over(literals, longest=4), max_size=2))
    guard = st.sampled_from((None, None, *range(first_guard, first_guard + guards)))
    with_helper = [*literals, helper, -helper]
    rules = tuple(
        NamedClauses(
            f"R{number}", tuple(draw(st.lists(clauses_over(with_helper), min_size=1, max_size=2))), draw(guard)
        )
        for number in range(draw(st.integers(0, 7)))
    )
    formula = Formula(features, first_guard + guards - 1, tuple(structure), rules)
    signs = [draw(st.sampled_from((1, -1))) for _ in formula.guards]
    return Case(formula, tuple(sign * guard for sign, guard in zip(signs, formula.guards, strict=True)))


def choices(case: Case, *, most: int = 4) -> st.SearchStrategy[list[int]]:
    """Draw literals of features; they may contradict each other's consequences, never each other."""
    literals = [sign * variable for variable in range(1, case.formula.feature_count + 1) for sign in (1, -1)]
    return st.lists(st.sampled_from(literals), max_size=most, unique_by=abs)


def domains_of(case: Case, cars: Sequence[int]) -> tuple[int, int]:
    """Return the bit sets of the features that some of the cars has, and has not."""
    everything = (1 << (case.formula.feature_count + 1)) - 2
    can = cannot = 0
    for car in cars:
        can |= car
        cannot |= everything & ~car
    return can, cannot


def pigeons(holes: int) -> Formula:
    """Return one pigeon more than there are holes, each rule a clause: there is no car, and to see that takes long."""
    number = {(bird, hole): holes * bird + hole + 1 for bird in range(holes + 1) for hole in range(holes)}
    clauses = [tuple(number[bird, hole] for hole in range(holes)) for bird in range(holes + 1)]
    clauses += [
        (-number[bird, hole], -number[other, hole])
        for hole in range(holes)
        for bird in range(holes + 1)
        for other in range(bird)
    ]
    rules = tuple(NamedClauses(f"P{place}", (clause,)) for place, clause in enumerate(clauses))
    return Formula(len(number), len(number), (), rules)
