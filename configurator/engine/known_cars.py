"""One incremental solver with the cars it has found: most questions about literals are answered by a car at hand.

A car is a bit set over all variables; what is explored are the variables 1..shown. What was asked before changes how
long an answer takes, and never the answer.
"""

from __future__ import annotations

import struct
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from pysat.solvers import Solver

from configurator.engine.bounded import has_model, is_found
from configurator.engine.clashes import Clashes, Company, Pair
from configurator.engine.formula import Clause

SOLVER_NAME: Final = "m22"
"""Measured on industrial rule sets: MiniSat 2.2 takes the least time for calls this small, and obeys phases best."""
CARS_MAX: Final = 4_096
CARS_BYTES_MAX: Final = 2_000_000
"""Of a large formula so many cars are kept that they take no more, but some hundred at least."""
CARS_LEAST: Final = 512
PREPARED_MAX: Final = 2_000
"""Of so many variables it is found out beforehand what excludes what: a hundredth of a second or two."""
TOGETHER_CONFLICTS_MAX: Final = 1_000
"""Many literals at once are given up after so many: half of them are asked for then."""
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
        self._clashes = Clashes(self.implied)
        if shown <= PREPARED_MAX:
            for variable in range(1, shown + 1):
                self._clashes.beside(variable)
                self._clashes.beside(-variable)
        self._guards = frozenset(-guard for guard in guards)
        many = max(CARS_LEAST, CARS_BYTES_MAX // sys.getsizeof(self.all))
        self._cars: deque[int] = deque(cars, maxlen=min(cars_max, many))

    def close(self) -> None:
        """Give the solver's memory back."""
        self._solver.delete()

    def solve(self, literals: Sequence[int]) -> int | None:
        """Find a car and remember it; None where there is none, AnswerTooHard where no search decides that."""
        return self._noted() if has_model(self._solver, literals) else None

    def _noted(self) -> int:
        """Return the car that the solver has just found, and remember it."""
        car = packed(self._solver.get_model())
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

    def cover(self, literals: list[int], *, can: int, cannot: int) -> Pair | None:
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

    def _explored(self, literals: list[int], seen: Pair, unseen: Pair) -> Pair:
        """Ask for cars with literals not seen yet, until each is seen or proven to have none.

        Each car is asked for as many of them as are not known to exclude each other.
        """
        present, absent = seen
        can, cannot = unseen
        company = Company(self._clashes)
        while can or cannot:
            wanted = company.chosen(can, cannot)
            if self._has_car_of(literals, wanted, company):
                car = self._noted()
                present |= car
                absent |= ~car
                can &= ~car
                cannot &= car
            elif wanted[0] > 0:
                can &= ~(1 << wanted[0])
            else:
                cannot &= ~(1 << -wanted[0])
        return present & self.all, absent & self.all

    def _has_car_of(self, literals: list[int], wanted: list[int], company: Company) -> bool:
        """Say whether some car has the wanted literals, of which those are taken out that it cannot have together.

        If it is false, a single one is left.
        """
        while len(wanted) > 1:
            found = is_found(self._solver, [*literals, *wanted], TOGETHER_CONFLICTS_MAX)
            if found:
                return True
            if found is None:
                del wanted[len(wanted) // 2 :]
                continue
            core = self.core()
            excluded = [literal for literal in wanted if literal in core]
            if len(excluded) == 1:
                wanted[:] = excluded
                return False
            company.learn(core, excluded)
            wanted.remove(excluded[-1])
        return has_model(self._solver, [*literals, *wanted])


@lru_cache(16)
def _integers(count: int) -> struct.Struct:
    return struct.Struct(f"{count}i")


def packed(model: Sequence[int]) -> int:
    """Return the true variables of a solver's model as a bit set; it names the variables 1, 2, 3... in order.

    The sign of each number is the highest bit of its last byte (or first), so no loop in Python is needed.
    """
    signs = _integers(len(model)).pack(*model)[_SIGN_BYTE::_INT_BYTES]
    return int(signs[::-1].translate(_SIGNS), 2) << 1 if signs else 0
