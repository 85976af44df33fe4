"""What a compiler hands over: a decision-DNNF, whose ANDs share no variable and whose ORs exclude each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from configurator.engine.formula import Formula


class NodeKind(IntEnum):
    """What a node means; TRUE has no edges, FALSE never stands below a useful one."""

    OR = 0
    AND = 1
    TRUE = 2
    FALSE = 3


@dataclass(frozen=True)
class Nnf:
    """Nodes 0..n-1, node 0 the root; edge e leads from `source[e]` down to `target[e]` and asserts literals on the way.

    The literals of edge e are `literals[first_literal[e]:first_literal[e + 1]]`. Two edges of an OR exclude each other
    by a literal that one asserts and the other denies. The form need not be smooth: a variable that a branch does not
    mention is free there. A node that the root does not reach means nothing.
    """

    variable_count: int
    kinds: NDArray[np.int8]
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    first_literal: NDArray[np.int32]
    literals: NDArray[np.int32]


def lone(kind: NodeKind, variable_count: int) -> Nnf:
    """Return the circuit of a single node: TRUE holds always, FALSE never."""
    import numpy as np

    nothing = np.zeros(0, np.int32)
    return Nnf(variable_count, np.array([kind], np.int8), nothing, nothing, np.zeros(1, np.int32), nothing)


def without_dead_ends(nnf: Nnf) -> Nnf:
    """Take out the edges to nodes without models; those nodes stay, and nothing leads to them."""
    import numpy as np

    is_and = nnf.kinds == NodeKind.AND
    dead = nnf.kinds == NodeKind.FALSE
    open_below = np.bincount(nnf.source, minlength=len(dead))
    fresh = dead
    while fresh.any():
        closed = np.bincount(nnf.source[fresh[nnf.target]], minlength=len(dead))
        open_below = open_below - closed
        fresh = (closed > 0) & ~dead & (is_and | (open_below == 0))
        dead = dead | fresh
    if dead[0]:
        return lone(NodeKind.FALSE, nnf.variable_count)
    kept = ~(dead[nnf.target] | dead[nnf.source])
    lengths = np.diff(nnf.first_literal)
    return Nnf(
        nnf.variable_count,
        nnf.kinds,
        nnf.source[kept],
        nnf.target[kept],
        np.concatenate((np.zeros(1, np.int32), np.cumsum(lengths[kept], dtype=np.int32))),
        nnf.literals[np.repeat(kept, lengths)],
    )


class CompilationFailed(RuntimeError):
    """A compiler broke down for another reason than its budget."""


class OutOfMemory(RuntimeError):
    """A compiler needs more memory than its budget has."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a compilation may use; `seconds_used` is asked now and then, so that no clock is read in here."""

    seconds: float
    megabytes: int
    seconds_used: Callable[[], float]


class Compiler(Protocol):
    """Turns a formula into an equivalent decision-DNNF over all its variables."""

    name: str

    def compile(self, formula: Formula, budget: Budget) -> Nnf | None:
        """Compile; None where the time does not suffice. An unsatisfiable formula gives a lone FALSE.

        Raises OutOfMemory, and CompilationFailed.
        """
        ...
