"""Use cases: offers to who would wait too long, the buyer's answer, and the credit that comes with the car.

Who accepts stays and is credited once the car is handed over; who declines leaves free, with all the earnest money, as
long as the car is not begun. Without an answer the order stands as it was, and so do its promise and late credits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from factory_orders.cancellation.service import leave_free
from factory_orders.errors import WaitOfferOver
from factory_orders.events import OrderScheduled, VehicleDelivered
from factory_orders.planning.model import CancelledOrder, DeliveredOrder, Order, OrderTerms, StockedOrder
from factory_orders.planning.order_store import lock_scheduled
from factory_orders.plant.store import lock_with_order
from factory_orders.policies import BatchPolicy
from factory_orders.waiting.events import WaitOfferAnswered, WaitOffered
from factory_orders.waiting.model import OFFER_TIMER, WaitOffer, WaitOfferState, credit_for, waits_too_long
from factory_orders.waiting.policy import WaitOfferPolicy
from factory_orders.waiting.queries import waiting_without_offer
from factory_orders.waiting.store import (
    accepted_offers,
    insert_offers,
    lock_offer,
    lock_offers,
    read_offer,
    save_offer,
    save_offers,
)
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.ledger import Transfer, account, book
from kernel.money import Money
from kernel.outbox import Letter, Subscription
from kernel.owed import payable_account
from kernel.timers import cancel_timer, set_timers
from kernel.work import Work


def offer_long_waits(work: Work, order_ids: Sequence[str] | None = None) -> list[WaitOffer]:
    """Make offers to those of the brand, or of these orders, who would wait too long and have none; returns them."""
    work.actor.require(Permission.SYSTEM)
    waiting = [terms.id for terms, _ in waiting_without_offer(work, order_ids)]
    # Who is just being left has no offer: read again once whoever ends an order, or begins its car, is done.
    standing = sorted(lock_scheduled(work, waiting))
    made = []
    for terms, built_on in waiting_without_offer(work, standing):
        offer = _offer_for(work, terms, built_on)
        if offer is not None:
            made.append(offer)
    fresh = insert_offers(work, made)
    set_timers(work, OFFER_TIMER, {one.id: one.answer_by for one in fresh})
    for one in fresh:
        work.record(
            WaitOffered(
                one.brand_id, one.order_id, one.account_id, one.id, one.waits_days, one.credit_minor, one.answer_by
            )
        )
    return fresh


def _offer_for(work: Work, terms: OrderTerms, built_on: date | None) -> WaitOffer | None:
    zone = registry.own_brand(work).zone
    rules = policy.current(work)
    days_max, offers = rules.section(BatchPolicy).wait_days_max, rules.section(WaitOfferPolicy)
    days = waits_too_long(
        terms.locked_at.astimezone(zone).date(),
        built_on,
        today=work.now.astimezone(zone).date(),
        days_max=days_max,
    )
    if days is None:
        return None
    return WaitOffer(
        id=work.new_id(),
        brand_id=terms.brand_id,
        order_id=terms.id,
        account_id=terms.account_id,
        state=WaitOfferState.OPEN,
        made_at=work.now,
        answer_by=work.now + timedelta(days=offers.answer_days),
        built_on=built_on,
        waits_days=days,
        credit_minor=credit_for(
            days,
            days_max=days_max,
            per_day_minor=offers.per_day_minor,
            most_bp=offers.most_bp,
            price_minor=terms.price_minor,
        ),
    )


def accept_wait_offer(work: Work, offer_id: str) -> WaitOffer:
    """Stay and be credited with the car; the same answer again changes nothing.

    Refuses another buyer's offer (NotFound) and one that is over, or whose order is (WaitOfferOver).
    """
    offer, order = _own_offer(work, offer_id)
    if offer.state is WaitOfferState.ACCEPTED:
        return offer
    _require_open(work, offer)
    if isinstance(order, CancelledOrder | DeliveredOrder | StockedOrder):
        raise WaitOfferOver(offer.state.value)
    return _answer(work, offer, WaitOfferState.ACCEPTED)


def decline_wait_offer(work: Work, offer_id: str) -> WaitOffer:
    """Leave free: the order ends and all the earnest money goes back; the same answer again changes nothing.

    Refuses as `accept_wait_offer` does, and OrderNotCancellable once the car is begun.
    """
    offer, _ = _own_offer(work, offer_id)
    if offer.state is WaitOfferState.DECLINED:
        return offer
    _require_open(work, offer)
    # Before the order ends: with it its offers do.
    declined = _answer(work, offer, WaitOfferState.DECLINED)
    leave_free(work, offer.order_id, reason="wait_declined")
    return declined


def _own_offer(work: Work, offer_id: str) -> tuple[WaitOffer, Order]:
    """Lock the order of an own offer, then the offer, as whoever ends the order does."""
    work.actor.require(Permission.OWN_WRITE)
    known = read_offer(work, offer_id)
    if known.account_id != work.actor.signed_in():
        raise NotFound("offer")
    _, order = lock_with_order(work, known.order_id)
    return lock_offer(work, offer_id), order


def _require_open(work: Work, offer: WaitOffer) -> None:
    if not offer.is_open(work.now):
        ended = WaitOfferState.EXPIRED if offer.state is WaitOfferState.OPEN else offer.state
        raise WaitOfferOver(ended.value)


def _answer(work: Work, offer: WaitOffer, state: WaitOfferState) -> WaitOffer:
    answered = replace(offer, state=state, answered_at=work.now)
    save_offer(work, answered)
    cancel_timer(work, OFFER_TIMER, offer.id)
    accepted = state is WaitOfferState.ACCEPTED
    work.record(
        WaitOfferAnswered(
            offer.brand_id, offer.order_id, offer.account_id, offer.id, accepted, offer.credit_minor if accepted else 0
        )
    )
    return answered


def expire_wait_offers(work: Work, offer_ids: Sequence[str]) -> None:
    """Close offers that nobody answered; the orders stand as they were."""
    work.actor.require(Permission.SYSTEM)
    unanswered = [one for one in lock_offers(work, offer_ids) if one.state is WaitOfferState.OPEN]
    over = [one for one in unanswered if not one.is_open(work.now)]
    save_offers(work, [replace(one, state=WaitOfferState.EXPIRED) for one in over])


def on_scheduled(work: Work, letters: Sequence[Letter]) -> None:
    """Look at the orders that got their day."""
    offer_long_waits(work, [letter.event.order_id for letter in letters if isinstance(letter.event, OrderScheduled)])


def on_delivered(work: Work, letters: Sequence[Letter]) -> None:
    """Credit who accepted and has the car now, once."""
    ids = [letter.event.order_id for letter in letters if isinstance(letter.event, VehicleDelivered)]
    for offer in accepted_offers(work, ids):
        save_offer(work, replace(offer, credited_at=work.now))
        if offer.credit_minor:
            expense, owed = account("wait_credits", offer.brand_id), payable_account(offer.account_id)
            book(work, Transfer("wait_credit", offer.order_id, expense, owed, Money(offer.credit_minor)))


SUBSCRIPTIONS: Final = (
    Subscription("factory_orders.wait_offers", frozenset({OrderScheduled.kind}), on_scheduled),
    Subscription("factory_orders.wait_credits", frozenset({VehicleDelivered.kind}), on_delivered),
)
