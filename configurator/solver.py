"""What the engine answers: the values and the interface that every implementation of it fills.

Every answer is exact: an option is open if and only if some buildable car has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

from configurator.engine.backend import BackendKind
from configurator.engine.simplified import bits
from configurator.model import Context

Choices: TypeAlias = Mapping[str, bool]
"""Feature by name: True is wanted, False is refused."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A minimal cause: with any one of the choices or rules left out it would not follow any more."""

    choices: tuple[tuple[str, bool], ...]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """Every feature's state after the choices; bit v of `can` and `cannot` stands for `features[v - 1]`."""

    features: tuple[str, ...]
    can: int
    cannot: int

    @cached_property
    def open(self) -> frozenset[str]:
        """Return the features that can be in the car and can be left out."""
        return self._named(self.can & self.cannot)

    @cached_property
    def forced(self) -> frozenset[str]:
        """Return the features that are in every car."""
        return self._named(self.can & ~self.cannot)

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Return the features that are in no car."""
        return self._named(self.cannot & ~self.can)

    @property
    def is_decided(self) -> bool:
        """Say whether a single car is left."""
        return not self.can & self.cannot

    @property
    def digits(self) -> tuple[str, str]:
        """Return `can` and `cannot` as digits, that of `features[v - 1]` at place v: quicker where all are read."""
        length = len(self.features) + 1
        return bin(self.can)[:1:-1].ljust(length, "0"), bin(self.cannot)[:1:-1].ljust(length, "0")

    def _named(self, numbers: int) -> frozenset[str]:
        return frozenset(self.features[v - 1] for v in bits(numbers))


@dataclass(frozen=True, slots=True)
class Clash:
    """No buildable car meets the choices."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Repair:
    """The own choices that must give way, as few as possible."""

    given_up: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repairs:
    """Minimal repairs, smallest first; `are_all` says that there is no other minimal one."""

    found: tuple[Repair, ...]
    are_all: bool


@dataclass(frozen=True, slots=True)
class Completion:
    """A buildable car (its true features, abstract ones included) of the least weight, proven."""

    features: frozenset[str]
    weight: int


@dataclass(frozen=True, slots=True)
class LeastWeights:
    """The least weight of all, and by open feature that of a car with it, and of one without it."""

    least: int
    present: Mapping[str, int]
    absent: Mapping[str, int]


class Engine(Protocol):
    """Answers exactly, for one catalogue version. Names must be known; asking for others is our own mistake.

    Where a proof would take too long, AnswerTooHard is raised. Between cars of one weight those with less in the
    catalogue's later places win, so the answer depends neither on the backend nor on what was asked before.
    """

    @property
    def kind(self) -> BackendKind:
        """Return which kind of backend serves now."""
        ...

    def step(self, choices: Choices, context: Context) -> Step | Clash:
        """Tell the state of every feature after the choices, or why no car meets them."""
        ...

    def has_car(self, choices: Choices, context: Context) -> bool:
        """Say whether some car meets the choices."""
        ...

    def explain(self, choices: Choices, context: Context, *, feature: str, present: bool) -> Reason | None:
        """Tell why the feature cannot be present (or absent); None where it can."""
        ...

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
        """Tell the smallest sets of choices to give up so that the feature can be as asked, smallest first.

        What is in `kept` is never given up; an own choice about the feature itself always is.
        """
        ...

    def minimum(self, choices: Choices, context: Context, weights: Mapping[str, int]) -> Completion | None:
        """Find the car of the least sum of weights (by feature or price rule); None where no car meets the choices."""
        ...

    def bounds(self, choices: Choices, context: Context, weights: Mapping[str, int]) -> LeastWeights | None:
        """Find the least weight with and without every open feature, proven; None where no car meets the choices."""
        ...

    def weeks(self, choices: Choices, context: Context, weeks: Mapping[str, int]) -> int:
        """Return the weeks (bit w for week w, up to 64) in which some car that meets the choices can be built.

        `weeks` holds the weeks of each feature that is not always to be had.
        """
        ...

    def count(self, choices: Choices, context: Context) -> int | None:
        """Count the cars that meet the choices, exactly; None where that was not counted."""
        ...

    def sample(
        self, choices: Choices, context: Context, *, number: int, seed: int
    ) -> tuple[frozenset[str], ...] | None:
        """Draw cars that meet the choices, uniformly and independently; None where there is no circuit."""
        ...

    def is_buildable(self, features: Iterable[str], context: Context) -> bool:
        """Say whether exactly these features make a car."""
        ...

    def smallest_conflict(self, context: Context, *, feature: str) -> tuple[str, ...]:
        """Return the fewest rules that together keep a feature (or, for the root, every car) out; empty if none do."""
        ...
