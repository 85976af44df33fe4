"""Offers to buyers whose car takes too long: stay for a credit, or leave free."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from factory_orders import model, queries
from factory_orders.errors import OrderNotCancellable, WaitOfferOver
from factory_orders.model import WaitOfferState
from factory_orders.waiting import service
from graph.access import input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.types.money import Money, show_minor
from kernel.actor import Permission
from kernel.work import Work

strawberry.enum(WaitOfferState, description="Unanswered, an offer expires and the order stands.")


@object_type(reads=Permission.OWN_READ)
class WaitOffer:
    """Your car takes `waitsDays` from the lock: wait and get `credit` with the car, or leave with all your money.

    `builtOn` is the day the plant builds it, null where it has none yet. Without an answer the order stands as it is.
    """

    id: strawberry.ID
    order_id: strawberry.ID
    state: WaitOfferState
    made_at: datetime
    answer_by: datetime
    built_on: date | None
    waits_days: int
    credit: Money
    answered_at: datetime | None
    credited_at: datetime | None


@input_type(takes=Permission.OWN_WRITE)
class WaitOfferInput:
    """One of your offers."""

    offer_id: strawberry.ID


def show_wait_offer(one: model.WaitOffer) -> WaitOffer:
    """Return an offer."""
    return WaitOffer(
        id=write_id("WaitOffer", one.id),
        order_id=write_id("Order", one.order_id),
        state=one.state,
        made_at=one.made_at,
        answer_by=one.answer_by,
        built_on=one.built_on,
        waits_days=one.waits_days,
        credit=show_minor(one.credit_minor),
        answered_at=one.answered_at,
        credited_at=one.credited_at,
    )


@query(reads=Permission.OWN_READ, at_most=20)
def my_wait_offers(work: Work) -> list[WaitOffer]:
    """The offers you have got for a long wait, newest first."""
    return [show_wait_offer(one) for one in queries.my_wait_offers(work)]


@mutation(does=Permission.OWN_WRITE, refuses=(WaitOfferOver,), result="AcceptWaitOfferResult")
def accept_wait_offer(work: Work, input: WaitOfferInput) -> WaitOffer:  # noqa: A002  # the API's word
    """Wait for your car and get the credit with it; the promised date and credits for late days stand beside it."""
    return show_wait_offer(service.accept_wait_offer(work, raw_id(input.offer_id, "WaitOffer")))


@mutation(does=Permission.OWN_WRITE, refuses=(WaitOfferOver, OrderNotCancellable), result="DeclineWaitOfferResult")
def decline_wait_offer(work: Work, input: WaitOfferInput) -> WaitOffer:  # noqa: A002  # the API's word
    """Leave free: the order ends and all your earnest money goes back the way it came."""
    return show_wait_offer(service.decline_wait_offer(work, raw_id(input.offer_id, "WaitOffer")))
