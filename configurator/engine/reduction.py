"""Makes a decision-DNNF small before it is laid out: only what a question can name is left, and each thing once.

Literals true in every model go; of variables that are always equal (or opposite) one stays; variables that nobody asks
about go, which loses no model because their values follow from the others. What is left are nodes with branches: a
model takes one branch of each node it reaches, so an AND of the compiler is merely a branch with several children.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from configurator.engine.nnf import Nnf, NodeKind
from configurator.engine.signatures import Graph, graph_of, literal_values, values_of, weights_of

ALWAYS: Final = -1
"""The code of a literal that every model has."""
NEVER: Final = -2
"""The code of a literal that no model has."""
UNKNOWN: Final = -3
"""The code of a variable that was taken out because nobody asks about it."""
INLINED_MAX: Final = 2
"""A conjunction with several parents is written into each of them up to this size, and is a node above it."""


class Branch(NamedTuple):
    """One way through a node: codes that it asserts, and nodes of which each goes on; all share no class."""

    codes: tuple[int, ...]
    children: tuple[int, ...]


@dataclass(frozen=True)
class Reduced:
    """Nodes over classes of equal variables; code 2c stands for "class c is true", 2c + 1 for the opposite.

    `nodes[i]` holds node i's branches, `free[i]` for each branch the classes that the node decides on other branches
    and this one leaves free; node 0 is the root, children have higher numbers. Without models there are no nodes.
    `codes[v]` is the code of variable v, or ALWAYS, NEVER, UNKNOWN.
    """

    class_count: int
    codes: list[int]
    nodes: list[list[Branch]]
    free: list[list[tuple[int, ...]]]


def reduce(nnf: Nnf, *, kept: Collection[int], seed: bytes) -> Reduced:
    """Reduce to the variables that are `kept`; the values of all others must follow from them."""
    graph = graph_of(nnf)
    weights = weights_of(graph.variable_count, seed)
    values = values_of(graph, weights)
    if not values[0]:
        return Reduced(0, [NEVER] * (graph.variable_count + 1), [], [])
    codes, classes = _classes(graph, literal_values(graph, weights, values), sorted(kept))
    code_of = [UNKNOWN] * (2 * graph.variable_count + 1)
    for number, variable in enumerate(classes):
        code_of[variable], code_of[-variable] = 2 * number, 2 * number + 1
    builder = _Builder()
    root = builder.build(graph, values, code_of)
    nodes, variables = _numbered(builder, root, len(classes))
    places = cache(_bits)
    free = [
        [places(variables[node] & ~_mentioned(branch, variables)) for branch in branches]
        for node, branches in enumerate(nodes)
    ]
    return Reduced(len(classes), codes, nodes, free)


def _classes(graph: Graph, values: Sequence[int], kept: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return every variable's code, and by class the variable that stays: the one that is mentioned least."""
    mentions = Counter(
        abs(literal) for node in graph.order for _, literals in graph.edges[node] for literal in literals
    )
    codes = [UNKNOWN] * (graph.variable_count + 1)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for variable in kept:
        present, absent = values[variable], values[-variable]
        if not absent:
            codes[variable] = ALWAYS
        elif not present:
            codes[variable] = NEVER
        else:
            members[min(present, absent)].append(variable if present < absent else -variable)
    classes = []
    for number, literals in enumerate(members.values()):
        stays = min(literals, key=lambda literal: mentions[abs(literal)])
        classes.append(abs(stays))
        for literal in literals:
            codes[abs(literal)] = 2 * number + int((literal > 0) != (stays > 0))
    return codes, classes


class _Builder:
    """Builds nodes from the leaves upwards, each distinct one once; `mentions[i]` is a bit set over classes."""

    def __init__(self) -> None:
        self.nodes: list[tuple[Branch, ...]] = []
        self.mentions: list[int] = []
        self._known: dict[tuple[Branch, ...], int] = {}

    def build(self, graph: Graph, values: Sequence[int], code_of: Sequence[int]) -> Branch:
        """Return what the whole graph amounts to."""
        parents = Counter(target for node in graph.order for target, _ in graph.edges[node] if values[node])
        terms: list[Branch] = [Branch((), ())] * len(graph.kinds)
        for node in reversed(graph.order):
            if not values[node] or graph.kinds[node] == NodeKind.TRUE:
                continue
            below = [
                _joined(_known_codes(literals, code_of), terms[target])
                for target, literals in graph.edges[node]
                if values[target]
            ]
            term = _conjunction(below) if graph.kinds[node] == NodeKind.AND else self.choice(below)
            if parents[node] > 1 and len(term.codes) + len(term.children) > INLINED_MAX:
                term = Branch((), (self.node((term,)),))
            terms[node] = term
        return terms[0]

    def choice(self, branches: Sequence[Branch]) -> Branch:
        """Return the term of an OR; one that has a single branch, or whose two differ in nothing, is no choice."""
        distinct = sorted(set(branches))
        if len(distinct) == 2 and distinct[0].children == distinct[1].children:
            differing = set(distinct[0].codes) ^ set(distinct[1].codes)
            if len(differing) == 2 and min(differing) ^ 1 == max(differing):
                return Branch(tuple(sorted(set(distinct[0].codes) - differing)), distinct[0].children)
        return distinct[0] if len(distinct) == 1 else Branch((), (self.node(tuple(distinct)),))

    def node(self, branches: tuple[Branch, ...]) -> int:
        """Return the number of the node with these branches."""
        number = self._known.get(branches)
        if number is None:
            number = self._known[branches] = len(self.nodes)
            self.nodes.append(branches)
            mentions = 0
            for branch in branches:
                mentions |= _mentioned(branch, self.mentions)
            self.mentions.append(mentions)
        return number


def _known_codes(literals: Iterable[int], code_of: Sequence[int]) -> tuple[int, ...]:
    return tuple(code for literal in literals if (code := code_of[literal]) >= 0)


def _joined(codes: tuple[int, ...], term: Branch) -> Branch:
    return Branch(tuple(sorted(codes + term.codes)), term.children) if codes else term


def _conjunction(terms: Sequence[Branch]) -> Branch:
    codes = sorted(code for term in terms for code in term.codes)
    children = sorted(child for term in terms for child in term.children)
    return Branch(tuple(codes), tuple(children))


def _mentioned(branch: Branch, mentions: Sequence[int]) -> int:
    """Return the classes of a branch as a bit set."""
    found = 0
    for code in branch.codes:
        found |= 1 << (code >> 1)
    for child in branch.children:
        found |= mentions[child]
    return found


def _numbered(builder: _Builder, root: Branch, class_count: int) -> tuple[list[list[Branch]], list[int]]:
    """Number the nodes from the root down, depth first, so that what is read together lies together.

    A root of one branch stands on top; it counts as mentioning every class, so what no branch decides is free there.
    """
    nodes: list[tuple[Branch, ...]] = [*builder.nodes, (root,)]
    order: list[int] = []
    seen = {len(nodes) - 1}
    stack = [(len(nodes) - 1, iter(_below(nodes[-1])))]
    while stack:
        node, below = stack[-1]
        for child in below:
            if child not in seen:
                seen.add(child)
                stack.append((child, iter(_below(nodes[child]))))
                break
        else:
            stack.pop()
            order.append(node)
    order.reverse()
    number = {node: index for index, node in enumerate(order)}
    renumbered = [
        [Branch(branch.codes, tuple(number[child] for child in branch.children)) for branch in nodes[node]]
        for node in order
    ]
    return renumbered, [(1 << class_count) - 1, *(builder.mentions[node] for node in order[1:])]


def _below(branches: Sequence[Branch]) -> list[int]:
    return [child for branch in branches for child in branch.children]


def _bits(number: int) -> tuple[int, ...]:
    """Return the places of the bits that are set, ascending."""
    places = []
    while number:
        low = number & -number
        places.append(low.bit_length() - 1)
        number ^= low
    return tuple(places)
