"""Comparisons, a type per state, and who takes part in them (DOMAIN section 6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType, TypeAlias, assert_never

ComparisonId = NewType("ComparisonId", str)
ParticipantId = NewType("ParticipantId", str)


@dataclass(frozen=True, slots=True)
class ComparedItem:
    """A proposal under its number in a comparison (0 to 11), and the price it is planned at for a car."""

    number: int
    proposal_id: str
    planned_price_minor: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the market: persons of a region, owners of a car of the brand or not, who look at a model."""

    region: str
    owner: bool
    model: str


@dataclass(frozen=True, slots=True)
class MarketSegment:
    """A segment and how many persons the maker counts in it."""

    segment: Segment
    persons: int


@dataclass(frozen=True, slots=True)
class ComparisonHead:
    """What every comparison has."""

    id: ComparisonId
    brand_id: str
    title: str
    policy_version: int
    items: tuple[ComparedItem, ...]
    market: tuple[MarketSegment, ...]
    price_steps_percent: tuple[int, ...]
    opened_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class OpenComparison:
    """Deals sets and takes answers."""

    head: ComparisonHead


@dataclass(frozen=True, slots=True)
class ClosedComparison:
    """Takes no answers any more and waits for the worker."""

    head: ComparisonHead
    at: datetime


@dataclass(frozen=True, slots=True)
class ReleasedComparison:
    """Has an outcome: `persons` answered everything, worth `effective` after weighting; both are rounded."""

    head: ComparisonHead
    at: datetime
    persons: int
    effective: int


@dataclass(frozen=True, slots=True)
class UnansweredComparison:
    """Too few persons answered, so nothing may be said of them."""

    head: ComparisonHead
    at: datetime


Comparison: TypeAlias = OpenComparison | ClosedComparison | ReleasedComparison | UnansweredComparison
COMPARISON_STATES: Final = ("open", "closed", "released", "unanswered")


def comparison_state(comparison: Comparison) -> str:
    """Return the stored word of a comparison's state."""
    match comparison:
        case OpenComparison():
            return "open"
        case ClosedComparison():
            return "closed"
        case ReleasedComparison():
            return "released"
        case UnansweredComparison():
            return "unanswered"
        case _:
            assert_never(comparison)


@dataclass(frozen=True, slots=True)
class Participant:
    """A person in a comparison: what was dealt to them, and where they say they stand in the market."""

    id: ParticipantId
    comparison_id: ComparisonId
    person_id: str
    number: int
    version: int
    price_item: int
    price_step: int
    segment: Segment
    dealt_at: datetime
    completed_at: datetime | None = None
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SetAnswer:
    """The best and the worst item of one set (0 to 8), by their numbers in the comparison."""

    set_number: int
    best: int
    worst: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A released figure with its 90 % interval, in whole units that its owner names."""

    value: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What is released of one item: utility in hundredths, share of preference and take rate in basis points.

    `take_rate` is None where fewer than k persons would take it, or would not, at the prices they were asked.
    """

    number: int
    utility: Interval
    share: Interval
    take_rate: Interval | None
