"""Use cases of the handover: what store and buyer find, the signature, or a car that is not taken; many at once too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from factory_orders.balances.service import balances_now, begin_waiting, take_back_balance
from factory_orders.deliveries.balance import DEFAULT_TIMER, REMIND_TIMER
from factory_orders.deliveries.handover_store import (
    balance_of,
    hold_handovers,
    lock_handovers,
    save_handover,
    save_handovers,
)
from factory_orders.deliveries.model import CheckedPoint, Handover, HandoverState, own_at_store, require_state
from factory_orders.errors import (
    BalanceOpen,
    ChecklistIncomplete,
    DisclosureNotAccepted,
    InspectionMissing,
    InvoiceMissing,
)
from factory_orders.events import HandoverInspected, HandoverRejected, VehicleDelivered
from factory_orders.papers.service import invoiced_cars, void_papers
from factory_orders.planning.model import AtStoreOrder, DeliveredOrder
from factory_orders.planning.order_service import LATE_CREDIT_TIMER
from factory_orders.planning.order_store import lock_orders, save_orders
from factory_orders.policies import HandoverPolicy
from factory_orders.store_shares.service import book_shares
from factory_orders.vehicles.model import DisclosureReason, Vehicle, require_sellable
from factory_orders.vehicles.service import accept_what_was_disclosed, deliver_vehicles, disclose
from factory_orders.vehicles.store import lock_vehicle, lock_vehicles, open_disclosures_of
from factory_orders.vehicles.vin import require_same_car
from kernel import ledger, policy
from kernel.actor import Actor, Permission
from kernel.errors import InvalidInput, NotFound, Refusal
from kernel.ledger import account
from kernel.money import Money
from kernel.outcomes import answers, only, outcome_of
from kernel.reasons import because
from kernel.timers import cancel_timers
from kernel.work import Work

REMARK_LENGTH_MAX: Final = 200
REASON_LENGTH_MAX: Final = 400


# --- the inspection --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckedCar:
    """What store and buyer found at a handover, point by point; `vin` is read from the car."""

    handover_id: str
    vin: str
    points: Sequence[CheckedPoint]


def inspect_handover(work: Work, handover_id: str, *, vin: str, points: Sequence[CheckedPoint]) -> Handover:
    """Note what store and buyer found, point by point; `vin` is read from the car.

    Refuses another store's handover (NotFound), another car (VinInvalid) and a list that does not fit
    (ChecklistIncomplete).
    """
    return only(inspect_handovers(work, [(work.actor, CheckedCar(handover_id, vin, points))]))


def inspect_handovers(work: Work, checked: Sequence[tuple[Actor, CheckedCar]]) -> list[Handover | Refusal]:
    """Note what stores and buyers found, each answered as `inspect_handover` does; a refused one spoils no other."""
    ids = [one.handover_id for _, one in checked]
    assert len(set(ids)) == len(ids), "a car is looked over once"
    known = lock_handovers(work, ids)
    rules = policy.current(work).section(HandoverPolicy)
    outcomes: list[Handover | Refusal] = [
        outcome_of(partial(_judge_check, work, actor, one, known.get(one.handover_id), rules)) for actor, one in checked
    ]
    seen = answers(outcomes)
    orders = lock_orders(work, [one.order_id for one in seen])
    save_handovers(work, seen)
    for one in seen:
        terms = orders[one.order_id].terms
        work.record(HandoverInspected(one.brand_id, one.id, terms.id, terms.account_id, one.faults))
    return outcomes


def _judge_check(
    work: Work, actor: Actor, checked: CheckedCar, handover: Handover | None, rules: HandoverPolicy
) -> Handover:
    actor.require(Permission.DELIVERY_WRITE)
    if handover is None or handover.store_id != actor.own_store():
        raise NotFound("handover")
    require_state(handover, HandoverState.BOOKED)
    require_same_car(checked.vin, handover.vin)
    _check_points(rules, checked.points)
    return replace(handover, state=HandoverState.INSPECTED, checklist=tuple(checked.points), inspected_at=work.now)


def _check_points(rules: HandoverPolicy, points: Sequence[CheckedPoint]) -> None:
    given = [point.point for point in points]
    missing = tuple(point for point in rules.checklist if point not in given)
    unknown = tuple(sorted(set(given) - set(rules.checklist)))
    twice = tuple(sorted(point for point, times in Counter(given).items() if times > 1))
    if missing or unknown or twice:
        raise ChecklistIncomplete(missing, unknown, twice)
    if any(len(point.remark) > REMARK_LENGTH_MAX for point in points):
        raise InvalidInput("remark", because("LENGTH_MOST", most=REMARK_LENGTH_MAX))


def accept_disclosures(work: Work, order_id: str) -> int:
    """Note that the buyer has read and accepts what happened to the car; returns how many points were open."""
    return only(accept_disclosures_of(work, [(work.actor, order_id)]))


def accept_disclosures_of(work: Work, accepted: Sequence[tuple[Actor, str]]) -> list[int | Refusal]:
    """Note what buyers of different orders accept, each answered as `accept_disclosures` does."""
    ids = [order_id for _, order_id in accepted]
    assert len(set(ids)) == len(ids), "an order is asked about once"
    orders = lock_orders(work, ids)

    def own(actor: Actor, order_id: str) -> AtStoreOrder:
        actor.require(Permission.OWN_WRITE)
        return own_at_store(orders.get(order_id), actor.signed_in())

    found = [outcome_of(partial(own, actor, order_id)) for actor, order_id in accepted]
    told = open_disclosures_of(work, [order.vin for order in answers(found)])
    outcomes: list[int | Refusal] = []
    for (actor, _), order in zip(accepted, found, strict=True):
        if isinstance(order, Refusal):
            outcomes.append(order)
        else:
            # What was told of a car is rare: most have nothing to accept.
            is_told = order.vin in told
            outcomes.append(accept_what_was_disclosed(work.acting(actor), order.vin) if is_told else 0)
    return outcomes


# --- how it ends -----------------------------------------------------------------------------------------------------


def sign_handover(work: Work, handover_id: str) -> Handover:
    """Sign for the car: it is delivered. The same signature again is the same one.

    Refuses InspectionMissing, BalanceOpen and InvoiceMissing.
    """
    return only(sign_handovers(work, [(work.actor, handover_id)]))


def sign_handovers(work: Work, signing: Sequence[tuple[Actor, str]]) -> list[Handover | Refusal]:
    """Sign for buyers of different cars, each answered as `sign_handover` does; a refused one spoils no other."""
    held = hold_handovers(work, [handover_id for _, handover_id in signing])
    vins = [one.vin for one in held.handovers.values()]
    order_ids = list(held.orders)
    desk = _Desk(
        owed=ledger.balances(work, [account("receivable", order_id) for order_id in order_ids]),
        told=open_disclosures_of(work, vins),
        invoiced=invoiced_cars(work, order_ids),
        vehicles=lock_vehicles(work, vins),
    )

    def judge(actor: Actor, handover_id: str) -> Handover:
        actor.require(Permission.OWN_WRITE)
        if (known := held.of_buyer(actor, handover_id)).state is HandoverState.SIGNED:
            return known
        handover, order = held.own(actor, handover_id)
        if handover.state is HandoverState.INSPECTED:
            asked = balance_of(work, handover.id)
            raise BalanceOpen(Money((asked or balances_now(work, [(handover, order.terms)])[0]).due_minor))
        return replace(desk.checked(handover), state=HandoverState.SIGNED, ended_at=work.now)

    outcomes: list[Handover | Refusal] = [outcome_of(partial(judge, *one)) for one in signing]
    signed = [one for one in answers(outcomes) if held.handovers[one.id].state is not HandoverState.SIGNED]
    terms = {one.id: held.orders[one.order_id].terms for one in signed}
    deliver_vehicles(work, [desk.vehicles[one.vin] for one in signed])
    book_shares(work, [(terms[one.id], one.vin) for one in signed])
    save_orders(work, [DeliveredOrder(terms[one.id], one.vin, work.now) for one in signed])
    save_handovers(work, signed)
    cancel_timers(work, [LATE_CREDIT_TIMER, REMIND_TIMER, DEFAULT_TIMER], [one.order_id for one in signed])
    for one in signed:
        account_id = terms[one.id].account_id
        work.record(VehicleDelivered(one.brand_id, one.vin, one.order_id, account_id, one.store_id, work.now))
    return outcomes


@dataclass(frozen=True, slots=True)
class _Desk:
    """What has to be right before anybody signs: money, disclosures, invoices and the cars themselves."""

    owed: Mapping[ledger.AccountName, int]
    told: Mapping[str, int]
    invoiced: set[tuple[str, str]]
    vehicles: Mapping[str, Vehicle]

    def checked(self, handover: Handover) -> Handover:
        """Return a handover that may be signed, or refuse."""
        if handover.state is HandoverState.BOOKED:
            raise InspectionMissing
        require_state(handover, HandoverState.BALANCE_PAID)
        owed = -self.owed[account("receivable", handover.order_id)]
        if owed != 0:
            raise BalanceOpen(Money(owed))
        if told := self.told.get(handover.vin, 0):
            raise DisclosureNotAccepted(told)
        if (handover.order_id, handover.vin) not in self.invoiced:
            raise InvoiceMissing
        require_sellable(self.vehicles[handover.vin])
        return handover


def reject_handover(work: Work, handover_id: str, reason: str) -> Handover:
    """Do not take the car after the inspection: it is disclosed from now on, what was booked or paid goes back.

    The order stands; another appointment may be booked once the disclosure is accepted.
    """
    work.actor.require(Permission.OWN_WRITE)
    handover, order = hold_handovers(work, [handover_id]).own(work.actor, handover_id)
    require_state(handover, HandoverState.INSPECTED, HandoverState.BALANCE_PAID)
    if not 1 <= len(reason.strip()) <= REASON_LENGTH_MAX:
        raise InvalidInput("reason", because("WHY", most=REASON_LENGTH_MAX))
    take_back_balance(work, handover, order.terms)
    void_papers(work, order.terms.id, handover.vin)
    disclose(
        work,
        lock_vehicle(work, handover.vin),
        order.terms,
        reason=DisclosureReason.REJECTED_HANDOVER,
        detail=reason,
        repair_minor=0,
        at=work.now,
    )
    rejected = replace(handover, state=HandoverState.REJECTED, ended_at=work.now, reason=reason.strip())
    save_handover(work, rejected)
    # What was wrong is the store's to see to; the time to take the car begins anew.
    begin_waiting(work, order.terms)
    work.record(
        HandoverRejected(rejected.brand_id, rejected.id, order.terms.id, order.terms.account_id, rejected.store_id)
    )
    return rejected
