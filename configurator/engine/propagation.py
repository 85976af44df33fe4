"""Unit propagation with reasons, over the cone of what is asked only: which clauses make a contradiction.

Most of what is excluded on real rule sets follows by propagation alone, and then a handful of clauses is at fault.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from configurator.engine.formula import Clause

ASSUMED: Final = -1


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Literals that were assumed and clauses (by their position) that together cannot hold."""

    assumed: frozenset[int]
    clauses: frozenset[int]


class _Clash(Exception):
    """A literal, or a clause, was found false."""

    def __init__(self, literals: Iterable[int], clause: int) -> None:
        self.literals = tuple(literals)
        self.clause = clause


class Propagation:
    """The clauses of one formula, ready to propagate; immutable once made, so threads may share it."""

    def __init__(self, clauses: Sequence[Clause], variable_count: int) -> None:
        self._clauses = clauses
        self._places = variable_count + 1
        # The clauses in which a literal's negation stands: at[literal] also for negative ones, from the list's end.
        self._at: list[list[int]] = [[] for _ in range(2 * variable_count + 1)]
        for position, clause in enumerate(clauses):
            for literal in clause:
                self._at[-literal].append(position)
        self._reason = array("i", [0]) * (2 * variable_count + 1)
        self._left = array("H", [min(len(clause), 65_535) for clause in clauses])
        self.is_contradictory = self._decide_units()

    def _decide_units(self) -> bool:
        """Propagate what follows from nothing, once; say whether that is a contradiction."""
        try:
            for position, clause in enumerate(self._clauses):
                if not clause:
                    raise _Clash((), position)
                if len(clause) == 1:
                    self._assign(clause[0], position + 1, self._reason, self._left, [])
        except _Clash:
            return True
        return False

    def contradiction(self, assumed: Sequence[int]) -> Contradiction | None:
        """Return why the literals cannot hold together; None where propagation alone does not show it.

        Literals given earlier are taken first, so put those first that should stand in the reason.
        """
        if self.is_contradictory:
            return self._unassumed()
        reason, left = self._reason[:], self._left[:]
        trail: list[int] = []
        try:
            for literal in assumed:
                self._assign(literal, ASSUMED, reason, left, trail)
        except _Clash as clash:
            return self._traced(clash, reason)
        return None

    def _unassumed(self) -> Contradiction:
        """Repeat the contradiction that is there without any assumption."""
        reason = array("i", [0]) * len(self._reason)
        left = array("H", [min(len(clause), 65_535) for clause in self._clauses])
        try:
            for position, clause in enumerate(self._clauses):
                if not clause:
                    return Contradiction(frozenset(), frozenset((position,)))
                if len(clause) == 1:
                    self._assign(clause[0], position + 1, reason, left, [])
        except _Clash as clash:
            return self._traced(clash, reason)
        raise AssertionError("it was contradictory before")

    def _assign(self, literal: int, because: int, reason: array[int], left: array[int], trail: list[int]) -> None:
        """Make a literal true and everything that follows; raises _Clash. Breadth first, so reasons stay short.

        `reason[literal]` is 0 where the literal is not true, ASSUMED, or the position of its clause plus one.
        """
        if reason[literal]:
            return
        if reason[-literal]:
            raise _Clash((literal, -literal) if because == ASSUMED else (-literal,), because - 1)
        reason[literal] = because
        trail.append(literal)
        clauses, at = self._clauses, self._at
        place = len(trail) - 1
        while place < len(trail):
            for position in at[trail[place]]:
                left[position] -= 1
                if left[position] > 1:
                    continue
                unit = 0
                for other in clauses[position]:
                    if not reason[-other]:
                        unit = other
                        break
                if not unit:
                    raise _Clash((-one for one in clauses[position]), position)
                if not reason[unit]:
                    reason[unit] = position + 1
                    trail.append(unit)
            place += 1

    def _traced(self, clash: _Clash, reason: array[int]) -> Contradiction:
        """Walk back from the clash to what was assumed."""
        assumed: set[int] = set()
        clauses = {clash.clause} if clash.clause >= 0 else set()
        seen = set(clash.literals)
        stack = list(clash.literals)
        while stack:
            literal = stack.pop()
            because = reason[literal]
            if because > 0:
                clauses.add(because - 1)
                for other in self._clauses[because - 1]:
                    if other != literal and -other not in seen:
                        seen.add(-other)
                        stack.append(-other)
            else:
                # Assumed, or the assumption that clashed at once with what was known.
                assumed.add(literal)
        return Contradiction(frozenset(assumed), frozenset(clauses))
