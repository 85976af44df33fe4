"""Compiles with D4 (Lagniez and Marquis, IJCAI 2017), where the optional package `d4solver` is installed.

It works in a child process, so that it can be stopped at any moment; its options leave out the partitioner that it
carries under another licence (docs/decisions/014).
"""

from __future__ import annotations

import importlib.util
from typing import Final

import numpy as np

from configurator.engine.child import compile_in_child
from configurator.engine.formula import Clause, Formula
from configurator.engine.nnf import Budget, Nnf, NodeKind, lone, without_dead_ends

COMPILE: Final = 1
MARKS: Final = {"o": NodeKind.OR, "a": NodeKind.AND, "t": NodeKind.TRUE, "f": NodeKind.FALSE}
"""How D4 writes the kind of a node."""


def is_installed() -> bool:
    """Say whether the optional package is there; nothing of it is imported into this process."""
    return importlib.util.find_spec("py_d4") is not None


class D4Compiler:
    """D4 with a tree decomposition by FlowCutter; a formula with several thousand features takes it seconds."""

    name = "d4"

    def compile(self, formula: Formula, budget: Budget) -> Nnf | None:
        """Compile in a child process that ends with the budget."""
        return compile_in_child(compile_here, formula, budget)


def compile_here(formula: Formula, budget: Budget) -> Nnf:
    """Compile within this process: D4 asks nobody how long it may take, and writes to the standard output."""
    clauses = _cleaned(formula.clauses)
    if clauses is None:
        return lone(NodeKind.FALSE, formula.variable_count)
    if not clauses:
        return lone(NodeKind.TRUE, formula.variable_count)
    import py_d4

    options = py_d4.OptionDpllStyleMethod()
    options.operationType = COMPILE
    options.optionBranchingHeuristic.reversePhase = True
    solver = py_d4.Solver(clauses, formula.variable_count, options)
    return _read(solver.compile().getNNFString(), formula.variable_count)


def _cleaned(clauses: tuple[Clause, ...]) -> list[list[int]] | None:
    """Return each clause once, without repeated literals and without tautologies; None where one is empty."""
    sets = {frozenset(clause): None for clause in clauses}
    if frozenset() in sets:
        return None
    return [sorted(clause) for clause in sets if not any(-literal in clause for literal in clause)]


def _read(text: str, variable_count: int) -> Nnf:
    """Read D4's lines: `o 3 0` is node 3, an OR; `3 7 -5 6 0` an edge from 3 to 7 that asserts -5 and 6."""
    for mark, kind in MARKS.items():
        text = text.replace(f"{mark} ", f"{-1 - kind} ")
    numbers = np.fromstring(text, np.int32, sep=" ")
    ends = np.flatnonzero(numbers == 0)
    starts = np.concatenate((np.zeros(1, ends.dtype), ends[:-1] + 1))
    is_node = numbers[starts] < 0
    nodes = starts[is_node]
    kinds = np.empty(len(nodes), np.int8)
    kinds[numbers[nodes + 1] - 1] = -1 - numbers[nodes]
    edges = starts[~is_node]
    order = np.argsort(numbers[edges], kind="stable")
    edges, lengths = edges[order], (ends[~is_node] - edges - 2)[order]
    first_literal = np.concatenate((np.zeros(1, lengths.dtype), np.cumsum(lengths)))
    places = np.arange(first_literal[-1]) + np.repeat(edges + 2 - first_literal[:-1], lengths)
    source, target = numbers[edges] - 1, numbers[edges + 1] - 1
    return without_dead_ends(
        Nnf(variable_count, kinds, source, target, first_literal.astype(np.int32), numbers[places])
    )
