"""What must give way: the smallest sets of choices without which something can be had (minimal corrections).

Each contradiction among the choices must lose one of its members, so corrections are hitting sets of contradictions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pysat.examples.hitman import Hitman

from configurator.engine.reasons import minimal

SOLVER_NAME: Final = "g4"
ROUNDS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Corrections:
    """Sets of choices to give up, smallest first; `are_all` says that no other minimal one exists."""

    found: tuple[tuple[int, ...], ...]
    are_all: bool


def corrections(
    choices: Sequence[int], always: Sequence[int], has_car: Callable[[Sequence[int]], bool], *, limit: int
) -> Corrections:
    """Return the smallest sets of choices without which the others and `always` have a car; none where nothing helps.

    Implicit hitting sets, smallest first (Reiter 1987; Liffiton and Sakallah 2008 for the duality).
    """
    if not has_car(always):
        return Corrections((), are_all=True)
    found: list[tuple[int, ...]] = []
    with Hitman(solver=SOLVER_NAME, htype="sorted") as hitman:
        for _ in range(ROUNDS_MAX):
            dropped = hitman.get()
            if dropped is None:
                return Corrections(tuple(found), are_all=True)
            kept = [literal for literal in choices if literal not in dropped]
            if not has_car([*always, *kept]):
                hitman.hit(minimal(kept, lambda some: not has_car([*always, *some])))
                continue
            found.append(tuple(literal for literal in choices if literal in dropped))
            if not dropped:
                return Corrections(tuple(found), are_all=True)
            if len(found) == limit:
                break
            hitman.block(dropped)
    return Corrections(tuple(found), are_all=False)
