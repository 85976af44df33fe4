"""Writes "at least, at most so many of these" as clauses, over counters whose values follow from what they count."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from configurator.definitions import FALSE, TRUE, Definitions
from configurator.engine.formula import Clause

PAIRWISE_MAX: Final = 12
"""Up to this many alternatives "at most one" is written pair by pair."""


def bounded(parent: int, members: Sequence[int], low: int, high: int, definitions: Definitions) -> list[Clause]:
    """Say that of a chosen parent's members at least `low` and at most `high` are chosen.

    The members must imply the parent already, as children in a tree do.
    """
    clauses: list[Clause] = []
    if low == 1:
        clauses.append((-parent, *members))
    elif low > 1:
        clauses.append((-parent, -more_than([-member for member in members], len(members) - low, definitions)))
    if high == 1 and len(members) <= PAIRWISE_MAX:
        clauses += [(-one, -other) for one, other in combinations(members, 2)]
    elif high == 0:
        clauses += [(-member,) for member in members]
    elif high < len(members):
        clauses.append((-parent, -more_than(members, high, definitions)))
    return clauses


def more_than(literals: Sequence[int], high: int, definitions: Definitions) -> int:
    """Return a literal that is true exactly where more than `high` of the literals are.

    `counts[k]` means "more than k of the literals so far" (Sinz's sequential counter, CP 2005, in both directions).
    """
    if high < 0:
        return TRUE
    counts: list[int] = []
    for literal in literals:
        before = [*counts, FALSE][: high + 1]
        counts = [definitions.carry(before[k], literal, before[k - 1] if k > 0 else TRUE) for k in range(len(before))]
    return counts[high] if len(counts) > high else FALSE
