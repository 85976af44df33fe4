"""What a walk through a circuit needs to remember, as one block of integers that the kernels fill.

It can be brought to any set of decisions, so a few serve any number of sessions; it is never used by two at once.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine import circuit as at

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What the block begins with.
TRAIL_LENGTH: Final = 0
CLOSED_LENGTH: Final = 1
DEPTH: Final = 2
"""How many decisions are in force."""
STAMP: Final = 3
MANY: Final = 4
"""Where more branches than that die at once they are not followed one by one."""

# The sections, by where the block says that each begins.
LIVE: Final = 8  # node -> live branches below it
REACHED: Final = 9  # node -> live branches above it (the root has one for ever)
USED: Final = 10  # group -> live branches that have it
WATCHED: Final = 11  # group -> the first code that watches it, or -1
NEXT: Final = 12  # code -> the next one that watches the same group, or -1
MARKED: Final = 13  # code -> the stamp of the walk that marked it last
TRAIL: Final = 14  # the dead branches in the order in which they died, and room for one that is not counted
CLOSED: Final = 15  # the closed codes in the order in which they closed
DECIDED: Final = 16  # the decided codes in their order
TRAIL_MARK: Final = 17  # by decision: how long the trail was before it
CLOSED_MARK: Final = 18  # by decision: how many codes were closed before it
SPARE_GROUPS: Final = 19  # groups that have just died, and room for one that has not
SPARE_CODES: Final = 20  # codes that have just opened
FLAGS: Final = 21  # bytes: branch -> it is dead; after them code -> it is closed
WS_END: Final = 22
_SECTIONS: Final = 8

MANY_MIN: Final = 2_000
MANY_SHARE: Final = 24
"""Measured: following a branch takes some three times as long as passing over it, and giving up half way is a loss."""


def new_workspace(circuit: at.Circuit, *, many: int | None = None) -> NDArray[np.int32]:
    """Return a block of zeros of the right size, its beginning filled in; `kernels.prepare` does the rest.

    `many` is how many branches are followed one by one, instead of what was measured to be best.
    """
    nodes, branches, groups = circuit.size(at.NODES), circuit.size(at.BRANCHES), circuit.size(at.GROUPS)
    classes = circuit.size(at.CLASSES)
    codes, depth, flags = 2 * classes, classes + 1, (branches + 2 * classes + 3) // 4
    sizes = [
        *(nodes, nodes, groups, groups, codes, codes),
        *(branches + 1, codes, depth, depth, depth, groups + 1, codes, flags),
    ]
    starts = list(accumulate(sizes, initial=WS_END + 1))
    block = np.zeros(starts[-1], dtype=np.int32)
    block[_SECTIONS : WS_END + 1] = starts
    block[MANY] = MANY_MIN + branches // MANY_SHARE if many is None else many
    return block
