"""Asks a SAT solver within bounds: what no search of this length decides is refused, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pysat.solvers import Solver

from configurator.errors import AnswerTooHard
from kernel.reasons import because

CONFLICTS_MAX: Final = 30_000
"""Industrial rules take some thousand a question; so many take a solver from one second to ten.

Glucose looks at its bound only where it starts anew, so it goes over it by some hundred.
"""


def has_model(solver: Solver, assumptions: Sequence[int]) -> bool:
    """Say whether the clauses have a model with these literals, or refuse with AnswerTooHard."""
    return _decided(solver, assumptions, CONFLICTS_MAX)


def is_found(solver: Solver, assumptions: Sequence[int], conflicts_max: int) -> bool | None:
    """Say whether the clauses have a model with these literals; None where so many conflicts do not decide that.

    The interpreter's lock is let go of meanwhile: a hard question holds up nobody who asks other rules.
    """
    # A budget of less than one would be none to the solver.
    solver.conf_budget(max(1, conflicts_max))
    found: bool | None = solver.solve_limited(assumptions=assumptions, expect_interrupt=True)
    return found


class Inquiry:
    """Questions that make up one answer: all of them together may cost what a single one may."""

    def __init__(self) -> None:
        self._left = CONFLICTS_MAX

    def has_model(self, solver: Solver, assumptions: Sequence[int]) -> bool:
        """Say whether the clauses have a model with these literals, or refuse with AnswerTooHard."""
        before = _conflicts(solver)
        try:
            return _decided(solver, assumptions, self._left)
        finally:
            self._left -= _conflicts(solver) - before


def _decided(solver: Solver, assumptions: Sequence[int], conflicts_max: int) -> bool:
    found = is_found(solver, assumptions, conflicts_max)
    if found is None:
        raise AnswerTooHard(because("CARS_TOO_HARD"))
    return found


def _conflicts(solver: Solver) -> int:
    found: int = solver.accum_stats()["conflicts"]
    return found
