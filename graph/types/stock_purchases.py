"""Buying a stock car: a signed contract, the deposit, and the order that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import orjson
import strawberry
from strawberry.types import Info

from factory_orders import queries, service
from factory_orders.errors import StockHoldOver, StockQuoteDead
from factory_orders.stock import model
from factory_orders.stock.model import PurchaseState
from graph.access import input_type, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types import orders, payments
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, show_page
from graph.types.timelines import TimelineEntry, load_purchase_timelines
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.payments import (
    AuthorisationExpired,
    AuthorisationNotYours,
    PaymentAlreadyMade,
    PaymentAmountMismatch,
    PaymentSignatureInvalid,
)
from kernel.work import Work

strawberry.enum(PurchaseState, name="StockPurchaseState", description="Where a purchase of a stock car stands.")


@object_type(reads=Permission.PREORDER)
class StockPurchase:
    """Your purchase of a car that you hold: good once the deposit is there, and an order from then on.

    `contract` is what was signed, the quote in it; anybody can verify it offline.
    """

    id: strawberry.ID
    vin: str
    store_id: strawberry.ID
    quote_id: strawberry.ID
    state: PurchaseState
    deposit: Money
    payable_until: datetime
    placed_at: datetime
    order_id: strawberry.ID | None
    contract: str
    key_id: str
    signature: str
    raw: strawberry.Private[model.StockPurchase]
    became: strawberry.Private[orders.Order | None] = None

    @resolved(about="The order that it became, with the car, its handover and its balance; null before.")
    async def order(self, info: Info[Request, None]) -> orders.Order | None:
        """Load the order."""
        return cast("orders.Order | None", await info.context.load("orders", orders.load_orders, self.raw.id))

    @resolved(about="Everything that happened, from the contract to the handover.", at_most=30)
    async def timeline(self, info: Info[Request, None]) -> list[TimelineEntry]:
        """Load the timeline."""
        found = await info.context.load("purchase_timelines", load_purchase_timelines, self.raw.id)
        return cast("list[TimelineEntry]", found or [])

    @resolved(about="What was to be paid for it, and what was.", reads=Permission.OWN_READ)
    async def payments(self, info: Info[Request, None]) -> list[payments.Payment]:
        """Load the payments."""
        found = await info.context.load("payments", payments.load_payments, self.raw.id)
        return cast("list[payments.Payment]", found or [])


@input_type(takes=Permission.PREORDER)
class BuyStockCarInput:
    """A hold of yours; with an authorisation over exactly the deposit the car is bound to you at once.

    Without one a payment is asked for, which has to come before the hold ends. The same idempotency key answers the
    same purchase.
    """

    idempotency_key: str
    hold_id: strawberry.ID
    authorisation: str | None = None


def show_purchase(one: model.StockPurchase) -> StockPurchase:
    """Return a purchase."""
    return StockPurchase(
        id=write_id("StockPurchase", one.id),
        vin=one.vin,
        store_id=write_id("Store", one.store_id),
        quote_id=write_id("StockQuote", one.quote_id),
        state=one.state,
        deposit=show_minor(one.deposit_minor),
        payable_until=one.payable_until,
        placed_at=one.placed_at,
        order_id=write_id("Order", one.id) if one.state is PurchaseState.BOUGHT else None,
        contract=orjson.dumps(one.contract, option=orjson.OPT_SORT_KEYS).decode(),
        key_id=one.key_id,
        signature=one.signature,
        raw=one,
    )


def load_purchases(work: Work, purchase_ids: Sequence[str]) -> dict[str, StockPurchase]:
    """Return purchases by their ids, whoever's they are."""
    return {key: show_purchase(one) for key, one in queries.purchases_by_id(work, purchase_ids).items()}


@query(reads=Permission.PREORDER)
def my_stock_purchases(work: Work, first: int, after: Cursor | None = None) -> Connection[StockPurchase]:
    """Your purchases of stock cars, newest first."""
    return show_page(queries.own_stock_purchases(work, page_request(first, after)), show_purchase)


@mutation(
    does=Permission.PREORDER,
    refuses=(
        StockHoldOver,
        StockQuoteDead,
        PaymentSignatureInvalid,
        PaymentAmountMismatch,
        PaymentAlreadyMade,
        AuthorisationNotYours,
        AuthorisationExpired,
    ),
    result="BuyStockCarResult",
)
async def buy_stock_car(request: Request, input: BuyStockCarInput) -> StockPurchase:  # noqa: A002  # the API's word
    """Buy the stock car that you hold; its contract is signed and durable before this answers."""
    asked = service.BuyRequest(input.idempotency_key, raw_id(input.hold_id, "StockHold"), input.authorisation)
    desk, providers = request.services.quote_desk, request.services.providers
    return show_purchase(await request.change(lambda work: service.buy_stock_car(work, desk, providers, asked)))
