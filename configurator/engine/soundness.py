"""Whether a block of integers is a circuit at all: the kernels look nothing up twice, so a file is looked at before.

Every index must lead somewhere, and what is written in two directions must agree; then no walk leaves the block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine import circuit as at
from configurator.engine.reduction import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int32]

SIZES: Final = at.SECTIONS - 1
_RUNS: Final = (
    (at.CHILD_FIRST, at.CHILD),
    (at.PARENT_FIRST, at.PARENT),
    (at.USER_FIRST, at.USER),
    (at.CODE_FIRST, at.CODE),
    (at.HOME_FIRST, at.HOME),
    (at.MEMBER_FIRST, at.MEMBER),
)


def is_sound(block: Ints) -> bool:
    """Say whether the kernels may walk this block."""
    if len(block) <= at.END or (block[:SIZES] < 0).any():
        return False
    starts = block[at.SECTIONS : at.END + 1]
    if starts[0] != at.END + 1 or starts[-1] != len(block) or (np.diff(starts) < 0).any():
        return False
    circuit = at.Circuit(block)
    return _has_its_lengths(circuit) and _stays_inside(circuit) and _agrees(circuit)


def _has_its_lengths(circuit: at.Circuit) -> bool:
    nodes, branches, groups = circuit.size(at.NODES), circuit.size(at.BRANCHES), circuit.size(at.GROUPS)
    classes, variables = circuit.size(at.CLASSES), circuit.size(at.VARIABLES)
    lengths = {
        at.NODE_FIRST: nodes + 1,
        at.OWNER: branches,
        at.CHILD_FIRST: branches + 1,
        at.PARENT_FIRST: nodes + 1,
        at.ASSERTED: branches,
        at.FREE: branches,
        at.USER_FIRST: groups + 1,
        at.CODE_FIRST: groups + 1,
        at.HOME_FIRST: 2 * classes + 1,
        at.HOME_FREE: 2 * classes,
        at.MEMBER_FIRST: classes + 1,
        at.CODE_OF: variables + 1,
    }
    return (
        circuit.size(at.GROUPS_ASSERTING) <= groups
        and len(circuit.section(at.MEMBER)) <= circuit.size(at.FEATURES) <= variables
        and all(len(circuit.section(name)) == length for name, length in lengths.items())
        and _is_runs(circuit.section(at.NODE_FIRST), branches)
        and all(_is_runs(circuit.section(first), len(circuit.section(of))) for first, of in _RUNS)
    )


def _is_runs(first: Ints, length: int) -> bool:
    return bool(first[0] == 0 and first[-1] == length and (np.diff(first) >= 0).all())


def _stays_inside(circuit: at.Circuit) -> bool:
    nodes, branches, groups = circuit.size(at.NODES), circuit.size(at.BRANCHES), circuit.size(at.GROUPS)
    asserting, codes = circuit.size(at.GROUPS_ASSERTING), 2 * circuit.size(at.CLASSES)
    free, members = circuit.section(at.FREE), np.abs(circuit.section(at.MEMBER))
    home_first, home_free = circuit.section(at.HOME_FIRST), circuit.section(at.HOME_FREE)
    return (
        _within(circuit.section(at.CHILD), 0, nodes)
        and _within(circuit.section(at.PARENT), 0, branches)
        and _within(circuit.section(at.ASSERTED), -1, asserting)
        and _within(free[free != -1], asserting, groups)
        and _within(circuit.section(at.USER), 0, branches)
        and _within(circuit.section(at.CODE), 0, codes)
        and _within(circuit.section(at.HOME), 0, groups)
        and bool(((home_first[:-1] <= home_free) & (home_free <= home_first[1:])).all())
        and _within(members, 1, circuit.size(at.FEATURES) + 1)
        and _within(circuit.section(at.CODE_OF), UNKNOWN, codes)
    )


def _within(numbers: Ints, low: int, end: int) -> bool:
    return not len(numbers) or bool(low <= numbers.min() and numbers.max() < end)


def _agrees(circuit: at.Circuit) -> bool:
    """Say whether branches lie with their nodes, children below their parents, and each inverse is one."""
    nodes, branches, groups = circuit.size(at.NODES), circuit.size(at.BRANCHES), circuit.size(at.GROUPS)
    owner = np.repeat(np.arange(nodes, dtype=np.int32), np.diff(circuit.section(at.NODE_FIRST)))
    if not np.array_equal(owner, circuit.section(at.OWNER)):
        return False
    every = np.arange(branches, dtype=np.int32)
    child, above = circuit.section(at.CHILD), np.repeat(every, np.diff(circuit.section(at.CHILD_FIRST)))
    if (child <= owner[above]).any() or not _is_inverse(circuit, at.PARENT_FIRST, at.PARENT, child, above):
        return False
    pairs = [(circuit.section(name), circuit.section(name) >= 0) for name in (at.ASSERTED, at.FREE)]
    group = np.concatenate([numbers[there] for numbers, there in pairs])
    user = np.concatenate([every[there] for _, there in pairs])
    if not _is_inverse(circuit, at.USER_FIRST, at.USER, group, user):
        return False
    code = circuit.section(at.CODE)
    holder = np.repeat(np.arange(groups, dtype=np.int32), np.diff(circuit.section(at.CODE_FIRST)))
    is_free = holder >= circuit.size(at.GROUPS_ASSERTING)
    if (code[is_free] & 1).any():
        return False
    codes, holders = np.concatenate((code, code[is_free] + 1)), np.concatenate((holder, holder[is_free]))
    return _is_inverse(circuit, at.HOME_FIRST, at.HOME, codes, holders)


def _is_inverse(circuit: at.Circuit, first: int, names: int, keys: Ints, values: Ints) -> bool:
    """Say whether a section lists, key by key, the values that stand beside the key."""
    starts, listed = circuit.section(first), circuit.section(names)
    owners = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    if len(listed) != len(keys):
        return False
    one, other = np.lexsort((listed, owners)), np.lexsort((values, keys))
    return bool(np.array_equal(owners[one], keys[other]) and np.array_equal(listed[one], values[other]))
