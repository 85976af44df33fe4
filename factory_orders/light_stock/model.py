"""A sharing out of stock cars: what stood where, what each place would give for a car, where each goes and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

ANSWER_TIMER: Final = "factory_orders.stock_move"
"""When an offered car goes by itself."""


class MoveState(StrEnum):
    """An offered move is answered, or goes by itself; refused or lapsed, it leaves the car where it is."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class StoreLevel:
    """How many cars of a model a store should have, and has: standing there for nobody, on their way, shown, driven.

    `held` stand there too, while somebody thinks about them: a buyer, one who waits for an equal car, another store.
    `on_order` are cars for its stock that are still to be built.
    """

    store_id: str
    model: str
    weekly_milli: int
    level: int
    standing: int
    inbound: int
    display_wanted: int
    display: int
    demo: int
    on_order: int = 0
    demo_wanted: int = 0
    held: int = 0

    @property
    def cars(self) -> int:
        """Return how many cars of the model the store has, or will have.

        What is shown or driven beyond what is wanted takes a place of base stock: else a store could order without end.
        """
        return self.standing + self.held + self.inbound + self.on_order + self.display + self.demo

    @property
    def most(self) -> int:
        """Return how many it may have: light inventory is base stock and the cars that are shown or driven."""
        return self.level + self.display_wanted + self.demo_wanted


@dataclass(frozen=True, slots=True)
class StockMove:
    """A car that a sharing out sends to a store, and why: what it is worth there, the way, and the next best place.

    `saved_minor` is what the move saves against leaving the car where it is; `next_minor` what the next best place
    (`next_store_id`; None: where it is) would have saved. `from_store_id` is None for a car that stands at its plant.
    It comes `days_late` after the store has sold what it has; where it `is_first` the store has none of the model, and
    gets one whatever that saves.
    """

    id: str
    brand_id: str
    round_id: str
    vin: str
    model: str
    from_store_id: str | None
    store_id: str
    distance_km: int
    transport_minor: int
    days_late: int
    is_first: bool
    worth_minor: int
    saved_minor: int
    next_store_id: str | None
    next_minor: int
    state: MoveState
    offered_at: datetime
    answer_by: datetime
    answered_at: datetime | None = None
    shipment_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AllocationRound:
    """One sharing out of a brand's free cars; it costs `cost_minor`, and nothing could cost less than `bound_minor`."""

    id: str
    brand_id: str
    made_at: datetime
    policy_version: int
    cars: int
    moved: int
    waiting: int
    cost_minor: int
    bound_minor: int


@dataclass(frozen=True, slots=True)
class FairnessLine:
    """What a store was owed of a model before a round, was entitled to, got, and is owed after; in thousandths."""

    id: str
    brand_id: str
    round_id: str
    store_id: str
    model: str
    owed_before: int
    entitled: int
    received: int
    owed_after: int
    at: datetime
