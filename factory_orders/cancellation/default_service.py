"""A buyer who neither pays nor takes the car: told a second time, then it is a default (DOMAIN section 6.1).

The earnest money is forfeited, the order ends, and the car becomes stock; nobody else's price changes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from factory_orders.deliveries.balance import DEFAULT_TIMER, REMIND_TIMER
from factory_orders.deliveries.handover_service import take_back_balance
from factory_orders.deliveries.handover_store import lock_handover, open_handover, save_handover
from factory_orders.deliveries.model import Handover, HandoverState
from factory_orders.events import BalanceReminded, OrderCancelled
from factory_orders.planning.model import AtStoreOrder, CancelledOrder
from factory_orders.planning.order_service import LATE_CREDIT_TIMER
from factory_orders.planning.order_store import lock_order, save_order
from factory_orders.policies import HandoverPolicy
from factory_orders.vehicles.service import free_vehicle
from kernel import ledger, policy
from kernel.actor import Permission
from kernel.ledger import Transfer, account, book
from kernel.money import Money
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

REASON = "balance_unpaid"


def remind_of_balance(work: Work, order_id: str, _payload: object = None) -> None:
    """Tell a buyer the second time that the car waits, and until when; the timer of a car that stands ready.

    An appointment that is to come is waited for.
    """
    work.actor.require(Permission.SYSTEM)
    handover, order = _waiting(work, order_id)
    if order is None:
        return
    rules = policy.current(work).section(HandoverPolicy)
    if handover is not None and handover.appointment_at > work.now:
        set_timer(work, REMIND_TIMER, order_id, handover.appointment_at + timedelta(days=1))
        return
    last_day = work.now + timedelta(days=rules.default_days)
    set_timer(work, DEFAULT_TIMER, order_id, last_day, payload={"last_day": last_day.isoformat()})
    terms = order.terms
    work.record(BalanceReminded(terms.brand_id, terms.id, terms.account_id, last_day))


def default_on_balance(work: Work, order_id: str, payload: Any) -> None:
    """End an order whose balance was not paid in time after the second notice; the timer that the notice set."""
    work.actor.require(Permission.SYSTEM)
    handover, order = _waiting(work, order_id)
    if order is None:
        return
    rules = policy.current(work).section(HandoverPolicy)
    last_day = datetime.fromisoformat(payload["last_day"])
    waited_for = last_day + timedelta(days=rules.last_appointment_days)
    if handover is not None and work.now < handover.appointment_at <= waited_for:
        set_timer(work, DEFAULT_TIMER, order_id, handover.appointment_at + timedelta(days=1), payload=payload)
        return
    if handover is not None:
        take_back_balance(work, handover, order.terms)
        save_handover(work, replace(handover, state=HandoverState.REJECTED, ended_at=work.now, reason=REASON))
    free_vehicle(work, order.vin, reason=REASON)
    _end(work, order)


def _waiting(work: Work, order_id: str) -> tuple[Handover | None, AtStoreOrder | None]:
    """Return an order that waits at its store unpaid, with its open appointment, which is locked before its order."""
    known = open_handover(work, order_id)
    handover = None if known is None else lock_handover(work, known.id)
    order = lock_order(work, order_id)
    paid = handover is not None and handover.state is HandoverState.BALANCE_PAID
    return handover, order if isinstance(order, AtStoreOrder) and not paid else None


def _end(work: Work, order: AtStoreOrder) -> None:
    terms = order.terms
    save_order(work, CancelledOrder(terms, REASON, work.now))
    cancel_timer(work, LATE_CREDIT_TIMER, terms.id)
    earnest = account("earnest", terms.id)
    forfeit_minor = ledger.balance_to_spend(work, earnest)
    if forfeit_minor:
        forfeit = account("forfeit", terms.brand_id)
        book(work, Transfer("earnest_forfeited", terms.id, earnest, forfeit, Money(forfeit_minor)))
    work.record(OrderCancelled(terms.brand_id, terms.id, terms.account_id, terms.pool_id, "default", forfeit_minor, 0))
