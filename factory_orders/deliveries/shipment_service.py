"""Use cases of the way from plant to store: planned, loaded, in transit, arrived, looked over by the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from factory_orders.conditions.model import HandOver
from factory_orders.conditions.service import require_check
from factory_orders.consents.offer_service import offer_repaired
from factory_orders.deliveries.balance import REMIND_TIMER
from factory_orders.deliveries.model import Shipment, ShipmentState, check_leg
from factory_orders.deliveries.shipment_store import insert_shipments, last_report_at, lock_shipment, save_shipment
from factory_orders.events import ShipmentMoved, ShipmentPlanned, StockCarArrived, VehicleArrived
from factory_orders.planning.model import (
    AtStoreOrder,
    BuiltOrder,
    InTransitOrder,
    Order,
    OrderTerms,
    StockedOrder,
)
from factory_orders.planning.order_service import build_again
from factory_orders.planning.order_store import lock_order, save_order, save_orders
from factory_orders.policies import HandoverPolicy
from factory_orders.promises.calibration_service import note_ready
from factory_orders.stock_orders.events import OrderedStockCarArrived
from factory_orders.stock_orders.queries import order_of_stock_car
from factory_orders.vehicles.model import DisclosureReason, Vehicle, VehicleState
from factory_orders.vehicles.service import disclose, enter, lose_vehicle
from factory_orders.vehicles.store import lock_vehicle
from factory_orders.vehicles.vin import require_same_car
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound
from kernel.reasons import because
from kernel.timers import set_timer
from kernel.work import Work

CLOCK_AHEAD: Final = timedelta(minutes=5)
DETAIL_LENGTH_MAX: Final = 400
REPAIR_MAX_MINOR: Final = 10**10
SEEN: Final = {ShipmentState.LOADED: HandOver.LOADED, ShipmentState.ARRIVED: HandOver.ARRIVED}
CARRIERS: Final = (ShipmentState.LOADED, ShipmentState.IN_TRANSIT, ShipmentState.ARRIVED, ShipmentState.LOST)


@dataclass(frozen=True, slots=True)
class Damage:
    """What the store found on arrival: in its words, and what the repair costs in fen."""

    detail: str
    repair_minor: int


def plan_shipments(work: Work, bound: Sequence[tuple[Vehicle, OrderTerms]]) -> list[Shipment]:
    """Plan the ways of cars that have just been bound to their orders."""
    planned = [
        Shipment(
            id=work.new_id(),
            brand_id=vehicle.brand_id,
            vin=vehicle.vin,
            order_id=terms.id,
            store_id=terms.store_id,
            state=ShipmentState.PLANNED,
            carrier_account_id=None,
            planned_at=work.now,
        )
        for vehicle, terms in bound
    ]
    insert_shipments(work, planned)
    work.record(
        *(
            ShipmentPlanned(one.brand_id, one.id, one.vin, terms.id, one.store_id)
            for one, (_, terms) in zip(planned, bound, strict=True)
        )
    )
    return planned


def plan_stock_way(work: Work, vehicle: Vehicle, *, store_id: str) -> Shipment:
    """Plan the way of a free car to a store's stock; the database refuses a car that is held, bound or under way."""
    shipment = Shipment(
        work.new_id(), vehicle.brand_id, vehicle.vin, None, store_id, ShipmentState.PLANNED, None, work.now
    )
    insert_shipments(work, [shipment])
    return shipment


def send_to_stock(work: Work, passed: Sequence[tuple[Vehicle, OrderTerms]]) -> None:
    """End orders for stock whose cars have passed, and plan the cars' ways; to a closed store none goes.

    What stays at its plant is shared out with the other free cars.
    """
    if not passed:
        return
    save_orders(work, [StockedOrder(terms, vehicle.vin, work.now) for vehicle, terms in passed])
    stores = registry.stores_by_id(work, sorted({terms.store_id for _, terms in passed}))
    for vehicle, terms in passed:
        if stores[terms.store_id].closed_at is None:
            plan_stock_way(work, vehicle, store_id=terms.store_id)


def report_shipment(work: Work, shipment_id: str, to: ShipmentState, *, occurred_at: datetime) -> Shipment:
    """Take a carrier's report of a leg, or of a car that is lost; the same leg again changes nothing.

    Another car is built for the order of a lost one. A car whose buyer has left goes on to the store, for stock. Who
    loads a car reports its later legs; to other carriers the shipment does not exist. Refuses NotFound,
    ShipmentOutOfOrder, a time that lies in the future or before the leg before, and ConditionCheckMissing.
    """
    work.actor.require(Permission.SHIPMENT_WRITE)
    if to not in CARRIERS:
        raise InvalidInput("state", because("LEG", legs=tuple(leg.name for leg in CARRIERS)))
    shipment = lock_shipment(work, shipment_id)
    if not _is_own(work, shipment):
        raise NotFound("shipment")
    if shipment.state is to:
        return shipment
    check_leg(shipment.state, to)
    _check_time(work, shipment, occurred_at)
    if to in SEEN:
        require_check(work, shipment.id, SEEN[to])
    order = None if shipment.order_id is None else lock_order(work, shipment.order_id)
    moved = replace(
        shipment,
        state=to,
        carrier_account_id=shipment.carrier_account_id or work.actor.account_id,
        loaded_at=occurred_at if to is ShipmentState.LOADED else shipment.loaded_at,
        arrived_at=occurred_at if to is ShipmentState.ARRIVED else shipment.arrived_at,
    )
    save_shipment(work, moved, occurred_at=occurred_at)
    on_the_way = order if isinstance(order, BuiltOrder | InTransitOrder) and order.vin == moved.vin else None
    vehicle = lock_vehicle(work, moved.vin)
    if to is ShipmentState.LOST:
        lose_vehicle(work, vehicle, why="lost", at=occurred_at)
        if on_the_way is not None:
            build_again(work, on_the_way, vin=moved.vin)
    else:
        enter(work, vehicle, to.value, occurred_at, shipment=moved.id)
        if on_the_way is not None:
            save_order(work, _moved_order(on_the_way, moved, occurred_at))
    if order is not None:
        terms = order.terms
        news = ShipmentMoved(moved.brand_id, moved.id, moved.vin, terms.id, terms.account_id, to.value, occurred_at)
        work.record(news)
    return moved


def _is_own(work: Work, shipment: Shipment) -> bool:
    if work.actor.may(Permission.SYSTEM) or shipment.carrier_account_id is None:
        return True
    return shipment.carrier_account_id == work.actor.account_id


def _check_time(work: Work, shipment: Shipment, occurred_at: datetime) -> None:
    if occurred_at.tzinfo is None:
        raise InvalidInput("occurredAt", because("ZONE_MISSING"))
    earliest = last_report_at(work, shipment.id)
    if occurred_at > work.now + CLOCK_AHEAD or (earliest is not None and occurred_at < earliest):
        raise InvalidInput("occurredAt", because("LEG_TIME"))


def _moved_order(order: BuiltOrder | InTransitOrder, shipment: Shipment, at: datetime) -> Order:
    if shipment.state is ShipmentState.ARRIVED:
        return AtStoreOrder(order.terms, order.vin, at)
    return InTransitOrder(order.terms, order.vin)


def inspect_arrival(work: Work, shipment_id: str, *, vin: str, damage: Damage | None = None) -> Shipment:
    """Take the receiving store's word on a car that arrived: fine, or damaged.

    `vin` is read from the car. Damage lowers the car's newness and is disclosed to the buyer; past the threshold the
    car is not new any more and another one is built for the order. A car whose order has ended since is looked over all
    the same, and nobody is told. Refuses another store's shipment (NotFound), a number that is not the car's
    (VinInvalid) and a shipment that has not arrived (ShipmentOutOfOrder).
    """
    work.actor.require(Permission.DELIVERY_WRITE)
    shipment = lock_shipment(work, shipment_id)
    if shipment.store_id != work.actor.own_store():
        raise NotFound("shipment")
    require_same_car(vin, shipment.vin)
    _check_damage(damage)
    to = ShipmentState.INSPECTED if damage is None else ShipmentState.DAMAGED
    check_leg(shipment.state, to)
    require_check(work, shipment.id, HandOver.INSPECTED)
    order = None if shipment.order_id is None else lock_order(work, shipment.order_id)
    waiting = order if isinstance(order, AtStoreOrder) and order.vin == shipment.vin else None
    seen = replace(shipment, state=to, inspected_at=work.now)
    save_shipment(work, seen, occurred_at=work.now, detail=None if damage is None else damage.detail.strip())
    vehicle = _look_over(work, seen, None if waiting is None else waiting.terms, damage)
    if waiting is not None:
        _follow_arrival(work, seen, waiting, vehicle, is_damaged=damage is not None)
    elif shipment.order_id is None:
        work.record(StockCarArrived(seen.brand_id, seen.vin, seen.store_id, vehicle.newness.word))
        if (ordered := order_of_stock_car(work, seen)) is not None:
            by = ordered.ordered_by
            work.record(OrderedStockCarArrived(seen.brand_id, ordered.id, by, seen.store_id, seen.vin))
    return seen


def _look_over(work: Work, seen: Shipment, terms: OrderTerms | None, damage: Damage | None) -> Vehicle:
    vehicle = lock_vehicle(work, seen.vin)
    if damage is None:
        enter(work, vehicle, "inspected", work.now, shipment=seen.id)
        return vehicle
    return disclose(
        work,
        vehicle,
        terms,
        reason=DisclosureReason.TRANSPORT_DAMAGE,
        detail=damage.detail,
        repair_minor=damage.repair_minor,
        at=work.now,
    )


def _follow_arrival(work: Work, seen: Shipment, order: AtStoreOrder, vehicle: Vehicle, *, is_damaged: bool) -> None:
    """Tell the buyer that the car stands ready, or build another one for the order."""
    terms = order.terms
    if vehicle.state is not VehicleState.ALLOCATED:  # What was found makes it no new car.
        build_again(work, order, vin=vehicle.vin)
        offer_repaired(work, terms, vehicle)
        return
    note_ready(work, terms.id)
    notice_days = policy.pinned(work, terms.policy_version).section(HandoverPolicy).second_notice_days
    set_timer(work, REMIND_TIMER, terms.id, work.now + timedelta(days=notice_days))
    work.record(VehicleArrived(seen.brand_id, seen.vin, terms.id, terms.account_id, seen.store_id, damaged=is_damaged))


def _check_damage(damage: Damage | None) -> None:
    if damage is None:
        return
    if not 1 <= len(damage.detail.strip()) <= DETAIL_LENGTH_MAX:
        raise InvalidInput("detail", because("DAMAGE", most=DETAIL_LENGTH_MAX))
    if not 0 <= damage.repair_minor <= REPAIR_MAX_MINOR:
        raise InvalidInput("repairMinor", because("REPAIR"))
