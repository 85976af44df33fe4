"""Single passes over the live part of a circuit, from the leaves up and back down, as compiled kernels.

Children have higher numbers than their parents, so one loop over the nodes is a pass. A pass takes the least over a
node's live branches and the sum along a branch (weights), or union and intersection (weeks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine import circuit as at
from configurator.engine import workspace as of
from configurator.engine.jit import kernel
from configurator.engine.reduction import ALWAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK: Final = "Array(int32, 1, 'C', readonly=True)"
WORK: Final = "int32[::1]"
WEIGHTS: Final = "int64[::1]"
FAR: Final = 1 << 62
"""More than any car weighs."""


@kernel(f"int64({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, int64)")
def _chosen(
    block: NDArray[np.int32], work: NDArray[np.int32], weights: NDArray[np.int64], ties: NDArray[np.int64], code: int
) -> int:
    """Return the lighter open code of a free class, given its code 2c; of two as light ones "false"."""
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    branches = block[at.BRANCHES]
    if flags[branches + code]:
        return code + 1
    if flags[branches + code + 1]:
        return code
    if weights[code] != weights[code + 1]:
        return code if weights[code] < weights[code + 1] else code + 1
    return code if ties[code] < ties[code + 1] else code + 1


@kernel(f"void({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS})")
def _weigh_groups(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    weights: NDArray[np.int64],
    ties: NDArray[np.int64],
    group_weights: NDArray[np.int64],
    group_ties: NDArray[np.int64],
) -> None:
    """Weigh every group that is in use: what it asserts, or the lighter side of each class that it leaves free."""
    code_first, code = block[block[at.CODE_FIRST] : block[at.CODE]], block[block[at.CODE] : block[at.HOME_FIRST]]
    for group in range(block[at.GROUPS]):
        if work[work[of.USED] + group] == 0:
            continue
        weight, tie = 0, 0
        for index in range(code_first[group], code_first[group + 1]):
            chosen = code[index]
            if group >= block[at.GROUPS_ASSERTING]:
                chosen = _chosen(block, work, weights, ties, chosen)
            weight += weights[chosen]
            tie += ties[chosen]
        group_weights[group] = weight
        group_ties[group] = tie


@kernel(f"int64({BLOCK}, {WEIGHTS}, {WEIGHTS}, int64)")
def _branch_weight(
    block: NDArray[np.int32], group_weights: NDArray[np.int64], node_weights: NDArray[np.int64], branch: int
) -> int:
    """Add up a branch from its groups and its children."""
    total = 0
    group = block[block[at.ASSERTED] + branch]
    if group >= 0:
        total += group_weights[group]
    group = block[block[at.FREE] + branch]
    if group >= 0:
        total += group_weights[group]
    for index in range(block[block[at.CHILD_FIRST] + branch], block[block[at.CHILD_FIRST] + branch + 1]):
        total += node_weights[block[block[at.CHILD] + index]]
    return total


@kernel(
    f"void({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WORK})",
)
def weigh(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    weights: NDArray[np.int64],
    ties: NDArray[np.int64],
    group_weights: NDArray[np.int64],
    group_ties: NDArray[np.int64],
    node_weights: NDArray[np.int64],
    node_ties: NDArray[np.int64],
    choice: NDArray[np.int32],
) -> None:
    """Find by node the least weight, among those the least tie, and the branch that has both; `weights` are by code."""
    _weigh_groups(block, work, weights, ties, group_weights, group_ties)
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    node_first = block[block[at.NODE_FIRST] : block[at.OWNER]]
    for node in range(block[at.NODES] - 1, -1, -1):
        if work[work[of.LIVE] + node] == 0 or work[work[of.REACHED] + node] == 0:
            continue
        node_weights[node] = FAR
        for branch in range(node_first[node], node_first[node + 1]):
            if flags[branch]:
                continue
            weight = _branch_weight(block, group_weights, node_weights, branch)
            if weight > node_weights[node]:
                continue
            tie = _branch_weight(block, group_ties, node_ties, branch)
            if weight < node_weights[node] or tie < node_ties[node]:
                node_weights[node], node_ties[node], choice[node] = weight, tie, branch


@kernel(f"void({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, {WORK}, int8[::1], int8[::1])")
def take(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    weights: NDArray[np.int64],
    ties: NDArray[np.int64],
    choice: NDArray[np.int32],
    reached: NDArray[np.int8],
    chosen: NDArray[np.int8],
) -> None:
    """Follow the chosen branches from the root and mark every code of the car in `chosen`."""
    code_first, code = block[block[at.CODE_FIRST] : block[at.CODE]], block[block[at.CODE] : block[at.HOME_FIRST]]
    chosen[:] = 0
    reached[:] = 0
    reached[0] = 1
    for node in range(block[at.NODES]):
        if reached[node] == 0:
            continue
        branch = choice[node]
        group = block[block[at.ASSERTED] + branch]
        if group >= 0:
            for index in range(code_first[group], code_first[group + 1]):
                chosen[code[index]] = 1
        group = block[block[at.FREE] + branch]
        if group >= 0:
            for index in range(code_first[group], code_first[group + 1]):
                chosen[_chosen(block, work, weights, ties, code[index])] = 1
        for index in range(block[block[at.CHILD_FIRST] + branch], block[block[at.CHILD_FIRST] + branch + 1]):
            reached[block[block[at.CHILD] + index]] = 1


@kernel(f"void({BLOCK}, int8[::1], uint8[::1])")
def show(block: NDArray[np.int32], chosen: NDArray[np.int8], features: NDArray[np.uint8]) -> None:
    """Set bit v of `features` where the car of these codes has feature v."""
    features[:] = 0
    for feature in range(1, block[at.FEATURES] + 1):
        code = block[block[at.CODE_OF] + feature]
        if code == ALWAYS or (code >= 0 and chosen[code]):
            features[feature >> 3] |= np.uint8(1 << (feature & 7))


@kernel(
    f"void({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS})",
)
def bound(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    weights: NDArray[np.int64],
    ties: NDArray[np.int64],
    group_weights: NDArray[np.int64],
    node_weights: NDArray[np.int64],
    above: NDArray[np.int64],
    bounds: NDArray[np.int64],
) -> None:
    """After `weigh`, find by code the least weight of a car that has it; `above` is by node, what stands over it."""
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    code_first, code = block[block[at.CODE_FIRST] : block[at.CODE]], block[block[at.CODE] : block[at.HOME_FIRST]]
    node_first = block[block[at.NODE_FIRST] : block[at.OWNER]]
    through = np.int64(0)
    above[:] = FAR
    above[0] = 0
    bounds[:] = FAR
    group_least = bounds[2 * block[at.CLASSES] :]
    for node in range(block[at.NODES]):
        if work[work[of.LIVE] + node] == 0 or work[work[of.REACHED] + node] == 0:
            continue
        for branch in range(node_first[node], node_first[node + 1]):
            if flags[branch]:
                continue
            through = above[node] + _branch_weight(block, group_weights, node_weights, branch)
            for index in range(block[block[at.CHILD_FIRST] + branch], block[block[at.CHILD_FIRST] + branch + 1]):
                child = block[block[at.CHILD] + index]
                above[child] = min(above[child], through - node_weights[child])
            for group in (block[block[at.ASSERTED] + branch], block[block[at.FREE] + branch]):
                if group >= 0:
                    group_least[group] = min(group_least[group], through)
    for group in range(block[at.GROUPS]):
        through = group_least[group]
        if work[work[of.USED] + group] == 0:
            continue
        for index in range(code_first[group], code_first[group + 1]):
            first = code[index]
            if group < block[at.GROUPS_ASSERTING]:
                bounds[first] = min(bounds[first], through)
            else:
                rest = through - weights[_chosen(block, work, weights, ties, first)]
                bounds[first] = min(bounds[first], rest + weights[first])
                bounds[first + 1] = min(bounds[first + 1], rest + weights[first + 1])


@kernel(f"uint64({BLOCK}, {WORK}, uint64[::1], uint64[::1], uint64[::1])")
def share_weeks(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    weeks: NDArray[np.uint64],
    group_weeks: NDArray[np.uint64],
    node_weeks: NDArray[np.uint64],
) -> int:
    """Return the weeks in which some car can be built, each bit on its own; `weeks` are by code."""
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    branches = block[at.BRANCHES]
    code_first, code = block[block[at.CODE_FIRST] : block[at.CODE]], block[block[at.CODE] : block[at.HOME_FIRST]]
    for group in range(block[at.GROUPS]):
        shared = ~np.uint64(0)
        for index in range(code_first[group], code_first[group + 1]):
            first = code[index]
            if group < block[at.GROUPS_ASSERTING]:
                shared &= weeks[first]
            elif flags[branches + first]:
                shared &= weeks[first + 1]
            elif flags[branches + first + 1]:
                shared &= weeks[first]
            else:
                shared &= weeks[first] | weeks[first + 1]
        group_weeks[group] = shared
    for node in range(block[at.NODES] - 1, -1, -1):
        node_weeks[node] = 0
        for branch in range(block[block[at.NODE_FIRST] + node], block[block[at.NODE_FIRST] + node + 1]):
            if flags[branch]:
                continue
            shared = ~np.uint64(0)
            for group in (block[block[at.ASSERTED] + branch], block[block[at.FREE] + branch]):
                if group >= 0:
                    shared &= group_weeks[group]
            for index in range(block[block[at.CHILD_FIRST] + branch], block[block[at.CHILD_FIRST] + branch + 1]):
                shared &= node_weeks[block[block[at.CHILD] + index]]
            node_weeks[node] |= shared
    total: int = node_weeks[0]
    return total
