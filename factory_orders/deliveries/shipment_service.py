"""Use cases of the way from plant to store: planned, loaded, in transit, arrived, looked over by the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from factory_orders.conditions.model import HandOver
from factory_orders.conditions.service import require_check
from factory_orders.conditions.store import open_cases_of
from factory_orders.consents.offer_service import offer_repaired, renew_offer
from factory_orders.deliveries.balance import REMIND_TIMER
from factory_orders.deliveries.model import Shipment, ShipmentState, check_leg
from factory_orders.deliveries.shipment_store import (
    Moved,
    insert_shipments,
    last_reports,
    lock_shipments,
    save_shipments,
)
from factory_orders.errors import DamageNotTold
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
from factory_orders.planning.order_store import lock_orders, save_orders
from factory_orders.plant.store import hold_lines_of
from factory_orders.policies import HandoverPolicy
from factory_orders.promises.calibration_service import note_ready
from factory_orders.stock_orders.events import OrderedStockCarArrived
from factory_orders.stock_orders.queries import order_of_stock_car
from factory_orders.vehicles.model import DisclosureReason, Vehicle, VehicleState
from factory_orders.vehicles.service import Step, disclose, enter_all, lose_vehicle
from factory_orders.vehicles.store import lock_vehicles
from factory_orders.vehicles.vin import require_same_car
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound, Refusal
from kernel.reasons import because
from kernel.timers import set_timers
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


def send_repaired(work: Work, repaired: Sequence[tuple[Vehicle, OrderTerms]]) -> None:
    """Plan the ways of repaired cars to the stores of the orders that they were built for; to a closed store none goes.

    There a buyer may take the car, or it is sold from stock.
    """
    stores = registry.stores_by_id(work, sorted({terms.store_id for _, terms in repaired})) if repaired else {}
    plan_shipments(work, [(car, terms) for car, terms in repaired if stores[terms.store_id].closed_at is None])


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


@dataclass(frozen=True, slots=True)
class Leg:
    """A carrier's report on a shipment: which leg, and when by the carrier's clock."""

    shipment_id: str
    to: ShipmentState
    occurred_at: datetime


def report_shipment(work: Work, shipment_id: str, to: ShipmentState, *, occurred_at: datetime) -> Shipment:
    """Take a carrier's report of a leg, or of a car that is lost; the same leg again changes nothing.

    Another car is built for the order of a lost one. A car whose buyer has left goes on to the store, for stock. Who
    loads a car reports its later legs; to other carriers the shipment does not exist. Refuses NotFound,
    ShipmentOutOfOrder, a time that lies in the future or before the leg before, ConditionCheckMissing, and the arrival
    of a buyer's car at a store that has closed (InvalidInput): it goes to the store that its buyer picks.
    """
    (outcome,) = report_shipments(work, [Leg(shipment_id, to, occurred_at)])
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def report_shipments(work: Work, legs: Sequence[Leg]) -> list[Shipment | Refusal]:
    """Take reports on different shipments, each answered as `report_shipment` does; a refused one spoils no other."""
    work.actor.require(Permission.SHIPMENT_WRITE)
    ids = [leg.shipment_id for leg in legs]
    assert len(set(ids)) == len(ids), "one report a shipment"
    known, earlier = lock_shipments(work, ids), last_reports(work, ids)
    lost = [known[leg.shipment_id] for leg in legs if leg.to is ShipmentState.LOST and leg.shipment_id in known]
    hold_lines_of(work, [one.order_id for one in lost if one.order_id is not None])
    orders = lock_orders(work, [one.order_id for one in known.values() if one.order_id is not None])
    closed = _closed_stores(
        work, [known[leg.shipment_id] for leg in legs if _arrives(leg) and leg.shipment_id in known]
    )
    outcomes: list[Shipment | Refusal] = []
    moved: list[Moved] = []
    for leg in legs:
        try:
            before = known.get(leg.shipment_id)
            now = _judge_leg(work, leg, before, earlier.get(leg.shipment_id))
            if now is not before and _arrives(leg) and now.store_id in closed and _on_the_way(now, orders) is not None:
                raise InvalidInput("state", because("STORE_CLOSED"))
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        outcomes.append(now)
        if now is not before:
            moved.append(Moved(now, leg.occurred_at))
    _follow_legs(work, moved, orders)
    return outcomes


def _arrives(leg: Leg) -> bool:
    return leg.to is ShipmentState.ARRIVED


def _closed_stores(work: Work, arriving: Sequence[Shipment]) -> set[str]:
    """Return which stores have closed: a buyer's car does not arrive there, since its buyer picks another one.

    Read behind the orders' locks, as a store closes behind them.
    """
    found = registry.stores_by_id(work, sorted({one.store_id for one in arriving})) if arriving else {}
    return {store_id for store_id, store in found.items() if store.closed_at is not None}


def _on_the_way(shipment: Shipment, orders: Mapping[str, Order]) -> BuiltOrder | InTransitOrder | None:
    order = orders.get(shipment.order_id or "")
    return order if isinstance(order, BuiltOrder | InTransitOrder) and order.vin == shipment.vin else None


def _judge_leg(work: Work, leg: Leg, shipment: Shipment | None, earliest: datetime | None) -> Shipment:
    """Return where the shipment stands after a report: the same value where it was known."""
    to = leg.to
    if to not in CARRIERS:
        raise InvalidInput("state", because("LEG", legs=tuple(leg.name for leg in CARRIERS)))
    if shipment is None or not _is_own(work, shipment):
        raise NotFound("shipment")
    if shipment.state is to:
        return shipment
    check_leg(shipment.state, to)
    _check_time(work, leg.occurred_at, earliest)
    if to in SEEN:
        require_check(work, shipment.id, SEEN[to])
    return replace(
        shipment,
        state=to,
        carrier_account_id=shipment.carrier_account_id or work.actor.account_id,
        loaded_at=leg.occurred_at if to is ShipmentState.LOADED else shipment.loaded_at,
        arrived_at=leg.occurred_at if to is ShipmentState.ARRIVED else shipment.arrived_at,
    )


def _follow_legs(work: Work, moved: Sequence[Moved], orders: Mapping[str, Order]) -> None:
    """Write what was reported, and let cars and orders follow."""
    if not moved:
        return
    save_shipments(work, moved)
    vehicles = lock_vehicles(work, [one.shipment.vin for one in moved])
    steps, followed = [], []
    for one in moved:
        shipment, vehicle = one.shipment, vehicles[one.shipment.vin]
        on_the_way = _on_the_way(shipment, orders)
        if shipment.state is ShipmentState.LOST:
            gone = lose_vehicle(work, vehicle, why="lost", at=one.occurred_at)
            if on_the_way is not None:
                build_again(work, on_the_way, vin=shipment.vin)
            elif (order := orders.get(shipment.order_id or "")) is not None:
                renew_offer(work, order.terms, gone)
        else:
            steps.append(Step(vehicle, shipment.state.value, one.occurred_at, {"shipment": shipment.id}))
            if on_the_way is not None:
                followed.append(_moved_order(on_the_way, shipment, one.occurred_at))
        if on_the_way is not None:
            work.record(_leg_news(one, on_the_way.terms))
    enter_all(work, steps)
    save_orders(work, followed)


def _leg_news(moved: Moved, terms: OrderTerms) -> ShipmentMoved:
    shipment = moved.shipment
    return ShipmentMoved(
        *(shipment.brand_id, shipment.id, shipment.vin, terms.id, terms.account_id, shipment.state.value),
        moved.occurred_at,
    )


def _is_own(work: Work, shipment: Shipment) -> bool:
    if work.actor.may(Permission.SYSTEM) or shipment.carrier_account_id is None:
        return True
    return shipment.carrier_account_id == work.actor.account_id


def _check_time(work: Work, occurred_at: datetime, earliest: datetime | None) -> None:
    if occurred_at.tzinfo is None:
        raise InvalidInput("occurredAt", because("ZONE_MISSING"))
    if occurred_at > work.now + CLOCK_AHEAD or (earliest is not None and occurred_at < earliest):
        raise InvalidInput("occurredAt", because("LEG_TIME"))


def _moved_order(order: BuiltOrder | InTransitOrder, shipment: Shipment, at: datetime) -> Order:
    if shipment.state is ShipmentState.ARRIVED:
        return AtStoreOrder(order.terms, order.vin, at)
    return InTransitOrder(order.terms, order.vin)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A store's word on a car that arrived; `vin` is read from the car, `damage` is None where it is fine."""

    shipment_id: str
    vin: str
    damage: Damage | None = None


def inspect_arrival(work: Work, shipment_id: str, *, vin: str, damage: Damage | None = None) -> Shipment:
    """Take the receiving store's word on a car that arrived: fine, or damaged.

    `vin` is read from the car. Damage lowers the car's newness and is disclosed to the buyer; past the threshold the
    car is not new any more and another one is built for the order. A car whose order has ended since is looked over all
    the same, and nobody is told. Refuses another store's shipment (NotFound), a number that is not the car's
    (VinInvalid), a shipment that has not arrived (ShipmentOutOfOrder), and silence on damage that was found on the way
    and of which nobody has said the cost (DamageNotTold).
    """
    (outcome,) = inspect_arrivals(work, [Arrival(shipment_id, vin, damage)])
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def inspect_arrivals(work: Work, arrivals: Sequence[Arrival]) -> list[Shipment | Refusal]:
    """Take a store's word on different cars, each answered as `inspect_arrival` does; a refused one spoils no other."""
    work.actor.require(Permission.DELIVERY_WRITE)
    ids = [one.shipment_id for one in arrivals]
    assert len(set(ids)) == len(ids), "one word a car"
    known, found = lock_shipments(work, ids), open_cases_of(work, ids)
    outcomes: list[Shipment | Refusal] = []
    seen: list[tuple[Shipment, Damage | None]] = []
    for one in arrivals:
        try:
            shipment = _judge_arrival(work, one, known.get(one.shipment_id), found.get(one.shipment_id, 0))
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        outcomes.append(shipment)
        seen.append((shipment, one.damage))
    _follow_arrivals(work, seen)
    return outcomes


def _judge_arrival(work: Work, arrival: Arrival, shipment: Shipment | None, found: int) -> Shipment:
    if shipment is None or shipment.store_id != work.actor.own_store():
        raise NotFound("shipment")
    require_same_car(arrival.vin, shipment.vin)
    _check_damage(arrival.damage)
    to = ShipmentState.INSPECTED if arrival.damage is None else ShipmentState.DAMAGED
    check_leg(shipment.state, to)
    require_check(work, shipment.id, HandOver.INSPECTED)
    if found and arrival.damage is None:
        raise DamageNotTold(found)
    return replace(shipment, state=to, inspected_at=work.now)


def _follow_arrivals(work: Work, seen: Sequence[tuple[Shipment, Damage | None]]) -> None:
    """Write what the store saw, note it in the cars' passports, and tell buyers that their car stands ready."""
    if not seen:
        return
    hold_lines_of(work, [one.order_id for one, damage in seen if damage is not None and one.order_id is not None])
    orders = lock_orders(work, [one.order_id for one, _ in seen if one.order_id is not None])
    save_shipments(
        work, [Moved(one, work.now, None if damage is None else damage.detail.strip()) for one, damage in seen]
    )
    vehicles = lock_vehicles(work, [one.vin for one, _ in seen])
    steps, ready = [], []
    for one, damage in seen:
        order, vehicle = orders.get(one.order_id or ""), vehicles[one.vin]
        waiting = order if isinstance(order, AtStoreOrder) and order.vin == one.vin else None
        if damage is None:
            steps.append(Step(vehicle, "inspected", work.now, {"shipment": one.id}))
        else:
            vehicle = _disclose_damage(work, one, vehicle, None if waiting is None else waiting.terms, damage)
        if waiting is None:
            if order is not None and damage is not None:
                renew_offer(work, order.terms, vehicle)
            if one.order_id is None:
                _tell_of_stock_car(work, one, vehicle)
        elif vehicle.state is not VehicleState.ALLOCATED:  # What was found makes it no new car.
            build_again(work, waiting, vin=vehicle.vin)
            offer_repaired(work, waiting.terms, vehicle)
        else:
            ready.append(ReadyCar(one.vin, waiting.terms, damaged=damage is not None))
    enter_all(work, steps)
    stand_ready(work, ready)


def _tell_of_stock_car(work: Work, seen: Shipment, vehicle: Vehicle) -> None:
    work.record(StockCarArrived(seen.brand_id, seen.vin, seen.store_id, vehicle.newness.word))
    if (ordered := order_of_stock_car(work, seen)) is not None:
        by = ordered.ordered_by
        work.record(OrderedStockCarArrived(seen.brand_id, ordered.id, by, seen.store_id, seen.vin))


def _disclose_damage(
    work: Work, shipment: Shipment, vehicle: Vehicle, terms: OrderTerms | None, damage: Damage
) -> Vehicle:
    return disclose(
        work,
        vehicle,
        terms,
        reason=DisclosureReason.TRANSPORT_DAMAGE,
        detail=damage.detail,
        repair_minor=damage.repair_minor,
        at=work.now,
        shipment_id=shipment.id,
    )


@dataclass(frozen=True, slots=True)
class ReadyCar:
    """A car that stands ready for an order at its store; `damaged` says that damage was told of on the way."""

    vin: str
    terms: OrderTerms
    damaged: bool = False


def stand_ready(work: Work, ready: Sequence[ReadyCar]) -> None:
    """Note that promises are kept since today, tell buyers, and set when they are reminded; nothing for no car."""
    if not ready:
        return
    note_ready(work, [one.terms.id for one in ready])
    remind_at = {}
    for one in ready:
        notice_days = policy.pinned(work, one.terms.policy_version).section(HandoverPolicy).second_notice_days
        remind_at[one.terms.id] = work.now + timedelta(days=notice_days)
    set_timers(work, REMIND_TIMER, remind_at)
    for one in ready:
        terms = one.terms
        work.record(
            VehicleArrived(terms.brand_id, one.vin, terms.id, terms.account_id, terms.store_id, damaged=one.damaged)
        )


def _check_damage(damage: Damage | None) -> None:
    if damage is None:
        return
    if not 1 <= len(damage.detail.strip()) <= DETAIL_LENGTH_MAX:
        raise InvalidInput("detail", because("DAMAGE", most=DETAIL_LENGTH_MAX))
    if not 0 <= damage.repair_minor <= REPAIR_MAX_MINOR:
        raise InvalidInput("repair", because("REPAIR"))
