"""Finds what is always so and what is always equal in a decision-DNNF, by evaluating it once over a prime field.

Each variable v gets a random weight, its negation one minus it, so a variable that a branch leaves out counts as one.
The weight of the models that hold a literal, a polynomial in the variables' weights, names their set: two different
sets share one value with a chance below variables / 2**127 (Schwartz 1980, Zippel 1979), which no machine will see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from configurator.engine.nnf import Nnf, NodeKind

PRIME: Final = (1 << 127) - 1
Edges: TypeAlias = list[list[tuple[int, tuple[int, ...]]]]
"""By node the edges that lead down: (target, literals)."""


@dataclass(frozen=True)
class Graph:
    """A decision-DNNF as lists: what is reachable from the root, parents before children in `order`."""

    variable_count: int
    kinds: list[int]
    edges: Edges
    order: list[int]


def graph_of(nnf: Nnf) -> Graph:
    """Read the arrays into lists and order the nodes from the root downwards."""
    edges: Edges = [[] for _ in range(len(nnf.kinds))]
    literals, first = nnf.literals.tolist(), nnf.first_literal.tolist()
    for edge, (source, target) in enumerate(zip(nnf.source.tolist(), nnf.target.tolist(), strict=True)):
        edges[source].append((target, tuple(literals[first[edge] : first[edge + 1]])))
    return Graph(nnf.variable_count, nnf.kinds.tolist(), edges, _ordered(edges))


def _ordered(edges: Edges) -> list[int]:
    """Return the nodes below node 0 in reverse post-order: every parent before its children."""
    order: list[int] = []
    seen = {0}
    stack = [(0, iter(edges[0]))]
    while stack:
        node, below = stack[-1]
        for target, _ in below:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(edges[target])))
                break
        else:
            stack.pop()
            order.append(node)
    return order[::-1]


def weights_of(variable_count: int, seed: bytes) -> list[int]:
    """Return the weights by literal (a negative literal indexes from the end), drawn by a hash from the seed."""
    weights = [0] * (2 * variable_count + 1)
    for variable in range(1, variable_count + 1):
        drawn = hashlib.blake2b(variable.to_bytes(4, "little"), digest_size=16, key=seed).digest()
        weights[variable] = int.from_bytes(drawn, "little") % PRIME
        weights[-variable] = (1 - weights[variable]) % PRIME
    return weights


def values_of(graph: Graph, weights: Sequence[int]) -> list[int]:
    """Return by node the weight of its models; zero where it has none."""
    values = [0] * len(graph.kinds)
    for node in reversed(graph.order):
        kind = graph.kinds[node]
        if kind == NodeKind.FALSE:
            continue
        value = 0 if kind == NodeKind.OR else 1
        for target, literals in graph.edges[node]:
            below = values[target]
            for literal in literals:
                below = below * weights[literal] % PRIME
            value = (value + below if kind == NodeKind.OR else value * below) % PRIME
        values[node] = value
    return values


def literal_values(graph: Graph, weights: Sequence[int], values: Sequence[int]) -> list[int]:
    """Return by literal the weight of all models that hold it."""
    asserted = [0] * (2 * graph.variable_count + 1)
    above = [0] * len(graph.kinds)
    above[0] = 1
    for node in graph.order:
        factor = above[node]
        if not factor or not values[node]:
            continue
        edges = graph.edges[node]
        rests = [factor] * len(edges) if graph.kinds[node] == NodeKind.OR else _rests(edges, factor, weights, values)
        for (target, literals), rest in zip(edges, rests, strict=True):
            for literal in literals:
                rest = rest * weights[literal] % PRIME  # noqa: PLW2901  # what stands above the target
            above[target] = (above[target] + rest) % PRIME
            weight = rest * values[target] % PRIME
            for literal in literals:
                asserted[literal] += weight
    return _with_free(graph.variable_count, asserted, weights, values[0])


def _rests(
    edges: Sequence[tuple[int, tuple[int, ...]]], factor: int, weights: Sequence[int], values: Sequence[int]
) -> list[int]:
    """Return for each edge of an AND the product of all its other edges, times the factor; no field division."""
    products = []
    for target, literals in edges:
        value = values[target]
        for literal in literals:
            value = value * weights[literal] % PRIME
        products.append(value)
    rests = [factor] * len(edges)
    for index in range(1, len(edges)):
        rests[index] = rests[index - 1] * products[index - 1] % PRIME
    after = 1
    for index in range(len(edges) - 1, -1, -1):
        rests[index] = rests[index] * after % PRIME
        after = after * products[index] % PRIME
    return rests


def _with_free(variable_count: int, asserted: list[int], weights: Sequence[int], total: int) -> list[int]:
    """Add, for each literal, the models whose path leaves its variable free."""
    found = [0] * len(asserted)
    for variable in range(1, variable_count + 1):
        free = total - asserted[variable] - asserted[-variable]
        for literal in (variable, -variable):
            found[literal] = (asserted[literal] + weights[literal] * free) % PRIME
    return found
