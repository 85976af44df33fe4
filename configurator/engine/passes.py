"""Single passes over the live part of a circuit, from the leaves up and back down, as compiled kernels.

What a pass finds stands by part: nodes first, then groups. A branch joins its parts, its children and its groups: it
adds their weights or shares their weeks. A node takes the best of its live branches, and children have higher numbers
than their parents, so one loop over the nodes is a pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine import circuit as at
from configurator.engine import workspace as of
from configurator.engine.jit import kernel
from configurator.engine.reduction import ALWAYS, NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK: Final = "Array(int32, 1, 'C', readonly=True)"
WORK: Final = "int32[::1]"
WEIGHTS: Final = "int64[::1]"
WEEKS: Final = "uint64[::1]"
FAR: Final = 1 << 62
"""More than any car weighs."""


@kernel(f"int64({BLOCK}, {WEIGHTS}, int64)")
def _sum(block: NDArray[np.int32], weights: NDArray[np.int64], branch: int) -> int:
    """Add up the parts of a branch."""
    total = 0
    group = block[block[at.ASSERTED] + branch]
    if group >= 0:
        total += weights[block[at.NODES] + group]
    group = block[block[at.FREE] + branch]
    if group >= 0:
        total += weights[block[at.NODES] + group]
    for index in range(block[block[at.CHILD_FIRST] + branch], block[block[at.CHILD_FIRST] + branch + 1]):
        total += weights[block[block[at.CHILD] + index]]
    return total


@kernel(f"uint64({BLOCK}, {WEEKS}, int64)")
def _meet(block: NDArray[np.int32], weeks: NDArray[np.uint64], branch: int) -> np.uint64:
    """Return the weeks that the parts of a branch share."""
    shared = ~np.uint64(0)
    group = block[block[at.ASSERTED] + branch]
    if group >= 0:
        shared &= weeks[block[at.NODES] + group]
    group = block[block[at.FREE] + branch]
    if group >= 0:
        shared &= weeks[block[at.NODES] + group]
    for index in range(block[block[at.CHILD_FIRST] + branch], block[block[at.CHILD_FIRST] + branch + 1]):
        shared &= weeks[block[block[at.CHILD] + index]]
    return shared


@kernel(f"int64({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, int64)")
def _lighter(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    code_weights: NDArray[np.int64],
    code_ties: NDArray[np.int64],
    code: int,
) -> int:
    """Return the lighter open code of a free class, given its code 2c; of two as light ones "false"."""
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    branches = block[at.BRANCHES]
    if flags[branches + code]:
        return code + 1
    if flags[branches + code + 1]:
        return code
    if code_weights[code] != code_weights[code + 1]:
        return code if code_weights[code] < code_weights[code + 1] else code + 1
    return code if code_ties[code] < code_ties[code + 1] else code + 1


@kernel(f"void({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WORK})")
def weigh(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    code_weights: NDArray[np.int64],
    code_ties: NDArray[np.int64],
    weights: NDArray[np.int64],
    ties: NDArray[np.int64],
    choice: NDArray[np.int32],
) -> None:
    """Find by part the least weight and among those the least tie, and by node the branch that has both."""
    nodes, asserting = block[at.NODES], block[at.GROUPS_ASSERTING]
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    node_first = block[block[at.NODE_FIRST] : block[at.OWNER]]
    code_first, codes = block[block[at.CODE_FIRST] : block[at.CODE]], block[block[at.CODE] : block[at.HOME_FIRST]]
    for group in range(block[at.GROUPS]):
        if work[work[of.USED] + group]:
            weight, tie = 0, 0
            for index in range(code_first[group], code_first[group + 1]):
                taken = codes[index]
                if group >= asserting:
                    taken = _lighter(block, work, code_weights, code_ties, taken)
                weight += code_weights[taken]
                tie += code_ties[taken]
            weights[nodes + group], ties[nodes + group] = weight, tie
    for node in range(nodes - 1, -1, -1):
        weights[node] = FAR
        for branch in range(node_first[node], node_first[node + 1]):
            if flags[branch]:
                continue
            weight = _sum(block, weights, branch)
            if weight > weights[node]:
                continue
            tie = _sum(block, ties, branch)
            if weight < weights[node] or tie < ties[node]:
                weights[node], ties[node], choice[node] = weight, tie, branch


@kernel(f"void({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, {WORK}, int8[::1], int8[::1])")
def take(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    code_weights: NDArray[np.int64],
    code_ties: NDArray[np.int64],
    choice: NDArray[np.int32],
    reached: NDArray[np.int8],
    chosen: NDArray[np.int8],
) -> None:
    """After `weigh`, follow the chosen branches from the root and mark every code of the car in `chosen`."""
    asserting = block[at.GROUPS_ASSERTING]
    code_first, codes = block[block[at.CODE_FIRST] : block[at.CODE]], block[block[at.CODE] : block[at.HOME_FIRST]]
    chosen[:] = 0
    reached[:] = 0
    reached[0] = 1
    for node in range(block[at.NODES]):
        if reached[node] == 0:
            continue
        branch = choice[node]
        for group in (block[block[at.ASSERTED] + branch], block[block[at.FREE] + branch]):
            if group >= 0:
                for index in range(code_first[group], code_first[group + 1]):
                    code = codes[index]
                    if group >= asserting:
                        code = _lighter(block, work, code_weights, code_ties, code)
                    chosen[code] = 1
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


@kernel(f"void({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS})")
def _through(
    block: NDArray[np.int32], work: NDArray[np.int32], weights: NDArray[np.int64], least: NDArray[np.int64]
) -> None:
    """After `weigh`, find by part the least weight of a car that goes through it."""
    nodes = block[at.NODES]
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    node_first = block[block[at.NODE_FIRST] : block[at.OWNER]]
    least[:] = FAR
    least[0] = weights[0]
    for node in range(nodes):
        above = least[node] - weights[node]
        for branch in range(node_first[node], node_first[node + 1]):
            if flags[branch]:
                continue
            total = above + _sum(block, weights, branch)
            for group in (block[block[at.ASSERTED] + branch], block[block[at.FREE] + branch]):
                if group >= 0:
                    least[nodes + group] = min(least[nodes + group], total)
            for index in range(block[block[at.CHILD_FIRST] + branch], block[block[at.CHILD_FIRST] + branch + 1]):
                child = block[block[at.CHILD] + index]
                least[child] = min(least[child], total)


@kernel(f"void({BLOCK}, {WORK}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS}, {WEIGHTS})")
def bound(
    block: NDArray[np.int32],
    work: NDArray[np.int32],
    code_weights: NDArray[np.int64],
    code_ties: NDArray[np.int64],
    weights: NDArray[np.int64],
    least: NDArray[np.int64],
    bounds: NDArray[np.int64],
) -> None:
    """After `weigh`, find by code the least weight of a car that has it; `least` is filled by part on the way."""
    nodes = block[at.NODES]
    code_first, codes = block[block[at.CODE_FIRST] : block[at.CODE]], block[block[at.CODE] : block[at.HOME_FIRST]]
    _through(block, work, weights, least)
    bounds[:] = FAR
    for group in range(block[at.GROUPS]):
        if work[work[of.USED] + group] == 0:
            continue
        through = least[nodes + group]
        for index in range(code_first[group], code_first[group + 1]):
            code = codes[index]
            if group < block[at.GROUPS_ASSERTING]:
                bounds[code] = min(bounds[code], through)
            else:
                rest = through - code_weights[_lighter(block, work, code_weights, code_ties, code)]
                bounds[code] = min(bounds[code], rest + code_weights[code])
                bounds[code + 1] = min(bounds[code + 1], rest + code_weights[code + 1])


@kernel(f"uint64({BLOCK}, {WORK}, {WEEKS}, {WEEKS})")
def share_weeks(
    block: NDArray[np.int32], work: NDArray[np.int32], code_weeks: NDArray[np.uint64], weeks: NDArray[np.uint64]
) -> np.uint64:
    """Find by part the weeks in which what it stands for can be built, each bit on its own; return the root's."""
    nodes, branches = block[at.NODES], block[at.BRANCHES]
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    node_first = block[block[at.NODE_FIRST] : block[at.OWNER]]
    code_first, codes = block[block[at.CODE_FIRST] : block[at.CODE]], block[block[at.CODE] : block[at.HOME_FIRST]]
    for group in range(block[at.GROUPS]):
        shared = ~np.uint64(0)
        for index in range(code_first[group], code_first[group + 1]):
            code = codes[index]
            if group < block[at.GROUPS_ASSERTING] or flags[branches + code + 1]:
                shared &= code_weeks[code]
            elif flags[branches + code]:
                shared &= code_weeks[code + 1]
            else:
                shared &= code_weeks[code] | code_weeks[code + 1]
        weeks[nodes + group] = shared
    for node in range(nodes - 1, -1, -1):
        weeks[node] = 0
        for branch in range(node_first[node], node_first[node + 1]):
            if flags[branch] == 0:
                weeks[node] |= _meet(block, weeks, branch)
    root: np.uint64 = weeks[0]
    return root


@kernel(f"void({BLOCK}, {WORK}, uint8[::1], uint8[::1])")
def domains(
    block: NDArray[np.int32], work: NDArray[np.int32], can: NDArray[np.uint8], cannot: NDArray[np.uint8]
) -> None:
    """Set bit v of `can` where some car has feature v, and of `cannot` where some car has it not."""
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    branches = block[at.BRANCHES]
    can[:] = 0
    cannot[:] = 0
    for feature in range(1, block[at.FEATURES] + 1):
        code = block[block[at.CODE_OF] + feature]
        bit = np.uint8(1 << (feature & 7))
        if code == ALWAYS or (code >= 0 and flags[branches + code] == 0):
            can[feature >> 3] |= bit
        if code == NEVER or (code >= 0 and flags[branches + (code ^ 1)] == 0):
            cannot[feature >> 3] |= bit
