"""Ending an order between its lock and the first work on its car: what it would cost, by the buyer, by the maker."""

from __future__ import annotations

import strawberry

from factory_orders import service
from factory_orders.errors import OrderNotCancellable
from graph.access import field, input_type, object_type
from graph.identifiers import write_id
from graph.operations import mutation, query
from graph.types.money import Money, show_minor
from graph.types.orders import OrderInput, order_raw
from kernel.actor import Permission
from kernel.work import Work


@object_type(reads=Permission.PUBLIC_READ)
class Cancellation:
    """What ending an order means: the buyer forfeits a share of the earnest money by stage, the maker owes it twice."""

    order_id: strawberry.ID
    stage: str
    earnest: Money
    forfeit: Money
    penalty: Money = field(about="Owed on top of the earnest money, less late credits, which you keep beside it.")
    returned: Money = field(about="The earnest money that comes back, and the penalty; late credits are beside it.")


@input_type(takes=Permission.BATCH_MANAGE)
class CancelOrderByMakerInput:
    """An order that cannot be built, and why, in 1 to 80 characters; nothing of persons."""

    order_id: strawberry.ID
    reason: str


def show_cancellation(one: service.Cancellation) -> Cancellation:
    """Return what ending an order means."""
    return Cancellation(
        order_id=write_id("Order", one.order_id),
        stage=one.stage,
        earnest=show_minor(one.earnest_minor),
        forfeit=show_minor(one.forfeit_minor),
        penalty=show_minor(one.penalty_minor),
        returned=show_minor(one.returned_minor),
    )


@query(reads=Permission.OWN_READ, refuses=(OrderNotCancellable,), result="PreviewCancellationResult")
def preview_cancellation(work: Work, order_id: strawberry.ID) -> Cancellation:
    """What leaving one of your orders would cost you now; changes nothing."""
    return show_cancellation(service.preview_cancellation(work, order_raw(order_id)))


@mutation(does=Permission.OWN_WRITE, refuses=(OrderNotCancellable,), result="CancelOrderResult")
def cancel_order(work: Work, input: OrderInput) -> Cancellation:  # noqa: A002  # the API's word
    """End one of your orders whose car is not begun; what is not forfeited goes back the way it came.

    More than thirty days late you get your earnest money twice, late credits set off, also while the car stands unpaid
    at the store.
    """
    return show_cancellation(service.cancel_order(work, order_raw(input.order_id)))


@mutation(does=Permission.BATCH_MANAGE, refuses=(OrderNotCancellable,), result="CancelOrderByMakerResult")
def cancel_order_by_maker(work: Work, input: CancelOrderByMakerInput) -> Cancellation:  # noqa: A002  # the API's word
    """End an order on the maker's word: the earnest money goes back, and as much again is owed to the buyer."""
    return show_cancellation(service.cancel_order_by_maker(work, order_raw(input.order_id), reason=input.reason))
