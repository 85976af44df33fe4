"""Which cells of a table of counts may be shown, so that none of the hidden ones can be worked out.

A table has rows and columns that add up to known margins. What can be worked out of the hidden cells are cuts of the
graph whose nodes are rows and columns and whose edges are hidden cells (Gusfield 1988): those by which a row hangs on
one part of the rest of the graph have a known sum. A table is safe when each such sum is about nobody or about many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from demand.cubes.model import Count

MARGIN: Final = "\x00margin"
"""The column of the rows' own totals, and the row of the columns'."""
FREE: Final = ("", "free")

Node: TypeAlias = tuple[str, str]
Edge: TypeAlias = tuple[str, str]


def is_large(part: Count, rest: Count, *, k: int) -> bool:
    """Say whether both those who are meant and those who are not are at least k verified persons."""
    return part.known >= k and rest.known >= k


def is_safe(part: Count, rest: Count, *, k: int) -> bool:
    """Say whether a sum may be known: nobody, everybody, or many on both sides."""
    return all(one.all == 0 or one.known >= k for one in (part, rest))


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of counts by (row, column); every cell may be hidden.

    `rows_add_up`: a row's cells make its margin, which is among the cells as (row, MARGIN); `columns_add_up` likewise
    (MARGIN, column). `base` is all people of a row or column, by ("row", name) or ("column", name): those who are not
    in a sum of cells are its rest. A row without a base takes the people its cells are `among`. Margins are shown or
    hidden by somebody else before and never change here.
    """

    cells: Mapping[Edge, Count]
    base: Mapping[Node, Count]
    among: Mapping[Edge, Count] = field(default_factory=dict)
    rows_add_up: bool = True
    columns_add_up: bool = True


def protect(grid: Grid, shown: Iterable[Edge], *, k: int) -> frozenset[Edge]:
    """Return those of the cells (and margins) to be shown that may be; hides the smallest until nothing can be known.

    Margins among `shown` stay shown.
    """
    state = _State(grid, set(grid.cells) - set(shown))
    while (exposed := next(state.exposed(k), None)) is not None:
        left = state.open_cells(exposed)
        if not left:
            # What is known now follows from the margins alone, and of those is decided elsewhere.
            break
        state.hidden.add(left[0])
    return frozenset(grid.cells.keys() - state.hidden)


def protect_partition(parts: Mapping[str, Count], base: Count, shown: Iterable[str], *, k: int) -> frozenset[str]:
    """Return those of the parts of a whole to be shown that may be: what is left of it is nobody, everybody or many."""
    kept = set(shown)
    for name in sorted(kept, key=lambda one: (parts[one].all, one)):
        rest = base.minus(sum_counts(parts[one] for one in kept))
        if is_safe(rest, base.minus(rest), k=k):
            break
        kept.discard(name)
    return frozenset(kept)


@dataclass(slots=True)
class _State:
    grid: Grid
    hidden: set[Edge]
    order: list[Edge] = field(init=False)

    def __post_init__(self) -> None:
        self.order = sorted(self.grid.cells, key=lambda edge: (self.grid.cells[edge].all, edge))

    def ends(self, edge: Edge) -> tuple[Node, Node]:
        """Return the two nodes of a cell; rows or columns that add up to nothing known are all one."""
        row, column = edge
        # A column's sum is a fact about the rows' cells in it: without it the column says nothing of its own.
        row_node = ("row", row) if self.grid.rows_add_up else FREE
        column_node = ("column", column) if self.grid.columns_add_up else FREE
        return row_node, column_node

    def exposed(self, k: int) -> Iterator[Node]:
        """Yield the nodes at which a sum of hidden cells is known that is about a few."""
        around: dict[Node, list[tuple[Node, Edge]]] = {}
        for edge in sorted(self.hidden):
            first, second = self.ends(edge)
            around.setdefault(first, []).append((second, edge))
            around.setdefault(second, []).append((first, edge))
        for node, edges in _Parts(around).of_all():
            if node != FREE and self._is_told(node, edges, k):
                yield node

    def _is_told(self, node: Node, edges: list[Edge], k: int) -> bool:
        """Say whether the sum of some cells of a node tells of a few; one with its margin tells nothing new."""
        if any(MARGIN in edge and MARGIN not in node for edge in edges):
            return False
        total = sum_counts(self.grid.cells[edge] for edge in edges)
        base = self.grid.base.get(node)
        if base is None:
            base = sum_counts(self.grid.among[edge] for edge in edges)
        return not is_safe(total, base.minus(total), k=k)

    def open_cells(self, node: Node) -> list[Edge]:
        """Return the shown cells that may be hidden, the smallest first: a node's own, or where it has none all."""
        found = [edge for edge in self.order if edge not in self.hidden and MARGIN not in edge]
        return [edge for edge in found if node in self.ends(edge)] or found


@dataclass(slots=True)
class _Parts:
    """For every node the cells by which it hangs on each part of the rest, in one walk (Hopcroft and Tarjan 1973)."""

    around: Mapping[Node, list[tuple[Node, Edge]]]
    entered: dict[Node, int] = field(default_factory=dict)
    lowest: dict[Node, int] = field(default_factory=dict)

    def of_all(self) -> Iterator[tuple[Node, list[Edge]]]:
        """Yield each node with the cells that lead into one part of the rest."""
        for node in sorted(self.around):
            if node not in self.entered:
                yield from self._walk(node, is_root=True)

    def _walk(self, node: Node, *, is_root: bool) -> Iterator[tuple[Node, list[Edge]]]:
        self.entered[node] = self.lowest[node] = len(self.entered)
        branches: list[tuple[int, int, bool]] = []
        for other, _ in self.around[node]:
            if other in self.entered:
                self.lowest[node] = min(self.lowest[node], self.entered[other])
                continue
            start = len(self.entered)
            yield from self._walk(other, is_root=False)
            apart = is_root or self.lowest[other] >= self.entered[node]
            branches.append((start, len(self.entered), apart))
            self.lowest[node] = min(self.lowest[node], self.lowest[other])
        rest: list[Edge] = []
        parts: dict[int, list[Edge]] = {start: [] for start, _, apart in branches if apart}
        for other, edge in self.around[node]:
            place = self.entered[other]
            into = next((start for start, end, apart in branches if apart and start <= place < end), None)
            (rest if into is None else parts[into]).append(edge)
        for edges in (rest, *parts.values()):
            if edges:
                yield node, edges


def sum_counts(counts: Iterable[Count]) -> Count:
    """Add up counts of different people."""
    everybody = known = 0
    for count in counts:
        everybody += count.all
        known += count.known
    return Count(everybody, known)
