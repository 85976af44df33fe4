"""The engine by names: the questions of `solver` put to whichever backend serves, for one catalogue version.

A context fixes guards and withdraws options; both are literals like choices, so one backend serves every context.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from configurator.engine.backend import Backend, BackendKind, Weights
from configurator.engine.reasons import Cause, Reasons
from configurator.engine.repairs import corrections
from configurator.engine.simplified import bits
from configurator.kept import Kept
from configurator.model import Context
from configurator.rule_probe import RuleProbe
from configurator.rules import RuleBook
from configurator.solver import Choices, Clash, Completion, LeastWeights, Reason, Repair, Repairs, Step

CONTEXTS_KNOWN_MAX: Final = 1_024
TIE_SUM_BITS: Final = 60
"""All ties of a car together fit as many bits."""


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What a context decides: the guards' values, and by each rule's code the literals that it fixes."""

    guards: tuple[int, ...]
    by_rule: Mapping[str, tuple[int, ...]]
    literals: tuple[int, ...]
    """All of them, each once."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Weights by variable, with what decides between equal cars and without, and what every car weighs on top."""

    with_ties: Weights
    without_ties: Weights
    constant: int


class Answers:
    """Answers by name over a backend; threads may share it."""

    def __init__(self, book: RuleBook, backend: Backend) -> None:
        self._book = book
        self._backend = backend
        self._fixed = lru_cache(CONTEXTS_KNOWN_MAX)(self._read_context)
        self._scales = Kept(self._scale)
        self._probing = threading.Lock()

    @property
    def kind(self) -> BackendKind:
        """Return which kind of backend serves now."""
        return self._backend.kind

    @cached_property
    def reasons(self) -> Reasons:
        """Return what explains; made when it is first asked."""
        return Reasons(self._book.formula)

    @cached_property
    def _probe(self) -> RuleProbe:
        """Return what finds the fewest rules; checks of a catalogue ask it, and nobody who waits."""
        return RuleProbe(self._book)

    def get_ready(self) -> None:
        """Build what explains before anybody asks: on industrial rules that takes from a tenth of a second to some."""
        self.reasons.get_ready()

    def step(self, choices: Choices, context: Context) -> Step | Clash:
        domains = self._backend.domains(self._asked(choices, context))
        if domains is None:
            reason = self._reason(choices, context, [])
            assert reason is not None, "choices without a car have a reason"
            return Clash(reason)
        return Step(self._book.features, domains.can, domains.cannot)

    def has_car(self, choices: Choices, context: Context) -> bool:
        return self._backend.has_car(self._asked(choices, context))

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
    ) -> Repairs:
        always = [*self._fixed(context).literals, self._literal(feature, present=present)]
        always += [self._literal(name, present=value) for name, value in choices.items() if name in kept]
        names = {self._literal(name, present=value): name for name, value in choices.items() if name not in kept}
        found = corrections(list(names), always, self._backend.has_car, limit=limit)
        return Repairs(
            tuple(Repair(tuple(sorted(names[literal] for literal in one))) for one in found.found), found.are_all
        )

    def minimum(self, choices: Choices, context: Context, weights: Mapping[str, int]) -> Completion | None:
        scale = self._scales.of(weights)
        car = self._backend.lightest(self._asked(choices, context), scale.with_ties)
        if car is None:
            return None
        return Completion(self._names(car.features), car.weight + scale.constant)

    def bounds(self, choices: Choices, context: Context, weights: Mapping[str, int]) -> LeastWeights | None:
        scale = self._scales.of(weights)
        bounds = self._backend.bounds(self._asked(choices, context), scale.without_ties)
        if bounds is None:
            return None
        features, constant = self._book.features, scale.constant
        return LeastWeights(
            bounds.least + constant,
            {features[v - 1]: weight + constant for v, weight in bounds.present.items()},
            {features[v - 1]: weight + constant for v, weight in bounds.absent.items()},
        )

    def weeks(self, choices: Choices, context: Context, weeks: Mapping[str, int]) -> int:
        by_variable = {self._book.variables[name]: possible for name, possible in weeks.items()}
        return self._backend.soonest(self._asked(choices, context), by_variable)

    def count(self, choices: Choices, context: Context) -> int | None:
        return self._backend.count(self._asked(choices, context))

    def sample(
        self, choices: Choices, context: Context, *, number: int, seed: int
    ) -> tuple[frozenset[str], ...] | None:
        cars = self._backend.sample(self._asked(choices, context), number=number, seed=seed)
        return None if cars is None else tuple(self._names(car) for car in cars)

    def is_buildable(self, features: Iterable[str], context: Context) -> bool:
        present = frozenset(features)
        if any(parent in present and len(members & present) != 1 for parent, members in self._exactly_one):
            return False
        literals = [v if name in present else -v for name, v in self._book.variables.items()]
        return self._backend.has_car([*self._fixed(context).literals, *literals])

    def smallest_conflict(self, context: Context, *, feature: str) -> tuple[str, ...]:
        """Return the fewest rules that together keep a feature (or, for the root, every car) out; empty if none do."""
        wanted = self._literal(feature, present=True)
        with self._probing:
            found = self._probe.smallest_conflict(self._book.active(context), [wanted])
        return tuple(dict.fromkeys(self._book.rules[position].code for position in found))

    def close(self) -> None:
        """Give the solvers' memory back, as far as they are this engine's own."""
        if "reasons" in self.__dict__:
            self.reasons.close()
        if "_probe" in self.__dict__:
            self._probe.close()

    def _read_context(self, context: Context) -> _Fixed:
        guards = {rule.guard for rule in self._book.rules if rule.guard is not None}
        literals = self._book.context_literals(context)
        by_rule: dict[str, tuple[int, ...]] = {}
        for withdrawal in self._book.withdrawals(context):
            by_rule[withdrawal.code] = (*by_rule.get(withdrawal.code, ()), withdrawal.literal)
        return _Fixed(tuple(one for one in literals if abs(one) in guards), by_rule, literals)

    @cached_property
    def _ties(self) -> dict[int, int]:
        """Return by feature what decides between cars of one weight: the earlier in the catalogue, the lighter.

        The lower bits come from the name, as many as fit, so that two cars with the same sum of places differ all the
        same: where they are 20, by chance one pair of such cars in a million does not.
        """
        features = self._book.features
        bits_left = TIE_SUM_BITS - 2 * len(features).bit_length()
        return {
            number: (number << bits_left) + _drawn(name, bits_left) for number, name in enumerate(features, start=1)
        }

    @cached_property
    def _exactly_one(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the groups of which a car with the parent has exactly one member: a look at them sees most."""
        features = self._book.features
        return tuple(
            (features[parent - 1], frozenset(features[member - 1] for member in members))
            for parent, members in self._book.exclusive
        )

    def _scale(self, weights: Mapping[str, int]) -> _Scale:
        by_variable, constant = self._by_variable(weights)
        return _Scale(Weights(by_variable, self._ties), Weights(by_variable), constant)

    def _by_variable(self, weights: Mapping[str, int]) -> tuple[dict[int, int], int]:
        """Return weights by variable, and what is to be added: a weight on "not v" counts until v is true."""
        by_variable: dict[int, int] = {}
        constant = 0
        price_rules, variables = self._book.price_rules, self._book.variables
        for name, weight in weights.items():
            literal = price_rules[name] if name in price_rules else variables[name]
            if literal > 0:
                by_variable[literal] = by_variable.get(literal, 0) + weight
            else:
                by_variable[-literal] = by_variable.get(-literal, 0) - weight
                constant += weight
        return by_variable, constant

    def _names(self, car: int) -> frozenset[str]:
        features = self._book.features
        return frozenset(features[v - 1] for v in bits(car))

    def _literal(self, name: str, *, present: bool) -> int:
        variable = self._book.variables[name]
        return variable if present else -variable

    def _asked(self, choices: Choices, context: Context) -> list[int]:
        variables = self._book.variables
        return [
            *self._fixed(context).literals,
            *(variables[name] if value else -variables[name] for name, value in choices.items()),
        ]

    def _reason(self, choices: Choices, context: Context, wanted: Sequence[int]) -> Reason | None:
        fixed = self._fixed(context)
        own = {self._literal(name, present=value): (name, value) for name, value in choices.items()}
        withdrawn, minimal_choices = list(fixed.by_rule.values()), self._backend.minimal_choices
        cause = self.reasons.cause(wanted, list(own), withdrawn, fixed.guards, minimal_choices)
        if cause is None:
            return None
        return Reason(tuple(own[literal] for literal in cause.choices), self._rule_codes(cause, list(fixed.by_rule)))

    def _rule_codes(self, cause: Cause, fixing: Sequence[str]) -> tuple[str, ...]:
        """Return the codes of a cause's rules in the catalogue's order; `fixing` those of what was given as fixed."""
        named = {self._book.formula.rules[rule].code for rule in cause.rules}
        named |= {fixing[place] for place in cause.fixed}
        return tuple(rule.code for rule in self._book.rules if rule.code in named)


def _drawn(name: str, bit_count: int) -> int:
    """Return a number of so many bits that follows from the name and from nothing else."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") >> (64 - bit_count)
