"""Use cases of a buyer who is offered the repaired car: take it for less, or go on waiting for another one."""

from __future__ import annotations

from dataclasses import replace

from factory_orders.agreements.reduction_service import agree_reduction
from factory_orders.consents.model import RepairOffer
from factory_orders.consents.offer_service import end_offer
from factory_orders.consents.queries import repair_offers_of_orders
from factory_orders.consents.store import open_offer
from factory_orders.deliveries.model import ShipmentState
from factory_orders.deliveries.shipment_service import ReadyCar, plan_shipments, stand_ready
from factory_orders.deliveries.shipment_store import shipment_of_car
from factory_orders.errors import RepairOfferEnded
from factory_orders.offers.model import OfferState
from factory_orders.planning.model import AtStoreOrder, BuiltOrder, InTransitOrder, Order, OrderTerms, ScheduledOrder
from factory_orders.planning.order_service import release_rest, withdraw_build_order
from factory_orders.planning.order_store import save_order
from factory_orders.plant.batch_store import complete_batch
from factory_orders.plant.model import BEFORE_THE_LINE, BuildOrder
from factory_orders.plant.store import lock_with_order, reinstate
from factory_orders.vehicles.model import Vehicle
from factory_orders.vehicles.service import accept_what_was_disclosed, allocate_vehicle
from factory_orders.vehicles.store import lock_vehicle
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.work import Work


def accept_repaired_car(work: Work, order_id: str) -> RepairOffer:
    """Take the repaired car for less: it is bound to the order, and the other one is not built.

    Everything that happened to it counts as read and accepted. The same again changes nothing. Refuses another buyer's
    order (NotFound), and RepairOfferEnded once the time is over, the other car is begun, or there is no offer.
    """
    work.actor.require(Permission.OWN_WRITE)
    built, order = _own_order(work, order_id)
    offer = open_offer(work, order_id)
    if offer is None:
        return _answered_before(work, order_id, OfferState.ACCEPTED)
    if work.now >= offer.answer_by:
        raise RepairOfferEnded(OfferState.LAPSED.value)
    if not isinstance(order, ScheduledOrder) or (built is not None and built.stage not in BEFORE_THE_LINE):
        raise RepairOfferEnded("begun")
    vehicle = lock_vehicle(work, offer.vin)
    assert vehicle.options == order.terms.options, "an offer ends when its order is changed"
    terms = agree_reduction(work, order.terms, offer.reduction_minor)
    _leave_other_car(work, terms, built, vehicle)
    accept_what_was_disclosed(work, vehicle.vin)
    bound = allocate_vehicle(work, replace(vehicle, consented_for=order_id), terms)
    _go_on(work, terms, bound)
    end_offer(work, terms, OfferState.ACCEPTED)
    return replace(offer, state=OfferState.ACCEPTED, answered_at=work.now)


def decline_repaired_car(work: Work, order_id: str) -> RepairOffer:
    """Wait for the other car instead; the same again changes nothing. Refuses as `accept_repaired_car` does."""
    work.actor.require(Permission.OWN_WRITE)
    _, order = _own_order(work, order_id)
    offer = open_offer(work, order_id)
    if offer is None:
        return _answered_before(work, order_id, OfferState.DECLINED)
    end_offer(work, order.terms, OfferState.DECLINED)
    return replace(offer, state=OfferState.DECLINED, answered_at=work.now)


def _own_order(work: Work, order_id: str) -> tuple[BuildOrder | None, Order]:
    """Lock the build order, then the order, as a plant's report does."""
    built, order = lock_with_order(work, order_id)
    if order.terms.account_id != work.actor.signed_in():
        raise NotFound("order")
    return built, order


def _answered_before(work: Work, order_id: str, state: OfferState) -> RepairOffer:
    """Return the last offer of an order where it was answered so; refuses RepairOfferEnded."""
    offers = repair_offers_of_orders(work, [order_id])[order_id]
    if not offers or offers[-1].state is not state:
        raise RepairOfferEnded(offers[-1].state.value if offers else "none")
    return offers[-1]


def _leave_other_car(work: Work, terms: OrderTerms, built: BuildOrder | None, vehicle: Vehicle) -> None:
    """Take the car that is not begun off the plan; the build order of the repaired one is the order's again."""
    withdraw_build_order(work, terms)
    reinstate(work, vehicle.build_order_id)
    # Where its other car had found no week it was perhaps the last that its pool held something for.
    release_rest(work, terms.pool_id, terms.plant_id)
    if built is not None:
        complete_batch(work, built.batch_id)


def _go_on(work: Work, terms: OrderTerms, vehicle: Vehicle) -> None:
    """Let the order go on where the car is: at the plant, on its way, or at its store."""
    shipment = shipment_of_car(work, vin=vehicle.vin, order_id=terms.id)
    if shipment is None:
        save_order(work, BuiltOrder(terms, vehicle.vin))
        plan_shipments(work, [(vehicle, terms)])
        return
    if shipment.arrived_at is None:
        is_there_still = shipment.state is ShipmentState.PLANNED
        save_order(work, (BuiltOrder if is_there_still else InTransitOrder)(terms, vehicle.vin))
        return
    save_order(work, AtStoreOrder(terms, vehicle.vin, shipment.arrived_at))
    if shipment.inspected_at is not None:
        stand_ready(work, [ReadyCar(vehicle.vin, terms, damaged=True)])
