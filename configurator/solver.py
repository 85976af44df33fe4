"""Answers what can still be built: the interface of the engine, and its implementation over incremental SAT.

Every answer is exact: an option is open if and only if some buildable car has it. The implementation keeps the cars
it has found as one bit set per variable, so most questions are answered without asking the SAT solver again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pysat.examples.hitman import Hitman
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF
from pysat.solvers import Solver

from configurator.catalogue import Context
from configurator.rules import RuleBook

SOLVER_NAME: Final = "g4"
CARS_MAX: Final = 2_048
"""Cars remembered for one set of active rules; the oldest give way."""
STEPS_MAX: Final = 512
CONTEXTS_MAX: Final = 32
REPAIRS_TRIED_MAX: Final = 200
CONFLICTS_TRIED_MAX: Final = 60

Choices = Mapping[str, bool]
"""Feature by name: True is wanted, False is refused."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A minimal cause: with any one of the choices or rules left out it would not follow any more."""

    choices: tuple[tuple[str, bool], ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Every feature's state after the choices: can be both, must be in, cannot be in."""

    open: frozenset[str]
    forced: frozenset[str]
    excluded: frozenset[str]


@dataclass(frozen=True, slots=True)
class Clash:
    """No buildable car meets the choices."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Repair:
    """The own choices that must give way, as few as possible."""

    given_up: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """A buildable car (its true features, abstract ones included) of the least weight, proven."""

    features: frozenset[str]
    weight: int


class Engine(Protocol):
    """Answers exactly, for one catalogue version. Names must be known; asking for others is our own mistake."""

    def step(self, choices: Choices, context: Context) -> Step | Clash:
        """Tell the state of every feature after the choices, or why no car meets them."""
        ...

    def explain(self, choices: Choices, context: Context, *, feature: str, present: bool) -> Reason | None:
        """Tell why the feature cannot be present (or absent); None where it can."""
        ...

    def repairs(
        self, choices: Choices, context: Context, *, feature: str, present: bool, limit: int
    ) -> tuple[Repair, ...]:
        """Tell the smallest sets of choices to give up so that the feature can be as asked, smallest first."""
        ...

    def minimum(self, choices: Choices, context: Context, weights: Mapping[str, int]) -> Completion | None:
        """Find the car of the least sum of weights (by feature or price rule); None where no car meets the choices."""
        ...

    def is_buildable(self, features: frozenset[str], context: Context) -> bool:
        """Say whether exactly these features make a car."""
        ...


class SatEngine:
    """The engine over python-sat; may be shared by threads, which wait for each other per set of active rules."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._lock = threading.Lock()
        self._spaces: OrderedDict[tuple[int, ...], _Space] = OrderedDict()
        self._explainer: _Explainer | None = None

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
        self, choices: Choices, context: Context, *, feature: str, present: bool, limit: int
    ) -> tuple[Repair, ...]:
        wanted = self._literal(feature, present=present)
        names = {self._literal(name, present=value): name for name, value in choices.items()}
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
            car = space.lightest(self._literals(choices), by_variable)
        if car is None:
            return None
        return Completion(self._names(car), sum(weight for name, weight in weights.items() if self._is_true(car, name)))

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

    def _space(self, context: Context) -> _Space:
        active = self._book.active(context)
        with self._lock:
            space = self._spaces.get(active)
            if space is None:
                space = self._spaces[active] = _Space(self._book, active)
                if len(self._spaces) > CONTEXTS_MAX:
                    self._spaces.popitem(last=False)
            self._spaces.move_to_end(active)
        return space

    def _explaining(self) -> _Explainer:
        with self._lock:
            if self._explainer is None:
                self._explainer = _Explainer(self._book)
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


class _Space:
    """The cars that one set of active rules allows, explored as questions come."""

    def __init__(self, book: RuleBook, active: Sequence[int]) -> None:
        self.lock = threading.Lock()
        self._book = book
        self._clauses = [*book.structure, *(clause for index in active for clause in book.rules[index].clauses)]
        self._solver = Solver(name=SOLVER_NAME, bootstrap_with=self._clauses)
        self._has = [0] * (book.variable_count + 1)
        self._cars = 0
        self._all = 0
        self._oldest = 0
        self._steps: OrderedDict[frozenset[int], tuple[int, int] | None] = OrderedDict()

    def close(self) -> None:
        self._solver.delete()

    def solve(self, assumptions: Sequence[int]) -> int | None:
        """Find a car as a bit set over variables and remember it; None where there is none."""
        if not self._solver.solve(assumptions=assumptions):
            return None
        car = 0
        for literal in self._solver.get_model():
            if literal > 0:
                car |= 1 << literal
        self._remember(car)
        return car

    def _remember(self, car: int) -> None:
        slot = self._oldest
        self._oldest = (slot + 1) % CARS_MAX
        bit = 1 << slot
        fresh = not self._all & bit
        self._all |= bit
        for variable in range(1, self._book.variable_count + 1):
            if car >> variable & 1:
                self._has[variable] |= bit
            elif not fresh:
                self._has[variable] &= ~bit

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
                if seen and literal > 0:
                    can |= 1 << variable
                elif seen:
                    cannot |= 1 << variable
        return can, cannot

    def _seek_unseen(self, matching: int) -> None:
        """Tell the solver to prefer values that no matching car has shown, so that each new car answers much."""
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

    def corrections(self, literals: Sequence[int], wanted: int, limit: int) -> list[list[int]]:
        """Enumerate smallest sets of literals without which `wanted` can hold (implicit hitting sets)."""
        found: list[list[int]] = []
        if self.solve([wanted]) is None:
            return found
        with Hitman(solver=SOLVER_NAME, htype="sorted") as hitman:
            for _ in range(REPAIRS_TRIED_MAX):
                dropped = hitman.get()
                if dropped is None:
                    break
                kept = [literal for literal in literals if literal not in set(dropped)]
                if self.solve([*kept, wanted]) is not None:
                    found.append(list(dropped))
                    if not dropped or len(found) == limit:
                        break
                    hitman.block(dropped)
                else:
                    hitman.hit(self._core(kept, wanted))
        return found

    def _core(self, kept: Sequence[int], wanted: int) -> list[int]:
        core = [literal for literal in self._solver.get_core() or [] if literal != wanted]
        return core or list(kept)

    def lightest(self, literals: Sequence[int], weights: Mapping[int, int]) -> int | None:
        """Find a car of the least weight. Where the lightest open member of every group fits, one call proves it."""
        domains = self.domains(literals)
        if domains is None:
            return None
        residual = self._residual(weights, *domains)
        preferred = [-variable if weight > 0 else variable for variable, weight in residual.items() if weight]
        car = self.solve([*literals, *preferred])
        return car if car is not None else self._by_maxsat(literals, residual)

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
        car = 0
        for literal in model:
            if 0 < literal <= self._book.variable_count:
                car |= 1 << literal
        self._remember(car)
        return car


class _Explainer:
    """All rules behind selectors in one solver, so that a core names the rules at fault."""

    def __init__(self, book: RuleBook) -> None:
        self.lock = threading.Lock()
        self._first = book.variable_count + 1
        self._solver = Solver(name=SOLVER_NAME, bootstrap_with=book.structure)
        for index, rule in enumerate(book.rules):
            for clause in rule.clauses:
                self._solver.add_clause([*clause, -(self._first + index)])

    def close(self) -> None:
        self._solver.delete()

    def cause(
        self, literals: Iterable[int], active: Iterable[int], wanted: Sequence[int]
    ) -> tuple[frozenset[int], frozenset[int]] | None:
        """Return an irreducible set of literals and rule positions that forbids `wanted`; None where it is allowed."""
        literals = list(literals)
        selectors = [self._first + index for index in active]
        if self._solver.solve(assumptions=[*wanted, *literals, *selectors]):
            return None
        core = self._shrunk([*literals, *selectors], wanted)
        return (
            frozenset(literal for literal in core if abs(literal) < self._first),
            frozenset(literal - self._first for literal in core if abs(literal) >= self._first),
        )

    def _shrunk(self, candidates: Sequence[int], wanted: Sequence[int]) -> list[int]:
        """Take away one candidate after another while the contradiction stays (deletion, with core refinement)."""
        core = self._core_of(candidates)
        needed: list[int] = []
        while core:
            tried = core.pop(0)
            if self._solver.solve(assumptions=[*wanted, *needed, *core]):
                needed.append(tried)
            else:
                core = self._core_of(core)
        return needed

    def _core_of(self, candidates: Sequence[int]) -> list[int]:
        found = set(self._solver.get_core() or ())
        return [literal for literal in candidates if literal in found]

    def smallest(self, active: Iterable[int], wanted: int) -> list[int]:
        """Return the fewest rule positions that forbid `wanted` (implicit hitting sets; Ignatiev and others, CP 2015).

        Past `CONFLICTS_TRIED_MAX` rounds an irreducible set is returned, which may not be the fewest.
        """
        selectors = [self._first + index for index in active]
        if self._solver.solve(assumptions=[wanted, *selectors]):
            return []
        irreducible = self._shrunk(selectors, [wanted])
        found = self._fewest(selectors, wanted) or irreducible
        return [selector - self._first for selector in found]

    def _fewest(self, selectors: Sequence[int], wanted: int) -> list[int] | None:
        with Hitman(solver=SOLVER_NAME, htype="sorted") as hitman:
            for _ in range(CONFLICTS_TRIED_MAX):
                guess = hitman.get()
                if guess is None or not self._solver.solve(assumptions=[wanted, *guess]):
                    return list(guess) if guess else None
                hitman.hit(self._left_out(selectors, [wanted, *guess]))
        return None

    def _left_out(self, selectors: Sequence[int], kept: list[int]) -> list[int]:
        """Extend a consistent set of rules as far as it goes and return what stays out."""
        left_out = []
        for selector in selectors:
            if not self._solver.solve(assumptions=[*kept, selector]):
                left_out.append(selector)
            else:
                kept.append(selector)
        return left_out
