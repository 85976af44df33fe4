"""A car's papers: the vehicle invoice, an insurance, a plate."""

from __future__ import annotations

from datetime import datetime

import strawberry

from factory_orders import queries, service
from factory_orders.errors import PaperNotPossible, VehicleNotNew
from factory_orders.papers import model
from factory_orders.papers.model import PaperKind, PaperState
from graph.access import input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.orders import order_raw
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

strawberry.enum(PaperKind, description="Which paper.")
strawberry.enum(PaperState, description="Where a paper stands.")


@object_type(reads=Permission.OWN_READ)
class Paper:
    """A paper of an order's car; `amount` is what the invoice is over."""

    id: strawberry.ID
    kind: PaperKind
    state: PaperState
    vin: str
    provider: str
    number: str | None
    reason: str | None
    amount: Money | None
    requested_at: datetime
    answered_at: datetime | None
    voided_at: datetime | None


@input_type(takes=Permission.OWN_WRITE)
class RequestPaperInput:
    """Your order, and the paper that you want for its car: an insurance or a plate."""

    order_id: strawberry.ID
    kind: PaperKind


def show_paper(one: model.Paper) -> Paper:
    """Return a paper."""
    request = one.request
    return Paper(
        id=write_id("Paper", request.paper_id),
        kind=request.kind,
        state=one.state,
        vin=request.vin,
        provider=one.provider,
        number=one.number,
        reason=one.reason,
        amount=show_minor(request.amount_minor) if request.kind is PaperKind.VEHICLE_INVOICE else None,
        requested_at=one.requested_at,
        answered_at=one.answered_at,
        voided_at=one.voided_at,
    )


@query(reads=Permission.OWN_READ)
def order_papers(work: Work, order_id: strawberry.ID, first: int, after: Cursor | None = None) -> Connection[Paper]:
    """The papers of your order's car, newest first; a store reads those of the cars that it hands over."""
    raw = order_raw(order_id)
    if raw == "none":
        raw = raw_id(order_id, "Delivery")
    return show_page(queries.papers_of_order(work, raw, page_request(first, after)), show_paper)


@mutation(does=Permission.OWN_WRITE, refuses=(PaperNotPossible, VehicleNotNew), result="RequestPaperResult")
def request_paper(work: Work, input: RequestPaperInput) -> Paper:  # noqa: A002  # the API's word
    """Ask for the insurance or the plate of your car; the invoice comes by itself once the car is paid."""
    return show_paper(service.request_paper(work, order_raw(input.order_id), input.kind))
