"""The cars that one set of active rules allows: exact domains, repairs and lightest cars over one SAT solver.

The cars found are kept as one bit set per feature, so most questions are answered without asking the solver again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from pysat.examples.hitman import Hitman
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF
from pysat.solvers import Solver

from configurator.engine.branching import Discount, LightestSearch
from configurator.rules import RuleBook

SOLVER_NAME: Final = "g4"
CARS_MAX: Final = 4_096
"""Cars remembered at most; then remembering starts afresh."""
STEPS_MAX: Final = 1_024
REPAIRS_TRIED_MAX: Final = 200


class Space:
    """The cars that one set of active rules allows, explored as questions come."""

    def __init__(self, book: RuleBook, active: Sequence[int], *, branches_max: int, cars_max: int) -> None:
        self.lock = threading.Lock()
        self._book = book
        self._branches_max = branches_max
        self._cars_max = cars_max
        self._clauses = [*book.structure, *(clause for index in active for clause in book.rules[index].clauses)]
        self._solver = Solver(name=SOLVER_NAME, bootstrap_with=self._clauses)
        self._has = [0] * (book.variable_count + 1)
        self._cars = 0
        self._all = 0
        self._steps: OrderedDict[frozenset[int], tuple[int, int] | None] = OrderedDict()

    def close(self) -> None:
        self._solver.delete()

    def solve(self, assumptions: Sequence[int]) -> int | None:
        """Find a car as a bit set over variables and remember it; None where there is none."""
        if not self._solver.solve(assumptions=assumptions):
            return None
        return self._remember([literal for literal in self._solver.get_model() if literal > 0])

    def _remember(self, present: list[int]) -> int:
        if self._cars == self._cars_max:
            self._has = [0] * len(self._has)
            self._cars = 0
        bit = 1 << self._cars
        self._cars += 1
        self._all = (bit << 1) - 1
        has = self._has
        car = 0
        for variable in present:
            has[variable] |= bit
            car |= 1 << variable
        return car

    def domains(self, literals: Sequence[int]) -> tuple[int, int] | None:
        """Return two bit sets over variables: can be true, can be false; None where no car meets the literals."""
        key = frozenset(literals)
        if key in self._steps:
            self._steps.move_to_end(key)
            return self._steps[key]
        found = self._explore(literals, key)
        self._steps[key] = found
        if len(self._steps) > STEPS_MAX:
            self._steps.popitem(last=False)
        return found

    def _explore(self, literals: Sequence[int], key: frozenset[int]) -> tuple[int, int] | None:
        consistent, implied = self._solver.propagate(assumptions=literals)
        if not consistent:
            return None
        matching = self._matching(literals)
        if not matching and self.solve(literals) is None:
            return None
        matching = self._matching(literals)
        fixed = set(implied) | self._inherited(key)
        self._seek_unseen(matching)
        can = cannot = 0
        for variable in range(1, len(self._book.features) + 1):
            for literal in (variable, -variable):
                seen = matching & (self._has[variable] if literal > 0 else ~self._has[variable])
                if not seen and -literal not in fixed and self.solve([*literals, literal]) is not None:
                    matching = self._matching(literals)
                    seen = matching
                    self._seek_unseen(matching)
                if seen and literal > 0:
                    can |= 1 << variable
                elif seen:
                    cannot |= 1 << variable
        return can, cannot

    def _seek_unseen(self, matching: int) -> None:
        """Tell the solver to prefer values that no matching car has shown, so that each new car answers much.

        Told anew after each car, a step of the demo brand takes 11 cars instead of 33.
        """
        features = range(1, len(self._book.features) + 1)
        self._solver.set_phases([v if not matching & self._has[v] else -v for v in features])

    def _matching(self, literals: Sequence[int]) -> int:
        matching = self._all
        for literal in literals:
            matching &= self._has[literal] if literal > 0 else ~self._has[-literal]
        return matching

    def _inherited(self, key: frozenset[int]) -> set[int]:
        """Return literals that the step with one choice less had already fixed: they stay so."""
        for literal in key:
            before = self._steps.get(key - {literal})
            if before is not None:
                can, cannot = before
                variables = range(1, len(self._book.features) + 1)
                return {v if can >> v & 1 else -v for v in variables if not (can >> v & 1 and cannot >> v & 1)}
        return set()

    def corrections(self, literals: Sequence[int], wanted: Sequence[int], limit: int) -> list[list[int]]:
        """Enumerate the smallest sets of literals without which all of `wanted` can hold (implicit hitting sets)."""
        found: list[list[int]] = []
        if self.solve(wanted) is None:
            return found
        with Hitman(solver=SOLVER_NAME, htype="sorted") as hitman:
            for _ in range(REPAIRS_TRIED_MAX):
                dropped = hitman.get()
                if dropped is None:
                    break
                kept = [literal for literal in literals if literal not in dropped]
                if self.solve([*kept, *wanted]) is None:
                    hitman.hit([literal for literal in kept if literal in self.core()])
                    continue
                found.append(list(dropped))
                if not dropped or len(found) == limit:
                    break
                hitman.block(dropped)
        return found

    def lightest(self, literals: Sequence[int], weights: Mapping[int, int], ties: Mapping[int, int]) -> int | None:
        """Find a car of the least weight. Where the lightest open member of every group fits, one call proves it.

        `ties` decides between cars of one weight, so the answer does not depend on what was asked before.
        """
        domains = self.domains(literals)
        if domains is None:
            return None
        scale = 1 + sum(ties.values())
        both = {variable: scale * weights.get(variable, 0) + ties.get(variable, 0) for variable in {**weights, **ties}}
        residual = self._residual(both, *domains)
        borne, discounts = self._borne(literals, residual)
        preferred = {-v if weight > 0 else v: abs(weight) for v, weight in borne.items() if weight}
        search = LightestSearch(self.solve, self.core, branches_max=self._branches_max)
        search.branch(list(literals), preferred, discounts, 0)
        if search.gave_up:
            return self._by_maxsat(literals, self._residual(weights, *domains))
        return search.car

    def core(self) -> frozenset[int]:
        """Return the assumptions that the last failed `solve` could not meet together."""
        return frozenset(self._solver.get_core() or ())

    def _residual(self, weights: Mapping[int, int], can: int, cannot: int) -> dict[int, int]:
        """Drop what is fixed, and in each group of exactly one take the lightest open member's weight off all."""
        feature_count = len(self._book.features)
        residual = {
            variable: weight
            for variable, weight in weights.items()
            if variable > feature_count or (can >> variable & 1 and cannot >> variable & 1)
        }
        for parent, members in self._book.exclusive:
            open_members = [member for member in members if can >> member & 1]
            if not cannot >> parent & 1 and len(open_members) > 1:
                least = min(residual.get(member, 0) for member in open_members)
                for member in open_members:
                    residual[member] = residual.get(member, 0) - least
        return residual

    def _borne(
        self, literals: Sequence[int], residual: Mapping[int, int]
    ) -> tuple[dict[int, int], tuple[Discount, ...]]:
        """Let what a discount needs bear the discount, as far as its weight allows.

        Where r follows only from a (r => a), w·a - k·r = (w - k)·a + k·(a and not r): the first term stays a plain
        weight, the second is kept as a `Discount` that was missed.
        """
        weights = dict(residual)
        discounts = []
        for variable in [variable for variable, weight in residual.items() if weight < 0]:
            _, implied = self._solver.propagate(assumptions=[*literals, variable])
            for needed in implied:
                taken = min(-weights[variable], weights.get(needed, 0))
                if taken > 0:
                    weights[needed] -= taken
                    weights[variable] += taken
                    discounts.append(Discount(needed, variable, taken))
        return weights, tuple(discounts)

    def _by_maxsat(self, literals: Sequence[int], residual: Mapping[int, int]) -> int:
        formula = WCNF()
        formula.extend([list(clause) for clause in self._clauses])
        formula.extend([[literal] for literal in literals])
        for variable, weight in residual.items():
            if weight:
                formula.append([-variable if weight > 0 else variable], weight=abs(weight))
        with RC2(formula, solver=SOLVER_NAME, adapt=True, exhaust=True, minz=True) as maxsat:
            model = maxsat.compute()
        assert model is not None, "a car was known to meet the choices"
        return self._remember([literal for literal in model if 0 < literal <= self._book.variable_count])
