"""Asks what single rules do: each stands behind a switch in one SAT solver, so any set of them can be in force.

`smallest_conflict` follows implicit hitting sets (Ignatiev and others, CP 2015), the rest is one call or a few. Every
answer is bounded in conflicts, however many calls it takes; beyond that it is refused with AnswerTooHard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pysat.solvers import Solver

from configurator.clauses import literal_of
from configurator.definitions import Definitions
from configurator.engine.bounded import Inquiry
from configurator.errors import AnswerTooHard
from configurator.expressions import Expression
from configurator.hitting_sets import HittingSets, TooManyBranches
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
        return Inquiry().has_model(self._solver, [*literals, *self._on(active)])

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
        inquiry = Inquiry()
        for clause in self._book.rules[position].clauses:
            forbidden = [-literal for literal in clause]
            known = [switch for switch in others if switch in found]
            if inquiry.has_model(self._solver, [*forbidden, *known]):
                found |= dict.fromkeys(self._shrunk(others, forbidden, inquiry))
        return tuple(sorted(self._positions[switch] for switch in found))

    def smallest_conflict(self, active: Iterable[int], literals: Sequence[int]) -> tuple[int, ...]:
        """Return the fewest rules that together forbid the literals; empty where they are allowed, or by the tree.

        Where the fewest are not found within bounds, an irreducible set is returned, which may not be the fewest.
        """
        switches = self._on(active)
        inquiry = Inquiry()
        if inquiry.has_model(self._solver, [*literals, *switches]):
            return ()
        try:
            found = self._fewest(switches, literals, inquiry)
        except (AnswerTooHard, TooManyBranches):
            found = None
        if found is None:
            found = self._shrunk(switches, literals, Inquiry())
        return tuple(sorted(self._positions[switch] for switch in found))

    def _on(self, positions: Iterable[int]) -> list[int]:
        return [self._switches[position] for position in positions]

    def _shrunk(self, switches: Sequence[int], literals: Sequence[int], inquiry: Inquiry) -> list[int]:
        """Take one switch after another away while the contradiction stays (deletion, with core refinement)."""
        is_allowed = inquiry.has_model(self._solver, [*literals, *switches])
        assert not is_allowed, "only what is forbidden has a reason"
        core = self._core_of(switches)
        needed: list[int] = []
        while core:
            tried = core.pop(0)
            if inquiry.has_model(self._solver, [*literals, *needed, *core]):
                needed.append(tried)
            else:
                core = self._core_of(core)
        return needed

    def _core_of(self, switches: Sequence[int]) -> list[int]:
        found = set(self._solver.get_core() or ())
        return [switch for switch in switches if switch in found]

    def _fewest(self, switches: Sequence[int], literals: Sequence[int], inquiry: Inquiry) -> list[int] | None:
        """Return the fewest switches; None where `CONFLICTS_TRIED_MAX` rounds did not find them."""
        conflicts = HittingSets()
        for _ in range(CONFLICTS_TRIED_MAX):
            guess = conflicts.smallest()
            if not inquiry.has_model(self._solver, [*literals, *guess]):
                return guess
            conflicts.add(self._left_out(switches, [*literals, *guess], inquiry))
        return None

    def _left_out(self, switches: Sequence[int], kept: list[int], inquiry: Inquiry) -> list[int]:
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
                if inquiry.has_model(self._solver, [*kept, switch]):
                    kept.append(switch)
                    break
                left_out.append(switch)
        return left_out

    def _is_met(self, switch: int, car: frozenset[int]) -> bool:
        return not any(car.isdisjoint(clause) for clause in self._book.rules[self._positions[switch]].clauses)
