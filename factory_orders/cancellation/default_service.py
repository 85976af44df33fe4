"""A buyer who neither pays nor takes the car: told a second time, then it is a default (DOMAIN section 6.1).

The earnest money is forfeited, the order ends, and the car becomes stock; nobody else's price changes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from factory_orders.deliveries.balance import DEFAULT_TIMER, REMIND_TIMER, earnest_account_of
from factory_orders.deliveries.handover_store import booked_meanwhile, lock_handover, open_handover
from factory_orders.deliveries.model import Handover, HandoverState
from factory_orders.events import BalanceReminded
from factory_orders.leaving.service import leave_car, tell_ended
from factory_orders.planning.model import AtStoreOrder, OrderTerms
from factory_orders.planning.order_store import lock_order
from factory_orders.policies import HandoverPolicy
from kernel import ledger, policy
from kernel.actor import Permission
from kernel.ledger import Transfer, account, book
from kernel.money import Money
from kernel.timers import set_timer
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
    rules = policy.pinned(work, order.terms.policy_version).section(HandoverPolicy)
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
    rules = policy.pinned(work, order.terms.policy_version).section(HandoverPolicy)
    last_day = datetime.fromisoformat(payload["last_day"])
    waited_for = last_day + timedelta(days=rules.last_appointment_days)
    if handover is not None and work.now < handover.appointment_at <= waited_for:
        set_timer(work, DEFAULT_TIMER, order_id, handover.appointment_at + timedelta(days=1), payload=payload)
        return
    leave_car(work, order, handover, reason=REASON)
    _forfeit(work, order.terms)


def _waiting(work: Work, order_id: str) -> tuple[Handover | None, AtStoreOrder | None]:
    """Return an order that waits at its store unpaid, with its open appointment, which is locked before its order."""
    known = open_handover(work, order_id)
    handover = None if known is None else lock_handover(work, known.id)
    order = lock_order(work, order_id)
    handover = handover or booked_meanwhile(work, order_id)
    paid = handover is not None and handover.state is HandoverState.BALANCE_PAID
    return handover, order if isinstance(order, AtStoreOrder) and not paid else None


def _forfeit(work: Work, terms: OrderTerms) -> None:
    earnest = earnest_account_of(terms)
    forfeit_minor = ledger.balance_to_spend(work, earnest)
    if forfeit_minor:
        forfeit = account("forfeit", terms.brand_id)
        book(work, Transfer("earnest_forfeited", terms.id, earnest, forfeit, Money(forfeit_minor)))
    tell_ended(work, terms, by="default", forfeit_minor=forfeit_minor, returned_minor=0)
