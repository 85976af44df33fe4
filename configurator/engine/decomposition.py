"""Our own compiler: an exhaustive search that decides, propagates, splits and remembers (`search_kernel`).

It follows sharpSAT and D4 in outline (Thurley, SAT 2006; Lagniez and Marquis, IJCAI 2017): decisions in the order of a
tree decomposition, every independent part once. It needs numba and nothing else, so it serves wherever that does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine import search_kernel as kernel
from configurator.engine.child import compile_in_child
from configurator.engine.elimination import ranks
from configurator.engine.formula import Formula
from configurator.engine.nnf import Budget, Nnf, NodeKind, OutOfMemory, lone
from configurator.engine.simplified import Simplified, propagated, simplify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int32]

STEPS: Final = 20_000
"""How many steps the search takes before the budget is asked."""


class DecompositionCompiler:
    """Our own compiler; a thousand features with the rules of a car line take it seconds."""

    name = "decomposition"

    def compile(self, formula: Formula, budget: Budget) -> Nnf | None:
        """Compile in a child process, so that nobody waits for the interpreter, and its memory is given back."""
        return compile_in_child(compile_here, formula, budget)


def compile_here(formula: Formula, budget: Budget) -> Nnf | None:
    """Compile within this process; the budget is asked after every so many steps. Raises OutOfMemory."""
    always = propagated(formula.clauses)
    if always is None:
        return lone(NodeKind.FALSE, formula.variable_count)
    simplified = simplify(formula, always)
    # Where variables became one, longer clauses may have become such of one literal, which may contradict each other.
    if simplified is None or propagated(simplified.clauses) is None:
        return lone(NodeKind.FALSE, formula.variable_count)
    search = _Search(simplified)
    return search.circuit(formula.variable_count) if search.run(budget) else None


class _Search:
    """The lists of one search, some of which grow while it goes on."""

    def __init__(self, simplified: Simplified) -> None:
        self.simplified = simplified
        self.count = simplified.variable_count
        clauses = [[_code(literal) for literal in clause] for clause in simplified.clauses]
        self.lists = _fixed_lists(self.count, clauses) | _growing_lists(self.count)
        shares = np.bincount(np.abs(np.array(simplified.image, np.int32)), minlength=self.count + 1)[1:]
        self.lists[kernel.BOUND] = (shares > 1).astype(np.int32)
        random = np.random.default_rng(list(hashlib.sha256(repr(clauses).encode()).digest()))
        self.sums = {
            kernel.RANDOM: random.integers(0, 1 << 64, 6 * self.count, np.uint64),
            kernel.COMPONENT_KEY: np.zeros(2 * len(self.lists[kernel.COMPONENT_END]), np.uint64),
            kernel.KNOWN_KEY: np.zeros(2 * len(self.lists[kernel.KNOWN_NODE]), np.uint64),
            kernel.REST: np.zeros(2 * len(clauses), np.uint64),
        }

    def run(self, budget: Budget) -> bool:
        """Search the components that the clauses have from the beginning, up to the first that has no model.

        False where the budget ends before.
        """
        register = self.lists[kernel.REGISTER]
        for clause in self.simplified.clauses:
            if len(clause) == 1 and self.lists[kernel.VALUE][_code(clause[0])] == 0:
                kernel.propagate(self._lists(), _code(clause[0]))
        register[kernel.NODES] = kernel.TRUE_NODE + 1
        self.lists[kernel.MEMBER][: self.count] = np.arange(self.count)
        self.lists[kernel.COMPONENT_END][1] = self.count
        register[kernel.COMPONENTS] = 2
        kernel.split(self._lists(), self._sums(), 1)
        for component in range(2, int(register[kernel.COMPONENTS])):
            kernel.open_frame(self._lists(), component)
            if not self._finished(budget):
                return False
            if self._has_no_model():
                break
        return True

    def _has_no_model(self) -> bool:
        """Say whether one of the components that are done is contradictory, which makes the whole formula so."""
        done = self.lists[kernel.CHILD][: self.lists[kernel.REGISTER][kernel.CHILDREN]]
        return kernel.FALSE_NODE in done

    def _finished(self, budget: Budget) -> bool:
        while True:
            answer = kernel.search(self._lists(), self._sums(), STEPS)
            if answer == kernel.DONE:
                return True
            if budget.seconds_used() >= budget.seconds:
                return False
            if answer == kernel.NO_ROOM:
                self._grow(budget.megabytes << 20)

    def _lists(self) -> kernel.Lists:
        return tuple(self.lists[name] for name in range(kernel.LISTS))

    def _sums(self) -> kernel.Sums:
        return tuple(self.sums[name] for name in range(kernel.SUMS))

    def _grow(self, bytes_max: int) -> None:
        """Double the lists that are short of room; raises OutOfMemory where that needs more than there may be."""
        register, needed = self.lists[kernel.REGISTER], self.count + kernel.FRAME + 3
        used = {
            kernel.MEMBER: self.lists[kernel.COMPONENT_END][register[kernel.COMPONENTS] - 1],
            kernel.COMPONENT_END: register[kernel.COMPONENTS],
            kernel.FRAMES: kernel.FRAME * register[kernel.DEPTH],
            kernel.CHILD: register[kernel.CHILDREN],
            kernel.KIND: register[kernel.NODES],
            kernel.SOURCE: register[kernel.EDGES],
            kernel.TARGET: register[kernel.EDGES],
            kernel.LITERAL: register[kernel.LITERALS],
        }
        short = [name for name, end in used.items() if len(self.lists[name]) - end <= needed]
        if kernel.SOURCE in short:
            short.append(kernel.LITERAL_FIRST)  # it is longer by a little, and its edges are the same
        held = sum(array.nbytes for array in (*self.lists.values(), *self.sums.values()))
        table_is_short = 2 * register[kernel.KNOWN] >= len(self.lists[kernel.KNOWN_NODE])
        more = sum(self.lists[name].nbytes for name in short)
        more += self.sums[kernel.KNOWN_KEY].nbytes * 2 if table_is_short else 0
        if held + more > bytes_max:
            raise OutOfMemory
        for name in short:
            self.lists[name] = np.concatenate((self.lists[name], np.zeros_like(self.lists[name])))
        if kernel.COMPONENT_END in short:
            keys = self.sums[kernel.COMPONENT_KEY]
            self.sums[kernel.COMPONENT_KEY] = np.concatenate((keys, np.zeros_like(keys)))
        if table_is_short:
            self._widen_table()

    def _widen_table(self) -> None:
        nodes, keys = self.lists[kernel.KNOWN_NODE], self.sums[kernel.KNOWN_KEY]
        self.lists[kernel.KNOWN_NODE] = np.full(2 * len(nodes), kernel.NONE, np.int32)
        self.sums[kernel.KNOWN_KEY] = np.zeros(2 * len(keys), np.uint64)
        kernel.refill(nodes, keys, self.lists[kernel.KNOWN_NODE], self.sums[kernel.KNOWN_KEY])

    def circuit(self, variable_count: int) -> Nnf:
        """Return what was found, over the formula's own variables; the root asks for what always holds."""
        if self._has_no_model():
            return lone(NodeKind.FALSE, variable_count)
        register = self.lists[kernel.REGISTER]
        below = kernel.joined(self._lists(), 0)
        root = kernel.new_node(self._lists(), kernel.AND)
        trailed, edges = int(register[kernel.TRAILED]), int(register[kernel.EDGES])
        alive = np.flatnonzero(self.lists[kernel.SOURCE][:edges] != kernel.NONE)
        lengths = np.diff(self.lists[kernel.LITERAL_FIRST][: edges + 1])[alive]
        codes = _runs(self.lists[kernel.LITERAL], self.lists[kernel.LITERAL_FIRST][:-1][alive], lengths)
        codes = np.concatenate((self.lists[kernel.TRAIL][:trailed], codes))
        lengths = np.concatenate(([trailed], lengths))
        first, meant = _meanings(self.simplified)
        sizes = np.diff(first)[codes]
        literals = _runs(meant, first[codes], sizes)
        ends = np.concatenate(([0], np.cumsum(sizes)))[np.cumsum(lengths)] + len(self.simplified.always)
        return Nnf(
            variable_count,
            self.lists[kernel.KIND][1 : root + 1][::-1].astype(np.int8),
            (root - np.concatenate(([root], self.lists[kernel.SOURCE][alive]))).astype(np.int32),
            (root - np.concatenate(([below], self.lists[kernel.TARGET][alive]))).astype(np.int32),
            np.concatenate(([0], ends)).astype(np.int32),
            np.concatenate((sorted(self.simplified.always, key=abs), literals)).astype(np.int32),
        )


def _code(literal: int) -> int:
    return 2 * abs(literal) - 2 + (literal < 0)


def _fixed_lists(count: int, clauses: Sequence[Sequence[int]]) -> dict[int, Ints]:
    """Return the lists whose length follows from the clauses."""
    clause_first, flat = _flat(clauses)
    holders = np.repeat(np.arange(len(clauses)), np.diff(clause_first))
    order = np.argsort(flat, kind="stable")
    use_first = np.searchsorted(flat[order], np.arange(2 * count + 1))
    rank = ranks(count, [[code >> 1 for code in clause] for clause in clauses])
    lists = {
        kernel.CLAUSE_FIRST: clause_first,
        kernel.CLAUSE: flat,
        kernel.USE_FIRST: use_first,
        kernel.USE: holders[order],
        kernel.OPEN_COUNT: np.diff(clause_first),
        kernel.RANK: np.array(rank),
    }
    lengths = {
        kernel.REGISTER: kernel.REGISTERS,
        kernel.VALUE: 2 * count,
        kernel.TRUE_COUNT: len(clauses),
        kernel.TRAIL: count,
        kernel.SEEN: count,
        kernel.SEEN_CLAUSE: len(clauses),
    }
    return {name: np.ascontiguousarray(array, np.int32) for name, array in lists.items()} | {
        name: np.zeros(length, np.int32) for name, length in lengths.items()
    }


def _growing_lists(count: int) -> dict[int, Ints]:
    """Return the lists that may become longer, with room for the first steps; FALSE and TRUE are there already."""
    length = 4 * (count + kernel.FRAME + 3)
    names = (kernel.MEMBER, kernel.COMPONENT_END, kernel.CHILD, kernel.KIND, kernel.SOURCE, kernel.TARGET)
    lists = {name: np.zeros(length, np.int32) for name in (*names, kernel.LITERAL, kernel.FRAMES)}
    lists[kernel.LITERAL_FIRST] = np.zeros(length + 1, np.int32)
    lists[kernel.KNOWN_NODE] = np.full(1 << 12, kernel.NONE, np.int32)
    lists[kernel.KIND][: kernel.TRUE_NODE + 1] = (NodeKind.FALSE, NodeKind.TRUE)
    return lists


def _flat(lists: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    first = np.zeros(len(lists) + 1, np.int32)
    np.cumsum([len(one) for one in lists], out=first[1:])
    return first, np.fromiter(chain.from_iterable(lists), np.int32, int(first[-1]))


def _meanings(simplified: Simplified) -> tuple[Ints, Ints]:
    """Return by code which literals of the formula it stands for, as runs of one list."""
    meant: list[list[int]] = [[] for _ in range(2 * simplified.variable_count)]
    for variable, image in enumerate(simplified.image):
        if image:
            meant[_code(image)].append(variable)
            meant[_code(-image)].append(-variable)
    return _flat(meant)


def _runs(values: Ints, first: Ints, lengths: Ints) -> Ints:
    """Return the runs `values[first[i]:first[i] + lengths[i]]`, one after the other."""
    before = np.cumsum(lengths) - lengths
    return values[np.repeat(first - before, lengths) + np.arange(int(lengths.sum()))]
