"""A compiler for tests that is as plain as can be, and brute force to compare with: small formulas only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

import numpy as np
from hypothesis import strategies as st

from configurator.engine.formula import Clause, Formula, NamedClauses
from configurator.engine.nnf import Nnf, NodeKind


@st.composite
def formulas(draw: st.DrawFn, *, features_max: int = 7) -> Formula:
    """Draw a formula: free features, equal and opposite ones, a helper, a guarded rule, now and then no car at all."""
    features = draw(st.integers(1, features_max))
    literal = st.integers(1, features).flatmap(lambda v: st.sampled_from((v, -v)))
    clause = st.lists(literal, min_size=1, max_size=3).map(tuple)
    structure = list(draw(st.lists(clause, max_size=5)))
    for _ in range(draw(st.integers(0, 2))):
        one, other = draw(literal), draw(literal)
        structure += [(-one, other), (one, -other)]
    count, guard, helper = features, None, draw(st.booleans())
    if helper:
        count += 1
        one, other = draw(literal), draw(literal)
        structure += [(-count, one), (-count, other), (count, -one, -other)]
    if draw(st.booleans()):
        count += 1
        guard = count
    rules = NamedClauses("R", tuple(draw(st.lists(clause, max_size=3))), guard)
    return Formula(features, count, tuple(structure), (rules,))


def models(formula: Formula, literals: Iterable[int] = ()) -> list[int]:
    """Return all models that meet the literals, as bit sets over the variables."""
    wanted = tuple(literals)

    def fits(values: Sequence[bool]) -> bool:
        return all(values[abs(literal) - 1] == (literal > 0) for literal in wanted) and all(
            any(values[abs(literal) - 1] == (literal > 0) for literal in clause) for clause in formula.clauses
        )

    return [
        sum(1 << v for v, value in enumerate(values, start=1) if value)
        for values in product((False, True), repeat=formula.variable_count)
        if fits(values)
    ]


def features_of(formula: Formula, model: int) -> int:
    """Return the bits of a model that stand for features."""
    return model & ((1 << formula.feature_count + 1) - 1)


def domains_of(formula: Formula, cars: Sequence[int]) -> tuple[int, int]:
    """Return what some model has, and what some model has not."""
    can = cannot = 0
    for car in cars:
        can |= car
        cannot |= ~car
    everything = (1 << formula.feature_count + 1) - 2
    return can & everything, cannot & everything


def compile_naively(formula: Formula) -> Nnf:
    """Decide one variable after the other, parts without a common variable apart, equal parts once; never smooth."""
    return _Naive().compile(formula)


class _Naive:
    def __init__(self) -> None:
        self.kinds: list[NodeKind] = []
        self.edges: list[tuple[int, int, tuple[int, ...]]] = []
        self.known: dict[frozenset[Clause], int] = {}

    def compile(self, formula: Formula) -> Nnf:
        root = self.new(NodeKind.OR)
        units, rest = _propagated(frozenset(tuple(sorted(set(c))) for c in formula.clauses if not _is_tautology(c)))
        if rest is not None:
            self.edges.append((root, self.parts(rest), units))
        else:
            self.kinds[root] = NodeKind.FALSE
        edges = sorted(self.edges)
        literals = [literal for _, _, asserted in edges for literal in asserted]
        first = np.cumsum([0, *(len(asserted) for _, _, asserted in edges)])
        return Nnf(
            formula.variable_count,
            np.array(self.kinds, dtype=np.int8),
            np.array([source for source, _, _ in edges], dtype=np.int32),
            np.array([target for _, target, _ in edges], dtype=np.int32),
            first.astype(np.int32),
            np.array(literals, dtype=np.int32),
        )

    def new(self, kind: NodeKind) -> int:
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def parts(self, clauses: frozenset[Clause]) -> int:
        if clauses in self.known:
            return self.known[clauses]
        components = list(_components(clauses))
        if not components:
            node = self.new(NodeKind.TRUE)
        elif len(components) == 1:
            node = self.decision(clauses)
        else:
            node = self.new(NodeKind.AND)
            for component in components:
                self.edges.append((node, self.parts(component), ()))
        self.known[clauses] = node
        return node

    def decision(self, clauses: frozenset[Clause]) -> int:
        node = self.new(NodeKind.OR)
        variable = min(abs(literal) for clause in clauses for literal in clause)
        for literal in (variable, -variable):
            units, rest = _propagated(clauses | {(literal,)})
            target = self.new(NodeKind.FALSE) if rest is None else self.parts(rest)
            self.edges.append((node, target, units))
        return node


def _is_tautology(clause: Clause) -> bool:
    return any(-literal in clause for literal in clause)


def _propagated(clauses: frozenset[Clause]) -> tuple[tuple[int, ...], frozenset[Clause] | None]:
    units: list[int] = []
    while unit := next((clause[0] for clause in clauses if len(clause) == 1), None):
        units.append(unit)
        clauses = frozenset(
            tuple(literal for literal in clause if literal != -unit) for clause in clauses if unit not in clause
        )
        if () in clauses:
            return tuple(units), None
    return tuple(units), clauses


def _components(clauses: frozenset[Clause]) -> Iterator[frozenset[Clause]]:
    left = set(clauses)
    while left:
        part = {left.pop()}
        variables = {abs(literal) for clause in part for literal in clause}
        while near := {clause for clause in left if any(abs(literal) in variables for literal in clause)}:
            left -= near
            part |= near
            variables |= {abs(literal) for clause in near for literal in clause}
        yield frozenset(part)
