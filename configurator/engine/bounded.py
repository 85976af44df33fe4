"""Asks a SAT solver within bounds: what no search of this length decides is refused, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pysat.solvers import Solver

from configurator.errors import AnswerTooHard
from kernel.reasons import because

CONFLICTS_MAX: Final = 200_000
"""Industrial rules take some thousand a question; so many take a solver from ten seconds to a minute."""


def has_model(solver: Solver, assumptions: Sequence[int]) -> bool:
    """Say whether the clauses have a model with these literals, or refuse with AnswerTooHard."""
    solver.conf_budget(CONFLICTS_MAX)
    found: bool | None = solver.solve_limited(assumptions=assumptions)
    if found is None:
        raise AnswerTooHard(because("CARS_TOO_HARD"))
    return found
