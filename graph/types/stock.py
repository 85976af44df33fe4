"""Light inventory: the stock cars of stores, their signed quotes, and the hold while somebody orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson
import strawberry

from configurator.quote_service import QuoteDesk
from factory_orders import queries, service
from factory_orders.errors import StockCarHeld, StockQuoteDead, VinInvalid
from factory_orders.stock import model
from factory_orders.stock.model import Liveness
from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, MoneyInput, read_money, show_minor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

strawberry.enum(Liveness, name="StockQuoteLiveness", description="Whether a stock quote can be taken now, or why not.")


@object_type(reads=Permission.PUBLIC_READ)
class StockCar:
    """A car that stands at a store for nobody: new, or `repaired` after damage past the threshold; the store prices it.

    It is `held` while somebody thinks about it, or while the buyer that a repaired one was built for may still take it.
    """

    vin: str
    store_id: strawberry.ID
    model: str
    options: list[str] = field(at_most=60)
    newness: str
    arrived_at: datetime
    price: Money | None
    held: bool


@object_type(reads=Permission.PUBLIC_READ)
class StockQuoteLine:
    """One line of a stock quote; a guaranteed one never rises."""

    kind: str
    code: str
    text: str
    amount: Money
    guaranteed: bool


@object_type(reads=Permission.PUBLIC_READ)
class StockQuoteDisclosure:
    """Something that happened to the car, and what its repair cost."""

    reason: str
    repair: Money
    at: datetime


@object_type(reads=Permission.PUBLIC_READ)
class StockQuote:
    """A signed quote of one car. `document` is what was signed; `verifyQuote` checks it, and anybody can offline."""

    id: strawberry.ID
    vin: str
    store_id: strawberry.ID
    liveness: Liveness
    lines: list[StockQuoteLine] = field(at_most=20)
    disclosures: list[StockQuoteDisclosure] = field(at_most=20)
    total: Money
    document: str
    key_id: str
    signature: str
    issued_at: datetime
    expires_at: datetime


@object_type(reads=Permission.PUBLIC_READ)
class StockQuoteStanding:
    """What may change of a stock quote: whether it can be taken, and what its store asks for the car now.

    The price is null once the car is gone. All else of a quote was signed and stays.
    """

    id: strawberry.ID
    vin: str
    liveness: Liveness
    price: Money | None


@object_type(reads=Permission.PREORDER)
class StockHold:
    """A car that nobody else can take until `expiresAt`."""

    id: strawberry.ID
    vin: str
    quote_id: strawberry.ID
    held_at: datetime
    expires_at: datetime


@input_type(takes=Permission.DELIVERY_WRITE)
class PriceStockCarInput:
    """A car in your store's stock and what you ask for it, all but taxes, insurance and plate."""

    vin: str
    price: MoneyInput


@input_type(takes=Permission.QUOTE)
class AskStockQuoteInput:
    """A stock car."""

    vin: str


@input_type(takes=Permission.PREORDER)
class HoldStockCarInput:
    """A live quote whose car you want to hold while you order."""

    quote_id: strawberry.ID


@input_type(takes=Permission.PREORDER)
class ReleaseStockCarInput:
    """A hold that you do not need any more."""

    hold_id: strawberry.ID


def show_stock_car(one: model.StockCar) -> StockCar:
    """Return a stock car."""
    return StockCar(
        vin=one.vin,
        store_id=write_id("Store", one.store_id),
        model=one.model,
        options=list(one.options),
        newness=one.newness.word,
        arrived_at=one.arrived_at,
        price=None if one.price_minor is None else show_minor(one.price_minor),
        held=one.held_until is not None,
    )


def show_stock_quote(one: model.StockQuote, liveness: Liveness, locale: str) -> StockQuote:
    """Return a quote with what it is worth now, its texts in a language."""
    word = "zh" if locale.startswith("zh") else "en"
    return StockQuote(
        id=write_id("StockQuote", one.id),
        vin=one.vin,
        store_id=write_id("Store", one.store_id),
        liveness=liveness,
        lines=[
            StockQuoteLine(
                kind=line["kind"],
                code=line["code"],
                text=line[word],
                amount=show_minor(line["amount_minor"]),
                guaranteed=line["guaranteed"],
            )
            for line in one.document["lines"]
        ],
        disclosures=[
            StockQuoteDisclosure(
                reason=told["reason"], repair=show_minor(told["repair_minor"]), at=datetime.fromisoformat(told["at"])
            )
            for told in one.document["disclosures"]
        ],
        total=show_minor(one.total_minor),
        document=orjson.dumps(one.document, option=orjson.OPT_SORT_KEYS).decode(),
        key_id=one.key_id,
        signature=one.signature,
        issued_at=one.issued_at,
        expires_at=one.expires_at,
    )


def read_standings(work: Work, quote_ids: Sequence[str]) -> dict[str, StockQuoteStanding]:
    """Return where quotes stand, by their ids."""
    return {
        key: StockQuoteStanding(
            id=write_id("StockQuote", one.quote_id),
            vin=one.vin,
            liveness=one.liveness,
            price=None if one.price_minor is None else show_minor(one.price_minor),
        )
        for key, one in queries.quotes_standing(work, quote_ids).items()
    }


def _show_hold(one: model.StockHold) -> StockHold:
    return StockHold(
        id=write_id("StockHold", one.id),
        vin=one.vin,
        quote_id=write_id("StockQuote", one.quote_id),
        held_at=one.held_at,
        expires_at=one.expires_at,
    )


@query(reads=Permission.PUBLIC_READ)
def stock_cars(
    work: Work,
    first: int,
    after: Cursor | None = None,
    store_id: strawberry.ID | None = None,
    repaired: bool = False,
) -> Connection[StockCar]:
    """The new cars that stand at stores for nobody, with the stores' prices; with `repaired` the repaired ones."""
    store = raw_id(store_id, "Store") if store_id is not None else None
    page = queries.stock_cars(work, page_request(first, after), store_id=store, repaired=repaired)
    return show_page(page, show_stock_car)


@query(reads=Permission.DELIVERY_READ)
def store_stock(work: Work, first: int, after: Cursor | None = None) -> Connection[StockCar]:
    """What stands at your store for nobody, priced or not, new and repaired."""
    return show_page(queries.own_stock(work, page_request(first, after)), show_stock_car)


@query(reads=Permission.PUBLIC_READ)
def stock_quote(work: Work, request: Request, id: strawberry.ID) -> StockQuote | None:  # noqa: A002  # the API's word
    """A quote of a stock car and whether it is live against the real stock."""
    seen = queries.stock_quote(work, raw_id(id, "StockQuote"))
    return None if seen is None else show_stock_quote(seen.quote, seen.liveness, request.locale)


@query(reads=Permission.PREORDER)
def my_stock_hold(work: Work) -> StockHold | None:
    """The stock car that you hold."""
    found = queries.my_stock_hold(work)
    return None if found is None else _show_hold(found)


@mutation(does=Permission.DELIVERY_WRITE, refuses=(VinInvalid,), result="PriceStockCarResult")
def price_stock_car(work: Work, input: PriceStockCarInput) -> StockCar:  # noqa: A002  # the API's word
    """Name your store's price of a car that stands there for nobody; quotes at another price end."""
    price = read_money(input.price, "price").minor
    return show_stock_car(service.price_stock_car(work, input.vin, price_minor=price))


@mutation(does=Permission.QUOTE, refuses=(VinInvalid,), result="AskStockQuoteResult")
def ask_stock_quote(work: Work, request: Request, input: AskStockQuoteInput) -> StockQuote:  # noqa: A002  # the API's word
    """Get a signed quote of a stock car: every line, and all that happened to the car."""
    desk: QuoteDesk = request.services.quote_desk
    return show_stock_quote(service.ask_stock_quote(work, desk, input.vin), Liveness.LIVE, request.locale)


@mutation(does=Permission.PREORDER, refuses=(StockCarHeld, StockQuoteDead), result="HoldStockCarResult")
def hold_stock_car(work: Work, input: HoldStockCarInput) -> StockHold:  # noqa: A002  # the API's word
    """Hold a stock car for half an hour while you order."""
    return _show_hold(service.hold_stock_car(work, raw_id(input.quote_id, "StockQuote")))


@mutation(does=Permission.PREORDER, result="ReleaseStockCarResult")
def release_stock_car(work: Work, input: ReleaseStockCarInput) -> StockHold:  # noqa: A002  # the API's word
    """Let others have the car that you hold."""
    return _show_hold(service.release_stock_car(work, raw_id(input.hold_id, "StockHold")))
