"""The reduced circuit as one block of 32-bit integers: what the kernels walk, and what a file holds as it is.

The block begins with its sizes and where each section begins; a section ends where the next one begins. Codes are those
of `reduction`: 2c for "class c is true", 2c + 1 for the opposite. A group is a list that branches share: of asserted
codes, or (those from `GROUPS_ASSERTING` on) of codes 2c of classes that are free.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine.reduction import Branch, Reduced, reduce

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from configurator.engine.formula import Formula
    from configurator.engine.nnf import Nnf

# What the block begins with.
NODES: Final = 0
BRANCHES: Final = 1
GROUPS: Final = 2
GROUPS_ASSERTING: Final = 3
CLASSES: Final = 4
FEATURES: Final = 5
VARIABLES: Final = 6
SECTIONS: Final = 8
"""From here on: where each section begins, and last where the block ends."""

# The sections. FIRST ones hold, for each thing of the left, where its run begins in the section after them.
NODE_FIRST: Final = 8  # node -> branches (they are numbered by node)
OWNER: Final = 9  # branch -> its node
CHILD_FIRST: Final = 10  # branch -> CHILD
CHILD: Final = 11
PARENT_FIRST: Final = 12  # node -> PARENT: the branches that lead to it
PARENT: Final = 13
ASSERTED: Final = 14  # branch -> its group of asserted codes, or -1
FREE: Final = 15  # branch -> its group of free classes, or -1
USER_FIRST: Final = 16  # group -> USER: the branches that have it
USER: Final = 17
CODE_FIRST: Final = 18  # group -> CODE
CODE: Final = 19
HOME_FIRST: Final = 20  # code -> HOME: the groups that support it, those that assert it first
HOME: Final = 21
HOME_FREE: Final = 22  # code -> where in HOME those groups begin that leave it free
MEMBER_FIRST: Final = 23  # class -> MEMBER: the features' literals that are true where the class is
MEMBER: Final = 24
CODE_OF: Final = 25  # variable -> code, or ALWAYS, NEVER, UNKNOWN
END: Final = 26


@dataclass(frozen=True)
class Circuit:
    """A compiled formula; `block` is read-only and may be shared by threads and processes."""

    block: NDArray[np.int32]

    def section(self, name: int) -> NDArray[np.int32]:
        """Return one section of the block."""
        return self.block[self.block[name] : self.block[name + 1]]

    def size(self, name: int) -> int:
        """Return one of the sizes that the block begins with."""
        return int(self.block[name])

    @property
    def has_cars(self) -> bool:
        """Say whether there is any model at all."""
        return self.size(NODES) > 0


def compile_circuit(nnf: Nnf, formula: Formula, *, named: Collection[int] | None = None) -> Circuit:
    """Lay a compiled formula out.

    `named` are the variables after the features and guards that weights or weeks may name; None stands for all. The
    others are taken out, which loses no car because their values follow from the features.
    """
    everything = range(1, formula.variable_count + 1)
    kept = everything if named is None else {*range(1, formula.feature_count + 1), *formula.guards, *named}
    reduced = reduce(nnf, kept=kept, seed=bytes.fromhex(formula.content_hash))
    return lay_out(reduced, formula.feature_count)


def lay_out(reduced: Reduced, feature_count: int) -> Circuit:
    """Write a reduced circuit into one block."""
    branches = [branch for node in reduced.nodes for branch in node]
    free = [classes for node in reduced.free for classes in node]
    owner = [number for number, node in enumerate(reduced.nodes) for _ in node]
    asserted, asserting = _shared([branch.codes for branch in branches])
    freed, freeing = _shared([tuple(2 * number for number in classes) for classes in free])
    freed = [group + len(asserting) if group >= 0 else -1 for group in freed]
    groups = [*asserting, *freeing]
    users = _inverted(
        len(groups), [[group for group in pair if group >= 0] for pair in zip(asserted, freed, strict=True)]
    )
    homes, home_free = _homes(2 * reduced.class_count, groups, len(asserting))
    sections: dict[int, Iterable[int]] = {
        NODE_FIRST: _first(reduced.nodes),
        OWNER: owner,
        **_runs(CHILD_FIRST, [branch.children for branch in branches]),
        **_runs(PARENT_FIRST, _inverted(len(reduced.nodes), [branch.children for branch in branches])),
        ASSERTED: asserted,
        FREE: freed,
        **_runs(USER_FIRST, users),
        **_runs(CODE_FIRST, groups),
        **_runs(HOME_FIRST, homes),
        HOME_FREE: home_free,
        **_runs(MEMBER_FIRST, _members(reduced, feature_count)),
        CODE_OF: reduced.codes,
    }
    sizes = [len(reduced.nodes), len(branches), len(groups), len(asserting), reduced.class_count, feature_count]
    return Circuit(_block([*sizes, len(reduced.codes) - 1, 0], sections))


def _block(sizes: Sequence[int], sections: dict[int, Iterable[int]]) -> NDArray[np.int32]:
    arrays = [np.fromiter(sections[name], dtype=np.int32) for name in range(SECTIONS, END)]
    begin = END + 1
    starts = list(accumulate((len(array) for array in arrays), initial=begin))
    block = np.concatenate([np.array([*sizes, *starts], dtype=np.int32), *arrays])
    block.flags.writeable = False
    return block


def _first(runs: Sequence[Sequence[object]]) -> list[int]:
    return list(accumulate((len(run) for run in runs), initial=0))


def _runs(first: int, runs: Sequence[Sequence[int]]) -> dict[int, Iterable[int]]:
    return {first: _first(runs), first + 1: chain.from_iterable(runs)}


def _shared(lists: Sequence[tuple[int, ...]]) -> tuple[list[int], list[tuple[int, ...]]]:
    """Number the distinct lists in the order in which they are met; an empty one gets -1."""
    numbers: dict[tuple[int, ...], int] = {}
    return [numbers.setdefault(items, len(numbers)) if items else -1 for items in lists], list(numbers)


def _inverted(count: int, runs: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return, for each of `count` numbers, the places of the runs that hold it."""
    places: list[list[int]] = [[] for _ in range(count)]
    for place, run in enumerate(runs):
        for number in run:
            places[number].append(place)
    return places


def _homes(code_count: int, groups: Sequence[Sequence[int]], asserting: int) -> tuple[list[list[int]], list[int]]:
    homes = _inverted(code_count, groups[:asserting])
    ends = [len(home) for home in homes]
    for group, codes in enumerate(groups[asserting:], start=asserting):
        for code in codes:
            homes[code].append(group)
            homes[code + 1].append(group)
    first = _first(homes)
    return homes, [first[code] + end for code, end in enumerate(ends)]


def _members(reduced: Reduced, feature_count: int) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in range(reduced.class_count)]
    for feature in range(1, feature_count + 1):
        code = reduced.codes[feature]
        if code >= 0:
            members[code >> 1].append(-feature if code & 1 else feature)
    return members


__all__ = ["Branch", "Circuit", "compile_circuit", "lay_out"]
