"""What a backend of the engine answers, in literals; the circuit and incremental SAT fill the same interface alike.

Every answer is exact, and the same from both: between cars of one weight `Weights.ties` decides, never the past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol


class BackendKind(StrEnum):
    """How a backend works; reports name it."""

    CIRCUIT = "circuit"
    SAT = "sat"


@dataclass(frozen=True, slots=True)
class Delta:
    """What a decision or its withdrawal changed about features: literals that no car has any more, or has again.

    Closing the literal of a feature excludes it, closing the negated one forces it. Decided literals are told as well.
    """

    closed: tuple[int, ...] = ()
    opened: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Domains:
    """Bit sets over the features (bit v for feature v): some car has it, some car has it not."""

    can: int
    cannot: int


WEIGHT_MAX: Final = 1 << 61
"""All weights of a car together stay below this, and so do all ties: a circuit adds them up in 64 bits."""


@dataclass(frozen=True)
class Weights:
    """What each true variable adds to a car's weight; of the cars of least weight the one of the least ties is meant.

    Ties should tell any two cars apart: of two that are equal in both either may be the answer.
    """

    by_variable: Mapping[int, int]
    ties: Mapping[int, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raise OverflowError where weights or ties do not fit together; every backend asks before it adds."""
        for numbers in (self.by_variable, self.ties):
            if sum(map(abs, numbers.values())) >= WEIGHT_MAX:
                raise OverflowError("the weights of one car do not fit 62 bits")


@dataclass(frozen=True, slots=True)
class Car:
    """A buildable car: a bit set over the features, and its weight."""

    features: int
    weight: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """For every feature that is still open the least weight of a car that has it, and of one that has it not."""

    least: int
    present: Mapping[int, int]
    absent: Mapping[int, int]


class Session(Protocol):
    """A buyer's decisions and where they lead: small, and copied when it is forked and then changed."""

    @property
    def decisions(self) -> tuple[int, ...]:
        """Return the decided literals in their order, those of the context first."""
        ...

    def decide(self, literal: int) -> Delta | None:
        """Add a decision; None where no car is left, and then nothing has changed."""
        ...

    def withdraw(self, literal: int) -> Delta:
        """Take any earlier decision back, in whatever order they came; unknown ones are our own mistake."""
        ...

    def domains(self) -> Domains:
        """Return where all features stand."""
        ...

    def fork(self) -> Session:
        """Return a session that goes on from here on its own."""
        ...


class Backend(Protocol):
    """Answers about all cars of one formula; threads may share it. `literals` always holds the guards' values too."""

    @property
    def kind(self) -> BackendKind:
        """Return how it works; it may change between questions."""
        ...

    def open(self, literals: Sequence[int]) -> Session | None:
        """Begin a session with these decisions; None where no car meets them."""
        ...

    def domains(self, literals: Sequence[int]) -> Domains | None:
        """Tell where all features stand; None where no car meets the literals."""
        ...

    def has_car(self, literals: Sequence[int]) -> bool:
        """Say whether some car meets the literals."""
        ...

    def minimal_choices(
        self, literals: Sequence[int], wanted: Sequence[int], *, context: Sequence[int] = ()
    ) -> tuple[int, ...] | None:
        """Find literals that together with the context exclude `wanted`, none of them superfluous; None if none do.

        The result is empty where the context alone excludes it.
        """
        ...

    def lightest(self, literals: Sequence[int], weights: Weights) -> Car | None:
        """Find the car of the least weight, proven; None where no car meets the literals."""
        ...

    def bounds(self, literals: Sequence[int], weights: Weights) -> Bounds | None:
        """Find the least weight with and without each open feature, proven."""
        ...

    def soonest(self, literals: Sequence[int], weeks: Mapping[int, int]) -> int:
        """Return the set of weeks (bit w for week w, up to 64) in which some car that meets the literals can be built.

        `weeks` holds, by variable, the weeks in which a car with it can be built; one that is not named is always so.
        A car can be built in the weeks that all its true variables share. The lowest bit is the soonest week.
        """
        ...

    def count(self, literals: Sequence[int]) -> int | None:
        """Count the cars that meet the literals, exactly; None where that was not counted."""
        ...

    def sample(self, literals: Sequence[int], *, number: int, seed: int) -> tuple[int, ...] | None:
        """Draw cars uniformly and independently (bit sets over the features); None where there is no circuit."""
        ...
