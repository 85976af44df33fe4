"""What happened to orders, batches, cars, shipments and handovers, as other rooms may hear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from demand.backing.events import ConcernedAccount
from kernel.events import Event, event


@event("factory_orders.slots_reserved")
@dataclass(frozen=True, slots=True)
class SlotsReserved(Event):
    """A pool holds class slots of a plant from a week to a week."""

    pool_id: str
    plant_id: str
    slots: int
    first_week: date
    last_week: date


@event("factory_orders.slots_released")
@dataclass(frozen=True, slots=True)
class SlotsReleased(Event):
    """What a pool had reserved and did not need is free again."""

    pool_id: str
    plant_id: str
    slots: int


@event("factory_orders.capacity_changed")
@dataclass(frozen=True, slots=True)
class CapacityChanged(Event):
    """A planner set what a plant's week can take of a resource."""

    plant_id: str
    week: date
    resource: str
    capacity: int


@event("factory_orders.order_created")
@dataclass(frozen=True, slots=True)
class OrderCreated(Event):
    """A locked pre-order became an order."""

    order_id: str
    account_id: str
    pool_id: str
    store_id: str
    model: str


@event("factory_orders.batch_formed")
@dataclass(frozen=True, slots=True)
class BatchFormed(Event):
    """Orders will be built together."""

    batch_id: str
    plant_id: str
    pool_id: str
    size: int


@event("factory_orders.order_scheduled")
@dataclass(frozen=True, slots=True)
class OrderScheduled(Event):
    """An order has its week; `promised_by` is the contract's date."""

    order_id: str
    account_id: str
    batch_id: str
    week: date
    expected_on: date
    promised_by: date


@event("factory_orders.order_planned_later")
@dataclass(frozen=True, slots=True)
class OrderPlannedLater(Event):
    """An order has its week and a later date than was accepted, `due_by`: the buyer may leave free."""

    order_id: str
    account_id: str
    accepted_by: date
    due_by: date


@event("factory_orders.build_order_released")
@dataclass(frozen=True, slots=True)
class BuildOrderReleased(Event):
    """The plant may build it."""

    build_order_id: str
    order_id: str
    plant_id: str
    day: date


@event("factory_orders.build_order_withdrawn")
@dataclass(frozen=True, slots=True)
class BuildOrderWithdrawn(Event):
    """The plant may not build it any more: its order ended, or another car is built in its place."""

    build_order_id: str
    order_id: str
    plant_id: str


@event("factory_orders.line_day_disturbed")
@dataclass(frozen=True, slots=True)
class LineDayDisturbed(Event):
    """A day's line has lost a car, has another one, or another tail before it: its order may be mended."""

    plant_id: str
    day: date


@event("factory_orders.line_day_mended")
@dataclass(frozen=True, slots=True)
class LineDayMended(Event):
    """Cars of a day changed places on the line, after a disturbance or since others have come.

    So many `moved` by a mending; `build_order_ids` are all that stand at another place than before.
    """

    plant_id: str
    day: date
    moved: int
    build_order_ids: tuple[str, ...] = ()


@event("factory_orders.line_stopped")
@dataclass(frozen=True, slots=True)
class LineStopped(Event):
    """A plant's line stood still on a day; its week takes `capacity` cars in all, `short` fewer than have it.

    Planners are told of the first report of it.
    """

    plant_id: str
    day: date
    capacity: int
    short: int
    plant_code: str = ""
    planners: tuple[ConcernedAccount, ...] = ()


@event("factory_orders.build_stage_reported")
@dataclass(frozen=True, slots=True)
class BuildStageReported(Event):
    """The plant has moved a build order on."""

    build_order_id: str
    order_id: str
    account_id: str
    plant_id: str
    stage: str
    occurred_at: datetime


@event("factory_orders.vehicle_identified")
@dataclass(frozen=True, slots=True)
class VehicleIdentified(Event):
    """A painted body has its number; it carries these options of that catalogue version, whoever it is built for."""

    vin: str
    build_order_id: str
    order_id: str
    account_id: str
    catalogue_version_id: str
    options: tuple[str, ...]


@event("factory_orders.vehicle_built")
@dataclass(frozen=True, slots=True)
class VehicleBuilt(Event):
    """A car passed the line's end."""

    vin: str
    order_id: str
    account_id: str
    built_at: datetime


@event("factory_orders.vehicle_allocated")
@dataclass(frozen=True, slots=True)
class VehicleAllocated(Event):
    """A car belongs to an order and goes to its store."""

    vin: str
    order_id: str
    account_id: str
    store_id: str


@event("factory_orders.vehicle_disclosed")
@dataclass(frozen=True, slots=True)
class VehicleDisclosed(Event):
    """Something happened to a car before its delivery; the buyer is told. `reason` is a stable word."""

    vin: str
    order_id: str
    account_id: str
    disclosure_id: str
    newness: str
    reason: str


@event("factory_orders.order_built_again")
@dataclass(frozen=True, slots=True)
class OrderBuiltAgain(Event):
    """The order's car is gone or not new any more, so another one is built; `vin` is None where it got no number."""

    order_id: str
    account_id: str
    vin: str | None
    week: date


@event("factory_orders.shipment_planned")
@dataclass(frozen=True, slots=True)
class ShipmentPlanned(Event):
    """A car waits for its carrier."""

    shipment_id: str
    vin: str
    order_id: str
    store_id: str


@event("factory_orders.shipment_moved")
@dataclass(frozen=True, slots=True)
class ShipmentMoved(Event):
    """A carrier reported a leg of a car that its order waits for: loaded, in_transit, arrived or lost."""

    shipment_id: str
    vin: str
    order_id: str
    account_id: str
    state: str
    occurred_at: datetime


@event("factory_orders.vehicle_arrived")
@dataclass(frozen=True, slots=True)
class VehicleArrived(Event):
    """The store has looked the car over; the buyer may book the handover."""

    vin: str
    order_id: str
    account_id: str
    store_id: str
    damaged: bool


@event("factory_orders.stock_car_arrived")
@dataclass(frozen=True, slots=True)
class StockCarArrived(Event):
    """A store has looked over a car that came to it for stock."""

    vin: str
    store_id: str
    newness: str


@event("factory_orders.handover_booked")
@dataclass(frozen=True, slots=True)
class HandoverBooked(Event):
    """Buyer and store have an appointment."""

    handover_id: str
    order_id: str
    account_id: str
    store_id: str
    appointment_at: datetime


@event("factory_orders.handover_inspected")
@dataclass(frozen=True, slots=True)
class HandoverInspected(Event):
    """Store and buyer went through the check list."""

    handover_id: str
    order_id: str
    account_id: str
    faults: int


@event("factory_orders.handover_rejected")
@dataclass(frozen=True, slots=True)
class HandoverRejected(Event):
    """The buyer did not take the car; another appointment may be booked."""

    handover_id: str
    order_id: str
    account_id: str
    store_id: str


@event("factory_orders.balance_requested")
@dataclass(frozen=True, slots=True)
class BalanceRequested(Event):
    """The buyer owes the rest."""

    handover_id: str
    order_id: str
    account_id: str
    payment_id: str
    due_minor: int


@event("factory_orders.balance_paid")
@dataclass(frozen=True, slots=True)
class BalancePaid(Event):
    """Nothing is owed on the order any more."""

    handover_id: str
    order_id: str
    account_id: str


@event("factory_orders.vehicle_delivered")
@dataclass(frozen=True, slots=True)
class VehicleDelivered(Event):
    """The buyer signed; the car is theirs."""

    vin: str
    order_id: str
    account_id: str
    store_id: str
    delivered_at: datetime


@event("factory_orders.late_credit_booked")
@dataclass(frozen=True, slots=True)
class LateCreditBooked(Event):
    """The car is late, so money was credited to the buyer."""

    order_id: str
    account_id: str
    days: int
    amount_minor: int


@event("factory_orders.order_cancelled")
@dataclass(frozen=True, slots=True)
class OrderCancelled(Event):
    """An order ended before its delivery.

    `by` is `buyer`, `maker`, `late` (the buyer left for its lateness), `payment` (the earnest money never came),
    `default` (the balance was not paid in time) or `not_new` (the stock car was found damaged).
    """

    order_id: str
    account_id: str
    pool_id: str
    by: str
    forfeit_minor: int
    returned_minor: int


@event("factory_orders.earnest_missing")
@dataclass(frozen=True, slots=True)
class EarnestMissing(Event):
    """An order stands though its earnest money never came or was returned: its car was begun.

    The whole price is due at the handover; `is_claim` where the earnest money had been set off by then and is owed.
    """

    order_id: str
    account_id: str
    is_claim: bool


@event("factory_orders.balance_declined")
@dataclass(frozen=True, slots=True)
class BalanceDeclined(Event):
    """A balance that had been counted was declined, or returned: it is asked for anew.

    `is_claim` where the car had been signed for by then: it is owed.
    """

    order_id: str
    account_id: str
    amount_minor: int
    is_claim: bool


@event("factory_orders.balance_reminded")
@dataclass(frozen=True, slots=True)
class BalanceReminded(Event):
    """A buyer was told the second time that the car waits; after `last_day` it is a default."""

    order_id: str
    account_id: str
    last_day: datetime
