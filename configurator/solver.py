"""What the engine answers: the values and the interface that every implementation of it fills.

Every answer is exact: an option is open if and only if some buildable car has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from configurator.model import Context

Choices: TypeAlias = Mapping[str, bool]
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
        self,
        choices: Choices,
        context: Context,
        *,
        feature: str,
        present: bool,
        limit: int,
        kept: frozenset[str] = frozenset(),
    ) -> tuple[Repair, ...]:
        """Tell the smallest sets of choices to give up so that the feature can be as asked, smallest first.

        What is in `kept` is never given up; an own choice about the feature itself always is.
        """
        ...

    def minimum(self, choices: Choices, context: Context, weights: Mapping[str, int]) -> Completion | None:
        """Find the car of the least sum of weights (by feature or price rule); None where no car meets the choices."""
        ...

    def is_buildable(self, features: frozenset[str], context: Context) -> bool:
        """Say whether exactly these features make a car."""
        ...
