"""How a damage case ends: what the repair costs is disclosed, and past the threshold nobody has to take the car.

Whoever waits for a car of their own gets another one; who bought it from stock gets the deposit twice.
"""

from __future__ import annotations

from dataclasses import replace

from factory_orders.balances.service import take_back_balance
from factory_orders.cancellation.service import fail_purchase
from factory_orders.conditions.model import CaseState, DamageCase, Party, untold_minor
from factory_orders.conditions.service import tell_of_case, waiting_for
from factory_orders.conditions.store import cases_of_shipment, lock_case, save_case
from factory_orders.consents.offer_service import offer_repaired, renew_offer
from factory_orders.consents.store import order_offered
from factory_orders.deliveries.handover_store import booked_meanwhile, lock_handover, open_handover, save_handover
from factory_orders.deliveries.model import Handover, HandoverState, Shipment
from factory_orders.deliveries.shipment_service import REPAIR_MAX_MINOR
from factory_orders.deliveries.shipment_store import lock_shipment
from factory_orders.errors import DamageCaseClosed
from factory_orders.papers.service import void_papers
from factory_orders.planning.model import AtStoreOrder, BuiltOrder, InTransitOrder, OrderOrigin
from factory_orders.planning.order_service import build_again
from factory_orders.planning.order_store import lock_orders
from factory_orders.plant.store import hold_lines_of
from factory_orders.vehicles.model import DisclosureReason, Vehicle, VehicleState
from factory_orders.vehicles.service import disclose
from factory_orders.vehicles.store import disclosed_minor, lock_vehicle, order_bound_to
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

ENDED = frozenset({VehicleState.DELIVERED, VehicleState.GONE})


def close_damage_case(work: Work, case_id: str, *, borne_by: Party, repair_minor: int) -> DamageCase:
    """Say what the repair costs and who bears it; refuses a case that is closed (DamageCaseClosed).

    What the store has told of it already counts: only what is beyond that is disclosed. A car that is not new any more
    by that is lost to its order as one that was found so on arrival: another one is built, and this one is offered. One
    that somebody bought from stock has no other: its order ends, and the buyer gets the deposit twice.
    """
    work.actor.require(Permission.BATCH_MANAGE)
    case = lock_case(work, case_id)
    if case.state is CaseState.CLOSED:
        raise DamageCaseClosed
    if not 0 <= repair_minor <= REPAIR_MAX_MINOR:
        raise InvalidInput("repair", because("REPAIR"))
    closed = replace(
        case, state=CaseState.CLOSED, closed_at=work.now, borne_by=borne_by.value, repair_minor=repair_minor
    )
    save_case(work, closed)
    tell_of_case(work, closed)
    _disclose_cost(work, closed, lock_shipment(work, case.shipment_id))
    return closed


def _disclose_cost(work: Work, closed: DamageCase, shipment: Shipment) -> None:
    """Disclose what the shipment's closed cases cost beyond what was told; a car that is delivered stays as it is.

    The car may be another order's by now than the one that it came for: somebody bought it from stock.
    """
    order_id = order_bound_to(work, closed.vin) or order_offered(work, closed.vin)
    known = None if order_id is None else open_handover(work, order_id)
    handover = None if known is None else lock_handover(work, known.id)
    hold_lines_of(work, [order_id] if order_id else [])
    orders = lock_orders(work, [order_id] if order_id else [])
    vehicle = lock_vehicle(work, closed.vin)
    # Whoever bought it while it was waited for has locked nothing but the car.
    order_id = order_bound_to(work, closed.vin) or order_id
    order = (orders | lock_orders(work, [order_id] if order_id and order_id not in orders else [])).get(order_id or "")
    cases = cases_of_shipment(work, shipment.id)
    untold = untold_minor(cases, told_minor=disclosed_minor(work, closed.vin, shipment_id=shipment.id))
    if not untold or vehicle.state in ENDED:
        return
    waiting = waiting_for(order, closed.vin)
    lowered = disclose(
        work,
        vehicle,
        None if waiting is None else waiting.terms,
        reason=DisclosureReason.TRANSPORT_DAMAGE,
        detail="; ".join(mark.in_words for mark in closed.marks),
        repair_minor=untold,
        at=work.now,
        shipment_id=shipment.id,
    )
    if waiting is not None and (vehicle.state, lowered.state) == (VehicleState.ALLOCATED, VehicleState.BUILT):
        _lose_to_order(work, waiting, lowered, handover or booked_meanwhile(work, waiting.terms.id))
    elif order is not None:
        renew_offer(work, order.terms, lowered)


def _lose_to_order(
    work: Work, waiting: BuiltOrder | InTransitOrder | AtStoreOrder, vehicle: Vehicle, handover: Handover | None
) -> None:
    """Let an order go on without the car that is not new any more, or end where there is no other for it."""
    terms = waiting.terms
    if terms.origin is OrderOrigin.STOCK:
        fail_purchase(work, waiting, handover)
        return
    if handover is not None and handover.ended_at is None:
        take_back_balance(work, handover, terms)
        save_handover(work, replace(handover, state=HandoverState.REJECTED, ended_at=work.now, reason="not_new"))
    void_papers(work, terms.id, vehicle.vin)
    build_again(work, waiting, vin=vehicle.vin)
    offer_repaired(work, terms, vehicle)
