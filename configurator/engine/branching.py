"""Branch and bound for a car of the least weight: prefer everything light at once, branch where a core says no."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

BRANCHES_MAX: Final = 150
"""Past this many branches the search gives up, and MaxSAT takes over."""


@dataclass(frozen=True, slots=True)
class Discount:
    """A weight that counts in a car that has `needed` and misses `earned`."""

    needed: int
    earned: int
    weight: int

    def is_missed(self, car: int) -> bool:
        """Say whether a car (a bit set over variables) has to bear the weight."""
        return bool(car >> self.needed & 1) and not car >> self.earned & 1


class LightestSearch:
    """Keeps the lightest car found; when `gave_up` is still false at the end, it is the lightest of all."""

    def __init__(
        self, solve: Callable[[Sequence[int]], int | None], core: Callable[[], frozenset[int]], *, branches_max: int
    ) -> None:
        self._solve = solve
        self._core = core
        self._branches_max = branches_max
        self._weight: int | None = None
        self._branches = 0
        self.car: int | None = None
        self.gave_up = False

    def branch(
        self, assumed: list[int], preferred: Mapping[int, int], discounts: tuple[Discount, ...], bound: int
    ) -> None:
        """Search below the assumed literals; `preferred` maps literals to what breaking one weighs."""
        if self._weight is not None and bound >= self._weight:
            return
        self._branches += 1
        if self._branches > self._branches_max:
            self.gave_up = True
            return
        car = self._solve([*assumed, *preferred])
        if car is None:
            self._break_one(assumed, preferred, discounts, bound)
            return
        missed = [discount for discount in discounts if discount.is_missed(car)]
        weight = bound + sum(discount.weight for discount in missed)
        if self._weight is None or weight < self._weight:
            self._weight, self.car = weight, car
        if missed:
            self._settle(missed[0], assumed, preferred, discounts, bound)

    def _break_one(
        self, assumed: list[int], preferred: Mapping[int, int], discounts: tuple[Discount, ...], bound: int
    ) -> None:
        """At least one preferred literal of the core must be broken: try each, with those before it kept."""
        core = self._core()
        rest = dict(preferred)
        kept: list[int] = []
        for literal in sorted((literal for literal in preferred if literal in core), key=preferred.__getitem__):
            weight = rest.pop(literal)
            self.branch([*assumed, *kept, -literal], rest, discounts, bound + weight)
            kept.append(literal)

    def _settle(
        self,
        discount: Discount,
        assumed: list[int],
        preferred: Mapping[int, int],
        discounts: tuple[Discount, ...],
        bound: int,
    ) -> None:
        """Decide about one missed discount: do without what it needs, earn it, or bear it."""
        others = tuple(other for other in discounts if other is not discount)
        self.branch([*assumed, -discount.needed], preferred, others, bound)
        self.branch([*assumed, discount.earned], preferred, others, bound)
        self.branch([*assumed, discount.needed, -discount.earned], preferred, others, bound + discount.weight)
