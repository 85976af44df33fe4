"""The lightest cars by SAT: branch and bound on the cores of what is preferred, and MaxSAT where that grows too large.

Between cars of one weight the sum of the ties decides, as in the circuit, which compares in two levels. Here both
levels are one whole number; it may exceed 64 bits, which neither Python nor the search minds.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from pysat.examples.rc2 import RC2Stratified
from pysat.formula import WCNF

from configurator.engine.backend import Bounds, Car, Weights
from configurator.engine.branching import BRANCHES_MAX, Discount, LightestSearch
from configurator.engine.known_cars import KnownCars
from configurator.engine.simplified import Simplified, bits
from configurator.errors import AnswerTooHard
from kernel.reasons import because

SECONDS_MAX: Final = 5.0
"""MaxSAT is stopped after so long and the question refused."""
MAXSAT_SOLVER: Final = "g3"
BOUNDED_FEATURES_MAX: Final = 400
"""With more open features than these their bounds are not sought one by one."""


class LightestCars:
    """Finds lightest cars of one smaller formula; the caller holds the lock of the solver."""

    def __init__(self, simplified: Simplified, known: KnownCars) -> None:
        self._simplified = simplified
        self._known = known
        self._branches_max = BRANCHES_MAX
        self._seconds_max = SECONDS_MAX

    def bound(self, *, branches: int | None = None, seconds: float | None = None) -> None:
        """Set other bounds of the search."""
        self._branches_max = branches or self._branches_max
        self._seconds_max = seconds or self._seconds_max

    def lightest(self, inner: list[int], can: int, cannot: int, weights: Weights) -> Car | None:
        """Find the lightest car that meets the literals, or refuse with AnswerTooHard."""
        weights.check()
        # One number has both levels: whatever the ties add up to, it is less than one unit of weight.
        scale = 1 + sum(map(abs, weights.ties.values()))
        both = {variable: scale * weight for variable, weight in weights.by_variable.items()}
        for variable, tie in weights.ties.items():
            both[variable] = both.get(variable, 0) + tie
        car = self._search(inner, can, cannot, self._inner_weights(both))
        return None if car is None else self.shown_car(car, weights)

    def bounds(self, inner: list[int], can: int, cannot: int, weights: Weights) -> Bounds | None:
        """Find the least weight with and without each open feature, or refuse with AnswerTooHard."""
        weights.check()
        plain = self._inner_weights(weights.by_variable)
        least = self._search(inner, can, cannot, plain)
        if least is None:
            return None
        open_variables = bits(can & cannot)
        if len(open_variables) > BOUNDED_FEATURES_MAX:
            raise AnswerTooHard(because("BOUNDS_TOO_HARD"))
        best = self._weight(least, weights.by_variable)
        found: dict[int, int] = {}
        for variable in open_variables:
            for literal in (variable, -variable):
                if (least >> variable & 1) == (literal > 0):
                    found[literal] = best
                    continue
                car = self._search([*inner, literal], can, cannot, plain)
                assert car is not None, "an open literal has a car"
                found[literal] = self._weight(car, weights.by_variable)
        present, absent = {}, {}
        for feature in range(1, self._simplified.feature_count + 1):
            image = self._simplified.image[feature]
            if image in found:
                present[feature], absent[feature] = found[image], found[-image]
        return Bounds(best, present, absent)

    def _inner_weights(self, by_variable: Mapping[int, int]) -> dict[int, int]:
        """Return the weights by variable of the smaller formula; constants are left out."""
        inner: dict[int, int] = {}
        for variable, weight in by_variable.items():
            image = self._simplified.image[variable]
            if image:
                inner[abs(image)] = inner.get(abs(image), 0) + (weight if image > 0 else -weight)
        return {variable: weight for variable, weight in inner.items() if weight}

    def _search(self, inner: list[int], can: int, cannot: int, weights: Mapping[int, int]) -> int | None:
        """Find a car of the least weight; where the lightest open member of every group fits, one call proves it."""
        residual = self._residual(inner, weights, can, cannot)
        borne, discounts = self._borne(inner, residual)
        preferred = {-v if weight > 0 else v: abs(weight) for v, weight in borne.items() if weight}
        search = LightestSearch(self._known.solve, self._known.core, branches_max=self._branches_max)
        search.branch(inner, preferred, discounts, 0)
        return self._by_maxsat(inner, residual) if search.gave_up else search.car

    @cached_property
    def _exclusive(self) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """Return (conditions, members) of the clauses whose positive literals exclude each other by propagation."""
        found = []
        for clause in self._simplified.clauses:
            members = tuple(literal for literal in clause if literal > 0)
            if len(members) > 1 and all(self._excludes(member, members) for member in members[:-1]):
                found.append((tuple(-literal for literal in clause if literal < 0), members))
        return tuple(found)

    def _excludes(self, member: int, members: Sequence[int]) -> bool:
        implied = self._known.implied([member])
        if implied is None:
            return False
        known = set(implied)
        return all(-other in known for other in members if other != member)

    def _residual(self, inner: list[int], weights: Mapping[int, int], can: int, cannot: int) -> dict[int, int]:
        """Drop what is fixed, and in each group of exactly one take the lightest open member's weight off all."""
        implied = set(self._known.implied(inner) or ())
        shown = self._known.all
        residual = {
            v: weight
            for v, weight in weights.items()
            if v not in implied and -v not in implied and (not shown >> v & 1 or can >> v & cannot >> v & 1)
        }
        for conditions, members in self._exclusive:
            if not all(one in implied or (shown >> one & 1 and not cannot >> one & 1) for one in conditions):
                continue
            open_members = [one for one in members if -one not in implied and (not shown >> one & 1 or can >> one & 1)]
            if len(open_members) > 1 and not any(one in implied for one in open_members):
                least = min(residual.get(member, 0) for member in open_members)
                for member in open_members:
                    residual[member] = residual.get(member, 0) - least
        return residual

    def _borne(self, inner: list[int], residual: Mapping[int, int]) -> tuple[dict[int, int], tuple[Discount, ...]]:
        """Let what a discount needs bear the discount, as far as its weight allows.

        Where r follows only from a (r => a), w·a - k·r = (w - k)·a + k·(a and not r): the first term stays a plain
        weight, the second is kept as a `Discount` that was missed.
        """
        weights = dict(residual)
        discounts = []
        for variable in [variable for variable, weight in residual.items() if weight < 0]:
            for needed in self._known.implied([*inner, variable]) or ():
                taken = min(-weights[variable], weights.get(needed, 0))
                if taken > 0:
                    weights[needed] -= taken
                    weights[variable] += taken
                    discounts.append(Discount(needed, variable, taken))
        return weights, tuple(discounts)

    def _by_maxsat(self, inner: list[int], residual: Mapping[int, int]) -> int:
        formula = WCNF()
        formula.extend([list(clause) for clause in self._simplified.clauses])
        formula.extend([[literal] for literal in inner])
        for variable, weight in residual.items():
            if weight:
                formula.append([-variable if weight > 0 else variable], weight=abs(weight))
        with RC2Stratified(formula, solver=MAXSAT_SOLVER, adapt=True, exhaust=True, minz=True) as maxsat:
            alarm = threading.Timer(self._seconds_max, maxsat.interrupt)
            alarm.start()
            try:
                model = maxsat.compute(expect_interrupt=True)
            finally:
                alarm.cancel()
        if model is None:
            raise AnswerTooHard(because("LIGHTEST_TOO_HARD"))
        return sum(1 << literal for literal in model if 0 < literal <= self._simplified.variable_count)

    def _weight(self, car: int, by_variable: Mapping[int, int]) -> int:
        return sum(weight for variable, weight in by_variable.items() if self._is_true(car, variable))

    def _is_true(self, car: int, variable: int) -> bool:
        image = self._simplified.image[variable]
        if not image:
            return variable in self._simplified.always
        return bool(car >> abs(image) & 1) == (image > 0)

    def shown_car(self, car: int, weights: Weights) -> Car:
        """Return a car of the smaller formula with all its features and its weight."""
        simplified = self._simplified
        features = simplified.features(car & self._known.all, self._known.all & ~car) | simplified.features_always
        return Car(features, self._weight(car, weights.by_variable))
