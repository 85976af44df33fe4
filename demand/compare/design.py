"""Who is asked what: 44 balanced versions of twelve items in nine sets of four, and one question of price.

A version is the affine plane of order three turned round: its twelve lines are the items and its nine points the sets.
A point lies on four lines, a line has three points, and two lines meet at most once; so a set has four items, an item
comes three times, and no two items meet twice. Items that never meet are parallel: four triples of lines.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ITEMS: Final = 12
SETS: Final = 9
SET_SIZE: Final = 4
SHIFTS: Final = 11
VERSIONS: Final = SHIFTS * SET_SIZE

# Four triples whose differences modulo eleven take each value but zero twice, 11 standing for the point that no shift
# moves. Developed through the eleven shifts, every two of the twelve items are parallel in two of them, and so meet in
# nine: the versions together favour no pair.
_PARALLEL: Final = ((11, 0, 1), (2, 4, 7), (3, 8, 10), (5, 6, 9))


@dataclass(frozen=True, slots=True)
class Deal:
    """What one person is asked: the version of the sets, and which item at which step of its prices."""

    version: int
    price_item: int
    price_step: int


@lru_cache(maxsize=VERSIONS)
def sets_of(version: int) -> tuple[tuple[int, ...], ...]:
    """Return a version's nine sets of four items (0 to 11), in the order in which they are asked and shown.

    The four rotations of each shift bring every item to every place of a set equally often.
    """
    assert 0 <= version < VERSIONS
    shift, turn = version % SHIFTS, version // SHIFTS
    triples = [tuple(one if one == SHIFTS else (one + shift) % SHIFTS for one in triple) for triple in _PARALLEL]
    sets = []
    for number in range(SETS):
        point = (number + version) % SETS
        x, y = divmod(point, 3)
        # The lines through (x, y) with slope 0, 1, 2, and the upright one.
        through = [triples[slope][(y - slope * x) % 3] for slope in range(3)] + [triples[3][x]]
        start = (point + turn) % SET_SIZE
        sets.append(tuple(through[start:] + through[:start]))
    return tuple(sets)


def deal(seed: str, number: int, *, price_steps: int) -> Deal:
    """Return what the `number`-th person (from 0) of a comparison is asked.

    Versions go round. The questions of price go in blocks of every item at every step, each block in an order of its
    own that only `seed` decides: chance, and yet equally often.
    """
    block, place = divmod(number, ITEMS * price_steps)
    cells = list(range(ITEMS * price_steps))
    random.Random(f"{seed}:{block}").shuffle(cells)
    item, step = divmod(cells[place], price_steps)
    return Deal(number % VERSIONS, item, step)
