"""The backend over incremental SAT: one python-sat solver per formula, with guards as assumptions like choices.

It serves where no circuit fits the budget, and until one is ready. It does not count and does not draw cars.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from configurator.engine.backend import BackendKind, Bounds, Car, Delta, Domains, Weights
from configurator.engine.formula import Formula
from configurator.engine.known_cars import CARS_MAX, KnownCars
from configurator.engine.overview import overview
from configurator.engine.reasons import minimal
from configurator.engine.sat_lightest import LightestCars
from configurator.engine.simplified import Simplified, bits, simplify

STATES_MAX: Final = 256
"""Places of buyers kept at most, so that the next choice begins where the last one ended."""
WEEKS: Final = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where decisions lead, in the smaller formula: which variables some car has, and has not."""

    can: int
    cannot: int


class SatSession:
    """A buyer's decisions over SAT: where each of them led, so that one taken back leaves the earlier ones' answers."""

    __slots__ = ("_backend", "_bounds", "_literals", "_place")

    def __init__(
        self,
        backend: SatBackend,
        literals: tuple[int, ...],
        place: Place,
        bounds: tuple[tuple[int, int], ...] | None = None,
    ) -> None:
        self._backend = backend
        self._literals = literals
        self._place = place
        everything = backend.known.all
        # bounds[k] holds what is possible after the first k decisions, from above.
        self._bounds = bounds or (*((everything, everything) for _ in literals), (place.can, place.cannot))

    @property
    def decisions(self) -> tuple[int, ...]:
        return self._literals

    def decide(self, literal: int) -> Delta | None:
        inner = self._backend.translated((*self._literals, literal))
        if inner is None:
            return None
        before = self._place
        place = self._backend.explored(inner, before.can, before.cannot)
        if place is None:
            return None
        self._literals = (*self._literals, literal)
        self._place = place
        self._bounds = (*self._bounds, (place.can, place.cannot))
        return Delta(closed=self._backend.told(before.can & ~place.can, before.cannot & ~place.cannot))

    def withdraw(self, literal: int) -> Delta:
        at = self._literals.index(literal)
        left = self._literals[:at] + self._literals[at + 1 :]
        inner = self._backend.translated(left)
        assert inner is not None, "fewer decisions cannot contradict each other"
        can, cannot = self._bounds[at]
        before = self._place
        place = self._backend.explored(inner, can, cannot)
        assert place is not None, "the cars before the withdrawal are still there"
        # The later decisions' bounds spoke of the one withdrawn as well; what held before it still does.
        self._literals = left
        self._bounds = (*self._bounds[:at], *((can, cannot) for _ in left[at:]), (place.can, place.cannot))
        self._place = place
        return Delta(opened=self._backend.told(place.can & ~before.can, place.cannot & ~before.cannot))

    def domains(self) -> Domains:
        return self._backend.shown_domains(self._place.can, self._place.cannot)

    def fork(self) -> SatSession:
        return SatSession(self._backend, self._literals, self._place, self._bounds)


class SatBackend:
    """Answers about all cars of one formula by SAT; threads share it and wait for each other."""

    kind = BackendKind.SAT

    def __init__(self, formula: Formula, *, cars_max: int = CARS_MAX) -> None:
        self.formula = formula
        self.lock = threading.RLock()
        seen = overview(formula, cars_max=cars_max)
        simplified = None if seen is None else simplify(formula, seen.always)
        self.has_cars = simplified is not None
        self.simplified = simplified or Simplified(0, 0, (), (0,) * (formula.variable_count + 1), frozenset(), 0)
        self.known = KnownCars(
            self.simplified.clauses,
            shown=self.simplified.shown,
            guards=[image for guard in formula.guards if (image := self.simplified.image[guard])],
            cars=() if seen is None else map(self.simplified.smaller_car, seen.cars),
            cars_max=cars_max,
        )
        self._places: OrderedDict[frozenset[int], Place | None] = OrderedDict()
        self._lightest = LightestCars(self.simplified, self.known)

    def close(self) -> None:
        """Give the solver's memory back."""
        self.known.close()

    def search_at_most(self, *, branches: int | None = None, seconds: float | None = None) -> None:
        """Bound the search for lightest cars: branches before MaxSAT takes over, and how long that may take."""
        self._lightest.bound(branches=branches, seconds=seconds)

    def open(self, literals: Sequence[int]) -> SatSession | None:
        place = self.place(literals)
        return None if place is None else SatSession(self, tuple(literals), place)

    def domains(self, literals: Sequence[int]) -> Domains | None:
        place = self.place(literals)
        return None if place is None else self.shown_domains(place.can, place.cannot)

    def has_car(self, literals: Sequence[int]) -> bool:
        inner = self.translated(literals)
        if inner is None:
            return False
        with self.lock:
            known = self._places.get(frozenset(inner))
            return known is not None or self.known.solve(inner) is not None

    def minimal_choices(
        self, literals: Sequence[int], wanted: Sequence[int], *, context: Sequence[int] = ()
    ) -> tuple[int, ...] | None:
        always = [*context, *wanted]
        if not self.has_car(always):
            return ()
        inner = self.translated([*always, *literals])
        candidates = list(dict.fromkeys(literals))
        if inner is not None:
            with self.lock:
                if self.known.solve(inner) is not None:
                    return None
                core = self.known.core()
            candidates = [literal for literal in candidates if self.simplified.image_of(literal) in core]
        return tuple(minimal(candidates, lambda some: not self.has_car([*always, *some])))

    def lightest(self, literals: Sequence[int], weights: Weights) -> Car | None:
        inner = self.translated(literals)
        if inner is None:
            return None
        with self.lock:
            if self._is_whole(inner):
                weights.check()
                car = self.known.solve(inner)
                return None if car is None else self._lightest.shown_car(car, weights)
            place = self._place(inner)
            return None if place is None else self._lightest.lightest(inner, place.can, place.cannot, weights)

    def _is_whole(self, inner: list[int]) -> bool:
        """Say whether literals leave nothing open by propagation alone: of a complete car nothing is to be searched."""
        if 2 * len(inner) < self.known.all.bit_count():
            return False
        fixed = {abs(literal) for literal in (*inner, *(self.known.implied(inner) or ()))}
        return not self.known.all & ~sum(1 << variable for variable in fixed)

    def bounds(self, literals: Sequence[int], weights: Weights) -> Bounds | None:
        inner = self.translated(literals)
        if inner is None:
            return None
        with self.lock:
            place = self._place(inner)
            return None if place is None else self._lightest.bounds(inner, place.can, place.cannot, weights)

    def soonest(self, literals: Sequence[int], weeks: Mapping[int, int]) -> int:
        inner = self.translated(literals)
        if inner is None:
            return 0
        found = 0
        with self.lock:
            for week in range(WEEKS):
                missing = [-variable for variable, possible in weeks.items() if not possible >> week & 1]
                wanted = self.translated([*literals, *missing])
                if wanted is not None and self.known.solve(wanted) is not None:
                    found |= 1 << week
        return found

    def count(self, literals: Sequence[int]) -> int | None:
        return None

    def sample(self, literals: Sequence[int], *, number: int, seed: int) -> tuple[int, ...] | None:
        return None

    def translated(self, literals: Sequence[int]) -> list[int] | None:
        """Return literals of the smaller formula; None where they contradict each other or what always holds."""
        return self.simplified.translated(literals) if self.has_cars else None

    def place(self, literals: Sequence[int]) -> Place | None:
        """Return where the literals lead."""
        inner = self.translated(literals)
        if inner is None:
            return None
        with self.lock:
            return self._place(inner)

    def _place(self, inner: list[int]) -> Place | None:
        key = frozenset(inner)
        if key in self._places:
            self._places.move_to_end(key)
            return self._places[key]
        everything = self.known.all
        before = self._nearest(inner)
        if before is None:
            found = self.explored(inner, everything, everything)
        else:
            found = self.explored(inner, before.can, before.cannot)
        self._places[key] = found
        if len(self._places) > STATES_MAX:
            self._places.popitem(last=False)
        return found

    def _nearest(self, inner: list[int]) -> Place | None:
        """Return where the longest known beginning of the literals leads: what it has closed stays closed."""
        for length in range(len(inner) - 1, 0, -1):
            place = self._places.get(frozenset(inner[:length]))
            if place is not None:
                return place
        return None

    def explored(self, inner: list[int], can: int, cannot: int) -> Place | None:
        """Find out where the literals lead; `can` and `cannot` bound that from above."""
        with self.lock:
            found = self.known.cover(inner, can=can, cannot=cannot)
        return None if found is None else Place(*found)

    def shown_domains(self, can: int, cannot: int) -> Domains:
        """Return the domains of the features."""
        simplified = self.simplified
        return Domains(
            simplified.features(can, cannot) | simplified.features_always,
            simplified.features(cannot, can) | simplified.features_never,
        )

    def told(self, closed_can: int, closed_cannot: int) -> tuple[int, ...]:
        """Return the literals of the features that closing these variables' values closes."""
        simplified = self.simplified
        return (
            *bits(simplified.features(closed_can, closed_cannot)),
            *(-variable for variable in bits(simplified.features(closed_cannot, closed_can))),
        )
