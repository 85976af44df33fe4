"""Use cases of a buyer who may have an equal car that is there already: take it, or go on waiting for the own one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from factory_orders.deliveries.model import Shipment, ShipmentState
from factory_orders.deliveries.shipment_service import ReadyCar, plan_shipments, stand_ready
from factory_orders.deliveries.shipment_store import insert_shipments
from factory_orders.early_cars.errors import EarlyOfferEnded
from factory_orders.early_cars.model import EarlyOffer
from factory_orders.early_cars.store import give_build_order
from factory_orders.early_cars.tables import EARLY
from factory_orders.exchanges.store import lapse_swap_offers
from factory_orders.light_stock.events import StockCarLeaves
from factory_orders.light_stock.queries import free_stock
from factory_orders.offers.model import OfferState
from factory_orders.offers.service import answer, decline, lapse, own_offer, require_open
from factory_orders.planning.model import AtStoreOrder, BuiltOrder, OrderTerms, ScheduledOrder
from factory_orders.planning.order_service import release_rest, withdraw_build_order
from factory_orders.planning.order_store import save_order
from factory_orders.plant.batch_store import complete_batch
from factory_orders.plant.model import BEFORE_THE_LINE, BuildOrder
from factory_orders.plant.queries import build_orders_by_id
from factory_orders.plant.store import lock_with_order
from factory_orders.vehicles.model import Newness, Vehicle, VehicleState
from factory_orders.vehicles.service import allocate_vehicle
from factory_orders.vehicles.store import lock_vehicle
from kernel.actor import system
from kernel.identity.queries import advisers_of_stores
from kernel.work import Work


def accept_early_car(work: Work, offer_id: str) -> EarlyOffer:
    """Take the equal car that is there: it is bound to the order, and the planned one is not built.

    Price, store and contract date stay. The same again changes nothing. Refuses another buyer's offer (NotFound), and
    EarlyOfferEnded once it is over, the order's own car is begun or changed, or the car is not as it was offered.
    """
    # The order before its offer, as whoever ends an order does.
    known = own_offer(work, EARLY, offer_id, lock=False)
    built, order = lock_with_order(work, known.order_id)
    offer = own_offer(work, EARLY, offer_id, lock=True)
    if offer.state is OfferState.ACCEPTED:
        return offer
    require_open(work, EARLY, offer)
    if not isinstance(order, ScheduledOrder) or (built is not None and built.stage not in BEFORE_THE_LINE):
        raise EarlyOfferEnded("begun")
    vehicle = lock_vehicle(work, offer.vin)
    if vehicle.options != order.terms.options:
        raise EarlyOfferEnded("changed")
    if (vehicle.state, vehicle.newness) != (VehicleState.BUILT, Newness.NEW):
        raise EarlyOfferEnded("gone")
    standing = free_stock(work, [vehicle.vin], though_offered=True)
    if not standing:
        raise EarlyOfferEnded("gone")
    was_for = build_orders_by_id(work, [vehicle.build_order_id])[vehicle.build_order_id].order_id
    accepted = answer(work, EARLY, replace(offer, from_order_id=was_for), OfferState.ACCEPTED)
    lapse_swap_offers(work, [order.terms.id])
    _leave_planned_car(work, order.terms, built, vehicle)
    bound = allocate_vehicle(work, vehicle, order.terms)
    stands_at = standing[0].store_id
    if stands_at is not None and stands_at != order.terms.store_id:
        _tell_store(work, accepted, from_store_id=stands_at, store_id=order.terms.store_id)
    _go_on(work, order.terms, bound, is_there=stands_at == order.terms.store_id)
    return accepted


def decline_early_car(work: Work, offer_id: str) -> EarlyOffer:
    """Wait for the planned car instead; the offered one is free again. Refuses as `accept_early_car` does."""
    return decline(work, EARLY, offer_id)


def lapse_early_offer(work: Work, offer_id: str, _payload: Any = None) -> None:
    """Let an offer end that nobody answered; the timer of an offer."""
    lapse(work, EARLY, offer_id)


def _leave_planned_car(work: Work, terms: OrderTerms, built: BuildOrder | None, vehicle: Vehicle) -> None:
    """Take the planned car off the plan; the build order of the one that is there is the order's from now on."""
    withdraw_build_order(work, terms)
    give_build_order(work, vehicle.build_order_id, terms.id)
    # Where its planned car had found no week it was perhaps the last that its pool held something for.
    release_rest(work, terms.pool_id, terms.plant_id)
    if built is not None:
        complete_batch(work, built.batch_id)


def _tell_store(work: Work, offer: EarlyOffer, *, from_store_id: str, store_id: str) -> None:
    """Tell the store at which the car stood that it goes to its buyer's."""
    advisers = advisers_of_stores(work.acting(system(work.actor.brand_id)), [from_store_id])
    told = tuple(advisers[from_store_id])
    work.record(StockCarLeaves(offer.brand_id, None, offer.vin, from_store_id, store_id, told))


def _go_on(work: Work, terms: OrderTerms, vehicle: Vehicle, *, is_there: bool) -> None:
    """Let the order go on where the car is: on its way to the store, or ready there."""
    if not is_there:
        save_order(work, BuiltOrder(terms, vehicle.vin))
        plan_shipments(work, [(vehicle, terms)])
        return
    # Its way ended at this store before it was this order's; the store has looked it over then.
    way = Shipment(
        work.new_id(),
        terms.brand_id,
        vehicle.vin,
        terms.id,
        terms.store_id,
        ShipmentState.INSPECTED,
        None,
        planned_at=work.now,
        arrived_at=work.now,
        inspected_at=work.now,
    )
    insert_shipments(work, [way])
    save_order(work, AtStoreOrder(terms, vehicle.vin, work.now))
    stand_ready(work, [ReadyCar(vehicle.vin, terms)])
