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
from factory_orders.deliveries.model import Shipment, ShipmentState
from factory_orders.deliveries.shipment_store import lock_shipment
from factory_orders.errors import ConditionCheckMissing, ConditionKnown, DamageCaseClosed
from factory_orders.vehicles.service import enter
from factory_orders.vehicles.store import lock_vehicle
from factory_orders.vehicles.vin import require_same_car
from kernel import policy
from kernel.actor import Permission, Role, system
from kernel.errors import InvalidInput, NotFound
from kernel.identity.queries import accounts_with_role
from kernel.reasons import because
from kernel.work import Work

REPAIR_MAX_MINOR = 10**10
ORDER = tuple(HandOver)


def check_condition(work: Work, shipment_id: str, at: HandOver, *, vin: str, seen: Condition) -> ConditionCheck:
    """Note how a car looks as it changes hands; what is new since the hand-over before opens a damage case.

    The carrier looks when it loads and when it brings the car, the receiving store when it takes it. The same check
    again changes nothing. Refuses who has no part in the shipment (NotFound), another car's number (VinInvalid), an
    odometer that runs backwards (OdometerBackwards), another check of the same hand-over and one that comes after a
    later hand-over's (ConditionKnown).
    """
    work.actor.require(Permission.DELIVERY_WRITE if at is HandOver.INSPECTED else Permission.SHIPMENT_WRITE)
    shipment = lock_shipment(work, shipment_id)
    _require_part(work, shipment, at)
    require_same_car(vin, shipment.vin)
    vehicle = lock_vehicle(work, shipment.vin)
    known = checks_of_shipment(work, shipment_id)
    if at in known and known[at].seen == seen:
        return known[at]
    latest = max((ORDER.index(one) for one in known), default=-1)
    if latest >= ORDER.index(at) or shipment.state is ShipmentState.LOST:
        raise ConditionKnown(at.value)
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
        _tell(work, case)
    return check


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
    _tell(work, answered)
    return answered


def close_damage_case(work: Work, case_id: str, *, borne_by: Party, repair_minor: int) -> DamageCase:
    """Say what the repair costs and who bears it; refuses a case that is closed (DamageCaseClosed)."""
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
    _tell(work, closed)
    return closed


def _tell(work: Work, case: DamageCase) -> None:
    to_do = case.state in (CaseState.OPEN, CaseState.DISPUTED)
    planners = accounts_with_role(work.acting(system(work.actor.brand_id)), Role.PLANNER) if to_do else []
    told = tuple(ConcernedAccount(account_id) for account_id in planners)
    work.record(DamageCaseMoved(case.brand_id, case.id, case.vin, case.state.value, told))
