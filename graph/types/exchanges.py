"""Identical cars that changed places between orders so that fewer are late, each round with its proof."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from factory_orders import queries, service
from factory_orders.exchanges import model
from factory_orders.exchanges.errors import SwapOfferEnded
from factory_orders.offers.model import OFFERS_MAX
from factory_orders.plant.model import Stage
from graph.access import input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.offers import OfferState
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work


@object_type(reads=Permission.BATCH_READ)
class SwapRound:
    """A round of swaps: what it saved, changes paid for.

    No exchange of these cars for which nobody has to be asked could have saved more; or it is the one that a buyer said
    yes to.
    """

    id: strawberry.ID
    made_at: datetime
    orders: int
    swapped: int
    saved: Money
    saved_at_most: Money
    is_proven: bool


@object_type(reads=Permission.BATCH_READ)
class CarSwap:
    """An order that got another, equal car; it is no later than before, or still in time for nine in ten."""

    round_id: strawberry.ID
    order_id: strawberry.ID
    from_build_order_id: strawberry.ID
    to_build_order_id: strawberry.ID
    days_late_before: int
    days_late_after: int
    at: datetime


@object_type(reads=Permission.OWN_READ)
class CarSwapOffer:
    """An equal new car of another order, for yours that would be late: further built (`stage`), `daysSooner`.

    Price, store and contract date stay, and the other order is not late for it. Once you take it your order can be left
    or changed only as far as that car allows. `passedOn` is the day on which it left the line, once it has.
    """

    id: strawberry.ID
    order_id: strawberry.ID
    stage: Stage
    passed_on: date | None
    days_sooner: int
    state: OfferState
    offered_at: datetime
    answer_by: datetime
    answered_at: datetime | None


@input_type(takes=Permission.OWN_WRITE)
class CarSwapOfferInput:
    """One of your offers."""

    car_swap_offer_id: strawberry.ID


def _show_round(one: model.SwapRound) -> SwapRound:
    return SwapRound(
        id=write_id("SwapRound", one.id),
        made_at=one.made_at,
        orders=one.orders,
        swapped=one.swapped,
        saved=show_minor(one.saved_minor),
        saved_at_most=show_minor(one.saved_at_most_minor),
        is_proven=one.saved_minor == one.saved_at_most_minor,
    )


def _show_swap(one: model.CarSwap) -> CarSwap:
    return CarSwap(
        round_id=write_id("SwapRound", one.round_id),
        order_id=write_id("Order", one.order_id),
        from_build_order_id=write_id("BuildOrder", one.from_build_order_id),
        to_build_order_id=write_id("BuildOrder", one.to_build_order_id),
        days_late_before=one.days_late_before,
        days_late_after=one.days_late_after,
        at=one.at,
    )


@query(reads=Permission.BATCH_READ)
def swap_rounds(work: Work, first: int, after: Cursor | None = None) -> Connection[SwapRound]:
    """The rounds in which identical cars changed places between orders, newest first."""
    return show_page(queries.swap_rounds_made(work, page_request(first, after)), _show_round)


@query(reads=Permission.BATCH_READ)
def car_swaps(work: Work, first: int, after: Cursor | None = None) -> Connection[CarSwap]:
    """The orders that got another, equal car, newest first."""
    return show_page(queries.car_swaps_made(work, page_request(first, after)), _show_swap)


def _show_offer(one: model.SwapOffer) -> CarSwapOffer:
    return CarSwapOffer(
        id=write_id("CarSwapOffer", one.id),
        order_id=write_id("Order", one.order_id),
        stage=Stage(one.stage),
        passed_on=one.passed_on,
        days_sooner=one.days_sooner,
        state=one.state,
        offered_at=one.offered_at,
        answer_by=one.answer_by,
        answered_at=one.answered_at,
    )


@query(reads=Permission.OWN_READ, at_most=OFFERS_MAX)
def my_car_swap_offers(work: Work) -> list[CarSwapOffer]:
    """The equal cars of other orders that you were offered because yours would be late, newest first."""
    return [_show_offer(one) for one in queries.my_swap_offers(work)]


@mutation(does=Permission.OWN_WRITE, refuses=(SwapOfferEnded,), result="AcceptCarSwapResult")
def accept_car_swap(work: Work, input: CarSwapOfferInput) -> CarSwapOffer:  # noqa: A002  # the API's word
    """Take the equal car that is further built; the order that had it gets yours and is not late for it."""
    return _show_offer(service.accept_car_swap(work, raw_id(input.car_swap_offer_id, "CarSwapOffer")))


@mutation(does=Permission.OWN_WRITE, refuses=(SwapOfferEnded,), result="DeclineCarSwapResult")
def decline_car_swap(work: Work, input: CarSwapOfferInput) -> CarSwapOffer:  # noqa: A002  # the API's word
    """Wait for your own car instead."""
    return _show_offer(service.decline_car_swap(work, raw_id(input.car_swap_offer_id, "CarSwapOffer")))
