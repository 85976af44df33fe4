"""Asks of many rules, one after another, whether the others imply them and whether they ever fire.

With every rule behind a switch each question would assume ten thousand switches. Here a solver has the rules of one
block behind switches (and those that not every place and day has in force), and all others as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pysat.solvers import Solver

from configurator.clauses import literal_of
from configurator.definitions import Definitions
from configurator.engine.bounded import has_model
from configurator.expressions import Expression
from configurator.rules import RuleBook

SOLVER_NAME: Final = "m22"
"""Measured: so many small questions, of which most have a car, MiniSat 2.2 answers in the least time."""
BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class BlockRules:
    """Some rules of a book and a solver that can leave out any of them."""

    positions: tuple[int, ...]
    probe: BlockProbe


def blocks_of(book: RuleBook, positions: Sequence[int]) -> Iterator[BlockRules]:
    """Yield the rules in blocks; a block's solver is gone once the next one is asked for."""
    for start in range(0, len(positions), BLOCK):
        block = tuple(positions[start : start + BLOCK])
        probe = BlockProbe(book, block)
        try:
            yield BlockRules(block, probe)
        finally:
            probe.close()


class BlockProbe:
    """A solver in which the rules of one block, and all conditional ones, stand behind switches."""

    def __init__(self, book: RuleBook, block: Collection[int]) -> None:
        self._book = book
        self._definitions = Definitions(book.features)
        self._definitions.count = book.variable_count
        self._solver = Solver(name=SOLVER_NAME, bootstrap_with=book.structure)
        self._written = 1
        inside = frozenset(block)
        self._switches: dict[int, int] = {}
        for position, rule in enumerate(book.rules):
            if position in inside or rule.is_conditional:
                self._switches[position] = switch = self._definitions.new()
                for clause in rule.clauses:
                    self._solver.add_clause([*clause, -switch])
            else:
                self._solver.append_formula(rule.clauses)

    def close(self) -> None:
        """Give the solver's memory back."""
        self._solver.delete()

    def literal(self, expression: Expression) -> int:
        """Return a literal that is true exactly where the expression holds."""
        literal = literal_of(expression, self._definitions)
        for clause in self._definitions.clauses[self._written :]:
            self._solver.add_clause(list(clause))
        self._written = len(self._definitions.clauses)
        return literal

    def has_car(self, literal: int, *, without: int, active: Collection[int]) -> bool:
        """Say whether some car that the active rules but one allow has a literal."""
        return has_model(self._solver, [literal, *self._others(without, active)])

    def is_implied(self, position: int, active: Collection[int]) -> bool:
        """Say whether the other active rules allow no car that this one, of the block, forbids."""
        others = self._others(position, active)
        return not any(
            has_model(self._solver, [*(-literal for literal in clause), *others])
            for clause in self._book.rules[position].clauses
        )

    def _others(self, position: int, active: Collection[int]) -> list[int]:
        return [switch for other, switch in self._switches.items() if other != position and other in active]
