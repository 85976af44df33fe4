"""Orders by state, and what weeks, batches and places on the line are made of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from configurator.features_model import CarFeatures
from kernel.errors import InvalidInput, NotFound, Refusal
from kernel.reasons import because

SLOT: Final = "slot"
"""The resource that every car takes; every other resource is a constrained option's code."""


# --- orders (DOMAIN section 3: scheduled, built, in_transit, at_store, delivered; or cancelled, stocked) -------------


class OrderOrigin(StrEnum):
    """Where an order comes from: a pool that locked, a car in stock that somebody bought, a store for its stock."""

    POOL = "pool"
    STOCK = "stock"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What was locked: the car, the store, the price; the id is the pre-order's. Amounts in fen.

    `place` counts from 1 in the order in which the pool's members were funded; cars are planned in that order. An order
    of a stock car has the purchase's id, stands in no pool (`pool_id` is its own id) and is at its store at once. One
    for a store's stock has no buyer: its account is the store itself, its pool the stock order that it is part of.
    `promised_by` is the contract's date: late credits count from the day after it; `expected_on` is what was shown as
    likely beside it. `agreed_minor` is what agreements after the lock make of the price, more or less; `fees_minor` is
    owed for them on top.
    """

    id: str
    brand_id: str
    pool_id: str
    place: int
    account_id: str
    person_id: str | None
    quote_id: str
    store_id: str
    plant_id: str
    class_l1: str
    model: str
    options: tuple[str, ...]
    catalogue_version_id: str
    policy_version: int
    price_minor: int
    guaranteed_other_minor: int
    third_party_minor: int
    promised_by: date | None
    locked_at: datetime
    expected_on: date | None = None
    agreed_minor: int = 0
    fees_minor: int = 0
    origin: OrderOrigin = OrderOrigin.POOL

    @property
    def has_buyer(self) -> bool:
        """Say whether somebody waits for the car, is promised it and pays for it."""
        return self.origin is not OrderOrigin.STORE

    @property
    def vehicle_minor(self) -> int:
        """Return what the car costs by now: as it was locked, and what its buyer has agreed to since."""
        return self.price_minor + self.agreed_minor


@dataclass(frozen=True, slots=True)
class ScheduledOrder:
    """Waits for its car: planned, on the line, or to be built again."""

    terms: OrderTerms


@dataclass(frozen=True, slots=True)
class BuiltOrder:
    """Its car passed the line's end and is bound to it."""

    terms: OrderTerms
    vin: str


@dataclass(frozen=True, slots=True)
class InTransitOrder:
    """Its car is with a carrier."""

    terms: OrderTerms
    vin: str


@dataclass(frozen=True, slots=True)
class AtStoreOrder:
    """Its car stands at the store."""

    terms: OrderTerms
    vin: str
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveredOrder:
    """The buyer has the car."""

    terms: OrderTerms
    vin: str
    delivered_at: datetime


@dataclass(frozen=True, slots=True)
class CancelledOrder:
    """It ended before the delivery."""

    terms: OrderTerms
    reason: str
    cancelled_at: datetime


@dataclass(frozen=True, slots=True)
class StockedOrder:
    """It was for a store's stock, and its car is: from then on it is any stock car."""

    terms: OrderTerms
    vin: str
    stocked_at: datetime


EndedOrder: TypeAlias = DeliveredOrder | CancelledOrder | StockedOrder
Order: TypeAlias = ScheduledOrder | BuiltOrder | InTransitOrder | AtStoreOrder | EndedOrder
WithCar: TypeAlias = BuiltOrder | InTransitOrder | AtStoreOrder | DeliveredOrder

ORDER_STATES: Final[dict[type[Order], str]] = {
    ScheduledOrder: "scheduled",
    BuiltOrder: "built",
    InTransitOrder: "in_transit",
    AtStoreOrder: "at_store",
    DeliveredOrder: "delivered",
    CancelledOrder: "cancelled",
    StockedOrder: "stocked",
}


def order_state(order: Order) -> str:
    """Return the stable word of a state."""
    return ORDER_STATES[type(order)]


# --- batches ---------------------------------------------------------------------------------------------------------


class BatchState(StrEnum):
    """A batch's life (DOMAIN section 3)."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    RELEASED = "released"
    BUILDING = "building"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Batch:
    """Orders a plant builds together; `passed` of `size` have left the line."""

    id: str
    brand_id: str
    plant_id: str
    pool_id: str
    state: BatchState
    size: int
    passed: int
    created_at: datetime


# --- weeks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WeekRoom:
    """A plant's week (its Monday): what is free for anybody, and what is held for the pool in question."""

    week: date
    free: Mapping[str, int]
    held: Mapping[str, int]

    def room(self, resource: str) -> int:
        """Return how many cars can still take the resource."""
        return self.free.get(resource, 0) + self.held.get(resource, 0)


def judge_room(planned: Collection[tuple[date, str]], week: date, resource: str) -> Refusal:
    """Say why a week has no room of a kind to speak of, given all weeks and resources that are planned of a plant."""
    weeks = sorted({one for one, _ in planned})
    if not weeks:
        return NotFound("week")
    monday = week - timedelta(days=week.weekday())
    if week != monday:
        return InvalidInput("week", because("WEEK_MONDAY", day=week, monday=monday))
    if week not in weeks:
        return InvalidInput("week", because("WEEK_PLANNED", first=weeks[0], last=weeks[-1]))
    # In quotes they are codes in every language, and `slot` is no word of a sentence.
    known = ", ".join(sorted(f"`{name}`" for one, name in planned if one == week))
    return InvalidInput("resource", because("ROOM_OF", week=week, resource=resource, known=known))


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """An order that wants a week: the constrained options of its car and the first week its parts are there."""

    order_id: str
    options: frozenset[str]
    ready_week: date

    @property
    def resources(self) -> tuple[str, ...]:
        return (SLOT, *sorted(self.options))


@dataclass(frozen=True, slots=True)
class Placement:
    """An order's week; `from_held` are the resources taken from what the pool held."""

    order_id: str
    week: date
    resources: tuple[str, ...]
    from_held: frozenset[str]


@dataclass(frozen=True, slots=True)
class PartLead:
    """A part that a feature needs: how long it takes, how many a car has of it, the days it is effective, inclusive."""

    feature: str
    lead_time_days: int
    first_day: date | None
    last_day: date | None
    part: str = ""
    quantity: int = 1

    def is_effective(self, day: date) -> bool:
        """Say whether a car ordered on a day takes the part."""
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class PartTime:
    """How long a car's parts take from its order on, and the day before which one of them does not come at all."""

    lead_days: int
    not_before: date = date.min

    def ready(self, ordered_on: date, *, least_days: int = 0) -> date:
        """Return the day on which all are there for a car that is ordered on a day, at least so many days behind it."""
        return max(ordered_on + timedelta(days=max(self.lead_days, least_days)), self.not_before)


@dataclass(frozen=True, slots=True)
class CarFacts:
    """What planning needs to know of a catalogue version: its tree, paints, constrained options, parts' lead times."""

    features: CarFeatures
    paints: frozenset[str]
    constrained: frozenset[str]
    parts: tuple[PartLead, ...] = ()
    parts_by_feature: Mapping[str, tuple[PartLead, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_feature: defaultdict[str, tuple[PartLead, ...]] = defaultdict(tuple)
        for part in self.parts:
            by_feature[part.feature] += (part,)
        object.__setattr__(self, "parts_by_feature", dict(by_feature))

    def lead_days(self, *, model: str, options: Collection[str], day: date) -> int:
        """Return the longest lead time of the parts that a car ordered on a day takes."""
        return self.lead_days_of(self.features.of((model, *options)), day)

    def lead_days_of(self, features: AbstractSet[str], day: date) -> int:
        """Return the longest lead time of the parts that these features take, ordered on a day."""
        return max((part.lead_time_days for part in self._taken(features, day)), default=0)

    def part_time(self, features: AbstractSet[str], day: date, late: Mapping[str, date]) -> PartTime:
        """Return when the parts of these features are there, ordered on a day; `late` has parts by the day they come.

        What is called off later comes no sooner than what was called off before (`parts.queries.late_parts`).
        """
        on = (late[one.part] for one in self._taken(features, day) if one.part in late) if late else ()
        return PartTime(self.lead_days_of(features, day), max(on, default=date.min))

    def part_times_of_features(self, day: date, late: Mapping[str, date]) -> dict[str, PartTime]:
        """Return by feature when its parts are there, for a car ordered on a day."""
        found: dict[str, PartTime] = {}
        for one in self.parts:
            if one.is_effective(day):
                known = found.get(one.feature, PartTime(0))
                on = max(known.not_before, late.get(one.part, date.min))
                found[one.feature] = PartTime(max(known.lead_days, one.lead_time_days), on)
        return found

    def parts_of(self, features: AbstractSet[str], day: date) -> Counter[str]:
        """Count the parts that these features take of a car ordered on a day."""
        taken: Counter[str] = Counter()
        for one in self._taken(features, day):
            taken[one.part] += one.quantity
        return taken

    def _taken(self, features: AbstractSet[str], day: date) -> list[PartLead]:
        lists = (self.parts_by_feature.get(feature, ()) for feature in features)
        return [part for parts in lists for part in parts if part.is_effective(day)]

    def paint_of(self, options: tuple[str, ...]) -> str:
        """Return the car's paint, or nothing where the catalogue has none."""
        return next((option for option in options if option in self.paints), "")

    def constrained_of(self, options: tuple[str, ...]) -> frozenset[str]:
        """Return the car's constrained options."""
        return self.constrained.intersection(options)


@dataclass(frozen=True, slots=True)
class Rebuild:
    """When another car was planned for an order; `vin` is of the one that it lost, None where that had got none."""

    id: str
    order_id: str
    vin: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LineDayFigures:
    """A day on the line and what its order does not keep, counted over all cars that stand on it, begun or not.

    A car that was spoilt on the line keeps the place it had there. `excess` is by how much windows exceed their ratios
    in all (decision 017); no order of the day's cars goes below the bounds. All three are None where the order breaks
    the longest paint run.
    """

    plant_id: str
    day: date
    cars: int
    run_violations: int
    ratio_violations: int
    paint_changes: int
    excess: int | None
    excess_bound: int | None
    paint_changes_bound: int | None

    @property
    def badness(self) -> tuple[int, int, int]:
        """Return what days are compared by: the hard limit first, then the ratios, then the paint."""
        return self.run_violations, self.excess or 0, self.paint_changes
