"""What a circuit says, found by plain means: its models one by one, their number, and whether it keeps its form."""

from __future__ import annotations

from collections.abc import Sequence

from configurator.engine.formula import Clause
from configurator.engine.nnf import Nnf, NodeKind

Edges = list[tuple[int, tuple[int, ...]]]


def edges_of(nnf: Nnf) -> list[Edges]:
    """Return by node its edges: (target, literals)."""
    edges: list[Edges] = [[] for _ in nnf.kinds]
    literals = nnf.literals.tolist()
    for edge, (source, target) in enumerate(zip(nnf.source.tolist(), nnf.target.tolist(), strict=True)):
        edges[source].append((target, tuple(literals[nnf.first_literal[edge] : nnf.first_literal[edge + 1]])))
    return edges


def children_first(edges: Sequence[Edges]) -> list[int]:
    """Return the nodes that the root reaches, each after those below it."""
    order: list[int] = []
    seen = {0}
    stack = [(0, iter(edges[0]))]
    while stack:
        node, below = stack[-1]
        for target, _literals in below:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(edges[target])))
                break
        else:
            order.append(node)
            stack.pop()
    return order


def truth_of_literal(literal: int, variable_count: int) -> int:
    """Return the assignments with this literal as a bit set: bit a for the assignment whose bit v - 1 is variable v."""
    block = 1 << (abs(literal) - 1)
    ones = ((1 << block) - 1) << block
    total = 1 << variable_count
    positive = sum(ones << start for start in range(0, total, 2 * block))
    return positive if literal > 0 else ((1 << total) - 1) ^ positive


def truth_of_clauses(clauses: Sequence[Clause], variable_count: int) -> int:
    """Return the models of the clauses as a bit set over assignments."""
    truth = (1 << (1 << variable_count)) - 1
    for clause in clauses:
        met = 0
        for literal in clause:
            met |= truth_of_literal(literal, variable_count)
        truth &= met
    return truth


def truth_of_circuit(nnf: Nnf) -> int:
    """Return the models of the circuit as a bit set over assignments."""
    everything = (1 << (1 << nnf.variable_count)) - 1
    edges = edges_of(nnf)
    truth: dict[int, int] = {}
    for node in children_first(edges):
        joined = [_edge_truth(truth[target], literals, nnf.variable_count) for target, literals in edges[node]]
        kind = nnf.kinds[node]
        truth[node] = 0 if kind in (NodeKind.OR, NodeKind.FALSE) else everything
        for below in joined:
            truth[node] = truth[node] | below if kind == NodeKind.OR else truth[node] & below
    return truth[0]


def _edge_truth(below: int, literals: Sequence[int], variable_count: int) -> int:
    for literal in literals:
        below &= truth_of_literal(literal, variable_count)
    return below


def faults_of(nnf: Nnf) -> list[str]:
    """Return where the circuit is no decision-DNNF: shared variables below an AND, an OR without an exclusion."""
    edges = edges_of(nnf)
    mentioned: dict[int, set[int]] = {}
    faults = []
    for node in children_first(edges):
        parts = [[*map(abs, literals), *mentioned[target]] for target, literals in edges[node]]
        if any(len(part) != len(set(part)) for part in parts):
            faults.append(f"an edge of {node} repeats a variable")
        if nnf.kinds[node] == NodeKind.AND and sum(map(len, parts)) != len(set().union(*parts)):
            faults.append(f"AND {node} shares a variable")
        if nnf.kinds[node] == NodeKind.OR and not _exclude_each_other([literals for _target, literals in edges[node]]):
            faults.append(f"OR {node} has edges that do not exclude each other")
        if nnf.kinds[node] == NodeKind.FALSE and node:
            faults.append(f"FALSE {node} stands below")
        mentioned[node] = set().union(*parts)
    return faults


def _exclude_each_other(edges: Sequence[tuple[int, ...]]) -> bool:
    return all(
        any(-literal in other for literal in one) for place, one in enumerate(edges) for other in edges[place + 1 :]
    )


def count_of(nnf: Nnf) -> int:
    """Count the models. Each node has the chance (numerator, power of two) that random values meet it."""
    edges = edges_of(nnf)
    chances: dict[int, tuple[int, int]] = {}
    for node in children_first(edges):
        if not edges[node]:
            chances[node] = (int(nnf.kinds[node] == NodeKind.TRUE), 0)
            continue
        parts = [(chances[target][0], chances[target][1] + len(literals)) for target, literals in edges[node]]
        if nnf.kinds[node] == NodeKind.AND:
            numerator, power = 1, sum(power for _, power in parts)
            for part, _ in parts:
                numerator *= part
        else:
            power = max(power for _, power in parts)
            numerator = sum(part << (power - own) for part, own in parts)
        chances[node] = (numerator, power)
    numerator, power = chances[0]
    return (
        numerator << (nnf.variable_count - power)
        if power <= nnf.variable_count
        else numerator >> (power - nnf.variable_count)
    )
