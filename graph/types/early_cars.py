"""Offers of cars that are there already to buyers who wait for equal ones, and the rounds that found them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from factory_orders import queries, service
from factory_orders.early_cars import model
from factory_orders.early_cars.errors import EarlyOfferEnded
from factory_orders.offers.model import OFFERS_MAX
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


@object_type(reads=Permission.OWN_READ)
class EarlyOffer:
    """An equal new car that is there already, kept for you until `answerBy`; it comes `daysSooner`.

    Price, store and contract date stay. Once you take it your order can be ended or changed only as a built car's.
    """

    id: strawberry.ID
    order_id: strawberry.ID
    vin: str
    days_sooner: int
    state: OfferState
    offered_at: datetime
    answer_by: datetime
    answered_at: datetime | None


@object_type(reads=Permission.BATCH_READ)
class EarlyRound:
    """Free cars held against waiting orders: what the offers would save, and that no others could save more."""

    id: strawberry.ID
    made_at: datetime
    cars: int
    orders: int
    offered: int
    saved: Money
    saved_at_most: Money
    is_proven: bool


@input_type(takes=Permission.OWN_WRITE)
class EarlyOfferInput:
    """One of your offers."""

    early_offer_id: strawberry.ID


def _show(one: model.EarlyOffer) -> EarlyOffer:
    return EarlyOffer(
        id=write_id("EarlyOffer", one.id),
        order_id=write_id("Order", one.order_id),
        vin=one.vin,
        days_sooner=one.days_sooner,
        state=one.state,
        offered_at=one.offered_at,
        answer_by=one.answer_by,
        answered_at=one.answered_at,
    )


def _show_round(one: model.EarlyRound) -> EarlyRound:
    return EarlyRound(
        id=write_id("EarlyRound", one.id),
        made_at=one.made_at,
        cars=one.cars,
        orders=one.orders,
        offered=one.offered,
        saved=show_minor(one.saved_minor),
        saved_at_most=show_minor(one.saved_at_most_minor),
        is_proven=one.saved_minor == one.saved_at_most_minor,
    )


@query(reads=Permission.OWN_READ, at_most=OFFERS_MAX)
def my_early_offers(work: Work) -> list[EarlyOffer]:
    """The cars that you were offered sooner than your own, newest first."""
    return [_show(one) for one in queries.my_early_offers(work)]


@query(reads=Permission.BATCH_READ)
def early_rounds(work: Work, first: int, after: Cursor | None = None) -> Connection[EarlyRound]:
    """The rounds in which free cars were held against orders that wait for equal ones, newest first."""
    return show_page(queries.early_rounds_made(work, page_request(first, after)), _show_round)


@mutation(does=Permission.OWN_WRITE, refuses=(EarlyOfferEnded,), result="AcceptEarlyCarResult")
def accept_early_car(work: Work, input: EarlyOfferInput) -> EarlyOffer:  # noqa: A002  # the API's word
    """Take the equal car that is there; the one that was planned for you is not built."""
    return _show(service.accept_early_car(work, raw_id(input.early_offer_id, "EarlyOffer")))


@mutation(does=Permission.OWN_WRITE, refuses=(EarlyOfferEnded,), result="DeclineEarlyCarResult")
def decline_early_car(work: Work, input: EarlyOfferInput) -> EarlyOffer:  # noqa: A002  # the API's word
    """Wait for your own car; the offered one is free again."""
    return _show(service.decline_early_car(work, raw_id(input.early_offer_id, "EarlyOffer")))
