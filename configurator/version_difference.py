"""Which cars only one of two versions allows: counted exactly where a circuit can, and a car of each kind as witness.

A car is the set of features that a buyer knows by name; one that the other version does not know it has not. All other
features follow from those: where the tree of a version does not show that they do, they tell cars apart as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pysat.solvers import Solver

from configurator.engine.backend import Backend
from configurator.engine.bounded import has_model
from configurator.engine.formula import Clause, Formula
from configurator.feature_tree import GroupKind
from configurator.model import Context
from configurator.report_subject import Subject

BackendMaker: TypeAlias = Callable[[Formula], Backend]


@dataclass(frozen=True, slots=True)
class OneSided:
    """Cars that only one version allows: how many (None: not counted), and one of them (None: there is none)."""

    cars: int | None
    witness: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class CarDifference:
    """What becomes of cars in one context from one version to the next."""

    context: Context
    gone: OneSided
    new: OneSided
    kept: int | None
    """Cars that both allow; None where they were not counted."""


def compare_cars(old: Subject, new: Subject, context: Context, make_backend: BackendMaker) -> CarDifference:
    """Compare two versions in one context."""
    return VersionPair(old, new, make_backend).compare(context)


class VersionPair:
    """Two versions over one numbering: the named features first, then what else each of them has.

    Contexts are assumptions, so what is compiled serves all of them: each version alone, and what both allow.
    """

    def __init__(self, old: Subject, new: Subject, make_backend: BackendMaker) -> None:
        self._subjects = (old, new)
        self._make_backend = make_backend
        self._compiled: dict[tuple[int, ...], tuple[Backend, dict[int, int]]] = {}
        self._names = list(dict.fromkeys([*_compared(old), *_compared(new)]))
        named = [frozenset(self._names) & frozenset(subject.book.features) for subject in self._subjects]
        shared = {name: number for number, name in enumerate(self._names, start=1)}
        self._count = len(shared)
        self._numbers: list[dict[int, int]] = []
        self._absent: list[list[int]] = []
        for subject, own in zip(self._subjects, named, strict=True):
            numbers = {}
            for variable in range(1, subject.book.variable_count + 1):
                name = subject.book.features[variable - 1] if variable <= len(subject.book.features) else None
                if name is not None and name in own:
                    numbers[variable] = shared[name]
                else:
                    self._count += 1
                    numbers[variable] = self._count
            self._numbers.append(numbers)
            self._absent.append([-shared[name] for name in self._names if name not in own])
        self._clauses = [
            [
                *self._renumbered_all(side, subject.book.formula.clauses),
                *((literal,) for literal in self._absent[side]),
            ]
            for side, subject in enumerate(self._subjects)
        ]

    def compare(self, context: Context) -> CarDifference:
        """Compare in one context. Where neither version has a car of its own, one count is enough."""
        gone, added = self.witness(0, context), self.witness(1, context)
        before = self._counted((0,), context)
        after = before if gone is None and added is None else self._counted((1,), context)
        both = before if gone is None else after if added is None else self._counted((0, 1), context)
        return CarDifference(context, _side(gone, before, both), _side(added, after, both), both)

    def _counted(self, sides: tuple[int, ...], context: Context) -> int | None:
        """Count the cars that a version, or both, allow; None where they are not counted."""
        if sides not in self._compiled:
            self._compiled[sides] = self._compile(sides)
        backend, number = self._compiled[sides]
        literals = [literal for side in sides for (literal,) in self._in_context(side, context)]
        return backend.count([number[one] if one > 0 else -number[-one] for one in literals])

    def _compile(self, sides: tuple[int, ...]) -> tuple[Backend, dict[int, int]]:
        """Compile what the sides allow over the names and their own variables, whose values follow from the names."""
        used = {*range(1, len(self._names) + 1), *(one for side in sides for one in self._numbers[side].values())}
        number = {variable: place for place, variable in enumerate(sorted(used), start=1)}
        clauses = tuple(
            tuple(number[one] if one > 0 else -number[-one] for one in clause)
            for side in sides
            for clause in self._clauses[side]
        )
        return self._make_backend(Formula(len(number), len(number), clauses, ())), number

    def _in_context(self, side: int, context: Context) -> list[tuple[int]]:
        """Return what a context decides, each as a clause of one literal."""
        numbers = self._numbers[side]
        literals = self._subjects[side].book.context_literals(context)
        return [(numbers[literal] if literal > 0 else -numbers[-literal],) for literal in literals]

    def _renumbered_all(self, side: int, clauses: Iterable[Clause]) -> list[Clause]:
        numbers = self._numbers[side]
        return [tuple(numbers[literal] if literal > 0 else -numbers[-literal] for literal in c) for c in clauses]

    def witness(self, side: int, context: Context) -> frozenset[str] | None:
        """Find a car of one version that the other does not allow; None where there is none."""
        definitions, demands = self._split(1 - side, context)
        whole = [*self._clauses[side], *self._in_context(side, context)]
        with Solver(name="g4", bootstrap_with=[*whole, *definitions]) as solver:
            switches = []
            for number, clause in enumerate(demands, start=self._count + 1):
                switches.append(number)
                for literal in clause:
                    solver.add_clause([-number, -literal])
            solver.add_clause(switches)
            if not has_model(solver, ()):
                return None
            return frozenset(self._names[one - 1] for one in solver.get_model() if 0 < one <= len(self._names))

    def _split(self, side: int, context: Context) -> tuple[list[Clause], list[Clause]]:
        """Part a version's clauses into those that only say what a variable is, and those that ask something of cars.

        The value of what is not named is defined anew from the tree, so that a car of the other version has one.
        """
        subject = self._subjects[side]
        count = len(subject.book.features)
        helper = [c for c in subject.book.structure if len(c) > 1 and any(abs(one) > count for one in c)]
        defined = [clause for clauses in _defined(subject, frozenset(self._names)).values() for clause in clauses]
        fixed = self._renumbered_all(side, [*helper, *defined])
        known = set(fixed)
        guards = {self._numbers[side][guard] for guard in subject.book.formula.guards}
        in_context: list[Clause] = [*self._in_context(side, context)]
        settled = [clause for clause in in_context if abs(clause[0]) in guards]
        asked = [*self._clauses[side], *(clause for clause in in_context if abs(clause[0]) not in guards)]
        return [*fixed, *settled], [clause for clause in asked if clause not in known]


def _side(witness: frozenset[str] | None, own: int | None, both: int | None) -> OneSided:
    if witness is None:
        return OneSided(0, None)
    return OneSided(None if own is None or both is None else own - both, witness)


def _compared(subject: Subject) -> list[str]:
    """Return what tells a version's cars apart: the named features, and those that do not follow from them."""
    named = frozenset(subject.named)
    defined = _defined(subject, named)
    return [name for name in subject.book.features if name in named or name not in defined]


def _defined(subject: Subject, named: frozenset[str]) -> dict[str, list[Clause]]:
    """Return of each other feature that follows from the tree the clauses that say how, in both directions.

    First from below (a group of which at least one is chosen), then from above, so no two follow from each other.
    """
    variables = subject.book.variables
    defined: dict[str, list[Clause]] = {}
    if subject.groups and subject.root not in named:
        defined[subject.root] = [(variables[subject.root],)]
    for group in reversed(subject.groups):
        known = all(member in named or member in defined for member in group.members)
        if group.low > 0 and known and group.parent not in named and group.parent not in defined:
            parent, members = variables[group.parent], [variables[member] for member in group.members]
            defined[group.parent] = [(-parent, *members), *((-member, parent) for member in members)]
    for group in subject.groups:
        above = group.parent in named or group.parent in defined
        for member in group.members if group.kind is GroupKind.MANDATORY and above else ():
            if member not in named and member not in defined:
                pair = variables[group.parent], variables[member]
                defined[member] = [(-pair[0], pair[1]), (-pair[1], pair[0])]
    return defined
