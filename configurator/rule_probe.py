"""Asks what single rules do: each stands behind a switch in one SAT solver, so any set of them can be in force.

`smallest_conflict` follows implicit hitting sets (Ignatiev and others, CP 2015), the rest is one call or a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pysat.examples.hitman import Hitman
from pysat.solvers import Solver

from configurator.clauses import literal_of
from configurator.definitions import Definitions
from configurator.engine.bounded import has_model
from configurator.expressions import Expression
from configurator.rules import RuleBook

SOLVER_NAME: Final = "g4"
CONFLICTS_TRIED_MAX: Final = 60


class RuleProbe:
    """The rules of a book behind switches. Positions are those in `book.rules`; not for several threads at once."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._definitions = Definitions(book.features)
        self._definitions.count = book.variable_count
        self._solver = Solver(name=SOLVER_NAME, bootstrap_with=book.structure)
        self._switches = [self._definitions.new() for _ in book.rules]
        self._positions = {switch: position for position, switch in enumerate(self._switches)}
        self._written = 1
        for switch, rule in zip(self._switches, book.rules, strict=True):
            for clause in rule.clauses:
                self._solver.add_clause([*clause, -switch])

    def close(self) -> None:
        """Give the solver's memory back."""
        self._solver.delete()

    def has_car(self, active: Iterable[int], literals: Sequence[int] = ()) -> bool:
        """Say whether some car meets these rules and literals."""
        return has_model(self._solver, [*literals, *self._on(active)])

    def literal(self, expression: Expression) -> int:
        """Return a literal that is true exactly where the expression holds."""
        literal = literal_of(expression, self._definitions)
        for clause in self._definitions.clauses[self._written :]:
            self._solver.add_clause(list(clause))
        self._written = len(self._definitions.clauses)
        return literal

    def implied_by(self, position: int, active: Iterable[int]) -> tuple[int, ...]:
        """Return an irreducible choice of other rules from which this one follows; they are in force with it."""
        others = self._on(other for other in active if other != position)
        found: dict[int, None] = {}
        for clause in self._book.rules[position].clauses:
            forbidden = [-literal for literal in clause]
            known = [switch for switch in others if switch in found]
            if self._solver.solve(assumptions=[*forbidden, *known]):
                found |= dict.fromkeys(self._shrunk(others, forbidden))
        return tuple(sorted(self._positions[switch] for switch in found))

    def smallest_conflict(self, active: Iterable[int], literals: Sequence[int]) -> tuple[int, ...]:
        """Return the fewest rules that together forbid the literals; empty where they are allowed, or by the tree.

        Past `CONFLICTS_TRIED_MAX` rounds an irreducible set is returned, which may not be the fewest.
        """
        switches = self._on(active)
        if self._solver.solve(assumptions=[*literals, *switches]):
            return ()
        found = self._fewest(switches, literals) or self._shrunk(switches, literals)
        return tuple(sorted(self._positions[switch] for switch in found))

    def _on(self, positions: Iterable[int]) -> list[int]:
        return [self._switches[position] for position in positions]

    def _shrunk(self, switches: Sequence[int], literals: Sequence[int]) -> list[int]:
        """Take one switch after another away while the contradiction stays (deletion, with core refinement)."""
        assert not self._solver.solve(assumptions=[*literals, *switches])
        core = self._core_of(switches)
        needed: list[int] = []
        while core:
            tried = core.pop(0)
            if self._solver.solve(assumptions=[*literals, *needed, *core]):
                needed.append(tried)
            else:
                core = self._core_of(core)
        return needed

    def _core_of(self, switches: Sequence[int]) -> list[int]:
        found = set(self._solver.get_core() or ())
        return [switch for switch in switches if switch in found]

    def _fewest(self, switches: Sequence[int], literals: Sequence[int]) -> list[int] | None:
        with Hitman(solver=SOLVER_NAME, htype="sorted") as hitman:
            for _ in range(CONFLICTS_TRIED_MAX):
                guess = hitman.get()
                if guess is None or not self._solver.solve(assumptions=[*literals, *guess]):
                    return list(guess) if guess else None
                hitman.hit(self._left_out(switches, [*literals, *guess]))
        return None

    def _left_out(self, switches: Sequence[int], kept: list[int]) -> list[int]:
        """Extend a consistent set of rules, just found so by the solver, as far as it goes; return what stays out.

        Rules that the solver's car happens to meet come in together, so most need no question of their own.
        """
        left_out: list[int] = []
        waiting = list(switches)
        while waiting:
            car = frozenset(self._solver.get_model() or ())
            met = {switch for switch in waiting if self._is_met(switch, car)}
            kept += sorted(met)
            waiting = [switch for switch in waiting if switch not in met]
            while waiting:
                switch = waiting.pop(0)
                if self._solver.solve(assumptions=[*kept, switch]):
                    kept.append(switch)
                    break
                left_out.append(switch)
        return left_out

    def _is_met(self, switch: int, car: frozenset[int]) -> bool:
        return not any(car.isdisjoint(clause) for clause in self._book.rules[self._positions[switch]].clauses)
