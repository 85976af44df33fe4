"""What all cars have alike, found by few calls of SAT, with the cars that show what they do not have alike.

Features and guards are looked at. Helpers follow from them, and a counter of a large group has tens of thousands, for
most of which a car of its own would have to be found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from pysat.solvers import Solver

from configurator.engine.bounded import has_model
from configurator.engine.formula import Formula
from configurator.engine.known_cars import SOLVER_NAME, packed
from configurator.engine.simplified import bits, propagated


@dataclass(frozen=True)
class Overview:
    """`always` holds the literals of features and guards that are true in every car, and what follows by propagation.

    The cars are bit sets over all variables.
    """

    always: frozenset[int]
    cars: tuple[int, ...]


def overview(formula: Formula, *, cars_max: int) -> Overview | None:
    """Find out what every car has, exactly, and return some of the cars seen on the way; None where there is no car.

    Each call asks for a car that has the opposite of anything that all cars so far had alike, and prefers all of it.
    So the last call proves at once what always holds, where asking literal by literal would take thousands.
    """
    with Solver(name=SOLVER_NAME, bootstrap_with=formula.clauses) as solver:
        search = _Search(solver, formula, cars_max)
        # First those that meet every guarded rule: they are cars in each context.
        for assumed in dict.fromkeys((formula.guards, ())):
            search.exhaust(assumed)
        if not search.cars:
            return None
        true, false = search.alike
        alike = [*bits(true), *(-variable for variable in bits(false))]
        always = propagated([*formula.clauses, *((literal,) for literal in alike)])
        assert always is not None, "what some car has does not contradict itself"
        return Overview(always, tuple(search.cars))


class _Search:
    """The solver, the cars seen, and which features and guards all of them have, and lack."""

    def __init__(self, solver: Solver, formula: Formula, cars_max: int) -> None:
        self._solver = solver
        self._all = (1 << (formula.variable_count + 1)) - 2
        self._selector = formula.variable_count
        looked_at = (1 << (formula.feature_count + 1)) - 2
        for guard in formula.guards:
            looked_at |= 1 << guard
        self.alike = (looked_at, looked_at)
        self.cars: deque[int] = deque(maxlen=cars_max)

    def exhaust(self, assumed: Sequence[int]) -> None:
        """Look for cars that meet the literals until none of them differs any more in what all have alike."""
        if not self.cars and self._next_car(assumed) is None:
            return
        while True:
            true, false = self.alike
            opposite = [*(-variable for variable in bits(true)), *bits(false)]
            self._solver.set_phases(opposite)
            self._selector += 1
            self._solver.add_clause([-self._selector, *opposite])
            if self._next_car([self._selector, *assumed]) is None:
                return
            self._solver.add_clause([-self._selector])

    def _next_car(self, assumed: Sequence[int]) -> int | None:
        if not has_model(self._solver, assumed):
            return None
        car = packed(self._solver.get_model()) & self._all
        self.cars.append(car)
        self.alike = (self.alike[0] & car, self.alike[1] & ~car)
        return car
