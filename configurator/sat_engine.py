"""The engine over incremental SAT (python-sat): the interface of `solver`, one `Space` per set of active rules."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from configurator.engine.branching import BRANCHES_MAX
from configurator.explainer import Explainer
from configurator.model import Context
from configurator.rules import RuleBook
from configurator.solver import Choices, Clash, Completion, Reason, Repair, Step
from configurator.space import CARS_MAX, Space

CONTEXTS_MAX: Final = 32
CONTEXTS_KNOWN_MAX: Final = 1_024
TIE_BITS: Final = 20


class SatEngine:
    """The engine over python-sat; may be shared by threads, which wait for each other per set of active rules."""

    def __init__(self, book: RuleBook, *, branches_max: int = BRANCHES_MAX, cars_max: int = CARS_MAX) -> None:
        self._book = book
        self._branches_max = branches_max
        self._cars_max = cars_max
        self._lock = threading.Lock()
        self._spaces: OrderedDict[tuple[int, ...], Space] = OrderedDict()
        self._active: dict[Context, tuple[int, ...]] = {}
        self._explainer: Explainer | None = None

    def step(self, choices: Choices, context: Context) -> Step | Clash:
        space = self._space(context)
        with space.lock:
            domains = space.domains(self._literals(choices))
        if domains is None:
            reason = self._reason(choices, context, [])
            assert reason is not None
            return Clash(reason)
        can, cannot = domains
        features = self._book.features
        sides = [(name, can >> v & 1, cannot >> v & 1) for v, name in enumerate(features, start=1)]
        return Step(
            frozenset(name for name, present, absent in sides if present and absent),
            frozenset(name for name, present, absent in sides if not absent),
            frozenset(name for name, present, absent in sides if not present),
        )

    def explain(self, choices: Choices, context: Context, *, feature: str, present: bool) -> Reason | None:
        return self._reason(choices, context, [self._literal(feature, present=present)])

    def repairs(
        self,
        choices: Choices,
        context: Context,
        *,
        feature: str,
        present: bool,
        limit: int,
        kept: frozenset[str] = frozenset(),
    ) -> tuple[Repair, ...]:
        wanted = [self._literal(feature, present=present)]
        wanted += [self._literal(name, present=value) for name, value in choices.items() if name in kept]
        names = {self._literal(name, present=value): name for name, value in choices.items() if name not in kept}
        space = self._space(context)
        with space.lock:
            corrections = space.corrections(list(names), wanted, limit)
        return tuple(Repair(tuple(sorted(names[literal] for literal in correction))) for correction in corrections)

    def minimum(self, choices: Choices, context: Context, weights: Mapping[str, int]) -> Completion | None:
        space = self._space(context)
        by_variable: dict[int, int] = {}
        for name, weight in weights.items():
            literal = self._book.price_rules[name] if name in self._book.price_rules else self._book.variables[name]
            _add_weight(by_variable, literal, weight)
        with space.lock:
            car = space.lightest(self._literals(choices), by_variable, self._ties)
        if car is None:
            return None
        return Completion(self._names(car), sum(weight for name, weight in weights.items() if self._is_true(car, name)))

    @cached_property
    def _ties(self) -> dict[int, int]:
        """Return by feature what decides between cars of one weight: the earlier in the catalogue, the lighter.

        The lower bits come from the name, so that two cars with the same sum of places differ all the same.
        """
        return {
            number: (number << TIE_BITS) + zlib.crc32(name.encode()) % (1 << TIE_BITS)
            for number, name in enumerate(self._book.features, start=1)
        }

    def is_buildable(self, features: frozenset[str], context: Context) -> bool:
        literals = [v if name in features else -v for name, v in self._book.variables.items()]
        space = self._space(context)
        with space.lock:
            return space.solve(literals) is not None

    def smallest_conflict(self, context: Context, *, feature: str) -> tuple[str, ...]:
        """Return the fewest rules that together keep a feature (or, for the root, every car) out; empty if none do."""
        active = self._book.active(context)
        explainer = self._explaining()
        with explainer.lock:
            found = explainer.smallest(active, self._literal(feature, present=True))
        return tuple(self._book.rules[index].code for index in sorted(found))

    def close(self) -> None:
        """Give the solvers' memory back."""
        with self._lock:
            for space in self._spaces.values():
                space.close()
            self._spaces.clear()
            if self._explainer is not None:
                self._explainer.close()
                self._explainer = None

    def _is_true(self, car: int, name: str) -> bool:
        literal = self._book.price_rules[name] if name in self._book.price_rules else self._book.variables[name]
        return bool(car >> abs(literal) & 1) == (literal > 0)

    def _names(self, car: int) -> frozenset[str]:
        return frozenset(name for v, name in enumerate(self._book.features, start=1) if car >> v & 1)

    def _literal(self, name: str, *, present: bool) -> int:
        variable = self._book.variables[name]
        return variable if present else -variable

    def _literals(self, choices: Choices) -> list[int]:
        return [self._literal(name, present=value) for name, value in choices.items()]

    def _space(self, context: Context) -> Space:
        with self._lock:
            active = self._active.get(context)
            if active is None:
                if len(self._active) >= CONTEXTS_KNOWN_MAX:
                    self._active.clear()
                active = self._active[context] = self._book.active(context)
            space = self._spaces.get(active)
            if space is None:
                space = self._spaces[active] = Space(
                    self._book, active, branches_max=self._branches_max, cars_max=self._cars_max
                )
                if len(self._spaces) > CONTEXTS_MAX:
                    self._spaces.popitem(last=False)
            self._spaces.move_to_end(active)
        return space

    def _explaining(self) -> Explainer:
        with self._lock:
            if self._explainer is None:
                self._explainer = Explainer(self._book)
            return self._explainer

    def _reason(self, choices: Choices, context: Context, wanted: Sequence[int]) -> Reason | None:
        active = self._book.active(context)
        explainer = self._explaining()
        with explainer.lock:
            cause = explainer.cause(self._literals(choices), active, wanted)
        if cause is None:
            return None
        literals, rules = cause
        return Reason(
            tuple((name, value) for name, value in choices.items() if self._literal(name, present=value) in literals),
            tuple(self._book.rules[index].code for index in sorted(rules)),
        )


def _add_weight(by_variable: dict[int, int], literal: int, weight: int) -> None:
    """Add a weight to a literal; on a negative one it counts as a constant less the weight on the variable."""
    sign = 1 if literal > 0 else -1
    by_variable[abs(literal)] = by_variable.get(abs(literal), 0) + sign * weight
