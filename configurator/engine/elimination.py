"""Finds in which order a compiler best decides: from a tree decomposition, those variables first that part the rest.

The decomposition comes from eliminating variables, always one with the fewest neighbours. Its bags form a tree; the bag
in the middle is decided first, which leaves trees of at most half the size, and so on down.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence


def ranks(variable_count: int, clauses: Iterable[Sequence[int]]) -> list[int]:
    """Return for each variable (from 0) when it is to be decided: the smaller the number, the earlier.

    The clauses hold variables' numbers (from 0), without signs.
    """
    bags, parents = _decomposed(variable_count, clauses)
    return _levels(bags, parents)


def _decomposed(variable_count: int, clauses: Iterable[Sequence[int]]) -> tuple[list[list[int]], list[int]]:
    """Eliminate all variables; return by variable its bag and the variable whose bag stands above, or -1."""
    elements: list[set[int] | None] = [set(clause) for clause in clauses]
    of_variable: list[set[int]] = [set() for _ in range(variable_count)]
    for number, element in enumerate(elements):
        for variable in element or ():
            of_variable[variable].add(number)
    degrees = [0] * variable_count

    def neighbours(variable: int) -> set[int]:
        return set().union(*(elements[number] or () for number in of_variable[variable]))

    heap = []
    for variable in range(variable_count):
        degrees[variable] = len(neighbours(variable))
        heap.append((degrees[variable], variable))
    heapq.heapify(heap)
    bags: list[list[int]] = [[] for _ in range(variable_count)]
    when = [-1] * variable_count
    order: list[int] = []
    while heap:
        degree, variable = heapq.heappop(heap)
        if when[variable] >= 0 or degree != degrees[variable]:
            continue
        joined = neighbours(variable)
        joined.discard(variable)
        when[variable] = len(order)
        order.append(variable)
        bags[variable] = [variable, *joined]
        gone = of_variable[variable]
        number = len(elements)
        elements.append(joined)
        for other in joined:
            of_variable[other] -= gone
            of_variable[other].add(number)
        for old in gone:
            elements[old] = None
        for other in joined:
            if len(of_variable[other]) > 1:
                degrees[other] = len(neighbours(other))
            else:
                degrees[other] = len(joined)
            heapq.heappush(heap, (degrees[other], other))
    parents = [min(bag[1:], key=when.__getitem__, default=-1) for bag in bags]
    return bags, parents


def _levels(bags: Sequence[Sequence[int]], parents: Sequence[int]) -> list[int]:
    beside: list[list[int]] = [[] for _ in bags]
    for bag, parent in enumerate(parents):
        if parent >= 0:
            beside[bag].append(parent)
            beside[parent].append(bag)
    levels = [-1] * len(bags)
    cut = [False] * len(bags)
    todo = [(bag, 0) for bag, parent in enumerate(parents) if parent < 0]
    while todo:
        bag, level = todo.pop()
        middle = _middle(bag, beside, cut)
        cut[middle] = True
        for variable in bags[middle]:
            if levels[variable] < 0:
                levels[variable] = level
        todo += [(other, level + 1) for other in beside[middle] if not cut[other]]
    return levels


def _middle(start: int, beside: Sequence[Sequence[int]], cut: Sequence[bool]) -> int:
    """Return the bag of a tree without which no part is larger than half of it."""
    order = [start]
    above = {start: -1}
    for bag in order:
        for other in beside[bag]:
            if other != above[bag] and not cut[other]:
                above[other] = bag
                order.append(other)
    sizes = dict.fromkeys(order, 1)
    for bag in reversed(order):
        if 2 * sizes[bag] >= len(order):
            return bag
        sizes[above[bag]] += sizes[bag]
    raise AssertionError("the whole tree is at least half of itself")
