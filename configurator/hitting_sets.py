"""The smallest set that meets each of some sets: the inner question of every search for the fewest rules.

A set is an integer whose bits are its elements. The search is bounded in branches, so the answer does not depend on
how busy the machine is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

BRANCHES_MAX: Final = 20_000
"""What an answer may take: some tenths of a second."""


class TooManyBranches(Exception):
    """The smallest set was not found within the bound."""


class HittingSets:
    """Sets that are told one after another; what meets them all only ever gets larger, so no size is tried twice."""

    def __init__(self, *, branches_max: int | None = None) -> None:
        self._left = BRANCHES_MAX if branches_max is None else branches_max
        self._places: dict[int, int] = {}
        self._sets: list[int] = []
        self._size = 0

    def add(self, elements: Iterable[int]) -> None:
        """Take in one more set."""
        bits = 0
        for element in elements:
            bits |= 1 << self._places.setdefault(element, len(self._places))
        self._sets.append(bits)

    def smallest(self) -> list[int]:
        """Return as few elements as possible that meet each set; of several such choices always the same.

        No set may be empty. Raises TooManyBranches.
        """
        assert all(self._sets), "nothing meets an empty set"
        while True:
            found = self._met(self._sets, self._size)
            if found is not None:
                return [element for element, place in self._places.items() if found >> place & 1]
            self._size += 1

    def _met(self, sets: Sequence[int], size: int) -> int | None:
        """Return at most `size` elements that meet each of the sets; None where no so few do."""
        if not sets:
            return 0
        ordered = sorted(sets, key=int.bit_count)
        if _disjoint(ordered) > size:
            return None
        if self._left <= 0:
            raise TooManyBranches
        self._left -= 1
        tried = 0
        for element in sorted(_elements(ordered[0]), key=lambda one: -sum(one & other != 0 for other in ordered)):
            # What was tried before leads nowhere, in whatever company.
            left = [one & ~tried for one in ordered if not one & element]
            if not all(left):
                return None
            found = self._met(left, size - 1)
            if found is not None:
                return found | element
            tried |= element
        return None


def _disjoint(ordered: Sequence[int]) -> int:
    """Count sets that share nothing with each other, the smallest first: each needs an element of its own."""
    seen = count = 0
    for one in ordered:
        if not one & seen:
            seen |= one
            count += 1
    return count


def _elements(bits: int) -> list[int]:
    """Return the sets of one element each that make up a set, in order."""
    found = []
    while bits:
        found.append(bits & -bits)
        bits &= bits - 1
    return found
