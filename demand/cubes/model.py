"""The values of cubes: whose voice counts where, the counts behind a cell, and figures from published counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

ALL_REGIONS: Final = "*"
EVERYBODY: Final = ""
"""The code that counts all of a block."""
ORDERED: Final = "@pre_order"
"""The code of those whose voice of the week is a pre-order."""
BETWEEN: Final = "\t"
"""Stands between the two codes of a pair; no code holds one."""
Z_95: Final = 1.959963984540054
DISCOUNT_MAX: Final = 30
"""The highest discount in percent that a price cap is told apart at; whoever waits for more is counted there."""


class CubeName(StrEnum):
    """The fixed set of cubes (DOMAIN section 6.3)."""

    TAKE_RATES = "take_rates"
    PAIRS = "pairs"
    FUNNEL = "funnel"
    CAPS = "caps"
    CANCELLATIONS = "cancellations"


class Step(StrEnum):
    """The steps of a person's way, in order; a later one of the last four says that the earlier ones were made."""

    SEEN = "seen"
    VOTED = "voted"
    CONFIGURED = "configured"
    PRE_ORDERED = "pre_ordered"
    LOCKED = "locked"
    DELIVERED = "delivered"


LADDER: Final = (Step.CONFIGURED, Step.PRE_ORDERED, Step.LOCKED, Step.DELIVERED)
STEP_BITS: Final[Mapping[Step, int]] = {step: 1 << place for place, step in enumerate(Step)}


class Audience(StrEnum):
    """Who reads: the maker from k persons on, dealers and suppliers from more."""

    MAKER = "maker"
    TRADE = "trade"


class Count(NamedTuple):
    """How many, and how many of them are verified persons: only those make a cell large."""

    all: int
    known: int

    def plus(self, other: Count) -> Count:
        """Add two counts of different people."""
        return Count(self.all + other.all, self.known + other.known)

    def minus(self, other: Count) -> Count:
        """Take away what is a part of this count."""
        return Count(self.all - other.all, self.known - other.known)


NOBODY: Final = Count(0, 0)
Counts: TypeAlias = dict[str, Count]


class TableKey(NamedTuple):
    """What is released together: a cube's week, and where they matter model and catalogue version."""

    cube: str
    week: date
    model: str = ""
    version_id: str = ""


class BlockKey(NamedTuple):
    """A table's part in one region (empty where regions do not matter)."""

    table: TableKey
    region: str = ""


@dataclass(frozen=True, slots=True)
class Offering:
    """What could be had of a version's model at a place in a week; `options` by category."""

    version_id: str
    region: str
    model: str
    week: date


Menu: TypeAlias = Mapping[str, tuple[str, ...]]
"""Options by category: what could be had."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A person's configuration of a week. `options` are those chosen, sorted; `ordered` where it is a pre-order."""

    person: str
    verified: bool
    ordered: bool
    offering: Offering
    options: tuple[str, ...]

    def outweighs(self, other: Voice) -> bool:
        """Say whether this later voice takes the place of an earlier one of the same week: not if only that ordered."""
        return self.ordered or not other.ordered


# --- what is published -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CellKey:
    """One cell: what was chosen (a pair has a `second`), where (`*`: everywhere), of which model, in which week."""

    option: str
    region: str
    week: date
    model: str = ""
    second: str = ""


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """A released cell: counts rounded; everything else is worked out from these numbers.

    Of a pair, `chosen` have both, `first_chosen` the first and `second_chosen` the second of `offered`. `versions` are
    the ids of the catalogue versions whose people are counted, of a released cell where they matter.
    """

    key: CellKey
    chosen: int
    offered: int
    first_chosen: int = 0
    second_chosen: int = 0
    versions: tuple[str, ...] = ()

    @property
    def take_rate(self) -> float:
        """Return chosen ÷ offered."""
        return self.chosen / self.offered

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % Wilson interval of the take rate (Wilson 1927)."""
        return wilson(self.chosen, self.offered)

    @property
    def lift(self) -> Lift | None:
        """Return how much oftener the pair is chosen than if its options had nothing to do with each other."""
        return lift(self.chosen, self.first_chosen, self.second_chosen, self.offered)


@dataclass(frozen=True, slots=True)
class Lift:
    """A lift with its 95 % interval."""

    value: float
    low: float
    high: float


def quarter_monday(day: date) -> date:
    """Return the first Monday of the calendar quarter that a day is in: the week that a quarter's table stands under.

    The days before it, six at most, are in its quarter too.
    """
    first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return first + timedelta(days=-first.weekday() % 7)


def next_quarter_monday(monday: date) -> date:
    """Return the first Monday of the quarter after the one of such a Monday, 12 to 14 weeks later."""
    return quarter_monday(monday + timedelta(days=92))


def pair_code(one: str, other: str) -> str:
    """Return the code of two options' pair."""
    return BETWEEN.join(sorted((one, other)))


def add_versions(cells: Iterable[PublishedCell]) -> list[PublishedCell]:
    """Add up cells that differ in their catalogue version alone, in the order in which each first came.

    A person speaks once a week, so the versions of a week are of different people; pairs are not added.
    """
    sums: dict[CellKey, PublishedCell] = {}
    for cell in cells:
        assert not cell.key.second
        known = sums.get(cell.key)
        chosen, offered, versions = (0, 0, ()) if known is None else (known.chosen, known.offered, known.versions)
        chosen, offered = chosen + cell.chosen, offered + cell.offered
        sums[cell.key] = PublishedCell(cell.key, chosen, offered, chosen, offered, (*versions, *cell.versions))
    return list(sums.values())


def round_count(count: int, *, to: int) -> int:
    """Round a count half up to a multiple."""
    return (2 * count + to) // (2 * to) * to


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the Wilson score interval at 95 % for a share of published counts."""
    assert 0 <= successes <= trials
    assert trials > 0
    share, spread = successes / trials, Z_95 * Z_95 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    # At a share of 0 or 1 the bound is the share itself; floating point may miss it by a hair.
    return min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)


def lift(both: int, first: int, second: int, offered: int) -> Lift | None:
    """Return both·offered ÷ (first·second) with a 95 % interval, or None where nobody has both.

    The interval is that of the logarithm by the delta method on multinomial counts: its variance is
    1/both − 1/first − 1/second + (2·lift − 1)/offered.
    """
    if both == 0:
        return None
    value = both * offered / (first * second)
    variance = max(0.0, 1 / both - 1 / first - 1 / second + (2 * value - 1) / offered)
    spread = math.exp(Z_95 * math.sqrt(variance))
    return Lift(value, value / spread, value * spread)
