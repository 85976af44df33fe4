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

    The literals of edge e are `literals[first_literal[e]:first_literal[e + 1]]`. An OR's edges exclude each other. The
    form need not be smooth: a variable that a branch does not mention is free there.
    """

    variable_count: int
    kinds: NDArray[np.int8]
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    first_literal: NDArray[np.int32]
    literals: NDArray[np.int32]


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
        """Compile; None where the budget does not suffice. An unsatisfiable formula gives a lone FALSE."""
        ...
