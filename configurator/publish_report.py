"""What a rule set means before it is published: contradictions, dead and bound options, idle rules, numbers of cars.

Questions about cars go to a backend, whichever it is; questions about single rules to a `RuleProbe`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias, TypeVar

from configurator.engine.backend import Backend, BackendKind, Domains
from configurator.errors import AnswerTooHard
from configurator.expressions import Expression, Feature
from configurator.feature_tree import GroupKind
from configurator.model import Context
from configurator.report_subject import RuleFacts, Subject
from configurator.rule_blocks import BlockProbe, blocks_of
from configurator.rule_probe import RuleProbe

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told the name of a stage, how many of its questions are answered, and how many there are."""
IsOver: TypeAlias = Callable[[], bool]
"""Says whether the time for what may be left out is over."""
Item = TypeVar("Item")
REASONS_MAX: Final = 100
"""Dead options and redundant rules of which the rules behind are sought."""

UNCOUNTED: Final = "not counted, since the rules are not compiled to a circuit here"


@dataclass(frozen=True, slots=True)
class RulesNotFound:
    """The rules behind something were sought and not found, and why."""

    reason: str


Because: TypeAlias = tuple[RuleFacts, ...] | RulesNotFound
TOO_HARD: Final = RulesNotFound("which rules are behind it was not found within the bounds of a search")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """In this context nothing can be built: the fewest rules that exclude each other (none: the tree does)."""

    context: Context
    rules: Because


@dataclass(frozen=True, slots=True)
class BoundOption:
    """An option that no car has (dead), or every car that could have it (always on, or falsely optional)."""

    option: str
    because: Because


@dataclass(frozen=True, slots=True)
class IdleRule:
    """A rule without effect, and the rules from which it follows, as far as they were sought."""

    rule: RuleFacts
    because: Because = ()


@dataclass(frozen=True, slots=True)
class NotCounted:
    """The cars were not counted, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class CarCount:
    """How many different cars can be built of a model (empty: of all) in a context; exact, whatever its size."""

    model: str
    context: Context
    cars: int | NotCounted


@dataclass(frozen=True, slots=True)
class PublishReport:
    """All that was found; a contradiction leaves the rest empty, since nothing could be said of no cars."""

    subject: Subject
    backend: BackendKind
    contradictions: tuple[Contradiction, ...]
    dead: tuple[BoundOption, ...] = ()
    always_on: tuple[BoundOption, ...] = ()
    falsely_optional: tuple[BoundOption, ...] = ()
    redundant: tuple[IdleRule, ...] = ()
    never_fires: tuple[IdleRule, ...] = ()
    counts: tuple[CarCount, ...] = ()
    not_looked_at: int = 0
    """Rules of which it is not known whether they are without effect: the time was over before."""


def never() -> bool:
    """Let a report take as long as it takes."""
    return False


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def report_on(
    subject: Subject,
    backend: Backend,
    *,
    probe: RuleProbe | None = None,
    progress: Progress = silent,
    is_over: IsOver = never,
) -> PublishReport:
    """Answer everything about a rule set; the backend must be over `subject.book.formula`.

    Once `is_over` says so no further rules are looked at for being without effect, and no further reasons are sought.
    """
    own = probe or RuleProbe(subject.book)
    try:
        return _Reporting(subject, backend, own, progress, is_over).report()
    finally:
        if probe is None:
            own.close()


@dataclass(frozen=True, slots=True)
class _Place:
    """A context with what it decides, and where all features stand in it."""

    context: Context
    literals: tuple[int, ...]
    active: tuple[int, ...]
    in_force: frozenset[int]
    """The active rules once more: asked whether one is among them."""
    domains: Domains


def _plainest(places: Sequence[_Place]) -> _Place:
    """Return where the fewest rules are in force: a reason from there does not lean on an option's first day."""
    return min(places, key=lambda place: len(place.active))


@dataclass(slots=True)
class _Idle:
    """The rules without effect that were found so far."""

    never_fires: list[IdleRule] = field(default_factory=list)
    redundant: list[IdleRule] = field(default_factory=list)
    not_looked_at: int = 0


class _Reporting:
    """One report while it is made."""

    def __init__(
        self, subject: Subject, backend: Backend, probe: RuleProbe, progress: Progress, is_over: IsOver
    ) -> None:
        self._subject = subject
        self._book = subject.book
        self._backend = backend
        self._probe = probe
        self._progress = progress
        self._is_over = is_over
        self._reasons_left = REASONS_MAX

    def report(self) -> PublishReport:
        places: list[_Place] = []
        contradictions: dict[Because, Contradiction] = {}
        for context in self._each("looking at regions and days", self._subject.contexts):
            literals, active = self._book.context_literals(context), self._book.active(context)
            domains = self._backend.domains(literals)
            if domains is not None:
                places.append(_Place(context, literals, active, frozenset(active), domains))
                continue
            rules = self._found(partial(self._probe.smallest_conflict, active, ()))
            contradictions.setdefault(rules, Contradiction(context, rules))
        if contradictions:
            return PublishReport(self._subject, self._backend.kind, tuple(contradictions.values()))
        dead, always_on = self._dead(places), self._always_on(places)
        falsely_optional = self._falsely_optional(places)
        idle = self._idle_rules(places)
        return PublishReport(
            self._subject,
            self._backend.kind,
            (),
            dead=dead,
            always_on=always_on,
            falsely_optional=falsely_optional,
            redundant=tuple(idle.redundant),
            never_fires=tuple(idle.never_fires),
            counts=self._counts(places),
            not_looked_at=idle.not_looked_at,
        )

    def _each(self, stage: str, items: Sequence[Item]) -> Iterator[Item]:
        for done, item in enumerate(items):
            self._progress(stage, done, len(items))
            yield item
        self._progress(stage, len(items), len(items))

    def _found(self, seek: Callable[[], Sequence[int]]) -> Because:
        """Return the rules that are found, or that it is too hard to find them: the rest can be said all the same."""
        try:
            positions = seek()
        except AnswerTooHard:
            return TOO_HARD
        return tuple(self._subject.facts(self._book.rules[position].code) for position in positions)

    def _because(self, place: _Place, literals: Sequence[int]) -> Because:
        """Return the fewest rules that forbid the literals, until `REASONS_MAX` were sought, or time is over."""
        if self._reasons_left == 0 or self._is_over():
            return ()
        self._reasons_left -= 1
        return self._found(partial(self._probe.smallest_conflict, place.active, literals))

    def _dead(self, places: Sequence[_Place]) -> tuple[BoundOption, ...]:
        """Find the options that no car has in any context."""
        can = 0
        for place in places:
            can |= place.domains.can
        named = [(name, self._book.variables[name]) for name in self._subject.named]
        return tuple(BoundOption(name, self._because(_plainest(places), [v])) for name, v in named if not can >> v & 1)

    def _always_on(self, places: Sequence[_Place]) -> tuple[BoundOption, ...]:
        """Find the options that every car has in every context."""
        cannot = 0
        for place in places:
            cannot |= place.domains.cannot
        named = [(name, self._book.variables[name]) for name in self._subject.named if name != self._subject.root]
        return tuple(
            BoundOption(name, self._because(_plainest(places), [-v])) for name, v in named if not cannot >> v & 1
        )

    def _falsely_optional(self, places: Sequence[_Place]) -> tuple[BoundOption, ...]:
        """Find the options that the tree leaves free, and that every car has that has what they stand below."""
        named = frozenset(self._subject.named)
        candidates = [
            (group.parent, member)
            for group in self._subject.groups
            if group.kind is not GroupKind.MANDATORY and group.low < len(group.members)
            for member in group.members
            if member in named
        ]
        found = []
        for parent, member in self._each("looking at optional features", candidates):
            bound = [self._book.variables[parent], -self._book.variables[member]]
            possible = any(place.domains.can >> bound[0] & 1 for place in places)
            if possible and not any(self._backend.has_car([*place.literals, *bound]) for place in places):
                found.append(BoundOption(member, self._because(_plainest(places), bound)))
        return tuple(found)

    def _idle_rules(self, places: Sequence[_Place]) -> _Idle:
        """Find the rules that can never ask for anything, and of the others those that the rest implies.

        A rule never fires where its premise holds in no car that the other rules allow, or no context has it in force.
        """
        known = {facts.code: facts for facts in self._subject.rules}
        positions = [position for position, rule in enumerate(self._book.rules) if rule.code in known]
        idle, done = _Idle(), 0
        for block in blocks_of(self._book, positions):
            for position in block.positions:
                if self._is_over():
                    idle.not_looked_at = len(positions) - done
                    break
                self._progress("looking at rules", done, len(positions))
                self._look_at(block.probe, position, known[self._book.rules[position].code], places, idle)
                done += 1
            if idle.not_looked_at:
                break
        self._progress("looking at rules", done, len(positions))
        for code, literal in self._book.price_rules.items():
            if not any(self._backend.has_car([*place.literals, literal]) for place in places):
                idle.never_fires.append(IdleRule(RuleFacts(code, "price_rules.csv", 0)))
        return idle

    def _look_at(
        self, block: BlockProbe, position: int, facts: RuleFacts, places: Sequence[_Place], idle: _Idle
    ) -> None:
        inside = [place for place in places if position in place.in_force]
        if not inside:
            idle.never_fires.append(IdleRule(facts))
        elif facts.premise is not None and not self._fires(block, position, facts.premise, inside):
            rules: Because = ()
            if len(idle.never_fires) < REASONS_MAX and not self._is_over():
                others = [one for one in _plainest(inside).active if one != position]
                wanted = [self._probe.literal(facts.premise)]
                rules = self._found(partial(self._probe.smallest_conflict, others, wanted))
            idle.never_fires.append(IdleRule(facts, rules))
        elif all(block.is_implied(position, place.in_force) for place in inside):
            sought = len(idle.redundant) < REASONS_MAX and not self._is_over()
            active = _plainest(inside).active
            rules = self._found(partial(self._probe.implied_by, position, active)) if sought else ()
            idle.redundant.append(IdleRule(facts, rules))

    def _fires(self, block: BlockProbe, position: int, premise: Expression, inside: Sequence[_Place]) -> bool:
        """Say whether what a rule waits for happens; a car that all rules allow shows it at once."""
        if isinstance(premise, Feature):
            variable = self._book.variables[premise.name]
            if any(place.domains.can >> variable & 1 for place in inside):
                return True
        literal = block.literal(premise)
        return any(block.has_car(literal, without=position, active=place.in_force) for place in inside)

    def _counts(self, places: Sequence[_Place]) -> tuple[CarCount, ...]:
        """Count the cars of each model on the first day, region by region."""
        first = [place for place in places if place.context.day == places[0].context.day]
        wanted = [(place, model) for place in first for model in self._subject.models or ("",)]
        counts = []
        for place, model in self._each("counting cars", wanted):
            literals = [*place.literals, *([self._book.variables[model]] if model else [])]
            cars = self._backend.count(literals)
            counts.append(CarCount(model, place.context, NotCounted(UNCOUNTED) if cars is None else cars))
        return tuple(counts)
