"""Finds the rules and choices behind an answer: each rule has a selector, so a core names what is at fault."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from pysat.examples.hitman import Hitman
from pysat.solvers import Solver

from configurator.rules import RuleBook

SOLVER_NAME: Final = "g4"
CONFLICTS_TRIED_MAX: Final = 60


class Explainer:
    """All rules behind selectors in one solver, so that a core names the rules at fault."""

    def __init__(self, book: RuleBook) -> None:
        self.lock = threading.Lock()
        self._first = book.variable_count + 1
        self._solver = Solver(name=SOLVER_NAME, bootstrap_with=book.structure)
        for index, rule in enumerate(book.rules):
            for clause in rule.clauses:
                self._solver.add_clause([*clause, -(self._first + index)])

    def close(self) -> None:
        self._solver.delete()

    def cause(
        self, literals: Iterable[int], active: Iterable[int], wanted: Sequence[int]
    ) -> tuple[frozenset[int], frozenset[int]] | None:
        """Return an irreducible set of literals and rule positions that forbids `wanted`; None where it is allowed."""
        literals = list(literals)
        selectors = [self._first + index for index in active]
        if self._solver.solve(assumptions=[*wanted, *literals, *selectors]):
            return None
        core = self._shrunk([*literals, *selectors], wanted)
        return (
            frozenset(literal for literal in core if abs(literal) < self._first),
            frozenset(literal - self._first for literal in core if abs(literal) >= self._first),
        )

    def _shrunk(self, candidates: Sequence[int], wanted: Sequence[int]) -> list[int]:
        """Take away one candidate after another while the contradiction stays (deletion, with core refinement)."""
        core = self._core_of(candidates)
        needed: list[int] = []
        while core:
            tried = core.pop(0)
            if self._solver.solve(assumptions=[*wanted, *needed, *core]):
                needed.append(tried)
            else:
                core = self._core_of(core)
        return needed

    def _core_of(self, candidates: Sequence[int]) -> list[int]:
        found = set(self._solver.get_core() or ())
        return [literal for literal in candidates if literal in found]

    def smallest(self, active: Iterable[int], wanted: int) -> list[int]:
        """Return the fewest rule positions that forbid `wanted` (implicit hitting sets; Ignatiev and others, CP 2015).

        Past `CONFLICTS_TRIED_MAX` rounds an irreducible set is returned, which may not be the fewest.
        """
        selectors = [self._first + index for index in active]
        if self._solver.solve(assumptions=[wanted, *selectors]):
            return []
        irreducible = self._shrunk(selectors, [wanted])
        found = self._fewest(selectors, wanted) or irreducible
        return [selector - self._first for selector in found]

    def _fewest(self, selectors: Sequence[int], wanted: int) -> list[int] | None:
        with Hitman(solver=SOLVER_NAME, htype="sorted") as hitman:
            for _ in range(CONFLICTS_TRIED_MAX):
                guess = hitman.get()
                if guess is None or not self._solver.solve(assumptions=[wanted, *guess]):
                    return list(guess) if guess else None
                hitman.hit(self._left_out(selectors, [wanted, *guess]))
        return None

    def _left_out(self, selectors: Sequence[int], kept: list[int]) -> list[int]:
        """Extend a consistent set of rules as far as it goes and return what stays out."""
        left_out = []
        for selector in selectors:
            if not self._solver.solve(assumptions=[*kept, selector]):
                left_out.append(selector)
            else:
                kept.append(selector)
        return left_out
