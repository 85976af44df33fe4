"""How an order ends whose car is begun: the handover is undone, the car is free, and no timer waits for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias

from factory_orders.balances.service import take_back_balance
from factory_orders.consents.offer_service import end_offer
from factory_orders.deliveries.balance import DEFAULT_TIMER, REMIND_TIMER
from factory_orders.deliveries.handover_store import save_handover
from factory_orders.deliveries.model import Handover, HandoverState
from factory_orders.early_cars.tables import EARLY
from factory_orders.events import OrderCancelled
from factory_orders.exchanges.store import lapse_swap_offers
from factory_orders.offers.model import OfferState
from factory_orders.offers.store import lapse_of_orders
from factory_orders.papers.service import void_papers
from factory_orders.planning.model import (
    AtStoreOrder,
    BuiltOrder,
    CancelledOrder,
    InTransitOrder,
    OrderTerms,
    ScheduledOrder,
)
from factory_orders.planning.order_service import LATE_CREDIT_TIMER
from factory_orders.planning.order_store import save_order
from factory_orders.store_closing.model import PICK_TIMER
from factory_orders.vehicles.service import free_vehicle
from factory_orders.waiting.store import expire_offer_of
from kernel.timers import cancel_timer
from kernel.work import Work

UnderWay: TypeAlias = ScheduledOrder | BuiltOrder | InTransitOrder | AtStoreOrder
TIMERS: Final = (LATE_CREDIT_TIMER, REMIND_TIMER, DEFAULT_TIMER, PICK_TIMER)


def leave_car(work: Work, order: UnderWay, handover: Handover | None, *, reason: str) -> None:
    """End an order and leave its car to others: on the line it is built for stock, on the way it goes on to its store.

    `handover` is the order's open one, locked before the order.
    """
    terms = order.terms
    if handover is not None:
        take_back_balance(work, handover, terms)
        save_handover(work, replace(handover, state=HandoverState.REJECTED, ended_at=work.now, reason=reason))
    if not isinstance(order, ScheduledOrder):
        free_vehicle(work, order.vin, reason=reason)
        void_papers(work, terms.id, order.vin)
    end_order(work, terms, reason=reason)


def end_order(work: Work, terms: OrderTerms, *, reason: str) -> None:
    """Write that an order has ended; nothing falls due of it any more."""
    save_order(work, CancelledOrder(terms, reason, work.now))
    end_offer(work, terms, OfferState.LAPSED)
    lapse_of_orders(work, EARLY, [terms.id])
    lapse_swap_offers(work, [terms.id])
    expire_offer_of(work, terms.id)
    for timer in TIMERS:
        cancel_timer(work, timer, terms.id)


def tell_ended(work: Work, terms: OrderTerms, *, by: str, forfeit_minor: int, returned_minor: int) -> None:
    """Tell by whom an order ended, what was kept and what went back."""
    work.record(
        OrderCancelled(terms.brand_id, terms.id, terms.account_id, terms.pool_id, by, forfeit_minor, returned_minor)
    )
