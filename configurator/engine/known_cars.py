"""One incremental solver with the cars it has found: most questions about literals are answered by a car at hand.

A car is a bit set over all variables; what is explored are the variables 1..shown. What was asked before changes how
long an answer takes, and never the answer.
"""

from __future__ import annotations

import struct
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from pysat.solvers import Solver

from configurator.engine.bounded import has_model
from configurator.engine.formula import Clause
from configurator.engine.simplified import bits

SOLVER_NAME: Final = "m22"
"""Measured on industrial rule sets: MiniSat 2.2 takes the least time for calls this small, and obeys phases best."""
CARS_MAX: Final = 1_024
_SIGNS: Final = bytes(ord("0") if byte > 127 else ord("1") for byte in range(256))
_INT_BYTES: Final = struct.calcsize("i")
_SIGN_BYTE: Final = _INT_BYTES - 1 if sys.byteorder == "little" else 0


class KnownCars:
    """A solver, the cars it has found so far, and the exploration of what literals still have a car."""

    def __init__(
        self,
        clauses: Iterable[Clause],
        *,
        shown: int,
        guards: Iterable[int] = (),
        cars: Iterable[int] = (),
        cars_max: int = CARS_MAX,
    ) -> None:
        self.all = (1 << (shown + 1)) - 2
        self._solver = Solver(name=SOLVER_NAME, bootstrap_with=clauses)
        self._model: list[int] = []
        self._guards = frozenset(-guard for guard in guards)
        self._cars: deque[int] = deque(cars, maxlen=cars_max)

    def close(self) -> None:
        """Give the solver's memory back."""
        self._solver.delete()

    def solve(self, literals: Sequence[int]) -> int | None:
        """Find a car and remember it; None where there is none, AnswerTooHard where no search decides that."""
        if not has_model(self._solver, literals):
            return None
        self._model = self._solver.get_model()
        car = packed(self._model)
        self._cars.append(car)
        return car

    def core(self) -> frozenset[int]:
        """Return the assumptions that the last failed `solve` could not meet together."""
        return frozenset(self._solver.get_core() or ())

    def implied(self, literals: Sequence[int]) -> list[int] | None:
        """Return what follows from the literals by propagation; None where that is a contradiction."""
        consistent, implied = self._solver.propagate(assumptions=literals)
        return implied if consistent else None

    def meeting(self, literals: Iterable[int]) -> list[int]:
        """Return the known cars that meet the literals.

        A guard that is false asks nothing: a car that meets the guarded rule is a car without it all the same.
        """
        mentioned = wanted = 0
        for literal in literals:
            if literal > 0:
                wanted |= 1 << literal
                mentioned |= 1 << literal
            elif literal not in self._guards:
                mentioned |= 1 << -literal
        return [car for car in self._cars if car & mentioned == wanted]

    def cover(self, literals: list[int], *, can: int, cannot: int) -> tuple[int, int] | None:
        """Return which variables some car that meets the literals has, and has not; None where there is no such car.

        `can` and `cannot` bound the answer from above.
        """
        implied = self.implied(literals)
        if implied is None:
            return None
        cars = self.meeting(literals) or [car for car in (self.solve(literals),) if car is not None]
        if not cars:
            return None
        seen, always = 0, self.all
        for car in cars:
            seen |= car
            always &= car
        for literal in implied:
            if literal > 0:
                cannot &= ~(1 << literal)
            else:
                can &= ~(1 << -literal)
        absent = self.all & ~always
        return self._explored(literals, (seen & self.all, absent), (can & ~seen, cannot & ~absent))

    def _explored(self, literals: list[int], seen: tuple[int, int], unseen: tuple[int, int]) -> tuple[int, int]:
        """Ask for cars with literals not seen yet, until each is seen or proven to have none.

        The solver is told to prefer all that is unseen and to avoid what it has just shown, so each car shows much.
        """
        present, absent = seen
        can, cannot = bits(unseen[0]), bits(unseen[1])
        self._solver.set_phases([*can, *(-variable for variable in cannot)])
        while can or cannot:
            car = self.solve([*literals, can[0] if can else -cannot[0]])
            if car is None:
                del (can or cannot)[0]
                continue
            present |= car & self.all
            absent |= self.all & ~car
            model = self._model
            self._solver.set_phases([-v for v in can if model[v - 1] > 0])
            self._solver.set_phases([v for v in cannot if model[v - 1] < 0])
            can = [v for v in can if model[v - 1] < 0]
            cannot = [v for v in cannot if model[v - 1] > 0]
        return present, absent


def packed(model: Sequence[int]) -> int:
    """Return the true variables of a solver's model as a bit set; it names the variables 1, 2, 3... in order.

    The sign of each number is the highest bit of its last byte (or first), so no loop in Python is needed.
    """
    signs = struct.pack(f"{len(model)}i", *model)[_SIGN_BYTE::_INT_BYTES]
    return int(signs[::-1].translate(_SIGNS), 2) << 1 if signs else 0
