"""Use cases of a car's condition: looked over as it changes hands; who answers for what is new, and what came of it."""

from __future__ import annotations

from dataclasses import replace

from demand.backing.events import ConcernedAccount
from factory_orders.conditions.events import ConditionChecked, DamageCaseMoved
from factory_orders.conditions.model import (
    CaseState,
    Condition,
    ConditionCheck,
    DamageCase,
    HandOver,
    Party,
    check_odometer,
    new_marks,
    who_had_it,
)
from factory_orders.conditions.policy import ConditionPolicy
from factory_orders.conditions.store import (
    checks_of_shipment,
    insert_case,
    insert_check,
    last_odometer_km,
    lock_case,
    save_case,
)
from factory_orders.deliveries.model import Shipment, ShipmentState, check_leg
from factory_orders.deliveries.shipment_store import lock_shipment
from factory_orders.errors import ConditionCheckMissing, ConditionKnown, DamageCaseClosed
from factory_orders.planning.model import AtStoreOrder, BuiltOrder, InTransitOrder, Order
from factory_orders.planning.order_store import lock_orders
from factory_orders.vehicles.model import DisclosureReason
from factory_orders.vehicles.service import disclose, enter
from factory_orders.vehicles.store import lock_vehicle
from factory_orders.vehicles.vin import require_same_car
from kernel import policy
from kernel.actor import Permission, Role, system
from kernel.errors import NotFound
from kernel.identity.queries import accounts_with_role
from kernel.work import Work

ORDER = tuple(HandOver)
OVER = frozenset({ShipmentState.INSPECTED, ShipmentState.DAMAGED, ShipmentState.LOST})
"""Where a shipment has ended; how its car looked is said before."""
ON_ITS_WAY = frozenset({ShipmentState.PLANNED, ShipmentState.LOADED, ShipmentState.IN_TRANSIT})
TOO_EARLY = {
    HandOver.LOADED: frozenset(),
    HandOver.ARRIVED: ON_ITS_WAY - {ShipmentState.IN_TRANSIT},
    HandOver.INSPECTED: ON_ITS_WAY,
}
"""Where a car has not come so far as a hand-over: a check told then would stand for what nobody has seen."""


def check_condition(work: Work, shipment_id: str, at: HandOver, *, vin: str, seen: Condition) -> ConditionCheck:
    """Note how a car looks as it changes hands; what is new since the hand-over before opens a damage case.

    The carrier looks when it loads and when it brings the car, the receiving store when it takes it. The same check
    again changes nothing. What is new is disclosed at once (DOMAIN section 4.4), its cost as soon as somebody says it.
    Refuses who has no part in the shipment (NotFound), another car's number (VinInvalid), a hand-over that the car has
    not come to (ShipmentOutOfOrder), an odometer that runs backwards (OdometerBackwards), another check of the same
    hand-over, one that comes after a later hand-over's, and any after the store's word on how the car arrived
    (ConditionKnown).
    """
    work.actor.require(Permission.DELIVERY_WRITE if at is HandOver.INSPECTED else Permission.SHIPMENT_WRITE)
    shipment = lock_shipment(work, shipment_id)
    _require_part(work, shipment, at)
    require_same_car(vin, shipment.vin)
    orders = lock_orders(work, [] if shipment.order_id is None else [shipment.order_id])
    vehicle = lock_vehicle(work, shipment.vin)
    known = checks_of_shipment(work, shipment_id)
    if at in known and known[at].seen == seen:
        return known[at]
    latest = max((ORDER.index(one) for one in known), default=-1)
    if latest >= ORDER.index(at) or shipment.state in OVER:
        raise ConditionKnown(at.value)
    if shipment.state in TOO_EARLY[at]:
        check_leg(shipment.state, ShipmentState(at.value))
    check_odometer(seen, last_km=last_odometer_km(work, shipment.vin))
    check = ConditionCheck(
        work.new_id(), shipment.brand_id, shipment.id, shipment.vin, at, seen, work.actor.account_id, work.now
    )
    insert_check(work, check)
    facts = {"odometer_km": seen.odometer_km, "photos": list(seen.photos), "marks": [mark.code for mark in seen.marks]}
    enter(work, vehicle, "checked", work.now, shipment=shipment.id, at_hand_over=at.value, **facts)
    found = new_marks(known[ORDER[latest]].seen.marks if latest >= 0 else (), seen)
    work.record(ConditionChecked(check.brand_id, check.vin, shipment.id, at.value, len(found)))
    if found:
        case = DamageCase(
            work.new_id(),
            check.brand_id,
            check.vin,
            shipment.id,
            check.id,
            who_had_it(at),
            found,
            CaseState.OPEN,
            work.now,
        )
        insert_case(work, case)
        tell_of_case(work, case)
        waiting = waiting_for(orders.get(shipment.order_id or ""), shipment.vin)
        disclose(
            work,
            vehicle,
            None if waiting is None else waiting.terms,
            reason=DisclosureReason.TRANSPORT_DAMAGE,
            detail="; ".join(mark.in_words for mark in found),
            repair_minor=0,
            at=work.now,
            shipment_id=shipment.id,
        )
    return check


def waiting_for(order: Order | None, vin: str) -> BuiltOrder | InTransitOrder | AtStoreOrder | None:
    """Return an order that waits for just this car, None where its buyer waits for none or for another one."""
    return order if isinstance(order, BuiltOrder | InTransitOrder | AtStoreOrder) and order.vin == vin else None


def _require_part(work: Work, shipment: Shipment, at: HandOver) -> None:
    if work.actor.may(Permission.SYSTEM):
        return
    if at is HandOver.INSPECTED:
        if shipment.store_id != work.actor.own_store():
            raise NotFound("shipment")
    elif shipment.carrier_account_id not in (None, work.actor.account_id):
        raise NotFound("shipment")


def require_check(work: Work, shipment_id: str, at: HandOver) -> None:
    """Refuse a leg whose hand-over nobody has looked at, where the brand wants it seen (ConditionCheckMissing)."""
    if policy.current(work).section(ConditionPolicy).checks_required and at not in checks_of_shipment(
        work, shipment_id
    ):
        raise ConditionCheckMissing(at.value)


def answer_damage_case(work: Work, case_id: str, *, accepts: bool) -> DamageCase:
    """Take the carrier's word on a case that it answers for; until the case is closed it may say otherwise.

    Refuses another carrier's case and the plant's (NotFound), and one that is closed (DamageCaseClosed).
    """
    work.actor.require(Permission.SHIPMENT_WRITE)
    case = lock_case(work, case_id)
    shipment = lock_shipment(work, case.shipment_id)
    if case.party is not Party.CARRIER or shipment.carrier_account_id != work.actor.account_id:
        raise NotFound("damage case")
    if case.state is CaseState.CLOSED:
        raise DamageCaseClosed
    state = CaseState.ACCEPTED if accepts else CaseState.DISPUTED
    answered = replace(case, state=state, answered_at=work.now)
    save_case(work, answered)
    tell_of_case(work, answered)
    return answered


def tell_of_case(work: Work, case: DamageCase) -> None:
    """Tell where a damage case stands: planners too where they have something to do."""
    to_do = case.state in (CaseState.OPEN, CaseState.DISPUTED)
    planners = accounts_with_role(work.acting(system(work.actor.brand_id)), Role.PLANNER) if to_do else []
    told = tuple(ConcernedAccount(account_id) for account_id in planners)
    work.record(DamageCaseMoved(case.brand_id, case.id, case.vin, case.state.value, told))
