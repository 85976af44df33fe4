"""Identical cars that changed places between orders so that fewer are late, each round with its proof."""

from __future__ import annotations

from datetime import datetime

import strawberry

from factory_orders import queries
from factory_orders.exchanges import model
from graph.access import object_type
from graph.identifiers import write_id
from graph.operations import query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work


@object_type(reads=Permission.BATCH_READ)
class SwapRound:
    """A round of swaps: what it saved, changes paid for; no exchange of these cars could have saved more."""

    id: strawberry.ID
    made_at: datetime
    orders: int
    swapped: int
    saved: Money
    saved_at_most: Money
    is_proven: bool


@object_type(reads=Permission.BATCH_READ)
class CarSwap:
    """An order that got another, equal car; it is no later for it."""

    round_id: strawberry.ID
    order_id: strawberry.ID
    from_build_order_id: strawberry.ID
    to_build_order_id: strawberry.ID
    days_late_before: int
    days_late_after: int
    at: datetime


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
