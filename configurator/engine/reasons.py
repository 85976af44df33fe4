"""Why something cannot be: a minimal set of own choices and of rules, each of them needed.

Propagation finds most reasons within a few clauses; else a solver with a selector for each rule names those at fault.
What was found is then shrunk over those rules alone. A reason is bounded in conflicts, and refused with AnswerTooHard
beyond that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Protocol, TypeAlias, TypeVar

from pysat.solvers import Solver

from configurator.engine.bounded import Inquiry
from configurator.engine.formula import Formula
from configurator.engine.propagation import Contradiction, Propagation

SOLVER_NAME: Final = "g4"
Candidate = TypeVar("Candidate")
Literals: TypeAlias = tuple[int, ...]


class MinimalChoices(Protocol):
    """Finds choices that together with a context exclude what is wanted (`Backend.minimal_choices`)."""

    def __call__(
        self, literals: Sequence[int], wanted: Sequence[int], *, context: Sequence[int] = ()
    ) -> tuple[int, ...] | None:
        """Return them, none superfluous; empty where the context alone excludes it, None where nothing does."""
        ...


@dataclass(frozen=True, slots=True)
class Cause:
    """Own choices, what a context fixes (places in what was given as `fixed`), and rules (positions in
    `Formula.rules`), irreducible together."""

    choices: tuple[int, ...]
    fixed: tuple[int, ...]
    rules: tuple[int, ...]


class Reasons:
    """Explains one formula; threads share it and wait for each other where a solver is asked."""

    def __init__(self, formula: Formula) -> None:
        self._formula = formula
        self._lock = threading.RLock()
        # Which rule (or -1, the structure) each clause belongs to.
        self._owner = [-1] * len(formula.structure)
        for position, rule in enumerate(formula.rules):
            self._owner += [position] * len(rule.clauses)
        self._propagation = Propagation(formula.clauses, formula.variable_count)
        self._first = formula.variable_count + 1
        self._lazy: _LazyRules | None = None
        self._selecting: Solver | None = None

    @property
    def is_ready(self) -> bool:
        """Say whether both solvers are built."""
        return self._lazy is not None and self._selecting is not None

    def get_ready(self) -> None:
        """Build both solvers now, so that nobody who asks waits for that."""
        with self._lock:
            self._lazy_rules, self._selector_solver  # noqa: B018  the properties do the work

    def close(self) -> None:
        """Give the solvers' memory back."""
        with self._lock:
            if self._selecting is not None:
                self._selecting.delete()
            if self._lazy is not None:
                self._lazy.solver.delete()
            self._selecting = self._lazy = None

    def cause(
        self,
        wanted: Sequence[int],
        choices: Sequence[int],
        fixed: Sequence[Literals],
        guards: Sequence[int],
        minimal_choices: MinimalChoices,
    ) -> Cause | None:
        """Return a minimal cause that forbids `wanted`, or None where some car has it.

        `choices` are own decisions; `fixed` are literals that rules outside the formula fix, together those of one
        rule; `guards` the guards' values. Choices are minimal for all rules in force, and rules (with what is fixed)
        for those choices. `minimal_choices` is that of whichever backend serves.
        """
        own = minimal_choices(choices, wanted, context=[*guards, *chain.from_iterable(fixed)])
        return None if own is None else self._for_choices([*guards, *wanted], own, fixed)

    def _for_choices(self, always: Sequence[int], own: Sequence[int], fixed: Sequence[Literals]) -> Cause:
        """Find the rules behind choices that are minimal already."""
        found = self._propagation.contradiction([*always, *own, *chain.from_iterable(fixed)])
        inquiry = Inquiry()
        with self._lock:
            if found is None:
                rules, needed = self._by_selectors([*always, *own], fixed, self.active(always), inquiry)
            else:
                rules, needed = self._rules_of(found), _touched(fixed, found.assumed)
            if rules or needed:
                rules, needed = self._shrunk([*always, *own], rules, fixed, needed, inquiry)
        return Cause(tuple(own), tuple(needed), tuple(sorted(rules)))

    def active(self, guards: Iterable[int]) -> list[int]:
        """Return the positions of the rules that are in force under guards' values."""
        true = set(guards)
        return [
            position for position, rule in enumerate(self._formula.rules) if rule.guard is None or rule.guard in true
        ]

    def _rules_of(self, found: Contradiction) -> list[int]:
        return sorted({self._owner[clause] for clause in found.clauses} - {-1})

    def _by_selectors(
        self, always: Sequence[int], fixed: Sequence[Literals], active: Sequence[int], inquiry: Inquiry
    ) -> tuple[list[int], list[int]]:
        """Let a solver with a selector for each rule say which of them it needed."""
        selectors = [self._first + position for position in active]
        assumed = [*always, *chain.from_iterable(fixed), *selectors]
        satisfiable = inquiry.has_model(self._selector_solver, assumed)
        assert not satisfiable, "the backend found no car, so there is none"
        core = set(self._selector_solver.get_core() or ())
        rules = [position for position in active if self._first + position in core]
        return rules, _touched(fixed, core)

    @property
    def _selector_solver(self) -> Solver:
        if self._selecting is None:
            self._selecting = Solver(name=SOLVER_NAME, bootstrap_with=self._formula.structure)
            for position, rule in enumerate(self._formula.rules):
                for clause in rule.guarded:
                    self._selecting.add_clause([*clause, -(self._first + position)])
        return self._selecting

    @property
    def _lazy_rules(self) -> _LazyRules:
        if self._lazy is None:
            self._lazy = _LazyRules(self._formula)
        return self._lazy

    def _shrunk(
        self, always: Sequence[int], rules: list[int], fixed: Sequence[Literals], places: list[int], inquiry: Inquiry
    ) -> tuple[list[int], list[int]]:
        """Leave out one rule after another, with all that it fixes, while the contradiction stays."""
        lazy = self._lazy_rules
        candidates = [*(fixed[place] for place in places), *((one,) for one in lazy.selectors(rules))]
        core = lazy.core(always, candidates, range(len(candidates)), inquiry)
        assert core is not None, "the reason is sufficient"
        needed: list[int] = []
        while core:
            tried = core.pop()
            with_needed = [*always, *chain.from_iterable(candidates[one] for one in needed)]
            smaller = lazy.core(with_needed, candidates, core, inquiry)
            if smaller is None:
                needed.append(tried)
            else:
                core = smaller
        return (
            [rule for number, rule in enumerate(rules, start=len(places)) if number in needed],
            [place for number, place in enumerate(places) if number in needed],
        )


def _touched(groups: Sequence[Literals], literals: Collection[int]) -> list[int]:
    """Return the places of the groups of which some literal is among these."""
    among = frozenset(literals)
    return [place for place, one in enumerate(groups) if not among.isdisjoint(one)]


class _LazyRules:
    """A solver over the structure that gets a rule, behind its selector, when the rule is first in question."""

    def __init__(self, formula: Formula) -> None:
        self._formula = formula
        self.solver = Solver(name=SOLVER_NAME, bootstrap_with=formula.structure)
        self._next = formula.variable_count
        self._selector: dict[int, int] = {}

    def selectors(self, rules: Iterable[int]) -> list[int]:
        """Return the rules' selectors; a rule holds where its selector is assumed."""
        found = []
        for rule in rules:
            if rule not in self._selector:
                self._next += 1
                self._selector[rule] = self._next
                for clause in self._formula.rules[rule].guarded:
                    self.solver.add_clause([*clause, -self._next])
            found.append(self._selector[rule])
        return found

    def core(
        self, always: Sequence[int], candidates: Sequence[Literals], numbers: Sequence[int], inquiry: Inquiry
    ) -> list[int] | None:
        """Return which of some candidates the solver needed for the contradiction; None where there is none."""
        some = [candidates[number] for number in numbers]
        if inquiry.has_model(self.solver, [*always, *chain.from_iterable(some)]):
            return None
        needed = _touched(some, self.solver.get_core() or ())
        return [numbers[place] for place in needed]


def minimal(candidates: Sequence[Candidate], is_enough: Callable[[Sequence[Candidate]], bool]) -> list[Candidate]:
    """Return a subset that is enough and of which nothing can be left out; all candidates together must be enough.

    QuickXplain (Junker, AAAI 2004): few questions where few of many candidates matter. `is_enough` must be monotone.
    """
    if is_enough(()):
        return []

    def within(base: list[Candidate], grown: bool, rest: Sequence[Candidate]) -> list[Candidate]:
        if grown and is_enough(base):
            return []
        if len(rest) == 1:
            return list(rest)
        half = len(rest) // 2
        right = within([*base, *rest[:half]], True, rest[half:])
        left = within([*base, *right], bool(right), rest[:half])
        return [*left, *right]

    kept = within([], False, candidates)
    return [one for one in candidates if one in set(kept)]
