"""Which literals exclude each other, as far as a solver has shown it, and sets of literals that do not.

A car shows only what can be in one car. Asked for many literals at once that do not clash, a solver finds a car that
has them all, or says at once which of them it cannot have together: that takes a sixth of the cars.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeAlias

Pair: TypeAlias = tuple[int, int]
"""Bit sets of variables: those that cannot be true, and those that cannot be false."""
NOTHING: Final[Pair] = (0, 0)


class Clashes:
    """What is known of one formula: it holds whatever is decided, and only ever grows."""

    def __init__(self, implied: Callable[[Sequence[int]], list[int] | None]) -> None:
        self._implied = implied
        self._asked: set[int] = set()
        self._beside: dict[int, Pair] = {}

    def beside(self, literal: int) -> Pair:
        """Return what cannot be beside a literal; what propagation says of it is sought when it is first asked for."""
        if literal not in self._asked:
            self._asked.add(literal)
            for other in self._implied([literal]) or ():
                if other != literal:
                    self.exclude(literal, -other)
        return self._beside.get(literal, NOTHING)

    def exclude(self, one: int, other: int) -> None:
        """Note that no car has both literals."""
        _note(self._beside, one, other)
        _note(self._beside, other, one)


class Company:
    """What can stand together after some decisions: the formula's clashes, and those that were found there."""

    def __init__(self, clashes: Clashes) -> None:
        self._clashes = clashes
        self._here: dict[int, Pair] = {}

    def learn(self, core: Collection[int], wanted: Sequence[int]) -> None:
        """Note that no car has all literals of a core, where two of them are wanted and the others decided.

        Of three that are wanted nothing is noted: to look for such threes took longer than to ask the solver again.
        """
        if len(wanted) != 2:
            return
        one, other = wanted
        if len(core) == 2:
            self._clashes.exclude(one, other)
        else:
            _note(self._here, one, other)
            _note(self._here, other, one)

    def chosen(self, can: int, cannot: int) -> list[int]:
        """Choose literals that do not clash: variables of `can`, then the opposite of variables of `cannot`."""
        beside, here = self._clashes.beside, self._here
        chosen = []
        while can or cannot:
            lowest = can & -can or cannot & -cannot
            literal = lowest.bit_length() - 1 if can else 1 - lowest.bit_length()
            chosen.append(literal)
            not_true, not_false = beside(literal)
            can &= ~(not_true | lowest)
            cannot &= ~(not_false | lowest)
            if literal in here:
                not_true, not_false = here[literal]
                can &= ~not_true
                cannot &= ~not_false
        return chosen


def _note(known: dict[int, Pair], literal: int, other: int) -> None:
    not_true, not_false = known.get(literal, NOTHING)
    known[literal] = (not_true | 1 << other, not_false) if other > 0 else (not_true, not_false | 1 << -other)
